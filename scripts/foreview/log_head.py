"""The last event that a workspace saw: it tells when the end of the log was cut off.

A chain of hashes shows what was changed within it, but not that its last events are gone. So each
workspace keeps, in a file of its own, how far it has seen the log; `verify` asks whether the log
still has that event. Workspaces that share a registry are witnesses of each other's events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from foreview.errors import Problem
from foreview.whole_files import replacing
from foreview.workspace import Workspace


def keep_head(workspace: Workspace) -> None:
    """Keep the last event's number and hash, when the log went on from what was seen."""
    sequence, hash_ = workspace.registry.head()
    seen, _ = _seen(workspace)
    if sequence > seen and not list(check_head(workspace)):  # what was cut off stays told
        with replacing(_path(workspace)) as partial:
            partial.write_text(json.dumps([sequence, hash_]), encoding="utf-8")


def check_head(workspace: Workspace) -> Iterator[Problem]:
    """Give a problem when the log no longer has the last event that was seen."""
    sequence, hash_ = _seen(workspace)
    if sequence and workspace.registry.event_hash(sequence) != hash_:
        message = f"Event {sequence}, which this workspace has seen, is gone: the log was cut off."
        fix = (
            "Compare the registry with a backup. If it was put back from one on purpose, remove "
            f"{_path(workspace)}."
        )
        yield Problem("event-log", message, where="events", fix=fix)


def _seen(workspace: Workspace) -> tuple[int, str]:
    path = _path(workspace)
    if not path.exists():
        return 0, ""
    sequence, hash_ = json.loads(path.read_text(encoding="utf-8"))
    return int(sequence), str(hash_)


def _path(workspace: Workspace) -> Path:
    return workspace.home / "log-head.json"
