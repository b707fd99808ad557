"""A promotion is a ledger of steps: killed at any of them it goes on, or is given up.

One mart only, so that a promotion takes seconds; the marts' figures are tested elsewhere.
"""

import csv
import json
import os
import re
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from oracle import Viewing, assert_same, figures, published
from random_edits import DAYS, channels_moved, states
from readers import Reader, believed, in_one_query
from small_market import (
    MART,
    Killed,
    killed_at,
    killing,
    load,
    newest,
    shown_to_readers,
    small_market,
)

from conftest import acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.changes import ChangeSet
from foreview.closing import ask_to_reopen, close_period, confirm_reopening
from foreview.dbt_project import run_dbt
from foreview.erasure import erase_household
from foreview.errors import EngineError, RefusedError
from foreview.exporting import export_dimension
from foreview.feed import write_feed
from foreview.housekeeping import Removed, clean_up
from foreview.loads import ensure_landing
from foreview.mariadb_server import Server
from foreview.past import as_of, plain_rows
from foreview.promotion import STEPS, abandon, build, promote, resume
from foreview.receipt import receipt_content, record_receipt
from foreview.status import status_of
from foreview.store import bring_up
from foreview.submission import read_change_set, record
from foreview.viewing_load import load_viewing, write_devices
from foreview.what_if import preview, scenario_schema
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark

LONG = pytest.mark.skipif(
    "FOREVIEW_SOAK" not in os.environ, reason="a part of make soak: minutes more"
)


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    return small_market(spark_home, "one_mart", MART)


def shown(spark: Any, market: Workspace) -> Any:
    """Return what readers see: the mart's figures, and the rows of channels."""
    tables = [market.table(name, "published") for name in (MART, "dim_channel")]
    columns = ["channel_id", "network_id", "valid_from", "valid_to", "change_set_id"]
    found = []
    for table in tables:
        frame = spark.table(table)
        frame = frame.select(columns) if "dim_" in table else frame.drop("published_from")
        found.append(plain_rows(frame))
    return found


def a_move(market: Workspace, seed: int) -> ChangeSet:
    return channels_moved(market, seed, 12)


def approved(market: Workspace, change_set: ChangeSet) -> str:
    record(market, change_set)
    record_receipt(market, preview(market, [change_set.id]))
    approve(acting(market, "rob"), change_set.id)
    return change_set.id


def assert_whole(market: Workspace) -> None:
    _, problems = verify(market, with_loads=True)
    assert problems == []


def test_killed_at_each_step_in_turn_a_promotion_goes_on_and_the_past_stays(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    before = shown(spark, market)
    first = newest(spark, market)
    rob = acting(market, "rob")
    id_ = approved(market, a_move(market, 1))
    begin: Any = lambda: promote(rob, id_)  # noqa: E731
    for place, step in enumerate(STEPS):
        with killed_at(step), pytest.raises(Killed):
            begin()
        begin = lambda: resume(rob)  # noqa: E731
        assert (shown(spark, market) != before) == (step in ("publish", "reopen")), step
        status = status_of(market)
        assert [name for name, at in status.steps.items() if at] == list(STEPS)[:place]
        assert "foreview promote --resume" in status.told()
        if step == "rows":
            with pytest.raises(EngineError, match="not finished"):
                run_dbt(market, ["build", "--select", "stg_owner"])
            with pytest.raises(RefusedError, match="being put into effect"):
                market.registry.record_review(id_, "rob", "reject")
    release = resume(rob)
    assert status_of(market).unfinished is None
    run_dbt(market, ["build", "--select", "stg_owner"])
    after = shown(spark, market)
    assert after != before
    feed = write_feed(market, release.number, tmp_path)
    rows, figures_fed = ([json.loads(line) for line in path.open()] for path in feed.files)
    assert (feed.rows, feed.figures) == (len(rows), len(figures_fed))
    assert {(one["author"], *one["reviewers"], one["change"]) for one in rows} == {
        ("ana", "rob", "modified")
    }
    of = {(one["release"], one["publication"]) for one in (*rows, *figures_fed)}
    assert of == {(release.number, release.publication)}
    old, new = ({grain_of(one) for one in state[0]} for state in (before, after))
    assert {grain_of(one["grain"]) for one in figures_fed if not one["before"]} == new - old
    assert {grain_of(one["grain"]) for one in figures_fed if not one["after"]} == old - new
    changed = [{grain_of(one): one for one in state[0]} for state in (before, after)]
    assert {grain_of(one["grain"]) for one in figures_fed} == {
        one for one in old | new if changed[0].get(one) != changed[1].get(one)
    }
    for one in figures_fed:
        for side, rows_of_side in zip(("before", "after"), changed, strict=True):
            row = rows_of_side.get(grain_of(one["grain"]), {})
            told = {name: str(value) for name, value in (one[side] or {}).items()}
            assert told == {name: str(row[name]) for name in told}
    assert [publication_rows(market, first + one) for one in (0, 1)] == [before, after]
    rows = spark.table(market.table("publications")).where(f"number > {first}").collect()
    (at,) = (row["published_at"] for row in rows)
    for instant, (seen, _) in ((at, after), (at - timedelta(microseconds=1), before)):
        then = as_of(market, MART, instant=instant.isoformat())
        assert plain_rows(then.drop("published_from")) == seen, instant
    with pytest.raises(RefusedError, match="Nothing was published at 1999"):
        as_of(market, MART, instant="1999-01-01")


def test_after_a_promotion_all_places_and_mariadb_have_equal_rows(
    spark: Any, market: Workspace, mariadb: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREVIEW_STORE", mariadb.address)
    bring_up(market)
    checks, problems = verify(market)
    assert problems == []
    places: dict[str, dict[str, str]] = {}
    for one in checks:
        places.setdefault(one.dimension, {})[one.place] = one.hash
    assert set(places) >= {"channel", "network", "airing", "area"}
    for dimension, hashes in places.items():
        assert len(set(hashes.values())) == 1, dimension
        assert {"reference store", "working table", "published table"} < set(hashes)
        contract = market.contract(dimension)
        name = market.table(f"dim_{dimension}", "published")
        stored = by_jdbc(spark, mariadb, name).select(*contract.row_columns)
        for flag in (one.name for one in contract.columns if one.type == "boolean"):
            stored = stored.withColumn(flag, stored[flag].cast("boolean"))
        own = spark.table(name).select(*contract.row_columns)
        assert stored.count() == own.count()
        assert own.exceptAll(stored).collect() == [], dimension


def by_jdbc(spark: Any, server: Server, table: str) -> Any:
    """Return a table of the store as Spark reads it; see docs/reference-store.md."""
    schema, name = table.split(".")
    options = {
        "driver": "org.mariadb.jdbc.Driver",
        "url": f"jdbc:mysql://{server.host}:{server.port}/{schema}?permitMysqlScheme",
        "user": server.user,
        "password": server.password,
        "dbtable": name,
    }
    return spark.read.format("jdbc").options(**options).load()


def grain_of(row: Any) -> tuple[Any, ...]:
    names = ("viewing_date", "market_id", "network_id", "playback_mode")
    return tuple(row.get(name) for name in names)


def publication_rows(market: Workspace, number: int) -> Any:
    found = []
    for name in (MART, "channel"):
        frame = as_of(market, name, publication=number)
        columns = ["channel_id", "network_id", "valid_from", "valid_to", "change_set_id"]
        frame = frame.select(columns) if name == "channel" else frame.drop("published_from")
        found.append(plain_rows(frame))
    return found


def test_a_killed_promotion_can_be_given_up_also_when_that_is_killed(
    spark: Any, market: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(spark, market)
    rows = market.registry.approved_rows("channel")
    id_ = approved(market, a_move(market, 2))
    with killed_at("figures"), pytest.raises(Killed):
        promote(acting(market, "rob"), id_)
    with monkeypatch.context() as patch:
        patch.setattr("foreview.promotion.announce_promotion", killing)
        with pytest.raises(Killed):
            abandon(market)
    with pytest.raises(RefusedError, match="--abandon"):
        resume(market)
    assert abandon(market) == id_
    assert market.registry.status(id_) == "approved"
    assert shown(spark, market) == before
    assert market.registry.approved_rows("channel") == rows
    assert_whole(market)


def test_viewing_that_came_in_since_renews_the_receipt(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    registry, rob = market.registry, acting(market, "rob")
    id_ = approved(market, a_move(market, 3))
    first = newest(spark, market)
    tables = (MART, "dim_channel", "dim_network")
    read = partial(in_one_query, spark, market, tables)
    with Reader(lambda: shown_to_readers(spark, market), read) as reader:
        load(spark, market, tmp_path / "next", first_day=DAYS[4])  # a day that nobody was shown
        release = promote(rob, id_)
    seen = reader.assert_never_a_mixture(lambda one: believed(spark, market, tables, one))
    assert seen == {first, first + 1, first + 2}
    renewals = [one for one in registry.events() if one.kind == "receipt-renewed"]
    assert [one.payload["change_set"] for one in renewals] == [id_]
    assert registry.approval(id_).receipt_checksum == renewals[0].payload["approved"]
    assert release.publication == first + 2


def leave_files_of_a_killed_write(spark: Any, market: Workspace, change_set: ChangeSet) -> None:
    schema, table = scenario_schema(market, [change_set.id]), f"impact_{MART}"
    spark.sql(f"drop table {schema}.{table}")
    folder = market.warehouse / f"{schema}.db" / table
    folder.mkdir()
    (folder / "part-0.parquet").write_bytes(b"half of a fi")


def test_published_periods_are_held_until_two_people_restate_them(
    spark: Any, market: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve, rob = acting(market, "eve"), acting(market, "rob")
    before = published(spark, market, [MART])[MART]
    market_id = min(grain[1] for grain in before if grain[0] == DAYS[1])

    def is_held(grain: tuple[str, ...]) -> bool:
        return grain[0] == DAYS[0] or grain[:2] == (DAYS[1], market_id)

    def held(found: Any) -> Any:
        return {grain: one for grain, one in found.items() if is_held(grain)}

    staged = market.table("publication_calendar", "landing")
    with monkeypatch.context() as patch:
        patch.setattr("foreview.registry.Registry.record_calendar", killing)
        with pytest.raises(Killed):
            close_period(market, MART, DAYS[0], DAYS[0])
    assert not spark.table(staged).where("is_held").isEmpty()
    refuses_plain_dbt(market)
    build(market)
    assert spark.table(staged).where("is_held").isEmpty()
    close_period(market, MART, DAYS[0], DAYS[0])
    close_period(market, MART, DAYS[1], DAYS[1], market=market_id)
    change_set = a_move(market, 5)
    rebuilt = figures(Viewing(spark, market), *states(market, change_set))[MART]
    record(market, change_set)
    touched = preview(market, [change_set.id], path="touched")
    leave_files_of_a_killed_write(spark, market, change_set)
    full = preview(market, [change_set.id], path="full")
    assert touched.checksum == full.checksum
    moved = {one for one in {*before, *rebuilt} if before.get(one) != rebuilt.get(one)}
    assert {one.grain for one in touched.marts[0].held} == {one for one in moved if is_held(one)}
    assert {one.grain for one in touched.marts[0].figures} == {
        one for one in moved if not is_held(one)
    }
    record_receipt(market, touched)
    approve(rob, change_set.id)
    promote(rob, change_set.id)
    load(spark, market, tmp_path / "late", first_day=DAYS[0])
    rebuilt = figures(Viewing(spark, market), *states(market))[MART]
    moved_on = {grain: one for grain, one in rebuilt.items() if not is_held(grain)}
    assert published(spark, market, [MART])[MART] == held(before) | moved_on
    assert held(before) != held(rebuilt)
    asked, _ = ask_to_reopen(rob, MART, DAYS[0], DAYS[2], reason="wrong-reference")
    was_held = published(spark, market, [MART])[MART]
    places = {
        "foreview.promotion.build": False,
        "foreview.registry.Registry.confirm_reopening": True,
    }
    for place, is_shown in places.items():
        with monkeypatch.context() as patch:  # killed before and after it is published
            patch.setattr(place, killing)
            with pytest.raises(Killed):
                confirm_reopening(eve, asked.id)
        assert (published(spark, market, [MART])[MART] == was_held) != is_shown
        refuses_plain_dbt(market)
        build(market)  # which does not take them for reopened
        assert not spark.table(staged).where("is_held").isEmpty()
        another = a_move(market, 15 + is_shown)
        record(market, another)
        assert preview(market, [another.id]).marts[0].held, "they are published until it is done"
        market.registry.record_review(another.id, "ana", "withdraw")
    confirm_reopening(eve, asked.id)
    assert_same(published(spark, market, [MART]), {MART: rebuilt})
    assert_whole(market)


def refuses_plain_dbt(market: Workspace) -> None:
    with pytest.raises(EngineError, match="is not recorded"):
        run_dbt(market, ["build", "--select", "stg_owner"])


def test_readers_see_which_days_are_preliminary_and_which_are_published(
    spark: Any, market: Workspace
) -> None:
    market_id = min(one[0] for one in market.registry.approved_rows("market")[0])
    close_period(market, MART, "2026-01-01", "2026-01-03", is_preliminary=True)
    close_period(market, MART, "2026-01-03", "2026-01-03", market=market_id)
    calendar = spark.table(market.table("publication_calendar", "published"))
    assert calendar.columns == ["product", "market", "first_day", "last_day", "state"]
    rows = calendar.where("first_day < date'2026-02-01'").collect()
    assert {
        (row["market"], str(row["first_day"]), str(row["last_day"]), row["state"]) for row in rows
    } == {
        ("*", "2026-01-01", "2026-01-03", "preliminary"),
        (market_id, "2026-01-03", "2026-01-03", "published"),
    }
    assert {row["product"] for row in rows} == {MART}
    assert_whole(market)


def delta_table(spark: Any, name: str) -> Any:
    from delta.tables import DeltaTable

    if name.startswith("delta."):
        return DeltaTable.forPath(spark, name.removeprefix("delta.").strip("`"))
    return DeltaTable.forName(spark, name)


def test_a_value_that_was_changed_in_any_stored_table_is_named(
    spark: Any, market: Workspace
) -> None:
    from pyspark.sql import functions as f

    tampered = {
        market.table(f"{MART}__versions"): ("seconds", "seconds + 1"),
        market.table("network_history"): ("network_name", "'another'"),
        market.table("publications"): ("published_at", "published_at - interval 1 day"),
        market.table("country", "approved"): ("country_name", "'another'"),
        market.table("channel", "landing"): ("channel_name", "'another'"),
        market.table("fct_viewing"): ("seconds", "seconds + 1"),
        market.table("device", "landing"): ("weight", "weight + 1"),
        # delta-rs writes it, beside the metastore
        f"delta.`{market.folder('receipt_figures', 'landing')}`": ("after", "map('seconds', '1')"),
    }
    calendar = market.table("publication_calendar", "landing")
    kept = {
        table: delta_table(spark, table).history(1).first()["version"]
        for table in (*tampered, calendar)
    }
    span = ("another", "*", date(2026, 1, 1), date(2026, 1, 2), True, "published")
    spark.createDataFrame([span], spark.table(calendar).schema).write.insertInto(calendar)
    for table, (column, value) in tampered.items():
        delta = delta_table(spark, table)
        key = spark.table(table).columns[0]
        first = spark.table(table).orderBy(key).first()
        delta.update(f"{key} = '{first[key]}'", {column: value})
    seed = market.seeds / "owner.csv"
    text = seed.read_text(encoding="utf-8")
    seed.write_text(text.replace("1900-01-01", "1950-01-01", 1), encoding="utf-8")
    said = market.seeds / "genre.csv"
    kept_said = said.read_text(encoding="utf-8")
    said.write_text(re.sub(r",\w+\n\Z", ",another\n", kept_said), encoding="utf-8")
    pointer = market.table("shown_publication")
    spark.sql(f"create or replace view {pointer} as select 1 as number, now() as snapshot_cut")
    view = market.table(MART, "published")
    described = spark.sql(f"describe table extended {view}").where("col_name = 'View Text'")
    of_view = described.first()["data_type"]
    spark.sql(f"alter view {view} as {of_view} and seconds > 100")
    _, problems = verify(market, with_loads=True)
    spark.sql(f"alter view {view} as {of_view}")
    seed.write_text(text, encoding="utf-8")
    said.write_text(kept_said, encoding="utf-8")
    ensure_landing(market, spark)
    assert shown_to_readers(spark, market) == newest(spark, market)
    for table, version in kept.items():
        delta_table(spark, table).restoreToVersion(version)
    past = "publication 1 of network"
    places = {"dim_network", "working table of network", past}
    places |= {
        "publications",
        "receipt_figures",
        "shown_publication",
        "publication_calendar",
        "seed table of country",
        f"published view of {MART}",
        "load of channel",
        "viewing",
        "device",
    }
    assert {MART, *places, "seed of owner"} <= {one.where for one in problems}
    (source,) = [one.message for one in problems if one.where == "seed of genre"]
    assert "change_set_id: found 'another'" in source
    (row,) = [one.message for one in problems if one.where == past]
    assert "network_name: found 'another'" in row
    first, *_ = (one.message for one in problems if one.where == MART)
    told = re.search(r"viewing_date .+, seconds: found '(\d+)', expected '(\d+)'\.", first)
    assert told, first
    assert int(told[1]) == int(told[2]) + 1

    viewing = delta_table(spark, market.table("fct_viewing"))
    contents = delta_table(spark, market.table("publication_contents"))
    versions = [one.history(1).first()["version"] for one in (viewing, contents)]
    contents.update("number = 1", {"contents": "concat(contents, '1')"})
    added = viewing.toDF().limit(2).withColumn("load_batch", f.lit(0))
    added.write.format("delta").mode("append").saveAsTable(market.table("fct_viewing"))
    _, problems = verify(market, with_loads=True)
    viewing.restoreToVersion(versions[0])
    contents.restoreToVersion(versions[1])
    (told,) = [one.message for one in problems if "loaded as 0" in one.message]
    assert "2 rows, recorded 0" in told
    assert {MART, "dim_network", "publication_contents", "viewing", "device"} <= {
        one.where for one in problems
    }
    assert_whole(market)


def test_a_promotion_that_marks_other_figures_than_it_moves_is_not_published(
    spark: Any, market: Workspace
) -> None:
    before = shown(spark, market)
    id_ = approved(market, a_move(market, 9))
    macro = market.project / "macros" / "publication" / "publish_promotion.sql"
    text = macro.read_text(encoding="utf-8")
    opened, closed = "{{ _opened_by(mart, impact, number) }}\n", "_closed_by(impact), number"
    assert text.count(opened) == text.count(closed) == 1
    broken = text.replace(opened, opened.rstrip() + " and change = 'moved'\n")
    broken = broken.replace(closed, "_closed_by(impact) ~ ' and change = \"removed\"', number")
    macro.write_text(broken, encoding="utf-8")
    with pytest.raises(EngineError, match=f"other figures of {MART} were marked"):
        promote(acting(market, "rob"), id_)
    macro.write_text(text, encoding="utf-8")
    assert shown(spark, market) == before
    assert abandon(acting(market, "rob")) == id_
    assert shown(spark, market) == before
    market.registry.record_review(id_, "ana", "withdraw")
    assert_whole(market)


def test_figures_that_are_not_the_receipts_are_not_published_and_rows_come_back(
    spark: Any, market: Workspace
) -> None:
    before, rows = shown(spark, market), market.registry.approved_rows("channel")
    change_set = a_move(market, 8)
    record(market, change_set)
    impact = preview(market, [change_set.id])
    content = receipt_content(impact)
    market.registry.record_receipt(
        {
            "checksum": "f" * 64,
            "change_set_ids": [change_set.id],
            "base_release": impact.base_release,
            "horizon_day": impact.horizon_day,
            "horizon_batch": impact.horizon_batch,
            "content": {**content, "figures": dict.fromkeys(content["figures"], "another")},
        },
        actor="ana",
    )
    approve(acting(market, "rob"), change_set.id)
    with pytest.raises(RefusedError) as caught:
        promote(acting(market, "rob"), change_set.id)
    assert {problem.rule for problem in caught.value.problems} == {"not-the-receipt"}
    (given_up,) = [
        one.payload
        for one in market.registry.events("promotion-step")
        if one.payload["step"] == "give-up"
        and one.payload["detail"].get("because") == [one.message for one in caught.value.problems]
    ]
    assert given_up["state"] == "begun"
    assert shown(spark, market) == before
    assert market.registry.approved_rows("channel") == rows
    assert market.registry.unfinished_promotion() is None
    columns = ("channel_id", "network_id", "valid_from", "valid_to")
    working = spark.table(market.table("dim_channel")).select(*columns)
    published_rows = spark.table(market.table("dim_channel", "published")).select(*columns)
    assert working.exceptAll(published_rows).isEmpty()


def test_a_figure_that_nothing_touches_must_be_that_of_its_whole_period(
    spark: Any, market: Workspace
) -> None:
    before, id_ = shown(spark, market), approved(market, a_move(market, 21))
    moved = {one.grain[2] for one in preview(market, [id_]).marts[0].figures}
    versions = delta_table(spark, market.table(f"{MART}__versions"))
    kept = versions.history(1).first()["version"]
    others = ", ".join(f"'{one}'" for one in moved)
    versions.update(
        f"published_to is null and network_id not in ({others})", {"seconds": "seconds + 1"}
    )
    with pytest.raises(RefusedError) as caught:
        promote(acting(market, "rob"), id_)
    versions.restoreToVersion(kept)
    problems = caught.value.problems
    assert {one.rule for one in problems} == {"not-the-whole-period"}
    for one in problems:
        recomputed, expected = map(int, re.findall(r'"seconds":(\d+)', one.message))
        assert expected == recomputed + 1
    assert shown(spark, market) == before
    market.registry.record_review(id_, "ana", "withdraw")
    assert_whole(market)


def test_a_preview_that_misses_a_touched_key_is_found_out_before_it_is_published(
    spark: Any, market: Workspace
) -> None:
    before, change_set = shown(spark, market), a_move(market, 22)
    watched = spark.table(market.table("fct_viewing")).groupBy("channel_id").sum("seconds")
    moved = [one.identity[0] for one in change_set.changes]
    most = watched.where(watched["channel_id"].isin(moved)).orderBy("sum(seconds)").tail(1)[0][0]
    macro = market.project / "macros" / "what_if" / "touched_keys.sql"
    text = macro.read_text(encoding="utf-8")
    last = "    select * from touched_{{ name }}\n"
    assert text.count(last) == 1
    macro.write_text(
        text.replace(last, f"{last}    where key_value != '{most}'\n"), encoding="utf-8"
    )
    with pytest.raises(RefusedError, match="computed whole from the promoted rows it is"):
        promote(acting(market, "rob"), approved(market, change_set))
    macro.write_text(text, encoding="utf-8")
    assert shown(spark, market) == before
    market.registry.record_review(change_set.id, "ana", "withdraw")
    assert_whole(market)


def test_rows_of_another_table_that_came_in_unseen_are_not_promoted_along(
    spark: Any, market: Workspace
) -> None:
    id_ = approved(market, a_move(market, 7))
    seed = market.seeds / "network.csv"
    kept = seed.read_text(encoding="utf-8")
    first = next(csv.DictReader(kept.splitlines()))["network_name"]
    seed.write_text(kept.replace(first, "Another", 1), encoding="utf-8")
    run_dbt(market, ["build", "--select", "network", "stg_network", "network_history"])
    with pytest.raises(EngineError, match="Not published: rows of network changed"):
        promote(acting(market, "rob"), id_)
    assert abandon(market) == id_
    before = shown(spark, market)
    with pytest.raises(EngineError, match="Not published: rows of network changed"):
        build(market)
    assert shown(spark, market) == before
    build(market, is_restoring=True)
    assert seed.read_text(encoding="utf-8") == kept
    assert shown(spark, market) == before
    assert_whole(market)


def test_housekeeping_takes_only_trials_that_have_ended(spark: Any, market: Workspace) -> None:
    def schemas() -> set[str]:
        prefix = f"{market.schema}_"
        return {one.name for one in spark.catalog.listDatabases() if one.name.startswith(prefix)}

    before = shown(spark, market)
    open_ = {one.id for one in market.registry.pending()}
    present = schemas()
    promised = clean_up(market, is_dry=True)
    assert schemas() == present
    removed = clean_up(market)
    assert removed == promised
    assert removed.schemas
    assert removed.receipts
    left = {one for one in schemas() if "_what_if_" in one or "_promotion_" in one}
    assert schemas() == present - set(removed.schemas)
    assert {one.rsplit("_", 1)[1] for one in left} <= open_
    assert clean_up(market) == Removed((), ())
    assert shown(spark, market) == before
    assert_whole(market)


@LONG
def test_housekeeping_of_old_files_takes_nothing_that_readers_verify_or_the_next_promotion_need(
    spark: Any, market: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, first = shown(spark, market), newest(spark, market)
    past = [publication_rows(market, number) for number in range(1, first + 1)]
    landing = {
        name: spark.table(market.table(name, "landing")).collect()
        for name in ("pending_edits", "publication_calendar", "channel")
    }
    for _ in range(2):  # each writes anew what it works out
        assert_whole(market)
    assert clean_up(market).files == {}  # all are younger than seven days
    monkeypatch.setattr("foreview.housekeeping.KEPT_HOURS", 0)
    removed = clean_up(market)
    assert "publication_contents_found" in removed.files
    spark.catalog.clearCache()
    for name, rows in landing.items():
        spark.catalog.refreshTable(market.table(name, "landing"))
        assert spark.table(market.table(name, "landing")).collect() == rows, name
    assert shown(spark, market) == before
    assert [publication_rows(market, number) for number in range(1, first + 1)] == past
    assert_whole(market)
    promote(acting(market, "rob"), approved(market, a_move(market, 21)))
    assert newest(spark, market) == first + 1
    assert_whole(market)


@LONG
def test_an_erased_household_is_in_no_file_and_in_no_figure_of_open_days(
    spark: Any, market: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    eve = acting(market, "eve")
    numbers, tables = range(1, newest(spark, market) + 1), [MART, "dim_channel"]
    before = {one: believed(spark, market, tables, one) for one in numbers}
    devices = spark.table(market.table("dim_device"))
    viewing = spark.table(market.table("fct_viewing"))
    busy = viewing.join(devices, "device_id").groupBy("household_id").count().orderBy("count")
    household = busy.tail(1)[0]["household_id"]
    own = {row["device_id"] for row in devices.where(f"household_id = {household}").collect()}
    close_period(market, MART, DAYS[0], DAYS[0])
    figures_before = published(spark, market, [MART])[MART]
    with pytest.raises(RefusedError, match="reason"):
        erase_household(eve, household, "")
    with monkeypatch.context() as patch:  # killed when its viewing is gone, before figures are
        patch.setattr("foreview.promotion.build", killing)
        with pytest.raises(Killed):
            erase_household(eve, household, "request 1")
    another = a_move(market, 33)
    record(market, another)
    with pytest.raises(RefusedError, match="erasure"):
        preview(market, [another.id])
    market.registry.record_review(another.id, "ana", "withdraw")
    done = erase_household(eve, household, "request 1")
    assert (done.devices, done.records > 0) == (len(own), True)
    for table in (market.table("fct_viewing"), market.table("viewing", "landing")):
        assert spark.table(table).where(spark_in("device_id", own)).isEmpty()
    for folder in (market.folder("fct_viewing"), market.folder("viewing", "landing")):
        files = spark.read.parquet(*map(str, folder.rglob("*.parquet")))
        assert files.where(spark_in("device_id", own)).isEmpty()
    rebuilt = figures(Viewing(spark, market), *states(market))[MART]
    shown_now = published(spark, market, [MART])[MART]
    held = {grain: one for grain, one in figures_before.items() if grain[0] == DAYS[0]}
    expected = held | {grain: one for grain, one in rebuilt.items() if grain[0] != DAYS[0]}
    assert_same({MART: shown_now}, {MART: expected})
    assert shown_now != figures_before
    assert {one: believed(spark, market, tables, one) for one in numbers} == before
    assert_whole(market)
    with pytest.raises(RefusedError, match="no household"):
        erase_household(eve, 10**9, "request 1")


@LONG
def test_an_erased_household_that_is_delivered_again_is_left_out(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    from pyspark.sql import functions as f

    viewing, device, noted = (
        market.table(name, "landing") for name in ("viewing", "device", "erased_device")
    )
    erased = spark.table(noted).first()
    own, household = {erased["device_id"]}, erased["household_id"]

    def deliver(day: str, household: int) -> None:
        """Load devices as of a day, the erased one with them, and viewing of it on that day."""
        devices = spark.table(device)
        newest_load = devices.agg(f.max("load_date")).first()[0]
        others = f.col("device_id") != erased["device_id"]
        devices = devices.where((f.col("load_date") == newest_load) & others)
        whose = {"household_id": household, "device_id": erased["device_id"]}
        again = devices.limit(1).withColumns(
            {name: f.lit(one).cast("bigint") for name, one in whose.items()}
        )
        dated = devices.unionAll(again).withColumn("load_date", f.lit(day).cast("date"))
        write_devices(market, dated.localCheckpoint())
        batch = spark.table(viewing).agg(f.max("load_batch")).first()[0] + 1
        new = spark.table(viewing).where(f"viewing_date = '{day}'").limit(20)
        number = f.lit(erased["device_id"]).cast("bigint")
        new = new.withColumns({"load_batch": f.lit(batch), "device_id": number})
        new.write.parquet(str(tmp_path / day))
        load_viewing(market, tmp_path / day)

    def days_of_device(name: str) -> set[str]:
        found = spark.table(name).where(spark_in("device_id", own)).select("viewing_date")
        return {str(row[0]) for row in found.collect()}

    before = published(spark, market, [MART])
    deliver(DAYS[1], household)
    assert_same(published(spark, market, [MART]), before)
    assert spark.table(market.table("dim_device")).where(spark_in("device_id", own)).isEmpty()
    deliver(DAYS[2], 10**6)
    loaded = market.table("fct_viewing")
    assert (days_of_device(loaded), days_of_device(viewing)) == ({DAYS[2]}, {DAYS[1], DAYS[2]})
    with_another = published(spark, market, [MART])
    assert with_another != before
    erase_household(market, household, "request 1, again")
    assert days_of_device(loaded) == days_of_device(viewing) == {DAYS[2]}, "another's by then"
    assert spark.table(device).where(f"household_id = {household}").isEmpty()
    assert_same(published(spark, market, [MART]), with_another)
    assert_whole(market)


def spark_in(column: str, values: Any) -> Any:
    from pyspark.sql import functions as f

    return f.col(column).isin(sorted(values))


@LONG
def test_columns_added_and_retired_make_no_version_and_older_workbooks_still_submit(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    staging = market.project / "models" / "staging"
    dimension = market.project / "models" / "reference" / "dim_network.sql"
    kept = {path: path.read_text("utf-8") for path in (dimension, *staging.glob("*.yml"))}
    older = tmp_path / "older.xlsx"
    export_dimension(market, "network", older)
    numbers = [market.table(name) for name in (f"{MART}__versions", *HISTORIES)]
    before, counts = shown(spark, market), [spark.table(one).count() for one in numbers]
    path = staging / "network.yml"
    path.write_text(kept[path].replace("      - name: valid_from\n", HOMEPAGE, 1), "utf-8")
    dimension.write_text(
        kept[dimension].replace("network_name,", "network_name, homepage,"), "utf-8"
    )
    path = staging / "channel.yml"
    website = "            label: Website\n"
    path.write_text(kept[path].replace(website, f"{website}            retired: true\n"), "utf-8")
    changed = replace(market)  # reads its rules anew
    build(changed)
    assert shown(spark, changed) == before
    assert [spark.table(one).count() for one in numbers] == counts
    assert spark.table(market.table("network_history")).columns.count("homepage") == 1
    assert_whole(changed)

    book = openpyxl.load_workbook(older)
    sheet = book["Network"]
    column = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, column["Network name"]).value = "Another"
    sheet.cell(2, column["Action"]).value = "was always wrong"
    book.save(older)
    promote(acting(changed, "rob"), approved(changed, read_change_set(changed, older, "why")))
    assert_whole(changed)
    channel, network = (staging / f"{one}.yml" for one in ("channel", "network"))
    for file, text, lost in (
        (channel, kept[channel].replace(*WITHOUT_WEBSITE), "website"),
        (network, kept[network], "homepage"),  # never filled
    ):
        declared = file.read_text("utf-8")
        file.write_text(text, "utf-8")
        with pytest.raises(RefusedError, match=lost):
            build(replace(market))
        file.write_text(declared, "utf-8")  # the tests after this one have these columns


HISTORIES = ("network_history", "channel_history")
HOMEPAGE = """      - name: homepage
        data_type: string
        description: Address of the network's home page.
      - name: valid_from
"""
WITHOUT_WEBSITE = (
    """      - name: website
        data_type: string
        description: Address of the website.
        config:
          meta:
            label: Website
""",
    "",
)
