"""Two tracks compared: on the terminal, as a page, and as a CSV file.

How many figures differ is said of all; those of too few households are added up by day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import localcontext
from pathlib import Path
from typing import Any

from foreview.impact import Measure, are_small, counted
from foreview.report.files import Value, write_csv
from foreview.report.page import tone, write_page
from foreview.report.suppression import covered, few, total, without
from foreview.report.words import (
    DASH,
    column_label,
    daily_label,
    number,
    plural,
    signed,
    spoken_key,
    spoken_value,
    spoken_values,
    whole,
)
from foreview.track_comparison import (
    DIGITS,
    Comparison,
    Difference,
    Elsewhere,
    Found,
    Grain,
    rank,
)
from foreview.tracks import Tracks

SCREEN_FIGURES, SCREEN_ELSEWHERE = 10, 5
TABLE_FIGURES, TABLE_ELSEWHERE = 50, 20
NAMED = 3
"""Values of a column that a sentence names."""


def shown(tracks: Tracks) -> Comparison:
    """Return a comparison as reports may show it: no figure of too few households has a name."""
    found, shape = tracks.comparison, tracks.shape
    nested = shape.grain.index(shape.nested[0]) if shape.nested else None
    groups: dict[Grain, list[Difference]] = {}
    for one in found.differences:
        if one.grain in tracks.small:
            groups.setdefault(few(one.grain, 0, nested), []).append(one)
    if not groups:
        return found
    with localcontext(prec=DIGITS):
        added = [_added_up(tracks, grain, group) for grain, group in groups.items()]
        kept = [one for one in found.differences if one.grain not in tracks.small]
        totals = dict(found.totals)
        for grain, group in groups.items():
            hidden = next(one.hidden for one in added if one.grain == grain)
            for name in hidden if shape.is_summed(grain) else ():
                left, right = (
                    sum(side.get(name) or 0 for side in sides)
                    for sides in ([one.ours for one in group], [one.theirs for one in group])
                )
                old = totals[name]
                ours, theirs = old.ours - left, old.theirs - right
                totals[name] = replace(old, ours=ours, theirs=theirs, by=theirs - ours)
        differences = sorted([*kept, *added], key=lambda one: rank(shape, one))
    return replace(found, differences=tuple(differences), totals=totals)


def _added_up(tracks: Tracks, grain: Grain, group: Sequence[Difference]) -> Difference:
    measures, smallest = tracks.shape.measures, tracks.smallest_count
    sums = total(one.ours for one in group), total(one.theirs for one in group)
    name = counted(measures)
    counts = sums[0].get(name) or 0, sums[1].get(name) or 0
    is_lone = not name or are_small([counts], smallest)
    hidden = covered(measures, *sums, smallest) if is_lone else {}
    ours, theirs = (without(one, hidden) for one in sums)
    by = {one.name: (theirs.get(one.name) or 0) - (ours.get(one.name) or 0) for one in measures}
    kinds = {one.found for one in group}
    found = kinds.pop() if len(kinds) == 1 else Found.DIFFERENT
    return Difference(grain, found, ours, theirs, by, hidden)


def _sides(one: Difference, name: str) -> tuple[str, str, str, str]:
    """Return a measure of ours, of theirs, and the difference as text, and its tone."""
    if name in one.hidden:
        ours, theirs, by = one.hidden[name]
        return ours or DASH, theirs or DASH, by, "same"
    return number(one.ours.get(name)), number(one.theirs.get(name)), *tone(one.by[name])


def agreement(tracks: Tracks) -> str:
    """Return in one sentence how far the two tracks agree."""
    found = tracks.comparison
    names = f"{tracks.system} and publication {tracks.publication}"
    alike = f"{plural(found.equal, 'figure')} equal"
    if found.rounded:
        alike += f", {whole(found.rounded)} within the tolerance"
    if not found.differences:
        return f"{names} agree: {alike}."
    kinds = [(found.count(one), one.value) for one in Found]
    told = ", ".join(f"{whole(count)} {kind}" for count, kind in kinds if count)
    differ = plural(len(found.differences), "figure")
    return f"{names} differ in {differ}: {told}; {alike}."


def days_told(tracks: Tracks) -> str:
    """Return which days are compared, and what they were delivered for."""
    days = sorted(tracks.days)
    span = days[0] if len(days) == 1 else f"{plural(len(days), 'day')}, {days[0]} to {days[-1]}"
    numbers = sorted(set(tracks.days.values()))
    told = " and ".join(map(str, numbers)) if len(numbers) < 3 else f"{numbers[0]} to {numbers[-1]}"
    return f"{span}, delivered for publication{'s' * (len(numbers) > 1)} {told}"


def notes(tracks: Tracks) -> list[str]:
    """Return what else is to be known about the comparison, a sentence each."""
    found = []
    if tracks.missing:
        found.append(
            f"Not delivered for every figure, so not compared: {', '.join(tracks.missing)}."
        )
    if any(tracks.tolerances.values()):
        told = ", ".join(f"{name} {value}" for name, value in tracks.tolerances.items() if value)
        found.append(f"Tolerance: {told}.")
    if any(one.grain in tracks.small for one in tracks.comparison.differences):
        found.append(
            f"Figures of fewer than {tracks.smallest_count} households are added up by day as (too "
            "few); counts that are as small even so are in no sum."
        )
    if tracks.shape.nested:
        column, value = tracks.shape.nested
        found.append(f"Sums are of {column_label(column).lower()} {value}, which holds the others.")
    return found


def elsewhere_told(tracks: Tracks, one: Elsewhere) -> str:
    """Return in a sentence under which values each track has the same audience."""
    sides = [" and ".join(_named(one.column, values)) for values in (one.ours, one.theirs)]
    unit = {measure.name: measure.unit for measure in tracks.shape.measures}[one.measure]
    return (
        f"{number(one.amount)} {unit} ({plural(one.figures, 'figure')}) are under "
        f"{column_label(one.column).lower()} {sides[0]} in ours, under {sides[1]} in theirs."
    )


def _named(column: str, values: Sequence[str]) -> list[str]:
    shown = [spoken_value(column, value) for value in values[:NAMED]]
    return [*shown, f"{whole(len(values) - NAMED)} more"] if values[NAMED:] else shown


def tracks_to_text(tracks: Tracks) -> str:
    """Return what people see on a terminal: sums, explanations, the largest differences."""
    found = shown(tracks)
    lines = [agreement(tracks), f"{tracks.label}: {days_told(tracks)}.", *notes(tracks), ""]
    heads = ["", "ours", "theirs", "theirs minus ours", "figures"]
    lines += _aligned([heads, *([label, *cells] for label, cells in _sums(tracks, found))], 1)
    if found.elsewhere:
        lines += ["", "The same audience under other values:"]
        lines += [f"  {elsewhere_told(tracks, one)}" for one in found.elsewhere[:SCREEN_ELSEWHERE]]
        lines += _more(len(found.elsewhere) - SCREEN_ELSEWHERE)
    if found.differences:
        measure = _main(tracks)
        largest = found.differences[:SCREEN_FIGURES]
        lines += ["", f"The largest differences, {measure.label.lower()}:"]
        lines += _aligned([["", *heads[1:4], ""], *(_line(tracks, one) for one in largest)], 1)
        lines += _more(len(found.differences) - SCREEN_FIGURES)
    return "\n".join(lines)


def _more(count: int) -> list[str]:
    return [f"  and {whole(count)} more"] if count > 0 else []


def _aligned(rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Return rows as lines: so many first columns to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _main(tracks: Tracks) -> Measure:
    """Return the measure that differences are ranked by."""
    return next(one for one in tracks.shape.measures if one.name == tracks.shape.ranked_by[0])


def _sums(tracks: Tracks, found: Comparison) -> list[tuple[str, list[str]]]:
    """Return each measure's label, and its sums, their difference, the figures that differ."""
    return [
        (
            daily_label(one),
            [number(sums.ours), number(sums.theirs), signed(sums.by), whole(sums.different)],
        )
        for one in tracks.shape.measures
        for sums in [found.totals[one.name]]
    ]


def _line(tracks: Tracks, one: Difference) -> list[str]:
    name = _main(tracks).name
    found = "" if one.found is Found.DIFFERENT else one.found.value
    *numbers, _ = _sides(one, name)
    return [spoken_key(tracks.shape.grain, one.grain), *numbers, found]


def tracks_to_csv(tracks: Tracks, path: Path) -> Path:
    """Write every figure that is not the same: its grain, and each measure in both tracks.

    Figures of too few households are added up by day.
    """
    names = [one.name for one in tracks.shape.measures]
    heads = [f"{name}_{side}" for name in names for side in ("ours", "theirs", "difference")]
    rows: list[list[Value]] = [
        [
            one.found.value,
            *one.grain,
            *(
                value
                for name in names
                for value in one.hidden.get(
                    name, (one.ours.get(name), one.theirs.get(name), one.by[name])
                )
            ),
        ]
        for one in shown(tracks).differences
    ]
    return write_csv(path, ["found", *tracks.shape.grain, *heads], rows)


def tracks_to_html(tracks: Tracks, path: Path) -> Path:
    """Write the page of two tracks; tables show the figures that differ most."""
    found = shown(tracks)
    measure = _main(tracks)
    others = [one for one in tracks.shape.measures if one != measure]
    context = {
        "verdict": agreement(tracks),
        "label": tracks.label,
        "told": days_told(tracks),
        "notes": notes(tracks),
        "system": tracks.system,
        "sums": [
            (
                daily_label(one),
                number(sums.ours),
                number(sums.theirs),
                tone(sums.by),
                sums.different,
            )
            for one in tracks.shape.measures
            for sums in [found.totals[one.name]]
        ],
        "elsewhere": [elsewhere_told(tracks, one) for one in found.elsewhere[:TABLE_ELSEWHERE]],
        "elsewhere_rest": max(len(found.elsewhere) - TABLE_ELSEWHERE, 0),
        "days": _days(tracks),
        "columns": [column_label(one) for one in tracks.shape.grain],
        "measure": measure.label,
        "others": [one.label for one in others],
        "rows": [
            {
                "grain": spoken_values(tracks.shape.grain, one.grain),
                "found": one.found.value,
                "numbers": _sides(one, measure.name)[:2],
                "differences": [_sides(one, other.name)[2:] for other in (measure, *others)],
            }
            for one in found.differences[:TABLE_FIGURES]
        ],
        "rest": max(len(found.differences) - TABLE_FIGURES, 0),
    }
    return write_page("tracks.html.j2", context, path)


def _days(tracks: Tracks) -> list[tuple[str, int, str]]:
    """Return each day, the publication that it was delivered for, and how many figures differ."""
    counts = dict.fromkeys(tracks.days, 0)
    for one in tracks.comparison.differences:
        counts[one.grain[0]] += 1
    return [(day, of, whole(counts[day])) for day, of in tracks.days.items()]


def tracks_as_data(tracks: Tracks) -> dict[str, Any]:
    """Return the comparison for machines; of the figures, those that differ most."""
    found = shown(tracks)
    return {
        "mart": tracks.mart,
        "system": tracks.system,
        "publication": tracks.publication,
        "days": dict(tracks.days),
        "not_compared": list(tracks.missing),
        "tolerances": dict(tracks.tolerances),
        "equal": found.equal,
        "within_tolerance": found.rounded,
        **{one.name.lower(): tracks.comparison.count(one) for one in Found},
        "measures": {
            name: {"ours": one.ours, "theirs": one.theirs, "difference": one.by}
            | {"different": one.different}
            for name, one in found.totals.items()
        },
        "elsewhere": [
            {"column": one.column, "ours": one.ours, "theirs": one.theirs}
            | {"figures": one.figures, one.measure: one.amount}
            for one in found.elsewhere
        ],
        "largest": [
            {
                "found": one.found.value,
                "grain": dict(zip(tracks.shape.grain, one.grain, strict=True)),
                "ours": dict(one.ours),
                "theirs": dict(one.theirs),
            }
            for one in found.differences[:TABLE_FIGURES]
        ],
    }
