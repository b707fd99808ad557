"""Addresses of cells, without openpyxl: to import that takes longer than most workbooks do."""

from __future__ import annotations

import re
from functools import cache

ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


@cache
def column_number(letters: str) -> int:
    """Return a column's number, counted from 1."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


@cache
def column_letter(number: int) -> str:
    """Return a column's letters, of its number counted from 1."""
    before, last = divmod(number - 1, 26)
    return (column_letter(before) if before else "") + chr(65 + last)


def area_of(text: str) -> tuple[int, int, int, int] | None:
    """Return first column and row, last column and row of `A1:B5` or `A1`; None for other text."""
    first, _, last = text.partition(":")
    one, other = ADDRESS.fullmatch(first), ADDRESS.fullmatch(last or first)
    if not one or not other:
        return None
    return column_number(one[1]), int(one[2]), column_number(other[1]), int(other[2])
