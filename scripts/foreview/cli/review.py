"""Commands around a change request."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foreview.cli.command import (
    ActAs,
    Home,
    Id,
    Json,
    OptionalId,
    Session,
    app,
    progress_bar,
    running,
)

if TYPE_CHECKING:
    from foreview.attempts import Attempts
    from foreview.registry import Review


class WhatIfPath(StrEnum):
    """Which way a what-if is computed."""

    AUTO = "auto"
    TOUCHED = "touched"
    FULL = "full"


@app.command("list")
def list_change_sets(
    all_: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    without_impact: Annotated[
        bool,
        typer.Option("--without-impact", help="What foreview approve --without-impact would take."),
    ] = False,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """List change requests.

    Examples:
    foreview list --all

    foreview list --without-impact
    """
    if all_ and without_impact:
        raise typer.BadParameter("Give --all or --without-impact.")
    with running("list", home, act_as, as_json, lock=False) as session:
        found = [
            one
            for one in session.workspace.registry.change_sets()
            if all_ or one.status in ("pending", "approved", "sent-back")
        ]
        if without_impact:
            from foreview.approval import without_impact as ids_without_impact

            chosen = set(ids_without_impact(session.workspace))
            found = [one for one in found if one.id in chosen]
        void = session.workspace.registry.voided()
        lines = [
            f"{one.id}  {'void' if one.id in void else one.status:9}  "
            f"{one.created_at[:16]}  {one.author:12}  "
            f"{', '.join(one.dimensions)[:30]} ({one.changes} rows)  {one.reason[:50]}"
            for one in found
        ]
        none = "There are none." if without_impact else "No open change requests."
        listed = [asdict(one) | {"void_since": void.get(one.id)} for one in found]
        session.print(listed, "\n".join(lines) or none)


@app.command()
def show(
    change_set: Annotated[str, typer.Argument(help="Id, or its beginning.")],
    mark: Annotated[
        Path | None,
        typer.Option(help="Its workbook: write a copy with reviewers' comments at their cells."),
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show a change request, change by change.

    Examples:
    foreview show 3f2a

    foreview show 3f2a --mark fox.xlsx
    """
    with running("show", home, None, as_json, lock=False) as session:
        registry = session.workspace.registry
        found = registry.change_set(change_set)
        lines = [
            f"{found.id}  {registry.status(found.id)}  by {found.author}: {found.why}",
            f"from {found.source_name}, on reference version {found.base_release}",
        ]
        for one in found.changes[:200]:
            lines.append(f"{one.kind:9} {one.dimension} {' from '.join(one.identity)}  {one.where}")
            lines += [
                f"    {name}: {one.before.get(name)!r} -> {one.after.get(name)!r}"
                f"  {one.cells.get(name, '')}"
                f"{f'  ({one.notes[name]})' if name in one.notes else ''}"
                for name in dict.fromkeys((*one.before, *one.after))
                if one.before.get(name) != one.after.get(name)
            ]
        if len(found.changes) > 200:
            lines.append(f"... and {len(found.changes) - 200:,} more: --json shows all.")
        for review in registry.reviews(found.id):
            lines.append(f"{review.decision} by {review.reviewer}: {review.comment}")
            lines += [f"    {cell}: {text}" for cell, text in review.cells.items()]
        if mark is not None:
            from foreview.reviewing import mark_comments

            copy = mark_comments(session.workspace, found.id, mark)
            lines.append(f"Marked in {copy}." if copy else "No comment is on a cell.")
        told = {
            "id": found.id,
            "status": registry.status(found.id),
            "reviews": [asdict(one) for one in registry.reviews(found.id)],
        }
        session.print(json_module.loads(found.content) | told, "\n".join(lines))


def _close(
    name: str, change_set: str, comment: str, home: Path | None, act_as: str | None, as_json: bool
) -> None:
    with running(name, home, act_as, as_json) as session:
        from foreview.submission import close

        found = session.workspace.registry.change_set(change_set)
        close(session.workspace, found.id, name, comment)
        status = session.workspace.registry.status(found.id)
        session.print({"id": found.id, "status": status}, f"Change request {found.id}: {status}.")


Comment = Annotated[str, typer.Option(help="A word to the others.")]


@app.command()
def withdraw(
    change_set: Id,
    comment: Comment = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Take back a change request of your own.

    Example: foreview withdraw 3f2a
    """
    _close("withdraw", change_set, comment, home, act_as, as_json)


@app.command()
def approve(
    change_set: OptionalId = None,
    without_impact: Annotated[
        bool, typer.Option("--without-impact", help="All of others that move no figure.")
    ] = False,
    by_rule: Annotated[
        bool, typer.Option("--by-rule", help="A supplier's file, if the table's rules allow it.")
    ] = False,
    preview: Annotated[
        str | None,
        typer.Option(help="The checksum of the preview that you looked at, or its beginning."),
    ] = None,
    comment: Comment = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Approve somebody else's change request, as its newest preview showed it.

    With --preview only if that is the one that you looked at.

    Examples:
    foreview approve 3f2a --preview 9c0d2e4b --comment "agreed with the network"

    foreview approve 3f2a --by-rule

    foreview approve --without-impact
    """
    if (change_set is None) != without_impact:
        raise typer.BadParameter("Name a change request, or give --without-impact.")
    if by_rule and change_set is None:
        raise typer.BadParameter("A rule approves one change request: name it beside --by-rule.")
    if preview is not None and (by_rule or without_impact):
        raise typer.BadParameter("Give --preview with a change request that you looked at.")
    from foreview import approval

    with running("approve", home, act_as, as_json) as session:
        workspace = session.workspace
        if change_set is None:
            _approved_together(session, approval.approve_without_impact(workspace, comment))
        elif by_rule:
            _approved(session, approval.approve_by_rule(workspace, change_set))
        else:
            _approved(session, approval.approve(workspace, change_set, comment, preview))


def _approved(session: Session, review: Review) -> None:
    from foreview.registry.reviews import RULE

    id_, checksum = review.change_set_id, review.receipt_checksum or ""
    done = {"id": id_, "preview": checksum, "reviewer": review.reviewer}
    bound = f"What counts is the preview {checksum}."
    if review.decision == "agree":
        receipt = session.workspace.registry.receipt(checksum)
        rules = receipt.content["review"] if receipt else {}
        text = (
            f"You agree to change request {id_}. {rules.get('reviewers')} people have to, because "
            f"{'; '.join(rules.get('because', []))}.\n{bound}"
        )
        session.print({**done, "status": "pending", **rules}, text)
        return
    how = " by rule" if review.reviewer == RULE else ""
    session.print({**done, "status": "approved"}, f"Change request {id_}: approved{how}.\n{bound}")


def _approved_together(session: Session, tried: Attempts[Review]) -> None:
    ids = [one.change_set_id for one in tried.done]
    if ids or tried.error is None:
        lines = [
            f"{one.change_set_id}: approved, preview {one.receipt_checksum}" for one in tried.done
        ]
        session.print_done(ids, "\n".join(lines) or "There are none.", tried.error)
    if tried.error is not None:
        tried.error.done = ids
        raise tried.error


@app.command()
def reject(
    change_set: Id,
    comment: Comment = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Reject a change request.

    Example: foreview reject 3f2a --comment "the swap is on 8 May"
    """
    _close("reject", change_set, comment, home, act_as, as_json)


@app.command("send-back")
def send_back(
    change_set: Id,
    comment: Comment = "",
    at: Annotated[
        list[str] | None, typer.Option(help="A cell and a word on it, CELL=TEXT; may be repeated.")
    ] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Send a change request back to its author, with comments on cells.

    The author sees them with foreview show, mends the workbook, and submits it with --replaces.

    Example: foreview send-back 3f2a --at "Channel!H12=the swap is on 8 May"
    """
    from foreview.reviewing import send_back as record_sending_back

    cells = [(place, text) for place, _, text in (one.partition("=") for one in at or ())]
    with running("send-back", home, act_as, as_json) as session:
        review = record_sending_back(session.workspace, change_set, comment, cells)
        id_ = review.change_set_id
        told = {"id": id_, "comment": comment, "cells": dict(review.cells)}
        session.print(told, f"Change request {id_} went back to its author.")


@app.command()
def part(
    change_set: Id,
    row: Annotated[
        list[str],
        typer.Option(help="A row, by its place as foreview show prints it, or its key; repeated."),
    ],
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Make some rows of a change request one of their own, to approve them without the others.

    Its author stays the author; the other rows stay in the first one.

    Example: foreview part 3f2a --row "Channel!12" --row "Channel!15"
    """
    from foreview.report.words import plural
    from foreview.reviewing import standing_of, take_part

    with running("part", home, act_as, as_json) as session:
        found = take_part(session.workspace, change_set, row)
        rows = len({one.where or one.identity for one in found.changes})
        other = f"{found.author} submits these rows in a workbook of their own"
        state, told = standing_of(session.workspace, found.id, other)
        session.print(
            {"id": found.id, "rows": rows, "status": state},
            f"Change request {found.id}: {plural(rows, 'row')}.\n{told}",
        )


@app.command("what-if")
def what_if(
    change_sets: Annotated[list[str], typer.Argument(help="Ids, tried together.")],
    against: Annotated[
        list[str] | None,
        typer.Option(help="Ids of another scenario, shown side by side; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Folder for page, workbook and CSV; default what-if-ID."
        ),
    ] = None,
    path: Annotated[
        WhatIfPath, typer.Option(help="Read touched viewing, or all, instead of what is faster.")
    ] = WhatIfPath.AUTO,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Show what change requests would do to the figures: on screen, as a page, workbook and CSV.

    Example: foreview what-if 3f2a 77b0

    Two scenarios: foreview what-if 3f2a --against 77b0
    """
    with running("what-if", home, act_as, as_json) as session:
        from foreview.receipt import checked_thresholds, record_receipt
        from foreview.report import suppressed, to_screen, write_reports
        from foreview.what_if import checked_change_sets, preview

        scenarios = [change_sets, *([against] if against else [])]
        for ids in scenarios:  # a wrong id or rule is told before the first is computed
            checked_thresholds(session.workspace, checked_change_sets(session.workspace, ids))
        impacts = []
        for ids in scenarios:
            with progress_bar("What if", as_json) as progress:
                impact = preview(
                    session.workspace, ids, path=path.value, illustrate=True, progress=progress
                )
            record_receipt(session.workspace, impact)
            impacts.append(impact)
        shown = suppressed(*impacts)
        names = [sorted(one.id for one in impact.change_sets) for impact in impacts]
        folder = output or Path(f"what-if-{'-against-'.join(map(_short_name, names))}")
        if against:
            folders = [folder / "a", folder / "b"]
            written = [write_reports(*one) for one in zip(shown, folders, strict=True)]
            _show_side_by_side(session, impacts, shown, written, folder)
            return
        (impact,) = impacts
        files = write_reports(impact, folder)
        if as_json:
            session.print(_impact_json(impact, shown[0], files), "")
            return
        to_screen(shown[0])
        print(f"\nThe page: {files[0]}")
        print(_next_steps(names[0], impact.checksum))


def _next_steps(ids: Sequence[str], checksum: str) -> str:
    """Return how change requests that were tried together are approved: each by its own preview."""
    if len(ids) == 1:
        return f"Next, somebody else: foreview approve {ids[0]} --preview {checksum[:12]}"
    told = ["Each is approved by itself, and after a preview of it alone:"]
    told += [f"  foreview what-if {one}; somebody else: foreview approve {one}" for one in ids]
    return "\n".join(told)


def _short_name(ids: Sequence[str]) -> str:
    return "-".join(one[:8] for one in ids)


def _show_side_by_side(
    session: Session,
    impacts: Sequence[Any],
    shown: Sequence[Any],
    written: Sequence[Sequence[Path]],
    folder: Path,
) -> None:
    from foreview.report import verdict
    from foreview.report.side_by_side import compared, pairs_to_csv, pairs_to_html, told
    from foreview.scenarios import side_by_side

    one, other = shown
    pairs = side_by_side(one, other)
    page = pairs_to_html(one, other, pairs, folder / "side_by_side.html")
    files = [page, *pairs_to_csv(pairs, folder)]
    lines = [
        f"A: {verdict(one)}",
        f"B: {verdict(other)}",
        compared(pairs),
        *(f"  {pair.mart.label}: {told(pair)}" for pair in pairs if pair.figures or pair.alike),
        f"The page: {page}",
    ]
    if not session.as_json:
        print("\n".join(lines))
        return
    a, b = (_impact_json(*one) for one in zip(impacts, shown, written, strict=True))
    both = {"verdict": compared(pairs), "files": list(map(str, files))}
    session.print({"a": a, "b": b, **both}, "")


def _impact_json(impact: Any, shown: Any, written: Sequence[Path]) -> dict[str, Any]:
    from foreview.receipt import receipt_content
    from foreview.report import verdict, warnings
    from foreview.report.words import illustrated

    return {
        "verdict": verdict(shown),
        "warnings": list(warnings(shown)),
        "illustration": list(illustrated(shown)),
        "receipt": receipt_content(impact) | {"checksum": impact.checksum},
        "since": list(impact.since),
        "paths": [asdict(one) for one in impact.paths],
        "read": asdict(impact.read) if impact.read else None,
        "files": [str(path) for path in written],
    }
