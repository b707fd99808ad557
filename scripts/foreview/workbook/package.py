"""What the XML of a workbook says, streamed: cells with their types, and what Excel hides.

A second look beside calamine's values (`foreview.workbook.looks`). ECMA-376 part 1, 18.3 (sheets),
18.4 (shared strings), 18.8 (styles). No DTD is let in, so that no entity can be declared.
"""

from __future__ import annotations

import io
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, NamedTuple
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from openpyxl.styles.numbers import BUILTIN_FORMATS

from foreview.workbook.archive import MACRO_PARTS

_CHUNK = 1 << 16
_BROKEN = (BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)
"""What a zip file raises whose bytes are not what its directory says."""
_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
OUR_AUTHORS = ("Foreview", "Foreview check")
"""Authors of the comments that Foreview writes: notes on headings, and errors."""
_EXTRAS = {
    "xl/externalLinks/": "links to other workbooks",
    "xl/embeddings/": "embedded objects (OLE)",
    "xl/connections.xml": "data connections",
    "xl/queryTables/": "queries",
    "xl/activeX/": "ActiveX controls",
    "customUI/": "changes to Excel's menus",
    **dict.fromkeys(MACRO_PARTS, "macros"),
}


class DamagedError(ValueError):
    """The XML is not that of a workbook."""


class Cell(NamedTuple):
    """One cell that holds something.

    Attributes:
        column: Its column, counted from 1.
        kind: `string`, `number`, `boolean`, `error`, `date` (ISO 8601), or `blank` for a
            formula whose value the file doesn't have.
        text: The value as the file spells it; strings with `_xHHHH_` escapes.
        number_format: Excel's format code.
        formula: The formula without its `=`; None without one, empty when another cell has it.
    """

    column: int
    kind: str
    text: str
    number_format: str
    formula: str | None


class SheetRow(NamedTuple):
    """A row of a sheet that holds something: its number, whether it is hidden, its cells."""

    number: int
    is_hidden: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Sheet:
    """A sheet as the workbook lists it.

    Attributes:
        name: Its name.
        state: `visible`, `hidden` or `veryHidden`.
        part: Its part in the zip file.
    """

    name: str
    state: str
    part: str


@dataclass
class Layout:
    """What a sheet says around its cells; whole when all its rows were read.

    Attributes:
        dimension: The extent that it claims.
        hidden_columns: First and last column of each hidden run.
        merged: Ranges of merged cells.
        filter_range: The range of its filter, or empty.
    """

    dimension: str = ""
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    filter_range: str = ""


class Package:
    """A workbook file, opened; sheets are streamed.

    Attributes:
        book_part: The part that lists its sheets.
        sheets: Its sheets with cells, in order.
        is_1904: Whether days are counted from 1904.
        formats: The number format of each style.
        strings: The shared strings, as the file spells them.
        extras: What else is in it that a table has no use for, in words.
    """

    def __init__(self, content: bytes) -> None:
        """Read all parts but the sheets.

        Raises:
            DamagedError: A part is missing, no XML, or not what the zip's directory says.
        """
        try:
            self._archive = ZipFile(io.BytesIO(content))
        except BadZipFile as error:
            raise DamagedError(str(error)) from error
        self._names = {name.lower(): name for name in self._archive.namelist()}
        self.book_part = self._workbook_part()
        targets = self._targets(self.book_part)
        self.is_1904 = False
        self.sheets: list[Sheet] = []
        self._read_book(self.book_part, {id_: path for id_, (path, _) in targets.items()})
        self._by_kind = {kind: path for path, kind in targets.values()}
        self.formats = self._read_formats(self.part_of_kind("styles"))
        self.strings = self._read_strings(self.part_of_kind("sharedStrings"))
        lower = {prefix.lower(): words for prefix, words in _EXTRAS.items()}
        self.extras = tuple(
            dict.fromkeys(
                words
                for name in sorted(self._names)
                for prefix, words in lower.items()
                if name.startswith(prefix)
            )
        )

    def rows(self, sheet: Sheet, layout: Layout | None = None) -> Iterator[SheetRow]:
        """Yield a sheet's rows that hold something, in the file's order.

        Args:
            sheet: One of `sheets`.
            layout: Filled with what the sheet says around its cells, when given.

        Raises:
            DamagedError: It is no sheet, or rows or cells are not in order.
        """
        parser = _SheetParser(self.strings, self.formats, layout or Layout())
        try:
            with self._open(sheet.part) as file:
                for chunk in iter(lambda: file.read(_CHUNK), b""):
                    _feed(parser.expat, chunk)
                    yield from parser.taken()
            _feed(parser.expat, b"", is_final=True)
        except (*_BROKEN, KeyError, ValueError) as error:
            raise DamagedError(f"sheet {sheet.name}: {error}") from error
        yield from parser.taken()

    def comments(self, sheet: Sheet) -> dict[tuple[int, int], str]:
        """Return the comments on a sheet's cells by row and column, but Foreview's own.

        Raises:
            DamagedError: They can't be parsed.
        """
        found: dict[tuple[int, int], str] = {}
        for kind, part in self.parts_of(sheet.part).items():
            if kind == "comments":
                found |= self._read_comments(part)
        return found

    def _read_comments(self, part: str) -> dict[tuple[int, int], str]:
        authors: list[str] = []
        said: list[tuple[str, int, str]] = []
        runs: list[str] = []
        current = ("", 0)

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            nonlocal current
            if tag == "comment":
                current = attributes.get("ref", ""), int(attributes.get("authorId", "0"))
                runs.clear()

        def end(tag: str, text: str) -> None:
            if tag == "author":
                authors.append(text)
            elif tag == "t":
                runs.append(text)
            elif tag == "comment":
                said.append((*current, "".join(runs).strip()))

        self._parse(part, start, end)
        ours = {number for number, name in enumerate(authors) if name in OUR_AUTHORS}
        return {_place(ref): text for ref, author, text in said if author not in ours}

    def part_of_kind(self, kind: str) -> str | None:
        """Return the workbook's part of a kind, `styles` or `sharedStrings`; None without one."""
        return self._by_kind.get(kind)

    def parts_of(self, part: str) -> dict[str, str]:
        """Return the parts that a part refers to, by kind."""
        return {kind: path for path, kind in self._targets(part).values()}

    def _open(self, part: str) -> IO[bytes]:
        name = self._names.get(part.lower())
        if name is None:
            raise DamagedError(f"the part {part} is missing")
        return self._archive.open(name)

    def _workbook_part(self) -> str:
        for path, kind in self._targets("").values():
            if kind == "officeDocument":
                return path
        raise DamagedError("it names no workbook")

    def _targets(self, part: str) -> dict[str, tuple[str, str]]:
        """Return path and kind of each relationship of a part by its id."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                path = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (posixpath.normpath(path).lstrip("/"), kind)

        links = posixpath.join(folder, "_rels", f"{name}.rels")
        if links.lower() in self._names or not part:  # a part need not have any
            self._parse(links, start)
        return found

    def _read_book(self, part: str, targets: Mapping[str, str]) -> None:
        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "workbookPr":
                self.is_1904 = attributes.get("date1904", "0") in ("1", "true", "on")
            elif tag == "sheet":
                path = targets.get(attributes.get("id", ""), "")
                if "/chartsheets/" in path or "/dialogsheets/" in path or "/macrosheets/" in path:
                    return
                state = attributes.get("state", "visible")
                self.sheets.append(Sheet(attributes.get("name", ""), state, path))

        self._parse(part, start)

    def _read_formats(self, part: str | None) -> list[str]:
        codes = dict(BUILTIN_FORMATS)
        formats: list[str] = []
        in_cells = False

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            nonlocal in_cells
            if tag == "numFmt":
                codes[int(attributes["numFmtId"])] = attributes["formatCode"]
            elif tag in ("cellXfs", "cellStyleXfs"):
                in_cells = tag == "cellXfs"
            elif tag == "xf" and in_cells:
                formats.append(codes.get(int(attributes.get("numFmtId", "0")), "General"))

        def end(tag: str, _text: str) -> None:
            nonlocal in_cells
            if tag == "cellXfs":
                in_cells = False

        if part is not None:
            self._parse(part, start, end)
        return formats or ["General"]

    def _read_strings(self, part: str | None) -> list[str]:
        strings: list[str] = []
        runs: list[str] = []
        phonetic = 0

        def start(tag: str, _attributes: Mapping[str, str]) -> None:
            nonlocal phonetic
            if tag == "si":
                runs.clear()
            elif tag == "rPh":
                phonetic += 1

        def end(tag: str, text: str) -> None:
            nonlocal phonetic
            if tag == "t" and not phonetic:
                runs.append(text)
            elif tag == "rPh":
                phonetic -= 1
            elif tag == "si":
                strings.append("".join(runs))

        if part is not None:
            self._parse(part, start, end)
        return strings

    def _parse(
        self,
        part: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str, str], None] | None = None,
    ) -> None:
        """Parse a part with local names; `end` is given an element's own text."""
        parser = _parser()
        texts: list[str] = []

        def started(tag: str, attributes: Mapping[str, str]) -> None:
            texts.clear()
            start(_local(tag), {_local(name): value for name, value in attributes.items()})

        def ended(tag: str) -> None:
            if end is not None:
                end(_local(tag), "".join(texts))
            texts.clear()

        parser.StartElementHandler = started
        parser.EndElementHandler = ended
        if end is not None:
            parser.CharacterDataHandler = texts.append
        try:
            with self._open(part) as file:
                for chunk in iter(lambda: file.read(_CHUNK), b""):
                    _feed(parser, chunk)
            _feed(parser, b"", is_final=True)
        except (*_BROKEN, KeyError, ValueError) as error:
            raise DamagedError(f"{part}: {error}") from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = _CHUNK

    def refuse(*_: object) -> None:
        raise DamagedError("it declares a document type, which no workbook has")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, chunk: bytes, *, is_final: bool = False) -> None:
    try:
        parser.Parse(chunk, is_final)
    except expat.ExpatError as error:
        raise DamagedError(str(error)) from error


class _SheetParser:
    """Gathers the rows of one sheet while its XML streams by."""

    def __init__(self, strings: list[str], formats: list[str], layout: Layout) -> None:
        self._strings, self._formats, self._layout = strings, formats, layout
        self._rows: list[SheetRow] = []
        self._row = self._column = 0
        self._is_hidden = False
        self._cells: list[Cell] = []
        self._attributes: Mapping[str, str] = {}
        self._value: str | None = None
        self._formula: str | None = None
        self._inline: list[str] = []
        self._texts: list[str] = []
        self._phonetic = 0
        starts = {
            "row": self._start_row,
            "c": self._start_cell,
            "rPh": self._start_phonetic,
            "dimension": self._see_dimension,
            "col": self._see_column,
            "mergeCell": self._see_merge,
            "autoFilter": self._see_filter,
        }
        texts = {"v": self._end_value, "f": self._end_formula, "t": self._end_text}
        ends = {"row": self._end_row, "c": self._end_cell, "rPh": self._end_phonetic, **texts}
        self._starts = {f"{main} {tag}": call for main in _MAIN for tag, call in starts.items()}
        self._ends = {f"{main} {tag}": call for main in _MAIN for tag, call in ends.items()}
        self._texts_in = {f"{main} {tag}" for main in _MAIN for tag in texts}
        self.expat = _parser()
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self._chars = self._texts.append

    def taken(self) -> list[SheetRow]:
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in self._texts_in:
            self._texts.clear()
            self.expat.CharacterDataHandler = self._chars
            return
        call = self._starts.get(tag)
        if call is not None:
            call(attributes)

    def _end(self, tag: str) -> None:
        call = self._ends.get(tag)
        if call is not None:
            call()

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        number = int(attributes.get("r", self._row + 1))
        if number <= self._row:
            raise DamagedError(f"row {number} follows row {self._row}")
        self._row, self._column = number, 0
        self._is_hidden = attributes.get("hidden", "0") in ("1", "true")

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        address = attributes.get("r")
        if address is None:
            column = self._column + 1
        else:
            found = _ADDRESS.fullmatch(address)
            if found is None or int(found[2]) != self._row:
                raise DamagedError(f"the cell {address} is in row {self._row}")
            column = _column_number(found[1])
        if column <= self._column:
            raise DamagedError(f"in row {self._row} the column {column} is out of order")
        self._column = column
        self._attributes = attributes
        self._value = self._formula = None
        self._inline.clear()

    def _start_phonetic(self, _attributes: Mapping[str, str]) -> None:
        self._phonetic += 1

    def _end_phonetic(self) -> None:
        self._phonetic -= 1

    def _text(self) -> str:
        self.expat.CharacterDataHandler = None
        return "".join(self._texts)

    def _end_value(self) -> None:
        self._value = self._text()

    def _end_formula(self) -> None:
        self._formula = self._text()

    def _end_text(self) -> None:
        text = self._text()
        if not self._phonetic:
            self._inline.append(text)

    def _end_cell(self) -> None:
        kind, text = self._typed(self._attributes.get("t", "n"))
        if kind == "blank" and self._formula is None:
            return
        style = int(self._attributes.get("s") or "0")
        if not 0 <= style < len(self._formats):
            raise DamagedError(f"there is no style {style}")
        self._cells.append(Cell(self._column, kind, text, self._formats[style], self._formula))

    def _typed(self, kind: str) -> tuple[str, str]:
        if kind == "inlineStr":
            text = "".join(self._inline)
            return ("string", text) if text else ("blank", "")
        value = self._value
        if not value:
            return "blank", ""
        if kind == "s":
            place = int(value)
            if not 0 <= place < len(self._strings):
                raise DamagedError(f"there is no shared string {value}")
            text = self._strings[place]
            return ("string", text) if text else ("blank", "")
        names = {"str": "string", "n": "number", "b": "boolean", "e": "error", "d": "date"}
        if kind not in names:
            raise DamagedError(f"there is no cell type {kind}")
        return names[kind], value

    def _end_row(self) -> None:
        if self._cells:
            self._rows.append(SheetRow(self._row, self._is_hidden, self._cells))
            self._cells = []

    def _see_dimension(self, attributes: Mapping[str, str]) -> None:
        self._layout.dimension = attributes.get("ref", "")

    def _see_column(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("hidden", "0") in ("1", "true"):
            run = (int(attributes["min"]), int(attributes["max"]))
            self._layout.hidden_columns.append(run)

    def _see_merge(self, attributes: Mapping[str, str]) -> None:
        self._layout.merged.append(attributes.get("ref", ""))

    def _see_filter(self, attributes: Mapping[str, str]) -> None:
        self._layout.filter_range = attributes.get("ref", "")


def _place(address: str) -> tuple[int, int]:
    """Return row and column of an address, counted from 1."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise DamagedError(f"there is no cell {address}")
    return int(found[2]), _column_number(found[1])


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
