"""Streams the XML of one sheet: its cells with their types, and what Excel hides.

ECMA-376 part 1, 18.3. All rows go through expat, but for those whose XML is, apart from row number
and values, that of a plain row that went through it: those are told by a regular expression made
of that row, and expat gets a document without them. No DTD is let in, so that no entity can be
declared.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from xml.parsers import expat

from foreview.workbook.addresses import ADDRESS, column_number
from foreview.workbook.row_templates import RowTemplates
from foreview.workbook.sheet_rows import Cell, DamagedError, Layout, Run, Shapes, XmlRow, run_of

CHUNK = 1 << 18
_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_ROWS_BEGIN = "<sheetData>"
_MOST_WAITING = 1 << 22
"""Characters that may wait for the end of a row, or for the first."""
_OTHER_ENCODING = re.compile(
    rb"""\xff\xfe|\xfe\xff|<\?xml [^>]*encoding=["'](?![Uu][Tt][Ff]-8["'])"""
)
_HEAD = re.compile(
    rf'(?:<\?xml [^<>]*\?>\s*)?<worksheet [^<>]*\bxmlns="(?:{"|".join(map(re.escape, _MAIN))})"'
)


def new_parser() -> expat.XMLParserType:
    """Return an expat parser that lets no document type in; names have their namespace first."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = CHUNK

    def refuse(*_: object) -> None:
        raise DamagedError("it declares a document type, which no workbook has")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def feed(parser: expat.XMLParserType, chunk: bytes | str, *, is_final: bool = False) -> None:
    """Give a parser its next bytes or characters.

    Raises:
        DamagedError: They are no XML.
    """
    try:
        parser.Parse(chunk, is_final)
    except expat.ExpatError as error:
        raise DamagedError(str(error)) from error


class SheetParser:
    """Gathers the rows of one sheet while its XML streams by."""

    def __init__(self, strings: list[str], formats: list[str], layout: Layout) -> None:
        """Begin a sheet of a workbook with these shared strings and number formats by style."""
        self._strings, self._formats, self._layout = strings, formats, layout
        self._rows: list[XmlRow] = []
        self._row = self._column = 0
        self._is_hidden = False
        self._cells: list[Cell] = []
        self._attributes: Mapping[str, str] = {}
        self._value: str | None = None
        self._formula: str | None = None
        self._inline: list[str] = []
        self._texts: list[str] = []
        self._phonetic = 0
        self._shapes = Shapes()
        self._templates = RowTemplates(strings, self._shapes)
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
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_first = self._is_plain = self._is_utf8 = True
        self._in_rows = False
        self._buffer = ""
        self.expat = new_parser()
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self._chars = self._texts.append

    def feed(self, chunk: bytes) -> list[Run]:
        """Take the next bytes of the sheet, none at its end, and return the rows that are whole.

        All of them come before those of the next bytes.

        Raises:
            ValueError: It is no sheet, or rows or cells are not in order.
        """
        if self._is_first:
            self._is_first = False
            self._is_utf8 = not _OTHER_ENCODING.match(chunk)
        if not self._is_utf8:
            feed(self.expat, chunk, is_final=not chunk)
        else:
            text = self._decoder.decode(chunk, not chunk)
            if self._is_plain:
                self._buffer += text
                text = self._take_apart(is_final=not chunk)
            feed(self.expat, text, is_final=not chunk)
        rows, self._rows = self._rows, []
        return [*map(run_of, rows), *self._templates.taken()]

    def _take_apart(self, *, is_final: bool) -> str:
        """Take rows from the buffer and return what comes after them, for expat.

        The buffer keeps what can't be told yet; once there is something else than rows, all the
        rest is for expat.
        """
        text, self._buffer, at = self._buffer, "", 0
        if not self._in_rows:
            at = text.find(_ROWS_BEGIN) + len(_ROWS_BEGIN)
            if at < len(_ROWS_BEGIN) and not is_final and len(text) < _MOST_WAITING:
                self._buffer = text
                return ""
            if at < len(_ROWS_BEGIN) or not _HEAD.match(text) or "<!" in text[:at]:
                self._is_plain = False
                return text
            feed(self.expat, text[:at])
            self._in_rows = True
        while text.startswith("<row", at):
            begin, (at, self._row) = at, self._templates.match(text, at, self._row)
            if at > begin:
                continue
            end = text.find("</row>", at) + len("</row>")
            row = text[at:end] if end >= len("</row>") else text[at:]
            if "<!" in row or "<?" in row or len(row) > _MOST_WAITING:
                break  # what looks like a row after it may be none
            if end < len("</row>"):
                if is_final:
                    break
                self._buffer = row
                return ""
            count = len(self._rows)
            feed(self.expat, row)
            self._templates.learn(row, self._rows[count:])
            at = end
        if not is_final and len(text) - at < len("<row"):
            self._buffer = text[at:]
            return ""
        self._is_plain = False
        return text[at:]

    def _text_of(self, kind: str, value: str, inline: str) -> str:
        if kind == "inlineStr":
            return inline
        if kind != "s" or not value:
            return value
        place = int(value)
        if not 0 <= place < len(self._strings):
            raise DamagedError(f"there is no shared string {value}")
        return self._strings[place]

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
            found = ADDRESS.fullmatch(address)
            if found is None or int(found[2]) != self._row:
                raise DamagedError(f"the cell {address} is in row {self._row}")
            column = column_number(found[1])
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
            text = self._text_of("s", value, "")
            return ("string", text) if text else ("blank", "")
        names = {"str": "string", "n": "number", "b": "boolean", "e": "error", "d": "date"}
        if kind not in names:
            raise DamagedError(f"there is no cell type {kind}")
        return names[kind], value

    def _end_row(self) -> None:
        if self._cells:
            self._rows.append(self._shapes.row_of(self._row, self._is_hidden, self._cells))
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
