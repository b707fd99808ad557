"""A workbook whose sheets calamine is given in slices says what it says as a whole."""

from __future__ import annotations

import csv
import errno
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_sheet_xml import WORKBOOKS, parsed, sheets
from workbook_editing import STATION, Analyst, export, station

from foreview.errors import EngineError, RefusedError
from foreview.workbook import in_child, inspect_workbook, read_workbook, slices
from foreview.workbook.inspection import inspection_text


def cut(xml: bytes, size: int) -> list[bytes]:
    """Return a sheet's slices, when they are of so many bytes."""

    def pieces(_part: str, _size: int) -> Iterator[bytes]:
        return (xml[start : start + size] for start in range(0, len(xml), size))

    package: Any = SimpleNamespace(pieces=pieces)
    return [*slices._slices(package, "")]


@given(sheets(), st.integers(1, 400))
def test_the_rows_of_the_slices_are_those_of_the_sheet(xml: bytes, size: int) -> None:
    whole = parsed(xml, by_expat=True)
    if whole != "damaged":
        assert [row for one in cut(xml, size) for row in parsed(one, by_expat=True)] == whole


def test_a_sheet_is_cut() -> None:
    row = b'<row r="%d"><c r="A%d"><v>1</v></c></row>'
    rows = b"".join(row % (number, number) for number in range(1, 101))
    xml = b'<worksheet xmlns="x"><sheetData>' + rows + b"</sheetData><mergeCells/></worksheet>"
    found = cut(xml, 400)
    assert len(found) > 8
    assert [one.count(b"<mergeCells/>") for one in found] == [0] * (len(found) - 1) + [1]
    assert b"".join(re.findall(rb"<row.*</row>", b"\n".join(found))) == rows
    assert len(cut(xml.replace(b"<row", b"<!-- x --><row", 1), 400)) == 1


def in_slices(size: int = 500) -> Any:
    """Take all workbooks for large ones."""
    return patch.multiple(slices, LARGE=0, _SLICE=size)


def test_an_edited_workbook_says_the_same(tmp_path: Path) -> None:
    rows = [station(f"S{number}", rank=str(number % 7)) for number in range(200)]
    analyst = Analyst(export(tmp_path / "w.xlsx", rows))
    analyst.type(50, station_name="Other & more")
    analyst.copy(60, 203)
    path = analyst.save()
    (whole,) = read_workbook(path, {"station": STATION})
    with in_slices():
        (sliced,) = read_workbook(path, {"station": STATION})
    assert sliced == whole
    assert [row.number for row in sliced.rows] == [50, 203]
    assert sum(map(bool, sliced.exported.values())) == 199


def test_where_there_is_no_room_it_is_said(tmp_path: Path) -> None:
    path = export(tmp_path / "w.xlsx", [station("A")])
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        in_slices(),
        patch.object(slices, "TemporaryFile", side_effect=full),
        pytest.raises(EngineError, match="No space left on device"),
    ):
        read_workbook(path, {"station": STATION})


def differing(paths: list[Path]) -> list[str]:
    """Return the files in which something else is seen when they are cut.

    Cut, calamine does not see the sheets of macros for which it refuses some files as a whole.
    """

    def seen(path: Path) -> str:
        try:
            return inspection_text(inspect_workbook(path))
        except RefusedError as error:
            return error.problems[0].rule

    found = []
    for path in paths:
        whole = seen(path)
        with in_slices(20_000):
            if whole != "damaged-file" and seen(path) != whole:
                found.append(path.name)
    return found


@pytest.mark.real
def test_strange_files_say_the_same() -> None:
    if not WORKBOOKS.is_dir():
        pytest.skip("the folder ../shared/data with the strange workbooks is not here")
    with (WORKBOOKS / "CATALOG.csv").open(encoding="utf-8") as file:
        paths = [WORKBOOKS / row["file"] for row in csv.DictReader(file)][::3]
    assert in_child("all", 600, 1024, differing, paths) == []
