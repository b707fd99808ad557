"""Reports of an impact: a sentence, a screen, CSV files, a workbook, and one page of HTML."""

from pathlib import Path

from foreview.impact import Impact
from foreview.report.figures import Mover, movers
from foreview.report.files import to_csv
from foreview.report.page import to_html
from foreview.report.screen import to_screen
from foreview.report.sheets import to_workbook
from foreview.report.suppression import suppressed
from foreview.report.words import verdict, warnings

__all__ = [
    "Mover",
    "movers",
    "suppressed",
    "to_csv",
    "to_html",
    "to_screen",
    "to_workbook",
    "verdict",
    "warnings",
    "write_reports",
]


def write_reports(impact: Impact, folder: Path) -> list[Path]:
    """Write page, workbook and CSV files into a folder; return them, the page first.

    Small figures are added up in them: `suppression.suppressed`.
    """
    (impact,) = suppressed(impact)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        to_html(impact, folder / "impact.html"),
        to_workbook(impact, folder / "impact.xlsx"),
        *to_csv(impact, folder),
    ]
