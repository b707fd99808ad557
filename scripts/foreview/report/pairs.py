"""Likely pairs of deleted and inserted codes as reports show them."""

from __future__ import annotations

from foreview.impact import Impact
from foreview.rekeying import ProposedPair
from foreview.report.words import plural

SHOWN = 10
"""Pairs on page and screen; workbook and CSV file have all."""

HEADINGS = ("deleted", "inserted", "points", "in common")

ADVICE = (
    "If they are the same channels, withdraw this change request. Retire each old code instead of "
    "deleting it, insert the new one from the day, and write the old code as its identity in the "
    'table "Channel identity" from that day, so that the figures go on where they were '
    "(docs/rekeying.md)."
)


def pair_row(pair: ProposedPair) -> tuple[str, str, int, str]:
    """Return a pair's values under `HEADINGS`."""
    return pair.old, pair.new, pair.score, "; ".join(pair.reasons)


def more_pairs(impact: Impact) -> str:
    """Return how many pairs are not shown and where they are; empty when all are."""
    rest = len(impact.proposed_pairs) - SHOWN
    if rest <= 0:
        return ""
    verb = "is" if rest == 1 else "are"
    where = 'in the workbook, sheet "Likely pairs", and in likely_pairs.csv'
    return f"{plural(rest, 'more likely pair')} {verb} {where}."
