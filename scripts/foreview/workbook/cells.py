"""What one cell says, as text, without guessing."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

from foreview.contract import BEGINNING
from foreview.errors import Problem
from foreview.workbook import layout
from foreview.workbook.layout import Field
from foreview.workbook.number_formats import is_date_format
from foreview.workbook.sheet_rows import Cell

MAX_DIGITS = 15
"""Excel keeps no more digits of a number than these."""

_PLAIN_FORMATS = ("General", "0", "@")
_FIRST_1900 = datetime(1899, 12, 30)
_FIRST_1904 = datetime(1904, 1, 1)


class UnreadableCellError(ValueError):
    """A cell's text can't be told without guessing.

    Attributes:
        rule: The problem's rule.
        message: What is wrong, in a sentence.
        value: What the cell holds, as far as it can be said.
        fix: What to do about it.
    """

    def __init__(self, rule: str, message: str, value: object, fix: str) -> None:
        """Keep the parts of the problem."""
        super().__init__(message)
        self.rule, self.message, self.value, self.fix = rule, message, str(value), fix


def text_of(cell: Cell, kind: str, *, is_1904: bool = False) -> str | None:
    """Return a cell's text, or None when it is blank.

    A formula counts as the value that Excel last worked out.

    Args:
        cell: The cell.
        kind: What the column holds: string, integer, boolean, date, timestamp or decimal.
        is_1904: Whether the workbook counts days from 1904.

    Raises:
        UnreadableCellError: The cell holds an error, a formula without a value, or a value that
            Excel may have made out of something else.
    """
    if cell.kind == "string":
        return _text(cell.text)
    if cell.kind == "blank":
        fix = "Open the workbook in Excel and save it, or copy the cell and paste it as a value."
        message = "The cell holds a formula whose value is not in the file."
        raise UnreadableCellError("formula", message, f"={cell.formula}", fix)
    if cell.kind == "error":
        fix = "Write the value that is meant, or clear the cell."
        message = "The cell holds an error of Excel's."
        raise UnreadableCellError("error-value", message, cell.text, fix)
    if cell.kind == "boolean":
        return _from_boolean(cell.text in ("1", "true"), kind)
    if cell.kind == "date":
        return _from_day(_iso(cell.text), cell.text, kind)
    if is_date_format(cell.number_format):
        return _from_day(_instant(cell, is_1904), cell.text, kind)
    return _from_number(float(cell.text), kind, cell.number_format)


def read_cell(
    cell: Cell, field: Field, where: tuple[str, str, int], is_1904: bool
) -> tuple[str | None, Problem | None]:
    """Return a cell's text, None when it is blank, or the problem at its place.

    Args:
        cell: The cell.
        field: Its column.
        where: Sheet, column letter and row.
        is_1904: Whether the workbook counts days from 1904.
    """
    try:
        text = text_of(cell, field.kind, is_1904=is_1904)
    except UnreadableCellError as error:
        place = "{}!{}{}".format(*where)
        return None, Problem(error.rule, error.message, place, error.value, error.fix)
    if text and field.name == "valid_from" and _is_beginning(text):
        return BEGINNING, None
    return text, None


def _is_beginning(text: str) -> bool:
    return text.strip().casefold() == layout.BEGINNING_WORD


def _text(escaped: str) -> str | None:
    text = layout.unescape(escaped)
    found = layout.illegal_character(text)
    if found:
        message = f"The cell holds the control character {found}."
        fix = "Write the value again by hand."
        raise UnreadableCellError("control-character", message, repr(text)[:200], fix)
    return text or None


def _from_boolean(value: bool, kind: str) -> str:
    word = "TRUE" if value else "FALSE"
    if kind == "boolean":
        return word
    message = f"The cell holds Excel's truth value {word}, not text."
    fix = "Format the cell as text and write the value again."
    raise UnreadableCellError("not-text", message, word, fix)


def _from_number(value: float, kind: str, number_format: str) -> str:
    number = Decimal(repr(value))
    if kind == "date":
        fix = "Write the day as YYYY-MM-DD."
        raise UnreadableCellError("not-a-date", "The cell holds a number.", value, fix)
    whole = number == number.to_integral_value()
    digits = f"{number:.0f}" if whole else f"{number.normalize():f}"
    count = sum(map(str.isdigit, digits.removeprefix("0.")))
    if not number.is_finite() or count > MAX_DIGITS:
        message = f"Excel keeps only {MAX_DIGITS} digits of a number: the others are lost."
        fix = "Format the cell as text and write the value again."
        raise UnreadableCellError("number-too-long", message, digits, fix)
    plain = kind != "timestamp" and whole and number_format in _PLAIN_FORMATS
    if kind in ("string", "timestamp") and not plain:
        message = "Excel turned this into a number, so it is unsure what was written."
        fix = "Format the cell as text and write the value again."
        raise UnreadableCellError("number-for-text", message, digits, fix)
    return digits


def _from_day(instant: datetime | None, text: str, kind: str) -> str:
    """Return the day of a cell that Excel shows as a date; None is one that never was."""
    if kind != "date":
        fix = "Format the cell as text and write the value again."
        message = "Excel turned this into a date."
        raise UnreadableCellError("date-for-text", message, instant or text, fix)
    if instant is not None and instant.time() == time():
        return instant.date().isoformat()
    message = "The cell holds a time of day, not only a day."
    if instant is None:
        message = "The cell holds no day of the calendar."
    fix = "Write the day as YYYY-MM-DD."
    raise UnreadableCellError("not-a-date", message, instant or text, fix)


def _instant(cell: Cell, is_1904: bool) -> datetime | None:
    """Return the instant of a serial number, to the second (ECMA-376 part 1, 18.17.4).

    Excel takes 1900 for a leap year: the numbers up to 59 are a day off, and 60 is no day.
    """
    serial = float(cell.text)
    if serial < 1 and not is_1904:  # no day, only a time of day
        return (
            datetime.min + timedelta(seconds=round(serial * 86_400) or 1) if serial >= 0 else None
        )
    if not is_1904 and 60 <= serial < 61:
        return None
    first = _FIRST_1904 if is_1904 else _FIRST_1900 + timedelta(days=int(serial < 60))
    try:
        return first + timedelta(seconds=round(serial * 86_400))
    except OverflowError:
        return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
