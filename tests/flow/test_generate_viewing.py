"""Invented viewing and devices keep their promises, and the check of a batch sees each fault."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from foreview.errors import UsageError
from foreview.generate.devices import generate_devices
from foreview.generate.market import open_keys, sample_rows
from foreview.generate.plan import Plan
from foreview.generate.viewing import (
    _broadcast_days,
    _curve,
    _stays,
    generate_viewing,
    write_viewing,
)
from foreview.viewing import VIEWING_COLUMNS, BroadcastCalendar, check_viewing

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

pytestmark = [
    pytest.mark.spark,
    # A socket that PySpark leaves to the garbage collector after each collect().
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ZONE = "America/New_York"
CALENDAR = BroadcastCalendar(ZONE)
CHANNELS = open_keys(sample_rows(7)["channel"], "channel_id")
AREAS = open_keys(sample_rows(7)["area"], "area_id")
DEVICES = 20_000
SCHEMA = ", ".join(f"{name} {spelling}" for name, spelling in VIEWING_COLUMNS.items())


def viewing(spark: SparkSession, **changes: Any) -> DataFrame:
    arguments: dict[str, Any] = {
        "rows": 200_000,
        "first_day": date(2026, 3, 6),
        "days": 4,
        "devices": DEVICES,
        "channel_ids": CHANNELS,
        "seed": 7,
        "time_zone": ZONE,
    }
    return generate_viewing(spark, **(arguments | changes))


@pytest.fixture(scope="module")
def records(spark: SparkSession) -> Any:
    """Four days around the short one of spring, as a table that is read many times."""
    made = viewing(spark).cache()
    yield made
    made.unpersist()


def checksum(df: DataFrame) -> Any:
    from pyspark.sql import functions as f

    hashed = f.xxhash64(*df.columns).cast("decimal(38,0)")
    return df.agg(f.count(f.lit(1)), f.sum(hashed)).first()


def overlaps(df: DataFrame) -> int:
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    ended = f.unix_seconds("started_at") + f.col("seconds")
    before = Window.partitionBy("device_id").orderBy("started_at")
    return (
        df.withColumn("ended", f.lag(ended).over(before))
        .where(f.col("ended") > f.unix_seconds("started_at"))
        .count()
    )


def test_generated_records_have_exactly_the_columns_of_the_viewing(records: DataFrame) -> None:
    assert dict(records.dtypes) == VIEWING_COLUMNS
    assert records.columns == list(VIEWING_COLUMNS)


def test_every_generated_record_may_be_loaded(records: DataFrame) -> None:
    assert check_viewing(records, CALENDAR) == []


@pytest.mark.parametrize("partitions", [1, 7])
def test_same_seed_gives_the_same_rows_however_they_are_partitioned(
    spark: SparkSession, partitions: int
) -> None:
    parallelism = "spark.sql.leafNodeDefaultParallelism"
    expected = checksum(viewing(spark, rows=20_000))
    spark.conf.set(parallelism, partitions)
    try:
        shuffled = viewing(spark, rows=20_000, channel_ids=[*reversed(CHANNELS), CHANNELS[0]])
        assert checksum(shuffled) == expected
        devices = generate_devices(
            spark, devices=1_000, areas=AREAS, seed=7, load_date=date(1900, 1, 1)
        )
        here = checksum(devices)
    finally:
        spark.conf.unset(parallelism)
    assert checksum(devices.repartition(3)) == here


def test_another_seed_gives_other_rows(spark: SparkSession) -> None:
    assert checksum(viewing(spark, rows=5_000)) != checksum(viewing(spark, rows=5_000, seed=8))


def test_stays_are_as_long_as_real_ones(records: DataFrame) -> None:
    median, ninetieth = records.approxQuantile("seconds", [0.5, 0.9], 0.001)
    assert median == pytest.approx(108, rel=0.03)
    assert ninetieth == pytest.approx(1_358, rel=0.03)


def test_modes_late_records_and_unknown_keys_have_their_shares(records: DataFrame) -> None:
    from pyspark.sql import functions as f

    late = f.col("load_batch") != f.date_diff("viewing_date", f.lit(date(2026, 3, 6))) + 1
    in_first_half = f.col("viewing_date") == date(2026, 3, 6)
    shares = records.agg(
        f.avg((f.col("playback_mode") == "live").cast("int")),
        f.avg((f.col("playback_mode") == "time-shifted").cast("int")),
        f.avg(f.when(in_first_half, late.cast("int"))),
        f.avg((~f.col("channel_id").isin(CHANNELS)).cast("int")),
        f.avg((f.col("device_id") > DEVICES).cast("int")),
    ).first()
    assert list(shares or ()) == [
        pytest.approx(0.80, abs=0.005),
        pytest.approx(0.15, abs=0.005),
        pytest.approx(0.02, abs=0.003),
        pytest.approx(0.002, abs=0.0005),
        pytest.approx(0.001, abs=0.0005),
    ]


def test_one_batch_a_day_with_late_records_of_the_days_before(records: DataFrame) -> None:
    from pyspark.sql import functions as f

    batches = (
        records.groupBy("load_batch")
        .agg(
            f.min("viewing_date").alias("first"),
            f.max("viewing_date").alias("last"),
            f.count_distinct("loaded_at").alias("instants"),
            f.min(f.unix_seconds("loaded_at") - f.unix_seconds("started_at")).alias("youngest"),
        )
        .orderBy("load_batch")
        .collect()
    )
    assert [batch["load_batch"] for batch in batches] == [1, 2, 3, 4]
    assert {batch["first"] for batch in batches} == {date(2026, 3, 6)}
    assert [batch["last"].day for batch in batches] == [6, 7, 8, 9]
    assert {batch["instants"] for batch in batches} == {1}
    assert min(batch["youngest"] for batch in batches) >= 7_200


def test_a_device_never_plays_two_things_at_once(records: DataFrame, spark: SparkSession) -> None:
    assert overlaps(records) == 0
    crowded = viewing(spark, rows=20_000, devices=50, first_day=date(2026, 10, 31))
    assert overlaps(crowded) == 0
    assert check_viewing(crowded, CALENDAR) == []


def test_a_stay_that_is_cut_goes_on_where_the_next_day_begins(records: DataFrame) -> None:
    from pyspark.sql import functions as f

    first_parts = records.where(f.col("is_session_start")).select(
        "device_id",
        "channel_id",
        "playback_mode",
        (f.unix_seconds("started_at") + f.col("seconds")).alias("ended"),
        (f.unix_seconds("content_at") + f.col("seconds")).alias("content_ended"),
    )
    seconds_parts = records.where(~f.col("is_session_start"))
    joined = seconds_parts.join(
        first_parts,
        (f.unix_seconds("started_at") == f.col("ended"))
        & f.unix_seconds("content_at").eqNullSafe(f.col("content_ended"))
        & (seconds_parts["device_id"] == first_parts["device_id"])
        & (seconds_parts["channel_id"] == first_parts["channel_id"])
        & (seconds_parts["playback_mode"] == first_parts["playback_mode"]),
    )
    assert seconds_parts.count() > 100
    assert joined.count() == seconds_parts.count()
    starts = seconds_parts.select(
        (f.unix_seconds("started_at") % 86_400).alias("second")
    ).distinct()
    assert {row["second"] for row in starts.collect()} == {10 * 3_600, 9 * 3_600}


def test_cutting_neither_adds_nor_loses_a_second(records: DataFrame, spark: SparkSession) -> None:
    from pyspark.sql import functions as f

    days = _broadcast_days(spark, CALENDAR, date(2026, 3, 6), 4)
    stays = _stays(spark, Plan(200_000, DEVICES, 4, 7), _curve("05:00"), days)
    after_the_last_day = f.when(f.col("day") == 3, f.col("second_seconds")).otherwise(0)
    (whole,) = stays.agg(
        f.count(f.lit(1)),
        f.sum(f.col("first_seconds") + f.col("second_seconds")),
        f.sum(after_the_last_day),
    ).collect()
    (cut,) = records.agg(f.count_if("is_session_start"), f.sum("seconds")).collect()
    assert cut[0] == whole[0] == 200_000
    assert cut[1] == whole[1] - whole[2]


@pytest.mark.parametrize(
    ("day", "begins", "hours"),
    [
        (date(2026, 3, 6), datetime(2026, 3, 6, 10, tzinfo=UTC), 24),
        (date(2026, 3, 7), datetime(2026, 3, 7, 10, tzinfo=UTC), 23),
        (date(2026, 3, 8), datetime(2026, 3, 8, 9, tzinfo=UTC), 24),
        (date(2026, 10, 31), datetime(2026, 10, 31, 9, tzinfo=UTC), 25),
        (date(2026, 11, 1), datetime(2026, 11, 1, 10, tzinfo=UTC), 24),
    ],
)
def test_broadcast_days_are_right_where_clocks_change(
    spark: SparkSession, day: date, begins: datetime, hours: int
) -> None:
    from pyspark.sql import functions as f

    start = CALENDAR.starts_at(f.lit(day))
    end = CALENDAR.starts_at(f.date_add(f.lit(day), 1))
    (row,) = spark.range(1).select(f.unix_seconds(start), f.unix_seconds(end)).collect()
    assert row[0] == begins.timestamp()
    assert row[1] - row[0] == hours * 3_600


def test_viewing_fills_the_long_day_of_autumn_and_stays_in_it(spark: SparkSession) -> None:
    from pyspark.sql import functions as f

    made = viewing(spark, rows=20_000, devices=2_000, first_day=date(2026, 10, 31), days=2)
    assert check_viewing(made, CALENDAR) == []
    long_day = made.where(f.col("viewing_date") == date(2026, 10, 31))
    (row,) = long_day.agg(f.min("started_at"), f.max("started_at")).collect()
    assert row[1] - row[0] > timedelta(hours=24, minutes=30)


def test_devices_of_a_household_share_area_and_weight(spark: SparkSession) -> None:
    from pyspark.sql import functions as f

    devices = generate_devices(
        spark, devices=10_000, areas=AREAS, seed=7, load_date=date(1900, 1, 1)
    )
    assert dict(devices.dtypes) == {
        "device_id": "bigint",
        "household_id": "bigint",
        "device_type": "string",
        "area_id": "string",
        "weight": "decimal(9,4)",
        "load_date": "date",
    }
    households = devices.groupBy("household_id").agg(
        f.count(f.lit(1)).alias("size"),
        f.count_distinct("area_id", "weight").alias("places"),
        f.min("weight").alias("weight"),
    )
    (row,) = households.agg(
        f.min("size"), f.max("size"), f.max("places"), f.min("weight"), f.sum("size")
    ).collect()
    assert (row[0], row[1], row[2]) == (1, 4, 1)
    assert row[3] > 0
    assert row[4] == devices.select("device_id").distinct().count() == 10_000
    assert {one["area_id"] for one in devices.select("area_id").distinct().collect()} == set(AREAS)


def test_written_viewing_is_read_back_whole(spark: SparkSession, tmp_path: Path) -> None:
    made = viewing(spark, rows=5_000)
    for file_format in ("delta", "parquet"):
        path = tmp_path / file_format
        write_viewing(made, path, file_format=file_format)
        back = spark.read.format(file_format).load(str(path)).select(*VIEWING_COLUMNS)
        assert checksum(back) == checksum(made)
        assert check_viewing(back, CALENDAR) == []
        assert (path / "load_batch=1").is_dir()


def test_more_rows_than_devices_can_play_are_refused(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="more devices"):
        viewing(spark, rows=100_000, devices=1, days=1)
    with pytest.raises(UsageError):
        viewing(spark, channel_ids=[])


def test_an_unknown_time_zone_and_time_of_day_are_both_named() -> None:
    with pytest.raises(UsageError) as caught:
        BroadcastCalendar("Mars/Olympus", "5 o'clock")
    assert [one.rule for one in caught.value.problems] == ["unknown-time-zone", "day-start"]


GOOD = {
    "viewing_date": date(2026, 4, 1),
    "device_id": 1,
    "channel_id": "KX1.us",
    "started_at": datetime(2026, 4, 1, 12, tzinfo=UTC),
    "seconds": 60,
    "content_at": datetime(2026, 4, 1, 12, tzinfo=UTC),
    "is_session_start": True,
    "playback_mode": "live",
    "programme_id": None,
    "load_batch": 1,
    "loaded_at": datetime(2026, 4, 2, 12, tzinfo=UTC),
}
SHIFTED = {"playback_mode": "time-shifted"}
EARLIEST = datetime(2026, 3, 25, 9, tzinfo=UTC)


def batch(spark: SparkSession, *changes: dict[str, Any]) -> DataFrame:
    rows = [tuple((GOOD | change).values()) for change in changes]
    return spark.createDataFrame(rows, SCHEMA)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        *(
            ("required", {name: None})
            for name in VIEWING_COLUMNS
            if name not in ("content_at", "programme_id")
        ),
        ("viewing-seconds", {"seconds": 0}),
        ("playback-mode", {"playback_mode": "Live"}),
        ("on-demand-programme", {"programme_id": "P1"}),
        ("live-content", {"content_at": None}),
        ("live-content", {"content_at": GOOD["started_at"] - timedelta(seconds=1)}),
        ("time-shifted-content", SHIFTED),
        ("time-shifted-content", SHIFTED | {"content_at": None}),
        ("time-shift-window", SHIFTED | {"content_at": EARLIEST - timedelta(seconds=1)}),
        ("on-demand-content", {"playback_mode": "on-demand"}),
        ("viewing-date", {"viewing_date": date(2026, 4, 2)}),
        ("viewing-date", {"viewing_date": date(2026, 3, 31)}),
        ("day-boundary", {"seconds": 21 * 3_600 + 1}),
    ],
)
def test_a_record_that_breaks_a_rule_is_named_with_its_count(
    spark: SparkSession, rule: str, change: dict[str, Any]
) -> None:
    problems = check_viewing(batch(spark, {}, change, change), CALENDAR)
    assert [problem.rule for problem in problems] == [rule]
    assert "2 records" in problems[0].message
    name, value = next(iter(change.items()))
    assert f"{name}={'null' if value is None else value}".split("+")[0] in problems[0].value


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 21 * 3_600},
        SHIFTED | {"content_at": EARLIEST},
        {"playback_mode": "on-demand", "content_at": None, "programme_id": "P1"},
    ],
)
def test_a_record_at_the_edge_of_a_rule_may_be_loaded(
    spark: SparkSession, change: dict[str, Any]
) -> None:
    assert check_viewing(batch(spark, change), CALENDAR) == []


def test_all_rules_that_a_batch_breaks_are_reported_at_once(spark: SparkSession) -> None:
    problems = check_viewing(batch(spark, {"seconds": -1}, {"device_id": None}), CALENDAR)
    assert {problem.rule for problem in problems} == {"viewing-seconds", "required"}


def test_columns_that_are_missing_unknown_or_of_another_type_are_all_named(
    spark: SparkSession,
) -> None:
    from pyspark.sql import functions as f

    changed = (
        batch(spark, {})
        .drop("loaded_at")
        .withColumn("network_id", f.lit("N"))
        .withColumn("seconds", f.lit(1.5))
    )
    problems = check_viewing(changed, CALENDAR)
    assert {(one.rule, one.where) for one in problems} == {
        ("missing-column", "loaded_at"),
        ("unknown-column", "network_id"),
        ("type", "seconds"),
    }


def test_an_empty_batch_may_be_loaded(spark: SparkSession) -> None:
    assert check_viewing(batch(spark, {}).limit(0), CALENDAR) == []
