"""Rows of a workbook that are just as they were exported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import repeat
from operator import add, itemgetter
from typing import NamedTuple

from foreview.workbook import layout
from foreview.workbook.cells import MAX_DIGITS, read_cell
from foreview.workbook.layout import Field
from foreview.workbook.number_formats import is_date_format
from foreview.workbook.sheet_rows import Cell, Run, Shape, XmlRow, in_order, run_of

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

    def values(self, texts: Sequence[str], *, is_1904: bool) -> Sequence[str]:
        """Return the canonical values of some cells, or nothing when there is none of one."""
        if self.is_integer and all(map(_WHOLE.fullmatch, texts)):
            return texts
        said = {text: self._value(text, is_1904=is_1904) for text in {*texts}}
        return () if "" in said.values() else [*map(said.__getitem__, texts)]

    def _value(self, text: str, *, is_1904: bool) -> str:
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
        pick: Returns the values of each column and the row ids, of the cells' values and blanks.
    """

    translated: list[_Translated]
    pick: Callable[[Sequence[Sequence[str]]], tuple[Sequence[str], ...]]


class Unchanged:
    """Tells rows that are just as they were exported, by the hash that went with them.

    Most rows are; nothing else needs to be known of them. A row of which anything is not plain is
    left to be looked at value by value.
    """

    def __init__(self, names: Sequence[str], exported: dict[str, int]) -> None:
        """Begin to tell rows with these columns.

        Args:
            names: The columns.
            exported: The row id and hash of each row, in one; gets the numbers of those found.
        """
        self._exported = exported
        self._names = [*names, layout.ROW_ID]
        self._plans: dict[Shape, _Plan | None] = {}

    def others(
        self, parts: Iterable[Iterable[Run]], fields: Mapping[int, Field], *, is_1904: bool
    ) -> Iterator[XmlRow]:
        """Yield the rows of a sheet's parts that are none of these, in order; count these."""
        for runs in parts:
            left = [run for run in runs if not self.takes(run, fields, is_1904=is_1904)]
            apart = map(run_of, in_order(run for run in left if len(run.numbers) > 1))
            single = [run for run in left if len(run.numbers) == 1]
            single += [one for one in apart if not self.takes(one, fields, is_1904=is_1904)]
            yield from in_order(single)

    def takes(self, run: Run, fields: Mapping[int, Field], *, is_1904: bool) -> bool:
        """Whether all rows of a run are of these; they are counted then."""
        if run.shape not in self._plans:
            if len(self._plans) >= _MOST_REMEMBERED:
                self._plans.clear()
            self._plans[run.shape] = self._plan(run.shape, fields)
        plan = self._plans[run.shape]
        if plan is None or (run.formulas and not fields.keys().isdisjoint(run.formulas)):
            return False
        columns = [*run.columns, [layout.BLANK] * len(run.numbers)]
        for one in plan.translated:
            columns[one.index] = one.values(columns[one.index], is_1904=is_1904)
            if not columns[one.index]:
                return False
        *said, ids = plan.pick(columns)
        if any("_x" in layout.BETWEEN.join(texts) for texts in said):
            return False  # what looks like a value may be an escape
        found = [*map(add, ids, map(layout.hash_of, zip(*said, strict=True)))]
        if any(map(self._exported.get, found, repeat(1))) or len({*found}) < len(found):
            return False  # one is unknown, or was there before
        self._exported.update(zip(found, run.numbers, strict=True))
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
