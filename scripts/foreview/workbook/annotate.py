"""An annotated copy of an analyst's own workbook: every problem at its cell.

The file is never loaded and saved, which would lose what the library does not know. Its parts are
copied byte by byte; what is added is put beside them: a sheet of errors with links, a conditional
format that colours the cells, and comments. Where a part is not spelled as Excel, LibreOffice and
openpyxl spell it, colour or comments are left out; the sheet of errors is always there.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.utils import quote_sheetname
from openpyxl.utils.cell import coordinate_to_tuple

from foreview.errors import Problem
from foreview.whole_files import replacing
from foreview.workbook import layout
from foreview.workbook.archive import MAX_UNPACKED_BYTES, damaged, read_archive
from foreview.workbook.package import OUR_AUTHORS, Package, Sheet
from foreview.workbook.sheet_rows import DamagedError

ERRORS = "Errors"
"""The sheet of errors."""
MOST_COMMENTS = 2_000

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_RULE = '"foreview"="foreview"'
_OURS = re.compile(
    rb"<conditionalFormatting [^>]*>\s*<cfRule [^>]*>\s*<formula>"
    rb'(?:"|&quot;)foreview(?:"|&quot;)=(?:"|&quot;)foreview(?:"|&quot;)'
    rb"</formula>\s*</cfRule>\s*</conditionalFormatting>"
)
_AFTER_FORMATS = re.compile(
    rb"<(?:conditionalFormatting|dataValidations|hyperlinks|printOptions|pageMargins|pageSetup|"
    rb"headerFooter|rowBreaks|colBreaks|customProperties|cellWatches|ignoredErrors|smartTags|"
    rb"drawing|legacyDrawing|legacyDrawingHF|picture|oleObjects|controls|webPublishItems|"
    rb"tableParts|extLst)\b|</worksheet>"
)
_RED = (
    '<dxf><fill><patternFill patternType="solid"><bgColor rgb="FFFFC7CE"/></patternFill></fill>'
    "</dxf>"
)
_ERROR_COMMENT = re.compile(
    rb'<comment [^>]*ref="(\w+)"[^>]*>\s*<text>\s*<t[^>]*>Error: .*?</comment>', re.DOTALL
)
_SHAPE = re.compile(rb"<(\w+:shape)\b.*?</\1>", re.DOTALL)
_PLACE = re.compile(r"(?P<sheet>.+)!(?P<column>[A-Z]{1,3})?(?P<row>\d+)?(:[A-Z]{1,3}\d+)?")
_ROW_COLUMN = "B"
"""Where an error of a whole row is marked: its action. The first column is hidden."""
_RANGES_A_RULE = 200


def write_annotated(source: Path, problems: Sequence[Problem], path: Path) -> None:
    """Write a copy of a workbook with problems at their cells.

    Args:
        source: The analyst's file.
        problems: What is wrong; those that are at no cell are only in the sheet of errors.
        path: The file to write; replaced when it is there.

    Raises:
        RefusedError: The file can't be read.
        OSError: The copy can't be written; what was there before is still there.
    """
    try:
        parts = _Parts(read_archive(source, MAX_UNPACKED_BYTES))
    except DamagedError as error:
        raise damaged(source, str(error)) from error
    by_sheet: dict[str, dict[str, list[Problem]]] = {}
    for problem in problems:
        found = _PLACE.fullmatch(problem.where)
        if found and (found["column"] or found["row"]):
            cell = f"{found['column'] or _ROW_COLUMN}{found['row'] or 1}"
            by_sheet.setdefault(found["sheet"], {}).setdefault(cell, []).append(problem)
    red = parts.add_colour()
    for sheet in parts.package.sheets:
        cells = by_sheet.get(sheet.name, {})
        parts.colour(sheet, list(cells), red)
        parts.comment(sheet, cells)
    parts.write_errors(problems)
    parts.save(path)


class _Parts:
    """The parts of a workbook file, some of them replaced."""

    def __init__(self, content: bytes) -> None:
        self.package = Package(io.BytesIO(content))
        self._source = ZipFile(io.BytesIO(content))
        self._names = {name.lower(): name for name in self._source.namelist()}
        self._new: dict[str, bytes] = {}

    def read(self, part: str) -> bytes:
        name = self._names.get(part.lower(), part)
        return self._new[name] if name in self._new else self._source.read(name)

    def write(self, part: str, content: bytes) -> None:
        self._new[self._names.setdefault(part.lower(), part)] = content

    def save(self, path: Path) -> None:
        with replacing(path) as partial, ZipFile(partial, "w", ZIP_DEFLATED) as archive:
            for entry in self._source.infolist():
                if entry.filename not in self._new:
                    archive.writestr(entry.filename, self._source.read(entry))
            for name, content in self._new.items():
                archive.writestr(name, content)

    def add_colour(self) -> int | None:
        """Return the number of a red fill among the styles, None where it can't be added."""
        part = self.package.part_of_kind("styles")
        xml = self.read(part) if part else b""
        if _RED.encode() in xml:
            return xml[: xml.index(_RED.encode())].partition(b"<dxfs")[2].count(b"<dxf>")
        found = re.search(rb"<dxfs\b[^>]*?(?:/>|>(.*?)</dxfs>)", xml, re.DOTALL)
        end = re.search(rb"</cellStyles>|<cellStyles\b[^>]*/>", xml)
        if part is None or (found is None and end is None):
            return None
        inner = (found[1] or b"") if found else b""
        count = len(re.findall(rb"<dxf\b", inner))
        block = b'<dxfs count="%d">%s%s</dxfs>' % (count + 1, inner, _RED.encode())
        start, stop = found.span() if found else (end.end(), end.end()) if end else (0, 0)
        self.write(part, xml[:start] + block + xml[stop:])
        return count

    def colour(self, sheet: Sheet, cells: Sequence[str], red: int | None) -> None:
        """Colour these cells of a sheet, and no others that were coloured before."""
        xml = self.read(sheet.part)
        tail = xml.rfind(b"</sheetData>")
        tail = tail if tail >= 0 else xml.rfind(b"<sheetData/>")
        if tail < 0:
            return
        body, rest = xml[:tail], _OURS.sub(b"", xml[tail:])
        place = _AFTER_FORMATS.search(rest)
        if place is None:
            return
        rules = b""
        for start in range(0, len(cells) if red is not None else 0, _RANGES_A_RULE):
            some = " ".join(cells[start : start + _RANGES_A_RULE])
            rules += (
                f'<conditionalFormatting sqref="{some}"><cfRule type="expression" dxfId="{red}" '
                f'priority="1"><formula>{_RULE}</formula></cfRule></conditionalFormatting>'
            ).encode()
        rest = rest[: place.start()] + rules + rest[place.start() :]
        if body + rest != xml:
            self.write(sheet.part, body + rest)

    def comment(self, sheet: Sheet, cells: dict[str, list[Problem]]) -> None:
        """Put comments on cells that have none, where the sheet has comments already."""
        links = self.package.parts_of(sheet.part)
        comments, drawing = links.get("comments"), links.get("vmlDrawing")
        if comments is None or drawing is None:
            return
        xml, vml = self.read(comments), self.read(drawing)
        if b"</commentList>" not in xml or b"</authors>" not in xml or b"</xml>" not in vml:
            return
        earlier = {coordinate_to_tuple(ref.decode()) for ref in _ERROR_COMMENT.findall(xml)}
        xml = _ERROR_COMMENT.sub(b"", xml)
        vml = _SHAPE.sub(lambda shape: b"" if _places(shape[0]) & earlier else shape[0], vml)
        taken = set(re.findall(r'<comment [^>]*ref="(\w+)"', xml.decode("utf-8")))
        shaped = _places(vml)
        author = xml.partition(b"</authors>")[0].count(b"<author>")
        added: list[str] = []
        shapes: list[str] = []
        for cell, problems in list(cells.items())[:MOST_COMMENTS]:
            if cell in taken:
                continue
            said = "\n".join(f"Error: {one.message} {one.fix}" for one in problems)
            text = escape_xml(layout.printable(said))
            added.append(
                f'<comment ref="{cell}" authorId="{author}"><text><t xml:space="preserve">'
                f"{text}</t></text></comment>"
            )
            place = coordinate_to_tuple(cell)
            if place not in shaped:
                shapes.append(_shape(9_000 + len(shapes), *place))
        name = f"<author>{OUR_AUTHORS[1]}</author></authors>".encode()
        xml = xml.replace(b"</authors>", name, 1)
        self.write(comments, _before(xml, b"</commentList>", "".join(added)))
        self.write(drawing, _before(vml, b"</xml>", "".join(shapes)))

    def write_errors(self, problems: Sequence[Problem]) -> None:
        """Write the sheet of errors, anew where there is one."""
        rows = [("Where", "What is wrong", "How to mend it", "Rule", "Value")]
        rows += [(p.where, p.message, p.fix, p.rule, p.value) for p in sorted(problems)]
        lines, links = [], []
        for number, row in enumerate(rows, start=1):
            cells = "".join(
                f'<c r="{letter}{number}" t="inlineStr"><is><t xml:space="preserve">'
                f"{escape_xml(layout.escape(layout.printable(text)))}</t></is></c>"
                for letter, text in zip("ABCDE", row, strict=True)
            )
            lines.append(f'<row r="{number}">{cells}</row>')
            found = _PLACE.fullmatch(row[0])
            if found and found["row"]:
                place = f"{quote_sheetname(found['sheet'])}!{found['column'] or 'A'}{found['row']}"
                links.append(f'<hyperlink ref="A{number}" location={quoteattr(place)}/>')
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
            for n, width in enumerate((24, 80, 60, 20, 30), start=1)
        )
        found_links = f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else ""
        xml = (
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{_MAIN}">'
            f"<cols>{widths}</cols><sheetData>{''.join(lines)}</sheetData>{found_links}</worksheet>"
        ).encode()
        there = next((one for one in self.package.sheets if one.name == ERRORS), None)
        if there is not None:
            self.write(there.part, xml)
            return
        part = "xl/worksheets/foreview_errors.xml"
        self.write(part, xml)
        book = self.package.book_part
        folder, name = posixpath.split(book)
        links_part = f"{folder}/_rels/{name}.rels"
        link = f'<Relationship Id="foreviewErrors" Type="{_KINDS}/worksheet" Target="/{part}"/>'
        self.write(links_part, _before(self.read(links_part), b"</Relationships>", link))
        kind = f'<Override PartName="/{part}" ContentType="{_WORKSHEET}"/>'
        types = "[Content_Types].xml"
        self.write(types, _before(self.read(types), b"</Types>", kind))
        xml = self.read(book)
        number = max(map(int, re.findall(rb'sheetId="(\d+)"', xml)), default=0) + 1
        sheet = (
            f'<sheet xmlns:r="{_KINDS}" name="{ERRORS}" sheetId="{number}" r:id="foreviewErrors"/>'
        )
        self.write(book, _before(xml, b"</sheets>", sheet))


def _places(vml: bytes) -> set[tuple[int, int]]:
    """Return row and column of each comment that is drawn, counted from 1."""
    found = re.findall(rb"Row>(\d+)</\w+:Row>\s*<\w+:Column>(\d+)<", vml)
    return {(int(row) + 1, int(column) + 1) for row, column in found}


def _before(xml: bytes, tag: bytes, added: str) -> bytes:
    head, found, tail = xml.rpartition(tag)
    return head + added.encode() + found + tail


def _shape(number: int, row: int, column: int) -> str:
    """Return the drawing of a comment, which Excel does not show one without; counted from 1."""
    return (
        '<v:shape xmlns:v="urn:schemas-microsoft-com:vml" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel" '
        f'id="_x0000_s{number}" type="#_x0000_t202" '
        'style="position:absolute;width:280px;height:110px;visibility:hidden" fillcolor="#ffc7ce">'
        '<v:textbox/><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:AutoFill>False</x:AutoFill><x:Row>{row - 1}</x:Row><x:Column>{column - 1}</x:Column>"
        "</x:ClientData></v:shape>"
    )
