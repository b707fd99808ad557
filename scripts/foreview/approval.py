"""Approval: bound to a change set, its contracts and a receipt, and renewed when viewing came in.

An approval is void only when the contract, or the same reference cells, changed. Viewing that
came in since, or another release, renews the receipt: the impact is computed anew and compared
with the approved one, figure by figure. Days after the approved receipt's horizon are not
compared: nobody was shown them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from foreview.attempts import Attempts, attempt_each
from foreview.changes import ChangeSet
from foreview.dbt_project import Progress, open_engines
from foreview.errors import Problem, RefusedError
from foreview.horizon import unseen_days
from foreview.impact import Impact
from foreview.impact_tables import calendar_hash, clients_read, newest_publication, read_marts
from foreview.loads import newest_published
from foreview.receipt import receipt_content, record_receipt, what_changed
from foreview.receipt_figures import Grain, Moved, moved_figures, paired, read_figures
from foreview.registry.reviews import RENEWED, RULE, VOIDED
from foreview.viewing_load import broadcast_calendar
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from foreview.registry import Receipt, Review

SHOWN_FIGURES = 10
"""Figures that are named when an approval is void for them; the others are counted."""


def approve(
    workspace: Workspace, change_set_id: str, comment: str = "", preview: str | None = None
) -> Review:
    """Record an approval, bound to the change set, its contracts and its newest receipt.

    Where the receipt asks for several reviewers, the first ones only `agree`.

    Args:
        workspace: Where.
        change_set_id: The change set.
        comment: A word to the others.
        preview: The checksum of the receipt that was looked at, or its beginning.

    Raises:
        RefusedError: The author approves, or somebody whom the tables' rules do not name; nothing
            was previewed, the newest preview is another one than was looked at, none was named
            though an approval before was found void, or it is not pending.
    """
    change_set = workspace.registry.change_set(change_set_id)
    check_reviewer(workspace, change_set)
    if preview is not None:
        _check_newest(workspace, change_set, preview)
    elif change_set.id in workspace.registry.voided():
        # What voided it recorded a preview that nobody was shown.
        message = f"The approval of change request {change_set.id} was found void."
        fix = _way_out(change_set)
        raise RefusedError(Problem("preview-not-named", message, value=change_set.id, fix=fix))
    return _record(workspace, change_set, workspace.actor, comment)


SHORTEST_PREVIEW = 8
"""The fewest characters by which a preview can be named: no two are likely to share them."""


def _check_newest(workspace: Workspace, change_set: ChangeSet, preview: str) -> None:
    wanted = preview.strip().lower()
    if len(wanted) < SHORTEST_PREVIEW:
        message = f"{preview!r} is too short to name a preview."
        fix = f"Write {SHORTEST_PREVIEW} characters or more of the checksum that the report shows."
        raise RefusedError(Problem("preview-too-short", message, value=preview, fix=fix))
    newest = workspace.registry.latest_receipt([change_set.id])
    if newest is not None and not newest.checksum.startswith(wanted):
        message = (
            f"You looked at the preview {wanted}; the newest of change request {change_set.id} "
            f"is {newest.checksum}, of {newest.created_at[:16]} UTC."
        )
        fix = f"Look at foreview what-if {change_set.id}, and approve the preview that it names."
        raise RefusedError(Problem("newer-preview", message, value=wanted, fix=fix))


def _record(workspace: Workspace, change_set: ChangeSet, reviewer: str, comment: str) -> Review:
    receipt = workspace.registry.latest_receipt([change_set.id])
    rules = {name: workspace.contract(name).hash for name in change_set.dimensions}
    seen = receipt.content.get("contracts", {}) if receipt else {}
    changed = [name for name, hash_ in rules.items() if seen.get(name, hash_) != hash_]
    if changed:
        message = f"The rules of {', '.join(changed)} changed since the preview."
        fix = f"Run foreview what-if {change_set.id} again, and look at it."
        raise RefusedError(Problem("no-receipt", message, fix=fix))
    return workspace.registry.record_review(
        change_set.id,
        reviewer,
        "approve",
        receipt_checksum=receipt.checksum if receipt else None,
        contracts=rules,
        comment=comment,
    )


def approve_by_rule(workspace: Workspace, change_set_id: str) -> Review:
    """Record that the tables' rules approve a supplier's file, with whoever runs this as witness.

    They do when each of its tables names the supplier and who loaded it, its newest preview
    reaches no threshold, no figure of it is published and held, and no edit of it begins to do
    something after the last day with viewing.

    Raises:
        RefusedError: `no-rule`, with everything that stands against it; `not-the-rule`: a server
            has a user for it, who is another; as `approve`.
    """
    registry = workspace.registry
    is_server = not workspace.registry_url.startswith("sqlite")
    if is_server and workspace.actor != RULE:
        message = (
            f"{workspace.actor} can't record what a rule approves: the server knows who is who."
        )
        fix = f"Connect as its user {RULE}: docs/registry-on-mariadb.md says how."
        raise RefusedError(Problem("not-the-rule", message, value=workspace.actor, fix=fix))
    change_set = registry.change_set(change_set_id)
    supplier = change_set.source_name.partition(": ")[0]
    against = []
    for contract in map(workspace.contract, change_set.dimensions):
        loaders = {one.casefold() for one in contract.by_rule.get(supplier, ())}
        if change_set.kind != "load" or change_set.author.casefold() not in loaders:
            against.append(f"{contract.label} has no rule for files of {supplier!r} by its author")
    receipt = registry.latest_receipt([change_set.id])
    if receipt is not None:
        against += receipt.content.get("review", {}).get("because", [])
        held = receipt.content["figures_held"]
        against += [f"published figures of {name} would move" for name, n in held.items() if n]
        against += _newer_publication(workspace, receipt)
        against += _without_figures(workspace, change_set, receipt)
    if against:
        message = f"Change request {change_set.id} can't be approved by rule: "
        fix = f"Somebody else than {change_set.author} approves it: foreview approve ID."
        raise RefusedError(
            Problem("no-rule", f"{message}{one}.", value=change_set.id, fix=fix) for one in against
        )
    witness = "" if workspace.actor == RULE else f"; run by {workspace.actor}"
    return _record(workspace, change_set, RULE, f"files of {supplier}{witness}")


def _without_figures(workspace: Workspace, change_set: ChangeSet, receipt: Receipt) -> list[str]:
    """Return why a receipt can't show all that a change set moves; empty where it can."""
    last_day = receipt.horizon_day
    if last_day is None:
        return ["there was no viewing yet at its preview, so no figure could move"]
    contracts = {name: workspace.contract(name) for name in change_set.dimensions}
    states = {
        name: workspace.registry.approved_rows(name)[0]
        for name, contract in contracts.items()
        if contract.interval is not None
    }
    calendar = broadcast_calendar(workspace)
    days = unseen_days(change_set.changes, last_day, calendar, contracts, states)
    if not days:
        return []
    return [f"{days[0]} is after {last_day}, the last day with viewing: it has no figures yet"]


def _newer_publication(workspace: Workspace, receipt: Receipt) -> list[str]:
    """Return why a receipt no longer shows all figures: others were published since."""
    newest, seen = newest_published(workspace), receipt.content["read_set"].get("publication")
    if newest is None or newest["number"] == seen:
        return []
    return [f"publication {newest['number']} came after its preview, which is of {seen}"]


def without_impact(workspace: Workspace) -> list[str]:
    """Return the pending change sets of others that, as newly previewed, move no figure.

    Not those that begin to do something after the last day with viewing: they can't move any yet.
    """
    registry = workspace.registry
    found = []
    for one in registry.change_sets():
        is_mine = one.author.casefold() == workspace.actor.casefold()
        if one.status != "pending" or one.kind == "baseline" or is_mine:
            continue
        receipt = registry.latest_receipt([one.id])
        if receipt is None or receipt.base_release != registry.latest_release():
            continue
        moved = [*receipt.content["figures_moved"].values(), *receipt.content["figures_held"]]
        if any(moved) or _newer_publication(workspace, receipt):
            continue
        if _without_figures(workspace, registry.change_set(one.id), receipt):
            continue
        found.append(one.id)
    return found


def approve_without_impact(workspace: Workspace, comment: str = "") -> Attempts[Review]:
    """Approve all that `without_impact` gives; one that is refused keeps no other from it."""
    return attempt_each(without_impact(workspace), lambda one: approve(workspace, one, comment))


def check_reviewer(workspace: Workspace, change_set: ChangeSet) -> None:
    """Refuse, with `not-reviewer`, where the tables' rules name others as reviewers."""
    if workspace.actor == RULE:
        message = f"{RULE} reviews nothing: it approves by rule."
        fix = f"Run foreview approve {change_set.id} --by-rule."
        raise RefusedError(Problem("not-reviewer", message, value=RULE, fix=fix))
    problems = []
    for contract in map(workspace.contract, change_set.dimensions):
        allowed = {one.casefold() for one in contract.reviewers}
        if allowed and workspace.actor.casefold() not in allowed:
            message = f"{workspace.actor} may not review changes of {contract.label}."
            fix = f"Ask one of: {', '.join(contract.reviewers)}."
            problems.append(Problem("not-reviewer", message, value=workspace.actor, fix=fix))
    if problems:
        raise RefusedError(problems)


def current_receipt(
    workspace: Workspace, change_set: ChangeSet, *, progress: Progress | None = None
) -> Receipt:
    """Return the receipt that a promotion must come to: the approved one, or its renewal.

    Raises:
        RefusedError: It is not approved, today's rows no longer allow it, or the approval is void.
        EngineError: Spark or dbt failed while the receipt was renewed.
    """
    from foreview.conflicts import check_applies

    approved = _approved_receipt(workspace, change_set)
    try:
        check_applies(workspace, [change_set])
    except RefusedError as error:
        note_void(workspace, change_set, [one.message for one in error.problems])
        raise
    spark = open_engines(workspace)
    read_set = {"clients": "", **approved.content["read_set"]}
    now = {
        "publication": newest_publication(workspace, spark)["number"],
        "calendar": calendar_hash(workspace),
        "clients": "",
        **clients_read(workspace, [change_set]),
    }
    if all(read_set[name] == value for name, value in now.items()):
        if change_set.id in workspace.registry.voided():  # what made it void was taken back
            _note_renewed(workspace, change_set, approved, approved.checksum, ())
        return approved
    return _renewed(workspace, change_set, approved, progress)


def _approved_receipt(workspace: Workspace, change_set: ChangeSet) -> Receipt:
    registry = workspace.registry
    review = registry.approval(change_set.id)
    status = registry.status(change_set.id)
    if status == "promoted":
        message = f"Change set {change_set.id} is in effect already."
        raise RefusedError(Problem("already-promoted", message, fix="See foreview list."))
    if review is None or status != "approved":
        raise RefusedError(not_approved(change_set, status))
    changed = [
        f"The rules of the table {dimension} changed since the approval."
        for dimension, approved in review.contracts.items()
        if workspace.contract(dimension).hash != approved
    ]
    if changed:
        note_void(workspace, change_set, changed)
        fix = _way_out(change_set)
        raise RefusedError(
            Problem("approval-void", one, value=change_set.id, fix=fix) for one in changed
        )
    receipt = registry.receipt(review.receipt_checksum or "")
    assert receipt is not None  # noqa: S101 - approving asked for one
    return receipt


def not_approved(change_set: ChangeSet, status: str) -> Problem:
    """Return what is told of a change set that has to be approved first."""
    message = f"Change set {change_set.id} is {status}, not approved."
    fix = f"Somebody else than {change_set.author} approves it: foreview approve ID."
    return Problem("not-approved", message, fix=fix)


def _renewed(
    workspace: Workspace, change_set: ChangeSet, approved: Receipt, progress: Progress | None
) -> Receipt:
    """Compute the impact anew, and let it stand for the approved one if it comes to the same."""
    from foreview.what_if import preview

    impact = preview(workspace, [change_set.id], progress=progress)
    record_receipt(workspace, impact)
    moved = list(_moved_otherwise(workspace, change_set, approved, impact))
    inputs = what_changed(approved.content, receipt_content(impact), smallest=impact.smallest_count)
    renewed = workspace.registry.receipt(impact.checksum)
    assert renewed is not None  # noqa: S101 - just recorded
    problems = _void(change_set, moved, inputs) if moved else []
    problems += _more_reviewers(change_set, approved, renewed)
    if problems:
        note_void(workspace, change_set, inputs)
        raise RefusedError(problems)
    _note_renewed(workspace, change_set, approved, impact.checksum, inputs)
    return renewed


def _more_reviewers(change_set: ChangeSet, approved: Receipt, renewed: Receipt) -> list[Problem]:
    """Return a problem where clients' reports changed since, so that more people have to agree."""
    if approved.content["read_set"].get("clients") == renewed.content["read_set"].get("clients"):
        return []
    then, now = (one.content.get("review", {}) for one in (approved, renewed))
    if now.get("reviewers", 1) <= then.get("reviewers", 1):
        return []
    message = (
        f"{now['reviewers']} people have to agree now that clients use other reports than at the "
        f"approval: {'; '.join(now['because'])}."
    )
    return [Problem("approval-void", message, value=change_set.id, fix=_way_out(change_set))]


def _moved_otherwise(
    workspace: Workspace, change_set: ChangeSet, approved: Receipt, impact: Impact
) -> Iterator[tuple[str, Grain, str, Decimal, Decimal]]:
    """Give each value that would move otherwise than approved, by more than the tolerance."""
    tolerance = min(workspace.contract(name).tolerance for name in change_set.dimensions)
    before = read_figures(workspace, approved.checksum)
    # Days of viewing that a figure has, from the day in its grain on.
    spans = {"day": 1, "week": 7, "airing": workspace.settings["airing_days"] + 1}
    days = {one["name"]: spans[one.get("period", "day")] for one in read_marts(workspace)}
    for mart in impact.marts:
        then = _seen(before.get(mart.name, {}), days[mart.name], approved.horizon_day)
        now = _seen(moved_figures(mart), days[mart.name], approved.horizon_day)
        measures = {one.name for one in mart.measures}
        for grain, name, (was, was_after), (is_, is_after) in paired(then, now):
            if name not in measures and _comes_or_goes(then.get(grain), now.get(grain)):
                continue  # its total, or a constant: none of what the edits move
            seen, found = was_after - was, is_after - is_
            if abs(found - seen) > tolerance * max(abs(was), abs(was_after)):
                yield mart.label, grain, name, seen, found


def _comes_or_goes(then: Moved | None, now: Moved | None) -> bool:
    """Return whether a figure that moves in both receipts appears or disappears in one of them.

    Its total is then as if it moved from or to 0, whatever came in since.
    """
    if not then or not now:
        return False
    return any(
        not any(values[side] for values in one.values()) for one in (then, now) for side in (0, 1)
    )


def _seen(figures: Mapping[Grain, Moved], days: int, last_day: str | None) -> dict[Grain, Moved]:
    """Return the figures all of whose viewing days lie within a receipt's horizon."""
    if last_day is None:
        return {}
    last_first = str(date.fromisoformat(last_day) - timedelta(days=days - 1))
    return {grain: one for grain, one in figures.items() if grain[0] <= last_first}


def note_void(workspace: Workspace, change_set: ChangeSet, changed: Sequence[str]) -> None:
    """Record that an approval is void, and what changed since; once, until it stands again."""
    registry = workspace.registry
    if change_set.id not in registry.voided():
        payload = {"change_set": change_set.id, "changed": list(changed[:MOST_NOTED])}
        registry.record_event(workspace.actor, VOIDED, payload)


def _note_renewed(
    workspace: Workspace,
    change_set: ChangeSet,
    approved: Receipt,
    renewed: str,
    changed: Sequence[str],
) -> None:
    """Record that an approval stands, by a receipt that comes to the same."""
    payload = {
        "change_set": change_set.id,
        "approved": approved.checksum,
        "renewed": renewed,
        "changed": list(changed),
    }
    workspace.registry.record_event(workspace.actor, RENEWED, payload)


MOST_NOTED = 20
"""Reasons that the log keeps of a void approval; all are told."""


def _void(change_set: ChangeSet, moved: list[Any], inputs: Sequence[str]) -> list[Problem]:
    """Return which figures void an approval, and last what changed since and how to renew it."""
    fix = "What changed since is named below."
    problems = [
        Problem(
            "approval-void",
            f"{label}, {', '.join(grain)}: {name} was approved to move by {approved:+,}, "
            f"and would move by {found:+,} now.",
            value=change_set.id,
            fix=fix,
        )
        for label, grain, name, approved, found in moved[:SHOWN_FIGURES]
    ]
    rest = len(moved) - len(problems)
    if rest:
        message = f"{rest:,} more values would move otherwise than approved."
        problems.append(Problem("approval-void", message, value=change_set.id, fix=fix))
    message = (
        "The approval is void: these figures are not those that were looked at. Since then: "
        f"{' '.join(inputs)}"
    )
    last = Problem("approval-void", message, value=change_set.id, fix=_way_out(change_set))
    return [*problems, last]


def _way_out(change_set: ChangeSet) -> str:
    return (
        f"Look at foreview what-if {change_set.id}; somebody else than {change_set.author} "
        f"then runs foreview approve {change_set.id} --preview CHECKSUM, as it shows."
    )


def refuse_void(workspace: Workspace, change_set_id: str) -> None:
    """Refuse an approval that was found void, without computing anything anew.

    Raises:
        RefusedError: `approval-void`.
    """
    since = workspace.registry.voided().get(change_set_id)
    if since is not None:
        change_set = workspace.registry.change_set(change_set_id)
        message = f"The approval was found void at {since[:16]} UTC, and was not given anew."
        fix = _way_out(change_set)
        raise RefusedError(Problem("approval-void", message, value=change_set.id, fix=fix))
