"""Scenarios written by hand, in as few words as they need."""

from collections.abc import Sequence

from algebra.model import DAY, Device, Record, Row
from algebra.scenarios import KEYS, Action, Edit, Scenario

H1, H2 = Device("h1", "a1", 10_000), Device("h2", "a2", 7_500)
ALONE = Device(None, "a1", 5_000)
MORNING = 7 * DAY
MIDNIGHT = 8 * DAY


def live(channel: str, at: int = MORNING, seconds: int = 200, device: Device = H1) -> Record:
    return Record(at, device, channel, seconds, True, "live", at)


def later(channel: str, content: int, days: int) -> Record:
    return Record(content + days * DAY, H1, channel, 200, True, "time-shifted", content)


def always(**values: str | None) -> list[Row]:
    return [Row(key, 0, None, value) for key, value in values.items()]


def correct(dimension: str, value: str | None, place: int = 0) -> Edit:
    return Edit(dimension, Action.CORRECT, place, 0, None, value)


def on(
    dimension: str, action: Action, at: int = 0, value: str | None = None, place: int = 0
) -> Edit:
    return Edit(dimension, action, place, at, None, value)


def scenario(viewing: Sequence[Record], *edits: Edit, **dimensions: list[Row]) -> Scenario:
    """Return a scenario with each edit in a change set of its own."""
    before = {name: dimensions.get(name, []) for name in KEYS}
    return Scenario(before, viewing, [[edit] for edit in edits])
