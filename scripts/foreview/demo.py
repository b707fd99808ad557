"""The demo: the whole story on a generated market, in a folder of its own."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from foreview.changes import Row
from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.workspace import ALLOW_ACT_AS, Workspace, open_workspace, to_stderr


def run_demo(
    workspace: Workspace,
    folder: Path | None,
    rows: int,
    *,
    quiet: bool = False,
    on_server: bool = False,
) -> dict[str, Any]:
    """Swap a station between two networks, from Excel to a promoted release and back again.

    Args:
        workspace: Names the project; its own tables and rows are not touched.
        folder: A folder that does not exist yet, or is empty.
        rows: Viewing records to generate.
        quiet: Whether to tell nothing on the way.
        on_server: Whether registry and reference store are on a MariaDB server, which runs as long
            as the demo.

    Returns:
        What happened: ids, release, publication, the files to look at.
    """
    from foreview import store

    folder = _new_folder(folder)
    home = folder / "workspace"
    home.mkdir(parents=True)
    (home / ALLOW_ACT_AS).touch()
    environment = dict(os.environ) | {"FOREVIEW_PROJECT": str(workspace.project)}
    environment.pop("FOREVIEW_REGISTRY", None)
    analyst = open_workspace(environment, home=home, act_as="ana (analyst)")
    reviewer = replace(analyst, actor="rob (reviewer)")
    with analyst.locked("demo", to_stderr), store.instead(None):  # not into anybody's own
        if not on_server:
            return _story(analyst, reviewer, folder, rows, quiet=quiet)
        with _on_server(analyst) as (analyst, reviewer):
            return _story(analyst, reviewer, folder, rows, quiet=quiet)


@contextmanager
def _on_server(workspace: Workspace) -> Iterator[tuple[Workspace, Workspace]]:
    """Give Ana and Rob a registry on a server, each with a user and roles of their own."""
    from foreview import store
    from foreview.mariadb_server import running_server
    from foreview.registry import Registry
    from foreview.registry.rights import statements_for

    roles = {"ana": ("analyst", "publisher"), "rob": ("reviewer", "publisher")}
    with running_server() as server:
        place = f"127.0.0.1:{server.port}/registry"
        owner = f"mariadb://{server.user}:{server.password}@{place}"
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create database registry")
            for name in roles:
                cursor.execute(f"create user {name}@'127.0.0.1' identified by '{server.password}'")
        registry = Registry(owner, workspace.clock)
        for name, own in roles.items():
            registry.administer(statements_for(owner, name, own, "127.0.0.1"))
        ana, rob = (
            replace(
                workspace,
                actor=name,
                registry_url=f"mariadb://{name}:{server.password}@{place}",
            )
            for name in roles
        )
        with store.instead(server.address):
            yield ana, rob


def _story(
    analyst: Workspace, reviewer: Workspace, folder: Path, rows: int, *, quiet: bool
) -> dict[str, Any]:
    from foreview import store
    from foreview.approval import approve
    from foreview.exporting import export_dimension
    from foreview.promotion import promote
    from foreview.receipt import record_receipt
    from foreview.report import suppressed, to_screen, write_reports
    from foreview.rollback import rollback
    from foreview.sample import generate_sample
    from foreview.submission import read_change_set, record
    from foreview.what_if import preview

    home = analyst.home
    tell = (lambda _text: None) if quiet else _Teller()
    tell(f"1. A market is generated: dimensions, devices and {rows:,} viewing records.")
    generate_sample(
        analyst, rows=rows, days=7, devices=max(rows // 40, 50), first_day="2026-04-01", seed=1
    )
    tell("2. Ana exports the channels of two networks, and swaps a station of each in Excel.")
    one, other, stations = _swap(analyst)
    file = folder / "channels.xlsx"
    export_dimension(analyst, "channel", file, [f"network_id={one},{other}"])
    edit_workbook(
        file,
        analyst.contract("channel"),
        {stations[0]: {"network_id": other}, stations[1]: {"network_id": one}},
        action="was always wrong",
    )
    change_set = read_change_set(analyst, file, f"{stations[0]} and {stations[1]} were swapped")
    record(analyst, change_set)
    tell(f"3. Ana submits the workbook: change request {change_set.id}. What would it do?")
    impact = preview(analyst, [change_set.id])
    record_receipt(analyst, impact)
    page, *_ = write_reports(impact, folder)
    if not quiet:
        to_screen(suppressed(impact)[0])
    tell("4. Rob looks at the page and approves; the change is put into effect.")
    approve(reviewer, change_set.id, "as agreed with both networks")
    release = promote(reviewer, change_set.id)
    tell(
        f"   Reference version {release.number}, publication {release.publication}: the figures, "
        "recomputed from the promoted rows, are those of the preview, to the last unit."
    )
    if store.is_configured():
        checks = store.bring_up(reviewer)
        held = sum(one.rows for one in checks)
        tell(
            f"   The reference store on MariaDB has the same {held:,} rows of {len(checks)} "
            "tables, to the last character."
        )
    inverse = rollback(analyst, release.number)
    tell(f"5. It can be taken back at any time: change request {inverse.id} is the inverse.")
    where = f"\nWhere to look:\n  {page}  what the reviewer saw\n  {file}  the edited workbook\n"
    if store.is_configured():
        where += "The server, and with it the registry, ended with the demo."
    else:
        where += (
            f"  foreview history channel {stations[0]} --home {home}\n"
            f"  foreview list --all --home {home}\n"
            f"  foreview what-if {inverse.id} --home {home}\n"
            f"  foreview verify --home {home}"
        )
    return {
        "folder": str(folder),
        "change_set": change_set.id,
        "release": release.number,
        "publication": release.publication,
        "rollback": inverse.id,
        "page": str(page),
        "where_to_look": where,
    }


class _Teller:
    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        to_stderr(f"[{time.monotonic() - self._start:4.0f} s] {text}")


def _new_folder(folder: Path | None) -> Path:
    folder = folder or Path(f"foreview-demo-{time.strftime('%Y%m%d-%H%M%S')}")
    if folder.exists() and any(folder.iterdir()):
        message = f"The folder {folder} is not empty."
        fix = "Name a new one, or leave the name out."
        raise RefusedError(Problem("folder-not-empty", message, value=str(folder), fix=fix))
    return folder.resolve()


def _swap(workspace: Workspace) -> tuple[str, str, tuple[str, str]]:
    """Choose two networks, and a station of each that the viewing knows well."""
    from foreview.engine import open_session

    spark = open_session(workspace)
    seconds: Counter[str] = Counter()
    for row in (
        spark.table(workspace.table("viewing_by_key_day")).select("channel_id", "seconds").collect()
    ):
        seconds[row[0]] += row[1]
    state, _ = workspace.registry.approved_rows("channel")
    best: dict[str, str] = {}
    for channel, _ in sorted(seconds.items(), key=lambda item: (-item[1], item[0])):
        row = state.get((channel, "1900-01-01"))
        if row and row["network_id"] and row["valid_to"] is None:
            best.setdefault(row["network_id"], channel)
    (one, first), (other, second) = list(best.items())[:2]
    return one, other, (first, second)


def edit_workbook(
    path: Path,
    contract: Contract,
    edits: dict[str, Row],
    *,
    action: str,
    day: str | None = None,
) -> None:
    """Edit rows of an exported workbook by key, as an analyst would in Excel, and save it.

    Args:
        path: The workbook; it is saved in place.
        contract: Its dimension's rules, with a key of one column.
        edits: New values of each key's row by column; empty to change no cell.
        action: The action's words.
        day: The day, where the action asks for one.
    """
    import openpyxl

    book = openpyxl.load_workbook(path)
    sheet: Any = book[contract.label]
    headings = {cell.value: cell.column for cell in sheet[1]}
    key_column = headings[contract.column(contract.key[0]).label]
    for row in range(2, sheet.max_row + 1):
        values = edits.get(str(sheet.cell(row, key_column).value))
        if values is None:
            continue
        sheet.cell(row, headings["Action"], action)
        if day is not None:
            sheet.cell(row, headings["Day"], day)
        for name, value in values.items():
            sheet.cell(row, headings[contract.column(name).label], value)
    book.save(path)
