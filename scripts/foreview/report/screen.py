"""An impact on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foreview.impact import Impact, MartImpact
from foreview.report.figures import counts, key_columns, movers
from foreview.report.pairs import ADVICE, SHOWN, more_pairs, pair_row
from foreview.report.requests import row_edits
from foreview.report.words import (
    column_label,
    illustrated,
    model_told,
    number,
    plural,
    ranks_moved,
    rekeyed,
    relative,
    signed,
    spoken_name,
    spoken_values,
    verdict,
    warnings,
    whole,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOVERS = 10
EDITS = 10
TOLD = 3


def to_screen(impact: Impact, console: Console | None = None) -> None:
    """Print the verdict, the warnings, the changes, and the biggest movers of each mart."""
    from rich.console import Console
    from rich.text import Text

    screen = console or Console()
    screen.print(Text(verdict(impact), style="bold"))
    loud = rekeyed(impact)
    for warning in warnings(impact):
        style = "bold red" if warning in loud else "yellow"
        screen.print(Text(f"! {warning}", style=style))
    _print_pairs(impact, screen)
    screen.print()
    _print_changes(impact, screen)
    for mart in impact.marts:
        if mart.figures:
            screen.print()
            screen.print(_table(mart))
            for line in _other_measures(mart):
                screen.print(Text(line, style="dim"))
    still = [mart.label for mart in impact.marts if not mart.figures]
    if still:
        screen.print(Text(f"\nNothing moves in {', '.join(still)}."))
    for sentence in illustrated(impact):
        screen.print(Text(sentence, style="italic"))
    for model in impact.models:
        screen.print(Text(f"\n{model_told(model)}"))
    if impact.since:
        screen.print(Text("\nSince the preview before: " + " ".join(impact.since)))
    screen.print(Text(f"\nPreview record {impact.checksum}", style="dim"))


def _print_changes(impact: Impact, screen: Console) -> None:
    from rich.text import Text

    for change_set in impact.change_sets:
        edits = row_edits(change_set)
        head = f"Change request {change_set.id} by {change_set.author}: {change_set.why}"
        screen.print(Text(head))
        for edit in edits[:EDITS]:
            cells = "; ".join(
                f"{column_label(one.column)} {_shown(one.before)} → {_shown(one.after)}"
                f"{f' ({one.note})' if one.note else ''}"
                for one in edit.cells
            )
            name = f"{edit.dimension} {' '.join(edit.key)}"
            screen.print(Text(f"  {name} {edit.words}{f': {cells}' if cells else ''}"))
        if len(edits) > EDITS:
            screen.print(Text(f"  and {plural(len(edits) - EDITS, 'more change')}", style="dim"))


def _print_pairs(impact: Impact, screen: Console) -> None:
    from rich.text import Text

    if not impact.proposed_pairs:
        return
    screen.print("\nLikely the same channel:")
    for pair in impact.proposed_pairs[:SHOWN]:
        old, new, points, common = pair_row(pair)
        screen.print(Text(f"  {old} → {new} ({points} of 100: {common})"))
    if rest := more_pairs(impact):
        screen.print(Text(f"  {rest}", style="dim"))
    screen.print(Text(ADVICE))


def _shown(value: str | None) -> str:
    return "(blank)" if value is None else value


def _other_measures(mart: MartImpact) -> list[str]:
    """Return the biggest movers of each other measure and what happens to ranks, a line each."""
    lines = []
    for measure in mart.measures:
        shown = [one for one in movers(mart, measure.name, TOLD) if one.difference]
        if measure != mart.main_measure and shown:
            told = "; ".join(
                f"{spoken_name(mart, one.key)} {signed(one.difference)}" for one in shown
            )
            lines.append(f"{measure.label}: {told}")
    return [*lines, *filter(None, [ranks_moved(mart)])]


def _table(mart: MartImpact) -> Table:
    from rich.table import Table
    from rich.text import Text

    measure = mart.main_measure
    columns = key_columns(mart)
    all_movers = movers(mart, measure.name)
    told = ", ".join(f"{whole(count)} {name}" for name, count in counts(mart).items() if count)
    title = Text(f"{mart.label}: {told} of {whole(mart.total_figures)} figures", style="bold")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(Text(column_label(column)))
    for heading in (f"{measure.label} before", "after", "difference", "%"):
        table.add_column(Text(heading), justify="right")
    for mover in all_movers[:MOVERS]:
        style = "green" if mover.difference > 0 else "red" if mover.difference < 0 else ""
        table.add_row(
            *map(Text, spoken_values(columns, mover.key)),
            number(mover.before),
            number(mover.after),
            Text(signed(mover.difference), style=style),
            relative(mover),
        )
    rest = all_movers[MOVERS:]
    if rest:
        blanks = [""] * (len(columns) - 1)
        moved = sum(one.difference for one in rest)
        table.add_row(f"{whole(len(rest))} more", *blanks, "", "", signed(moved), "")
    return table
