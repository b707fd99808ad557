"""The first load of a dimension: rows from a CSV file, without guessing at their types."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from foreview.changes import Identity, Row, identity_of
from foreview.contract import BEGINNING, INTERVAL_COLUMNS, Column, Contract
from foreview.delimited import read_text, records_of
from foreview.errors import Problem
from foreview.workbook.layout import BEGINNING_WORD, INTERVAL, illegal_character, type_fix


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
    file = _File(path.name, read_text(path), contract, ignore)
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
    file = _File(path.name, read_text(path), contract, ignore, is_partial=True)
    rows, problems = file.read()
    return file.names, rows, problems


class _File:
    """One reading of a file; problems gather as lines are looked at."""

    def __init__(
        self,
        name: str,
        text: str,
        contract: Contract,
        ignore: Collection[str],
        *,
        is_partial: bool = False,
    ) -> None:
        self.is_partial = is_partial
        self.names: list[str] = []
        self.name = name
        self.text = text
        self.contract = contract
        self.ignore = ignore
        self.problems: list[Problem] = []

    def read(self) -> tuple[dict[int, Row], list[Problem]]:
        lines = records_of(self.name, self.text, self.problems)
        line, header = next(lines, (1, []))
        if not header:
            fix = "The first line must name the columns."
            self._report("empty-file", "The file is empty.", 1, "", fix)
            return {}, self.problems
        columns = self._columns(header, line)
        self.names = [column.name for column in columns if column]
        has_key = set(self.contract.key) <= {column.name for column in columns if column}
        rows: dict[int, Row] = {}
        first: dict[Identity, int] = {}
        for line, cells in lines:
            if len(cells) != len(header):
                message = f"The line has {len(cells)} values, but the header has {len(header)}."
                fix = "Quote values that hold commas, and give each column a value."
                self._report("ragged-row", message, line, ",".join(cells)[:80], fix)
                continue
            row = self._row(columns, cells, line)
            if row is not None and self._is_first(row, line, first, has_key):
                rows[line] = row
        return rows, self.problems

    def _report(self, rule: str, message: str, line: int, value: str, fix: str) -> None:
        self.problems.append(Problem(rule, message, f"{self.name} line {line}", value, fix))

    def _columns(self, header: Sequence[str], line: int) -> list[Column | None]:
        """Return the contract's column of each heading; None for those to leave out."""
        known: dict[str, Column] = {} if self.is_partial else dict(INTERVAL)
        asked = [column for column in self.contract.columns if not column.is_retired]
        known |= {column.name: column for column in asked}
        known |= {column.baseline_column: column for column in asked}
        valid = ", ".join(dict.fromkeys(known))
        columns: list[Column | None] = []
        for heading in header:
            column = None if heading in self.ignore else known.get(heading)
            if column is None and heading not in self.ignore:
                fix = f"Take it out or leave it out by name. The columns are: {valid}."
                message = f"There is no column {heading!r} in {self.contract.label}."
                self._report("unknown-column", message, line, heading, fix)
            if column is not None and column in columns:
                message = f"The column {column.name} is there more than once."
                self._report("duplicate-column", message, line, heading, "Take one of them out.")
                column = None
            columns.append(column)
        for column in self.contract.columns:
            needed = column.name in self.contract.key or (column.required and not self.is_partial)
            if needed and column not in columns:
                message = f"The column {column.baseline_column} is missing."
                fix = f"Add it, or {column.name}, to the file."
                self._report("column-missing", message, line, column.baseline_column, fix)
        return columns

    def _row(self, columns: Sequence[Column | None], cells: Sequence[str], line: int) -> Row | None:
        row: dict[str, str | None] = dict.fromkeys(self.contract.row_columns)
        row["valid_from"] = BEGINNING
        sound = True
        for column, text in zip(columns, cells, strict=True):
            if column is None:
                continue
            try:
                row[column.name] = _value(column, text)
            except ValueError as error:
                sound = False
                message = f"{column.name}: {text[:80]!r} {error}."
                self._report("wrong-type", message, line, text[:80], type_fix(column))
        return row if sound else None

    def _is_first(self, row: Row, line: int, first: dict[Identity, int], has_key: bool) -> bool:
        if not has_key:
            return True
        identity = identity_of(self.contract, row)
        if first.setdefault(identity, line) == line:
            return True
        key = ", ".join(identity[:-1])
        start = "the beginning" if identity[-1] == BEGINNING else identity[-1]
        message = f"The row of {key} from {start} is in line {first[identity]} already."
        fix = f"Take one of them out, or give them different {INTERVAL_COLUMNS[0]}."
        self._report("duplicate-key", message, line, key, fix)
        return False


def _value(column: Column, text: str) -> str | None:
    """Return a cell's canonical value.

    Raises:
        ValueError: It is none; the message says why.
    """
    found = illegal_character(text)
    if found:
        raise ValueError(f"holds the control character {found}")
    if column.name == "valid_from" and text.casefold() in ("", BEGINNING_WORD):
        return BEGINNING
    return column.canonical(text)
