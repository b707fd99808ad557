"""Scheduled promotions: none before its instant; `foreview promote --due` runs those that are due.

What was approved is checked again when it runs, as for any promotion.
"""

from __future__ import annotations

from datetime import datetime

from foreview.approval import not_approved, refuse_void
from foreview.errors import Problem, RefusedError
from foreview.periods import instant_of
from foreview.submission import refuse_unfinished
from foreview.workspace import Workspace

SCHEDULED = "promotion-scheduled"
"""The kind of the event that keeps from which instant on a change set may be promoted."""


def schedule(workspace: Workspace, change_set_id: str, at: str) -> str:
    """Record that a change set is promoted at an instant, not before; return it as UTC.

    A later schedule of the same change set takes the place of an earlier one.

    Raises:
        RefusedError: It is not approved, or that is void; a promotion is unfinished; or the
            instant can't be read or has passed.
    """
    refuse_unfinished(workspace)
    registry = workspace.registry
    change_set = registry.change_set(change_set_id)
    status = registry.status(change_set.id)
    if status != "approved":
        raise RefusedError(not_approved(change_set, status))
    refuse_void(workspace, change_set.id)
    instant = instant_of(at)
    if instant <= workspace.clock():
        message = f"{instant:%Y-%m-%d %H:%M} UTC has passed."
        fix = "Choose a later instant, or promote it now."
        raise RefusedError(Problem("instant-passed", message, value=at, fix=fix))
    payload = {"change_set": change_set.id, "at": instant.isoformat()}
    registry.record_event(workspace.actor, SCHEDULED, payload)
    return instant.isoformat()


def scheduled(workspace: Workspace) -> dict[str, datetime]:
    """Return the instant of each approved change set that has one, the earliest first."""
    registry = workspace.registry
    found = {
        one.payload["change_set"]: datetime.fromisoformat(one.payload["at"])
        for one in registry.events(SCHEDULED)
    }
    open_ = {one: at for one, at in found.items() if registry.status(one) == "approved"}
    return dict(sorted(open_.items(), key=lambda one: (one[1], one[0])))


def refuse_embargoed(workspace: Workspace, change_set_id: str) -> None:
    """Refuse a change set whose instant has not come.

    Raises:
        RefusedError: `embargoed`.
    """
    at = scheduled(workspace).get(change_set_id)
    if at is not None and at > workspace.clock():
        message = f"Change set {change_set_id} is not to be seen before {at:%Y-%m-%d %H:%M} UTC."
        fix = "Wait for foreview promote --due, or schedule it anew with --at."
        raise RefusedError(Problem("embargoed", message, fix=fix))


def due(workspace: Workspace) -> list[str]:
    """Return the approved change sets whose instant has come, in its order."""
    now = workspace.clock()
    return [one for one, at in scheduled(workspace).items() if at <= now]
