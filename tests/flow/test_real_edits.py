"""Real edits by real people, from Excel to promoted figures, over generated viewing.

The baseline is the real table of 2026-04-07. Each workbook holds all real edits since the one
before it; together they are every edit of the 49 days up to 2026-06-05. `make soak` takes ten
workbooks over five million records and six marts, `make test` two over 200,000 and three.
"""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from oracle_frames import MARTS, ViewingFrame, assert_same, figures, published, with_impact
from random_edits import states

from conftest import acting, make_workspace, project_with
from foreview.approval import approve
from foreview.baseline import read_rows_csv
from foreview.exporting import export_dimension
from foreview.promotion import load_baseline, promote
from foreview.receipt import record_receipt
from foreview.rollback import rollback
from foreview.sample import generate_sample
from foreview.submission import baseline_change_set, read_change_set
from foreview.what_if import preview
from foreview.workspace import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.real]

IS_LONG = "FOREVIEW_SOAK" in os.environ
ENDS = [
    f"2026-{day}"
    for day in (
        "04-08 04-13 04-19 04-25 04-26 05-02 05-10 05-24 05-26 06-05" if IS_LONG else "04-26 06-05"
    ).split()
]
RECORDS = 5_000_000 if IS_LONG else 200_000
SHOWN = (
    tuple(MARTS)
    if IS_LONG
    else ("audience_by_network_day", "audience_by_channel_day", "audience_by_market_week")
)
Table = dict[str, dict[str, str | None]]


def read_table(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: {name: value or None for name, value in row.items()}
            for row in csv.DictReader(file)
        }


def apply_edits(table: Table, edits: Iterable[Mapping[str, str]], columns: Iterable[str]) -> None:
    for edit in edits:
        key = edit["id"]
        if edit["op"] == "delete":
            del table[key]
            continue
        if edit["op"] == "insert":
            table.setdefault(key, dict.fromkeys(columns) | {"id": key})
        table[key] = {**table[key], edit["column"]: edit["new"] or None}


def parent_rows(codes: Iterable[str], *names: str) -> list[dict[str, str | None]]:
    return [
        {**dict.fromkeys(names, code), "valid_from": "1900-01-01", "valid_to": None}
        for code in sorted(set(codes))
    ]


def items(tables: Iterable[Table], column: str) -> set[str]:
    return {
        item
        for table in tables
        for row in table.values()
        for item in (row[column] or "").split(";")
        if item
    }


@pytest.fixture(scope="module")
def real(spark_home: Path, spark: Any, shared_data: Path) -> Workspace:
    workspace = make_workspace(spark_home, "real")
    workspace = replace(workspace, project=project_with(workspace.home / "project", *SHOWN))
    iptv = shared_data / "iptv"
    source = iptv / "channels_2026-04-07.csv"
    rows, problems = read_rows_csv(source, workspace.contract("channel"))
    assert not problems
    with (iptv / "daily_edits_2026-04-08_2026-06-17.csv").open(encoding="utf-8") as file:
        edits = list(csv.DictReader(file))
    tables = [read_table(source), read_table(iptv / "channels_2026-06-17.csv")]
    added = {
        column: {
            item
            for edit in edits
            if edit["column"] == column
            for item in edit["new"].split(";")
            if item
        }
        for column in ("owners", "categories", "country")
    }
    networks = {row["network"] or "" for table in tables for row in table.values()}
    networks |= {edit["new"] for edit in edits if edit["column"] == "network"}
    networks -= {""}  # a network's name may hold a semicolon: it is no list
    change_set = baseline_change_set(
        workspace,
        {
            "network": [
                {**row, "network_group_id": None}
                for row in parent_rows(networks, "network_id", "network_name")
            ],
            "owner": parent_rows(
                items(tables, "owners") | added["owners"], "owner_id", "owner_name"
            ),
            "category": parent_rows(
                items(tables, "categories") | added["categories"], "category_id", "category_name"
            ),
            "country": parent_rows(
                items(tables, "country") | added["country"], "country_id", "country_name"
            ),
            "channel": rows,
        },
        source,
    )
    load_baseline(workspace, change_set)
    generate_sample(
        workspace,
        rows=RECORDS,
        days=7,
        devices=RECORDS // 25,
        first_day="2026-04-01",
        seed=5,
        channel_files=[source, iptv / "channels_2026-06-17.csv"],
    )
    return workspace


def edit_workbook(workspace: Workspace, path: Path, before: Table, after: Table) -> None:
    """Edit an exported workbook so that the table becomes `after`, as an analyst would."""
    contract = workspace.contract("channel")
    book = openpyxl.load_workbook(path)
    sheet: Any = book[contract.label]
    columns = {cell.value: cell.column for cell in sheet[1]}
    place = {one.baseline_column: columns[one.label] for one in contract.columns}
    for number in range(2, sheet.max_row + 1):
        key = sheet.cell(number, place["id"]).value
        if key is None or key not in before or before[key] == after.get(key):
            continue
        if key not in after:
            sheet.cell(number, columns["Action"], "delete")
            continue
        sheet.cell(number, columns["Action"], "was always wrong")
        for name, value in after[key].items():
            if value != before[key][name]:
                sheet.cell(number, place[name]).value = value
                sheet.cell(number, place[name]).data_type = "s" if value else "n"
    number = sheet.max_row
    for key in sorted(after.keys() - before.keys()):
        number += 1
        sheet.cell(number, columns["Action"], "new row")
        for name, value in after[key].items():
            if value is not None:
                sheet.cell(number, place[name]).value = value
                sheet.cell(number, place[name]).data_type = "s"
    book.save(path)


def normal(table: Table) -> Table:
    return {
        key: {
            name: value.lower() if name == "is_nsfw" and value else value
            for name, value in row.items()
        }
        for key, row in table.items()
    }


def test_real_edits_from_excel_to_figures(
    spark: Any, real: Workspace, shared_data: Path, tmp_path: Path
) -> None:
    iptv = shared_data / "iptv"
    table = read_table(iptv / "channels_2026-04-07.csv")
    columns = list(next(iter(table.values())))
    with (iptv / "daily_edits_2026-04-08_2026-06-17.csv").open(encoding="utf-8") as file:
        by_day: dict[str, list[dict[str, str]]] = defaultdict(list)
        for edit in csv.DictReader(file):
            by_day[edit["day"]].append(edit)
    viewing = ViewingFrame(spark, real)
    assert len(viewing.records) >= RECORDS
    shown = published(spark, real, SHOWN)
    assert_same(shown, figures(viewing, *states(real)), SHOWN)
    versions, moved, start = len(table), 0, ""
    release = None
    for end in ENDS:
        before = {key: dict(row) for key, row in table.items()}
        for day in sorted(one for one in by_day if start < one <= end):
            apply_edits(table, by_day[day], columns)
        start = end
        changed = [key for key in before if before[key] != table.get(key)]
        file = tmp_path / f"{end}.xlsx"
        some = changed or [next(iter(before))]
        export_dimension(real, "channel", file, [f"channel_id={','.join(some)}"])
        edit_workbook(real, file, before, table)
        change_set = read_change_set(real, file, f"real edits up to {end}")
        real.registry.record_change_set(change_set)
        impact = preview(real, [change_set.id])
        record_receipt(real, impact)
        moved += any(mart.figures for mart in impact.marts)
        before_promotion = shown
        expected = figures(viewing, *states(real, change_set))
        assert_same(with_impact(shown, impact), expected, SHOWN)
        approve(acting(real, "rob"), change_set.id)
        release = promote(acting(real, "rob"), change_set.id)
        versions += sum(1 for key in table if table[key] != before.get(key))
        shown = published(spark, real, SHOWN)
        assert_same(shown, expected, SHOWN)
    assert moved >= min(5, len(ENDS))
    state, _ = real.registry.approved_rows("channel")
    contract = real.contract("channel")
    approved = {
        identity[0]: {one.baseline_column: row[one.name] for one in contract.columns}
        for identity, row in state.items()
    }
    assert approved == normal(table)
    history = spark.table(real.table("channel_history"))
    assert history.count() == versions
    assert history.where("dbt_valid_to is null").count() == len(table)

    assert release is not None
    inverse = rollback(real, release.number)
    record_receipt(real, preview(real, [inverse.id]))
    approve(acting(real, "rob"), inverse.id)
    promote(acting(real, "rob"), inverse.id)
    assert_same(published(spark, real, SHOWN), before_promotion, SHOWN)
