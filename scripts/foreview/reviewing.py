"""What a reviewer does short of approving or rejecting: send back with comments, take a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from foreview.approval import check_reviewer
from foreview.changes import Change, ChangeSet, row_key
from foreview.conflicts import check_applies
from foreview.errors import Problem, RefusedError
from foreview.submission import close, record, write_annotated_copy
from foreview.what_if import require_open
from foreview.whole_files import file_hash
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import Review


def send_back(
    workspace: Workspace,
    change_set_id: str,
    comment: str = "",
    cells: Iterable[tuple[str, str]] = (),
) -> Review:
    """Record that a change set is sent back to its author, with comments on cells.

    Args:
        workspace: Where.
        change_set_id: The change set.
        comment: What is to be said of the whole.
        cells: Cells, by their address as `foreview show` prints it, each with what is to be said.

    Raises:
        RefusedError: Nothing is said, a cell is none of the change set's, it is not open, or it is
            the actor's own.
    """
    change_set = workspace.registry.change_set(change_set_id)
    check_reviewer(workspace, change_set)
    said = [(" ".join(place.split()), text.strip()) for place, text in cells]
    if (not comment and not said) or not all(text for _, text in said):
        fix = 'Say what is to be mended: --comment "..." or --at "Channel!F12=...".'
        raise RefusedError(Problem("no-comment", "Nothing is said to the author.", fix=fix))
    places = {place.casefold(): place for place in _cells(change_set)}
    unknown = [one for one, _ in said if one.casefold() not in places]
    if unknown:
        known = ", ".join(list(places.values())[:10]) or "none: it came from no workbook"
        fix = f"Its cells are: {known}."
        raise RefusedError(
            Problem("unknown-cell", f"{one} is no cell of this change request.", value=one, fix=fix)
            for one in unknown
        )
    named: dict[str, str] = {}
    for one, text in said:
        place = places[one.casefold()]
        named[place] = f"{named[place]}\n{text}" if place in named else text
    return close(workspace, change_set.id, "send-back", comment, named)


def standing_of(workspace: Workspace, change_set_id: str, other: str) -> tuple[str, str]:
    """Return what a change set is that was proposed, maybe before, and what to do next.

    Args:
        workspace: Where.
        change_set_id: Its id.
        other: How to propose it as another one, where this one has ended.
    """
    registry = workspace.registry
    status = registry.status(change_set_id)
    if status == "pending":
        return status, f"See what it does: foreview what-if {change_set_id}"
    if status == "promoted":
        return status, "It was proposed before, and is in effect: foreview status."
    last = registry.reviews(change_set_id)[-1]
    said = f" ({last.comment})" if last.comment else ""
    told = f"It was proposed before, and is {status}, by {last.reviewer}{said}.\n"
    if status == "approved":
        return status, f"{told}Put it into effect: foreview promote {change_set_id}"
    if status == "sent-back" and registry.change_set(change_set_id).kind == "edit":
        return status, f"{told}Mend it, and submit it with --replaces {change_set_id}; or {other}."
    return status, f"{told}It can't be taken up again. Instead: {other}."


def _cells(change_set: ChangeSet) -> Iterable[str]:
    """Give the cells of a change set's values, and the places of its rows."""
    for change in change_set.changes:
        yield from change.cells.values()
        if change.where:
            yield change.where


def mark_comments(workspace: Workspace, change_set_id: str, workbook: Path) -> Path | None:
    """Write a copy of a change set's workbook with its reviewers' comments at their cells.

    Returns:
        The copy; None when there is no comment on a cell, or the file can't be copied so.

    Raises:
        RefusedError: The workbook is not the one that was submitted: its cells may be others.
    """
    registry = workspace.registry
    change_set = registry.change_set(change_set_id)
    if file_hash(workbook) != change_set.source_hash:
        message = f"{workbook} is not the workbook of change request {change_set.id}."
        fix = f"Give {change_set.source_name} as it was submitted: later edits may move its cells."
        raise RefusedError(Problem("other-workbook", message, value=str(workbook), fix=fix))
    comments = [
        Problem("sent-back", text, where, fix=f"{review.reviewer} asks for it.")
        for review in registry.reviews(change_set.id)
        for where, text in review.cells.items()
    ]
    return write_annotated_copy(workbook, comments)


def take_part(workspace: Workspace, change_set_id: str, rows: Sequence[str]) -> ChangeSet:
    """Record some rows of an open change set as one of their own, to be previewed and approved.

    Its author stays the author. Once the part is in effect, what is left of the other one is what
    it still asks for.

    Args:
        workspace: Where.
        change_set_id: The change set.
        rows: Which rows: places as `foreview show` prints them, or keys.

    Raises:
        RefusedError: It is not open, a row is unknown, all rows are named, or the part by itself
            breaks a rule.
    """
    registry = workspace.registry
    whole = registry.change_set(change_set_id)
    check_reviewer(workspace, whole)
    require_open(workspace, [whole])
    if whole.kind == "rollback":
        message = "A rollback is one: of a split or moved row it takes back both parts or none."
        fix = "Approve it as it is, or edit the rows in a workbook."
        raise RefusedError(Problem("not-a-part", message, value=whole.id, fix=fix))
    changes = _rows_of(whole, rows)
    part = replace(
        whole,
        reason=f"{whole.reason} (a part of {whole.id})",
        contracts={name: whole.contracts[name] for name in sorted({c.dimension for c in changes})},
        changes=changes,
    )
    check_applies(workspace, [part])
    if record(workspace, part):
        payload = {"change_set": part.id, "part_of": whole.id}
        registry.record_event(workspace.actor, "part-taken", payload)
    return part


def _rows_of(whole: ChangeSet, rows: Sequence[str]) -> tuple[Change, ...]:
    """Return the changes of the named rows: all that was asked for in one row goes together."""
    wanted = {one.strip() for one in rows}
    found = _named(whole.changes, wanted)
    unknown = sorted(wanted - found.keys()) if wanted else [""]
    if unknown:
        known = ", ".join(
            dict.fromkeys(one.where or row_key(one.identity) for one in whole.changes)
        )
        fix = f"Its rows are: {known[:300]}."
        raise RefusedError(
            Problem("unknown-part", f"{one!r} is no row of it.", value=one, fix=fix)
            for one in unknown
        )
    numbers = set().union(*found.values())
    places = {whole.changes[one].where for one in numbers} - {""}
    chosen = tuple(
        one for number, one in enumerate(whole.changes) if number in numbers or one.where in places
    )
    if len(chosen) == len(whole.changes):
        message = "These are all rows of the change request."
        raise RefusedError(Problem("not-a-part", message, fix="Approve it as it is."))
    return chosen


def _named(changes: Sequence[Change], wanted: Collection[str]) -> dict[str, set[int]]:
    """Return the numbers of the changes that each name means, of those that mean any.

    A row is called by its place or its key. `abc` means the key `ABC` only where there is no `abc`.
    """
    keys, similar_keys, places = (defaultdict[str, set[int]](set) for _ in range(3))
    for number, one in enumerate(changes):
        places[one.where.casefold()].add(number)
        for key in (row_key(one.identity[:-1]), row_key(one.identity)):
            keys[key].add(number)
            similar_keys[key.casefold()].add(number)
    places.pop("", None)
    found = {
        one: keys[one] | places[one.casefold()] or similar_keys[one.casefold()] for one in wanted
    }
    return {one: numbers for one, numbers in found.items() if numbers}
