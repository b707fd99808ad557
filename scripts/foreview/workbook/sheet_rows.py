"""Rows of a sheet as its XML has them: one by one, or many of one shape at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

_MOST_SHAPES = 1000


class DamagedError(ValueError):
    """The XML is not that of a workbook."""


class Cell(NamedTuple):
    """One cell that holds something.

    Attributes:
        column: Its column, counted from 1.
        kind: `string`, `number`, `boolean`, `error`, `date` (ISO 8601), or `blank` for a
            formula whose value the file doesn't have.
        text: The value as the file spells it; strings with `_xHHHH_` escapes.
        number_format: Excel's format code.
        formula: The formula without its `=`; None without one, empty when another cell has it.
    """

    column: int
    kind: str
    text: str
    number_format: str
    formula: str | None


@dataclass(frozen=True, eq=False)
class Shape:
    """What many rows have in common; the same object for all of them.

    Attributes:
        columns: The column of each cell that holds something, in order.
        kinds: The kind of each, as in `Cell`.
        formats: The number format of each.
    """

    columns: tuple[int, ...]
    kinds: tuple[str, ...]
    formats: tuple[str, ...]


NOTHING = Shape((), (), ())


class XmlRow(NamedTuple):
    """A row of a sheet that holds something.

    Attributes:
        number: Its number.
        is_hidden: Whether it is hidden.
        shape: What it shares with others.
        texts: The text of each cell.
        formulas: By column, the formulas in it.
    """

    number: int
    is_hidden: bool
    shape: Shape
    texts: Sequence[str]
    formulas: Mapping[int, str]

    @property
    def cells(self) -> list[Cell]:
        """Its cells, in order."""
        shape, formulas = self.shape, self.formulas
        found = zip(shape.columns, shape.kinds, self.texts, shape.formats, strict=True)
        return [Cell(*one, formulas.get(one[0])) for one in found]


class Run(NamedTuple):
    """Rows of one shape, in order; there may be others between them.

    Attributes:
        numbers: The number of each.
        is_hidden: Whether they are hidden.
        shape: The cells that hold something.
        columns: The texts of each of these cells, one for each row.
        formulas: Of a row by itself, the formulas by column.
    """

    numbers: Sequence[int]
    is_hidden: bool
    shape: Shape
    columns: Sequence[Sequence[str]]
    formulas: Mapping[int, str]

    def rows(self) -> list[XmlRow]:
        """Return each row."""
        lines = zip(self.numbers, zip(*self.columns, strict=True), strict=True)
        return [
            XmlRow(number, self.is_hidden, self.shape, texts, self.formulas)
            for number, texts in lines
        ]


def run_of(row: XmlRow) -> Run:
    """Return a row by itself as a run."""
    columns = [(text,) for text in row.texts]
    return Run((row.number,), row.is_hidden, row.shape, columns, row.formulas)


def in_order(runs: Iterable[Run]) -> list[XmlRow]:
    """Return the rows of some runs in the sheet's order."""
    return sorted((row for run in runs for row in run.rows()), key=attrgetter("number"))


@dataclass
class Layout:
    """What a sheet says around its cells; whole when all its rows were read.

    Attributes:
        dimension: The extent that it claims.
        hidden_columns: First and last column of each hidden run.
        merged: Ranges of merged cells.
        filter_range: The range of its filter, or empty.
    """

    dimension: str = ""
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    filter_range: str = ""


class Shapes:
    """The shapes of a sheet's rows, each of them once."""

    def __init__(self) -> None:
        """Begin without any."""
        self._known: dict[tuple[tuple[Any, ...], ...], Shape] = {}

    def row_of(self, number: int, is_hidden: bool, cells: Sequence[Cell]) -> XmlRow:
        """Return a row that holds these cells, one at least."""
        columns, kinds, texts, formats, formulas = zip(*cells, strict=True)
        said = {
            column: formula
            for column, formula in zip(columns, formulas, strict=True)
            if formula is not None
        }
        return XmlRow(number, is_hidden, self._shape(columns, kinds, formats), texts, said)

    def _shape(self, *key: tuple[Any, ...]) -> Shape:
        if key not in self._known:
            if len(self._known) >= _MOST_SHAPES:
                self._known.clear()
            self._known[key] = Shape(*key)
        return self._known[key]
