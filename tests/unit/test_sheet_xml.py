"""Plain rows that a regular expression takes apart are what expat makes of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workbook_editing import export, station

from conftest import SHARED_DATA
from foreview.errors import RefusedError
from foreview.workbook import in_child
from foreview.workbook.archive import MAX_UNPACKED_BYTES, read_archive
from foreview.workbook.package import Package
from foreview.workbook.sheet_rows import DamagedError, Layout, XmlRow, in_order
from foreview.workbook.sheet_xml import CHUNK, SheetParser

WORKBOOKS = SHARED_DATA / "workbooks"
STRINGS = ["", "x", " y "]
FORMATS = ["General", "0", "yyyy-mm-dd"]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def parsed(xml: bytes, *, by_expat: bool, size: int = CHUNK) -> list[object] | str:
    """Return a sheet's rows, or that it is damaged."""
    parser = SheetParser(STRINGS, FORMATS, Layout())
    parser._is_plain = not by_expat
    rows: list[XmlRow] = []
    try:
        for start in range(0, len(xml), size):
            rows += in_order(parser.feed(xml[start : start + size]))
        rows += in_order(parser.feed(b""))
    except ValueError:
        return "damaged"
    return [*map(said, rows)]


def said(row: XmlRow) -> object:
    return row.number, row.is_hidden, row.cells


CELLS = (
    '<c r="{}"/>',
    '<c r="{}" s="1"/>',
    '<c r="{}" s="2" t="s"><v>VALUE</v></c>',
    '<c r="{}" t="s"><v>VALUE</v></c>',
    '<c r="{}"><v>1.5</v></c>',
    '<c r="{}" t="n"><v>VALUE</v></c>',
    '<c r="{}" t="b"><v>1</v></c>',
    '<c r="{}" t="str"><v>a\u00e9\U0001f4fa</v></c>',
    '<c r="{}" t="inlineStr"><is><t xml:space="preserve"> b </t></is></c>',
    '<c r="{}" t="inlineStr"><is><t>a &amp; b</t></is></c>',
    '<c r="{}" t="inlineStr"><is><t>VALUE</t></is></c>',
    '<c r="{}" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>',
    '<c r="{}" t="inlineStr"><v>1</v></c>',
    '<c r="{}" t="s"><is><t>1</t></is></c>',
    '<c r="{}" t="e"><v>#N/A</v></c>',
    '<c r="{}"><f>A1</f><v>3</v></c>',
    '<c t="n" r="{}"><v>3</v></c>',
    '<c r="{}" t="str"><v>a\r\nb</v></c>',
)
VALUES = (
    "1",
    "1",
    "2",
    "2",
    "2",
    "0",
    "9",
    "-1",
    "+1",
    "",
    "a>b",
    "\x01",
    "\u0663",
    "x&gt;",
    "\ud7ff",
)
HIDDEN = (
    ' spans="1:4" hidden="1"',
    ' hidden="true"',
    " hidden='1'",
    ' hidden="&#49;"',
    ' x:hidden="1"',
    ' xmlns="other"',
    ' ht="3"',
)
IN_COMMENT = '<!-- </row><row r="99"><c r="A99"><v>1</v></c></row> -->'
BETWEEN_CELLS = ("", "", "", "", IN_COMMENT, " ", "<?odd?>")
BETWEEN_ROWS = ("", "", "", '<row r="{}"/>', '<!-- <row r="{}"><c r="A{}"/></row> -->', "\n")
WRONG = (
    ('<c r="A', '<c r="Z'),  # out of order, unless it is the last
    ('<c r="B', '<c r="A'),
    ("<v>1</v>", "<v>9</v>"),
    ("<v>1</v>", "<v>-1</v>"),
    ("<v>1</v>", "<v></v>"),
    (' s="1"', ' s="9"'),
    ('<row r="3"', '<row r="2"'),
    ("</row>", ""),
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Return a row without its number and without the values of some cells."""
    cells = ""
    for column in sorted(draw(st.sets(st.sampled_from("ABCD")))):
        between = draw(st.sampled_from(BETWEEN_CELLS))
        cells += between + draw(st.sampled_from(CELLS)).replace("{}", column + "{}")
    hidden = draw(st.one_of(st.just(""), st.sampled_from(HIDDEN)))
    return f'<row r="{{}}"{hidden}>{cells}</row>'


@st.composite
def sheets(draw: st.DrawFn) -> bytes:
    rows = []
    number = 0
    some = st.sampled_from(draw(st.lists(lines(), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 6))):
        number += draw(st.sampled_from((1, 1, 1, 2)))
        line = draw(some).replace("{}", str(number))
        while "VALUE" in line:
            line = line.replace("VALUE", draw(st.sampled_from(VALUES)), 1)
        rows.append(line)
        number += 1
        rows.append(draw(st.sampled_from(BETWEEN_ROWS)).replace("{}", str(number)))
    head = draw(st.sampled_from(('<?xml version="1.0" encoding="UTF-8"?>\n', "", "<!-- x -->")))
    prefix = draw(st.sampled_from(("", "", "", "x:")))
    xml = f'{head}<worksheet xmlns="{MAIN}" xmlns:x="{MAIN}"><sheetData>{"".join(rows)}</sheetData>'
    xml += '<mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>'
    if draw(st.integers(0, 4)) == 0:
        xml = xml.replace(*draw(st.sampled_from(WRONG)), 1)
    return xml.replace("<c ", f"<{prefix}c ").replace("</c>", f"</{prefix}c>").encode()


@settings(max_examples=600)
@example(
    f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" s="9"/></row>'
    "</sheetData></worksheet>".encode(),
    300,
)
@given(sheets(), st.integers(1, 300))
def test_any_sheet_in_any_pieces_is_what_expat_sees(xml: bytes, size: int) -> None:
    assert parsed(xml, by_expat=False, size=size) == parsed(xml, by_expat=True)


def row(number: int, cells: str, more: str = "") -> str:
    return f'<row r="{number}"{more}>{cells.replace("{}", str(number))}</row>'


SHARED = '<c r="A{}" t="s"><v>VALUE</v></c>'
TEXT = '<c r="A{}" s="2" t="str"><v>VALUE</v></c>'


@pytest.mark.parametrize(
    ("cells", "value", "other"),
    [
        *((SHARED, "1", other) for other in ("2", "0", "3", "9", "-1", "+1", "\u0661", "", " 1")),
        *((TEXT, "x", other) for other in ("", "a>b", "a&amp;b", "\x01", "a\nb", "a\r\nb", "2")),
        ('<c r="A{}" t="inlineStr"><is><t>VALUE</t></is></c>', "x", "a>b"),
        ('<c r="A{}" s="2"/><c r="B{}" s="0"><v>VALUE</v></c>', "7", "8"),
        ('<c r="A{}"><v>VALUE</v></c>', "7", 'x</v></c><c r="B3"><v>8'),
        ('<c r="A{}" t="inlineStr"><is><t>VALUE</t></is></c>', "x", "a<!-- b -->c"),
        ('<c r="A{}" t="str"><v>a>VALUE</v></c>', "x", "y"),
        ('<c r="A{}"><y>VALUE</y><v>&#53;</v></c>', "5", "7"),
    ],
)
def test_a_row_like_an_earlier_one_is_what_expat_sees(cells: str, value: str, other: str) -> None:
    rows = [row(number, cells.replace("VALUE", value)) for number in (1, 2)]
    rows += [row(number, cells.replace("VALUE", one)) for number, one in ((3, other), (4, value))]
    xml = f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'.encode()
    assert parsed(xml, by_expat=False) == parsed(xml, by_expat=True)


@pytest.mark.parametrize(
    ("numbers", "more", "cells"),
    [
        ((1, 2, 3), 'hidden="1"', SHARED),
        ((1, 2, 3), "hidden='1'", SHARED),
        ((1, 2, 3), 'hidden="&#49;"', SHARED),
        ((1, 2, 3), 'xmlns:x="x" x:hidden="1"', SHARED),
        ((1, 2, 3), 'xmlns="other"', SHARED),
        ((1, 2, 2), 'spans="1:2"', SHARED),
        ((2, 3, 1), 's="3"', SHARED),
        ((1, 2, 3), "", '<c r="A{}" s="1"/>'),
        ((1, 2, 3), 'hidden="1"', '<c r="A{}" s="9"/>'),
        ((1, 2, 3), "", '<c r="A{}" s="9" t="s"><v>0</v></c>'),
        ((1, 2, 3), "", '<c r="A1" t="s"><v>1</v></c>'),
        ((1, 2, 3), "", '<c r="A{}" s="{}"><v>1</v></c>'),
        ((1, 12, 112), "", '<c r="A{}" s="1"><v>1</v></c>'),
        ((1, 2, 3), "", '<c r="A{}" t="s"><is><t>1</t></is></c>'),
        ((1, 2, 3), "", '<c r="A{}" t="inlineStr"><v>1</v></c>'),
    ],
)
def test_rows_that_are_alike_are_what_expat_sees(
    numbers: Sequence[int], more: str, cells: str
) -> None:
    rows = [row(one, cells.replace("VALUE", "1"), f" {more}" if more else "") for one in numbers]
    xml = f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'.encode()
    assert parsed(xml, by_expat=False) == parsed(xml, by_expat=True)


def test_an_export_is_taken_apart_by_the_fast_way(tmp_path: Path) -> None:
    exported = [station("A"), station("B"), station("C & D"), station("E")]
    path = export(tmp_path / "w.xlsx", exported)
    package = Package(io.BytesIO(path.read_bytes()))
    parser = SheetParser(package.strings, package.formats, Layout())
    by_expat: list[str] = []
    end_row = parser._end_row
    parser._ends[f"{MAIN} row"] = lambda: (by_expat.append(str(parser._row)), end_row())[1]  # type: ignore[func-returns-value]
    with package._open(package.sheets[1].part) as file:
        rows = in_order([*parser.feed(file.read()), *parser.feed(b"")])
    # The headings, the first of a kind, and the row with an entity.
    assert (by_expat, len(rows)) == (["1", "2", "4"], 5)


def differing(paths: Sequence[Path]) -> list[str]:
    """Return the files whose sheets are not the same by either way."""

    def rows_of(path: Path, *, by_expat: bool) -> Iterator[object]:
        package = Package(io.BytesIO(read_archive(path, MAX_UNPACKED_BYTES)))
        for sheet in package.sheets:
            parser = SheetParser(package.strings, package.formats, Layout())
            parser._is_plain = not by_expat
            with package._open(sheet.part) as file:
                for chunk in iter(lambda file=file: file.read(CHUNK), b""):  # type: ignore[misc]
                    yield from map(said, in_order(parser.feed(chunk)))
            yield from map(said, in_order(parser.feed(b"")))

    def outcome(path: Path, *, by_expat: bool) -> object:
        try:
            return hash(tuple(repr(row) for row in rows_of(path, by_expat=by_expat)))
        except (RefusedError, DamagedError, ValueError, OSError, EOFError) as error:
            return type(error).__name__

    return [
        path.name for path in paths if outcome(path, by_expat=False) != outcome(path, by_expat=True)
    ]


@pytest.mark.real
def test_strange_files_are_the_same_by_either_way() -> None:
    if not WORKBOOKS.is_dir():
        pytest.skip("the folder ../shared/data with the strange workbooks is not here")
    with (WORKBOOKS / "CATALOG.csv").open(encoding="utf-8") as file:
        paths = [WORKBOOKS / row["file"] for row in csv.DictReader(file)]
    assert in_child("all", 600, 1024, differing, paths) == []
