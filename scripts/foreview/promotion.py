"""Promotion: a change set becomes a release, and a publication makes it visible at once.

Steps, each of which can be run again: approved rows are written, snapshots and dimensions built,
the figures recomputed from the promoted dimensions and compared with the receipt, the versions of
the moved figures marked, the publication's row inserted (the one commit), the release recorded.
Killed anywhere, readers have what they had, and the same command finishes the work.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foreview.changes import ChangeSet, apply, diff
from foreview.dbt_project import Progress, open_engines, run_dbt
from foreview.engine import open_session
from foreview.errors import Problem, RefusedError
from foreview.impact import Impact
from foreview.impact_tables import newest_publication
from foreview.loads import ensure_landing, stage_pending, write_approved
from foreview.receipt import figures_hash
from foreview.submission import record, refuse_unfinished
from foreview.what_if import check_applies, preview
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import Receipt, Release


def approve(workspace: Workspace, change_set_id: str, comment: str = "") -> Any:
    """Record an approval, bound to the change set, its contracts and its newest receipt.

    Raises:
        RefusedError: The author approves, nothing was previewed, or it is not pending.
    """
    change_set = workspace.registry.change_set(change_set_id)
    receipt = workspace.registry.latest_receipt([change_set.id])
    return workspace.registry.record_review(
        change_set.id,
        workspace.actor,
        "approve",
        receipt_checksum=receipt.checksum if receipt else None,
        contracts=change_set.contracts,
        comment=comment,
    )


def promote(
    workspace: Workspace, change_set_id: str, *, progress: Progress | None = None
) -> Release:
    """Put an approved change set into effect, or finish doing so.

    Raises:
        RefusedError: It is not approved, the approval is void, today's rows no longer allow it,
            or the recomputed figures are not those of the receipt; nothing is published then.
        EngineError: Spark, dbt, the registry or the disk failed; the command can be run again.
    """
    registry = workspace.registry
    change_set = registry.change_set(change_set_id)
    unfinished = registry.unfinished_promotion()
    if change_set.kind == "baseline" and unfinished is not None:
        return load_baseline(workspace, change_set, progress=progress)
    is_resumed = unfinished is not None and unfinished.detail["change_sets"] == [change_set.id]
    if not is_resumed:
        refuse_unfinished(workspace)
    receipt = _approved_receipt(workspace, change_set)
    check_applies(workspace, [change_set])
    spark = open_engines(workspace, _variables(change_set))
    ensure_landing(workspace, spark)
    newest = newest_publication(workspace, spark)
    if not is_resumed:
        _check_horizon(receipt, newest)
    number = registry.begin_promotion([change_set.id], actor=workspace.actor)
    if newest["release"] < number:
        try:
            _prepare(workspace, change_set, receipt, progress)
        except RefusedError:
            _take_back(workspace, change_set, number, progress)
            raise
        arguments = {"release": number, "number": newest["number"] + 1}
        run_dbt(
            workspace,
            ["run-operation", "publish_promotion", "--args", _json(arguments)],
            variables=_variables(change_set),
        )
        _step(workspace, number, "publish", "done")
        newest = newest_publication(workspace, spark)
    release = registry.record_release(
        number,
        [change_set.id],
        kind="promotion",
        publication=newest["number"],
        actor=workspace.actor,
    )
    stage_pending(workspace, change_set.dimensions)  # others' changes now stand on these rows
    return release


def _variables(change_set: ChangeSet) -> dict[str, Any]:
    """The variables of a promotion for dbt: the same in each step, so that dbt parses once."""
    return {"change_sets": [change_set.id], "promoting": True}


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


def _step(workspace: Workspace, number: int, name: str, state: str) -> None:
    workspace.registry.record_step(number, name, state, actor=workspace.actor)


def _approved_receipt(workspace: Workspace, change_set: ChangeSet) -> Receipt:
    registry = workspace.registry
    review = registry.approval(change_set.id)
    status = registry.status(change_set.id)
    if status == "promoted":
        message = f"Change set {change_set.id} is in effect already."
        raise RefusedError(Problem("already-promoted", message, fix="See foreview list."))
    if review is None or status != "approved":
        message = f"Change set {change_set.id} is {status}, not approved."
        fix = f"Somebody else than {change_set.author} approves it: foreview approve ID."
        raise RefusedError(Problem("not-approved", message, fix=fix))
    for dimension, approved in review.contracts.items():
        if workspace.contract(dimension).hash != approved:
            message = f"The rules of the table {dimension} changed since the approval."
            fix = "Run foreview what-if again and have it approved anew."
            raise RefusedError(Problem("approval-void", message, fix=fix))
    receipt = registry.receipt(review.receipt_checksum or "")
    assert receipt is not None  # noqa: S101 - approving asked for one
    return receipt


def _check_horizon(receipt: Receipt, publication: Any) -> None:
    """Refuse when viewing or figures moved on since the receipt: its figures are of another day."""
    if receipt.content["read_set"]["publication"] == publication["number"]:
        return
    message = (
        f"Since the preview, publication {receipt.content['read_set']['publication']}, "
        f"publication {publication['number']} came out."
    )
    fix = "Run foreview what-if again, look at it, and have it approved anew."
    raise RefusedError(Problem("receipt-outdated", message, fix=fix))


def _prepare(
    workspace: Workspace,
    change_set: ChangeSet,
    receipt: Receipt,
    progress: Progress | None,
) -> None:
    """Write the rows, build the dimensions, recompute the figures and compare them."""
    number = workspace.registry.latest_release() + 1
    _step(workspace, number, "rows", "started")
    write_rows(workspace, change_set)
    _step(workspace, number, "rows", "done")
    _build_dimensions(workspace, change_set, progress)
    _step(workspace, number, "dimensions", "done")
    impact = preview(workspace, [change_set.id], is_promoting=True, progress=progress)
    compare_with_receipt(impact, receipt)
    _step(workspace, number, "figures", "done")


def _take_back(
    workspace: Workspace, change_set: ChangeSet, number: int, progress: Progress | None
) -> None:
    """Put the approved rows back and give the promotion up: it may not be published."""
    spark = open_session(workspace)
    for dimension in change_set.dimensions:
        state, last = workspace.registry.approved_rows(dimension)
        write_approved(workspace, spark, workspace.contract(dimension), state, last)
    _build_dimensions(workspace, change_set, progress)
    workspace.registry.abandon_promotion(number, actor=workspace.actor)


def write_rows(workspace: Workspace, change_set: ChangeSet) -> None:
    """Write the approved rows of a change set's dimensions as they are with it."""
    spark = open_session(workspace)
    for dimension in change_set.dimensions:
        state, last = workspace.registry.approved_rows(dimension)
        changes = [one for one in change_set.changes if one.dimension == dimension]
        after, conflicts = apply(state, changes)
        if conflicts:
            raise RefusedError([one.as_problem() for one in conflicts])
        touched = {one.identity: change_set.id for one in changes}
        last = {one: touched.get(one, last.get(one, "")) for one in after}
        write_approved(workspace, spark, workspace.contract(dimension), after, last)


def _build_dimensions(
    workspace: Workspace, change_set: ChangeSet, progress: Progress | None
) -> None:
    names = []
    for dimension in change_set.dimensions:
        seed = [dimension] if workspace.contract(dimension).storage == "seed" else []
        names += [*seed, f"stg_{dimension}", f"{dimension}_history", f"dim_{dimension}"]
    command = ["build", "--exclude-resource-type", "unit_test", "--select", *names]
    run_dbt(workspace, command, variables=_variables(change_set), progress=progress)


def compare_with_receipt(impact: Impact, receipt: Receipt) -> None:
    """Refuse when the recomputed figures are not those of the receipt, to the last unit."""
    problems = []
    for mart in impact.marts:
        if figures_hash(mart) != receipt.content["figures"].get(mart.name):
            message = (
                f"{mart.label}: the figures recomputed from the promoted rows are not those of "
                f"the preview ({len(mart.figures)} moved, previewed "
                f"{receipt.content['figures_moved'].get(mart.name)})."
            )
            fix = "Nothing was published and the rows are as before. Preview and approve it anew."
            problems.append(Problem("not-the-receipt", message, fix=fix))
    if problems:
        raise RefusedError(problems)


def load_baseline(
    workspace: Workspace, change_set: ChangeSet, *, progress: Progress | None = None
) -> Release:
    """Record a first load as a release, build everything and publish it."""
    registry = workspace.registry
    spark = open_engines(workspace)
    ensure_landing(workspace, spark)
    registry.record_change_set(change_set)
    number = registry.begin_promotion([change_set.id], actor=workspace.actor, kind="baseline")
    write_rows(workspace, change_set)
    _step(workspace, number, "rows", "done")
    build(workspace, release=number, progress=progress)
    return registry.record_release(
        number,
        [change_set.id],
        kind="baseline",
        publication=newest_publication(workspace, spark)["number"],
        actor=workspace.actor,
    )


def build(
    workspace: Workspace,
    *,
    release: int | None = None,
    with_tests: bool = False,
    progress: Progress | None = None,
) -> None:
    """Bring dimensions and marts up to the newest rows and viewing, and publish.

    Args:
        workspace: Where.
        release: The release that the publication is of; None for that of the newest one.
        with_tests: Whether to run dbt's tests too.
        progress: Called after each node.
    """
    kinds = ["unit_test"] if with_tests else ["unit_test", "test"]
    command = ["build", *(word for kind in kinds for word in ("--exclude-resource-type", kind))]
    run_dbt(
        workspace,
        [*command, "--exclude", "tag:what_if"],
        variables={"release": release} if release is not None else None,
        progress=progress,
    )


def rollback(workspace: Workspace, release: int, reason: str | None = None) -> ChangeSet:
    """Record the inverse of a release as a new change set, to be reviewed and promoted.

    Raises:
        RefusedError: There is no such release, it is a first load, or later releases changed the
            same cells.
    """
    refuse_unfinished(workspace)
    registry = workspace.registry
    found = registry.release(release)
    if found.kind != "promotion":
        message = f"Reference version {release} is a first load."
        fix = "Retire or delete its rows through a workbook instead."
        raise RefusedError(Problem("first-load", message, fix=fix))
    undone = [registry.change_set(one) for one in found.change_set_ids]
    dimensions = sorted({name for one in undone for name in one.dimensions})
    changes = tuple(
        change
        for name in dimensions
        for change in diff(
            name,
            registry.approved_rows(name, release)[0],
            registry.approved_rows(name, release - 1)[0],
        )
    )
    inverse = replace(
        undone[0],
        contracts={name: workspace.contract(name).hash for name in dimensions},
        author=workspace.actor,
        reason=reason or f"roll back reference version {release}",
        kind="rollback",
        base_release=registry.latest_release(),
        source_name=f"release {release}",
        source_hash="",
        changes=changes,
    )
    check_applies(workspace, [inverse])
    record(workspace, inverse)
    return inverse
