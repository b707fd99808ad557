"""Random edits of a dimension, valid by construction, as changes."""

import random
from collections.abc import Sequence

from foreview.changes import Action, Change, Edit, State, apply, changes_of, check_state
from foreview.contract import Contract

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
) -> list[Change]:
    """Return changes of `count` different rows: corrections, changes from a day, retirements,
    deletions, insertions (of `new_keys`) and re-added rows."""
    rows = dict(state)
    changes: list[Change] = []
    touched: set[str] = set()
    keys = sorted({identity[0] for identity in rows})
    fresh = list(new_keys)
    while len(touched) < count:
        action = draw.choice(list(Action))
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
        if key in touched:
            continue
        found, problems = changes_of(contract, edit, state)
        after, conflicts = apply(state, found)
        if problems or conflicts or not found:
            continue
        if check_state(contract, after, [one.identity for one in found], parents):
            continue
        touched.add(key)
        changes += found
    return changes
