"""Which rules rows break, their own and those between tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from foreview.changes import Change, Identity, State
from foreview.contract import Contract
from foreview.errors import Problem
from foreview.identities import CHANNEL_KEY, check_identities
from foreview.row_rules import check_state, merged_intervals
from foreview.workspace import Workspace

Intervals = Mapping[str, Sequence[tuple[str, str | None]]]


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
        found += identity_problems(contract, after, touched)
        for identity, column, problem in found:
            named = [cells.get((identity, name)) for name in _cells_of(contract, column)]
            where = next(filter(None, named), places.get(identity, ""))
            problems.append(
                Problem(problem.rule, problem.message, where, problem.value, problem.fix)
            )
        problems += _orphans(workspace, contract, states, places)
    return problems


def identity_problems(
    contract: Contract, state: State, touched: Iterable[Identity]
) -> list[tuple[Identity, str, Problem]]:
    """Return what is wrong with the identities of `channel_key`; nothing in another dimension."""
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
