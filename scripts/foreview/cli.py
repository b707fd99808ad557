"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json as json_module
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foreview.errors import EngineError, ForeviewError, Problem, RefusedError

if TYPE_CHECKING:
    from foreview.workspace import Workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Change reference data in Excel, see what it does to the figures before anyone agrees, "
        "put it into effect with a second person's approval, and take it back.\n\n"
        "Start with: foreview demo"
    ),
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="The workspace's folder; default FOREVIEW_HOME, or .foreview."),
]
ActAs = Annotated[
    str | None, typer.Option("--as", help="Act as somebody else; only in demos and tests.")
]


class WhatIfPath(StrEnum):
    """Which way a what-if is computed."""

    AUTO = "auto"
    TOUCHED = "touched"
    FULL = "full"


class _Session:
    """One command's workspace and way of printing."""

    def __init__(self, home: Path | None, act_as: str | None, as_json: bool) -> None:
        from foreview.workspace import open_workspace

        self.workspace: Workspace = open_workspace(os.environ, home=home, act_as=act_as)
        self.as_json = as_json

    def print(self, data: Any, text: str) -> None:
        """Print `data` for machines or `text` for people."""
        if self.as_json:
            print(json_module.dumps(data, ensure_ascii=False, indent=2, default=str))
        else:
            print(text)


@contextmanager
def _command(
    name: str,
    home: Path | None = None,
    act_as: str | None = None,
    as_json: bool = False,
    *,
    lock: bool = True,
) -> Iterator[_Session]:
    """Run a command's body; turn its errors into one clear message and an exit code."""
    from contextlib import nullcontext

    from foreview.workspace import to_stderr

    try:
        session = _Session(home, act_as, as_json)
        with session.workspace.locked(name, to_stderr) if lock else nullcontext():
            yield session
    except ForeviewError as error:
        _print_error(error, as_json)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        to_stderr("Interrupted. What was recorded before is kept; run the command again.")
        raise typer.Exit(130) from None
    except OSError as error:
        from foreview.workspace import disk_error

        _print_error(disk_error(error, error.filename or "A file"), as_json)
        raise typer.Exit(EngineError.exit_code) from error


MOST_PROBLEMS = 20


def _print_error(error: ForeviewError, as_json: bool) -> None:
    if as_json:
        print(json_module.dumps(error.as_dict(), ensure_ascii=False, indent=2))
        return
    from foreview.workspace import to_stderr

    for problem in error.problems[:MOST_PROBLEMS]:
        where = f"{problem.where}: " if problem.where else ""
        to_stderr(f"{where}{problem.message} [{problem.rule}]")
        if problem.fix:
            to_stderr(f"    {problem.fix}")
    rest: dict[str, int] = {}
    for problem in error.problems[MOST_PROBLEMS:]:
        rest[problem.rule] = rest.get(problem.rule, 0) + 1
    for rule, count in sorted(rest.items()):
        to_stderr(f"... and {count} more of [{rule}]")
    if error.advice:
        to_stderr(error.advice)


@contextmanager
def _progress(title: str, as_json: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a progress bar on a terminal; nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{title}: starting Spark", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {what}"[:60], completed=done, total=total)

        yield tell


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="A new folder; default foreview-demo-TIME.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Viewing records to generate.")] = 200_000,
    as_json: Json = False,
) -> None:
    """Tell the whole story on a generated market: two networks swap a station.

    Example: foreview demo /tmp/my-demo
    """
    from foreview.demo import run_demo

    with _command("demo", as_json=as_json, lock=False) as session:
        told = run_demo(session.workspace, folder, rows, quiet=as_json)
        session.print(told, told["where_to_look"])


@app.command()
def generate(
    rows: Annotated[int, typer.Option(help="Stays to generate.")] = 1_000_000,
    days: Annotated[int, typer.Option(help="Broadcast days.")] = 14,
    devices: Annotated[int, typer.Option(help="Devices.")] = 50_000,
    first_day: Annotated[str, typer.Option(help="First broadcast day.")] = "2026-04-01",
    seed: Annotated[int, typer.Option(help="Same seed, same rows.")] = 1,
    channels: Annotated[
        list[Path] | None,
        typer.Option(help="CSV files to draw channel codes from; default the approved channels."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Only write viewing here (Parquet); load nothing."),
    ] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Generate sample dimensions and viewing, and load them.

    Dimensions that have rows already are kept. Examples:

    foreview generate --rows 5000000 --days 28

    foreview generate --rows 100000000 --channels channels.csv -o /data/viewing
    """
    from foreview.sample import generate_sample

    with (
        _command("generate", home, act_as, as_json) as session,
        _progress("Generating", as_json) as progress,
    ):
        done = generate_sample(
            session.workspace,
            rows=rows,
            days=days,
            devices=devices,
            first_day=first_day,
            seed=seed,
            channel_files=channels or [],
            output=output,
            progress=progress,
        )
        session.print(done, "\n".join(f"{name}: {value}" for name, value in done.items()))


@app.command()
def build(
    tests: Annotated[bool, typer.Option(help="Run dbt's tests too.")] = True,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Bring dimensions and marts up to the newest rows and viewing, as `dbt build` does.

    Example: foreview build
    """
    from foreview.loads import ensure_seeds
    from foreview.promotion import build as build_all

    with _command("build", home, None, as_json) as session, _progress("Building", as_json) as bar:
        ensure_seeds(session.workspace)
        build_all(session.workspace, with_tests=tests, progress=bar)
        session.print({"built": True}, "Built.")


@app.command()
def baseline(
    dimension: Annotated[str, typer.Argument(help="The table, for example channel.")],
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    ignore: Annotated[list[str] | None, typer.Option(help="A column to leave out.")] = None,
    add_missing_parents: Annotated[
        bool,
        typer.Option(
            help="Add rows for networks, owners... that the file names, where a table has none yet."
        ),
    ] = False,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Load a dimension for the first time from a CSV file.

    Examples:
    foreview baseline country countries.csv --ignore languages --ignore flag

    foreview baseline channel channels.csv --add-missing-parents
    """
    from foreview.baseline import read_rows_csv
    from foreview.promotion import load_baseline
    from foreview.submission import baseline_change_set, missing_parents

    with (
        _command("baseline", home, act_as, as_json) as session,
        _progress("Loading", as_json) as progress,
    ):
        contract = session.workspace.contract(dimension)
        rows, problems = read_rows_csv(file, contract, ignore=ignore or [])
        if problems:
            raise RefusedError(problems)
        tables: dict[str, Any] = {dimension: rows}
        if add_missing_parents:
            tables |= missing_parents(session.workspace, contract, rows)
        change_set = baseline_change_set(session.workspace, tables, file)
        release = load_baseline(session.workspace, change_set, progress=progress)
        counts = {name: len(list(found)) for name, found in tables.items()}
        session.print(
            {"release": release.number, "rows": counts},
            f"Reference version {release.number}: "
            + ", ".join(f"{count:,} rows of {name}" for name, count in counts.items()),
        )


@app.command("load-viewing")
def load_viewing(
    path: Annotated[Path, typer.Argument(help="Parquet file or folder, or a Delta folder.")],
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Load a batch of viewing records; refused whole when one is malformed.

    Example: foreview load-viewing /data/viewing/2026-04-01
    """
    from foreview.viewing_load import load_viewing as load

    with (
        _command("load-viewing", home, act_as, as_json) as session,
        _progress("Loading", as_json) as progress,
    ):
        done = load(session.workspace, path, progress=progress)
        session.print(
            done, f"{done['records']:,} records; publication {done['publication']} shows them."
        )


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

    with _command("export", home, act_as, as_json) as session:
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

    with _command("inspect", None, None, as_json, lock=False) as session:
        found = on_file(inspect_workbook, file)
        session.print(asdict(found), inspection_text(found))


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="The edited workbook.")],
    reason: Annotated[str | None, typer.Option(help="Why; default the cover sheet's.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check; record nothing.")] = False,
    replaces: Annotated[
        str | None, typer.Option(help="A change request of yours that this one takes the place of.")
    ] = None,
    ticket: Annotated[str, typer.Option(help="Its number; default the cover sheet's.")] = "",
    allow_bulk: Annotated[
        str, typer.Option(help="Why more rows may be changed than the table's rules allow.")
    ] = "",
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
    from foreview.submission import read_change_set, record, replace, write_annotated_copy

    with _command("submit", home, act_as, as_json) as session:
        try:
            change_set = read_change_set(
                session.workspace, file, reason, ticket=ticket, allow_bulk=allow_bulk
            )
        except RefusedError as error:
            copy = write_annotated_copy(file, error.problems)
            if copy is not None:
                error.advice = f"All errors are marked in {copy}: mend them there and submit that."
            raise
        rows = len({one.where for one in change_set.changes})
        if check:
            session.print({"rows": rows}, f"Without errors: {rows} edited rows. Nothing recorded.")
            return
        is_new = (
            record(session.workspace, change_set)
            if replaces is None
            else replace(session.workspace, change_set, replaces)
        )
        session.print(
            {"id": change_set.id, "rows": rows, "is_new": is_new},
            f"Change request {change_set.id}: {rows} edited rows"
            f"{'' if is_new else ' (submitted before)'}.\n"
            f"See what it does: foreview what-if {change_set.id}",
        )


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

    with _command("refresh", home, act_as, as_json) as session:
        done = refresh_workbook(session.workspace, file, output)
        lines = [f"{output}: {done.moved:,} edits on today's rows."]
        lines += [f"{done.done:,} others have been made meanwhile."] if done.done else []
        lines += [f"{one.where}: {one.message} {one.fix}" for one in done.conflicts]
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

    with _command("watch", home, None, lock=False) as session:
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


@app.command("list")
def list_change_sets(
    all_: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List change requests.

    Example: foreview list --all
    """
    from dataclasses import asdict

    with _command("list", home, None, as_json, lock=False) as session:
        found = [
            one
            for one in session.workspace.registry.change_sets()
            if all_ or one.status in ("pending", "approved")
        ]
        lines = [
            f"{one.id}  {one.status:9}  {one.created_at[:16]}  {one.author:12}  "
            f"{', '.join(one.dimensions)[:30]} ({one.changes} rows)  {one.reason[:50]}"
            for one in found
        ]
        session.print(
            [asdict(one) for one in found], "\n".join(lines) or "No open change requests."
        )


@app.command()
def show(
    change_set: Annotated[str, typer.Argument(help="Id, or its beginning.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show a change request, change by change.

    Example: foreview show 3f2a
    """
    with _command("show", home, None, as_json, lock=False) as session:
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
        session.print(json_module.loads(found.content) | {"id": found.id}, "\n".join(lines))


def _review(
    name: str, change_set: str, comment: str, home: Path | None, act_as: str | None, as_json: bool
) -> None:
    with _command(name, home, act_as, as_json) as session:
        registry = session.workspace.registry
        found = registry.change_set(change_set)
        if name == "approve":
            from foreview.promotion import approve as record_approval

            record_approval(session.workspace, found.id, comment)
        else:
            from foreview.submission import close

            close(session.workspace, found.id, name, comment)
        status = registry.status(found.id)
        session.print({"id": found.id, "status": status}, f"Change request {found.id}: {status}.")


Comment = Annotated[str, typer.Option(help="A word to the others.")]
Id = Annotated[str, typer.Argument(help="Id of the change request, or its beginning.")]


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
    _review("withdraw", change_set, comment, home, act_as, as_json)


@app.command()
def approve(
    change_set: Id,
    comment: Comment = "",
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Approve somebody else's change request, as its newest preview showed it.

    Example: foreview approve 3f2a --comment "agreed with the network"
    """
    _review("approve", change_set, comment, home, act_as, as_json)


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
    _review("reject", change_set, comment, home, act_as, as_json)


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
    with _command("what-if", home, act_as, as_json) as session:
        from foreview.receipt import record_receipt
        from foreview.report import to_screen, write_reports
        from foreview.what_if import checked_change_sets, preview

        scenarios = [change_sets, *([against] if against else [])]
        for ids in scenarios:  # a wrong id is told before the first is computed
            checked_change_sets(session.workspace, ids)
        impacts = []
        for ids in scenarios:
            with _progress("What if", as_json) as progress:
                impact = preview(
                    session.workspace, ids, path=path.value, illustrate=True, progress=progress
                )
            record_receipt(session.workspace, impact)
            impacts.append(impact)
        names = [sorted(one.id for one in impact.change_sets) for impact in impacts]
        folder = output or Path(f"what-if-{'-against-'.join(map(_short_name, names))}")
        if against:
            folders = [folder / "a", folder / "b"]
            written = [write_reports(*one) for one in zip(impacts, folders, strict=True)]
            _show_side_by_side(session, impacts, written, folder)
            return
        (impact,) = impacts
        files = write_reports(impact, folder)
        if as_json:
            session.print(_impact_json(impact, files), "")
            return
        to_screen(impact)
        print(f"\nThe page: {files[0]}")
        print(f"Next, somebody else: foreview approve {' '.join(names[0])}")


def _short_name(ids: Sequence[str]) -> str:
    return "-".join(one[:8] for one in ids)


def _show_side_by_side(
    session: _Session, impacts: Sequence[Any], written: Sequence[Sequence[Path]], folder: Path
) -> None:
    from foreview.report import verdict
    from foreview.report.side_by_side import compared, pairs_to_csv, pairs_to_html, told
    from foreview.scenarios import side_by_side

    one, other = impacts
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
    shown = [_impact_json(*one) for one in zip(impacts, written, strict=True)]
    both = {"verdict": compared(pairs), "files": list(map(str, files))}
    session.print({"a": shown[0], "b": shown[1], **both}, "")


def _impact_json(impact: Any, written: Sequence[Path]) -> dict[str, Any]:
    from foreview.receipt import receipt_content
    from foreview.report import verdict, warnings
    from foreview.report.words import illustrated

    return {
        "verdict": verdict(impact),
        "warnings": list(warnings(impact)),
        "illustration": list(illustrated(impact)),
        "receipt": receipt_content(impact) | {"checksum": impact.checksum},
        "since": list(impact.since),
        "paths": [asdict(one) for one in impact.paths],
        "read": asdict(impact.read) if impact.read else None,
        "files": [str(path) for path in written],
    }


@app.command()
def promote(change_set: Id, home: Home = None, act_as: ActAs = None, as_json: Json = False) -> None:
    """Put an approved change request into effect, or finish an interrupted promotion.

    Example: foreview promote 3f2a
    """
    from foreview.promotion import promote as put_into_effect

    with (
        _command("promote", home, act_as, as_json) as session,
        _progress("Promoting", as_json) as progress,
    ):
        release = put_into_effect(session.workspace, change_set, progress=progress)
        session.print(
            {"release": release.number, "publication": release.publication},
            f"Reference version {release.number} is in effect; publication {release.publication} "
            f"shows it.\nTake it back: foreview rollback {release.number}",
        )


@app.command()
def rollback(
    release: Annotated[int, typer.Argument(help="Number of the reference version.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    home: Home = None,
    act_as: ActAs = None,
    as_json: Json = False,
) -> None:
    """Propose the inverse of a reference version, to be previewed, approved and promoted.

    Example: foreview rollback 12 --reason "the swap was called off"
    """
    from foreview.promotion import rollback as propose

    with _command("rollback", home, act_as, as_json) as session:
        inverse = propose(session.workspace, release, reason)
        session.print(
            {"id": inverse.id},
            f"Change request {inverse.id} takes back reference version {release}.\n"
            f"See what it does: foreview what-if {inverse.id}",
        )


@app.command()
def history(
    dimension: Annotated[str, typer.Argument(help="The table, for example channel.")],
    key: Annotated[str, typer.Argument(help="The key, for example a channel's code.")],
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show every version of a row: when it held, when it was known, and who made it so.

    Example: foreview history channel KABC.us
    """
    from dataclasses import asdict

    from foreview.history import versions_of

    with _command("history", home, None, as_json, lock=False) as session:
        found = versions_of(session.workspace, dimension, key)
        session.print([asdict(one) for one in found], "\n".join(one.told() for one in found))


@app.command()
def verify(home: Home = None, as_json: Json = False) -> None:
    """Check that seeds, loads and tables hold what was approved, and that the log is whole.

    Example: foreview verify
    """
    from dataclasses import asdict

    from foreview.audit import verify as check_all

    with _command("verify", home, None, as_json) as session:
        checks, problems = check_all(session.workspace)
        if problems:
            raise RefusedError(problems)
        lines = [
            f"{one.dimension:14} {one.place:16} {one.rows:>8,} rows  {one.hash[:12]}"
            for one in checks
        ]
        session.print(
            [asdict(one) for one in checks],
            "\n".join([*lines, "All agree; the log of events is whole."]),
        )


def main() -> None:
    """Run the command line; usage errors exit with 2."""
    try:
        app()
    except ForeviewError as error:
        _print_error(error, as_json=False)
        raise SystemExit(error.exit_code) from error
