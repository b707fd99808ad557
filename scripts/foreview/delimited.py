"""Files of others: records under headings, each with its line; CSV is UTF-8 text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foreview.contract import Column
from foreview.errors import EngineError, Problem, RefusedError
from foreview.workbook.layout import illegal_character, type_fix

_MAX_VALUE_CHARACTERS = 1_000_000


def read_text(path: Path) -> str:
    """Return a file's text, without a mark of byte order.

    Raises:
        RefusedError: There is no such file, or it is not UTF-8 text.
        EngineError: The file can't be read.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        fix = "Check the name and the folder."
        problem = Problem("file-not-found", f"{path.name} is not a file.", path.name, fix=fix)
        raise RefusedError(problem) from error
    except OSError as error:
        message = f"{path.name} can't be read: {error.strerror or error}."
        raise EngineError(Problem("not-read", message, path.name)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RefusedError(
            Problem(
                "not-utf-8",
                f"{path.name} is not UTF-8 text.",
                f"{path.name} line {line}",
                repr(content[error.start : error.start + 8]),
                'Save it as "CSV UTF-8".',
            )
        ) from error


def records_of(name: str, text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV file that is not blank with the number of its first line.

    Args:
        name: The file's name.
        text: What is in it.
        problems: Where what can't be read as CSV is added; nothing follows it.
    """
    limit = csv.field_size_limit(_MAX_VALUE_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        message = f"The line can't be read as CSV: {error}."
        fix = 'Write a quote inside a quoted value twice (""), and close each quoted value.'
        problems.append(Problem("malformed-csv", message, f"{name} line {line}", fix=fix))
    finally:
        csv.field_size_limit(limit)


@dataclass
class Reading:
    """One reading of a file; problems gather as its records are looked at.

    Attributes:
        name: The file's name.
        unit: What its records are called.
        problems: What is wrong with it so far, each with its place.
    """

    name: str
    unit: str = "line"
    problems: list[Problem] = field(default_factory=list)
    _first: dict[Hashable, int] = field(default_factory=dict)

    def report(self, rule: str, message: str, number: int, value: str, fix: str) -> None:
        """Add a problem of a record; of the whole file where the number is 0."""
        where = f"{self.name} {self.unit} {number}" if number else self.name
        self.problems.append(Problem(rule, message, where, value, fix))

    def columns(
        self,
        header: Sequence[str],
        number: int,
        known: Mapping[str, Column],
        ignore: Collection[str],
        unknown: Callable[[str], str],
    ) -> list[Column | None]:
        """Return the column of each heading; None for those to leave out.

        Args:
            header: The headings; reported when there are none.
            number: The header's record.
            known: The columns that the file may have, by heading.
            ignore: Headings to leave out.
            unknown: Gives the message for a heading that is not known.
        """
        if not header:
            fix = "The first line must name the columns."
            self.report("empty-file", "The file is empty.", number, "", fix)
        columns: list[Column | None] = []
        for heading in header:
            column = None if heading in ignore else known.get(heading)
            if column is None and heading not in ignore:
                names = ", ".join(dict.fromkeys(known))
                fix = f"Take it out, or leave it out with --ignore. The columns are: {names}."
                self.report("unknown-column", unknown(heading), number, heading, fix)
            if column is not None and column in columns:
                message = f"The column {column.name} is there more than once."
                self.report("duplicate-column", message, number, heading, "Take one of them out.")
                column = None
            columns.append(column)
        return columns

    def is_ragged(self, cells: Sequence[str], columns: Sequence[Column | None], line: int) -> bool:
        """Whether a record has more or fewer values than there are columns, which is reported."""
        if len(cells) == len(columns):
            return False
        message = f"The line has {len(cells)} values, but the header has {len(columns)}."
        fix = "Quote values that hold commas, and give each column a value."
        self.report("ragged-row", message, line, ",".join(cells)[:80], fix)
        return True

    def value(
        self, column: Column, text: str, number: int, canonical: Callable[[str], str | None]
    ) -> str | None:
        """Return a value's canonical spelling; None where it has none, which is reported."""
        try:
            found = illegal_character(text)
            if found:
                raise ValueError(f"holds the control character {found}")
            return canonical(text)
        except ValueError as error:
            message = f"{column.name}: {text[:80]!r} {error}."
            self.report("wrong-type", message, number, text[:80], type_fix(column))
            return None

    def first(self, key: Hashable, number: int) -> int:
        """Return the number of the first record that has a key: this one's, or one before it."""
        return self._first.setdefault(key, number)
