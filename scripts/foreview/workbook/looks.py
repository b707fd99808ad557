"""Two looks at each sheet: calamine's values and the XML. Where they differ, nothing is believed.

calamine reads an error and a formula without a value as an empty cell, and another parser may
have faults of its own; so each cell must be the same to both, or it is named.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from openpyxl.utils import get_column_letter

from foreview.errors import Problem
from foreview.workbook import layout
from foreview.workbook.package import Package, Sheet
from foreview.workbook.sheet_xml import NOTHING, DamagedError, Layout, XmlRow

_DATES = (datetime, date, time, timedelta)


class Book:
    """A workbook file that is looked at twice."""

    def __init__(self, content: bytes) -> None:
        """Open it with both readers.

        Raises:
            DamagedError: One of them can't read it.
        """
        import python_calamine

        self.package = Package(content)
        try:
            self._values = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        except BaseException as error:  # its panics are no Exception
            raise _unreadable(error) from error

    def rows(
        self, sheet: Sheet, problems: list[Problem], around: Layout | None = None
    ) -> Iterator[XmlRow]:
        """Yield a sheet's rows that hold something; a cell that differs is added to `problems`.

        Args:
            sheet: One of the package's sheets.
            problems: Where disagreements go, each with its cell.
            around: Filled with what the sheet says around its cells, when given.

        Raises:
            DamagedError: One of the readers can't read it.
        """
        try:
            values = self._values.get_sheet_by_name(sheet.name)
            offset = values.start[1] + 1 if values.start else 1
            grid = values.iter_rows()
        except BaseException as error:
            raise _unreadable(error) from error
        last = 0
        for row in self.package.rows(sheet, around):
            for number in range(last + 1, row.number):
                _compare(sheet.name, blank_row(number), next(grid, ()), offset, problems)
            last = row.number
            _compare(sheet.name, row, next(grid, ()), offset, problems)
            yield row
        for number, line in enumerate(grid, start=last + 1):
            _compare(sheet.name, blank_row(number), line, offset, problems)


def blank_row(number: int) -> XmlRow:
    """Return a row that holds nothing."""
    return XmlRow(number, False, NOTHING, (), {})


def _unreadable(error: BaseException) -> BaseException:
    if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError | GeneratorExit):
        return error
    return DamagedError(f"calamine can't read it: {error}")


def _compare(
    sheet: str, row: XmlRow, line: Sequence[Any], offset: int, problems: list[Problem]
) -> None:
    if _is_same_row(row, line, offset):
        return
    seen = {column: value for column, value in enumerate(line, start=offset) if value != ""}
    for cell in row.cells:
        value = seen.pop(cell.column, "")
        if not _is_same(cell.kind, cell.text, value):
            problems.append(_differs(sheet, row.number, cell.column, cell.text, value))
    problems += [_differs(sheet, row.number, column, "", one) for column, one in seen.items()]


def _is_same_row(row: XmlRow, line: Sequence[Any], offset: int) -> bool:
    """Whether all cells are the same, and no others hold anything; no where that is not plain."""
    columns = row.shape.columns
    if len(line) - line.count("") != len(columns):
        return False
    if columns and not offset <= columns[0] <= columns[-1] < offset + len(line):
        return False
    values = [line[column - offset] for column in columns]
    kinds, texts = row.shape.kinds, row.texts
    for index in row.shape.others:
        if not _is_same(kinds[index], texts[index], values[index]):
            return False
        values[index] = texts[index]
    return values == [*texts] or all(
        _is_same(kind, text, value)
        for kind, text, value in zip(kinds, texts, values, strict=True)
        if kind == "string"
    )


def _is_same(kind: str, text: str, value: Any) -> bool:
    if kind == "string":
        return value == text or _plain(value) in (_plain(text), _plain(layout.unescape(text)))
    if kind == "number":
        if isinstance(value, _DATES):
            return True
        return not isinstance(value, str) and float(text) == value
    if kind == "boolean":
        return value is (text in ("1", "true"))
    # calamine shows errors and formulas without a value as blank, and ISO dates in its own way.
    return kind == "date" or value == ""


def _plain(text: Any) -> Any:
    return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text


def _differs(sheet: str, number: int, column: int, text: str, value: Any) -> Problem:
    return Problem(
        "readers-differ",
        f"Two readers of Excel files see different things here: {text[:80]!r} and "
        f"{str(value)[:80]!r}.",
        f"{sheet}!{get_column_letter(column)}{number}",
        text,
        "Open the file in Excel, write the value again, and save it.",
    )
