"""A slow and obvious oracle: all figures of all marts, record by record, in plain Python.

It shares no line with the SQL: dimensions come from the replayed change sets, records from the
viewing table, and each figure is added up by itself.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from foreview.changes import State

GRAINS = {
    "audience_by_channel_day": ("viewing_date", "channel_sk", "playback_mode"),
    "audience_by_network_day": ("viewing_date", "network_id", "playback_mode"),
    "audience_by_network_group_day": ("viewing_date", "network_group_id", "playback_mode"),
    "audience_by_market_day": ("viewing_date", "market_id", "network_id", "playback_mode"),
    "audience_by_market_week": ("week_start_date", "market_id", "network_id", "playback_mode"),
}
WITHIN = {
    "audience_by_channel_day": (0, 2),
    "audience_by_network_day": (0, 2),
    "audience_by_network_group_day": (0, 2),
    "audience_by_market_day": (0, 1, 3),
    "audience_by_market_week": (0, 1, 3),
}
MEASURES = ("records", "seconds", "weighted_seconds", "sessions", "reach", "weighted_reach")

Figures = dict[str, dict[tuple[str, ...], dict[str, Any]]]


class Viewing:
    """The records and devices of a workspace, read once."""

    def __init__(self, spark: Any, workspace: Any) -> None:
        columns = (
            "viewing_date",
            "device_id",
            "channel_id",
            "seconds",
            "is_session_start",
            "playback_mode",
        )
        table = spark.table(workspace.table("fct_viewing")).select(*columns)
        self.records = [tuple(row.values()) for row in table.toArrow().to_pylist()]
        devices = spark.table(workspace.table("device", "landing")).toArrow().to_pylist()
        self.devices = {
            row["device_id"]: (row["household_id"], row["area_id"], row["weight"])
            for row in devices
        }


def rows_by_key(state: State) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for identity, row in state.items():
        found[identity[0]].append(row)
    return found


def row_on(rows: Mapping[str, list[Mapping[str, Any]]], key: Any, day: str) -> Any:
    for row in rows.get(key, ()):
        if row["valid_from"] <= day and (row["valid_to"] is None or row["valid_to"] > day):
            return row
    return None


def monday(day: str) -> str:
    date_of_day = date.fromisoformat(day)
    return str(date_of_day - timedelta(days=date_of_day.weekday()))


def figures(
    viewing: Viewing, channels: State, keys: State, areas: State, networks: State
) -> Figures:
    """Return each mart's figures: measures and the denominator of share, by grain."""
    by_channel, by_key, by_area, by_network = map(rows_by_key, (channels, keys, areas, networks))
    sums: Any = {mart: defaultdict(lambda: [0, 0, Decimal(0), 0]) for mart in GRAINS}
    reached: Any = {mart: defaultdict(dict) for mart in GRAINS}
    attributes: dict[Any, Any] = {}
    for viewing_date, device_id, channel_id, seconds, is_start, mode in viewing.records:
        day = str(viewing_date)
        household, area_id, weight = viewing.devices.get(device_id, (None, None, Decimal(0)))
        found = attributes.get((channel_id, day))
        if found is None:
            row = row_on(by_channel, channel_id, day)
            identity = row_on(by_key, channel_id, day)
            network = "(unmapped)" if row is None else row["network_id"] or "(none)"
            sk = identity["channel_sk"] if identity else channel_id
            of_network = row_on(by_network, row["network_id"] if row else None, day)
            group = "(unmapped)" if of_network is None else of_network["network_group_id"]
            sk = sk if row else "(unmapped)"
            found = attributes[channel_id, day] = (sk, network, group or "(none)")
        sk, network, group = found
        area = row_on(by_area, area_id, day)
        market = "(unmapped)" if area is None else area["market_id"] or "(none)"
        for mart, grain in (
            ("audience_by_channel_day", (day, sk, mode)),
            ("audience_by_network_day", (day, network, mode)),
            ("audience_by_network_group_day", (day, group, mode)),
            ("audience_by_market_day", (day, market, network, mode)),
            ("audience_by_market_week", (monday(day), market, network, mode)),
        ):
            one = sums[mart][grain]
            one[0] += 1
            one[1] += seconds
            one[2] += seconds * weight
            one[3] += bool(is_start)
            if household is not None and seconds >= 60:
                reached[mart][grain][household] = weight
    return {mart: _finished(mart, sums[mart], reached[mart]) for mart in GRAINS}


def _finished(mart: str, sums: Any, reached: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    totals: dict[Any, int] = defaultdict(int)
    for grain, one in sums.items():
        totals[tuple(grain[place] for place in WITHIN[mart])] += one[1]
    return {
        grain: {
            "records": one[0],
            "seconds": one[1],
            "weighted_seconds": one[2],
            "sessions": one[3],
            "reach": len(reached.get(grain, {})),
            "weighted_reach": sum(reached.get(grain, {}).values(), Decimal(0)),
            "share_denominator": totals[tuple(grain[place] for place in WITHIN[mart])],
        }
        for grain, one in sums.items()
    }


def published(spark: Any, workspace: Any) -> Figures:
    """Return what readers see, in the oracle's form."""
    found: Figures = {}
    for mart, grain in GRAINS.items():
        rows = spark.table(workspace.table(mart, "published")).toArrow().to_pylist()
        found[mart] = {
            tuple(str(row[name]) for name in grain): {
                name: row[name] for name in (*MEASURES, "share_denominator")
            }
            for row in rows
        }
        assert len(found[mart]) == len(rows), f"{mart} shows a figure twice"
    return found


def with_impact(before: Figures, impact: Any) -> Figures:
    """Return figures after an impact is applied to them."""
    after = {mart: dict(found) for mart, found in before.items()}
    for mart in impact.marts:
        for figure in mart.figures:
            if figure.change == "added":
                assert figure.grain not in before[mart.name]
            else:
                shown = {name: figure.before[name] for name in before[mart.name][figure.grain]}
                assert shown == before[mart.name][figure.grain], (mart.name, figure)
            if figure.change == "removed":
                del after[mart.name][figure.grain]
            else:
                names = (*MEASURES, "share_denominator")
                after[mart.name][figure.grain] = {name: figure.after[name] for name in names}
    return after


def assert_same(found: Figures, expected: Figures) -> None:
    for mart, figures_expected in expected.items():
        missing = figures_expected.keys() - found[mart].keys()
        extra = found[mart].keys() - figures_expected.keys()
        assert not missing, f"{mart}: {len(missing)} figures missing, first {min(missing)}"
        assert not extra, f"{mart}: {len(extra)} figures too many, first {min(extra)}"
        for grain, values in figures_expected.items():
            assert found[mart][grain] == values, (mart, grain, found[mart][grain], values)
