"""An impact as one page of HTML that needs nothing else: no network, no scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foreview.impact import FigureImpact, Impact, MartImpact, Measure, Number
from foreview.report import charts
from foreview.report.facts import facts
from foreview.report.figures import (
    MOVERS_A_MEASURE,
    Mover,
    by_day,
    counts,
    key_columns,
    movers,
    ranked,
    totals,
)
from foreview.report.files import written_whole
from foreview.report.pairs import ADVICE, HEADINGS, SHOWN, more_pairs, pair_row
from foreview.report.requests import row_edits
from foreview.report.words import (
    DASH,
    change_word,
    column_label,
    daily_label,
    few_or_whole,
    headline_mart,
    headline_measure,
    illustrated,
    model_told,
    number,
    place,
    plural,
    ranks_moved,
    rekeyed,
    relative,
    signed,
    spoken_name,
    spoken_values,
    touched_now,
    verdict,
    warnings,
    whole,
)

CHART_MOVERS, CHART_DAYS = 12, 4
TABLE_MOVERS, TABLE_FIGURES, LISTED_EDITS = 25, 50, 100
TABLE_RANKS = 50


def to_html(impact: Impact, path: Path) -> Path:
    """Write the report that reviewers read.

    Tables show the biggest movers and figures, with totals of the rest; the CSV files have all.
    """
    return write_page("impact.html.j2", _context(impact), path)


def write_page(template: str, context: Mapping[str, Any], path: Path) -> Path:
    """Write a page from a template of this package; the file is replaced whole."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("foreview", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(context)
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path


def _context(impact: Impact) -> dict[str, Any]:
    moving = [mart for mart in impact.marts if mart.figures]
    return {
        "verdict": verdict(impact),
        "pairs": _pairs(impact),
        "warnings": [one for one in warnings(impact) if one not in rekeyed(impact)],
        "tiles": _tiles(impact),
        "headline": _headline(headline_mart(impact)) if moving else None,
        "requests": [_request(one) for one in impact.change_sets],
        "marts": [_mart(mart) for mart in moving],
        "still": [mart.label for mart in impact.marts if not mart.figures],
        "illustrated": illustrated(impact),
        "models": [(model_told(one), one.columns, one.rows) for one in impact.models],
        "facts": facts(impact),
        "chart": charts,
    }


def _pairs(impact: Impact) -> dict[str, Any] | None:
    if not impact.proposed_pairs:
        return None
    return {
        "told": rekeyed(impact),
        "headings": [one.capitalize() for one in HEADINGS],
        "rows": [pair_row(one) for one in impact.proposed_pairs[:SHOWN]],
        "rest": more_pairs(impact),
        "advice": ADVICE,
    }


def _tiles(impact: Impact) -> list[tuple[str, str, str]]:
    edits = sum(len(row_edits(one)) for one in impact.change_sets)
    authors = sorted({one.author for one in impact.change_sets})
    figures = sum(len(mart.figures) for mart in impact.marts)
    total = sum(mart.total_figures for mart in impact.marts)
    return [
        ("Changes", whole(edits), f"by {', '.join(authors)}"),
        *_touched(impact),
        ("Figures that move", whole(figures), f"of {whole(total)}"),
    ]


def _touched(impact: Impact) -> list[tuple[str, str, str]]:
    now = touched_now(impact)
    if now and not impact.touched_records:
        count = few_or_whole(now, impact.smallest_count)
        return [("Records touched", count, "only as it is now")]
    hours = f"{whole(impact.touched_seconds)} seconds"
    return [
        ("Viewing touched", _hours(impact.touched_seconds), hours),
        ("Days touched", whole(impact.touched_days), f"up to {impact.horizon_day or 'no day yet'}"),
    ]


def _hours(seconds: int) -> str:
    if seconds < 3600:
        return f"{seconds / 60:,.1f} min"
    return f"{seconds / 3600:,.{1 if seconds < 360_000 else 0}f} h"


def _headline(mart: MartImpact) -> dict[str, Any]:
    measure = headline_measure(mart)
    ordered = [one for one in movers(mart, measure.name) if one.difference]
    shown = ordered[:CHART_MOVERS]
    bars = charts.mover_bars(
        shown,
        [_short(spoken_name(mart, one.key)) for one in shown],
        [signed(one.difference) for one in shown],
        [
            f"{spoken_name(mart, one.key)}: {number(one.before)} to {number(one.after)} "
            f"{measure.unit}, {relative(one)}"
            for one in shown
        ],
    )
    return {
        "label": mart.label,
        "measure": measure.label,
        "unit": measure.unit,
        "bars": bars,
        "percents": [relative(one) for one in shown],
        "rest": _rest_of_movers(ordered[CHART_MOVERS:], measure),
        "days": _day_charts(mart, measure, ordered[:CHART_DAYS]),
    }


def _rest_of_movers(rest: Sequence[Mover], measure: Measure) -> str:
    if not rest:
        return ""
    moved: Number = sum(one.difference for one in rest)
    return f"{whole(len(rest))} smaller movers together: {signed(moved)} {measure.unit}."


def _short(name: str) -> str:
    return name if len(name) <= 27 else f"{name[:26]}…"


def _day_charts(
    mart: MartImpact, measure: Measure, shown: Sequence[Mover]
) -> list[charts.DayChart]:
    columns = key_columns(mart)
    series = [(one, by_day(mart, measure.name, one.key)) for one in shown]
    axis = sorted({day for _, days in series for day in days})
    if len(axis) < 2 or columns == mart.grain:
        return []
    values = [value for _, days in series for value in days.values()]
    extent = (min(values), max(values))
    return [
        charts.day_chart(
            spoken_name(mart, one.key),
            days,
            axis,
            extent,
            {day: f"{day}: {signed(value)} {measure.unit}" for day, value in days.items()},
        )
        for one, days in series
    ]


def _request(change_set: Any) -> dict[str, Any]:
    edits = row_edits(change_set)
    return {
        "id": change_set.id,
        "author": change_set.author,
        "reason": change_set.why,
        "source": change_set.source_name,
        "edits": [
            {
                "name": f"{column_label(edit.dimension)} {' '.join(edit.key)}",
                "words": edit.words,
                "reason": edit.reason,
                "where": edit.where,
                "cells": [
                    (column_label(one.column), one.before, one.after, one.cell, one.note)
                    for one in edit.cells
                ],
            }
            for edit in edits[:LISTED_EDITS]
        ],
        "rest": plural(len(edits) - LISTED_EDITS, "more change") if edits[LISTED_EDITS:] else "",
    }


def _mart(mart: MartImpact) -> dict[str, Any]:
    measure = mart.main_measure
    columns = key_columns(mart)
    all_movers = movers(mart, measure.name)
    shown = all_movers[:TABLE_MOVERS]
    told = [f"{whole(n)} {name}" for name, n in counts(mart).items() if n]
    others = [one for one in mart.measures if one != measure]
    sums = {one.name: {m.key: m for m in movers(mart, one.name)} for one in others}
    rest = all_movers[TABLE_MOVERS:]
    return {
        "label": mart.label,
        "description": mart.description,
        "told": f"{', '.join(told)}, of {plural(mart.total_figures, 'figure')}",
        "measure": measure.label,
        "columns": [column_label(one) for one in columns],
        "others": [daily_label(one) for one in others],
        "movers": [
            {
                "key": spoken_values(columns, one.key),
                "numbers": [number(one.before), number(one.after)],
                "difference": tone(one.difference),
                "percent": relative(one),
                "others": [_moved(sums[other.name][one.key]) for other in others],
            }
            for one in shown
        ],
        "rest": {
            "count": whole(len(rest)),
            "difference": tone(sum(one.difference for one in rest)),
            "others": [
                tone(sum(sums[other.name][one.key].difference for one in rest)) for other in others
            ],
        }
        if rest
        else None,
        "by_measure": [_by_measure(mart, one) for one in others],
        "ranks": _ranks(mart),
        "figures": _figures(mart),
    }


def _moved(mover: Mover) -> tuple[str, str]:
    return (DASH, "same") if mover.is_hidden else tone(mover.difference)


def _by_measure(mart: MartImpact, measure: Measure) -> dict[str, Any]:
    shown = [one for one in movers(mart, measure.name, MOVERS_A_MEASURE) if one.difference]
    return {
        "label": daily_label(measure),
        "movers": [
            (
                spoken_name(mart, one.key),
                number(one.before),
                number(one.after),
                *tone(one.difference),
                relative(one),
            )
            for one in shown
        ],
    }


def _ranks(mart: MartImpact) -> dict[str, Any] | None:
    if not ranks_moved(mart):
        return None
    shown = mart.rank_changes[:TABLE_RANKS]
    return {
        "told": ranks_moved(mart),
        "columns": [column_label(one) for one in mart.grain],
        "rows": [
            (
                spoken_values(mart.grain, one.grain),
                place(one.before, "not there"),
                place(one.after, "gone"),
            )
            for one in shown
        ],
        "rest": len(mart.rank_changes) - len(shown),
    }


def tone(value: Number) -> tuple[str, str]:
    """Return a difference as text, and whether it is a gain."""
    return signed(value), "gain" if value > 0 else "loss" if value < 0 else "same"


def _figures(mart: MartImpact) -> dict[str, Any]:
    shown = ranked(mart, TABLE_FIGURES)
    chosen = set(map(id, shown))
    rest = [one for one in mart.figures if id(one) not in chosen]
    summed = [one for one in mart.disjoint_figures if id(one) not in chosen]
    return {
        "columns": [column_label(one) for one in mart.grain],
        "measures": [one.label for one in mart.measures],
        "rows": [_figure(mart, one) for one in shown],
        "rest": whole(len(rest)) if rest else "",
        "totals": [
            (number(before), number(after), *tone(after - before))
            for before, after in (totals(summed, one.name) for one in mart.measures)
        ],
    }


def _figure(mart: MartImpact, figure: FigureImpact) -> dict[str, Any]:
    return {
        "grain": spoken_values(mart.grain, figure.grain),
        "change": change_word(figure),
        "numbers": [_sides(figure, one.name) for one in mart.measures],
    }


def _sides(figure: FigureImpact, name: str) -> tuple[str, str, str, str]:
    if name in figure.hidden:
        before, after, difference = figure.hidden[name]
        return before or DASH, after or DASH, difference, "same"
    numbers = [number(side.get(name)) for side in (figure.before, figure.after)]
    return numbers[0], numbers[1], *tone(figure.difference(name))
