"""What a row of a workbook asks for: its action and its day, its own or the cover's."""

from __future__ import annotations

from dataclasses import dataclass

from foreview.changes import Action
from foreview.errors import Problem
from foreview.workbook import layout
from foreview.workbook.layout import ACTION_WORDS, COVER_ACTIONS
from foreview.workbook.read import SheetRow, Workbook

_ACTIONS = {word: action for action, word in ACTION_WORDS.items()}
ALL_WORDS = ", ".join(ACTION_WORDS.values())


@dataclass(frozen=True)
class Asked:
    """What a row asks for.

    Attributes:
        action: Its action, or None when neither it nor the cover has one.
        is_own: Whether the row has an action, a day or a reason of its own.
        day: Its day, or None.
        day_is_own: Whether the day stands in the row.
        day_cell: The cell of the day; empty when there is none.
    """

    action: Action | None
    is_own: bool
    day: str | None
    day_is_own: bool
    day_cell: str


def action_of(words: str | None) -> Action | None:
    """Return the action that an analyst's words mean, or None."""
    return _ACTIONS.get(words.strip().casefold()) if words else None


class Asking:
    """The cover's defaults, and what each row asks for with them."""

    def __init__(self, workbook: Workbook, problems: list[Problem]) -> None:
        """Read the cover; what is wrong there or in a row is added to `problems`."""
        self._workbook = workbook
        self._problems = problems
        self._action = self._cover_action()
        defaults = workbook.defaults
        self._day: str | None = None
        if defaults.day is not None:
            self._day = self._canonical_day(defaults.day, defaults.cells[layout.DAY])

    def of(self, row: SheetRow) -> Asked | None:
        """Return what a row asks for, or None when that can't be told and was reported."""
        if row.unreadable & {layout.ACTION, layout.DAY}:
            return None
        action, day = self._action, self._day
        day_cell = self._workbook.defaults.cells[layout.DAY] if day else ""
        if row.action is not None:
            action = action_of(row.action)
            if action is None:
                cell = self._workbook.cell(row, layout.ACTION)
                message = f"{row.action!r} is not an action."
                fix = f"Use: {ALL_WORDS}."
                self._problems.append(Problem("unknown-action", message, cell, row.action, fix))
        if row.day is not None:
            day_cell = self._workbook.cell(row, layout.DAY)
            day = self._canonical_day(row.day, day_cell)
        if (row.action is not None and action is None) or (row.day is not None and day is None):
            return None
        is_own = any(one is not None for one in (row.action, row.day, row.reason))
        return Asked(action, is_own, day, row.day is not None, day_cell)

    def _cover_action(self) -> Action | None:
        defaults = self._workbook.defaults
        action = action_of(defaults.action)
        if defaults.action is None or action in COVER_ACTIONS:
            return action
        words = " or ".join(ACTION_WORDS[one] for one in COVER_ACTIONS)
        message = f"{defaults.action!r} can't be the action for all rows."
        fix = f"Choose {words}, or choose the action on each row."
        cell = defaults.cells[layout.ACTION]
        self._problems.append(Problem("unknown-action", message, cell, defaults.action, fix))
        return None

    def _canonical_day(self, text: str, where: str) -> str | None:
        try:
            return layout.DAY_COLUMN.canonical(text)
        except ValueError as error:
            message, fix = f"{text!r} {error}.", "Write the day as YYYY-MM-DD."
            self._problems.append(Problem("wrong-type", message, where, text, fix))
            return None
