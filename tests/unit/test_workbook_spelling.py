"""Addresses and number formats of Excel are spelled as openpyxl knows them."""

from __future__ import annotations

import pytest
from openpyxl.styles import numbers
from openpyxl.utils import get_column_letter, range_boundaries

from foreview.workbook.addresses import area_of, column_letter, column_number
from foreview.workbook.number_formats import BUILT_IN, is_date_format

PLAIN = ("General", "0", "@")


def test_columns() -> None:
    for number in range(1, 16_385):
        assert column_letter(number) == get_column_letter(number)
        assert column_number(column_letter(number)) == number


def test_areas() -> None:
    assert area_of("B3:AA12") == range_boundaries("B3:AA12")
    assert area_of("B3") == range_boundaries("B3")
    assert [area_of(text) for text in ("", "A:B", "A0:B1", "x")] == [None] * 4


@pytest.mark.parametrize("number", numbers.BUILTIN_FORMATS)
def test_formats_by_number(number: int) -> None:
    theirs, ours = numbers.BUILTIN_FORMATS[number], BUILT_IN[number]
    assert is_date_format(ours) == numbers.is_date_format(theirs)
    assert (ours if ours in PLAIN else "") == (theirs if theirs in PLAIN else "")


@pytest.mark.parametrize(
    "code",
    [
        *numbers.BUILTIN_FORMATS.values(),
        "dd/mm/yyyy",
        "[$-409]d-mmm-yy;@",
        '"day" 0',
        "[Red]0.00",
        "[hh]:mm",
        "[ss].0",
        r"0\d",
        r"0_d",
        '0;"y"',
        "0;yyyy",
        'yyyy"年"m"月"',
        "#,##0 [$USD]",
        "",
    ],
)
def test_formats_of_days(code: str) -> None:
    assert is_date_format(code) == numbers.is_date_format(code)


@pytest.mark.parametrize("number", [27, 36, 50, 58, 71, 81])
def test_days_of_east_asia_are_days(number: int) -> None:
    assert is_date_format(BUILT_IN[number])
    assert not is_date_format(BUILT_IN[59])
