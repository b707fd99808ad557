"""Promotion: a change set becomes a release, and a publication makes it visible at once.

A ledger of named steps. Each can be run again, and is recorded in the registry when it is done:
killed anywhere, readers have what they had, and the same command goes on with the first step that
is not. What is not published yet can be given up instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from foreview.approval import current_receipt, note_void, refuse_void
from foreview.attempts import Attempts, attempt_each
from foreview.audit import refuse_other_rows
from foreview.changes import ChangeSet, Identity, State, apply
from foreview.dbt_project import Progress, open_engines, run_dbt, run_operation
from foreview.engine import open_session
from foreview.errors import Problem, RefusedError
from foreview.impact import Impact, MartImpact
from foreview.impact_tables import first_publication_of, newest_publication
from foreview.lineage import promoted, promotion_run
from foreview.loads import (
    announce_promotion,
    ensure_landing,
    match_columns,
    stage_pending,
    write_approved,
)
from foreview.past import note_publications
from foreview.receipt import figures_hash
from foreview.receipt_figures import Grain, Moved, moved_figures, paired, read_figures
from foreview.schedule import due, refuse_embargoed
from foreview.submission import refuse_unfinished
from foreview.what_if import preview, refuse_unpublished_loads, scenario_schema
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from foreview.registry import Receipt, Release, Step

STEPS = {
    "announce": "plain dbt is kept from building on half-promoted rows",
    "rows": "the approved rows are written, as seeds or staging loads",
    "dimensions": "snapshots and dimensions are built, and hold the approved rows and no others",
    "figures": "the figures are computed anew from them, and are those of the receipt, also in "
    "whole periods",
    "publish": "readers see the new rows and figures, all at once",
    "reopen": "plain dbt may build again",
}
"""The steps of a promotion, in order; the release is recorded after the last."""

GIVEN_UP = "give-up"
"""The step with which giving a promotion up begins."""


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
    if unfinished is None:
        refuse_unfinished(workspace)
        refuse_embargoed(workspace, change_set.id)
        receipt = current_receipt(workspace, change_set, progress=progress)
        refuse_unpublished_loads(workspace, open_engines(workspace, _variables(change_set)))
        detail = {"receipt": receipt.checksum}
        registry.begin_promotion([change_set.id], actor=workspace.actor, detail=detail)
        promotion_run(workspace, _unfinished(workspace)).tell("START")
    elif unfinished.detail["change_sets"] != [change_set.id]:
        refuse_unfinished(workspace)
    return resume(workspace, progress=progress)


def promote_due(workspace: Workspace, *, progress: Progress | None = None) -> Attempts[Release]:
    """Put into effect what is scheduled and due, the earliest first.

    One that is refused stays due, and is tried again the next time; those after it are promoted.
    One whose approval was found void is named each time, and computed anew by `promote` alone.
    """

    def promoted(id_: str) -> Release:
        refuse_void(workspace, id_)  # not every minute by computing it all again
        return promote(workspace, id_, progress=progress)

    return attempt_each(due(workspace), promoted)


def resume(workspace: Workspace, *, progress: Progress | None = None) -> Release:
    """Finish the unfinished promotion, from the first step that is not done.

    Raises:
        RefusedError: There is none, it is being given up, or it may not be published.
        EngineError: As `promote`.
    """
    begun = _unfinished(workspace)
    number = begun.release
    change_set = workspace.registry.change_set(begun.detail["change_sets"][0])
    if begun.detail["kind"] == "baseline":
        return load_baseline(workspace, change_set, progress=progress)
    done = {one.step for one in workspace.registry.steps(number) if one.state == "done"}
    if any(one.step == GIVEN_UP for one in workspace.registry.steps(number)):
        message = f"The promotion of {change_set.id} is being given up."
        fix = "Finish that: foreview promote --abandon."
        raise RefusedError(Problem("promotion-given-up", message, fix=fix))
    receipt = workspace.registry.receipt(begun.detail["receipt"])
    assert receipt is not None  # noqa: S101 - it began with one
    spark = open_engines(workspace, _variables(change_set))
    ensure_landing(workspace, spark)
    work: Mapping[str, Callable[[], None]] = {
        "announce": lambda: announce_promotion(workspace, number),
        "rows": lambda: write_rows(workspace, change_set),
        "dimensions": lambda: _dimensions(workspace, change_set, progress),
        "figures": lambda: _figures(workspace, change_set, receipt, progress),
        "publish": lambda: _publish(workspace, change_set, number),
        "reopen": lambda: announce_promotion(workspace, None),
    }
    try:
        for name in STEPS:
            if name not in done:
                work[name]()
                workspace.registry.record_step(number, name, "done", actor=workspace.actor)
    except RefusedError as error:
        abandon(workspace, because=error, progress=progress)
        # What is due would be tried again each minute, and refused again.
        note_void(workspace, change_set, [one.message for one in error.problems])
        raise
    publication = first_publication_of(workspace, spark, number)
    # Before the release is recorded: who is killed between the two tells it once more, as the same
    # run, and after it nobody would.
    written = promoted(workspace, change_set, receipt, number, publication)
    promotion_run(workspace, begun).tell("COMPLETE", outputs=written)
    release = workspace.registry.record_release(
        number,
        [change_set.id],
        kind="promotion",
        publication=publication,
        actor=workspace.actor,
    )
    note_publications(workspace)
    stage_pending(workspace, change_set.dimensions)  # others' changes now stand on these rows
    return release


def abandon(
    workspace: Workspace,
    *,
    because: RefusedError | None = None,
    progress: Progress | None = None,
) -> str:
    """Give the unfinished promotion up: its rows and marks are taken back; return its change set.

    Args:
        workspace: Where.
        because: What refused it; None when somebody gave it up.
        progress: Called after each node.

    Raises:
        RefusedError: There is none, it is a first load, or readers see it already.
        EngineError: As `promote`; the command can be run again.
    """
    begun = _unfinished(workspace)
    change_set = workspace.registry.change_set(begun.detail["change_sets"][0])
    if begun.detail["kind"] == "baseline":
        message = f"A first load, {change_set.id}, can't be given up: nothing was there before it."
        fix = "Finish it: foreview promote --resume. Or begin in a new workspace (FOREVIEW_HOME)."
        raise RefusedError(Problem("first-load", message, fix=fix))
    spark = open_engines(workspace, _variables(change_set))
    if newest_publication(workspace, spark)["release"] >= begun.release:
        message = f"Readers see {change_set.id} already, as reference version {begun.release}."
        fix = f"Finish it: foreview promote --resume. Then: foreview rollback {begun.release}."
        raise RefusedError(Problem("already-published", message, fix=fix))
    # Recorded first: once rows are put back, the steps that are done are so no longer.
    registry = workspace.registry
    detail = {"because": [one.message for one in because.problems[:SHOWN]]} if because else {}
    registry.record_step(begun.release, GIVEN_UP, "begun", actor=workspace.actor, detail=detail)
    _put_back(workspace, spark, change_set.dimensions)
    # Without dbt's tests: what is wrong elsewhere must not keep anybody from giving up.
    _build_dimensions(workspace, change_set, progress, with_tests=False)
    run_operation(workspace, "take_back_marks", variables=_variables(change_set))
    announce_promotion(workspace, None)
    ending = "FAIL" if because else "ABORT"
    promotion_run(workspace, begun).tell(ending, error=str(because or ""))
    registry.abandon_promotion(begun.release, actor=workspace.actor)
    return change_set.id


def _unfinished(workspace: Workspace) -> Step:
    begun = workspace.registry.unfinished_promotion()
    if begun is None:
        message = "No promotion is unfinished."
        fix = "See foreview status; begin one with foreview promote ID."
        raise RefusedError(Problem("nothing-unfinished", message, fix=fix))
    return begun


def _variables(change_set: ChangeSet) -> dict[str, Any]:
    """The variables of a promotion for dbt: the same in each step, so that dbt parses once."""
    return {"change_sets": [change_set.id], "promoting": True}


def _dimensions(workspace: Workspace, change_set: ChangeSet, progress: Progress | None) -> None:
    _build_dimensions(workspace, change_set, progress)
    expected = {
        dimension: _rows_with(workspace, change_set, dimension)[0]
        for dimension in change_set.dimensions
    }
    refuse_other_rows(workspace, expected)
    run_operation(
        workspace,
        "refuse_other_changes",
        variables=_variables(change_set),
        dimensions=list(change_set.dimensions),
    )


def _figures(
    workspace: Workspace, change_set: ChangeSet, receipt: Receipt, progress: Progress | None
) -> None:
    impact = preview(workspace, [change_set.id], is_promoting=True, progress=progress)
    compare_with_receipt(workspace, impact, receipt)
    _refuse_unlike_whole_periods(workspace, change_set)


def _refuse_unlike_whole_periods(workspace: Workspace, change_set: ChangeSet) -> None:
    """Refuse when a figure of a period that was computed whole is not what would be published."""
    spark = open_session(workspace)
    schema = scenario_schema(workspace, [change_set.id], "promotion")
    unlike = spark.table(f"{schema}.unlike_whole_periods")
    rows = unlike.orderBy("mart", "figure").limit(SHOWN).collect()
    if not rows:
        return
    fix = (
        "Nothing was published and the rows are as before. foreview verify names figures that "
        "somebody changed; if it finds none, the preview missed these: report it."
    )
    raise RefusedError(
        Problem(
            "not-the-whole-period",
            f"{row['mart']}, {row['figure']}: computed whole from the promoted rows it is "
            f"{row['recomputed']}; {row['expected']} would be published.",
            fix=fix,
        )
        for row in rows
    )


def _publish(workspace: Workspace, change_set: ChangeSet, number: int) -> None:
    newest = newest_publication(workspace, open_session(workspace))
    if newest["release"] >= number:  # killed between the publication's row and this step's
        run_operation(workspace, "show_newest_publication")
        return
    run_operation(
        workspace,
        "publish_promotion",
        variables=_variables(change_set),
        release=number,
        number=newest["number"] + 1,
    )


def write_rows(workspace: Workspace, change_set: ChangeSet) -> None:
    """Write the approved rows of a change set's dimensions as they are with it."""
    spark = open_session(workspace)
    for dimension in change_set.dimensions:
        after, last = _rows_with(workspace, change_set, dimension)
        write_approved(workspace, spark, workspace.contract(dimension), after, last)


def _put_back(workspace: Workspace, spark: SparkSession, dimensions: Iterable[str]) -> None:
    """Write the approved rows of dimensions as the promoted change sets left them."""
    for dimension in dimensions:
        state, last = workspace.registry.approved_rows(dimension)
        write_approved(workspace, spark, workspace.contract(dimension), state, last)


def _rows_with(
    workspace: Workspace, change_set: ChangeSet, dimension: str
) -> tuple[State, dict[Identity, str]]:
    """Return a dimension's rows with a change set, and the change set each row last came from."""
    state, last = workspace.registry.approved_rows(dimension)
    changes = [one for one in change_set.changes if one.dimension == dimension]
    after, conflicts = apply(state, changes)
    if conflicts:
        raise RefusedError([one.as_problem() for one in conflicts])
    touched = {one.identity: change_set.id for one in changes}
    return after, {one: touched.get(one, last.get(one, "")) for one in after}


def _build_dimensions(
    workspace: Workspace,
    change_set: ChangeSet,
    progress: Progress | None,
    *,
    with_tests: bool = True,
) -> None:
    names = []
    for dimension in change_set.dimensions:
        seed = [dimension] if workspace.contract(dimension).storage == "seed" else []
        names += [*seed, f"stg_{dimension}", f"{dimension}_history", f"dim_{dimension}"]
    kinds = ["unit_test"] if with_tests else ["unit_test", "test"]
    left_out = [word for kind in kinds for word in ("--exclude-resource-type", kind)]
    command = ["build", *left_out, "--select", *names]
    run_dbt(workspace, command, variables=_variables(change_set), progress=progress)


def compare_with_receipt(workspace: Workspace, impact: Impact, receipt: Receipt) -> None:
    """Refuse when the recomputed figures are not those of the receipt, to the last unit."""
    others = [
        mart
        for mart in impact.marts
        if figures_hash(mart) != receipt.content["figures"].get(mart.name)
    ]
    if not others:
        return
    previewed = read_figures(workspace, receipt.checksum)
    fix = "Nothing was published and the rows are as before. Preview and approve it anew."
    problems = []
    for mart in others:
        then, now = previewed.get(mart.name, {}), moved_figures(mart)
        message = (
            f"{mart.label}: the figures recomputed from the promoted rows are not those of "
            f"the preview ({len(now)} moved, previewed "
            f"{receipt.content['figures_moved'].get(mart.name)})."
        )
        problems.append(Problem("not-the-receipt", message, fix=fix))
        if previewed or not any(receipt.content["figures_moved"].values()):  # else none were kept
            differing = islice(_other_values(mart, then, now), SHOWN)
            problems += [Problem("not-the-receipt", one, fix=fix) for one in differing]
    raise RefusedError(problems)


SHOWN = 5
"""Values of a mart that are named where they are not those of the preview."""


def _other_values(
    mart: MartImpact, then: Mapping[Grain, Moved], now: Mapping[Grain, Moved]
) -> Iterator[str]:
    for grain, name, (was, to), (is_, now_to) in paired(then, now):
        if (was, to) != (is_, now_to):
            yield (
                f"{mart.label}, {', '.join(grain)}: {name} was previewed to move from {was:,} to "
                f"{to:,}; recomputed, it moves from {is_:,} to {now_to:,}."
            )


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
    registry.record_step(number, "rows", "done", actor=workspace.actor)
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
    reopened: Mapping[str, Sequence[str]] | None = None,
    erased_days: Sequence[str] = (),
    with_tests: bool = False,
    is_restoring: bool = False,
    progress: Progress | None = None,
) -> None:
    """Bring dimensions and marts up to the newest rows and viewing, and publish.

    Rows that changed without being promoted are not published, and nothing else either then.

    Args:
        workspace: Where.
        release: The release that the publication is of; None for that of the newest one.
        reopened: Days of each mart whose figures are computed anew in any case.
        erased_days: Days with viewing that is no longer there.
        with_tests: Whether to run dbt's tests too.
        is_restoring: Whether the approved rows are written anew first.
        progress: Called after each node.
    """
    kinds = ["unit_test"] if with_tests else ["unit_test", "test"]
    command = ["build", *(word for kind in kinds for word in ("--exclude-resource-type", kind))]
    variables = {"release": release, "reopened": reopened, "erased_days": list(erased_days) or None}
    given = {name: value for name, value in variables.items() if value is not None} or None
    spark = open_engines(workspace, given)
    match_columns(workspace, spark)
    if reopened is None:  # a killed close or reopening may have left the calendar behind
        ensure_landing(workspace, spark)
    if is_restoring:
        _put_back(workspace, spark, workspace.contracts)
    run_dbt(
        workspace,
        [*command, "--exclude", "tag:what_if"],
        variables=given,
        progress=progress,
    )
    note_publications(workspace)
