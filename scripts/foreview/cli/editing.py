"""Commands around a workbook."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foreview.cli.command import ActAs, Home, Json, app, running
from foreview.errors import Problem, RefusedError

if TYPE_CHECKING:
    from foreview.workspace import Workspace


Check = Annotated[bool, typer.Option("--check", help="Only check; record nothing.")]
AllowBulk = Annotated[
    str, typer.Option(help="Why more rows may be changed than the table's rules allow.")
]


@app.command()
def export(
    dimensions: Annotated[list[str], typer.Argument(help="Tables, for example network channel.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .xlsx file to write.")],
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN=VALUE[,VALUE...] or COLUMN~TEXT; several must all hold. With several "
            "tables TABLE.COLUMN=VALUE."
        ),
    ] = None,
    template: Annotated[
        str | None, typer.Option(help="A saved export of the table, by name: its conditions.")
    ] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Write a workbook to edit.

    Examples:
    foreview export network -o networks.xlsx

    foreview export channel -o fox.xlsx --where network_id=FOX,Fox

    foreview export network channel -o new.xlsx --where channel.network_id=FOX

    foreview export channel -o open.xlsx --template without-network
    """
    from foreview.exporting import export_tables

    with running("export", home, act_as, as_json) as session:
        count = export_tables(session.workspace, dimensions, output, where or [], template=template)
        session.print(
            {"file": str(output), "rows": count},
            f"{output}: {count:,} rows. Edit it, then: foreview submit {output} --reason ...",
        )


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="Any Excel workbook.")],
    as_json: Json = False,
) -> None:
    """Say what Foreview sees in a workbook: sheets, kinds of cells, and what Excel hides.

    Example: foreview inspect fox.xlsx
    """
    from foreview.workbook import inspect_workbook, on_file
    from foreview.workbook.inspection import inspection_text

    with running("inspect", None, None, as_json, lock=False) as session:
        found = on_file(inspect_workbook, file)
        session.print(asdict(found), inspection_text(found))


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="The edited workbook.")],
    reason: Annotated[str | None, typer.Option(help="Why; default the cover sheet's.")] = None,
    check: Check = False,
    replaces: Annotated[
        str | None, typer.Option(help="A change request of yours that this one takes the place of.")
    ] = None,
    ticket: Annotated[str, typer.Option(help="Its number; default the cover sheet's.")] = "",
    allow_bulk: AllowBulk = "",
    from_first_open_day: Annotated[
        bool, typer.Option(help="Edit from the first day on that is not published.")
    ] = False,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Turn an edited workbook into a change request, or name every error with its cell.

    Errors are marked in a copy of the workbook beside it, fox.errors.xlsx: mend them there and
    submit that.

    Examples:
    foreview submit fox.xlsx --reason "swap of 1 May" --ticket 4711

    foreview submit fox.xlsx --replaces 3f2a
    """
    from foreview.report.words import plural
    from foreview.reviewing import standing_of
    from foreview.submission import (
        check_replaced,
        read_change_set,
        record,
        replace,
        write_annotated_copy,
    )

    with running("submit", home, act_as, as_json) as session:
        try:
            change_set = read_change_set(
                session.workspace,
                file,
                reason,
                ticket=ticket,
                allow_bulk=allow_bulk,
                from_first_open_day=from_first_open_day,
            )
        except RefusedError as error:
            copy = write_annotated_copy(file, error.problems)
            if copy is not None:
                error.advice = f"All errors are marked in {copy}: mend them there and submit that."
            raise
        rows = len({one.where for one in change_set.changes})
        told = plural(rows, "edited row")
        if check:
            if replaces is not None:
                check_replaced(session.workspace, replaces)
            session.print({"rows": rows}, f"Without errors: {told}. Nothing recorded.")
            return
        is_new = (
            record(session.workspace, change_set)
            if replaces is None
            else replace(session.workspace, change_set, replaces)
        )
        other = "submit it with another --reason"
        state, next_ = standing_of(session.workspace, change_set.id, other)
        session.print(
            {"id": change_set.id, "rows": rows, "is_new": is_new, "status": state},
            f"Change request {change_set.id}: {told}"
            f"{'' if is_new else ' (submitted before)'}.\n{next_}",
        )


@app.command("load")
def load_supplier_file(
    dimension: Annotated[str, typer.Argument(help="The table, for example channel.")],
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    source: Annotated[str, typer.Option(help="The supplier's name.")],
    since: Annotated[
        str | None, typer.Option("--from", help="The day from which changes and new rows hold.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="A column to leave out.")] = None,
    reason: Annotated[str, typer.Option(help="Why; default the supplier and the file.")] = "",
    check: Check = False,
    allow_bulk: AllowBulk = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Turn a supplier's file into a change request; values that people set are held back.

    Rows that the file lacks are left as they are; so are columns.

    Example: foreview load channel channels.csv --source iptv-org --from 2026-05-01
    """
    from foreview.report.words import plural
    from foreview.reviewing import standing_of
    from foreview.submission import record
    from foreview.supplier import held_problem, read_supplier_file

    with running("load", home, act_as, as_json) as session:
        found = read_supplier_file(
            session.workspace,
            dimension,
            file,
            source,
            day=since,
            ignore=ignore or (),
            reason=reason,
            allow_bulk=allow_bulk,
        )
        lines = [one.told() for one in found.held[:MOST_HELD]]
        if found.held:
            lines.append(f"{len(found.held):,} held back: people set, deleted or ended them.")
        if found.not_in_file:
            lines.append(f"{plural(found.not_in_file, 'row')} not in the file: left as they are.")
        done = {
            "rows": found.rows,
            "not_in_file": found.not_in_file,
            "held": [asdict(one) for one in found.held],
        }
        if found.change_set is None:
            for line in lines if not as_json else ():
                print(line)
            error = RefusedError(held_problem(source, len(found.held)))
            error.done = done
            raise error
        id_ = found.change_set.id
        rows = len({one.where for one in found.change_set.changes})
        done["changed"] = rows
        if check:
            session.print(done, "\n".join([*lines, "Without errors. Nothing recorded."]))
            return
        is_new = record(session.workspace, found.change_set)
        if is_new and found.held:
            payload = {"change_set": id_, "held": [asdict(one) for one in found.held]}
            session.workspace.registry.record_event(
                session.workspace.actor, "values-held-back", payload
            )
        before = "" if is_new else " (loaded before)"
        lines.append(
            f"Change request {id_}: {plural(rows, 'changed row')} of {found.rows:,}{before}."
        )
        state, next_ = standing_of(session.workspace, id_, "load it with another --reason")
        told = {"id": id_, **done, "is_new": is_new, "status": state}
        session.print(told, "\n".join([*lines, next_]))


MOST_HELD = 20


@app.command()
def refresh(
    file: Annotated[Path, typer.Argument(help="The edited workbook.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .xlsx file to write.")],
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Move the edits of an older workbook onto today's rows, in a fresh workbook.

    What somebody else changed too is marked there, and waits for your decision.

    Example: foreview refresh fox.xlsx -o fox-today.xlsx
    """
    from foreview.exporting import refresh_workbook

    with running("refresh", home, act_as, as_json) as session:
        done = refresh_workbook(session.workspace, file, output)
        lines = [f"{output}: {done.moved:,} edits on today's rows."]
        lines += [f"{done.done:,} others have been made meanwhile."] if done.done else []
        lines += [
            f"{one.where}: {one.message} {one.fix}{f' ({one.value})' if one.value else ''}"
            for one in done.conflicts
        ]
        session.print({"file": str(output), **asdict(done)}, "\n".join(lines))


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="The folder with a folder for each person.")],
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5,
    once: Annotated[
        bool, typer.Option("--once", help="Look twice, take what is there, end.")
    ] = False,
    impact: Annotated[bool, typer.Option(help="Answer with the effect on the figures.")] = True,
    home: Home = None,
) -> None:
    """Take workbooks from a drop folder: a folder's name is the author, the cover has the reason.

    A workbook that did not change between two looks is taken. Answers are put beside it: a note,
    and a copy with its errors or the effect on the figures.

    Example: foreview watch /shared/foreview
    """
    import time

    from foreview.watch import DropFolder
    from foreview.workspace import to_stderr

    with running("watch", home, None, lock=False) as session:
        if not folder.is_dir():
            problem = Problem("file-not-found", f"{folder} is no folder.", fix="Make it first.")
            raise RefusedError(problem)
        drop = DropFolder(
            session.workspace,
            folder,
            lock=lambda workspace: workspace.locked("watch", to_stderr),
            impact=_write_impact if impact else None,
        )
        drop.look()
        while True:
            time.sleep(every)
            for line in drop.look():
                print(line, flush=True)
            if once:
                return


def _write_impact(workspace: Workspace, change_set_id: str, folder: Path) -> None:
    from foreview.receipt import record_receipt
    from foreview.report import write_reports
    from foreview.what_if import preview

    impact = preview(workspace, [change_set_id], illustrate=True)
    record_receipt(workspace, impact)
    write_reports(impact, folder)
