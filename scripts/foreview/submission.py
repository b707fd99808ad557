"""From a workbook or a file to a change set."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foreview.changes import (
    Action,
    Change,
    ChangeSet,
    Edit,
    Identity,
    Kind,
    Row,
    State,
    apply,
    asked_twice,
    changes_of,
    make_state,
)
from foreview.conflicts import split_since
from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.identities import CHANNEL_KEY, identified_otherwise, identity_edits, with_later_rows
from foreview.lineage import tell_submission
from foreview.loads import stage_pending
from foreview.names import with_codes
from foreview.open_days import first_open_day, on_open_days
from foreview.row_rules import check_state
from foreview.rules import identity_problems, parent_intervals, rule_problems
from foreview.whole_files import file_hash
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import Review
    from foreview.workbook import Workbook

Intervals = Mapping[str, Sequence[tuple[str, str | None]]]


def refuse_unfinished(workspace: Workspace, *, erasing: int | None = None) -> None:
    """Refuse while a promotion or an erasure is unfinished.

    Today's rows are those of two releases then, or the viewing is not that of the figures.

    Args:
        workspace: Where.
        erasing: The household that is to be erased; nobody else is told which others are.
    """
    _refuse_unfinished_erasure(workspace, erasing)
    step = workspace.registry.unfinished_promotion()
    if step is None:
        return
    ids = " ".join(step.detail["change_sets"])
    message = (
        f"The promotion of {ids} to reference version {step.release} was interrupted. "
        "Readers still see what they saw before it."
    )
    fix = "Finish it: foreview promote --resume. Or give it up: foreview promote --abandon."
    raise RefusedError(Problem("promotion-unfinished", message, fix=fix))


def _refuse_unfinished_erasure(workspace: Workspace, erasing: int | None) -> None:
    for household, begun in workspace.registry.unfinished_erasures().items():
        if household == erasing:
            continue
        message = "The erasure of a household was interrupted."
        fix = "Whoever began it finishes it: foreview status tells which household it is."
        if erasing is not None:
            message = f"The erasure of household {household} was interrupted."
            fix = f"Finish it: foreview erase-household {household} --reason {begun['reason']!r}."
        raise RefusedError(Problem("erasure-unfinished", message, fix=fix))


def record(workspace: Workspace, change_set: ChangeSet) -> bool:
    """Record a change set and stage its rows for dbt; return False when it was there before."""
    is_new = workspace.registry.record_change_set(change_set)
    stage_pending(workspace, change_set.dimensions)
    if is_new:
        tell_submission(workspace, change_set)
    return is_new


def replace(workspace: Workspace, change_set: ChangeSet, replaced: str) -> bool:
    """Record a change set and withdraw the open one of the same author that it replaces.

    Raises:
        RefusedError: That one is not open, or not the author's; nothing is recorded then.
    """
    old = workspace.registry.change_set(replaced)
    if old.id == change_set.id:
        return record(workspace, change_set)
    check_replaced(workspace, replaced)
    is_new = record(workspace, change_set)  # first: were it interrupted here, both would be open
    close(workspace, old.id, "withdraw", f"replaced by {change_set.id}")
    return is_new


def check_replaced(workspace: Workspace, replaced: str) -> None:
    """Refuse to replace a change set that is not open, or not the actor's.

    Raises:
        RefusedError: `not-author` or `not-open`.
    """
    registry = workspace.registry
    old = registry.change_set(replaced)
    if old.author.casefold() != workspace.actor.casefold():
        message = f"Change request {old.id} is {old.author}'s, who alone may replace it."
        fix = "Submit without --replaces, and ask its author to withdraw it."
        raise RefusedError(Problem("not-author", message, value=workspace.actor, fix=fix))
    if registry.status(old.id) not in ("pending", "sent-back"):
        message = f"Change request {old.id} is {registry.status(old.id)}."
        fix = "Submit without --replaces."
        raise RefusedError(Problem("not-open", message, value=old.id, fix=fix))


def close(
    workspace: Workspace,
    change_set_id: str,
    decision: str,
    comment: str = "",
    cells: Mapping[str, str] | None = None,
) -> Review:
    """Record that a change set ends or goes back, and take its rows from what is staged.

    Args:
        workspace: Where.
        change_set_id: The change set.
        decision: `withdraw`, by its author, `reject` or `send-back`.
        comment: A word to the others.
        cells: A word on cells, by their address.

    Raises:
        RefusedError: It is not open, or not the actor's to withdraw.
    """
    registry = workspace.registry
    review = registry.record_review(
        change_set_id, workspace.actor, decision, comment=comment, cells=cells
    )
    stage_pending(workspace, registry.change_set(change_set_id).dimensions)
    return review


def parent_names(workspace: Workspace, contract: Contract) -> dict[str, list[tuple[str, str]]]:
    """Return code and newest name of each row of a contract's parent dimensions."""
    found = {}
    for parent in dict.fromkeys(one.parent for one in contract.columns if one.parent):
        rules = workspace.contract(parent)
        state, _ = workspace.registry.approved_rows(parent)
        name = next((one for one in rules.column_names if one.endswith("_name")), rules.key[0])
        latest = {one[0]: state[one][name] or one[0] for one in sorted(state)}
        found[parent] = sorted(latest.items())
    return found


@dataclass(frozen=True)
class Asked:
    """What a workbook's author asks for in one table.

    Attributes:
        workbook: The table as read.
        contract: Its rules.
        edits: What is asked for.
        problems: What is wrong.
    """

    workbook: Workbook
    contract: Contract
    edits: list[Edit]
    problems: list[Problem]


def edits_in(workspace: Workspace, path: Path) -> list[Asked]:
    """Return what a workbook's author asks for, table by table, parents first.

    It is read in a process of its own: nobody knows what is in a file.

    Raises:
        RefusedError: It is no workbook of Foreview's, or of another system.
    """
    from foreview.workbook import edits_of, on_file, read_workbook

    refuse_unfinished(workspace)
    registry = workspace.registry
    contracts = workspace.contracts
    tables = on_file(read_workbook, path, contracts)
    latest = registry.latest_release()
    found = []
    for table in sorted(tables, key=lambda one: list(contracts).index(one.dimension)):
        contract = workspace.contract(table.dimension)
        if table.base_release > latest:
            message = (
                f"The workbook is of reference version {table.base_release}, but the newest here "
                f"is {latest}."
            )
            fix = "Submit it to the system that it was exported from, or export a fresh one here."
            raise RefusedError(Problem("other-system", message, where=path.name, fix=fix))
        base, _ = registry.approved_rows(contract.dimension, table.base_release)
        edits, problems = edits_of(table, contract, base)
        if edits:
            edits = with_codes(contract, edits, parent_names(workspace, contract))
        found.append(Asked(table, contract, edits, problems))
    return found


def read_change_set(
    workspace: Workspace,
    path: Path,
    reason: str | None,
    *,
    ticket: str = "",
    allow_bulk: str = "",
    from_first_open_day: bool = False,
) -> ChangeSet:
    """Return the change set that a workbook asks for; nothing is recorded.

    The comparison is three-way by cell: the rows of the workbook's base release, the workbook,
    and today's rows.

    Args:
        workspace: Where.
        path: The workbook.
        reason: Why; None for the reason on the cover sheet.
        ticket: The ticket that asks for it; empty for the one on the cover sheet, if any.
        allow_bulk: Why more rows may be changed than the contract allows; empty when they may not.
        from_first_open_day: Whether edits hold from the first day that is not published on.

    Raises:
        RefusedError: Everything that is wrong with it, each with its cell.
    """
    tables = edits_in(workspace, path)
    if from_first_open_day:
        tables = _on_open_days(tables, _first_open_day(workspace))
    problems = [problem for table in tables for problem in table.problems]
    changes, states, conflicts = _changes(workspace, tables)
    problems += conflicts or rule_problems(workspace, states, changes)
    workbook = tables[0].workbook
    reason = reason or workbook.defaults.reason
    if any(table.edits for table in tables) and not reason:
        message, fix = "The reason is missing.", "Give --reason, or fill it in on the cover sheet."
        problems.append(Problem("no-reason", message, where=path.name, fix=fix))
    bulk = [
        problem
        for table in tables
        for problem in bulk_problems(workspace, table.contract, table.edits)
    ]
    problems += bulk if not allow_bulk else []
    if problems:
        raise RefusedError(dict.fromkeys(problems))
    if not changes:
        message = "The workbook changes nothing."
        fix = "Edit it, choose an action for each edited row, save it, and submit it again."
        raise RefusedError(Problem("no-change", message, where=path.name, fix=fix))
    return ChangeSet(
        author=workspace.actor,
        reason=f"{reason} (so many rows because: {allow_bulk})" if bulk else reason or "",
        kind="edit",
        base_release=workspace.registry.latest_release(),
        source_name=workbook.file_name,
        source_hash=workbook.file_hash,
        contracts={
            name: workspace.contract(name).hash for name in sorted({c.dimension for c in changes})
        },
        changes=tuple(changes),
        ticket=ticket or workbook.defaults.ticket or "",
    )


def _first_open_day(workspace: Workspace) -> str:
    from foreview.impact_tables import read_marts

    periods = {mart["name"]: mart.get("period", "day") for mart in read_marts(workspace)}
    calendar, airing_days = workspace.registry.calendar(), int(workspace.settings["airing_days"])
    return first_open_day(calendar, periods, airing_days)


def _on_open_days(tables: Iterable[Asked], first: str) -> list[Asked]:
    found = []
    for one in tables:
        edits, problems = on_open_days(one.edits, first)
        found.append(Asked(one.workbook, one.contract, edits, [*one.problems, *problems]))
    return found


def _changes(
    workspace: Workspace, tables: Iterable[Asked]
) -> tuple[list[Change], dict[str, State], list[Problem]]:
    """Return what edits come to, all rows of the changed dimensions with them, and conflicts."""
    asked: dict[str, list[Edit]] = {}
    seen: dict[str, int] = {}
    conflicts: list[Problem] = []
    for table in tables:
        release = table.workbook.base_release
        seen[table.contract.dimension] = release
        known: State = {}
        if table.contract.identities is not None:
            known, today = (
                workspace.registry.approved_rows(CHANNEL_KEY, one)[0] for one in (release, None)
            )
            conflicts += identified_otherwise(table.contract, table.edits, known, today)
        seen.setdefault(CHANNEL_KEY, release)
        for dimension, edits in identity_edits(table.contract, table.edits, known).items():
            asked.setdefault(dimension, []).extend(edits)
    changes: list[Change] = []
    states: dict[str, State] = {}
    for dimension, edits in asked.items():
        contract = workspace.contract(dimension)
        now, last = workspace.registry.approved_rows(dimension)
        if contract.identities is not None:
            keys = _coming_keys(workspace, asked.get(CHANNEL_KEY, ()))
            edits, edited_too = with_later_rows(edits, now, keys)
            conflicts += edited_too
        found, wrong = _merge(workspace, contract, edits, now, last)
        twice = list(asked_twice(found))
        states[dimension], clashes = (now, []) if twice else apply(now, found)
        changes += found
        conflicts += wrong + twice + [one.as_problem() for one in clashes]
        if dimension in seen:
            conflicts += split_since(workspace, found, now, seen[dimension]).values()
    return changes, states, conflicts


def _coming_keys(workspace: Workspace, edits: Sequence[Edit]) -> State:
    """Return the rows of `channel_key` as they are with a workbook's edits of them."""
    keys, last = workspace.registry.approved_rows(CHANNEL_KEY)
    found, _ = _merge(workspace, workspace.contract(CHANNEL_KEY), edits, keys, last)
    return keys if any(asked_twice(found)) else apply(keys, found)[0]


def write_annotated_copy(path: Path, problems: Sequence[Problem]) -> Path | None:
    """Write a copy of a workbook with problems at their cells, beside it, and return its path.

    Returns:
        None when no problem is at a cell or the file can't be copied so; nothing is written then.
    """
    from foreview.workbook import on_file
    from foreview.workbook.annotate import write_annotated

    if not any("!" in problem.where for problem in problems):
        return None
    stem = re.sub(r"\.errors(-\d+)?$", "", path.stem)
    names = itertools.chain([f"{stem}.errors"], (f"{stem}.errors-{n}" for n in itertools.count(2)))
    copy = next(
        one for one in (path.with_name(f"{name}.xlsx") for name in names) if not one.exists()
    )
    try:
        on_file(write_annotated, path, problems, copy)
    except (RefusedError, OSError):
        return None  # the problems are told in any case
    return copy


def _merge(
    workspace: Workspace,
    contract: Contract,
    edits: Sequence[Edit],
    now: State,
    last: Mapping[Identity, str],
) -> tuple[list[Change], list[Problem]]:
    groups: list[list[Change]] = []
    problems: list[Problem] = []
    vacated = {
        edit.identity
        for edit in edits
        if edit.identity is not None
        and (edit.action is Action.DELETE or "valid_from" in edit.values)
    }
    for edit in edits:
        found, wrong = changes_of(contract, edit, now, vacated)
        groups.append(found)
        if (
            wrong
            and edit.identity is not None
            and edit.identity in last
            and wrong[0].rule == "conflict"
        ):
            author = workspace.registry.change_set(last[edit.identity]).author
            wrong = [_named(one, author, last[edit.identity]) for one in wrong]
        problems += wrong
    return list(itertools.chain.from_iterable(_in_order(groups))), problems


def _in_order(groups: Sequence[Sequence[Change]]) -> Iterator[Sequence[Change]]:
    """Yield the changes of edits so that a row goes before another takes its key and day."""
    removers = {
        change.identity: number
        for number, found in enumerate(groups)
        for change in found
        if change.kind is Kind.REMOVED
    }
    done: set[int] = set()
    for first in range(len(groups)):
        waiting = [first]
        while waiting:
            number = waiting[-1]
            removing = [
                removers[one.identity]
                for one in groups[number]
                if one.kind is Kind.ADDED and one.identity in removers
            ]
            before = [one for one in removing if one not in done and one not in waiting]
            if before:
                waiting.append(before[0])
                continue
            waiting.pop()
            if number not in done:
                done.add(number)
                yield groups[number]


def _named(problem: Problem, author: str, change_set_id: str) -> Problem:
    message = problem.message.replace(
        "but it was changed", f"but {author} (change set {change_set_id}) changed it"
    )
    return Problem(problem.rule, message, problem.where, problem.value, problem.fix)


def bulk_problems(workspace: Workspace, contract: Contract, edits: Sequence[Edit]) -> list[Problem]:
    """Return a problem when a table's edits are more than its rules allow at once."""
    now, _ = workspace.registry.approved_rows(contract.dimension)
    most = max(contract.max_changed_rows, int(contract.max_changed_share * len(now)))
    if len(edits) <= most:
        return []
    counts = Counter(edit.action for edit in edits)
    what = ", ".join(f"{counts[one]:,} {_DONE[one]}" for one in Action if counts[one])
    message = (
        f"{contract.label}: {len(edits):,} of {len(now):,} rows would be changed ({what}); the "
        f"table's rules allow {most:,} at once."
    )
    fix = 'If that is meant, say why: --allow-bulk "REASON". Else submit it in parts.'
    return [Problem("bulk", message, fix=fix)]


_DONE = {
    Action.CORRECT: "corrected",
    Action.CHANGE_FROM: "changed on a day",
    Action.RETIRE: "retired",
    Action.DELETE: "deleted",
    Action.INSERT: "added",
    Action.NEW_CODE: "given a new code",
    Action.MERGE: "merged",
}


def baseline_change_set(
    workspace: Workspace,
    tables: Mapping[str, Iterable[Row]],
    source: Path,
    *,
    reason: str = "first load",
) -> ChangeSet:
    """Return the change set of a first load of one or more dimensions.

    Args:
        workspace: Where.
        tables: Rows of each dimension.
        source: The file that they come from.
        reason: Why.

    Raises:
        RefusedError: A dimension has rows already, or rows break the rules.
    """
    refuse_unfinished(workspace)
    problems: list[Problem] = []
    states = {name: make_state(workspace.contract(name), rows) for name, rows in tables.items()}
    changes: list[Change] = []
    for name, contract in workspace.contracts.items():
        if name not in states:
            continue
        if workspace.registry.approved_rows(name)[0]:
            message = f"The table {name} has its first load already."
            fix = f"Change it through a workbook: foreview export {name} -o {name}.xlsx."
            problems.append(Problem("has-rows", message, value=name, fix=fix))
            continue
        state = states[name]
        parents = parent_intervals(workspace, contract, states)
        problems += [
            Problem(
                one.rule,
                one.message,
                f"{source.name} {', '.join(identity[:-1])}",
                one.value,
                one.fix,
            )
            for identity, _, one in (
                *check_state(contract, state, state, parents),
                *identity_problems(contract, state, state),
            )
        ]
        changes += [
            _first(contract, identity, state[identity], source.name) for identity in sorted(state)
        ]
    if problems:
        raise RefusedError(problems)
    return ChangeSet(
        author=workspace.actor,
        reason=reason,
        kind="baseline",
        base_release=workspace.registry.latest_release(),
        source_name=source.name,
        source_hash=file_hash(source),
        contracts={
            name: workspace.contract(name).hash for name in sorted({c.dimension for c in changes})
        },
        changes=tuple(changes),
    )


def _first(contract: Contract, identity: Identity, row: Row, source: str) -> Change:
    edit = Edit(action=Action.INSERT, values=row, where=source)
    (change,), _ = changes_of(contract, edit, {})
    assert change.identity == identity  # noqa: S101
    return change


def missing_parents(
    workspace: Workspace, contract: Contract, rows: Iterable[Row]
) -> dict[str, list[Row]]:
    """Return rows for the parents that a first load names and nothing has yet, by dimension.

    A parent's columns are filled with its code where they are required, else left blank.
    """
    found: dict[str, list[Row]] = {}
    wanted: dict[str, set[str]] = {}
    for row in rows:
        for column in contract.columns:
            if column.parent:
                wanted.setdefault(column.parent, set()).update(column.items(row[column.name]))
    for parent, codes in wanted.items():
        rules = workspace.contract(parent)
        if workspace.registry.approved_rows(parent)[0]:
            continue
        found[parent] = [
            {
                **{one.name: code if one.required else None for one in rules.columns},
                "valid_from": "1900-01-01",
                "valid_to": None,
            }
            for code in sorted(codes)
        ]
    return found
