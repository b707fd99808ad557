"""CSV files of others: UTF-8 text, a record at a time, each with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from foreview.errors import EngineError, Problem, RefusedError

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
