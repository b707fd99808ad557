"""The change feed of a release, for other systems: which rows and which figures it changed.

A release has a folder of its own, which appears whole. Its manifest names the files with their
lines and hashes, so that one who copies the folder can tell whether the copy is whole too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview.changes import rebase
from foreview.dbt_project import open_engines
from foreview.errors import Problem, RefusedError
from foreview.impact_tables import read_marts, stored_values
from foreview.past import plain_rows
from foreview.tracks import check_system
from foreview.whole_files import file_hash, replacing_folder
from foreview.workspace import Workspace, disk_error

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ACKNOWLEDGED = "feed-acknowledged"
"""The kind of the event with which a system says that it has taken a release."""

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Feed:
    """What was written of a release.

    Attributes:
        release: Its number.
        publication: The publication in which readers see it.
        folder: The release's folder.
        files: The files, JSON lines; the manifest beside them is not among these.
        rows: Number of changed rows.
        figures: Number of moved figures.
    """

    release: int
    publication: int
    folder: Path
    files: tuple[Path, ...]
    rows: int
    figures: int


def next_release(workspace: Workspace, system: str) -> int | None:
    """Return the first release that a system has not acknowledged; None when it has all.

    Raises:
        RefusedError: It can't be a system's name.
    """
    check_system(system)
    taken = [
        one.payload["release"]
        for one in workspace.registry.events(ACKNOWLEDGED)
        if one.payload["system"] == system
    ]
    following = max(taken, default=0) + 1
    return following if following <= workspace.registry.latest_release() else None


def acknowledge(workspace: Workspace, system: str, release: int) -> None:
    """Record that a system has taken a release; once is enough.

    Raises:
        RefusedError: There is no such release, an earlier one was not taken yet, or it can't be
            a system's name.
    """
    workspace.registry.release(release)
    following = next_release(workspace, system)
    if following is not None and release > following:
        message = f"{system} has not taken reference version {following} yet."
        fix = f"Take that first: foreview feed --for {system}."
        raise RefusedError(Problem("feed-order", message, value=str(release), fix=fix))
    if following is None or release < following:
        return
    payload = {"system": system, "release": release}
    workspace.registry.record_event(workspace.actor, ACKNOWLEDGED, payload)


def write_feed(workspace: Workspace, release: int, folder: Path) -> Feed:
    """Write what a release changed into a folder of its own, `release-N`, whole or not at all.

    In it are `rows.jsonl`, `<mart>.jsonl` for each mart that it moved, and `manifest.json`. Each
    line has the release and its publication. A row has its dimension, key, interval, kind of change
    and changed values, and where they come from: change set, author, reviewers, workbook and
    cells. A figure has its grain and its values before and after; null where there is none.

    Args:
        workspace: Where.
        release: The release's number.
        folder: Where the release's folder goes; made when it is missing. The release's own is
            replaced, those of others are left.

    Raises:
        RefusedError: There is no such release.
        EngineError: Spark failed, or the files can't be written.
    """
    found = workspace.registry.release(release)
    of = {"release": release, "publication": found.publication}
    tables = {"rows": list(_rows(workspace, found.change_set_ids, release))}
    if found.publication != 1:  # the first one's figures are all there are
        spark = open_engines(workspace)
        for mart in read_marts(workspace):
            tables[mart["name"]] = _figures(workspace, spark, mart, found.publication)
    lines = {name: len(one) for name, one in tables.items() if one or name == "rows"}
    own = folder / f"release-{release}"
    try:
        with replacing_folder(own) as partial:
            files = []
            for name, count in lines.items():
                path = partial / f"{name}.jsonl"
                _write(path, ({**of, **line} for line in tables[name]))
                files.append({"name": path.name, "lines": count, "sha256": file_hash(path)})
            text = json.dumps({**of, "kind": found.kind, "files": files}, indent=2)
            (partial / MANIFEST).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise disk_error(error, own.name) from error
    paths = tuple(own / f"{name}.jsonl" for name in lines)
    rows = lines["rows"]
    return Feed(release, found.publication, own, paths, rows, sum(lines.values()) - rows)


def _rows(
    workspace: Workspace, change_set_ids: Iterable[str], release: int
) -> Iterable[dict[str, Any]]:
    """Give the changes as they were put into effect, on the rows of the release before."""
    for id_ in change_set_ids:
        change_set = workspace.registry.change_set(id_)
        reviewers = workspace.registry.approvers(id_)
        changes = [
            change
            for name in change_set.dimensions
            for change in rebase(
                workspace.registry.approved_rows(name, release - 1)[0],
                [one for one in change_set.changes if one.dimension == name],
            )[0]
        ]
        for change in changes:
            contract = workspace.contract(change.dimension)
            yield {
                "dimension": change.dimension,
                "key": dict(zip(contract.key, change.identity[:-1], strict=True)),
                "valid_from": change.identity[-1],
                "change": change.kind.value,
                "before": dict(change.before),
                "after": dict(change.after),
                "cells": dict(change.cells),
                "reason": change.reason or change_set.why,
                "change_set": id_,
                "author": change_set.author,
                "reviewers": list(reviewers),
                "source": change_set.source_name,
                "source_hash": change_set.source_hash,
            }


def _figures(
    workspace: Workspace, spark: SparkSession, mart: Mapping[str, Any], publication: int
) -> list[dict[str, Any]]:
    from pyspark.sql import functions as f

    table = workspace.table(f"{mart['name']}__versions")
    if not spark.catalog.tableExists(table):
        return []
    versions = spark.table(table)
    # A column that the mart no longer has is kept with its past.
    known = {*mart["grain"], *stored_values(mart)}
    moved: dict[tuple[Any, ...], dict[str, Any]] = {}
    for side, column in (("before", "published_to"), ("after", "published_from")):
        marked = versions.where(f.col(column) == publication)
        for row in plain_rows(marked.select(*(one for one in versions.columns if one in known))):
            grain = {name: row.pop(name) for name in mart["grain"]}
            figure = {"grain": grain, "before": None, "after": None}
            moved.setdefault(tuple(grain.values()), figure)[side] = row
    return [moved[one] for one in sorted(moved, key=str)]


def _write(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
