"""Invented viewing, by Spark: what devices played, second by second.

Each value is a closed form of the seed and the row's number, by hash, so the rows do not depend on
partitions, engine settings or the order of anything. The laws:

- Device-days: a quarter watch nothing, a half little, a quarter much (one half of all stays is
  spread over three quarters of the device-days, the other over one quarter).
- Channels: Zipf's law with exponent 1 in its continuous form, rank = floor((n + 1) ** u), so that
  P(rank = k) = ln((k + 1) / k) / ln(n + 1); ranks by a shuffle of the codes by hash.
- Starts: a daily curve with its peak at nine in the evening, local time. The stays of a device-day
  are drawn one from each of equal shares of the curve.
- Lengths: log-normal with median 108 s and 90th percentile 1,358 s. A stay ends at the latest
  when the device's next one starts, so a device never plays two things at once; with less than
  about 30 stays a device-day that moves the percentiles by little.
- A stay that passes the end of its broadcast day is cut there into two records. Its second part
  is left out after the last day.
- Records arrive in the nightly batch of their day, or late, one to three batches after; at the
  latest in the last batch.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from foreview.errors import Problem, UsageError
from foreview.generate.draw import number, uniform
from foreview.generate.plan import Plan, whole
from foreview.viewing import LIVE, ON_DEMAND, TIME_SHIFTED, VIEWING_COLUMNS, BroadcastCalendar

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

MEDIAN_SECONDS = 108
NINETIETH_PERCENTILE_SECONDS = 1_358
LIVE_SHARE, TIME_SHIFTED_SHARE = 0.80, 0.15
UNKNOWN_CHANNELS = 50
PROGRAMMES = 20_000

_DAY = 86_400
_HOURS = (
    20,
    13,
    9,
    7,
    8,
    15,
    25,
    30,
    30,
    30,
    32,
    38,
    44,
    42,
    40,
    42,
    50,
    62,
    78,
    92,
    100,
    96,
    70,
    40,
)
_KNOTS = 256
_LEAST = 1e-9
_LEAST_SPREAD = 0.9
_LOAD_DELAY = 2 * 3_600
_DAYS_LATE = 3
_LONGEST_SHIFT = 7 * _DAY - 2 * 3_600
_Z90 = 1.2815515655446004


def generate_viewing(
    spark: SparkSession,
    *,
    rows: int,
    first_day: date,
    days: int,
    devices: int,
    channel_ids: Sequence[str],
    seed: int,
    time_zone: str,
    day_start: str = "05:00",
    late_share: float = 0.02,
    load_batch: int = 1,
    unknown_channel_share: float = 0.002,
    unknown_device_share: float = 0.001,
) -> DataFrame:
    """Return invented viewing; same arguments, same rows, however they are partitioned.

    Args:
        spark: The session.
        rows: Number of stays; those cut at the end of a day are two records, so there are
            slightly more records.
        first_day: The first broadcast day.
        days: Number of broadcast days.
        devices: Devices 1 to `devices` watch.
        channel_ids: The channels' codes; their order does not matter, codes count once.
        seed: Changes everything.
        time_zone: Name of the time zone of the broadcast day.
        day_start: Local time at which the broadcast day begins.
        late_share: Share of the records that arrive after their day's batch.
        load_batch: Number of the first day's batch; the others follow, one a day.
        unknown_channel_share: Share of the stays on codes that are no channel's.
        unknown_device_share: Share of the device-days of devices above `devices`.

    Returns:
        Records with exactly the columns of `foreview.viewing.VIEWING_COLUMNS`. No two records of
        a device overlap.

    Raises:
        UsageError: A number is out of range, or there are more rows than the devices can play.
    """
    from pyspark.sql import functions as f

    calendar = BroadcastCalendar(time_zone, day_start)
    channels = by_popularity(channel_ids, seed)
    plan = Plan(rows, devices, days, seed)
    curve = _curve(day_start)
    _check_sizes(plan, channels)
    broadcast_days = _broadcast_days(spark, calendar, first_day, days)
    parts = _parts(_stays(spark, plan, curve, broadcast_days), days)
    records = _records(parts, plan, len(channels), unknown_channel_share, unknown_device_share)
    late_days = f.when(
        f.col("late") < late_share,
        (f.col("late") * (_DAYS_LATE / max(late_share, _LEAST))).cast("int") + 1,
    ).otherwise(0)
    arrival = f.least(f.col("day") + f.col("part") + late_days, f.lit(days - 1))
    arrivals = broadcast_days.select(f.col("day").alias("arrival_day"), "loaded_at")
    return (
        records.withColumn("arrival_day", arrival)
        .withColumn("load_batch", f.col("arrival_day").cast("int") + load_batch)
        .join(f.broadcast(_channel_names(spark, channels)), "place", "left")
        .join(f.broadcast(arrivals), "arrival_day", "left")
        .select(*VIEWING_COLUMNS)
    )


def by_popularity(channel_ids: Iterable[str], seed: int) -> list[str]:
    """Return the channels' codes, each once, in the order in which generated viewing ranks them."""
    return sorted(set(channel_ids), key=lambda code: (number(seed, "channel", code), code))


def write_viewing(
    df: DataFrame, path: Path | str, *, file_format: str = "delta", files: int | None = None
) -> None:
    """Write viewing in folders by `load_batch`, sorted by channel within the broadcast day.

    Args:
        df: Records with the columns of `foreview.viewing.VIEWING_COLUMNS`.
        path: The folder; it is replaced.
        file_format: `delta` or `parquet`.
        files: About how many files; by default as many as the session shuffles into. A file of
            two million records takes about 20 MB.
    """
    order = ("load_batch", "viewing_date", "channel_id")
    ranged = df.repartitionByRange(files, *order) if files else df.repartitionByRange(*order)
    (
        ranged.sortWithinPartitions(*order, "device_id", "started_at")
        .write.format(file_format)
        .mode("overwrite")
        .partitionBy("load_batch")
        .save(str(path))
    )


def _check_sizes(plan: Plan, channels: Sequence[str]) -> None:
    if min(plan.rows, plan.devices, plan.days) < 1 or not channels:
        message = "Rows, devices, days and channels must each be at least one."
        raise UsageError(Problem("generate-size", message))
    if plan.pairs > 3_000_000_000:
        message = "Devices times days is more than 3,000,000,000."
        raise UsageError(Problem("generate-size", message, fix="Generate fewer days at a time."))
    if plan.spread < _LEAST_SPREAD:
        message = f"A device would play {plan.most_stays:,} stays in a day."
        raise UsageError(Problem("generate-size", message, fix="Ask for more devices or days."))


def _broadcast_days(
    spark: SparkSession, calendar: BroadcastCalendar, first_day: date, days: int
) -> DataFrame:
    """Return one row per day: number, date, start (epoch seconds), its and the next's length."""
    from pyspark.sql import functions as f

    def start(later: int) -> Column:
        return f.unix_seconds(calendar.starts_at(f.date_add("first_date", later)))

    return (
        spark.range(0, days, 1, 1)
        .select(
            f.col("id").alias("day"),
            f.date_add(f.lit(first_day), f.col("id").cast("int")).alias("first_date"),
        )
        .select(
            "day",
            "first_date",
            start(0).alias("day_start"),
            (start(1) - start(0)).alias("day_length"),
            (start(2) - start(1)).alias("next_length"),
            f.timestamp_seconds(start(1) + _LOAD_DELAY).alias("loaded_at"),
        )
    )


def _curve(day_start: str) -> list[int]:
    """Return the seconds since the day's start by which k/256 of the stays have started."""
    hours, minutes = map(int, day_start.split(":"))
    weights = [_HOURS[(hours * 60 + minutes + n) // 60 % 24] for n in range(1_440)]
    reached = [0, *accumulate(weights)]
    knots = []
    for k in range(_KNOTS):
        wanted = reached[-1] * k / _KNOTS
        minute = bisect_right(reached, wanted) - 1
        knots.append(int(60 * (minute + (wanted - reached[minute]) / weights[minute])))
    return [*knots, _DAY]


def _stays(
    spark: SparkSession, plan: Plan, curve: Sequence[int], broadcast_days: DataFrame
) -> DataFrame:
    """Return one row per stay: start (epoch), seconds in its day and in the next one.

    A stay has room until the device's next one: of the same day, else the first of the next day,
    else that day's end. Steps that are used more than once are columns: Spark keeps those apart.
    """
    from pyspark.sql import functions as f

    def draw(of_pair: str, slot: str, stays: str) -> Column:
        share = f.col(slot) + uniform(plan.seed, "start", f.col(of_pair), f.col(slot)) * plan.spread
        return share * (_KNOTS * 1.0) / f.col(stays)

    place, slot = plan.place_and_slot(f.col("row"))
    pair, next_pair = f.col("pair"), f.col("pair") + plan.devices
    is_last = f.col("slot") + 1 == f.col("stays")
    next_place = f.when(next_pair < plan.pairs, plan.place_of(next_pair)).otherwise(plan.pairs)
    left = f.col("day_length") - f.col("offset")
    return (
        spark.range(plan.rows)
        .select(f.col("id").alias("row"), place.alias("place"), slot.alias("slot"))
        .withColumn("pair", plan.pair_of(f.col("place")))
        .withColumn("stays", plan.stays_of(f.col("place")))
        .withColumn("day", whole(pair, plan.devices))
        .withColumn("next_slot", f.when(is_last, 0).otherwise(f.col("slot") + 1).cast("bigint"))
        .withColumn("after_place", f.when(is_last, next_place).otherwise(f.col("place")))
        .withColumn("after_pair", f.when(is_last, next_pair).otherwise(pair))
        .withColumn("after_stays", plan.stays_of(f.col("after_place")))
        .withColumn("knots", draw("pair", "slot", "stays"))
        .withColumn(
            "after_knots",
            f.when(
                f.col("after_stays") > 0, draw("after_pair", "next_slot", "after_stays")
            ).otherwise(float(_KNOTS)),
        )
        .join(f.broadcast(broadcast_days.drop("loaded_at")), "day", "left")
        .withColumn("offset", _offset(curve, f.col("knots"), f.col("day_length")))
        .withColumn(
            "room",
            f.when(is_last, f.col("day_length")).otherwise(0)
            + _offset(
                curve,
                f.col("after_knots"),
                f.when(is_last, f.col("next_length")).otherwise(f.col("day_length")),
            )
            - f.col("offset"),
        )
        .withColumn("total", f.least(_length(plan.seed, f.col("row")), "room"))
        .select(
            "row",
            "pair",
            "day",
            "first_date",
            (f.col("day_start") + f.col("offset")).alias("start"),
            f.least("total", left).alias("first_seconds"),
            f.greatest(f.col("total") - left, f.lit(0)).alias("second_seconds"),
        )
    )


def _offset(curve: Sequence[int], knots: Column, length: Column) -> Column:
    """Return the second of the day at which so many knots of the curve have passed."""
    from pyspark.sql import functions as f

    knot = knots.cast("int")
    lows = f.array(*map(f.lit, curve))
    steps = f.array(*(f.lit(b - a) for a, b in pairwise(curve)), f.lit(0))
    second = f.get(lows, knot) + f.get(steps, knot) * (knots - knot)
    return (second * length / _DAY).cast("bigint")


def _length(seed: int, row: Column) -> Column:
    """Return log-normal seconds, by the transform of Box and Muller (1958)."""
    from pyspark.sql import functions as f

    sigma = math.log(NINETIETH_PERCENTILE_SECONDS / MEDIAN_SECONDS) / _Z90
    radius = f.sqrt(f.log(1.0 - uniform(seed, "radius", row)) * -2.0)
    normal = radius * f.cos(uniform(seed, "angle", row) * (2 * math.pi))
    seconds = f.exp(normal * sigma + math.log(MEDIAN_SECONDS)).cast("bigint")
    return f.greatest(seconds, f.lit(1).cast("bigint"))


def _parts(stays: DataFrame, days: int) -> DataFrame:
    """Return one row per stay and day: part 0, and part 1 where the day after is generated."""
    from pyspark.sql import functions as f

    is_cut = (f.col("second_seconds") > 0) & (f.col("day") < days - 1)
    both, only = f.array(f.lit(0), f.lit(1)), f.array(f.lit(0))
    return stays.withColumn("part", f.explode(f.when(is_cut, both).otherwise(only)))


def _records(
    parts: DataFrame, plan: Plan, channels: int, unknown_channels: float, unknown_devices: float
) -> DataFrame:
    """Return the records without channel code and batch, with the draws that those need."""
    from pyspark.sql import functions as f

    is_first, is_known = f.col("part") == 0, f.col("known") >= unknown_devices
    device = f.col("pair") % plan.devices + 1
    rank = f.pow(f.lit(float(channels + 1)), uniform(plan.seed, "channel", f.col("row")))
    other = (f.col("listed") * (UNKNOWN_CHANNELS / max(unknown_channels, _LEAST))).cast("int")
    drawn = parts.select(
        "*",
        uniform(plan.seed, "late", f.col("row"), f.col("part")).alias("late"),
        uniform(plan.seed, "unknown device", f.col("pair")).alias("known"),
        uniform(plan.seed, "unknown channel", f.col("row")).alias("listed"),
        uniform(plan.seed, "mode", f.col("row")).alias("mode"),
        uniform(plan.seed, "content", f.col("row")).alias("content"),
    )
    records = drawn.select(
        "day",
        "part",
        "late",
        "mode",
        "content",
        f.date_add("first_date", f.col("part")).alias("viewing_date"),
        f.when(is_known, device).otherwise(device + plan.devices).alias("device_id"),
        f.when(f.col("listed") < unknown_channels, other + channels)
        .otherwise(f.least(rank.cast("int"), f.lit(channels)) - 1)
        .alias("place"),
        (f.col("start") + f.when(is_first, 0).otherwise(f.col("first_seconds"))).alias("start"),
        f.when(is_first, f.col("first_seconds"))
        .otherwise(f.col("second_seconds"))
        .cast("int")
        .alias("seconds"),
        is_first.alias("is_session_start"),
    )
    return _with_playback(records)


def _channel_names(spark: SparkSession, channels: Sequence[str]) -> DataFrame:
    unknown = [f"UNLISTED{n:02}.zz" for n in range(UNKNOWN_CHANNELS)]
    places = [(n, code) for n, code in enumerate([*channels, *unknown])]
    return spark.createDataFrame(places, "place int, channel_id string")


def _with_playback(records: DataFrame) -> DataFrame:
    from pyspark.sql import functions as f

    mode, draw, start = f.col("mode"), f.col("content"), f.col("start")
    shift = (draw * draw * draw * (_LONGEST_SHIFT - 60)).cast("bigint") + 60
    is_live, is_shifted = mode < LIVE_SHARE, mode < LIVE_SHARE + TIME_SHIFTED_SHARE
    code = (draw * PROGRAMMES).cast("int").cast("string")
    return records.select(
        "*",
        f.timestamp_seconds(start).alias("started_at"),
        f.timestamp_seconds(f.when(is_live, start).when(is_shifted, start - shift)).alias(
            "content_at"
        ),
        f.when(is_live, LIVE)
        .when(is_shifted, TIME_SHIFTED)
        .otherwise(ON_DEMAND)
        .alias("playback_mode"),
        f.when(~is_shifted, f.concat(f.lit("P"), f.lpad(code, 5, "0"))).alias("programme_id"),
    )
