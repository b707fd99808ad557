"""Identities of channels that go on under another code, in the table `channel_key`.

`check_identities` keeps it sound: an identity must be final, and no code may lead back to itself.
`identity_edits` says what a new code and a merger come to. Nothing here does I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from foreview.changes import Action, Edit, Identity, State
from foreview.contract import BEGINNING, Contract
from foreview.errors import Problem

CHANNEL = "channel"
CHANNEL_KEY = "channel_key"

Days = tuple[str, str | None]
"""Half-open: the first broadcast day, and the first one after; None is open."""


@dataclass(frozen=True)
class _Step:
    """A row of `channel_key` that leads from its code to another one."""

    identity: Identity
    target: str
    days: Days

    @property
    def code(self) -> str:
        return self.identity[0]


@dataclass(frozen=True)
class _Chain:
    """Steps that follow one another on the same days.

    Attributes:
        steps: At least one.
        days: The days on which all of them hold.
        cycle: The codes that lead back to the first of them; empty for none.
    """

    steps: tuple[_Step, ...]
    days: Days
    cycle: tuple[str, ...] = ()

    @property
    def final(self) -> str:
        return self.steps[-1].target


def check_identities(
    state: State, touched: Iterable[Identity]
) -> list[tuple[Identity, str, Problem]]:
    """Return what is wrong with the identities that the touched rows take part in.

    Figures are by `channel_key.channel_sk` as it is written, without following it further. So it
    must be final on all days of its row: not itself a code that counts as another one on some of
    them. A code that somebody else uses now (`X` counts as `X#2`) leads nowhere: the identity `X`
    is still its first owner's.

    Args:
        state: All rows of `channel_key` as they would be.
        touched: Identities of the rows that are new or changed.

    Returns:
        Triples of identity, column and problem, as `check_state` gives them.
    """
    chosen = set(touched)
    steps = _steps(state)
    found: list[tuple[Identity, str, Problem]] = []
    told: set[frozenset[str]] = set()
    for one in (step for code in sorted(steps) for step in steps[code]):
        for chain in sorted(_chains(steps, one), key=lambda each: each.days[0]):
            place = next((step.identity for step in chain.steps if step.identity in chosen), None)
            if place is None or len(chain.steps) == 1:
                continue
            if not chain.cycle:
                found.append((place, "channel_sk", _not_final(chain)))
            elif frozenset(chain.cycle) not in told:
                told.add(frozenset(chain.cycle))
                found.append((place, "channel_sk", _cycle(chain)))
    return found


def _steps(state: State) -> dict[str, list[_Step]]:
    """Return the rows that lead to another channel's identity, by code and in order of days."""
    steps: dict[str, list[_Step]] = defaultdict(list)
    for identity in sorted(state):
        code, target = identity[0], state[identity]["channel_sk"]
        if target and target != code and not target.startswith(f"{code}#"):
            days = (identity[-1] or BEGINNING, state[identity]["valid_to"])
            steps[code].append(_Step(identity, target, days))
    return steps


def _chains(steps: Mapping[str, Sequence[_Step]], first: _Step) -> Iterator[_Chain]:
    """Yield where a row leads to on each of its days; days on which it is final are one step."""
    waiting = [_Chain((first,), first.days)]
    while waiting:
        chain = waiting.pop()
        start, end = chain.days
        for step in steps.get(chain.final, ()):
            shared = _shared((start, end), step.days)
            if shared is None:
                continue
            if start < shared[0]:
                yield _Chain(chain.steps, (start, shared[0]))
            codes = [one.code for one in chain.steps]
            follows = (*chain.steps, step)
            if step.target in (*codes, step.code):
                cycle = (*codes, step.code)
                yield _Chain(follows, shared, cycle[cycle.index(step.target) :])
            else:
                waiting.append(_Chain(follows, shared))
            if shared[1] is None:
                break
            start = shared[1]
        else:
            if end is None or start < end:
                yield _Chain(chain.steps, (start, end))


def _shared(one: Days, other: Days) -> Days | None:
    """Return the days that are in both, or None."""
    start = max(one[0], other[0])
    ends = [end for end in (one[1], other[1]) if end is not None]
    end = min(ends, default=None)
    return None if end is not None and end <= start else (start, end)


def _not_final(chain: _Chain) -> Problem:
    first, then = chain.steps[0], [one.target for one in chain.steps[1:]]
    message = (
        f"{first.code} would count as {first.target}, but {first.target} itself counts as "
        f"{', which counts as '.join(then)} {_spoken(chain.days)}."
    )
    if chain.days == first.days:
        fix = f"Write {chain.final} as the identity of {first.code}."
    else:
        fix = (
            f"Write {chain.final} as the identity of {first.code} {_spoken(chain.days)}; "
            "other days need a row of their own."
        )
    return Problem("identity-not-final", message, value=first.target, fix=fix)


def _cycle(chain: _Chain) -> Problem:
    codes = " → ".join((*chain.cycle, chain.cycle[0]))
    message = f"The identities lead back to where they begin {_spoken(chain.days)}: {codes}."
    fix = "Choose one of these codes as the identity of them all, and delete its own row."
    return Problem("identity-cycle", message, value=chain.steps[-1].target, fix=fix)


def _spoken(days: Days) -> str:
    start, end = days
    since = "from the beginning" if start == BEGINNING else f"from {start}"
    return f"{since} to before {end}" if end else since


def identity_edits(contract: Contract, edits: Iterable[Edit], keys: State) -> dict[str, list[Edit]]:
    """Return edits by dimension, with each new code and merger as the edits that it comes to.

    A new code: the row of the old code ends on the day, one of the new code continues it with what
    was edited too, as a change from a day does (`changes_of`), and in `channel_key` the new code
    has the old one's identity. A merger: in `channel_key` the code has the other one's identity
    from the day on; its own row stays, since its viewing still finds network and country there.

    Args:
        contract: The rules of the edits' dimension.
        edits: What an analyst asks for.
        keys: The rows of `channel_key` that the analyst saw.
    """
    found: dict[str, list[Edit]] = {contract.dimension: []}
    own = found[contract.dimension]
    for edit in edits:
        if edit.action not in (Action.NEW_CODE, Action.MERGE):
            own.append(edit)
            continue
        assert edit.identity is not None  # noqa: S101 - compare.py gives it
        assert edit.day is not None  # noqa: S101
        (code,) = contract.key
        old, new = edit.identity[0], edit.values[code] or ""
        cell = edit.cells.get(code, "")
        if edit.action is Action.MERGE:
            merger = _merger(keys, old, new, edit.day)
            cells = {"channel_sk": cell, "valid_from": edit.cells.get("valid_from", "")}
            merger = replace(merger, cells=cells, where=edit.where)
            found.setdefault(CHANNEL_KEY, []).append(merger)
            continue
        own.append(edit)
        key = {
            "channel_id": new,
            "channel_sk": _identity_on(keys, old, edit.day),
            "valid_from": edit.day,
            "valid_to": None,
        }
        cells = {"channel_id": cell, "valid_from": edit.cells.get("valid_from", "")}
        found.setdefault(CHANNEL_KEY, []).append(
            Edit(Action.INSERT, values=key, cells=cells, where=edit.where)
        )
    return found


def identified_otherwise(
    contract: Contract, edits: Iterable[Edit], seen: State, keys: State
) -> Iterator[Problem]:
    """Yield a conflict for each new code or merger whose channel counts as another one since.

    Args:
        contract: The rules of the edits' dimension.
        edits: What an analyst asks for.
        seen: The rows of `channel_key` that the analyst saw.
        keys: Those of today.
    """
    (code,) = contract.key
    for edit in edits if seen != keys else ():
        if edit.action not in (Action.NEW_CODE, Action.MERGE) or not edit.identity or not edit.day:
            continue
        is_merger = edit.action is Action.MERGE  # of its own code a cell is compared
        channel = (edit.values[code] if is_merger else edit.identity[0]) or ""
        was, is_ = (_identity_on(one, channel, edit.day) for one in (seen, keys))
        if was != is_:
            message = (
                f"{channel} counts as {is_} on {edit.day} since this workbook was exported; "
                f"in it as {was}."
            )
            fix = "Bring the workbook up to date (foreview refresh), and see if you still want it."
            yield Problem("conflict", message, edit.cells.get(code, edit.where), channel, fix)


def with_later_rows(
    edits: Iterable[Edit], state: State, keys: State
) -> tuple[list[Edit], list[Problem]]:
    """Return edits whose new codes take the later rows of the same channel along, and problems.

    Args:
        edits: Those of one table.
        state: Its rows.
        keys: The rows of `channel_key`: a later row of a recycled code is another channel's.

    Returns:
        The edits, and a problem for each new code of which the workbook edits a later row, too.
    """
    found: list[Edit] = []
    problems: list[Problem] = []
    edits = list(edits)
    edited = {one.identity for one in edits}
    by_code: dict[str, list[Identity]] = {}
    if any(one.action is Action.NEW_CODE for one in edits):
        for identity in sorted(state):
            by_code.setdefault(identity[0], []).append(identity)
    for edit in edits:
        row = state.get(edit.identity) if edit.identity else None
        if edit.action is not Action.NEW_CODE or row is None or edit.identity is None:
            found.append(edit)
            continue
        code, ends = edit.identity[0], row["valid_to"] or "9"
        own = _identity_on(keys, code, edit.day or BEGINNING)
        later = [
            one
            for one in by_code[code]
            if one[-1] >= ends and _identity_on(keys, code, one[-1]) == own
        ]
        for one in later:
            if one in edited:
                message = f"{code} gets a new code, and its row from {one[-1]} is edited, too."
                fix = "Submit the new code first, and edit that row under it."
                where = edit.cells.get("channel_id", edit.where)
                problems.append(Problem("edited-too", message, where, code, fix))
        found.append(replace(edit, follows=tuple(one for one in later if one not in edited)))
    return found, problems


def _merger(keys: State, channel: str, other: str, day: str) -> Edit:
    """Return the edit of `channel_key` that makes a channel count as another from a day on."""
    target = _identity_on(keys, other, day)
    known = _row_on(keys, channel, day)
    if known is None:
        row = {"channel_id": channel, "channel_sk": target, "valid_from": day, "valid_to": None}
        return Edit(Action.INSERT, values=row)
    action = Action.CORRECT if known[-1] == day else Action.CHANGE_FROM
    values = {"channel_sk": target}
    begins = None if action is Action.CORRECT else day
    return Edit(action, identity=known, base=keys[known], values=values, day=begins)


def _identity_on(keys: State, channel: str, day: str) -> str:
    known = _row_on(keys, channel, day)
    return (keys[known]["channel_sk"] if known else None) or channel


def _row_on(keys: State, channel: str, day: str) -> Identity | None:
    """Return which row of `channel_key` a channel has on a day, if any."""
    for identity, row in keys.items():
        if identity[0] == channel and identity[-1] <= day and (row["valid_to"] or "9") > day:
            return identity
    return None
