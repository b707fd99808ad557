"""Viewing records: their columns, their broadcast days, and the check before they are loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foreview.errors import Problem, UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LIVE, TIME_SHIFTED, ON_DEMAND = "live", "time-shifted", "on-demand"
PLAYBACK_MODES = (LIVE, TIME_SHIFTED, ON_DEMAND)

VIEWING_COLUMNS = {
    "viewing_date": "date",
    "device_id": "bigint",
    "channel_id": "string",
    "started_at": "timestamp",
    "seconds": "int",
    "content_at": "timestamp",
    "is_session_start": "boolean",
    "playback_mode": "string",
    "programme_id": "string",
    "load_batch": "int",
    "loaded_at": "timestamp",
}
"""Columns of `fct_viewing` and of a batch of viewing, with Spark's type names, in order."""

NULLABLE_COLUMNS = ("content_at", "programme_id")


@dataclass(frozen=True)
class BroadcastCalendar:
    """When broadcast days begin.

    Attributes:
        time_zone: A name of the IANA time zone database.
        day_start: The local time at which a broadcast day begins, `HH:MM`.
        time_shift_days: How many broadcast days back time-shifted viewing may reach.
    """

    time_zone: str
    day_start: str = "05:00"
    time_shift_days: int = 7

    def __post_init__(self) -> None:
        """Refuse an unknown time zone or time of day with a UsageError."""
        problems = []
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            message = "There is no such time zone."
            fix = "Use a name such as America/New_York."
            problems.append(Problem("unknown-time-zone", message, value=self.time_zone, fix=fix))
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", self.day_start):
            message = "The start of the broadcast day is not a time of day."
            fix = "Write it as HH:MM, for example 05:00."
            problems.append(Problem("day-start", message, value=self.day_start, fix=fix))
        if problems:
            raise UsageError(problems)

    def begins(self, day: date) -> datetime:
        """Return the instant, in UTC, at which a broadcast day begins: `starts_at` of one day."""
        local = time.fromisoformat(self.day_start).replace(tzinfo=ZoneInfo(self.time_zone))
        return datetime.combine(day, local).astimezone(UTC)

    def day_of(self, instant: datetime) -> date:
        """Return the broadcast day that an instant is in."""
        day = instant.astimezone(ZoneInfo(self.time_zone)).date()
        return day if instant >= self.begins(day) else day - timedelta(days=1)

    def ends(self, day: str) -> str:
        """Return the instant, in UTC and as contracts spell it, at which a broadcast day ends."""
        following = date.fromisoformat(day) + timedelta(days=1)
        return f"{self.begins(following):%Y-%m-%d %H:%M:%S}"

    def starts_at(self, day: Column) -> Column:
        """Return the instant at which a broadcast day begins, for a column of dates.

        Days follow each other without gap: a day ends where the next one starts, 23, 24 or 25
        hours later. The session's time zone has no say in it.
        """
        from pyspark.sql import functions as f

        hours, minutes = map(int, self.day_start.split(":"))
        local = f.timestamp_seconds(
            f.unix_date(day).cast("bigint") * 86_400 + (hours * 3_600 + minutes * 60)
        )
        return f.to_utc_timestamp(local, self.time_zone)


def check_viewing(df: DataFrame, calendar: BroadcastCalendar) -> list[Problem]:
    """Return what is wrong with a batch of viewing records, in one pass over it.

    Args:
        df: The records as they arrived.
        calendar: The deployment's broadcast days.

    Returns:
        One problem a rule, with the number of records that break it and the first of them in
        text order as an example. When columns are missing, extra or of another type, only that
        is reported and no record is read. Empty when the batch may be loaded.
    """
    rules = [*_null_rules(), *_value_rules(), *_content_rules(calendar), *_day_rules(calendar)]
    return column_problems(df, VIEWING_COLUMNS, "a viewing record") or list(
        broken_rules(df, rules, VIEWING_COLUMNS, "viewing")
    )


def column_problems(df: DataFrame, columns: Mapping[str, str], what: str) -> list[Problem]:
    """Return which columns of a load are missing, extra, twice there, or of another type.

    Args:
        df: The load.
        columns: Spark's type of each column.
        what: What a row is, for messages.
    """
    types = dict(df.dtypes)
    problems = [
        Problem(
            "missing-column",
            f"The column {name} is missing.",
            where=name,
            fix=f"Deliver it as {wanted}.",
        )
        for name, wanted in columns.items()
        if name not in types
    ]
    for name, found in types.items():
        wanted = columns.get(name)
        if wanted is None:
            message = f"The column {name} is not one of {what}."
            problems.append(Problem("unknown-column", message, name, found, "Leave it out."))
        elif wanted != found:
            message = f"The column {name} is {found}, not {wanted}."
            problems.append(Problem("type", message, name, found, f"Deliver it as {wanted}."))
    if len(types) != len(df.columns):
        message = "Two columns have the same name."
        problems.append(Problem("duplicate-column", message, fix="Deliver each column once."))
    return problems


@dataclass(frozen=True)
class Rule:
    """A rule of the records of a load, and the condition that is true where one breaks it."""

    code: str
    message: str
    fix: str
    broken: Column


def broken_rules(
    df: DataFrame, rules: Sequence[Rule], columns: Iterable[str], where: str
) -> Iterator[Problem]:
    """Yield a problem for each rule that records break, with their number and an example."""
    from pyspark.sql import functions as f

    names = list(columns)
    bits = [f.when(rule.broken, 1 << number).otherwise(0) for number, rule in enumerate(rules)]
    broken = reduce(lambda one, other: one.bitwiseOR(other), bits)
    values = (
        f.concat(f.lit(f"{name}="), f.coalesce(f.col(name).cast("string"), f.lit("null")))
        for name in names
    )
    judged = df.select(broken.alias("broken"), *names).select(
        "broken", f.when(f.col("broken") != 0, f.concat_ws(", ", *values)).alias("example")
    )
    aggregates = []
    for number in range(len(rules)):
        is_broken = f.col("broken").bitwiseAND(1 << number) != 0
        aggregates.append(f.count_if(is_broken).alias(f"broken_{number}"))
        aggregates.append(f.min(f.when(is_broken, f.col("example"))).alias(f"example_{number}"))
    (found,) = judged.agg(*aggregates).collect()
    for number, rule in enumerate(rules):
        count = found[f"broken_{number}"]
        if count:
            records = "1 record" if count == 1 else f"{count:,} records"
            message = f"{rule.message}: {records}."
            yield Problem(rule.code, message, where, found[f"example_{number}"], rule.fix)


def _null_rules() -> list[Rule]:
    from pyspark.sql import functions as f

    return [
        Rule("required", f"{name} is null", "Deliver a value.", f.col(name).isNull())
        for name in VIEWING_COLUMNS
        if name not in NULLABLE_COLUMNS
    ]


def _value_rules() -> list[Rule]:
    from pyspark.sql import functions as f

    mode = f.col("playback_mode")
    return [
        Rule(
            "viewing-seconds",
            "seconds is not above zero",
            "Leave out stays that did not last a second.",
            f.col("seconds") <= 0,
        ),
        Rule(
            "playback-mode",
            "playback_mode is not one that is known",
            f"Use one of: {', '.join(PLAYBACK_MODES)}.",
            ~mode.isin(*PLAYBACK_MODES),
        ),
        Rule(
            "on-demand-programme",
            "programme_id is given, but the playback is not on demand",
            "Only on-demand viewing carries the supplier's programme.",
            f.col("programme_id").isNotNull() & (mode != ON_DEMAND),
        ),
    ]


def _content_rules(calendar: BroadcastCalendar) -> list[Rule]:
    from pyspark.sql import functions as f

    mode, started, content = f.col("playback_mode"), f.col("started_at"), f.col("content_at")
    earliest = calendar.starts_at(f.date_sub("viewing_date", calendar.time_shift_days))
    return [
        Rule(
            "live-content",
            "Live viewing whose content_at is not started_at",
            "Live viewing is seen at the instant of the broadcast.",
            (mode == LIVE) & (content.isNull() | (content != started)),
        ),
        Rule(
            "time-shifted-content",
            "Time-shifted viewing whose content_at is null or not before started_at",
            "Give the instant of the broadcast.",
            (mode == TIME_SHIFTED) & (content.isNull() | (content >= started)),
        ),
        Rule(
            "time-shift-window",
            f"Time-shifted viewing of content older than {calendar.time_shift_days} broadcast days",
            "Deliver it as on-demand viewing.",
            (mode == TIME_SHIFTED) & (content < earliest),
        ),
        Rule(
            "on-demand-content",
            "On-demand viewing with a content_at",
            "On-demand viewing has no instant of broadcast: leave it null.",
            (mode == ON_DEMAND) & content.isNotNull(),
        ),
    ]


def _day_rules(calendar: BroadcastCalendar) -> list[Rule]:
    from pyspark.sql import functions as f

    started = f.col("started_at")
    day_ends = calendar.starts_at(f.date_add("viewing_date", 1))
    on_day = (started >= calendar.starts_at(f.col("viewing_date"))) & (started < day_ends)
    microseconds = f.col("seconds").cast("bigint") * 1_000_000
    return [
        Rule(
            "viewing-date",
            "viewing_date is not the broadcast day of started_at",
            f"Broadcast days begin at {calendar.day_start} in {calendar.time_zone}.",
            ~on_day,
        ),
        Rule(
            "day-boundary",
            "The stay goes on after the end of its broadcast day",
            "Cut it there; the second part has is_session_start false.",
            on_day & (f.unix_micros(started) + microseconds > f.unix_micros(day_ends)),
        ),
    ]
