"""What Foreview sees in a workbook file, whoever wrote it: for `foreview inspect`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from foreview.errors import Problem
from foreview.workbook import layout, looks, package, sheet_rows
from foreview.workbook.addresses import column_letter
from foreview.workbook.archive import MAX_UNPACKED_BYTES, damaged, read_archive
from foreview.workbook.read import hidden_tables


@dataclass(frozen=True)
class SheetFacts:
    """One sheet.

    Attributes:
        name: Its name.
        state: `visible`, `hidden` or `veryHidden`.
        extent: From the first to the last cell that holds something, `A1:C7`; empty for none.
        claimed: The extent that the file claims.
        rows: Number of rows that hold something.
        cells: Number of cells of each kind of `sheet_rows.Cell`.
        formulas: Number of formulas.
        hidden_rows: Number of hidden rows that hold something.
        hidden_columns: Hidden columns, as runs `C:D`.
        merged: Merged ranges.
        filter_range: The range of its filter; empty without one.
        problems: Cells that two readers see differently, or that hold an error.
    """

    name: str
    state: str
    extent: str
    claimed: str
    rows: int
    cells: dict[str, int]
    formulas: int
    hidden_rows: int
    hidden_columns: tuple[str, ...]
    merged: tuple[str, ...]
    filter_range: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Inspection:
    """What is in a workbook file.

    Attributes:
        file_name: Its name.
        table: The dimension that it was exported from; empty when Foreview did not write it.
        base_release: The release that it was exported at; empty likewise.
        is_1904: Whether days are counted from 1904.
        extras: What a table has no use for: macros, links to other workbooks, and the like.
        sheets: Its sheets.
    """

    file_name: str
    table: str
    base_release: str
    is_1904: bool
    extras: tuple[str, ...]
    sheets: tuple[SheetFacts, ...]


MOST_PROBLEMS = 20


def inspection_text(found: Inspection) -> str:
    """Return what was found, for a terminal."""
    written = f"exported by foreview: {found.table}, reference version {found.base_release}"
    lines = [f"{found.file_name}: {written if found.table else 'not exported by foreview'}"]
    lines += [f"  {one}" for one in found.extras]
    lines += ["  days are counted from 1904"] if found.is_1904 else []
    for sheet in found.sheets:
        state = "" if sheet.state == "visible" else f", {sheet.state}"
        lines.append(f"{sheet.name}{state}: {sheet.rows:,} rows in {sheet.extent or 'no cells'}")
        cells = ", ".join(f"{count:,} {kind}" for kind, count in sheet.cells.items())
        facts = {
            "cells": cells,
            "formulas": f"{sheet.formulas:,}" if sheet.formulas else "",
            "hidden rows": f"{sheet.hidden_rows:,}" if sheet.hidden_rows else "",
            "hidden columns": ", ".join(sheet.hidden_columns),
            "merged": ", ".join(sheet.merged[:MOST_PROBLEMS]),
            "filter": sheet.filter_range,
            "claims to be": sheet.claimed if sheet.claimed != sheet.extent else "",
        }
        lines += [f"  {name}: {value}" for name, value in facts.items() if value]
        for problem in sheet.problems[:MOST_PROBLEMS]:
            lines.append(f"  {problem.where}: {problem.message} [{problem.rule}] {problem.value}")
        rest = len(sheet.problems) - MOST_PROBLEMS
        lines += [f"  ... and {rest:,} more cells"] if rest > 0 else []
    return "\n".join(lines)


def inspect_workbook(path: Path, *, max_unpacked_bytes: int = MAX_UNPACKED_BYTES) -> Inspection:
    """Return what is in a workbook file.

    Args:
        path: The file.
        max_unpacked_bytes: Size of the unpacked file past which it is not opened.

    Raises:
        RefusedError: It is not a workbook that can be read.
        EngineError: The disk failed.
    """
    content = read_archive(path, max_unpacked_bytes)
    try:
        book = looks.Book(content)
        sheets = tuple(_facts(book, sheet) for sheet in book.package.sheets)
        ours = _ours(book)
    except sheet_rows.DamagedError as error:
        raise damaged(path, str(error)) from error
    return Inspection(
        file_name=path.name,
        table=ours.get("dimension", ""),
        base_release=ours.get("base_release", ""),
        is_1904=book.package.is_1904,
        extras=book.package.extras,
        sheets=sheets,
    )


def _facts(book: looks.Book, sheet: package.Sheet) -> SheetFacts:
    around = sheet_rows.Layout()
    problems: list[Problem] = []
    kinds: Counter[str] = Counter()
    rows = formulas = hidden = 0
    first, last, top, bottom = 1 << 20, 0, 1 << 20, 0
    for run in (run for runs in book.runs(sheet, problems, around) for run in runs):
        count = len(run.numbers)
        rows += count
        hidden += count * run.is_hidden
        formulas += len(run.formulas)
        top, bottom = min(top, run.numbers[0]), max(bottom, run.numbers[-1])
        first, last = min(first, run.shape.columns[0]), max(last, run.shape.columns[-1])
        for kind in run.shape.kinds:
            kinds[kind] += count
        if "error" in run.shape.kinds:
            problems += _errors(sheet.name, run)
    extent = f"{column_letter(first)}{top}:{column_letter(last)}{bottom}" if rows else ""
    return SheetFacts(
        name=sheet.name,
        state=sheet.state,
        extent=extent,
        claimed=around.dimension,
        rows=rows,
        cells=dict(sorted(kinds.items())),
        formulas=formulas,
        hidden_rows=hidden,
        hidden_columns=tuple(
            f"{column_letter(one)}:{column_letter(min(other, 16_384))}"
            for one, other in around.hidden_columns
        ),
        merged=tuple(around.merged),
        filter_range=around.filter_range,
        problems=tuple(problems),
    )


def _errors(title: str, run: sheet_rows.Run) -> Iterator[Problem]:
    for row in run.rows():
        for cell in row.cells:
            if cell.kind == "error":
                where = f"{title}!{column_letter(cell.column)}{row.number}"
                yield Problem(
                    "error-value", "The cell holds an error of Excel's.", where, cell.text
                )


def _ours(book: looks.Book) -> dict[str, str]:
    """Return the first facts of the hidden sheet of Foreview's; none in another's workbook."""
    hidden = next((one for one in book.package.sheets if one.name == layout.HIDDEN), None)
    tables = hidden_tables(book.package.rows(hidden)) if hidden else []
    return tables[0][0] if tables else {}
