"""The first load of a dimension: rows from a CSV file, without guessing at their types."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from foreview.changes import Row, identity_of
from foreview.contract import BEGINNING, INTERVAL_COLUMNS, Column, Contract
from foreview.delimited import Reading, read_text, records_of
from foreview.errors import Problem
from foreview.workbook.layout import BEGINNING_WORD, INTERVAL


def read_rows_csv(
    path: Path, contract: Contract, *, ignore: Collection[str] = ()
) -> tuple[list[Row], list[Problem]]:
    """Return the rows of a dimension's file, and everything that is wrong with it.

    The file is UTF-8 with a header. A column is named as the contract's `baseline_column` or by
    its own name. `valid_from` and `valid_to` may be there; blank means from the beginning, and
    open. Columns that the file lacks are blank, unless the contract requires them.

    Args:
        path: The file.
        contract: The dimension's rules; types and keys are checked here, all else is not.
        ignore: Headings of columns to leave out.

    Returns:
        Rows in the file's order with canonical values, and problems, each naming its line. Rows
        with a problem are left out.

    Raises:
        RefusedError: There is no such file, or it is not UTF-8 text.
        EngineError: The file can't be read.
    """
    file = _File(path, contract, ignore)
    rows, problems = file.read()
    return list(rows.values()), problems


def read_supplied_csv(
    path: Path, contract: Contract, *, ignore: Collection[str] = ()
) -> tuple[list[str], dict[int, Row], list[Problem]]:
    """Return the columns and rows of a supplier's file, which may lack all columns but the key.

    The rows have no interval: from which day they hold is not the file's to say.

    Args:
        path: The file, as for `read_rows_csv`.
        contract: The dimension's rules.
        ignore: Headings of columns to leave out.

    Returns:
        The columns that the file has, its rows by line, and everything that is wrong with it.

    Raises:
        RefusedError: There is no such file, or it is not UTF-8 text.
        EngineError: The file can't be read.
    """
    file = _File(path, contract, ignore, is_partial=True)
    rows, problems = file.read()
    return file.names, rows, problems


class _File:
    """One reading of a file, by a dimension's rules."""

    def __init__(
        self, path: Path, contract: Contract, ignore: Collection[str], *, is_partial: bool = False
    ) -> None:
        self.is_partial = is_partial
        self.contract = contract
        self.ignore = ignore
        self.reading = Reading(path.name)
        self.records = records_of(path.name, read_text(path), self.reading.problems)
        self.names: list[str] = []

    def read(self) -> tuple[dict[int, Row], list[Problem]]:
        line, header = next(self.records, (1, []))
        columns = self._columns(header, line)
        self.names = [column.name for column in columns if column]
        has_key = set(self.contract.key) <= set(self.names)
        rows: dict[int, Row] = {}
        for line, cells in self.records:
            row = self._row(columns, cells, line)
            if row is not None and (not has_key or self._is_first(row, line)):
                rows[line] = row
        return rows, self.reading.problems

    def _columns(self, header: Sequence[str], line: int) -> list[Column | None]:
        known: dict[str, Column] = {} if self.is_partial else dict(INTERVAL)
        asked = [column for column in self.contract.columns if not column.is_retired]
        known |= {column.name: column for column in asked}
        known |= {column.baseline_column: column for column in asked}
        columns = self.reading.columns(header, line, known, self.ignore, self._unknown)
        for column in self.contract.columns if header else ():
            needed = column.name in self.contract.key or (column.required and not self.is_partial)
            if needed and column not in columns:
                message = f"The column {column.baseline_column} is missing."
                fix = f"Add it, or {column.name}, to the file."
                self.reading.report("column-missing", message, line, column.baseline_column, fix)
        return columns

    def _unknown(self, heading: str) -> str:
        return f"There is no column {heading!r} in {self.contract.label}."

    def _row(self, columns: Sequence[Column | None], cells: Sequence[str], line: int) -> Row | None:
        if self.reading.is_ragged(cells, columns, line):
            return None
        row: dict[str, str | None] = dict.fromkeys(self.contract.row_columns)
        row["valid_from"] = BEGINNING
        known = len(self.reading.problems)
        for column, text in zip(columns, cells, strict=True):
            if column is not None:
                canonical = partial(_canonical, column)
                row[column.name] = self.reading.value(column, text, line, canonical)
        return row if len(self.reading.problems) == known else None

    def _is_first(self, row: Row, line: int) -> bool:
        identity = identity_of(self.contract, row)
        first = self.reading.first(identity, line)
        if first == line:
            return True
        key = ", ".join(identity[:-1])
        start = "the beginning" if identity[-1] == BEGINNING else identity[-1]
        message = f"The row of {key} from {start} is in line {first} already."
        fix = f"Take one of them out, or give them different {INTERVAL_COLUMNS[0]}."
        self.reading.report("duplicate-key", message, line, key, fix)
        return False


def _canonical(column: Column, text: str) -> str | None:
    if column.name == "valid_from" and text.casefold() in ("", BEGINNING_WORD):
        return BEGINNING
    return column.canonical(text)
