"""Releases and rollbacks in any order, against a model that keeps each release's rows in memory.

Without an engine: what is approved, by the registry alone. Recorded time in tables is tested by
the flow tests.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from networks import network_workspace, promote_recorded

from conftest import acting
from foreview.changes import Action, ChangeSet, Edit, Row, apply, changes_of
from foreview.conflicts import check_applies
from foreview.errors import RefusedError
from foreview.history import versions_of
from foreview.rollback import rollback
from foreview.submission import close, record

KEYS = ("ALFA", "NEW1")
"""Few, so that releases change the same cells."""
ACTIONS = (Action.CORRECT, Action.CHANGE_FROM, Action.RETIRE, Action.DELETE, Action.INSERT)
Rows = dict[tuple[str, ...], Row]


class Releases(RuleBasedStateMachine):
    """Analysts submit, withdraw and promote; anybody rolls back any release."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.workspace = network_workspace(Path(self.folder.name))
        self.states: list[Rows] = [{}, self.rows()]
        self.open: list[ChangeSet] = []
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def rows(self, release: int | None = None) -> Rows:
        state, _ = self.workspace.registry.approved_rows("network", release)
        return {identity: dict(row) for identity, row in state.items()}

    @rule(
        key=st.sampled_from(KEYS),
        action=st.sampled_from(ACTIONS),
        author=st.sampled_from(["ana", "bea"]),
        day=st.sampled_from(["2026-02-01", "2026-03-01", "2026-04-01"]),
        values=st.sampled_from(
            [{"network_name": name} for name in ("One", "Two", "Three")]
            + [{"network_group_id": code} for code in ("G1", None)]
        ),
        at_once=st.booleans(),
    )
    def submit(
        self, key: str, action: Action, author: str, day: str, values: Row, at_once: bool
    ) -> None:
        self.count += 1
        contract = self.workspace.contract("network")
        state = self.rows()
        mine = sorted(one for one in state if one[0] == key)
        if (action is Action.INSERT) == bool(mine):
            return
        if action is Action.INSERT:
            new = {"network_id": key, "network_name": "New", "network_group_id": None}
            edit = Edit(action, values={**new, **values, "valid_from": None})
        else:
            base = state[mine[-1]]
            is_ended = action in (Action.RETIRE, Action.DELETE)
            edit = Edit(action, mine[-1], {} if is_ended else values, base, day)
        changes, problems = changes_of(contract, edit, state)
        if problems or not changes:
            return
        change_set = ChangeSet(
            author,
            f"edit {self.count}",
            "edit",
            self.workspace.registry.latest_release(),
            "book.xlsx",
            "",
            {"network": contract.hash},
            tuple(changes),
        )
        record(acting(self.workspace, author), change_set)
        if at_once:
            self.put_into_effect(change_set)
        else:
            self.open.append(change_set)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        change_set = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        close(acting(self.workspace, change_set.author), change_set.id, "withdraw")

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        self.put_into_effect(self.open.pop(data.draw(st.integers(0, len(self.open) - 1))))

    def put_into_effect(self, change_set: ChangeSet) -> None:
        before = self.rows()
        try:
            check_applies(self.workspace, [change_set])
        except RefusedError:
            assert self.rows() == before
            return
        promote_recorded(self.workspace, change_set)
        self.states.append(self.rows())

    @precondition(lambda self: len(self.states) > 2)
    @rule(data=st.data(), twice=st.booleans())
    def roll_back(self, data: st.DataObject, twice: bool) -> None:
        number = data.draw(st.integers(2, len(self.states) - 1))
        before = self.rows()
        try:
            inverse = rollback(acting(self.workspace, "eve"), number)
        except RefusedError as error:
            rules = {one.rule for one in error.problems}
            assert number < len(self.states) - 1 or rules == {"no-change"}, rules
            assert rules <= {"conflict", "no-change", "overlap", "unknown-parent"}, rules
            return
        promote_recorded(self.workspace, inverse)
        self.states.append(self.rows())
        self.is_as_if_it_had_never_been(number)
        if twice:
            again = rollback(acting(self.workspace, "eve"), len(self.states) - 1)
            promote_recorded(self.workspace, again)
            self.states.append(self.rows())
            assert self.rows() == before

    def is_as_if_it_had_never_been(self, number: int) -> None:
        """The slow oracle: all releases but one, made again."""
        registry = self.workspace.registry
        change_sets = registry.release_change_sets(since=number - 1)[:-1]
        if any(one.kind == "rollback" for one in change_sets):
            return  # theirs undo what was there
        rows, after = self.states[number - 1 : number + 1]
        own = {one for one in {*rows, *after} if rows.get(one) != after.get(one)}
        for change_set in change_sets[1:]:
            rows, conflicts = apply(rows, change_set.changes)
            if conflicts:  # what others made of a copy of its values stands by itself
                assert not own & {one.change.identity for one in conflicts}
                return
        assert self.rows() == rows

    @invariant()
    def releases_are_what_they_were(self) -> None:
        if not hasattr(self, "states"):
            return
        for number, rows in enumerate(self.states):
            assert self.rows(number) == rows, number
        assert self.workspace.registry.latest_release() == len(self.states) - 1
        assert self.workspace.registry.verify_events() == []

    @invariant()
    def every_version_follows_the_one_before(self) -> None:
        if not hasattr(self, "states"):
            return
        rows = self.rows()
        for key in {one[0] for one in rows}:
            versions = versions_of(self.workspace, "network", key)
            now = {
                (*one.key, one.valid_from): dict(one.values) for one in versions if not one.known_to
            }
            assert now == {one: row for one, row in rows.items() if one[0] == key}
            for one in versions:  # recorded time has no two beliefs about a row at once
                others = [
                    two for two in versions if two is not one and two.valid_from == one.valid_from
                ]
                for two in others:
                    assert (one.known_to or "9") <= two.known_from or (
                        two.known_to or "9"
                    ) <= one.known_from


TestReleases = Releases.TestCase
TestReleases.settings = settings(max_examples=20, stateful_step_count=18, deadline=None)
