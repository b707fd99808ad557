"""Two scenarios side by side: on the terminal, as a page, and as CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foreview.impact import Impact
from foreview.report.files import write_csv
from foreview.report.page import tone, write_page
from foreview.report.words import DASH, column_label, number, plural, spoken_values, verdict, whole
from foreview.scenarios import MartPair

TABLE_FIGURES = 50


def compared(pairs: Sequence[MartPair]) -> str:
    """Return in one sentence how far the two scenarios differ."""
    different = sum(len(pair.figures) for pair in pairs)
    alike = sum(pair.alike for pair in pairs)
    if not different:
        return f"A and B do the same: {plural(alike, 'figure')} move alike."
    return f"A and B leave {plural(different, 'figure')} different; {whole(alike)} move alike."


def pairs_to_html(one: Impact, other: Impact, pairs: Sequence[MartPair], path: Path) -> Path:
    """Write the page of two scenarios; tables show the figures that differ most."""
    scenarios = [
        (name, ", ".join(f"{cs.id} ({cs.why})" for cs in impact.change_sets), verdict(impact))
        for name, impact in (("A", one), ("B", other))
    ]
    context = {
        "verdict": compared(pairs),
        "scenarios": scenarios,
        "marts": [_mart(pair) for pair in pairs if pair.figures or pair.alike],
    }
    return write_page("side_by_side.html.j2", context, path)


def _mart(pair: MartPair) -> dict[str, Any]:
    mart = pair.mart
    main = mart.main_measure
    others = [one for one in mart.measures if one != main]
    return {
        "label": mart.label,
        "told": told(pair),
        "columns": [column_label(one) for one in mart.grain],
        "measure": main.label,
        "others": [one.label for one in others],
        "rows": [
            {
                "grain": spoken_values(mart.grain, figure.grain),
                "numbers": [
                    number(side.get(main.name))
                    for side in (figure.before, figure.one, figure.other)
                ],
                "differences": [
                    (DASH, "same")
                    if one.name in figure.hidden
                    else tone(figure.difference(one.name))
                    for one in (main, *others)
                ],
            }
            for figure in pair.figures[:TABLE_FIGURES]
        ],
        "rest": max(len(pair.figures) - TABLE_FIGURES, 0),
    }


def told(pair: MartPair) -> str:
    """Return in a sentence how far the scenarios differ in a mart."""
    return f"{plural(len(pair.figures), 'figure')} differ; {whole(pair.alike)} move alike."


def pairs_to_csv(pairs: Sequence[MartPair], folder: Path) -> list[Path]:
    """Write a CSV file a mart with every figure that differs: now, with A, with B."""
    written = []
    for pair in pairs:
        if pair.figures:
            names = [one.name for one in pair.mart.measures]
            heads = [f"{name}_{side}" for name in names for side in ("now", "a", "b")]
            rows = (
                [
                    *figure.grain,
                    *(
                        side.get(name)
                        for name in names
                        for side in (figure.before, figure.one, figure.other)
                    ),
                ]
                for figure in pair.figures
            )
            path = folder / f"{pair.mart.name}_side_by_side.csv"
            written.append(write_csv(path, [*pair.mart.grain, *heads], rows))
    return written
