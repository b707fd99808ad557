"""From a workbook or a file to a change set, and from approved rows to a workbook."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from foreview.changes import (
    Action,
    Change,
    ChangeSet,
    Edit,
    Identity,
    Row,
    State,
    apply,
    changes_of,
    check_state,
    make_state,
    merged_intervals,
)
from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.loads import stage_pending
from foreview.rekeying import CHANNEL_KEY, check_identities
from foreview.workspace import Workspace

Intervals = Mapping[str, Sequence[tuple[str, str | None]]]


def refuse_unfinished(workspace: Workspace) -> None:
    """Refuse while a promotion is unfinished: today's rows are those of two releases."""
    step = workspace.registry.unfinished_promotion()
    if step is None:
        return
    ids = " ".join(step.detail["change_sets"])
    message = (
        f"The promotion of {ids} to reference version {step.release} was interrupted. "
        "Readers still see what they saw before it."
    )
    fix = f"Finish it: foreview promote {ids}."
    raise RefusedError(Problem("promotion-unfinished", message, fix=fix))


def export_dimension(
    workspace: Workspace, dimension: str, path: Path, where: Sequence[str] = ()
) -> int:
    """Write a workbook of a dimension's approved rows, and return their number.

    Args:
        workspace: Where.
        dimension: The dimension.
        path: The .xlsx file to write.
        where: Conditions `column=value` or `column~text` that all rows must meet.

    Raises:
        RefusedError: The dimension or a column is unknown, or there is nothing to export.
    """
    from foreview.workbook import write_workbook

    refuse_unfinished(workspace)
    contract = workspace.contract(dimension)
    state, _ = workspace.registry.approved_rows(dimension)
    if not state:
        message = f"The table {dimension} has no approved rows yet."
        fix = f"Load it first: foreview baseline {dimension} FILE.csv, or foreview generate."
        raise RefusedError(Problem("no-rows", message, fix=fix))
    tests = [_condition(contract, text) for text in where]
    rows = [state[one] for one in sorted(state)]
    rows = [row for row in rows if all(test(row) for test in tests)]
    if not rows:
        message = f"No row of {dimension} meets {' and '.join(where)}."
        raise RefusedError(Problem("no-rows", message, fix="Loosen the condition."))
    parents = {
        parent: _codes(workspace, parent)
        for parent in dict.fromkeys(one.parent for one in contract.columns)
        if parent
    }
    write_workbook(
        path,
        contract,
        rows,
        base_release=workspace.registry.latest_release(),
        parents=parents,
        part=" and ".join(where),
    )
    return len(rows)


def record(workspace: Workspace, change_set: ChangeSet) -> bool:
    """Record a change set and stage its rows for dbt; return False when it was there before."""
    is_new = workspace.registry.record_change_set(change_set)
    stage_pending(workspace, change_set.dimensions)
    return is_new


def close(workspace: Workspace, change_set_id: str, decision: str, comment: str = "") -> None:
    """Record that a change set is withdrawn or rejected, and take its rows from what is staged.

    Args:
        workspace: Where.
        change_set_id: The change set.
        decision: `withdraw`, by its author, or `reject`.
        comment: A word to the others.

    Raises:
        RefusedError: It is not open, or not the actor's to withdraw.
    """
    registry = workspace.registry
    registry.record_review(change_set_id, workspace.actor, decision, comment=comment)
    stage_pending(workspace, registry.change_set(change_set_id).dimensions)


class _Condition:
    def __init__(self, name: str, operator: str, value: str) -> None:
        self._name, self._operator, self._value = name, operator, value

    def __call__(self, row: Row) -> bool:
        found = row[self._name] or ""
        if self._operator == "=":
            return found in self._value.split(",") or found == self._value
        return self._value.lower() in found.lower()


def _condition(contract: Contract, text: str) -> _Condition:
    match = re.fullmatch(r"(\w+)\s*([=~])(.*)", text)
    if match is None or match[1] not in contract.row_columns:
        message = f"{text!r} is no condition on {contract.dimension}."
        fix = (
            "Write COLUMN=VALUE[,VALUE...] or COLUMN~TEXT, with one of the columns "
            f"{', '.join(contract.row_columns)}."
        )
        raise RefusedError(Problem("condition", message, value=text, fix=fix))
    return _Condition(match[1], match[2], match[3].strip())


def _codes(workspace: Workspace, dimension: str) -> list[tuple[str, str]]:
    contract = workspace.contract(dimension)
    state, _ = workspace.registry.approved_rows(dimension)
    name = next((one for one in contract.column_names if one.endswith("_name")), contract.key[0])
    latest = {one[0]: state[one][name] or one[0] for one in sorted(state)}
    return sorted(latest.items())


def read_change_set(workspace: Workspace, path: Path, reason: str | None) -> ChangeSet:
    """Return the change set that a workbook asks for; nothing is recorded.

    The comparison is three-way by cell: the rows of the workbook's base release, the workbook,
    and today's rows.

    Args:
        workspace: Where.
        path: The workbook.
        reason: Why; None for the reason on the cover sheet.

    Raises:
        RefusedError: Everything that is wrong with it, each with its cell.
    """
    from foreview.workbook import edits_of, in_child, read_workbook
    from foreview.workbook.child import MEGABYTES, SECONDS

    refuse_unfinished(workspace)
    registry = workspace.registry
    contracts = workspace.contracts
    workbook = in_child(path.name, SECONDS, MEGABYTES, read_workbook, path, contracts)
    contract = workspace.contract(workbook.dimension)
    latest = registry.latest_release()
    if workbook.base_release > latest:
        message = (
            f"The workbook is of reference version {workbook.base_release}, but the newest here "
            f"is {latest}."
        )
        fix = "Submit it to the system that it was exported from, or export a fresh one here."
        raise RefusedError(Problem("other-system", message, where=path.name, fix=fix))
    base, _ = registry.approved_rows(contract.dimension, workbook.base_release)
    now, last = registry.approved_rows(contract.dimension)
    edits, problems = edits_of(workbook, contract, base)
    changes, conflicts = _merge(workspace, contract, edits, now, last)
    problems += conflicts
    problems += check_changes(workspace, contract, now, changes) if not conflicts else []
    reason = reason or workbook.defaults.reason
    if edits and not reason:
        message, fix = "The reason is missing.", "Give --reason, or fill it in on the cover sheet."
        problems.append(Problem("no-reason", message, where=path.name, fix=fix))
    problems += _bulk(contract, base, edits)
    if problems:
        raise RefusedError(dict.fromkeys(problems))
    if not changes:
        message = "The workbook changes nothing."
        fix = "Edit it, choose an action for each edited row, save it, and submit it again."
        raise RefusedError(Problem("no-change", message, where=path.name, fix=fix))
    return ChangeSet(
        author=workspace.actor,
        reason=reason or "",
        kind="edit",
        base_release=latest,
        source_name=workbook.file_name,
        source_hash=workbook.file_hash,
        contracts={contract.dimension: contract.hash},
        changes=tuple(changes),
    )


def _merge(
    workspace: Workspace,
    contract: Contract,
    edits: Sequence[Edit],
    now: State,
    last: Mapping[Identity, str],
) -> tuple[list[Change], list[Problem]]:
    changes: list[Change] = []
    problems: list[Problem] = []
    for edit in edits:
        found, wrong = changes_of(contract, edit, now)
        changes += found
        if (
            wrong
            and edit.identity is not None
            and edit.identity in last
            and wrong[0].rule == "conflict"
        ):
            author = workspace.registry.change_set(last[edit.identity]).author
            wrong = [_named(one, author, last[edit.identity]) for one in wrong]
        problems += wrong
    return changes, problems


def _named(problem: Problem, author: str, change_set_id: str) -> Problem:
    message = problem.message.replace(
        "but it was changed", f"but {author} (change set {change_set_id}) changed it"
    )
    return Problem(problem.rule, message, problem.where, problem.value, problem.fix)


def _bulk(contract: Contract, base: State, edits: Sequence[Edit]) -> list[Problem]:
    most = max(contract.max_changed_rows, int(contract.max_changed_share * len(base)))
    if len(edits) <= most:
        return []
    message = (
        f"The workbook changes {len(edits)} rows of {len(base)}; the table's rules allow {most} "
        "at once."
    )
    fix = "Submit it in parts, or raise max_changed_rows in the contract with a review."
    return [Problem("bulk", message, fix=fix)]


def check_changes(
    workspace: Workspace, contract: Contract, now: State, changes: Sequence[Change]
) -> list[Problem]:
    """Return what is wrong with the rows as the changes would leave them, with their cells."""
    after, conflicts = apply(now, changes)
    problems = [one.as_problem() for one in conflicts]
    return problems + rule_problems(workspace, {contract.dimension: after}, changes)


def rule_problems(
    workspace: Workspace, states: Mapping[str, State], changes: Sequence[Change]
) -> list[Problem]:
    """Return which rules touched rows break, and the rows that would lose their parent.

    Args:
        workspace: Where.
        states: All rows of each changed dimension as they would be.
        changes: What led there; problems are at their cells.
    """
    problems = []
    for dimension, after in states.items():
        contract = workspace.contract(dimension)
        mine = [one for one in changes if one.dimension == dimension]
        touched = [one.identity for one in mine if one.identity in after]
        cells = {(one.identity, name): cell for one in mine for name, cell in one.cells.items()}
        places = {one.identity: one.where for one in mine}
        found = check_state(contract, after, touched, parent_intervals(workspace, contract, states))
        found += _identity_problems(contract, after, touched)
        for identity, column, problem in found:
            named = [cells.get((identity, name)) for name in _cells_of(contract, column)]
            where = next(filter(None, named), places.get(identity, ""))
            problems.append(
                Problem(problem.rule, problem.message, where, problem.value, problem.fix)
            )
        problems += _orphans(workspace, contract, states, places)
    return problems


def _identity_problems(
    contract: Contract, state: State, touched: Iterable[Identity]
) -> list[tuple[Identity, str, Problem]]:
    return check_identities(state, touched) if contract.dimension == CHANNEL_KEY else []


def _cells_of(contract: Contract, column: str) -> tuple[str, ...]:
    """Return the columns whose edit can have caused a problem of a column, itself first."""
    rule = contract.interval
    if rule is None or column not in (rule.starts, rule.ends):
        return (column,)
    return (column, rule.starts, rule.ends, *rule.within)


def parent_intervals(
    workspace: Workspace, contract: Contract, extra: Mapping[str, State] | None = None
) -> dict[str, Intervals]:
    """Return the days on which each key of a contract's parent dimensions exists.

    Args:
        workspace: Where.
        contract: The child's rules.
        extra: Rows of parents that are not approved yet, in place of the approved ones.
    """
    found: dict[str, Intervals] = {}
    for parent in dict.fromkeys(one.parent for one in contract.columns):
        if parent is None:
            continue
        state = (extra or {}).get(parent)
        if state is None:
            state, _ = workspace.registry.approved_rows(parent)
        found[parent] = merged_intervals(workspace.contract(parent), state)
    return found


def _orphans(
    workspace: Workspace,
    contract: Contract,
    states: Mapping[str, State],
    places: Mapping[Identity, str],
) -> list[Problem]:
    """Return the rows of child dimensions that would lose their parent on some days."""
    before_days = merged_intervals(
        contract, workspace.registry.approved_rows(contract.dimension)[0]
    )
    after_days = merged_intervals(contract, states[contract.dimension])
    shrunk = {key for key, days in before_days.items() if after_days.get(key) != days}
    if not shrunk:
        return []
    problems = []
    for child in workspace.contracts.values():
        columns = [one for one in child.columns if one.parent == contract.dimension]
        if not columns:
            continue
        rows = states.get(child.dimension)
        if rows is None:
            rows, _ = workspace.registry.approved_rows(child.dimension)
        using = [
            identity
            for identity, row in rows.items()
            if any(item in shrunk for one in columns for item in one.items(row[one.name]))
        ]
        others = parent_intervals(workspace, child, states)
        problems += [
            Problem(
                problem.rule,
                f"{child.label} {identity[0]} uses it: {problem.message}",
                next(iter(places.values()), ""),
                problem.value,
                f"Change the {child.dimension} first.",
            )
            for identity, _, problem in check_state(child, rows, using, others)
            if problem.rule in ("unknown-parent", "parent-interval")
        ]
    return problems


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
                *_identity_problems(contract, state, state),
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
        source_hash=_file_hash(source),
        contracts={name: workspace.contract(name).hash for name in sorted(states)},
        changes=tuple(changes),
    )


def _first(contract: Contract, identity: Identity, row: Row, source: str) -> Change:
    edit = Edit(action=Action.INSERT, values=row, where=source)
    (change,), _ = changes_of(contract, edit, {})
    assert change.identity == identity  # noqa: S101
    return change


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


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
