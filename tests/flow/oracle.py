"""A slow and obvious oracle: all figures of all marts, record by record, in plain Python.

It shares no line with the SQL: dimensions come from the replayed change sets, records from the
viewing table, and each figure is added up by itself.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from foreview.changes import State

GRAINS = {
    "audience_by_channel_day": ("viewing_date", "channel_sk", "playback_mode"),
    "audience_by_channel_minute": ("viewing_date", "channel_sk", "minute_of_day", "playback_mode"),
    "audience_by_network_day": ("viewing_date", "network_id", "playback_mode"),
    "audience_by_network_day_now": ("viewing_date", "network_id", "playback_mode"),
    "audience_by_network_group_day": ("viewing_date", "network_group_id", "playback_mode"),
    "audience_by_market_day": ("viewing_date", "market_id", "network_id", "playback_mode"),
    "audience_by_market_week": ("week_start_date", "market_id", "network_id", "playback_mode"),
    "audience_by_programme": (
        "broadcast_date",
        "channel_id",
        "airing_id",
        "programme_id",
        "genre_id",
        "viewing_window",
    ),
}
WITHIN = {
    "audience_by_channel_day": (0, 2),
    "audience_by_network_day": (0, 2),
    "audience_by_network_day_now": (0, 2),
    "audience_by_network_group_day": (0, 2),
    "audience_by_market_day": (0, 1, 3),
    "audience_by_market_week": (0, 1, 3),
}
PROGRAMME = "audience_by_programme"
MINUTE = "audience_by_channel_minute"
WINDOWS = {"live": -1, "same-day": 0, "live+3": 3, "live+7": 7}
LOCAL = ZoneInfo("America/New_York")
MEASURES = ("records", "seconds", "weighted_seconds", "sessions", "reach", "weighted_reach")

Figures = dict[str, dict[tuple[str, ...], dict[str, Any]]]


class Viewing:
    """The records and devices of a workspace, read once; without Spark from their files."""

    def __init__(self, spark: Any | None, workspace: Any) -> None:
        columns = (
            "viewing_date",
            "device_id",
            "channel_id",
            "seconds",
            "is_session_start",
            "playback_mode",
            "content_at",
            "started_at",
        )
        found = _rows(spark, workspace, "fct_viewing")
        self.records = [tuple(row[name] for name in columns) for row in found]
        devices = _rows(spark, workspace, "device", "landing")
        self.loads = sorted({row["load_date"] for row in devices})
        self.devices = {
            (row["device_id"], row["load_date"]): (
                row["household_id"],
                row["area_id"],
                row["weight"],
            )
            for row in devices
        }

    def device_on(self, device_id: int, day: date) -> tuple[int | None, str | None, Decimal]:
        """Return household, area and weight, as the newest load of that day has them."""
        load = max((one for one in self.loads if one <= day), default=None)
        return self.devices.get((device_id, load), (None, None, Decimal(0)))


def _rows(spark: Any | None, workspace: Any, *name: str) -> Any:
    if spark is not None:
        return spark.table(workspace.table(*name)).toArrow().to_pylist()
    from deltalake import DeltaTable

    return DeltaTable(workspace.folder(*name)).to_pyarrow_table().to_pylist()


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


def row_now(rows: Mapping[str, list[Mapping[str, Any]]], key: Any, day: str) -> Any:
    begun = [row for row in rows.get(key, ()) if row["valid_from"] <= day]
    return max(begun, key=lambda row: row["valid_from"], default=None)


def monday(day: str) -> str:
    date_of_day = date.fromisoformat(day)
    return str(date_of_day - timedelta(days=date_of_day.weekday()))


def columns_of(mart: str) -> tuple[str, ...]:
    """Return what is compared of a mart's figures."""
    if mart == PROGRAMME:
        return (*(one for one in MEASURES if one != "sessions"), "airing_seconds")
    if mart == MINUTE:
        return ("records", "seconds", "weighted_seconds", "minute_seconds")
    return (*MEASURES, "share_denominator", clock_column(mart))


def clock_column(mart: str) -> str:
    return "week_seconds" if "week" in mart else "day_seconds"


def clock_seconds(mart: str, first_day: str) -> int:
    """Return the seconds of a broadcast day, or of a week of them: 05:00 to 05:00 by the clock."""
    first = date.fromisoformat(first_day)
    ends = (first, first + timedelta(days=7 if "week" in mart else 1))
    begin, end = (datetime(one.year, one.month, one.day, 5, tzinfo=LOCAL) for one in ends)
    return int((end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds())


def figures(
    viewing: Viewing,
    channels: State,
    keys: State,
    areas: State,
    networks: State,
    airings: State,
    programmes: State,
) -> Figures:
    """Return each mart's figures: measures and the denominator of share, by grain."""
    by_channel, by_key, by_area, by_network = map(rows_by_key, (channels, keys, areas, networks))
    sums: Any = {mart: defaultdict(lambda: [0, 0, Decimal(0), 0]) for mart in WITHIN}
    reached: Any = {mart: defaultdict(dict) for mart in WITHIN}
    minutes: Any = defaultdict(lambda: [0, 0, Decimal(0)])
    attributes: dict[Any, Any] = {}
    last_day = str(max(record[0] for record in viewing.records))
    for viewing_date, device_id, channel_id, seconds, is_start, mode, _, begin in viewing.records:
        day = str(viewing_date)
        household, area_id, weight = viewing.device_on(device_id, viewing_date)
        found = attributes.get((channel_id, day))
        if found is None:
            row = row_on(by_channel, channel_id, day)
            identity = row_on(by_key, channel_id, day)
            network = "(unmapped)" if row is None else row["network_id"] or "(none)"
            sk = identity["channel_sk"] if identity else channel_id
            of_network = row_on(by_network, row["network_id"] if row else None, day)
            group = "(unmapped)" if of_network is None else of_network["network_group_id"]
            sk = sk if row else "(unmapped)"
            row = row_now(by_channel, channel_id, last_day)
            now = "(unmapped)" if row is None else row["network_id"] or "(none)"
            found = attributes[channel_id, day] = (sk, network, group or "(none)", now)
        sk, network, group, now = found
        for minute, piece in _minutes(begin.replace(tzinfo=UTC), seconds, viewing_date):
            one = minutes[day, sk, str(minute), mode]
            one[0] += 1
            one[1] += piece
            one[2] += piece * weight
        area = row_on(by_area, area_id, day)
        market = "(unmapped)" if area is None else area["market_id"] or "(none)"
        for mart, grain in (
            ("audience_by_channel_day", (day, sk, mode)),
            ("audience_by_network_day", (day, network, mode)),
            ("audience_by_network_day_now", (day, now, mode)),
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
    found = {mart: _finished(mart, sums[mart], reached[mart]) for mart in WITHIN}
    found[MINUTE] = {
        grain: {
            "records": one[0],
            "seconds": one[1],
            "weighted_seconds": one[2],
            "minute_seconds": 60,
        }
        for grain, one in minutes.items()
    }
    return found | {PROGRAMME: _of_programmes(viewing, airings, programmes)}


def _minutes(begin: datetime, seconds: int, day: date) -> Any:
    """Each minute of the broadcast day that a stay is in, and its seconds there."""
    began = datetime(day.year, day.month, day.day, 5, tzinfo=LOCAL).astimezone(UTC)
    at = _whole(began, begin)
    end = at + seconds
    while at < end:
        stop = min(end, at - at % 60 + 60)
        yield at // 60, stop - at
        at = stop


def broadcast_day(instant: datetime) -> date:
    return (instant.astimezone(LOCAL).replace(tzinfo=None) - timedelta(hours=5)).date()


def _schedule(airings: State, programmes: State) -> Any:
    """Each channel's programmes: start, end, broadcast day, airing, programme and genre."""
    by_programme = rows_by_key(programmes)
    found: Any = defaultdict(list)
    for row in airings.values():
        start, end = (
            datetime.fromisoformat(row[name] or "").replace(tzinfo=UTC)
            for name in ("starts_at", "ends_at")
        )
        day = broadcast_day(start)
        holds = (row["valid_from"] or "") <= str(day) and (row["valid_to"] or "9") > str(day)
        if row["layer"] != "programme" or row["feed"] or not holds:
            continue
        programme = row_on(by_programme, row["programme_id"], str(day))
        genre = "(unmapped)" if programme is None else programme["genre_id"] or "(none)"
        names = (row["airing_id"], row["programme_id"] or "(none)", genre)
        found[row["channel_id"]].append((start, end, day, *names))
    return {channel: sorted(rows) for channel, rows in found.items()}


def _of_programmes(viewing: Viewing, airings: State, programmes: State) -> Any:
    schedule = _schedule(airings, programmes)
    sums: Any = defaultdict(lambda: [0, 0, Decimal(0), None])
    reached: Any = defaultdict(dict)
    for viewing_date, device_id, channel, length, _, mode, content, _ in viewing.records:
        if content is None:
            continue
        household, _, weight = viewing.device_on(device_id, viewing_date)
        begin = content.replace(tzinfo=UTC)
        for seconds, day, airing_seconds, names in _pieces(
            schedule.get(channel, []), begin, length
        ):
            delay = -1 if mode == "live" else (viewing_date - day).days
            for window, most in WINDOWS.items():
                if delay > most:
                    continue
                grain = (str(day), channel, *names, window)
                one = sums[grain]
                one[0] += 1
                one[1] += seconds
                one[2] += seconds * weight
                one[3] = airing_seconds
                if household is not None and seconds >= 60:
                    reached[grain][household] = max(weight, reached[grain].get(household, weight))
    return {
        grain: {
            "records": one[0],
            "seconds": one[1],
            "weighted_seconds": one[2],
            "reach": len(reached.get(grain, {})),
            "weighted_reach": sum(reached.get(grain, {}).values(), Decimal(0)),
            "airing_seconds": one[3],
        }
        for grain, one in sums.items()
    }


def _pieces(airings: Any, begin: datetime, length: int) -> Any:
    """Cut a stay where airings do: seconds, broadcast day, the airing's length, names."""
    end = begin + timedelta(seconds=length)
    at = begin
    for start, stop, day, *names in airings:
        if stop <= begin or start >= end:
            continue
        if start > at:
            yield _whole(at, start), broadcast_day(begin), None, ("(unmapped)",) * 3
        at = min(stop, end)
        yield _whole(max(start, begin), at), day, _whole(start, stop), tuple(names)
    if at < end:
        yield _whole(at, end), broadcast_day(begin), None, ("(unmapped)",) * 3


def _whole(start: datetime, end: datetime) -> int:
    return int(end.timestamp()) - int(start.timestamp())


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
            clock_column(mart): clock_seconds(mart, grain[0]),
        }
        for grain, one in sums.items()
    }


def published(spark: Any, workspace: Any, marts: Collection[str] = tuple(GRAINS)) -> Figures:
    """Return what readers see, in the oracle's form."""
    found: Figures = {}
    for mart in marts:
        grain = GRAINS[mart]
        rows = spark.table(workspace.table(mart, "published")).toArrow().to_pylist()
        found[mart] = {
            tuple(str(row[name]) for name in grain): {name: row[name] for name in columns_of(mart)}
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
                shown = {name: figure.after[name] for name in columns_of(mart.name)}
                after[mart.name][figure.grain] = shown
    return after


def assert_same(found: Figures, expected: Figures) -> None:
    for mart, figures_expected in expected.items():
        missing = figures_expected.keys() - found[mart].keys()
        extra = found[mart].keys() - figures_expected.keys()
        assert not missing, f"{mart}: {len(missing)} figures missing, first {min(missing)}"
        assert not extra, f"{mart}: {len(extra)} figures too many, first {min(extra)}"
        for grain, values in figures_expected.items():
            assert found[mart][grain] == values, (mart, grain, found[mart][grain], values)


RANKED = {**WITHIN, PROGRAMME: (0, 5)}


def rank_changes(mart: str, before: Figures, after: Figures) -> dict[Any, Any]:
    """Return the places of figures among the first hundred of their like that differ."""
    old, new = (_ranks(mart, one[mart]) for one in (before, after))
    pairs = {grain: (old.get(grain), new.get(grain)) for grain in {*old, *new}}
    return {
        grain: pair
        for grain, pair in pairs.items()
        if pair[0] != pair[1] and min(one for one in pair if one) <= 100
    }


def _ranks(mart: str, figures: Any) -> dict[Any, int]:
    if mart not in RANKED:
        return {}
    groups: Any = defaultdict(list)
    for grain, values in figures.items():
        groups[tuple(grain[place] for place in RANKED[mart])].append((values["seconds"], grain))
    return {
        grain: 1 + sum(other > seconds for other, _ in group)
        for group in groups.values()
        for seconds, grain in group
    }
