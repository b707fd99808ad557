"""Two tracks: another system's figures of our marts, kept beside ours and compared by publication.

For the time in which a customer moves over while the old system still runs. What it delivers lies
in tables of its own (docs/decisions/0023-two-tracks.md); nothing of ours is touched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview.dbt_project import open_engines, run_operation
from foreview.deliveries import DeliveredColumns, columns_of, read_delivery, sql_type, to_arrow
from foreview.errors import Problem, RefusedError
from foreview.impact import Number, are_small, counted
from foreview.impact_tables import measures_of, newest_publication, read_marts, unknown_mart
from foreview.loads import ensure_landing
from foreview.past import as_of, check_known
from foreview.periods import day_problems
from foreview.track_comparison import DIGITS, Comparison, Figures, Grain, Shape, compare
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LOADED, DROPPED = "track-loaded", "track-dropped"
"""The kinds of the events with which figures of another system came in and went."""

ROOM = "tracks"
"""The room of the tables of other systems' figures."""


@dataclass(frozen=True)
class Loaded:
    """What was loaded.

    Attributes:
        mart: Of which mart.
        system: Whose.
        publication: Our publication that it is to be compared with.
        file: The file's name.
        file_hash: SHA-256 of the file, hex.
        figures: Number of figures.
        days: The days that it has figures of.
        measures: The measures that it has.
        replaced: Number of figures that it took the place of.
    """

    mart: str
    system: str
    publication: int
    file: str
    file_hash: str
    figures: int
    days: tuple[str, ...]
    measures: tuple[str, ...]
    replaced: int


@dataclass(frozen=True)
class Tracks:
    """Our figures of a publication beside those of another system.

    Attributes:
        mart: The mart.
        label: Its name on screens.
        system: Whose figures are beside ours.
        publication: The publication of ours.
        days: Each day that is compared, with the publication that it was delivered for.
        shape: What is compared.
        missing: Measures that the other system did not deliver for every figure.
        tolerances: By how much measures may be apart.
        comparison: What came out.
        small: Figures of too few households to be named in a report.
        smallest_count: Of fewer than these.
    """

    mart: str
    label: str
    system: str
    publication: int
    days: Mapping[str, int]
    shape: Shape
    missing: tuple[str, ...]
    tolerances: Mapping[str, Decimal]
    comparison: Comparison
    small: frozenset[Grain] = frozenset()
    smallest_count: int = 0


def load_track(
    workspace: Workspace,
    mart: str,
    path: Path,
    system: str,
    *,
    publication: int | None = None,
    ignore: Collection[str] = (),
) -> Loaded:
    """Keep another system's figures of a mart beside ours, whole or not at all.

    What the same system delivered before for that publication and the file's days is replaced.

    Args:
        workspace: Where.
        mart: Its name.
        path: A CSV or Parquet file with the mart's grain and one measure or more.
        system: The other system's name.
        publication: The publication to compare with, and later ones; by default the newest.
        ignore: Headings of columns to leave out.

    Raises:
        RefusedError: Everything that is wrong with the file, each with its line; or there is no
            such mart or publication.
        EngineError: Spark or dbt failed; what was there before is still there.
    """
    rules = _rules(workspace, mart)
    check_system(system)
    spark = open_engines(workspace)
    number = _publication(workspace, spark, publication)
    columns = _columns(workspace, spark, rules)
    delivery = read_delivery(path, columns, ignore=ignore)
    replaced = _count(workspace, spark, rules, system, number, delivery.days)
    frame = spark.createDataFrame(to_arrow(columns, delivery))
    frame.createOrReplaceTempView("foreview_delivery")
    run_operation(
        workspace,
        "load_track",
        name=mart,
        columns={one.name: sql_type(one) for one in (*columns.grain, *columns.measures)},
        system=system,
        publication=number,
        days=list(delivery.days),
    )
    spark.catalog.dropTempView("foreview_delivery")
    loaded = Loaded(
        mart=mart,
        system=system,
        publication=number,
        file=delivery.file,
        file_hash=delivery.hash,
        figures=len(delivery.rows),
        days=delivery.days,
        measures=delivery.measures,
        replaced=replaced,
    )
    workspace.registry.record_event(workspace.actor, LOADED, asdict(loaded))
    return loaded


def drop_track(workspace: Workspace, mart: str, system: str, publication: int) -> int:
    """Remove what another system delivered of a mart for a publication; return its figures' number.

    Raises:
        RefusedError: There is no such mart, or nothing was delivered.
        EngineError: Spark or dbt failed; it is all there still.
    """
    rules = _rules(workspace, mart)
    check_system(system)
    spark = open_engines(workspace)
    dropped = _count(workspace, spark, rules, system, publication)
    if not dropped:
        raise RefusedError(
            _nothing_delivered(workspace, mart, system, f"for publication {publication}")
        )
    run_operation(workspace, "drop_track", name=mart, system=system, publication=publication)
    payload = {"mart": mart, "system": system, "publication": publication, "figures": dropped}
    workspace.registry.record_event(workspace.actor, DROPPED, payload)
    return dropped


def compare_track(
    workspace: Workspace,
    mart: str,
    system: str,
    *,
    publication: int | None = None,
    first_day: str | None = None,
    last_day: str | None = None,
    tolerances: Sequence[str] = (),
) -> Tracks:
    """Compare our published figures of a mart with those that another system delivered.

    Only days that it delivered are compared, each as it was last delivered for that publication or
    an earlier one: so what a publication is compared with changes only when it is delivered again.

    Args:
        workspace: Where.
        mart: Its name.
        system: The other system's name.
        publication: Ours; by default the newest.
        first_day: No day before this one, `YYYY-MM-DD`.
        last_day: No day after this one.
        tolerances: `NUMBER` for all measures, or `MEASURE=NUMBER`; the last one counts.

    Raises:
        RefusedError: There is no such mart or publication, a day or tolerance can't be read, or the
            system delivered nothing that could be compared.
        EngineError: Spark or dbt failed.
    """
    rules = _rules(workspace, mart)
    check_system(system)
    allowed = read_tolerances(tolerances, list(rules["measures"]))
    span = _span(first_day, last_day)
    spark = open_engines(workspace)
    number = _publication(workspace, spark, publication)
    delivered = _delivered(workspace, spark, rules, system, number, span)
    days = dict(sorted({row[rules["grain"][0]]: row["publication"] for row in delivered}.items()))
    shape = _shape(rules, delivered)
    measured = [one.name for one in shape.measures]
    published = _on_days(as_of(workspace, mart, publication=number), list(days))
    ours = published.toArrow().to_pylist()
    smallest = int(workspace.settings.get("smallest_count", 0))
    small = small_figures(rules, ours, delivered, smallest)
    return Tracks(
        mart=mart,
        label=rules["label"],
        system=system,
        publication=number,
        days={str(day): int(of) for day, of in days.items()},
        shape=shape,
        missing=tuple(one for one in rules["measures"] if one not in measured),
        tolerances=allowed,
        comparison=compare(
            shape,
            _figures(shape, ours),
            _figures(shape, delivered),
            allowed,
            small,
        ),
        small=small,
        smallest_count=smallest,
    )


def small_figures(
    rules: Mapping[str, Any],
    ours: Sequence[Mapping[str, Any]],
    theirs: Sequence[Mapping[str, Any]],
    smallest: int,
) -> frozenset[Grain]:
    """Return which figures have too few households, or records where none are counted.

    Of those that only the other system has it may not be known: then they are small.
    """
    name = counted(measures_of(rules))
    if not smallest or not name:
        return frozenset()
    left, right = (
        {tuple(str(row[one]) for one in rules["grain"]): row.get(name) for row in rows}
        for rows in (ours, theirs)
    )
    found = set()
    for grain in {**left, **right}:
        known = [one for side in (left, right) if (one := side.get(grain)) is not None]
        if not known or are_small([(known[0], known[-1])], smallest):
            found.add(grain)
    return frozenset(found)


def _delivered(
    workspace: Workspace,
    spark: SparkSession,
    rules: Mapping[str, Any],
    system: str,
    number: int,
    span: tuple[date | None, date | None],
) -> list[dict[str, Any]]:
    """Return what a system had delivered of each day; refused when it was nothing."""
    from pyspark.sql import functions as f

    mart, day = rules["name"], rules["grain"][0]
    rows: list[dict[str, Any]] = []
    if spark.catalog.tableExists(workspace.table(mart, ROOM)):
        run_operation(
            workspace, "create_track_view", name=mart, day=day, system=system, publication=number
        )
        found = spark.table("foreview_track")
        first, last = span
        found = found if first is None else found.where(f.col(day) >= f.lit(first))
        found = found if last is None else found.where(f.col(day) <= f.lit(last))
        rows = found.toArrow().to_pylist()
    if rows:
        return rows
    on_days = "" if span == (None, None) else " on these days"
    raise RefusedError(
        _nothing_delivered(workspace, mart, system, f"up to publication {number}{on_days}")
    )


def _nothing_delivered(workspace: Workspace, mart: str, system: str, when: str) -> Problem:
    message = f"{system} delivered nothing of {mart} {when}."
    told = {
        f"{one.payload['system']} (publication {one.payload['publication']})": None
        for one in workspace.registry.events(LOADED)
        if one.payload["mart"] == mart
    }
    fix = "Load it: foreview load-track." + (f" Loaded were: {', '.join(told)}." if told else "")
    return Problem("nothing-delivered", message, value=system, fix=fix)


def _span(first_day: str | None, last_day: str | None) -> tuple[date | None, date | None]:
    problems = day_problems([one for one in (first_day, last_day) if one is not None])
    if problems:
        raise RefusedError(problems)
    first, last = (one and date.fromisoformat(one) for one in (first_day, last_day))
    return first or None, last or None


def _shape(rules: Mapping[str, Any], delivered: Sequence[Mapping[str, Any]]) -> Shape:
    """Return what is compared: the measures that every delivered figure has."""
    measures = tuple(
        one for one in measures_of(rules) if all(row.get(one.name) is not None for row in delivered)
    )
    if not measures:
        message = f"No measure of {rules['name']} is there for all days that were delivered."
        fix = "Deliver one and the same measure for all days, or compare fewer days."
        raise RefusedError(Problem("nothing-delivered", message, fix=fix))
    nested = tuple(rules["nested"]) if "nested" in rules else None
    return Shape(tuple(rules["grain"]), measures, nested)


def _on_days(frame: DataFrame, days: Sequence[Any]) -> DataFrame:
    from pyspark.sql import functions as f

    return frame.where(f.col(frame.columns[0]).isin(list(days)))


def _figures(shape: Shape, rows: Sequence[Mapping[str, Any]]) -> Figures:
    names = [one.name for one in shape.measures]
    return {
        tuple(str(row[one]) for one in shape.grain): {name: trimmed(row[name]) for name in names}
        for row in rows
    }


def trimmed(value: Number | None) -> Number | None:
    """Return a number without zeros at the end of its decimals, so that it reads as delivered."""
    if not isinstance(value, Decimal):
        return value
    with localcontext(prec=DIGITS):
        return value.quantize(1) if value == value.to_integral_value() else value.normalize()


def read_tolerances(texts: Sequence[str], measures: Sequence[str]) -> dict[str, Decimal]:
    """Return how far each measure may be apart.

    Args:
        texts: `NUMBER` for all measures, or `MEASURE=NUMBER`; the last one counts.
        measures: The mart's.

    Raises:
        RefusedError: One can't be read, or names no measure.
    """
    found: dict[str, Decimal] = {}
    problems = []
    for text in texts:
        name, sign, value = text.rpartition("=")
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal("nan")
        if not number.is_finite() or number < 0 or (sign and name not in measures):
            message = f"{text!r} is no tolerance."
            fix = f"Write a number, or MEASURE=NUMBER. The measures are: {', '.join(measures)}."
            problems.append(Problem("not-a-tolerance", message, value=text, fix=fix))
        found |= dict.fromkeys([name] if sign else measures, number)
    if problems:
        raise RefusedError(problems)
    return found


def _rules(workspace: Workspace, mart: str) -> dict[str, Any]:
    marts = {one["name"]: one for one in read_marts(workspace)}
    if mart not in marts:
        raise RefusedError(unknown_mart(mart, marts))
    return marts[mart]


def check_system(system: str) -> None:
    """Refuse what can't be the name of another system.

    Raises:
        RefusedError: `system-name`.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", system):
        message = f"{system!r} can't be the name of a system."
        fix = (
            "Write up to 64 letters, digits, points, hyphens and underscores, a letter or digit "
            "first."
        )
        raise RefusedError(Problem("system-name", message, value=system, fix=fix))


def _publication(workspace: Workspace, spark: SparkSession, number: int | None) -> int:
    ensure_landing(workspace, spark)
    newest = int(newest_publication(workspace, spark)["number"])
    if number is None:
        return newest
    check_known(workspace, spark, None, number)
    return number


def _columns(
    workspace: Workspace, spark: SparkSession, rules: Mapping[str, Any]
) -> DeliveredColumns:
    """Return what a file of a mart may hold; the types of its grain are those of its figures."""
    versions = workspace.table(f"{rules['name']}__versions")
    if not spark.catalog.tableExists(versions):
        message = f"No figures of {rules['name']} are published yet."
        fix = "Run foreview build, or dbt build."
        raise RefusedError(Problem("nothing-published", message, fix=fix))
    fields = spark.table(versions).schema.fields
    return columns_of(rules, {one.name: one.dataType.typeName() for one in fields})


def _count(
    workspace: Workspace,
    spark: SparkSession,
    rules: Mapping[str, Any],
    system: str,
    number: int,
    days: Sequence[str] | None = None,
) -> int:
    """Return how many figures a system delivered for a publication; of all days, or of some."""
    from pyspark.sql import functions as f

    table = workspace.table(rules["name"], ROOM)
    if not spark.catalog.tableExists(table):
        return 0
    found = spark.table(table).where((f.col("system") == system) & (f.col("publication") == number))
    if days is not None:
        found = found.where(f.col(rules["grain"][0]).cast("string").isin(list(days)))
    return int(found.count())
