"""The past: what readers saw at an instant, and whether any of it was changed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from foreview.dbt_project import open_engines, run_operation
from foreview.errors import Problem, RefusedError
from foreview.loads import CALENDAR, calendar_rows, delta_rows
from foreview.periods import day_problems, instant_of
from foreview.receipt import digest
from foreview.registry import ERASURE_BEGUN
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from foreview.registry import Event

NOTED = "publication-noted"
"""The kind of the event that keeps a publication's digest."""

LOADED = "loaded as "
"""What the side of a load's contents begins with; its number or day follows."""

BY_VIEW, BY_VERSIONS = "shown by its view", "shown by its versions"
"""The sides of what readers see of a mart, as if of a publication 0."""

Contents = dict[int, dict[tuple[str, str], str]]
"""By publication: what it opened and closed (side) of each table, as its number and sums."""


def as_of(
    workspace: Workspace,
    name: str,
    *,
    instant: str | None = None,
    publication: int | None = None,
    day: str | None = None,
    where: Sequence[str] = (),
) -> DataFrame:
    """Return a mart or dimension as readers saw it.

    Args:
        workspace: Where.
        name: A mart, or a dimension with or without `dim_`.
        instant: UTC, ISO 8601; the publication that was the newest then.
        publication: The publication's number instead.
        day: Only figures of this day, or rows that hold on it.
        where: Conditions `column=value`, all of which hold.

    Raises:
        RefusedError: The name, a column or the publication is unknown, or the day is none.
    """
    from pyspark.sql import functions as f

    if day is not None and (problems := day_problems([day])):
        raise RefusedError(problems)
    spark = open_engines(workspace)
    table = f"dim_{name}" if name in workspace.contracts else name
    _check_name(workspace, table)
    instant = check_known(workspace, spark, instant, publication)
    run_operation(
        workspace, "create_as_of_view", name=table, instant=instant, publication=publication
    )
    found = spark.table("foreview_as_of")
    if day is not None and table.startswith("dim_"):
        still = f.col("valid_to").isNull() | (f.col("valid_to") > f.lit(day))
        found = found.where((f.col("valid_from") <= f.lit(day)) & still)
    elif day is not None:
        found = found.where(f.col(found.columns[0]) == f.lit(day))
    for condition in where:
        column, _, value = condition.partition("=")
        if column not in found.columns:
            message = f"{table} has no column {column!r}."
            fix = f"Use one of: {', '.join(found.columns)}."
            raise RefusedError(Problem("unknown-column", message, value=condition, fix=fix))
        found = found.where(f.col(column).cast("string") == f.lit(value))
    return found


def plain_rows(frame: DataFrame) -> list[dict[str, int | Decimal | str | None]]:
    """Return a frame's rows in the order of their columns; days and instants as text."""
    rows = frame.orderBy(*frame.columns).toArrow().to_pylist()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> int | Decimal | str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None or isinstance(value, int | Decimal) else str(value)


def _check_name(workspace: Workspace, table: str) -> None:
    from foreview.impact_tables import read_marts

    names = [
        *(mart["name"] for mart in read_marts(workspace)),
        *(f"dim_{one}" for one in workspace.contracts),
    ]
    if table not in names:
        message = f"There is no mart and no table named {table!r}."
        raise RefusedError(
            Problem("unknown-table", message, fix=f"Use one of: {', '.join(names)}.")
        )


def check_known(
    workspace: Workspace, spark: SparkSession, instant: str | None, publication: int | None
) -> str | None:
    """Refuse an instant before the first publication, or a publication that there is not.

    Returns:
        The instant as every engine reads it, UTC; None where a publication was named.

    Raises:
        RefusedError: It is so; the message says which there are.
    """
    rows = spark.table(workspace.table("publications")).orderBy("number").collect()
    numbers = [row["number"] for row in rows]
    if publication is not None:
        if publication in numbers:
            return None
        message, value = f"There is no publication {publication}.", str(publication)
        fix = f"Choose one from 1 to {numbers[-1]}." if numbers else "There are none yet."
        raise RefusedError(Problem("unknown-publication", message, value=value, fix=fix))
    asked = instant_of(instant or "").replace(tzinfo=None)
    first = rows[0]["published_at"] if rows else None
    if first is None or asked < first:
        message = f"Nothing was published at {instant}."
        fix = f"The first publication is of {first}." if first else "There are none yet."
        raise RefusedError(
            Problem("before-first-publication", message, value=instant or "", fix=fix)
        )
    return asked.isoformat()


def note_publications(workspace: Workspace) -> None:
    """Keep a digest of each publication that the log of events does not have yet."""
    recorded = _contents(delta_rows(workspace.folder("publication_contents")))
    noted = _noted(workspace)
    rows = _row_digests(workspace)
    # Of one that never came out there are contents alone, and another will have its number.
    for number in sorted(rows.keys() - noted.keys()):
        payload = {
            "number": number,
            "digest": _digest(recorded.get(number, {})),
            "row": rows[number],
        }
        workspace.registry.record_event(workspace.actor, NOTED, payload)


def _row_digests(workspace: Workspace) -> dict[int, str]:
    """Return a digest of each row of `publications`, by its number."""
    return {
        row["number"]: digest({name: str(one) for name, one in row.items() if one is not None})
        for row in delta_rows(workspace.folder("publications"))
    }


def verify_publications(
    workspace: Workspace, spark: SparkSession, *, with_loads: bool = False
) -> list[Problem]:
    """Work out again what each publication opened and closed; return what is not as recorded.

    With loads also what was loaded of viewing and devices, which reads all of it.
    """
    if not spark.catalog.tableExists(workspace.table("publications")):
        return []
    run_operation(workspace, "find_contents", with_loads=with_loads)
    recorded, found = (
        _contents(spark.table(workspace.table(name)).toArrow().to_pylist())
        for name in ("publication_contents", "publication_contents_found")
    )
    rows = spark.table(workspace.table("publications")).collect()
    numbers = sorted(row["number"] for row in rows)
    shown = _shown(workspace, spark)
    return [
        *_gaps(numbers),
        *_not_newest(shown, numbers),
        *_other_views(found, shown or 0),
        *_naming_figures(workspace, spark, _changed(recorded, found, numbers)),
        *(_changed_loads(workspace, recorded, found, numbers) if with_loads else ()),
        *_otherwise_noted(recorded, _row_digests(workspace), _noted(workspace), numbers),
        *_calendar(workspace),
    ]


def _contents(rows: Sequence[Mapping[str, Any]]) -> Contents:
    found: Contents = {}
    for row in rows:
        place = (row["table_name"], row["side"])
        found.setdefault(row["number"], {})[place] = row["contents"]
    return found


def _digest(contents: Mapping[tuple[str, str], str]) -> str:
    return digest(sorted([*place, sums] for place, sums in contents.items()))


def _noted(workspace: Workspace) -> dict[int, Event]:
    return {one.payload["number"]: one for one in workspace.registry.events(NOTED)}


FIX = "Somebody changed it behind the system's back: restore the table, then verify again."


def _gaps(numbers: Sequence[int]) -> Iterator[Problem]:
    if numbers != list(range(1, len(numbers) + 1)):
        missing = sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
        message = f"The publications are not numbered from 1 on; missing: {missing[:5]}."
        yield Problem("publication-changed", message, where="publications", fix=FIX)


def _shown(workspace: Workspace, spark: SparkSession) -> int | None:
    """Return which publication readers see; None where an earlier version's views say it."""
    if not spark.catalog.tableExists(workspace.table("shown_publication")):
        return None  # these ask the table until they are built again
    row = spark.table(workspace.table("shown_publication")).first()
    return row["number"] if row else 0


def _not_newest(shown: int | None, numbers: Sequence[int]) -> Iterator[Problem]:
    newest = max(numbers, default=0)
    if shown not in (None, newest):
        message = f"Readers see publication {shown}, but the newest is {newest}."
        fix = "Run foreview build, or foreview promote --resume, which show the newest."
        yield Problem("publication-changed", message, where="shown_publication", fix=fix)


def _other_views(found: Contents, shown: int) -> Iterator[Problem]:
    """Compare what readers see of the marts by their views with what they should of that number."""
    sums = found.get(0, {})
    for name in sorted(name for name, side in sums if side == BY_VIEW):
        if sums[name, BY_VIEW] != sums[name, BY_VERSIONS]:
            message = f"The view of {name} does not show the figures of publication {shown}."
            fix = "Somebody changed it behind the system's back: foreview build makes it anew."
            where = f"published view of {name}"
            yield Problem("publication-changed", message, where=where, fix=fix)


def _changed(recorded: Contents, found: Contents, numbers: Sequence[int]) -> Iterator[Problem]:
    for number in numbers:
        then, now = recorded.get(number, {}), found.get(number, {})
        for table, side in sorted(then.keys() | now.keys()):
            if not side.startswith(LOADED):
                was, is_ = then.get((table, side)), now.get((table, side))
                yield from _differing(table, f"publication {number} {side}", number, was, is_)


def _changed_loads(
    workspace: Workspace, recorded: Contents, found: Contents, numbers: Sequence[int]
) -> Iterator[Problem]:
    """Compare the loads with what they were, but for what was erased of them since."""
    by_place = {
        place: (number, sums)
        for number in numbers
        for place, sums in recorded.get(number, {}).items()
        if place[1].startswith(LOADED)
    }
    if not by_place:
        message = (
            "No sums of viewing and devices are recorded yet: what is loaded can't be checked."
        )
        fix = "The next publication with new viewing or devices records them, of all loads."
        yield Problem("no-load-sums", message, fix=fix)
        return
    now = {place: sums for place, sums in found.get(0, {}).items() if place[1].startswith(LOADED)}
    for event in workspace.registry.events(ERASURE_BEGUN):
        for table, side, sums in event.payload.get("loads", ()):
            now[table, side] = _added(now.get((table, side)), sums)
    unknown = {
        (table, side)
        for begun in workspace.registry.unfinished_erasures().values()
        for table, side, _ in begun.get("loads", ())
    }
    for table, side in sorted((by_place.keys() | now.keys()) - unknown):
        number, was = by_place.get((table, side), (0, None))
        yield from _differing(table, f"was {side}", number, was, now.get((table, side)))


def _added(one: str | None, other: str) -> str:
    """Return the sums of two parts of a load together."""
    pairs = zip((one or "0:0").split(":"), other.split(":"), strict=True)
    return ":".join(str(int(here) + int(there)) for here, there in pairs)


def _differing(
    table: str, what: str, number: int, was: str | None, is_: str | None
) -> Iterator[Problem]:
    if was == is_:
        return
    counts = [int((one or "0").split(":")[0]) for one in (is_, was)]
    message = f"What {what} in {table} is not what it was: " + (
        f"{counts[0]:,} rows, recorded {counts[1]:,}."
        if counts[0] != counts[1]
        else f"a value in its {counts[0]:,} rows differs."
    )
    yield Problem("publication-changed", message, where=table, value=str(number), fix=FIX)


def _naming_figures(
    workspace: Workspace, spark: SparkSession, problems: Iterable[Problem]
) -> Iterator[Problem]:
    """Name a figure where a mart is not what a publication had; the first time for each mart."""
    from foreview.impact_tables import read_marts

    grains = {one["name"]: one["grain"] for one in read_marts(workspace)}
    for problem in problems:
        grain = grains.pop(problem.where, None)
        if grain is not None:
            named = _changed_figure(workspace, spark, problem.where, grain, int(problem.value))
            problem = replace(problem, message=f"{problem.message} {named}")
        yield problem


def _changed_figure(
    workspace: Workspace, spark: SparkSession, mart: str, grain: Sequence[str], number: int
) -> str:
    """Say how a figure that a publication opened or closed differs from Delta's files of then."""
    from delta.tables import DeltaTable
    from pyspark.sql import functions as f

    table = workspace.table(f"{mart}__versions")
    noted = _noted(workspace).get(number)
    at = noted.at if noted else "9999"  # later than the marks, and beyond doubt
    history = DeltaTable.forName(spark, table).history()
    version = history.where(f.col("timestamp") <= f.lit(at)).agg(f.max("version")).collect()[0][0]
    if version is None:
        return "Which figure can't be told: Delta's log no longer reaches back to it."
    is_closed = f.col("published_to").eqNullSafe(number)  # what came later closed others
    try:
        then, now = (
            one.where((f.col("published_from") == number) | is_closed).withColumn(
                "published_to", is_closed
            )
            for one in (spark.read.option("versionAsOf", version).table(table), spark.table(table))
        )
        now = now.select(then.columns)  # measures may have come since
        gone, come = then.exceptAll(now), now.exceptAll(then)
        first = gone.unionAll(come).orderBy(*grain).first()
        if first is None:
            return ""
        same = reduce(and_, (f.col(name).eqNullSafe(f.lit(first[name])) for name in grain))
        wanted, found = (_first(one.where(same)) for one in (gone, come))
    except Exception:  # VACUUM took the files; py4j and Spark raise many kinds
        return "Which figure can't be told: the files of then are no longer there."
    return difference(", ".join(f"{name} {first[name]}" for name in grain), found, wanted)


def _first(frame: DataFrame) -> dict[str, str] | None:
    """Return the first row of some with one grain, its values as text."""
    row = frame.orderBy("published_from").first()
    return row and {name: str(value) for name, value in row.asDict().items()}


def difference(
    place: str, found: Mapping[str, str | None] | None, wanted: Mapping[str, str | None] | None
) -> str:
    """Say how a row is another than the one that was expected; None stands for no row."""
    if found is None or wanted is None:
        return f"{place} {'is missing' if found is None else 'should not be there'}."
    name = next(one for one in wanted if wanted[one] != found.get(one))
    return f"{place}, {name}: found {found.get(name)!r}, expected {wanted[name]!r}."


def _otherwise_noted(
    recorded: Contents,
    rows: Mapping[int, str],
    noted: Mapping[int, Event],
    numbers: Sequence[int],
) -> Iterator[Problem]:
    for number in numbers:
        told = noted[number].payload if number in noted else {}
        places = {
            "publication_contents": ("digest", _digest(recorded.get(number, {}))),
            "publications": ("row", rows.get(number)),
        }
        for table, (name, found) in places.items():
            if name in told and told[name] != found:
                message = (
                    f"What is recorded of publication {number} is not what the log of events says."
                )
                yield Problem(
                    "publication-changed", message, where=table, value=str(number), fix=FIX
                )


def _calendar(workspace: Workspace) -> Iterator[Problem]:
    """Compare the calendar that dbt reads with what was decided."""
    rows = calendar_rows(workspace.registry.calendar())
    read = delta_rows(workspace.folder(CALENDAR, "landing"))
    # What an earlier version wrote has no states until the next build.
    names = [one for one in rows.column_names if not read or one in read[0]]
    found, decided = (
        {tuple(row[name] for name in names) for row in those} for those in (read, rows.to_pylist())
    )
    for span in sorted(found ^ decided, key=str)[:1]:
        told = ", ".join(map(str, span))
        message = f"The calendar {'lacks' if span in decided else 'has'} {told}."
        fix = "Somebody changed it behind the system's back: foreview close-period writes it anew."
        yield Problem("calendar-changed", message, where=CALENDAR, fix=fix)
