"""Where calamine and the sheet's XML differ, the cell is named; calamine's values are altered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from foreview.workbook.looks import Book

LINES: list[list[Any]] = [
    ["head", "", "more"],
    ["a", 1.5, True],
    ["b", 2.0, False],
    ["", "", ""],
    ["c", 7.0, True],
    ["d", "", "x"],
]


class Sheet:
    """What python-calamine returns for a sheet, altered."""

    start = (0, 0)

    def __init__(self, lines: list[list[Any]]) -> None:
        self.lines = lines

    def get_sheet_by_name(self, _name: str) -> Sheet:
        return self

    def iter_rows(self) -> Any:
        return iter(self.lines)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("looks") / "w.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for number, line in enumerate(LINES):
            for column, value in enumerate(line):
                if value != "":
                    sheet.write(number, column, value)
    return path.read_bytes()


def differing(content: bytes, lines: list[list[Any]]) -> list[str]:
    book = Book(content)
    book._values = Sheet(lines)
    problems: list[Any] = []
    rows = [*book.rows(book.package.sheets[0], problems)]
    assert [row.number for row in rows] == [1, 2, 3, 5, 6]
    return [problem.where for problem in problems]


def test_the_same_is_no_difference(content: bytes) -> None:
    assert differing(content, LINES) == []
    assert differing(content, [*LINES, ["", "", ""]]) == []


@given(st.integers(0, 7), st.integers(0, 2), st.sampled_from(["", "z", 9.0, "1.5", True, False]))
def test_any_other_value_is_named(content: bytes, row: int, column: int, value: Any) -> None:
    lines = [[*line] for line in [*LINES, ["", "", ""], ["", "", ""]]]
    before = lines[row][column]
    lines[row][column] = value
    same = type(before) is type(value) and before == value
    assert differing(content, lines) == ([] if same else [f"S!{'ABC'[column]}{row + 1}"])


def test_a_number_may_be_a_date_to_the_other_reader(content: bytes) -> None:
    lines = [[*line] for line in LINES]
    lines[2][1] = date(2026, 1, 2)
    assert differing(content, lines) == []


def test_lines_that_are_missing_are_named(content: bytes) -> None:
    assert differing(content, LINES[:5]) == ["S!A6", "S!C6"]
