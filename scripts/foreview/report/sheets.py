"""An impact as an Excel workbook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview.impact import Impact, MartImpact
from foreview.report.facts import facts
from foreview.report.figures import MOVERS_A_MEASURE, counts, movers, ranked
from foreview.report.files import Value, figure_row, headings, written_whole
from foreview.report.pairs import ADVICE, HEADINGS, pair_row
from foreview.report.requests import CellChange, row_edits
from foreview.report.words import (
    column_label,
    illustrated,
    model_told,
    spoken_key,
    spoken_name,
    verdict,
    warnings,
)
from foreview.workbook.layout import EXCEL_ROWS

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

EXACT_DIGITS = 15
"""Digits of a number that Excel keeps; longer ones are written as text."""

EXACT = 10**EXACT_DIGITS

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
"""What Excel spells `_xHHHH_`: characters that XML can't hold, and text that looks so itself."""


def to_workbook(impact: Impact, path: Path) -> Path:
    """Write a workbook: a summary, the changes, and a sheet a mart with all figures that move.

    Deleted and inserted codes that are likely the same channel have a sheet before those.

    Text stays text, also where Excel would see a formula or an error in it. A mart with more
    figures than a sheet has rows shows the largest, and says how many are left out.
    """
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    names: set[str] = set()
    _write_summary(_sheet(workbook, "Summary", names, [28, 110]), impact)
    _write_changes(_sheet(workbook, "Changes", names, [18, 14, 16, 20, 30, 20, 30, 30, 40]), impact)
    if impact.proposed_pairs:
        _write_pairs(_sheet(workbook, "Likely pairs", names, [24, 24, 10, 90]), impact)
    _write_movers(_sheet(workbook, "Movers", names, [36, 24, 60, 18, 18, 18]), impact)
    if any(mart.rank_changes for mart in impact.marts):
        _write_ranks(_sheet(workbook, "Ranks", names, [36, 90, 12, 12]), impact)
    for mart in impact.marts:
        widths = [12, *(20 for _ in mart.grain), *(16 for _ in headings(mart))]
        _write_mart(_sheet(workbook, mart.label, names, widths), mart)
    with written_whole(path) as temporary:
        workbook.save(temporary)
    return path


def _sheet(workbook: Workbook, wanted: str, names: set[str], widths: Sequence[int]) -> Any:
    from openpyxl.utils import get_column_letter

    plain = "".join("_" if one in "[]:*?/\\" or ord(one) < 32 else one for one in wanted)
    base = plain.strip("' ")[:31] or "Figures"
    name, number = base, 1
    while name.casefold() in names:
        number += 1
        name = f"{base[: 30 - len(str(number))]} {number}"
    names.add(name.casefold())
    sheet: Any = workbook.create_sheet(name)
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    return sheet


def _write_summary(sheet: WriteOnlyWorksheet, impact: Impact) -> None:
    _write(sheet, ["Verdict", verdict(impact)], bold=1)
    for warning in warnings(impact):
        _write(sheet, ["Warning", warning])
    if impact.proposed_pairs:
        _write(sheet, ["What to do instead", ADVICE])
    for mart in impact.marts:
        told = ", ".join(f"{number:,} {name}" for name, number in counts(mart).items())
        _write(sheet, [mart.label, f"{told}, of {mart.total_figures:,} figures"])
    for sentence in illustrated(impact):
        _write(sheet, ["Illustration", sentence])
    for model in impact.models:
        _write(sheet, ["Other model", model_told(model)])
    for label, value in facts(impact):
        _write(sheet, [label, value])


def _write_changes(sheet: WriteOnlyWorksheet, impact: Impact) -> None:
    sheet.freeze_panes = "A2"
    columns = [
        "Change request",
        "Author",
        "Table",
        "Row",
        "What",
        "Column",
        "Old",
        "New",
        "Reason",
        "Note",
    ]
    _write(sheet, columns, bold=len(columns))
    room = EXCEL_ROWS - 2
    for change_set in impact.change_sets:
        for edit in row_edits(change_set):
            head = [change_set.id, change_set.author, edit.dimension, " ".join(edit.key)]
            reason = edit.reason or change_set.why
            cells = edit.cells or (CellChange("", "", "", ""),)
            for one in cells:
                if not room:
                    _write(sheet, ["More changes are left out: a sheet has no more rows."])
                    return
                room -= 1
                values = (column_label(one.column), one.before, one.after, reason, one.note)
                _write(sheet, [*head, edit.words, *values])


def _write_pairs(sheet: WriteOnlyWorksheet, impact: Impact) -> None:
    sheet.freeze_panes = "A2"
    _write(sheet, [one.capitalize() for one in HEADINGS], bold=len(HEADINGS))
    for pair in impact.proposed_pairs:
        _write(sheet, pair_row(pair))


def _write_movers(sheet: WriteOnlyWorksheet, impact: Impact) -> None:
    sheet.freeze_panes = "A2"
    _write(sheet, ["Report", "Measure", "Name", "Before", "After", "Difference"], bold=6)
    for mart in impact.marts:
        for measure in mart.measures:
            for one in movers(mart, measure.name, MOVERS_A_MEASURE):
                name = spoken_name(mart, one.key)
                numbers = [one.before, one.after, one.difference]
                if one.difference:
                    _write(sheet, [mart.label, measure.label, name, *numbers])


def _write_ranks(sheet: WriteOnlyWorksheet, impact: Impact) -> None:
    sheet.freeze_panes = "A2"
    _write(sheet, ["Report", "Figure", "Rank before", "Rank after"], bold=4)
    rows = [(mart, change) for mart in impact.marts for change in mart.rank_changes]
    for mart, one in rows[: EXCEL_ROWS - 1]:
        name = spoken_key(mart.grain, one.grain)
        _write(sheet, [mart.label, name, one.before, one.after])


def _write_mart(sheet: WriteOnlyWorksheet, mart: MartImpact) -> None:
    sheet.freeze_panes = "A2"
    names = headings(mart)
    _write(sheet, names, bold=len(names))
    room = EXCEL_ROWS - 1
    is_cut = len(mart.figures) > room
    shown = ranked(mart, room - 1 if is_cut else None)
    for figure in shown:
        _write(sheet, figure_row(mart, figure))
    if is_cut:
        left_out = len(mart.figures) - len(shown)
        _write(sheet, [f"{left_out:,} smaller figures are left out; the CSV file has them all."])


def _write(sheet: WriteOnlyWorksheet, values: Iterable[Value], bold: int = 0) -> None:
    plain = [_plain(value) for value in values]
    risky = (place for place, one in enumerate(plain) if str(one)[:1] in ("=", "#"))
    for place in {*risky, *range(min(bold, len(plain)))}:
        plain[place] = _cell(sheet, plain[place], is_bold=place < bold)
    sheet.append(plain)


def _plain(value: Value) -> Any:
    if value is None or (isinstance(value, int) and -EXACT < value < EXACT):
        return value
    if isinstance(value, str):
        return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    digits = str(value).lstrip("-").replace(".", "").strip("0")
    return str(value) if len(digits) > EXACT_DIGITS else value


def _cell(sheet: WriteOnlyWorksheet, value: Any, *, is_bold: bool) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell: Any = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    if is_bold:
        cell.font = Font(bold=True)
    return cell
