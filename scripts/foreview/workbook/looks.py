"""Two looks at each sheet: calamine's values and the XML. Where they differ, nothing is believed.

calamine reads an error and a formula without a value as an empty cell, and another parser may
have faults of its own; so each cell must be the same to both, or it is named.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO, Any, TypeVar

from foreview.errors import Problem
from foreview.workbook import layout, slices
from foreview.workbook.addresses import column_letter
from foreview.workbook.package import Package, Sheet
from foreview.workbook.sheet_rows import NOTHING, DamagedError, Layout, Run, XmlRow, in_order

T = TypeVar("T")

_DATES = {datetime, date, time, timedelta}
_NUMBERS = {int, float}


class Book:
    """A workbook file that is looked at twice, at the same time: calamine works in a thread."""

    def __init__(self, content: bytes) -> None:
        """Open it with both readers.

        Raises:
            DamagedError: One of them can't read it.
            EngineError: There is no room for a large one's slices.
        """
        self._slices: Mapping[str, Sequence[str]] = {}
        with ThreadPoolExecutor(1) as thread:
            if slices.is_large(content):
                self.package = Package(slices.on_disk(content))
                file, self._slices = slices.in_slices(self.package)
                opening = thread.submit(_open, file)
            else:
                opening = thread.submit(_open, io.BytesIO(content))
                self.package = Package(io.BytesIO(content))
        self._values = _result(opening)

    def rows(
        self, sheet: Sheet, problems: list[Problem], around: Layout | None = None
    ) -> Iterator[XmlRow]:
        """Yield a sheet's rows that hold something, in order; else as `runs`."""
        for runs in self.runs(sheet, problems, around):
            yield from in_order(runs)

    def runs(
        self, sheet: Sheet, problems: list[Problem], around: Layout | None = None
    ) -> Iterator[list[Run]]:
        """Yield a sheet's rows that hold something; a cell that differs is added to `problems`.

        Args:
            sheet: One of the package's sheets.
            problems: Where disagreements go, each with its cell.
            around: Filled with what the sheet says around its cells, when given.

        Yields:
            Rows, all of which come before the next that are yielded.

        Raises:
            DamagedError: One of the readers can't read it.
        """
        waiting: list[list[Run]] = []
        with ThreadPoolExecutor(1) as thread:
            parts = self._slices.get(sheet.name, [sheet.name])
            grid = _Grid(sheet.name, self._values, parts, thread)
            for runs in self.package.runs(sheet, around):
                waiting += [runs] if runs else []
                if grid.is_loaded():
                    yield from grid.compared(waiting, problems)
                    waiting = []
            yield from grid.compared(waiting, problems)
            grid.compare_rest(problems)


class _Grid:
    """Calamine's values of a sheet, line by line from the first row and column on."""

    def __init__(
        self, name: str, values: Any, parts: Sequence[str], thread: ThreadPoolExecutor
    ) -> None:
        self._name, self._values, self._thread = name, values, thread
        self._first = self._loading = self._load(parts[0])
        self._lines = self._read(parts)
        self._last = 0

    def is_loaded(self) -> bool:
        return self._first.done()

    def _load(self, part: str) -> Future[Any]:
        return self._thread.submit(self._values.get_sheet_by_name, part)

    def _read(self, parts: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Yield the lines of the sheets that are parts of it, while the next one is loaded."""
        number = 1
        for following in [*parts[1:], None]:
            sheet = _result(self._loading)
            if following is not None:
                self._loading = self._load(following)
            top, left = sheet.start or (0, 0)
            lines: Iterable[Sequence[Any]] = sheet.iter_rows()  # from row 1 on
            if len(parts) > 1 and sheet.height:
                lines = chain(repeat((), top + 1 - number), sheet.to_python())
                number = top + 1 + sheet.height
            yield from ([*[""] * left, *line] for line in lines) if left else lines

    def compared(
        self, batches: Iterable[list[Run]], problems: list[Problem]
    ) -> Iterator[list[Run]]:
        """Yield the batches, each compared with the next lines."""
        for runs in batches:
            first, self._last = self._last + 1, max(run.numbers[-1] for run in runs)
            lines = dict(enumerate(islice(self._lines, self._last - first + 1), start=first))
            for run in runs:
                own = [lines.pop(number, ()) for number in run.numbers]
                if not self._is_same(run, own):
                    for row, line in zip(run.rows(), own, strict=True):
                        self._compare(row, line, problems)
            for number, line in lines.items():
                self._compare(blank_row(number), line, problems)
            yield runs

    def compare_rest(self, problems: list[Problem]) -> None:
        """Compare the lines that follow, which should hold nothing."""
        for number, line in enumerate(self._lines, start=self._last + 1):
            self._compare(blank_row(number), line, problems)

    def _is_same(self, run: Run, lines: Sequence[Sequence[Any]]) -> bool:
        """Whether all cells are the same, and no others hold anything."""
        cells = zip(run.shape.kinds, run.columns, strict=True)
        ours = dict(zip(run.shape.columns, cells, strict=True))
        if len({*map(len, lines)}) > 1:
            return False
        for column, values in enumerate(zip(*lines, strict=True), start=1):
            kind, texts = ours.pop(column, ("blank", values))
            if not _is_same_column(kind, texts, values):
                return False
        return not ours

    def _compare(self, row: XmlRow, line: Sequence[Any], problems: list[Problem]) -> None:
        if line.count("") == len(line) and not row.texts:
            return
        seen = {number: value for number, value in enumerate(line, 1) if value != ""}
        for cell in row.cells:
            value = seen.pop(cell.column, "")
            if not _is_same(cell.kind, cell.text, value):
                problems.append(_differs(self._name, row.number, cell.column, cell.text, value))
        for column, value in seen.items():
            problems.append(_differs(self._name, row.number, column, "", value))


def _open(file: IO[bytes]) -> Any:
    """Return calamine's workbook; of a file on disk it need not hold all in memory."""
    from python_calamine import CalamineWorkbook

    if isinstance(file, io.BytesIO) or not Path("/dev/fd").is_dir():
        return CalamineWorkbook.from_filelike(file)
    return CalamineWorkbook.from_path(f"/dev/fd/{file.fileno()}")


def _result(work: Future[T]) -> T:
    """Return what calamine made.

    Raises:
        DamagedError: It can't read it; its panics are no `Exception`.
    """
    try:
        return work.result()
    except BaseException as error:
        raise _unreadable(error) from error


def blank_row(number: int) -> XmlRow:
    """Return a row that holds nothing."""
    return XmlRow(number, False, NOTHING, (), {})


def _unreadable(error: BaseException) -> BaseException:
    if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError | GeneratorExit):
        return error
    return DamagedError(f"calamine can't read it: {error}")


def _is_same_column(kind: str, texts: Sequence[str], values: Sequence[Any]) -> bool:
    if kind == "blank":
        return values.count("") == len(values)
    if kind == "number":
        kinds = {*map(type, values)}
        if kinds <= _DATES or (kinds <= _NUMBERS and [*map(float, texts)] == [*values]):
            return True
    return (kind == "string" and values == texts) or all(
        _is_same(kind, text, value) for text, value in zip(texts, values, strict=True)
    )


def _is_same(kind: str, text: str, value: Any) -> bool:
    if kind == "string":
        return value == text or _plain(value) in (_plain(text), _plain(layout.unescape(text)))
    if kind == "number":
        if type(value) in _DATES:
            return True
        return not isinstance(value, str) and float(text) == value
    if kind == "boolean":
        return value is (text in ("1", "true"))
    # calamine shows errors and formulas without a value as blank, and ISO dates in its own way.
    return kind == "date" or value == ""


def _plain(text: Any) -> Any:
    return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text


def _differs(sheet: str, number: int, column: int, text: str, value: Any) -> Problem:
    return Problem(
        "readers-differ",
        f"Two readers of Excel files see different things here: {text[:80]!r} and "
        f"{str(value)[:80]!r}.",
        f"{sheet}!{column_letter(column)}{number}",
        text,
        "Open the file in Excel, write the value again, and save it.",
    )
