"""Damage to a workbook's XML is never taken for an edit, nor overlooked."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from workbook_editing import export, read, station, submit

from foreview.contract import BEGINNING
from foreview.errors import RefusedError

SHEET = "xl/worksheets/sheet2.xml"
ROWS = [
    station("A", network_id="007", rank="1", weight="0.10", opened="2024-01-02"),
    station("B", is_live="false", rank="20", valid_from="2020-05-01", valid_to="2024-06-01"),
    station("B", station_name=" Later ", valid_from="2024-06-01"),
    station("C", owners="A;B", weight="12345.67"),
]


def good() -> tuple[dict[str | None, object], bytes, dict[str, bytes]]:
    """Return what a good workbook says, its data sheet, and its other parts."""
    with tempfile.TemporaryDirectory() as folder:
        path = export(Path(folder) / "w.xlsx", ROWS)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        values = {one.row_id: one.values for one in read(path).rows}
    return values, parts.pop(SHEET), parts


VALUES, XML, OTHERS = good()
START = XML.index(b"<sheetData>")
CELLS = [found.span() for found in re.finditer(rb"<c [^>]*?(?:/>|>.*?</c>)", XML[START:])]
ATTRIBUTES = [found.span() for found in re.finditer(rb' \w+="[^"]*"', XML[START:])]
TYPES = (b"s", b"n", b"b", b"e", b"str", b"inlineStr", b"d", b"x")


@st.composite
def damages(draw: st.DrawFn) -> bytes:
    """An attribute taken away or changed, a type changed, a cell moved, doubled or dropped."""
    kind = draw(st.sampled_from(("drop", "digit", "type", "swap", "double", "cut")))
    if kind in ("drop", "digit"):
        start, end = draw(st.sampled_from(ATTRIBUTES))
        old = XML[START + start : START + end]
        digits = [place for place, one in enumerate(old) if chr(one).isdigit()]
        if kind == "drop" or not digits:
            return XML[: START + start] + XML[START + end :]
        place = START + start + draw(st.sampled_from(digits))
        return XML[:place] + draw(st.sampled_from((b"0", b"3", b"9"))) + XML[place + 1 :]
    number = draw(st.integers(0, len(CELLS) - 2))
    (start, end), (after, last) = (
        (START + one, START + other) for one, other in CELLS[number : number + 2]
    )
    cell = XML[start:end]
    if kind == "type":
        plain = re.sub(rb' t="\w+"', b"", cell, count=1)
        changed = plain.replace(b"<c ", b'<c t="' + draw(st.sampled_from(TYPES)) + b'" ', 1)
        return XML[:start] + changed + XML[end:]
    if kind == "swap":
        return XML[:start] + XML[after:last] + XML[end:after] + cell + XML[last:]
    return XML[:start] + (cell * 2 if kind == "double" else b"") + XML[end:]


@settings(max_examples=300)
@given(damages())
def test_a_damaged_sheet_is_refused_named_or_the_same(xml: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**OTHERS, SHEET: xml}.items():
                archive.writestr(name, content)
        try:
            workbook = read(path)
        except RefusedError:
            return
        edits, problems = submit(path, ROWS)
    assert edits == []
    if not problems:
        wrong = [one for one in workbook.rows if VALUES[one.row_id] != with_beginning(one.values)]
        assert wrong == []


def with_beginning(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """A blank first day means the beginning."""
    return {**values, "valid_from": values["valid_from"] or BEGINNING}
