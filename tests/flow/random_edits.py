"""Random edits of dimensions, valid by construction, as changes and change sets."""

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from oracle import Viewing

from foreview.changes import (
    Action,
    Change,
    ChangeSet,
    Edit,
    Identity,
    State,
    apply,
    changes_of,
    check_state,
)
from foreview.contract import Contract
from foreview.identities import check_identities
from foreview.rules import parent_intervals
from foreview.workbook.layout import OF_IDENTITIES
from foreview.workspace import Workspace

DAYS = [f"2026-04-0{n}" for n in range(3, 9)]

Parents = dict[str, dict[str, list[tuple[str, str | None]]]]


def random_changes(
    draw: random.Random,
    contract: Contract,
    state: State,
    parents: Parents,
    column: str,
    choices: Sequence[str | None],
    days: Sequence[str],
    new_keys: Sequence[str],
    count: int,
    used: Collection[str] = (),
) -> list[Change]:
    """Return changes of `count` different rows: corrections, changes from a day, retirements,
    deletions, insertions (of `new_keys`) and re-added rows. Keys that are `used` by rows of other
    tables are neither deleted nor retired."""
    rows = dict(state)
    changes: list[Change] = []
    touched: set[str] = set()
    keys = sorted({identity[0] for identity in rows})
    fresh = list(new_keys)
    while len(touched) < count:
        action = draw.choice([one for one in Action if one not in OF_IDENTITIES])
        day = draw.choice(days)
        if action is Action.INSERT:
            if not fresh:
                continue
            key = fresh.pop()
            template = dict(rows[draw.choice(sorted(rows))])
            values = {**template, contract.key[0]: key, column: draw.choice(choices)}
            values |= {"valid_from": draw.choice((day, "1900-01-01")), "valid_to": None}
            edit = Edit(action, values=values)
        else:
            key = draw.choice(keys)
            identity = draw.choice(sorted(one for one in state if one[0] == key))
            values = (
                {} if action in (Action.RETIRE, Action.DELETE) else {column: draw.choice(choices)}
            )
            edit = Edit(
                action,
                identity=identity,
                base=state[identity],
                values=values,
                day=None if action in (Action.CORRECT, Action.DELETE) else day,
            )
        if key in touched or (key in used and action in (Action.RETIRE, Action.DELETE)):
            continue
        found, problems = changes_of(contract, edit, state)
        after, conflicts = apply(state, found)
        if problems or conflicts or not found:
            continue
        identities = [one.identity for one in found]
        if check_state(contract, after, identities, parents):
            continue
        if contract.dimension == "channel_key" and check_identities(after, identities):
            continue
        touched.add(key)
        changes += found
    return changes


def states(workspace: Workspace, change_set: ChangeSet | None = None) -> list[Any]:
    found = []
    for dimension in ("channel", "channel_key", "area", "network", "airing", "programme"):
        state, _ = workspace.registry.approved_rows(dimension)
        if change_set is not None:
            changes = [one for one in change_set.changes if one.dimension == dimension]
            state, conflicts = apply(state, changes)
            assert not conflicts
        found.append(state)
    return found


def moved_airings(
    draw: random.Random, workspace: Workspace, touched: Collection[Identity]
) -> list[Change]:
    """Return corrections of airings that were on at another time than the schedule says."""
    contract = workspace.contract("airing")
    state, _ = workspace.registry.approved_rows("airing")
    changes: list[Change] = []
    after: State = state
    for identity in draw.sample(sorted(state), min(len(state), draw.randint(0, 6))):
        row = state[identity]
        minutes = timedelta(minutes=draw.choice((-45, -10, 5, 20, 600)))
        values = {
            name: str(datetime.fromisoformat(row[name] or "") + minutes)
            for name in draw.choice((["starts_at"], ["ends_at"], ["starts_at", "ends_at"]))
        }
        edit = Edit(Action.CORRECT, identity=identity, base=row, values=values)
        found, problems = changes_of(contract, edit, after)
        moved, conflicts = apply(after, found)
        if identity in touched or problems or conflicts:
            continue
        if not check_state(contract, moved, [identity], parent_intervals(workspace, contract)):
            changes += found
            after = moved
    return changes


def random_change_set(workspace: Workspace, viewing: Viewing, seed: int) -> ChangeSet:
    """Edits of channels, their identities, areas and networks at once, on keys in the viewing."""
    draw = random.Random(seed)
    changes = []
    unknown = sorted(
        {record[2] for record in viewing.records}
        - {identity[0] for identity in workspace.registry.approved_rows("channel")[0]}
    )
    keys = sorted({record[2] for record in viewing.records} - set(unknown))
    airings, _ = workspace.registry.approved_rows("airing")
    used: dict[str, set[str]] = defaultdict(set)
    used["channel"] = {row["channel_id"] or "" for row in airings.values()}
    used["programme"] = {row["programme_id"] or "" for row in airings.values()}
    used["network"] = {
        row["network_id"] or "" for row in workspace.registry.approved_rows("channel")[0].values()
    }
    for dimension, column, count, fresh in (
        ("channel", "network_id", draw.randint(1, 12), [f"NEW{seed}.us", *unknown[seed::7][:2]]),
        ("channel_key", "channel_sk", draw.randint(0, 3), keys[seed % 50 : -4 : 50][:4]),
        ("area", "market_id", draw.randint(0, 4), []),
        ("network", "network_group_id", draw.randint(0, 2), []),
        ("airing", "programme_id", draw.randint(0, 4), []),
        ("programme", "genre_id", draw.randint(0, 2), []),
    ):
        contract = workspace.contract(dimension)
        state, _ = workspace.registry.approved_rows(dimension)
        parents: Any = parent_intervals(workspace, contract)
        parent = contract.column(column).parent
        choices = [None, *sorted(parents[parent])[:4]] if parent else keys[-4:]
        changes += random_changes(
            draw, contract, state, parents, column, choices, DAYS, fresh, count, used[dimension]
        )
    changes += moved_airings(draw, workspace, {one.identity for one in changes})
    return ChangeSet(
        author=workspace.actor,
        reason=f"random edits {seed}",
        kind="edit",
        base_release=workspace.registry.latest_release(),
        source_name="random",
        source_hash="",
        contracts={
            name: workspace.contract(name).hash
            for name in sorted({one.dimension for one in changes})
        },
        changes=tuple(changes),
    )


def channels_moved(
    workspace: Workspace, seed: int, count: int, days: Sequence[str] = ()
) -> ChangeSet:
    """Return a change set that moves so many channels to other networks.

    For all days; with `days` every other one from one of these on, where the row holds on it.
    """
    contract = workspace.contract("channel")
    state, _ = workspace.registry.approved_rows("channel")
    draw = random.Random(seed)
    networks = sorted({row["network_id"] for row in state.values() if row["network_id"]})
    changes: list[Change] = []
    for identity in draw.sample(sorted(state), count):
        others = [one for one in networks if one != state[identity]["network_id"]]
        edit = Edit(Action.CORRECT, identity, {"network_id": draw.choice(others)}, state[identity])
        end = state[identity]["valid_to"] or "9"
        if split := [day for day in days if identity[1] < day < end and draw.random() < 0.5]:
            edit = replace(edit, action=Action.CHANGE_FROM, day=draw.choice(split))
        changes += changes_of(contract, edit, state)[0]
    contracts, base = {"channel": contract.hash}, workspace.registry.latest_release()
    return ChangeSet(
        workspace.actor, f"move {seed}", "edit", base, "test", "", contracts, tuple(changes)
    )
