"""What one cell says, as text, without guessing."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

from foreview.workbook import layout

MAX_DIGITS = 15
"""Excel keeps no more digits of a number than these."""

_PLAIN_FORMATS = ("General", "0", "@")


class Cell(Protocol):
    """What is read of openpyxl's cells."""

    @property
    def value(self) -> Any:
        """The value as openpyxl read it."""

    @property
    def number_format(self) -> str | None:
        """The number format; None for a cell that isn't there."""

    data_type: str


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


def text_of(cell: Cell, kind: str) -> str | None:
    """Return a cell's text, or None when it is blank.

    Args:
        cell: The cell, read with formulas.
        kind: What the column holds: string, integer, boolean, date, timestamp or decimal.

    Raises:
        UnreadableCellError: The cell holds a formula, an error, or a value that Excel may have
            made out of something else.
    """
    value = cell.value
    if value is None:
        return None
    if cell.data_type == "s":
        return _text(str(value))
    if cell.data_type == "f":
        formula = str(getattr(value, "text", value))
        fix = "Copy the cell and paste it as a value."
        raise UnreadableCellError("formula", "The cell holds a formula.", formula, fix)
    if cell.data_type == "e":
        fix = "Write the value that is meant, or clear the cell."
        raise UnreadableCellError("error-value", "The cell holds an error of Excel's.", value, fix)
    if isinstance(value, bool):
        return _from_boolean(value, kind)
    if isinstance(value, int | float):
        return _from_number(value, kind, cell.number_format or "General")
    return _from_date(value, kind)


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


def _from_number(value: int | float, kind: str, number_format: str) -> str:
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


def _from_date(value: object, kind: str) -> str:
    if kind != "date":
        fix = "Format the cell as text and write the value again."
        message = "Excel turned this into a date."
        raise UnreadableCellError("date-for-text", message, value, fix)
    if isinstance(value, datetime):
        if value.time() == time():
            return value.date().isoformat()
    elif isinstance(value, date):
        return value.isoformat()
    message = "The cell holds a time of day, not only a day."
    raise UnreadableCellError("not-a-date", message, value, "Write the day as YYYY-MM-DD.")
