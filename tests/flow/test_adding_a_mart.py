"""The walk-through of docs/adding-a-mart.md, done as it is written: nothing else makes a mart."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from oracle import Viewing, row_now, row_on, rows_by_key
from random_edits import DAYS
from small_market import NOW, OLD, newest, small_market

from conftest import PROJECT, acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.changes import ChangeSet, apply, diff
from foreview.errors import EngineError
from foreview.impact import MartImpact
from foreview.past import as_of
from foreview.promotion import build, promote
from foreview.receipt import record_receipt
from foreview.submission import record
from foreview.what_if import preview
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark
MART = "audience_by_country_day"
BEST_COUNTRIES = """
{{ config(materialized='table') }}
select viewing_date, country_id, seconds, rank() over (
    partition by viewing_date order by seconds desc
) as place
from {{ ref('audience_by_country_day') }}
"""
NAMES_OF_BEST = """
select best.viewing_date, channel.channel_id, best.place
from {{ ref('best_countries') }} as best
inner join {{ ref('dim_channel') }} as channel on best.country_id = channel.country_id
where best.place <= 2
"""
WHOLE_CHANNELS = "select * from {{ ref('dim_channel') }}\n"
MARKETS_NOW = "audience_by_market_day_now"
MARKETS_NOW_SQL = """
select
    viewing.viewing_date,
    current_area.market_id,
    viewing.playback_mode,
    count(*) as records,
    sum(cast(viewing.seconds as bigint)) as seconds,
    sum(case when viewing.seconds > 600 then viewing.seconds end) as long_seconds
from {{ ref('fct_viewing') }} as viewing
left join {{ ref('dim_device') }} as device
    on viewing.device_id = device.device_id and {{ holds_on('device', 'viewing.viewing_date') }}
left join {{ ref('dim_current_area') }} as current_area on device.area_id = current_area.area_id
group by
    viewing.viewing_date,
    current_area.market_id,
    viewing.playback_mode
"""
SHARES = {"of_mode": ("viewing_date", "playback_mode"), "of_market": ("viewing_date", "market_id")}
DIM_COUNTRY_OF_CHANNEL = """
select dim_channel.channel_id, {{ ref('dim_channel') }}.country_id
from {{ ref('dim_channel') }} -- by its own name
where dim_channel.country_id is not null
"""


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    """A market that has figures, and the mart of the documents beside them."""
    workspace = small_market(spark_home, "two_marts", NOW, OLD)
    text = (PROJECT / "docs" / "adding-a-mart.md").read_text(encoding="utf-8")
    sql, declaration = (
        re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("sql", "yaml")
    )
    lines = [line for line in (sql + declaration).splitlines() if line.strip()]
    assert len(lines) < 30
    models = workspace.project / "models"
    (models / "audience" / f"{MART}.sql").write_text(sql, encoding="utf-8")
    (models / "audience" / f"{MARKETS_NOW}.sql").write_text(MARKETS_NOW_SQL, encoding="utf-8")
    with (models / "audience" / "audience.yml").open("a", encoding="utf-8") as file:
        file.write(declaration)
        now = declaration.replace(MART, MARKETS_NOW)
        file.write(now.replace("country_id]", "market_id, playback_mode]"))
        file.write("            long_seconds: {label: Long stays, type: integer, over: records}\n")
        file.write("          ratios:\n")
        for name, within in SHARES.items():
            of = "long_seconds" if name == "of_mode" else "seconds"
            share = f"label: {name}, numerator: {of}, within: [{', '.join(within)}], scale: 6"
            file.write(f"            {name}: {{{share}}}\n")
    reports = models / "reports"
    reports.mkdir()
    (reports / "best_countries.sql").write_text(BEST_COUNTRIES, encoding="utf-8")
    (reports / "names_of_best.sql").write_text(NAMES_OF_BEST, encoding="utf-8")
    (reports / "whole_channels.sql").write_text(WHOLE_CHANNELS, encoding="utf-8")
    (reports / "dim_country_of_channel.sql").write_text(DIM_COUNTRY_OF_CHANNEL, encoding="utf-8")
    workspace = replace(workspace)  # reads the project anew
    build(workspace)
    return workspace


def by_country(viewing: Viewing, channels: Any) -> dict[tuple[str, ...], tuple[int, int]]:
    rows, records, seconds = rows_by_key(channels), Counter[Any](), Counter[Any]()
    for viewing_date, _, channel_id, length, *_ in viewing.records:
        row = row_on(rows, channel_id, str(viewing_date))
        figure = (str(viewing_date), "(unmapped)" if row is None else row["country_id"])
        records[figure] += 1
        seconds[figure] += length
    return {figure: (records[figure], seconds[figure]) for figure in records}


def test_a_mart_added_as_the_documents_say_is_built_and_rehearsed(
    spark: Any, market: Workspace
) -> None:
    viewing = Viewing(spark, market)
    state, _ = market.registry.approved_rows("channel")
    before = shown(spark, market, MART)
    assert before == by_country(viewing, state)
    viewed = sorted({record[2] for record in viewing.records} & {one[0] for one in state})[:9]
    changed = {
        one: {**row, "country_id": "NA"} if one[0] in viewed else row for one, row in state.items()
    }
    changes = diff("channel", state, changed)
    contracts = {"channel": market.contract("channel").hash}
    change_set = ChangeSet("ana", "other countries", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    impact = preview(market, [change_set.id])
    (mart,) = (one for one in impact.marts if one.name == MART)
    assert not any(one.figures for one in impact.marts if one != mart)
    after = moved(before, mart)
    assert mart.figures
    assert after == by_country(viewing, apply(state, changes)[0])
    models = {one.name: one for one in impact.models}
    best, names = models.pop("best_countries"), models.pop("names_of_best")
    whole, by_name = models.pop("whole_channels"), models.pop("dim_country_of_channel")
    assert not models
    edited = sum(row != state[identity] for identity, row in changed.items())
    assert edited
    assert (whole.rows_before, whole.rows_after) == (len(state), len(state))
    assert (whole.removed, whole.added) == (edited, edited)
    assert whole.columns.count("world") == 1
    countries = [
        Counter((key[0], row["country_id"]) for key, row in rows.items() if row["country_id"])
        for rows in (state, apply(state, changes)[0])
    ]
    assert (by_name.rows_before, by_name.rows_after) == tuple(one.total() for one in countries)
    assert by_name.removed == (countries[0] - countries[1]).total()
    assert by_name.added == (countries[1] - countries[0]).total()
    old, new = (places(one) for one in (before, after))
    assert (best.removed, best.added) == (len(old - new), len(new - old))
    assert (best.rows_before, best.rows_after) == (len(before), len(after))
    rows = [channels_of_best(places_of, state) for places_of in (old,)]
    rows.append(channels_of_best(new, apply(state, changes)[0]))
    assert (names.rows_before, names.rows_after) == tuple(one.total() for one in rows)
    assert (names.removed, names.added) == (
        (rows[0] - rows[1]).total(),
        (rows[1] - rows[0]).total(),
    )
    assert best.removed
    assert names.added


Sums = dict[tuple[str, ...], tuple[int, ...]]
TWO, THREE = ("records", "seconds"), ("records", "seconds", "long_seconds")


def shown(spark: Any, market: Workspace, mart: str, measures: tuple[str, ...] = TWO) -> Sums:
    rows = spark.table(market.table(mart, "published")).collect()
    grain = min(rows[0].__fields__.index(one) for one in measures)
    return {tuple(map(str, row[:grain])): tuple(row[one] for one in measures) for row in rows}


def moved(before: Sums, mart: MartImpact, measures: tuple[str, ...] = TWO) -> Sums:
    after = dict(before)
    for figure in mart.figures:
        after.pop(figure.grain, None)
        if figure.change != "removed":
            after[figure.grain] = tuple(figure.after[one] for one in measures)
    return after


def by_market_now(viewing: Viewing, areas: Any) -> Sums:
    """Return records, seconds, and seconds of long stays."""
    rows, found = rows_by_key(areas), dict[Any, Any]()
    last_day = str(max(one[0] for one in viewing.records))
    for viewing_date, device, _, length, _, mode, *_ in viewing.records:
        row = row_now(rows, viewing.device_on(device, viewing_date)[1], last_day)
        figure = (str(viewing_date), str(row and row["market_id"]), mode)
        records, seconds, long = found.get(figure, (0, 0, 0))
        found[figure] = (records + 1, seconds + length, long + (length if length > 600 else 0))
    return found


def denominators(figures: Sums, place: int, measure: int) -> Counter[Any]:
    """Return the sums of a measure by day and one other column of the grain."""
    found = Counter[Any]()
    for grain, values in figures.items():
        found[grain[0], grain[place]] += values[measure]
    return found


def test_a_mart_by_the_market_that_an_area_is_in_now_is_rehearsed(
    spark: Any, market: Workspace
) -> None:
    viewing = Viewing(spark, market)
    state, _ = market.registry.approved_rows("area")
    before = shown(spark, market, MARKETS_NOW, THREE)
    assert any(grain[1] == "None" for grain in before)
    assert any(not long for *_, long in before.values())
    assert before == by_market_now(viewing, state)
    corrected, split, retired, deleted = sorted(state)[:4]
    other = next(
        row["market_id"]
        for row in state.values()
        if row["market_id"] not in {state[one]["market_id"] for one in (corrected, split)}
    )
    last = DAYS[2]
    changed: dict[Any, Any] = {one: row for one, row in state.items() if one != deleted}
    changed[corrected] = {**state[corrected], "market_id": other}
    changed[split] = {**state[split], "valid_to": last}
    changed[(split[0], last)] = {**state[split], "market_id": other, "valid_from": last}
    changed[retired] = {**state[retired], "valid_to": DAYS[1]}
    changes = diff("area", state, changed)
    contracts = {"area": market.contract("area").hash}
    change_set = ChangeSet("ana", "other markets", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    impact = preview(market, [change_set.id])
    (mart,) = (one for one in impact.marts if one.name == MARKETS_NOW)
    after = moved(before, mart, THREE)
    assert after == by_market_now(viewing, changed)
    for name, place, measure in (("of_mode", 2, 2), ("of_market", 1, 1)):
        sums = denominators(after, place, measure)
        for figure in mart.figures:
            expected = sums[figure.grain[0], figure.grain[place]]
            assert figure.after[f"{name}_denominator"] == expected, (name, figure.grain)
    record_receipt(market, impact)
    approve(acting(market, "rob"), change_set.id)
    promote(acting(market, "rob"), change_set.id)  # whole periods are compared, nulls and all
    assert shown(spark, market, MARKETS_NOW, THREE) == after
    days = {str(one[0]) for one in viewing.records}
    assert {grain[0] for grain in after if before.get(grain) != after[grain]} == days


def test_a_measure_may_come_and_go_and_a_mart_be_dropped_while_its_past_stays(
    spark: Any, market: Workspace
) -> None:
    from delta.tables import DeltaTable

    sql = market.project / "models" / "audience" / f"{MARKETS_NOW}.sql"
    properties = sql.with_name("audience.yml")
    texts = {path: path.read_text(encoding="utf-8") for path in (sql, properties)}
    before, number = shown(spark, market, MARKETS_NOW, THREE), newest(spark, market)

    def with_other(path: Path, one: str, other: str) -> Workspace:
        assert texts[path].count(one) == 1
        path.write_text(texts[path].replace(one, other), encoding="utf-8")
        return replace(market)  # reads the project anew

    starts = "sum(case when viewing.is_session_start then 1 else 0 end) as sessions"
    with_other(sql, "count(*) as records,", f"count(*) as records,\n    {starts},")
    of_long = "long_seconds: {label: Long stays, type: integer, over: records}\n"
    of_starts = of_long.replace("long_seconds", "sessions")
    build(with_other(properties, of_long, f"{of_long}            {of_starts}"))
    told = shown(spark, market, MARKETS_NOW, (*THREE, "sessions"))
    assert {grain: values[:3] for grain, values in told.items()} == before
    assert sum(one[3] for one in told.values()) == sum(
        bool(record[4]) for record in Viewing(spark, market).records
    )
    rows = as_of(replace(market), MARKETS_NOW, publication=number).collect()
    assert len(rows) == len(before)
    assert {row["sessions"] for row in rows} == {None}
    assert not verify(replace(market))[1]

    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    build(replace(market))
    assert shown(spark, market, MARKETS_NOW, THREE) == before
    of_bigint, of_decimal = (f"cast(viewing.seconds as {one})" for one in ("bigint", "decimal(20)"))
    with pytest.raises(EngineError, match="seconds is bigint in what is published"):
        build(with_other(sql, of_bigint, of_decimal))
    with_other(sql, "count(*) as records,", "'x' as other_mode,\n    count(*) as records,")
    with pytest.raises(EngineError, match="has another grain"):
        build(
            with_other(
                properties, "market_id, playback_mode]", "market_id, playback_mode, other_mode]"
            )
        )
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    build(replace(market))
    assert shown(spark, market, MARKETS_NOW, THREE) == before
    areas, _ = market.registry.approved_rows("area")
    ids = sorted({row["market_id"] for row in areas.values() if row["market_id"]})
    changed = {one: {**row, "market_id": ids[0]} for one, row in areas.items()}
    changes = diff("area", areas, changed)
    contracts = {"area": market.contract("area").hash}
    change_set = ChangeSet("ana", "one market", "edit", 1, "test", "", contracts, changes)
    record(market, change_set)
    record_receipt(market, preview(market, [change_set.id]))
    approve(acting(market, "rob"), change_set.id)
    promote(acting(market, "rob"), change_set.id)  # with a column that is no measure any more
    assert shown(spark, market, MARKETS_NOW, THREE) == by_market_now(
        Viewing(spark, market), market.registry.approved_rows("area")[0]
    )

    sql.unlink()
    entries = re.split(r"(?m)^(?=  - name: )", texts[properties])
    kept = [one for one in entries if not one.startswith(f"  - name: {MARKETS_NOW}\n")]
    properties.write_text("".join(kept), encoding="utf-8")
    build(replace(market))
    assert not spark.catalog.tableExists(market.table(MARKETS_NOW, "published"))
    assert not spark.catalog.tableExists(market.table(MARKETS_NOW))
    assert not verify(replace(market))[1], "what readers saw of it then is still there"
    versions = DeltaTable.forName(spark, market.table(f"{MARKETS_NOW}__versions"))
    versions.update("published_to is null", {"seconds": "seconds + 1"})
    assert {one.where for one in verify(replace(market))[1]} == {MARKETS_NOW}
    versions.update("published_to is null", {"seconds": "seconds - 1"})
    assert not verify(replace(market))[1]


def places(figures: dict[tuple[str, ...], tuple[int, int]]) -> set[tuple[str, str, int, int]]:
    return {
        (
            day,
            country,
            seconds,
            1 + sum(s > seconds for (d, _), (_, s) in figures.items() if d == day),
        )
        for (day, country), (_, seconds) in figures.items()
    }


def channels_of_best(best: Any, channels: Any) -> Counter[Any]:
    return Counter(
        (day, row["channel_id"], place)
        for day, country, _, place in best
        if place <= 2
        for row in channels.values()
        if row["country_id"] == country
    )
