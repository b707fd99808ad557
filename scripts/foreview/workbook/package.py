"""What the XML of a workbook says: its sheets, shared strings, styles and comments.

A second look beside calamine's values (`foreview.workbook.looks`). ECMA-376 part 1, 18.2 (the
workbook), 18.4 (shared strings), 18.7 (comments), 18.8 (styles).
"""

from __future__ import annotations

import html
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import IO
from zipfile import BadZipFile, ZipFile

from foreview.workbook.addresses import ADDRESS, column_number
from foreview.workbook.archive import MACRO_PARTS
from foreview.workbook.number_formats import BUILT_IN
from foreview.workbook.sheet_rows import DamagedError, Layout, Run, XmlRow, in_order
from foreview.workbook.sheet_xml import CHUNK, SheetParser, feed, new_parser

_BROKEN = (BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)
"""What a zip file raises whose bytes are not what its directory says."""
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


_TEXT = r"[^<&\r]*+(?:&(?:amp|lt|gt|quot|apos);[^<&\r]*+)*+"
_STRINGS_HEAD = re.compile(rb"""(?:<\?xml [^<>]*encoding=["']UTF-8["'][^<>]*\?>\s*)?<sst [^<>]*>""")
_STRINGS_TAIL = re.compile(rb"</sst>\s*")
_PLAIN_STRINGS = re.compile(rf'(?:<si><t(?: xml:space="preserve")?>{_TEXT}</t></si>)*+'.encode())
"""Shared strings without runs, phonetics and rarer entities; expat takes the others."""
_PIECE = 1 << 22


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


def _texts_of(xml: str) -> list[str]:
    """Return the texts of plain shared strings."""
    if not xml:
        return []
    xml = xml.replace('<t xml:space="preserve">', "<t>")
    texts = xml[len("<si><t>") : -len("</t></si>")].split("</t></si><si><t>")
    return [html.unescape(one) if "&" in one else one for one in texts]


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

    def __init__(self, file: IO[bytes]) -> None:
        """Read all parts but the sheets, which are read from the file when they are needed.

        Raises:
            DamagedError: A part is missing, no XML, or not what the zip's directory says.
        """
        try:
            self._archive = ZipFile(file)
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

    def rows(self, sheet: Sheet) -> Iterator[XmlRow]:
        """Yield a sheet's rows that hold something, in the file's order; `runs` raises the same."""
        for runs in self.runs(sheet):
            yield from in_order(runs)

    def runs(self, sheet: Sheet, layout: Layout | None = None) -> Iterator[list[Run]]:
        """Yield a sheet's rows that hold something, part by part.

        Args:
            sheet: One of `sheets`.
            layout: Filled with what the sheet says around its cells, when given.

        Raises:
            DamagedError: It is no sheet, or rows or cells are not in order.
        """
        parser = SheetParser(self.strings, self.formats, layout or Layout())
        try:
            for chunk in self.pieces(sheet.part, CHUNK):
                yield parser.feed(chunk)
            yield parser.feed(b"")
        except (KeyError, ValueError) as error:
            raise DamagedError(f"sheet {sheet.name}: {error}") from error

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

    def pieces(self, part: str, size: int) -> Iterator[bytes]:
        """Yield the bytes of a part, so many at a time.

        Raises:
            DamagedError: It is missing, or not what the zip's directory says.
        """
        try:
            with self._open(part) as file:
                yield from iter(lambda: file.read(size), b"")
        except _BROKEN as error:
            raise DamagedError(f"{part}: {error}") from error

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
        codes = dict(BUILT_IN)
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
        if part is None:
            return []
        plain = self._plain_strings(part)
        return self._odd_strings(part) if plain is None else plain

    def _plain_strings(self, part: str) -> list[str] | None:
        """Return the shared strings, None where one is not plain text."""
        strings: list[str] = []
        pieces = self.pieces(part, _PIECE)
        text = next(pieces, b"")
        head = _STRINGS_HEAD.match(text)
        if not head:
            return None
        text = text[head.end() :]
        for piece in chain(pieces, [b""]):
            end = text.rfind(b"</si>") + len(b"</si>") if b"</si>" in text else 0
            whole, text = text[:end], text[end:] + piece
            if not _PLAIN_STRINGS.fullmatch(whole):
                return None
            try:
                strings += _texts_of(whole.decode("utf-8"))
            except ValueError as error:
                raise DamagedError(f"{part}: {error}") from error
        return strings if _STRINGS_TAIL.fullmatch(text) else None

    def _odd_strings(self, part: str) -> list[str]:
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

        self._parse(part, start, end)
        return strings

    def _parse(
        self,
        part: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str, str], None] | None = None,
    ) -> None:
        """Parse a part with local names; `end` is given an element's own text."""
        parser = new_parser()
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
                for chunk in iter(lambda: file.read(CHUNK), b""):
                    feed(parser, chunk)
            feed(parser, b"", is_final=True)
        except (*_BROKEN, KeyError, ValueError) as error:
            raise DamagedError(f"{part}: {error}") from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _place(address: str) -> tuple[int, int]:
    """Return row and column of an address, counted from 1."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise DamagedError(f"there is no cell {address}")
    return int(found[2]), column_number(found[1])
