"""Files of another system's figures of a mart: CSV or Parquet, read without guessing at types."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foreview.contract import Column
from foreview.delimited import read_text, records_of
from foreview.errors import EngineError, Problem, RefusedError
from foreview.whole_files import file_hash
from foreview.workbook.layout import illegal_character, type_fix

DECIMAL = "decimal(28,10)"
"""The type of decimals that are delivered, whatever ours are: nothing of them is rounded."""


@dataclass(frozen=True)
class DeliveredColumns:
    """What a file of a mart's figures may hold.

    Attributes:
        label: The mart's name on screens.
        grain: The columns that name a figure, the day first; a file has all of them.
        measures: The numbers of a figure; a file has one of them or more.
        derived: Columns of the mart that are worked out from others, such as ratios.
    """

    label: str
    grain: tuple[Column, ...]
    measures: tuple[Column, ...]
    derived: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """The figures of a file.

    Attributes:
        file: The file's name.
        hash: SHA-256 of the file, hex.
        measures: The measures that it has, in the mart's order.
        rows: Each figure's values by column, in their canonical spelling.
        days: The days that it has figures of, in order.
    """

    file: str
    hash: str
    measures: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    days: tuple[str, ...]


def columns_of(mart: Mapping[str, Any], types: Mapping[str, str]) -> DeliveredColumns:
    """Return what a file of a mart's figures may hold.

    Args:
        mart: As `read_marts` gives it.
        types: Spark's names of the types of its grain columns; what is no day and no whole number
            is text.
    """
    known = {"date": "date", "integer": "integer", "long": "integer"}
    ratios = mart.get("ratios", {})
    parts = [f"{one}_denominator" for one, ratio in ratios.items() if "within" in ratio]
    return DeliveredColumns(
        label=mart["label"],
        grain=tuple(_column(one, known.get(types[one], "string")) for one in mart["grain"]),
        measures=tuple(
            _column(one, {"decimal": DECIMAL}.get(measure["type"], measure["type"]))
            for one, measure in mart["measures"].items()
        ),
        derived=(*mart.get("constants", ()), *parts, *ratios, "published_from"),
    )


def _column(name: str, type_: str) -> Column:
    return Column(name, type_, label=name, description="", required=True)


def sql_type(column: Column) -> str:
    """Return the type of a column in the table of a mart's deliveries."""
    return "bigint" if column.type == "integer" else column.type


def to_arrow(columns: DeliveredColumns, delivery: Delivery) -> Any:
    """Return a delivery as an Arrow table with all columns; empty where it has no such measure."""
    import pyarrow as pa

    types = {"integer": pa.int64(), "date": pa.date32(), DECIMAL: pa.decimal128(28, 10)}
    return pa.table(
        {
            one.name: pa.array([row.get(one.name) for row in delivery.rows], pa.string()).cast(
                types.get(one.type, pa.string())
            )
            for one in (*columns.grain, *columns.measures)
        }
    )


def read_delivery(
    path: Path, columns: DeliveredColumns, *, ignore: Collection[str] = ()
) -> Delivery:
    """Return the figures of a file that another system delivered.

    Args:
        path: Parquet when its name ends so, else CSV: UTF-8 with a header.
        columns: What it may hold.
        ignore: Headings of columns to leave out.

    Raises:
        RefusedError: Everything that is wrong with it, each with its line.
        EngineError: The file can't be read.
    """
    file = _File(path, columns, ignore)
    rows = file.read()
    if file.problems:
        raise RefusedError(file.problems)
    day = columns.grain[0].name
    return Delivery(
        file=path.name,
        hash=file_hash(path),
        measures=tuple(one.name for one in columns.measures if one in file.found),
        rows=tuple(rows),
        days=tuple(sorted({row[day] for row in rows})),
    )


class _File:
    """One reading of a file; problems gather as records are looked at."""

    def __init__(self, path: Path, columns: DeliveredColumns, ignore: Collection[str]) -> None:
        self.path = path
        self.columns = columns
        self.ignore = ignore
        self.problems: list[Problem] = []
        self.found: list[Column | None] = []
        self.unit = "row" if path.suffix == ".parquet" else "line"

    def read(self) -> list[dict[str, str]]:
        records = self._parquet() if self.unit == "row" else self._csv()
        line, header = next(records, (1, []))
        if not header:
            fix = "The first line must name the columns."
            self._report("empty-file", "The file is empty.", line, "", fix)
            return []
        self.found = [self._column(heading, line) for heading in header]
        self._check_columns(line)
        if self.problems:  # values under headings that are not known say nothing
            return []
        rows = []
        first: dict[tuple[str, ...], int] = {}
        for line, cells in records:
            row = self._row(cells, line)
            if row is not None and self._is_first(row, line, first):
                rows.append(row)
        if not rows and not self.problems:
            fix = "Deliver at least one figure of each day."
            self._report("empty-file", "The file has no figures.", line, "", fix)
        return rows

    def _report(self, rule: str, message: str, line: int, value: str, fix: str) -> None:
        where = f"{self.path.name} {self.unit} {line}" if line else self.path.name
        self.problems.append(Problem(rule, message, where, value, fix))

    def _csv(self) -> Iterator[tuple[int, list[str]]]:
        yield from records_of(self.path.name, read_text(self.path), self.problems)

    def _parquet(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the names of the columns, and each row with its number, as text."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self.path.is_file():
            message = f"{self.path.name} is not a file."
            fix = "Check the name and the folder."
            raise RefusedError(Problem("file-not-found", message, self.path.name, fix=fix))
        try:
            file = pq.ParquetFile(self.path)
            yield 0, list(file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches():
                for values in zip(*(one.to_pylist() for one in batch.columns), strict=True):
                    number += 1
                    yield number, [_text(value) for value in values]
        except OSError as error:
            message = f"{self.path.name} can't be read: {error.strerror or error}."
            raise EngineError(Problem("not-read", message, self.path.name)) from error
        except pa.ArrowException as error:
            message = f"{self.path.name} can't be read as Parquet: {str(error)[:200]}"
            fix = "Write it again, or deliver a CSV file."
            raise RefusedError(Problem("not-parquet", message, self.path.name, fix=fix)) from error

    def _column(self, heading: str, line: int) -> Column | None:
        """Return the column of a heading; None for one to leave out."""
        known = {one.name: one for one in (*self.columns.grain, *self.columns.measures)}
        if heading in self.ignore:
            return None
        column = known.get(heading)
        if column is None:
            fix = (
                f"Take it out, or leave it out with --ignore. The columns are: {', '.join(known)}."
            )
            message = f"There is no column {heading!r} in {self.columns.label}."
            if heading in self.columns.derived:
                message = f"{heading} is worked out from other columns, so it is not compared."
            self._report("unknown-column", message, line, heading, fix)
        return column

    def _check_columns(self, line: int) -> None:
        for column in dict.fromkeys(one for one in self.found if one):
            if self.found.count(column) > 1:
                message = f"The column {column.name} is there more than once."
                fix = "Take one of them out."
                self._report("duplicate-column", message, line, column.name, fix)
        for column in self.columns.grain:
            if column not in self.found:
                message = f"The column {column.name} is missing."
                fix = "Add it: without it a figure has no name."
                self._report("column-missing", message, line, column.name, fix)
        if not set(self.columns.measures) & set(self.found):
            names = ", ".join(one.name for one in self.columns.measures)
            message = "The file has no measure."
            self._report("column-missing", message, line, "", f"Add one or more of: {names}.")

    def _row(self, cells: Sequence[str], line: int) -> dict[str, str] | None:
        if len(cells) != len(self.found):
            message = f"The line has {len(cells)} values, but the header has {len(self.found)}."
            fix = "Quote values that hold commas, and give each column a value."
            self._report("ragged-row", message, line, ",".join(cells)[:80], fix)
            return None
        row = {}
        for column, text in zip(self.found, cells, strict=True):
            if column is None:
                continue
            value = self._value(column, text, line)
            if value is not None:
                row[column.name] = value
        return row if len(row) == len(self.found) - self.found.count(None) else None

    def _value(self, column: Column, text: str, line: int) -> str | None:
        if text == "":
            is_measure = column in self.columns.measures
            fix = (
                "Write 0 where there is none." if is_measure else "Write (none) where it has none."
            )
            self._report("required", f"{column.name} is blank.", line, "", fix)
            return None
        try:
            found = illegal_character(text)
            if found:
                raise ValueError(f"holds the control character {found}")
            return column.canonical(text)
        except ValueError as error:
            message = f"{column.name}: {text[:80]!r} {error}."
            self._report("wrong-type", message, line, text[:80], type_fix(column))
            return None

    def _is_first(self, row: dict[str, str], line: int, first: dict[tuple[str, ...], int]) -> bool:
        grain = tuple(row[one.name] for one in self.columns.grain)
        if first.setdefault(grain, line) == line:
            return True
        message = f"The figure of {', '.join(grain)} is in {self.unit} {first[grain]} already."
        fix = "Take one of them out, or add them up: a figure has one row."
        self._report("duplicate-key", message, line, ", ".join(grain), fix)
        return False


def _text(value: Any) -> str:
    return "" if value is None else str(value)
