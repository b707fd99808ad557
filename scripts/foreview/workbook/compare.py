"""Compare a workbook with the rows that it was exported from: what does its author want done?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from foreview.changes import Action, Edit, Identity, Row, State, row_key
from foreview.contract import BEGINNING, Contract
from foreview.errors import Problem
from foreview.workbook import layout
from foreview.workbook.asked import ALL_WORDS, Asked, Asking, action_of
from foreview.workbook.layout import ACTION_WORDS, COVER_ACTIONS
from foreview.workbook.mends import mended
from foreview.workbook.read import SheetRow, Workbook


def edits_of(
    workbook: Workbook, contract: Contract, base: State
) -> tuple[list[Edit], list[Problem]]:
    """Return what a workbook's author asks for, and everything that is wrong with it.

    Rows are tied to the base by their hidden id, so sorting changes nothing, and a row that is
    missing is no deletion. Relationships, allowed values and overlaps are not looked at here.

    Args:
        workbook: The workbook as read.
        contract: The rules of its dimension.
        base: The approved rows at the workbook's base release, in canonical spelling.

    Returns:
        Edits in the sheet's order, and problems, the reading's included. With problems the edits
        are those of the other rows.
    """
    return _Comparison(workbook, contract, base).run()


class _Comparison:
    """One comparison; problems and edits gather as rows are looked at."""

    def __init__(self, workbook: Workbook, contract: Contract, base: State) -> None:
        self.workbook = workbook
        self.contract = contract
        self.base = base
        self.fields = {field.name: field for field in layout.fields_of(contract, workbook.names)}
        self.identities: dict[str, Identity] = {}
        self.unchanged: dict[str, int] = {}
        self.problems: list[Problem] = list(workbook.problems)
        self.edits: list[Edit] = []
        self.mends: dict[tuple[int, str], str] = {}
        self.inserted: dict[Identity, str] = {}

    def run(self) -> tuple[list[Edit], list[Problem]]:
        stale = len(self.workbook.exported) - self._find_exported()
        if stale:
            return [], [*self.problems, self._stale(stale)]
        self.asking = Asking(self.workbook, self.problems)
        originals = self._originals()
        for row in self.workbook.rows:
            if layout.ROW_ID in row.unreadable:
                continue
            if row.row_id is None:
                self._new_row(row)
            elif row.row_id not in self.identities:
                self._unknown_row(row)
            elif row.row_id not in originals:
                self._existing_row(row, self.identities[row.row_id])
            else:
                self._shared_row(row, originals[row.row_id])
        return self.edits, self.problems

    def _find_exported(self) -> int:
        """Return how many exported rows the base has; note those that rows of the sheet name."""
        named = {row.row_id for row in self.workbook.rows}
        count = 0
        for identity in self.base:
            row_id = layout.row_id(identity)
            number = self._number(row_id, identity)
            if number is not None:
                count += 1
                if row_id in named:
                    self.identities[row_id], self.unchanged[row_id] = identity, number
        return count

    def _number(self, row_id: str, identity: Identity) -> int | None:
        """Return the number of a row of the base that is as it was exported, 0 if it is not there.

        None is for a row that was not exported, or is another now.
        """
        hashed = layout.row_hash(self.workbook.names, self.base[identity])
        return self.workbook.exported.get(row_id + hashed)

    def _stale(self, count: int) -> Problem:
        ids = {one[: layout.ID_LENGTH] for one in self.workbook.exported}
        differing = (
            row_key(identity)
            for identity in self.base
            if (row_id := layout.row_id(identity)) in ids and self._number(row_id, identity) is None
        )
        key = next(differing, None)
        which = f", among them {key}," if key else ""
        return Problem(
            "stale-workbook",
            f"{count} rows of the workbook{which} are not as they "
            f"were in reference version {self.workbook.base_release}.",
            self.workbook.file_name,
            fix="Export a fresh workbook and make the edits in that.",
        )

    def _report(self, rule: str, message: str, where: str, value: str | None, fix: str) -> None:
        self.problems.append(Problem(rule, message, where, value or "", fix))

    # Which row is which

    def _originals(self) -> dict[str, int | None]:
        """Return, for each id that several rows carry, the number of the row it belongs to."""
        by_id: dict[str, list[SheetRow]] = {}
        for row in self.workbook.rows:
            if row.row_id in self.identities:
                by_id.setdefault(row.row_id, []).append(row)
        return {
            row_id: self.unchanged[row_id] or self._original(rows, self.identities[row_id])
            for row_id, rows in by_id.items()
            if len(rows) > 1 or self.unchanged[row_id]
        }

    def _original(self, rows: list[SheetRow], identity: Identity) -> int | None:
        same = [row.number for row in rows if self._written_identity(row) == identity]
        if same:
            return same[0]
        same_key = [row.number for row in rows if self._written_identity(row)[:-1] == identity[:-1]]
        return same_key[0] if len(same_key) == 1 else None

    def _written_identity(self, row: SheetRow, day: str | None = None) -> Identity:
        values = [self._canonical_or_text(row, name) for name in self.contract.key]
        start = self._canonical_or_text(row, "valid_from") or day or BEGINNING
        return (*(value or "" for value in values), start)

    def _canonical_or_text(self, row: SheetRow, name: str) -> str | None:
        column = self.fields[name].column
        text, _ = mended(row.values[name], column, self.contract.mends)
        try:
            return column.canonical(text)
        except ValueError:
            return text

    def _shared_row(self, row: SheetRow, original: int | None) -> None:
        assert row.row_id is not None  # noqa: S101 - only rows with an id share one
        identity = self.identities[row.row_id]
        if row.number == original:
            self._existing_row(row, identity)
        elif action_of(row.action) is Action.INSERT or (
            original is not None and self._written_identity(row) != identity
        ):
            self._new_row(row)
        else:
            key = ", ".join(identity[:-1])
            message = f"The row of {key} is in the sheet more than once."
            fix = "Take the copy out, or give it a key of its own and the action new row."
            where = self.workbook.cell(row, self.contract.key[0])
            self._report("duplicate-row", message, where, row.values[self.contract.key[0]], fix)

    def _unknown_row(self, row: SheetRow) -> None:
        message = "The row was pasted from another workbook."
        fix = (
            "Edit it in a workbook that was exported with it; to add a new row, type it into a "
            "blank row or paste only the cells right of the hidden column A."
        )
        where = self.workbook.cell(row, self.contract.key[0])
        self._report("unknown-row", message, where, row.values[self.contract.key[0]], fix)

    # A row's values

    def _canonical(self, row: SheetRow, name: str) -> str | None:
        """Return a cell's canonical value.

        Raises:
            ValueError: It is none; the problem has been reported.
        """
        column = self.fields[name].column
        text, told = mended(row.values[name], column, self.contract.mends)
        if told:
            self.mends[row.number, name] = f"was {row.values[name]!r}: {', '.join(told)}"
        try:
            return column.canonical(text)
        except ValueError as error:
            heading = self.fields[name].heading
            message = f"{heading}: {text!r} {error}."
            fix = layout.type_fix(column)
            self._report("wrong-type", message, self.workbook.cell(row, name), text, fix)
            raise

    def _changed(self, row: SheetRow, base: Row) -> tuple[dict[str, str | None], list[str]]:
        """Return the changed columns' new values, and the columns whose value is none."""
        changed: dict[str, str | None] = {}
        wrong = []
        for name in self.workbook.names:
            if name in row.unreadable or row.values[name] == base[name]:
                continue
            if name == "valid_from" and row.values[name] is None and base[name] == BEGINNING:
                continue
            try:
                value = self._canonical(row, name)
            except ValueError:
                wrong.append(name)
                continue
            if value != base[name] and self._is_asked_for(row, name):
                changed[name] = value
        return changed, wrong

    def _is_asked_for(self, row: SheetRow, name: str) -> bool:
        """Report a value in a column that was retired since the workbook was exported."""
        field = self.fields[name]
        if field.column.is_retired:
            message = (
                f"{field.heading} was retired from the table's rules; nobody sets it any more."
            )
            fix = "Undo that edit, or clear the cell of a new row."
            where = self.workbook.cell(row, name)
            self._report("retired-column", message, where, row.values[name], fix)
        return not field.column.is_retired

    # New rows

    def _new_row(self, row: SheetRow) -> None:
        asked = self.asking.of(row)
        where = self.workbook.cell(row, layout.ACTION)
        filled = [name for name, text in row.values.items() if text is not None]
        if not filled and not row.unreadable:
            fix = "Clear the row, or fill it in."
            message = "The row has an action, a day or a reason, but no values."
            self._report("nothing-changed", message, where, row.action, fix)
            return
        values, sound = self._all_values(row)
        if asked is None:
            return
        if asked.action is None:
            fix = f"Choose the action {ACTION_WORDS[Action.INSERT]}, or clear the row."
            self._report("row-without-action", "The row is new, but has no action.", where, "", fix)
        elif row.action is not None and asked.action is not Action.INSERT:
            fix = f"Choose the action {ACTION_WORDS[Action.INSERT]}."
            message = f"The row is new, so its action can't be {row.action!r}."
            self._report("unknown-action", message, where, row.action, fix)
        elif sound and self._is_free(row, asked):
            cells = {name: self.workbook.cell(row, name) for name in values}
            self._add(row, Edit(Action.INSERT, values=values, day=asked.day, cells=cells))

    def _all_values(self, row: SheetRow) -> tuple[dict[str, str | None], bool]:
        values = {}
        sound = not row.unreadable
        for name in self.workbook.names:
            try:
                values[name] = self._canonical(row, name)
            except ValueError:
                sound = False
                continue
            if values[name] is not None:
                sound = self._is_asked_for(row, name) and sound
        return values, sound

    def _is_free(self, row: SheetRow, asked: Asked) -> bool:
        """Tell whether a new row's key and first day are its own and its days agree."""
        start = self._canonical_or_text(row, "valid_from")
        if asked.day_is_own and start is not None and start != asked.day:
            heading = self.fields["valid_from"].heading
            message = f"The row has the Day {asked.day}, but {heading} {_spoken(start)}."
            fix = f"Clear one of Day and {heading}."
            self._report("two-days", message, asked.day_cell, asked.day, fix)
            return False
        identity = self._written_identity(row, asked.day)
        place = self.inserted.get(identity)
        if identity in self.base:
            place = f"reference version {self.workbook.base_release}"
        if place is not None:
            key = ", ".join(identity[:-1])
            message = f"There is a row of {key} from {_spoken(identity[-1])} already, in {place}."
            fix = "Edit that row, or give this one another key or another first day."
            where = self.workbook.cell(row, self.contract.key[0])
            self._report("duplicate-key", message, where, key, fix)
            return False
        self.inserted[identity] = self.workbook.place(row)
        return True

    # Rows that were exported

    def _existing_row(self, row: SheetRow, identity: Identity) -> None:
        base = layout.normal_row(self.contract, self.base[identity])
        emptied = not row.unreadable and not any(row.values.values())
        changed, wrong = ({}, []) if emptied else self._changed(row, base)
        asked = self.asking.of(row)
        if asked is None:
            return
        if emptied and asked.action not in (Action.RETIRE, Action.DELETE):
            self._emptied(row, identity)
        elif asked.action is None:
            if changed or wrong or asked.is_own:
                self._without_action(row, identity, [*changed, *wrong])
        elif asked.is_own or changed or wrong:
            edit = self._asked_edit(row, identity, changed, asked, bool(row.unreadable or wrong))
            if edit is not None and not row.unreadable and not wrong:
                self._add(row, replace(edit, identity=identity, base=base))

    def _add(self, row: SheetRow, edit: Edit) -> None:
        place = self.workbook.place(row)
        notes = {}
        for name in edit.cells:
            said = (self.mends.get((row.number, name)), row.notes.get(name))
            if any(said):
                notes[name] = "; ".join(filter(None, said))
        self.edits.append(replace(edit, where=place, reason=row.reason or "", notes=notes))

    def _emptied(self, row: SheetRow, identity: Identity) -> None:
        message = f"The row of {', '.join(identity[:-1])} was emptied."
        fix = "Undo that. To remove the row choose the action retire or delete."
        self._report("emptied-row", message, self.workbook.place(row), "", fix)

    def _without_action(self, row: SheetRow, identity: Identity, changed: list[str]) -> None:
        keys = [name for name in self.contract.key if name in changed]
        if keys:
            self._changed_key(row, keys[0], identity)
            return
        headings = ", ".join(self.fields[name].heading for name in changed) or "no value"
        first = row.values[changed[0]] if changed else row.day or row.reason
        self._report(
            "row-without-action",
            f"The row was edited ({headings}), but has no action.",
            self.workbook.cell(row, layout.ACTION),
            first,
            f"Choose one of: {ALL_WORDS}; or undo the edit.",
        )

    def _asked_edit(
        self,
        row: SheetRow,
        identity: Identity,
        changed: dict[str, str | None],
        asked: Asked,
        is_broken: bool,
    ) -> Edit | None:
        """Return a row's edit without identity and base, or None when it was reported."""
        assert asked.action is not None  # noqa: S101 - the caller saw to it
        if asked.action is Action.INSERT:
            self._new_over_existing(row, identity, changed)
            return None
        keys = [name for name in self.contract.key if name in changed]
        if asked.action in layout.OF_IDENTITIES:
            return self._of_identity(row, changed, asked)
        if keys:
            self._changed_key(row, keys[0], identity)
            return None
        if "valid_from" in changed and changed["valid_from"] is None:
            heading = self.fields["valid_from"].heading
            where = self.workbook.cell(row, "valid_from")
            fix = f"Write a day, or the word {layout.BEGINNING_WORD}."
            self._report("required", f"{heading} is blank.", where, "", fix)
            return None
        if asked.action is Action.CHANGE_FROM and changed.get("valid_from") == asked.day:
            changed.pop("valid_from", None)
        if not changed and not is_broken and asked.action in COVER_ACTIONS:
            message = f"The row has the action {ACTION_WORDS[asked.action]!r}, but nothing changed."
            where = self.workbook.cell(row, layout.ACTION)
            fix = "Clear the Action, the Day and the Reason, or edit the row."
            self._report("nothing-changed", message, where, row.action, fix)
            return None
        makers: Mapping[Action, Callable[[SheetRow, dict[str, str | None], Asked], Edit | None]]
        makers = {
            Action.CORRECT: self._correct,
            Action.CHANGE_FROM: self._change_from,
            Action.RETIRE: self._retire,
            Action.DELETE: self._delete,
        }
        return makers[asked.action](row, changed, asked)

    def _new_over_existing(
        self, row: SheetRow, identity: Identity, changed: dict[str, str | None]
    ) -> None:
        if {"valid_from", *self.contract.key} & set(changed):
            self._new_row(row)
            return
        key = ", ".join(identity[:-1])
        message = f"The row has the action 'new row', but {key} is there already."
        where = self.workbook.cell(row, layout.ACTION)
        fix = "Give the row another key or first day, or choose another action."
        self._report("duplicate-key", message, where, key, fix)

    def _changed_key(self, row: SheetRow, name: str, identity: Identity) -> None:
        heading = self.fields[name].heading
        message = f"{heading} was changed from {', '.join(identity[:-1])}: a code names a row."
        fix = "Is it a new row? Then choose the action new row."
        if self.contract.identities is not None:
            new_code, merge = (ACTION_WORDS[one] for one in layout.OF_IDENTITIES)
            fix += (
                f" Does the row go on under another code? Then choose {new_code}, with a day. "
                f"Is it a part of the row with that code? Then choose {merge}, with a day."
            )
        else:
            fix += " If not, put the code back."
        self._report("changed-key", message, self.workbook.cell(row, name), row.values[name], fix)

    def _of_identity(
        self, row: SheetRow, changed: dict[str, str | None], asked: Asked
    ) -> Edit | None:
        """Return a row's new code, or its merger into the row whose code was written there."""
        assert asked.action is not None  # noqa: S101
        word = ACTION_WORDS[asked.action]
        is_merger = asked.action is Action.MERGE
        key = self.contract.key[0]
        where = self.workbook.cell(row, layout.ACTION)
        if self.contract.identities is None:
            message = f"In this table a row can't have the action {word!r}: a code names a row."
            fix = "Add the new code as a new row, and retire the old one."
            self._report("unknown-action", message, where, row.action, fix)
            return None
        code = changed.get(key)
        if code is None:
            heading = self.fields[key].heading
            message = f"The row has the action {word!r}, but {heading} is as it was."
            which = "code of the row that it becomes a part of" if is_merger else "new code"
            fix = f"Write the {which} into {heading}, or choose another action."
            self._report("nothing-changed", message, where, row.action, fix)
            return None
        others = {name: value for name, value in changed.items() if name != key}
        if not self._needs_day(row, asked) or (
            is_merger and not self._only_removed(row, others, asked)
        ):
            return None
        is_known = any(one[0] == code for one in self.base)
        if is_known != is_merger:
            new_code, merge = (ACTION_WORDS[one] for one in layout.OF_IDENTITIES)
            message = f"{code} is the code of {'no' if is_merger else 'another'} row."
            fix = (
                f"Write the code of a row, or choose {new_code}."
                if is_merger
                else f"Are both one channel from the Day on? Then choose {merge}."
            )
            self._report(
                "unknown-code" if is_merger else "duplicate-key",
                message,
                self.workbook.cell(row, key),
                code,
                fix,
            )
            return None
        cells = {name: self.workbook.cell(row, name) for name in changed}
        cells["valid_from"] = asked.day_cell
        return Edit(asked.action, values=changed, day=asked.day, cells=cells)

    def _no_day(self, row: SheetRow, asked: Asked) -> bool:
        """Report a row's own Day where the action has none."""
        if asked.day_is_own and asked.action is not None:
            message = f"The action {ACTION_WORDS[asked.action]!r} has no day, but the row has one."
            fix = "Clear the Day, or choose the action changed on a day, or retire."
            self._report("day-not-expected", message, asked.day_cell, asked.day, fix)
            return False
        return True

    def _needs_day(self, row: SheetRow, asked: Asked) -> bool:
        if asked.day is None:
            where = self.workbook.cell(row, layout.DAY)
            message = "The day of the change is missing."
            self._report("day-missing", message, where, "", "Fill in the Day, YYYY-MM-DD.")
            return False
        return True

    def _correct(self, row: SheetRow, changed: dict[str, str | None], asked: Asked) -> Edit | None:
        if not self._no_day(row, asked):
            return None
        cells = {name: self.workbook.cell(row, name) for name in changed}
        return Edit(Action.CORRECT, values=changed, cells=cells)

    def _change_from(
        self, row: SheetRow, changed: dict[str, str | None], asked: Asked
    ) -> Edit | None:
        if not self._needs_day(row, asked):
            return None
        start = changed.get("valid_from")
        if start is not None:
            heading = self.fields["valid_from"].heading
            message = f"{heading} was changed too, to {_spoken(start)}, but the Day is {asked.day}."
            fix = f"Put {heading} back: the Day alone says when the change begins."
            self._report("two-days", message, self.workbook.cell(row, "valid_from"), start, fix)
            return None
        cells = {name: self.workbook.cell(row, name) for name in changed}
        cells["valid_from"] = asked.day_cell
        return Edit(Action.CHANGE_FROM, values=changed, day=asked.day, cells=cells)

    def _retire(self, row: SheetRow, changed: dict[str, str | None], asked: Asked) -> Edit | None:
        end = changed.pop("valid_to", None)
        if asked.day is None and end is not None:
            asked = replace(asked, day=end, day_cell=self.workbook.cell(row, "valid_to"))
        if not self._needs_day(row, asked) or not self._only_removed(row, changed, asked):
            return None
        if end not in (None, asked.day):
            heading = self.fields["valid_to"].heading
            message = f"{heading} was changed to {end}, but the Day is {asked.day}."
            fix = f"Put {heading} back: the Day alone says when the row ends."
            self._report("two-days", message, self.workbook.cell(row, "valid_to"), end, fix)
            return None
        return Edit(Action.RETIRE, day=asked.day, cells={"valid_to": asked.day_cell})

    def _delete(self, row: SheetRow, changed: dict[str, str | None], asked: Asked) -> Edit | None:
        if not self._only_removed(row, changed, asked) or not self._no_day(row, asked):
            return None
        return Edit(Action.DELETE)

    def _only_removed(self, row: SheetRow, changed: dict[str, str | None], asked: Asked) -> bool:
        assert asked.action is not None  # noqa: S101
        for name, value in changed.items():
            word = ACTION_WORDS[asked.action]
            message = f"The row's action is {word!r}, but {self.fields[name].heading} was edited."
            fix = "Undo the edit, or choose another action."
            self._report("edited-too", message, self.workbook.cell(row, name), value, fix)
        return not changed


def _spoken(day: str | None) -> str:
    return layout.BEGINNING_WORD if day == BEGINNING else day or "blank"
