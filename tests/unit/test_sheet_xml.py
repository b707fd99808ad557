"""Plain rows that a regular expression takes apart are what expat makes of them."""

from __future__ import annotations

import csv
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
from foreview.workbook.sheet_xml import CHUNK, DamagedError, Layout, SheetParser, XmlRow

WORKBOOKS = SHARED_DATA / "workbooks"
STRINGS = ["", "x", " y "]
FORMATS = ["General", "0", "yyyy-mm-dd"]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def parsed(xml: bytes, *, by_expat: bool, size: int = CHUNK) -> list[XmlRow] | str:
    """Return a sheet's rows, or that it is damaged."""
    parser = SheetParser(STRINGS, FORMATS, Layout())
    parser._is_plain = not by_expat
    rows: list[XmlRow] = []
    try:
        for start in range(0, len(xml), size):
            rows += parser.feed(xml[start : start + size])
        rows += parser.feed(b"")
    except ValueError:
        return "damaged"
    return rows


CELLS = (
    '<c r="{}"/>',
    '<c r="{}" s="1"/>',
    '<c r="{}" s="2" t="s"><v>1</v></c>',
    '<c r="{}" t="s"><v>2</v></c>',
    '<c r="{}"><v>1.5</v></c>',
    '<c r="{}" t="n"><v>7</v></c>',
    '<c r="{}" t="b"><v>1</v></c>',
    '<c r="{}" t="str"><v>a\u00e9\U0001f4fa</v></c>',
    '<c r="{}" t="inlineStr"><is><t xml:space="preserve"> b </t></is></c>',
    '<c r="{}" t="inlineStr"><is><t>a &amp; b</t></is></c>',
    '<c r="{}" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>',
    '<c r="{}" t="inlineStr"><v>1</v></c>',
    '<c r="{}" t="s"><is><t>1</t></is></c>',
    '<c r="{}" t="e"><v>#N/A</v></c>',
    '<c r="{}"><f>A1</f><v>3</v></c>',
    '<c t="n" r="{}"><v>3</v></c>',
    '<c r="{}" t="str"><v>a\r\nb</v></c>',
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
def sheets(draw: st.DrawFn) -> bytes:
    rows = []
    number = 0
    for _ in range(draw(st.integers(0, 6))):
        number += draw(st.sampled_from((1, 1, 1, 2)))
        cells = ""
        for column in sorted(draw(st.sets(st.sampled_from("ABCD")))):
            between = draw(st.sampled_from(BETWEEN_CELLS))
            cells += between + draw(st.sampled_from(CELLS)).replace("{}", f"{column}{number}")
        hidden = draw(st.sampled_from(("", "", ' spans="1:4" hidden="1"', ' hidden="true"')))
        rows.append(f'<row r="{number}"{hidden}>{cells}</row>')
        number += 1
        rows.append(draw(st.sampled_from(BETWEEN_ROWS)).replace("{}", str(number)))
    head = draw(st.sampled_from(('<?xml version="1.0" encoding="UTF-8"?>\n', "", "<!-- x -->")))
    prefix = draw(st.sampled_from(("", "", "", "x:")))
    xml = f'{head}<worksheet xmlns="{MAIN}" xmlns:x="{MAIN}"><sheetData>{"".join(rows)}</sheetData>'
    xml += '<mergeCells><mergeCell ref="A1:B1"/></mergeCells></worksheet>'
    if draw(st.integers(0, 4)) == 0:
        xml = xml.replace(*draw(st.sampled_from(WRONG)), 1)
    return xml.replace("<c ", f"<{prefix}c ").replace("</c>", f"</{prefix}c>").encode()


@settings(max_examples=400)
@example(
    f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" s="9"/></row>'
    "</sheetData></worksheet>".encode(),
    300,
)
@given(sheets(), st.integers(1, 300))
def test_any_sheet_in_any_pieces_is_what_expat_sees(xml: bytes, size: int) -> None:
    assert parsed(xml, by_expat=False, size=size) == parsed(xml, by_expat=True)


def test_an_export_is_taken_apart_by_the_fast_way(tmp_path: Path) -> None:
    path = export(tmp_path / "w.xlsx", [station("A", opened="2024-01-02"), station("B & C")])
    package = Package(path.read_bytes())
    parser = SheetParser(package.strings, package.formats, Layout())
    seen: list[object] = []
    plain_row = parser._plain_row
    parser._plain_row = lambda row: (seen.append(row), plain_row(row))[1]  # type: ignore[method-assign,func-returns-value]
    with package._open(package.sheets[1].part) as file:
        rows = [*parser.feed(file.read()), *parser.feed(b"")]
    assert (len(seen), len(rows)) == (2, 3)  # the row with an entity is expat's


def differing(paths: Sequence[Path]) -> list[str]:
    """Return the files whose sheets are not the same by either way."""

    def rows_of(path: Path, *, by_expat: bool) -> Iterator[object]:
        package = Package(read_archive(path, MAX_UNPACKED_BYTES))
        for sheet in package.sheets:
            parser = SheetParser(package.strings, package.formats, Layout())
            parser._is_plain = not by_expat
            with package._open(sheet.part) as file:
                for chunk in iter(lambda file=file: file.read(CHUNK), b""):  # type: ignore[misc]
                    yield from parser.feed(chunk)
            yield from parser.feed(b"")

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
