"""Random edits of dimensions, valid by construction, as changes and change sets."""

import random
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
)
from foreview.contract import BEGINNING
from foreview.generate.faults import Fault, fault_edits
from foreview.identities import check_identities, identity_edits
from foreview.row_rules import check_state
from foreview.rules import parent_intervals
from foreview.workbook.layout import OF_IDENTITIES
from foreview.workspace import Workspace

DAYS = [f"2026-04-0{n}" for n in range(3, 9)]
READ = ("channel", "channel_key", "area", "network", "airing", "programme")
"""The dimensions that figures are made of; devices aside, which nobody edits."""
USED_BY = {
    "channel": ("airing", "channel_id"),
    "programme": ("airing", "programme_id"),
    "network": ("channel", "network_id"),
}


class Edits:
    """Random changes of several tables that are valid together, each key changed once.

    Attributes:
        sets: What was taken so far, in several change sets; what is taken together is in one.
        rows: The rows of each table with it.
    """

    def __init__(self, workspace: Workspace, draw: random.Random, seed: int, sets: int) -> None:
        self.workspace, self.draw, self.seed = workspace, draw, seed
        self.sets: list[list[Change]] = [[] for _ in range(sets)]
        self.rows: dict[str, State] = dict(zip(READ, states(workspace), strict=True))

    def take(self, *asked: tuple[str, Edit]) -> bool:
        """Make some edits together, one after the other; none where one of them can't be."""
        rows, changes = dict(self.rows), []
        for dimension, edit in asked:
            contract = self.workspace.contract(dimension)
            found, problems = changes_of(contract, edit, rows[dimension])
            rows[dimension], conflicts = apply(rows[dimension], found)
            if problems or conflicts or not found:
                return False
            changes += found
        if any(keys_of(changes) & keys_of(one) for one in self.sets):
            return False
        for dimension in {name for name, _ in asked}:
            contract = self.workspace.contract(dimension)
            identities = [one.identity for one in changes if one.dimension == dimension]
            parents = parent_intervals(self.workspace, contract, rows)
            if check_state(contract, rows[dimension], identities, parents):
                return False
            if dimension == "channel_key" and check_identities(rows[dimension], identities):
                return False
        self.rows = rows
        self.draw.choice(self.sets).extend(changes)
        return True

    def is_used(self, dimension: str, key: str) -> bool:
        """Return whether rows of another table name a key: it can't be deleted or retired then."""
        child, column = USED_BY.get(dimension, (dimension, ""))
        return any(row.get(column) == key for row in self.rows[child].values())

    def row(self, dimension: str, keys: Collection[str] = ()) -> tuple[Identity, Any]:
        """Draw an open row that holds since the beginning, of these keys where there are some."""
        return self.draw.choice(
            [
                (identity, row)
                for identity, row in sorted(self.rows[dimension].items())
                if row["valid_to"] is None and row["valid_from"] == BEGINNING
                if not keys or identity[0] in keys
            ]
        )

    def of_a_column(
        self,
        dimension: str,
        column: str,
        count: int,
        new_keys: Sequence[str] = (),
        choices: Sequence[str | None] = (),
    ) -> None:
        """Take edits of so many keys: corrections, changes from a day, retirements, deletions and
        insertions (of `new_keys`). Values are some of the parent table's keys, or `choices`."""
        draw, contract = self.draw, self.workspace.contract(dimension)
        if parent := contract.column(column).parent:
            intervals = parent_intervals(self.workspace, contract, self.rows)
            choices = [None, *sorted(intervals[parent])[:4]]
        state, fresh = self.rows[dimension], list(new_keys)
        keys, taken = sorted({identity[0] for identity in state}), 0
        while taken < count:
            action = draw.choice([one for one in Action if one not in OF_IDENTITIES])
            day, value = draw.choice(DAYS), {column: draw.choice(choices)}
            if action is Action.INSERT:
                if not fresh:
                    continue
                values = {
                    **state[draw.choice(sorted(state))],
                    contract.key[0]: fresh.pop(),
                    **value,
                }
                values |= {"valid_from": draw.choice((day, BEGINNING)), "valid_to": None}
                taken += self.take((dimension, Edit(action, values=values)))
                continue
            key = draw.choice(keys)
            if action in (Action.RETIRE, Action.DELETE):
                value = {}
                if self.is_used(dimension, key):
                    continue
            identity = draw.choice(sorted(one for one in state if one[0] == key))
            begins = None if action in (Action.CORRECT, Action.DELETE) else day
            edit = Edit(action, identity, value, state[identity], begins)
            taken += self.take((dimension, edit))

    def of_days(self, dimension: str, count: int, keys: Collection[str] = ()) -> None:
        """Take corrections of the day on which a row begins or ends."""
        for _ in range(count):
            identity, row = self.row(dimension, keys)
            value = {self.draw.choice(("valid_from", "valid_to")): self.draw.choice(DAYS)}
            if not self.is_used(dimension, identity[0]):
                self.take((dimension, Edit(Action.CORRECT, identity, value, row)))

    def new_network(self, viewed: Collection[str]) -> None:
        """Take a new network and a channel that moves to it."""
        key, day = f"NEW{self.seed}", self.draw.choice((BEGINNING, *DAYS))
        network = {**self.row("network")[1], "network_id": key, "valid_from": day}
        identity, channel = self.row("channel", viewed)
        move = Edit(Action.CORRECT, identity, {"network_id": key}, channel)
        if day != BEGINNING:
            move = replace(move, action=Action.CHANGE_FROM, day=day)
        self.take(("network", Edit(Action.INSERT, values=network)), ("channel", move))

    def added_again(self, dimension: str, column: str, keys: Collection[str] = ()) -> None:
        """Take a row's end, and another row of its key with another value from a later day on."""
        identity, row = self.row(dimension, keys)
        other = self.row(dimension)[1][column]
        end, begin = sorted(self.draw.sample(DAYS, 2))
        again = {**row, column: other, "valid_from": begin}
        if not self.is_used(dimension, identity[0]):
            self.take(
                (dimension, Edit(Action.RETIRE, identity, {}, row, end)),
                (dimension, Edit(Action.INSERT, values=again)),
            )

    def new_programme(self) -> None:
        """Take a new programme and an airing that was of it."""
        identity, row = self.row("airing")
        key = {"programme_id": f"NEW{self.seed}"}
        programme = {**self.row("programme")[1], **key}
        self.take(
            ("programme", Edit(Action.INSERT, values=programme)),
            ("airing", Edit(Action.CORRECT, identity, key, row)),
        )

    def faults(self) -> None:
        """Take what sets the schedule right: airings moved, swapped, split and cancelled."""
        for fault in Fault:
            edits = fault_edits(fault, self.rows["airing"].values(), seed=self.seed)
            self.take(*(("airing", one) for one in edits))

    def other_code(self, action: Action, keys: Collection[str], codes: Sequence[str]) -> None:
        """Take a channel that goes on under another code, or is a part of another channel."""
        identity, row = self.row("channel", keys)
        if action is Action.NEW_CODE and self.is_used("channel", identity[0]):
            return
        values = {"channel_id": self.draw.choice(codes)}
        edit = Edit(action, identity, values, row, self.draw.choice(DAYS))
        contract = self.workspace.contract("channel")
        found = identity_edits(contract, [edit], self.rows["channel_key"])
        self.take(*((dimension, one) for dimension, edits in found.items() for one in edits))

    def moved_airings(self) -> None:
        """Take corrections of airings that were on at another time than the schedule says."""
        state = self.rows["airing"]
        for identity in self.draw.sample(sorted(state), min(len(state), self.draw.randint(0, 6))):
            row = state[identity]
            minutes = timedelta(minutes=self.draw.choice((-45, -10, 5, 20, 600)))
            values = {
                name: str(datetime.fromisoformat(row[name] or "") + minutes)
                for name in self.draw.choice((["starts_at"], ["ends_at"], ["starts_at", "ends_at"]))
            }
            self.take(("airing", Edit(Action.CORRECT, identity, values, row)))


def keys_of(changes: Sequence[Change]) -> set[tuple[str, str]]:
    return {(one.dimension, one.identity[0]) for one in changes}


def states(workspace: Workspace, *change_sets: ChangeSet) -> list[Any]:
    found = []
    for dimension in READ:
        state, _ = workspace.registry.approved_rows(dimension)
        for change_set in change_sets:
            changes = [one for one in change_set.changes if one.dimension == dimension]
            state, conflicts = apply(state, changes)
            assert not conflicts
        found.append(state)
    return found


def random_change_set(workspace: Workspace, viewing: Viewing, seed: int) -> ChangeSet:
    """Edits of all dimensions at once: rows by themselves, and rows that go together."""
    return random_change_sets(workspace, viewing, seed, 1)[0]


def random_change_sets(
    workspace: Workspace, viewing: Viewing, seed: int, count: int
) -> list[ChangeSet]:
    """The same, dealt out to so many change sets at the most, to be tried together."""
    draw = random.Random(seed)
    edits = Edits(workspace, draw, seed, count)
    viewed = {record[2] for record in viewing.records}
    unknown = sorted(viewed - {identity[0] for identity in edits.rows["channel"]})
    keys = sorted(viewed - set(unknown))
    edits.new_network(keys)
    edits.added_again("area", "market_id")
    edits.added_again("channel", "network_id", keys)
    edits.new_programme()
    edits.faults()
    edits.other_code(Action.NEW_CODE, keys, [*unknown[seed % 7 :: 7], f"NEWCODE{seed}.us"])
    edits.other_code(Action.MERGE, keys, keys)
    inserted = [f"NEW{seed}.us", *unknown[(seed + 1) % 7 :: 7][:2]]
    edits.of_a_column("channel", "network_id", draw.randint(1, 12), inserted)
    edits.of_a_column(
        "channel_key", "channel_sk", draw.randint(0, 3), keys[seed % 50 : -4 : 50][:4], keys[-4:]
    )
    edits.of_a_column("area", "market_id", draw.randint(0, 4))
    edits.of_a_column("network", "network_group_id", draw.randint(0, 2))
    edits.of_a_column("airing", "programme_id", draw.randint(0, 4))
    edits.of_a_column("programme", "genre_id", draw.randint(0, 2))
    edits.moved_airings()
    edits.of_days("channel", draw.randint(0, 4), keys)
    edits.of_days("area", draw.randint(0, 2))
    return [
        ChangeSet(
            author=workspace.actor,
            reason=f"random edits {seed}, {number}",
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
        for number, changes in enumerate(edits.sets, 1)
        if changes
    ]


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
