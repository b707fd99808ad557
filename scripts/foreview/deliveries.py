"""Files of another system's figures of a mart: CSV or Parquet, read without guessing at types."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foreview.contract import Column
from foreview.delimited import Reading, read_text, records_of
from foreview.errors import EngineError, Problem, RefusedError
from foreview.impact_tables import stored_values
from foreview.whole_files import file_hash

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
    derived = [one for one in stored_values(mart) if one not in mart["measures"]]
    return DeliveredColumns(
        label=mart["label"],
        grain=tuple(_column(one, known.get(types[one], "string")) for one in mart["grain"]),
        measures=tuple(
            _column(one, {"decimal": DECIMAL}.get(measure["type"], measure["type"]))
            for one, measure in mart["measures"].items()
        ),
        derived=(*derived, *mart.get("ratios", {}), "published_from"),
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
    is_parquet = path.suffix == ".parquet"
    reading = Reading(path.name, "row" if is_parquet else "line")
    if is_parquet:
        records = _parquet(path)
    else:
        records = records_of(path.name, read_text(path), reading.problems)
    line, header = next(records, (1, []))
    found = _columns(reading, columns, header, line, ignore)
    if reading.problems:  # values under headings that are not known say nothing
        raise RefusedError(reading.problems)
    rows = []
    for line, cells in records:
        row = _row(reading, columns, found, cells, line)
        if row is not None and _is_first(reading, columns, row, line):
            rows.append(row)
    if not rows and not reading.problems:
        fix = "Deliver at least one figure of each day."
        reading.report("empty-file", "The file has no figures.", line, "", fix)
    if reading.problems:
        raise RefusedError(reading.problems)
    day = columns.grain[0].name
    return Delivery(
        file=path.name,
        hash=file_hash(path),
        measures=tuple(one.name for one in columns.measures if one in found),
        rows=tuple(rows),
        days=tuple(sorted({row[day] for row in rows})),
    )


def _parquet(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the names of the columns, and each row with its number, as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        message = f"{path.name} is not a file."
        fix = "Check the name and the folder."
        raise RefusedError(Problem("file-not-found", message, path.name, fix=fix))
    try:
        file = pq.ParquetFile(path)
        yield 0, list(file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches():
            for values in zip(*(one.to_pylist() for one in batch.columns), strict=True):
                number += 1
                yield number, [_text(value) for value in values]
    except OSError as error:
        message = f"{path.name} can't be read: {error.strerror or error}."
        raise EngineError(Problem("not-read", message, path.name)) from error
    except pa.ArrowException as error:
        message = f"{path.name} can't be read as Parquet: {str(error)[:200]}"
        fix = "Write it again, or deliver a CSV file."
        raise RefusedError(Problem("not-parquet", message, path.name, fix=fix)) from error


def _columns(
    reading: Reading,
    columns: DeliveredColumns,
    header: Sequence[str],
    line: int,
    ignore: Collection[str],
) -> list[Column | None]:
    def unknown(heading: str) -> str:
        if heading in columns.derived:
            return f"{heading} is worked out from other columns, so it is not compared."
        return f"There is no column {heading!r} in {columns.label}."

    known = {one.name: one for one in (*columns.grain, *columns.measures)}
    found = reading.columns(header, line, known, ignore, unknown)
    for column in columns.grain if header else ():
        if column not in found:
            message = f"The column {column.name} is missing."
            fix = "Add it: without it a figure has no name."
            reading.report("column-missing", message, line, column.name, fix)
    if header and not set(columns.measures) & set(found):
        names = ", ".join(one.name for one in columns.measures)
        message = "The file has no measure."
        reading.report("column-missing", message, line, "", f"Add one or more of: {names}.")
    return found


def _row(
    reading: Reading,
    columns: DeliveredColumns,
    found: Sequence[Column | None],
    cells: Sequence[str],
    line: int,
) -> dict[str, str] | None:
    if reading.is_ragged(cells, found, line):
        return None
    row = {}
    for column, text in zip(found, cells, strict=True):
        if column is None:
            continue
        if text == "":
            word = "0" if column in columns.measures else "(none)"
            fix = f"Write {word} where there is none."
            reading.report("required", f"{column.name} is blank.", line, "", fix)
            continue
        value = reading.value(column, text, line, column.canonical)
        if value is not None:
            row[column.name] = value
    return row if len(row) == len(found) - found.count(None) else None


def _is_first(
    reading: Reading, columns: DeliveredColumns, row: Mapping[str, str], line: int
) -> bool:
    grain = tuple(row[one.name] for one in columns.grain)
    first = reading.first(grain, line)
    if first == line:
        return True
    message = f"The figure of {', '.join(grain)} is in {reading.unit} {first} already."
    fix = "Take one of them out, or add them up: a figure has one row."
    reading.report("duplicate-key", message, line, ", ".join(grain), fix)
    return False


def _text(value: Any) -> str:
    return "" if value is None else str(value)
