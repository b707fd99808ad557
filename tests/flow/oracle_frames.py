"""The oracle of `oracle.py` over millions of records: the same sums by pandas, all from scratch.

All marts but those of programmes and of minutes. Weights are integers in ten-thousandths, so every
sum is exact.
`test_what_if_equals_rebuild` compares it with the plain oracle.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
from oracle import (
    GRAINS,
    MEASURES,
    MINUTE,
    PROGRAMME,
    WITHIN,
    monday,
    row_now,
    row_on,
    rows_by_key,
)

from foreview.changes import State

COLUMNS = [*MEASURES, "share_denominator"]
MARTS = {mart: grain for mart, grain in GRAINS.items() if mart not in (PROGRAMME, MINUTE)}
NOW = "audience_by_network_day_now"
WEIGHTED = ("weighted_seconds", "weighted_reach")

Frames = dict[str, pd.DataFrame]
"""Each mart's figures: columns `COLUMNS` as int64, indexed by the mart's grain as text."""


class ViewingFrame:
    """The records of a workspace with their device's household, area and weight, read once."""

    def __init__(self, spark: Any, workspace: Any) -> None:
        from pyspark.sql import functions as f

        devices = spark.table(workspace.table("device", "landing"))
        load = f.lit(None)
        for (day,) in devices.select("load_date").distinct().orderBy("load_date").collect():
            load = f.when(f.col("viewing_date") >= f.lit(day), f.lit(day)).otherwise(load)
        self.records = (
            spark.table(workspace.table("fct_viewing"))
            .withColumn("load_date", load)
            .join(devices, ["device_id", "load_date"], "left")
            .selectExpr(
                "string(viewing_date) as viewing_date",
                "channel_id",
                "playback_mode",
                "seconds",
                "int(is_session_start) as sessions",
                "coalesce(household_id, -1) as household",
                "coalesce(area_id, '') as area_id",
                "bigint(coalesce(weight, 0) * 10000) as weight",
            )
            .toArrow()
            .to_pandas()
        )
        for name in ("viewing_date", "channel_id", "playback_mode", "area_id"):
            self.records[name] = self.records[name].astype("category")


def figures(
    viewing: ViewingFrame,
    channels: State,
    keys: State,
    areas: State,
    networks: State,
    *_of_schedules: State,
) -> Frames:
    """Return the figures of `MARTS` over all viewing and these rows of the dimensions."""
    by_channel, by_key, by_area, by_network = map(rows_by_key, (channels, keys, areas, networks))

    def network(channel: str, day: str) -> str:
        row = row_on(by_channel, channel, day)
        return "(unmapped)" if row is None else row["network_id"] or "(none)"

    last_day = max(viewing.records["viewing_date"].cat.categories)

    def network_now(channel: str, _day: str) -> str:
        row = row_now(by_channel, channel, last_day)
        return "(unmapped)" if row is None else row["network_id"] or "(none)"

    def group(channel: str, day: str) -> str:
        row = row_on(by_channel, channel, day)
        of_network = row_on(by_network, row["network_id"] if row else None, day)
        return "(unmapped)" if of_network is None else of_network["network_group_id"] or "(none)"

    def identity(channel: str, day: str) -> str:
        if row_on(by_channel, channel, day) is None:
            return "(unmapped)"
        row = row_on(by_key, channel, day)
        return row["channel_sk"] if row else channel

    def market(area: str, day: str) -> str:
        row = row_on(by_area, area, day)
        return "(unmapped)" if row is None else row["market_id"] or "(none)"

    records = viewing.records.assign(
        channel_sk=_looked_up(viewing.records, "channel_id", identity),
        network_id=_looked_up(viewing.records, "channel_id", network),
        network_group_id=_looked_up(viewing.records, "channel_id", group),
        market_id=_looked_up(viewing.records, "area_id", market),
        week_start_date=viewing.records["viewing_date"].map(monday),
        weighted_seconds=viewing.records["seconds"] * viewing.records["weight"],
    )
    now = _looked_up(viewing.records, "channel_id", network_now)
    return {
        mart: _figures_of(
            records.assign(network_id=now) if mart == NOW else records, list(grain), WITHIN[mart]
        )
        for mart, grain in MARTS.items()
    }


def _looked_up(records: pd.DataFrame, column: str, attribute: Any) -> pd.Categorical:
    keys, days = records[column].cat, records["viewing_date"].cat
    values = [attribute(key, day) for key in keys.categories for day in days.categories]
    codes, names = pd.factorize(pd.array(values, dtype="str"))
    place = keys.codes.astype("int64") * len(days.categories) + days.codes
    return pd.Categorical.from_codes(codes[place], categories=names)


def _figures_of(records: pd.DataFrame, grain: list[str], within: tuple[int, ...]) -> pd.DataFrame:
    figures = records.groupby(grain, observed=True).agg(
        records=("seconds", "size"),
        seconds=("seconds", "sum"),
        weighted_seconds=("weighted_seconds", "sum"),
        sessions=("sessions", "sum"),
    )
    reached = records[(records["seconds"] >= 60) & (records["household"] >= 0)]
    reached = reached.drop_duplicates([*grain, "household"]).groupby(grain, observed=True)
    figures["reach"] = reached.size()
    figures["weighted_reach"] = reached["weight"].sum()
    figures = figures.fillna(0)
    totals = figures.groupby([grain[place] for place in within], observed=True)["seconds"]
    figures["share_denominator"] = totals.transform("sum")
    return _as_text(figures.reset_index(), grain)


def _as_text(frame: pd.DataFrame, grain: list[str]) -> pd.DataFrame:
    for name in grain:
        frame[name] = frame[name].astype("str")
    return frame.set_index(grain)[COLUMNS].astype("int64").sort_index()


def published(spark: Any, workspace: Any, marts: Collection[str] = MARTS) -> Frames:
    """Return what readers see of marts, in the oracle's form."""
    found = {}
    for mart in marts:
        grain = MARTS[mart]
        columns = [
            f"bigint({name} * 10000) as {name}" if name in WEIGHTED else name for name in COLUMNS
        ]
        rows = spark.table(workspace.table(mart, "published")).selectExpr(*grain, *columns)
        found[mart] = _as_text(rows.toArrow().to_pandas(), list(grain))
        assert found[mart].index.is_unique, f"{mart} shows a figure twice"
    return found


def with_impact(before: Frames, impact: Any) -> Frames:
    """Return figures after an impact is applied; what it says of before must be so."""
    after = {}
    for mart in impact.marts:
        if mart.name not in MARTS:
            continue
        old = _side(mart, "before", "added")
        new = _side(mart, "after", "removed")
        shown = before[mart.name]
        pd.testing.assert_frame_equal(shown.loc[old.index], old)
        after[mart.name] = pd.concat([shown.drop(old.index), new]).sort_index()
        assert after[mart.name].index.is_unique, f"{mart.name}: an added figure was there"
    return after


def _side(mart: Any, side: str, missing: str) -> pd.DataFrame:
    rows = [
        (*one.grain, *(_integer(name, getattr(one, side)) for name in COLUMNS))
        for one in mart.figures
        if one.change != missing
    ]
    return _as_text(pd.DataFrame(rows, columns=[*mart.grain, *COLUMNS]), list(mart.grain))


def _integer(name: str, values: Mapping[str, Any]) -> int:
    return int(Decimal(values[name]) * 10_000) if name in WEIGHTED else int(values[name])


def assert_same(found: Frames, expected: Frames, marts: Collection[str] = MARTS) -> None:
    assert found.keys() == set(marts)
    for mart in marts:
        pd.testing.assert_frame_equal(found[mart], expected[mart], obj=mart)
