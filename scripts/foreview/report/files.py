"""An impact as CSV files, and how reports are written: whole or not at all."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from foreview.errors import EngineError, Problem
from foreview.impact import FigureImpact, Impact, MartImpact, Number, Values, ratio_of
from foreview.report.pairs import HEADINGS, pair_row

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'")  # noqa: RUF001 - full-width signs
_CONTROL = ("\t", "\r", "\n")

Value = str | Number | None


def to_csv(impact: Impact, folder: Path) -> list[Path]:
    """Write one CSV file a mart, `<mart>.csv`, with all figures that move; return the paths.

    Where deleted and inserted codes are likely the same channel, `likely_pairs.csv` has them all.

    Text that a spreadsheet might take for a formula gets an apostrophe in front, and so does text
    that begins with one: taking one leading apostrophe away gives back every value. Decimals are
    written with all their digits. Encoding UTF-8, quotes and line ends as in RFC 4180.
    """
    paths = []
    for mart in impact.marts:
        figures = sorted(mart.figures, key=lambda one: one.grain)
        rows = (figure_row(mart, figure) for figure in figures)
        paths.append(write_csv(folder / f"{mart.name}.csv", headings(mart), rows))
    if impact.proposed_pairs:
        names = [one.replace(" ", "_") for one in HEADINGS]
        rows = (list(pair_row(pair)) for pair in impact.proposed_pairs)
        paths.append(write_csv(folder / "likely_pairs.csv", names, rows))
    return paths


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[Value]]) -> Path:
    """Write a CSV file, whole or not at all."""
    with (
        written_whole(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(value) for value in row])
    return path


def headings(mart: MartImpact) -> list[str]:
    """Return the names of the values that `figure_row` gives."""
    names = [*(one.name for one in mart.measures), *_parts(mart)]
    sides = [f"{name}_{side}" for name in names for side in ("before", "after", "difference")]
    ratios = [f"{ratio.name}_{side}" for ratio in mart.ratios for side in ("before", "after")]
    return ["change", *mart.grain, *sides, *ratios]


def figure_row(mart: MartImpact, figure: FigureImpact) -> list[Value]:
    """Return a figure's values: change, grain, measures and parts of ratios, ratios."""
    row: list[Value] = [figure.change, *figure.grain]
    for name in [*(one.name for one in mart.measures), *_parts(mart)]:
        if name in figure.hidden:
            row += figure.hidden[name]
            continue
        row += [figure.before.get(name), figure.after.get(name), _difference(figure, name)]
    for ratio in mart.ratios:
        row += [ratio_of(ratio, figure.before), ratio_of(ratio, figure.after)]
    return row


def _parts(mart: MartImpact) -> list[str]:
    """Return the columns that only ratios use."""
    measures = {one.name for one in mart.measures}
    used = [name for ratio in mart.ratios for name in (ratio.numerator, ratio.denominator)]
    return [name for name in dict.fromkeys(used) if name not in measures]


def _difference(figure: FigureImpact, name: str) -> Number | None:
    sides: tuple[Values, Values] = (figure.before, figure.after)
    if all(side.get(name) is None for side in sides):
        return None
    return figure.difference(name)


def _cell(value: Value) -> str:
    if isinstance(value, str):
        is_risky = value.lstrip().startswith(_FORMULA) or value.startswith(_CONTROL)
        return f"'{value}" if is_risky else value
    return "" if value is None else f"{value:f}" if not isinstance(value, int) else str(value)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its place when all went well.

    Raises:
        EngineError: The file can't be written; what was there before is still there.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o644)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        message = f"The report can't be written: {error.strerror or error}."
        fix = "Check the folder's rights and free space, or name another file."
        raise EngineError(Problem("report-not-written", message, str(path), fix=fix)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
