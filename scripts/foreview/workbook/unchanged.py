"""Rows of a workbook that are just as they were exported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from operator import itemgetter
from typing import NamedTuple

from openpyxl.styles.numbers import is_date_format

from foreview.workbook import layout
from foreview.workbook.cells import MAX_DIGITS, read_cell
from foreview.workbook.layout import Field
from foreview.workbook.sheet_xml import Cell, Shape, XmlRow

_WHOLE = re.compile(f"0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}}")
_MOST_REMEMBERED = 10_000
"""Days and truth values come again in many rows."""


@dataclass
class _Translated:
    """Cells of a column whose text is not their value.

    Attributes:
        index: Which of a row's cells it is.
        cell: One such cell.
        field: The column.
        is_integer: Whether digits are shown as such, and are meant.
        canonical: Values by text.
    """

    index: int
    cell: Cell
    field: Field
    is_integer: bool
    canonical: dict[str, str] = dataclass_field(default_factory=dict)

    def value(self, text: str, *, is_1904: bool) -> str:
        """Return a cell's canonical value, or nothing when there is none without a question."""
        if self.is_integer and _WHOLE.fullmatch(text):
            return text
        return self.canonical.get(text) or self._read(text, is_1904=is_1904)

    def _read(self, text: str, *, is_1904: bool) -> str:
        found, problem = read_cell(self.cell._replace(text=text), self.field, ("", "", 0), is_1904)
        try:
            value = None if problem else self.field.column.canonical(found)
        except ValueError:
            return ""
        if value and len(self.canonical) < _MOST_REMEMBERED:
            self.canonical[text] = value
        return value or ""


class _Plan(NamedTuple):
    """What to do with rows of one shape.

    Attributes:
        translated: The cells whose text is not their value.
        pick: Returns the value of each column and the row id, of a row's values and a blank.
    """

    translated: list[_Translated]
    pick: Callable[[Sequence[str]], tuple[str, ...]]


class Unchanged:
    """Tells rows that are just as they were exported, by the hash that went with them.

    Most rows are; nothing else needs to be known of them. A row of which anything is not plain is
    left to be looked at value by value.
    """

    def __init__(self, names: Sequence[str], hashes: Mapping[str, str]) -> None:
        """Begin to tell rows with these columns, by the hash of each by its row id."""
        self.found: dict[str, int] = {}
        self._hashes = hashes
        self._names = [*names, layout.ROW_ID]
        self._plans: dict[Shape, _Plan | None] = {}

    def takes(self, row: XmlRow, fields: Mapping[int, Field], *, is_1904: bool) -> bool:
        """Whether a row is one of these; it is counted then."""
        if row.shape not in self._plans:
            if len(self._plans) >= _MOST_REMEMBERED:
                self._plans.clear()
            self._plans[row.shape] = self._plan(row.shape, fields)
        plan = self._plans[row.shape]
        if plan is None or (row.formulas and not fields.keys().isdisjoint(row.formulas)):
            return False
        values = [*row.texts, layout.BLANK]
        for one in plan.translated:
            value = one.value(values[one.index], is_1904=is_1904)
            if not value:
                return False
            values[one.index] = value
        *said, row_id = plan.pick(values)
        if "_x" in "".join(said):  # what looks like a value may be an escape
            return False
        if self._hashes.get(row_id) != layout.hash_of(said) or row_id in self.found:
            return False
        self.found[row_id] = row.number
        return True

    def _plan(self, shape: Shape, fields: Mapping[int, Field]) -> _Plan | None:
        """Return what to do with rows of a shape; None where an action or a day is asked for."""
        translated = []
        places = dict.fromkeys(self._names, len(shape.columns))  # that of the blank
        cells = zip(shape.columns, shape.kinds, shape.formats, strict=True)
        for index, (column, kind, number_format) in enumerate(cells):
            field = fields.get(column)
            if field is None:
                continue
            if field.name not in places:
                return None
            places[field.name] = index
            if not kind == "string" == field.kind:
                is_digits = kind == "number" and not is_date_format(number_format)
                is_integer = is_digits and field.kind == "integer"
                cell = Cell(column, kind, "", number_format, None)
                translated.append(_Translated(index, cell, field, is_integer))
        return _Plan(translated, itemgetter(*places.values()))
