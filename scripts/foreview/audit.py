"""Audit: do seeds, loads and dimensions hold what the promoted change sets come to?"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

from foreview.changes import Identity, Row, State, identity_of
from foreview.contract import Contract
from foreview.dbt_project import open_engines
from foreview.engine import open_session
from foreview.errors import Problem, RefusedError
from foreview.impact_tables import release_of
from foreview.loads import approved_columns, read_seed
from foreview.log_head import check_head
from foreview.past import as_of, difference, verify_publications
from foreview.receipt_figures import check_figures
from foreview.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


SEED, SEED_TABLE, LOAD = "seed", "seed table", "load"
WRITTEN = (SEED, SEED_TABLE, LOAD)
"""Places that Foreview writes itself, with the change set of each row."""


@dataclass(frozen=True)
class Check:
    """One comparison of a place with the replayed change sets.

    Attributes:
        dimension: The dimension.
        place: What was compared: `seed`, `load`, `working table`, `published table` or
            `reference store`.
        rows: Number of rows found there, those that are there twice too.
        hash: SHA-256 over the ordered rows, hex.
        problem: The first difference, or None.
    """

    dimension: str
    place: str
    rows: int
    hash: str
    problem: Problem | None


def verify(workspace: Workspace, *, with_loads: bool = False) -> tuple[list[Check], list[Problem]]:
    """Compare all places that hold approved rows with the change sets, and the past with its sums.

    Args:
        workspace: Where.
        with_loads: Whether to read all viewing and devices, too.

    Returns:
        A check per dimension and place, and all problems, those of the event log first.
    """
    from foreview import store

    registry = workspace.registry
    problems = [*registry.verify_events(), *check_head(workspace)]
    spark = open_engines(workspace)
    expected = {name: registry.approved_rows(name) for name in workspace.contracts}
    # Before a first load the seeds are the project's own.
    contracts = list(workspace.contracts.values()) if registry.latest_release() else []
    with ThreadPoolExecutor(max_workers=2) as pool:  # planning a query takes one core
        found = pool.map(lambda one: _places(workspace, spark, one), contracts)
        checks = [
            _check_place(contract, place, lines, *expected[contract.dimension])
            for contract, places in zip(contracts, found, strict=True)
            for place, lines in places.items()
        ]
    checks = list(_with_unfinished(workspace, checks))
    if store.is_configured():
        checks += store.check_store(workspace)
    problems += [check.problem for check in checks if check.problem]
    problems += check_figures(workspace)
    past = verify_publications(workspace, spark, with_loads=with_loads)
    return checks, [*problems, *_naming_rows(workspace, spark, past)]


def _with_unfinished(workspace: Workspace, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield checks; what an unfinished promotion may have written is nobody's to be undone."""
    step = workspace.registry.unfinished_promotion()
    sets = map(workspace.registry.change_set, step.detail["change_sets"] if step else ())
    dimensions = {name for one in sets for name in one.dimensions}
    for one in checks:
        if step is None or one.problem is None or one.dimension not in dimensions:
            yield one
            continue
        message = (
            f"The promotion to reference version {step.release} is unfinished, so these rows may "
            f"be those before it or with it: {one.problem.message}"
        )
        fix = "Finish it, foreview promote --resume, or give it up, --abandon; then verify again."
        problem = Problem("promotion-unfinished", message, one.problem.where, fix=fix)
        yield replace(one, problem=problem)


def refuse_other_rows(workspace: Workspace, expected: Mapping[str, State]) -> None:
    """Refuse when a dimension as it was built has other rows than these.

    Raises:
        RefusedError: `not-as-approved`, with the first difference of each dimension.
    """
    spark = open_session(workspace)
    problems = []
    for name, rows in expected.items():
        contract = workspace.contract(name)
        place = "working table"
        found = _state_in(spark.table(workspace.table(f"dim_{name}")), contract)
        problem = check_rows(contract, place, found, rows).problem
        problems += [problem] if problem else []
    if problems:
        raise RefusedError(problems)


def _places(workspace: Workspace, spark: SparkSession, contract: Contract) -> dict[str, list[Row]]:
    name = contract.dimension
    is_seed = contract.storage == "seed"
    tables = {
        SEED_TABLE if is_seed else LOAD: workspace.table(
            name, "approved" if is_seed else "landing"
        ),
        "working table": workspace.table(f"dim_{name}"),
        "published table": workspace.table(f"dim_{name}", "published"),
    }
    frames = {
        place: spark.table(table)
        for place, table in tables.items()
        if spark.catalog.tableExists(table)
    }
    lines = _lines(frames, contract, approved_columns(contract))
    found: dict[str, list[Row]] = {place: [] for place in tables} | lines
    if not is_seed:
        return found
    return {SEED: read_seed(workspace.seeds / f"{name}.csv", contract), **found}


def _check_place(
    contract: Contract,
    place: str,
    lines: Sequence[Row],
    expected: State,
    last: Mapping[Identity, str],
) -> Check:
    """Compare a place's rows, and where they were written also each row's change set.

    Snapshots keep the change set that a row had when its values last changed.
    """
    rows = state_of(contract, lines)
    check = check_rows(contract, place, without_sources(contract, rows), expected)
    if not check.problem and len(lines) > len(rows):
        check = replace(check, problem=_first_twice(contract, place, lines))
    check = replace(check, rows=len(lines))
    if check.problem or place not in WRITTEN:
        return check
    sourced = {
        identity: {**row, "change_set_id": last[identity]} for identity, row in expected.items()
    }
    return replace(check, problem=check_rows(contract, place, rows, sourced).problem)


def without_sources(contract: Contract, rows: State) -> State:
    """Return rows of a seed or load without the change set that each is of."""
    return {
        identity: {name: row[name] for name in contract.row_columns}
        for identity, row in rows.items()
    }


def _lines(
    frames: Mapping[str, DataFrame], contract: Contract, columns: Sequence[str] = ()
) -> dict[str, list[Row]]:
    """Return the rows of several frames by their places, in one query; all values by default."""
    from pyspark.sql import functions as f

    def column(frame: DataFrame, name: str) -> Any:
        """A column that is new in the rules is not there until the next build, and blank."""
        found = f.col(name) if name in frame.columns else f.lit(None)
        return found.cast("string").alias(name)

    placed = [
        one.select(
            f.lit(place).alias("place"),
            *(column(one, name) for name in columns or contract.row_columns),
        )
        for place, one in frames.items()
    ]
    by_place: dict[str, list[Row]] = {place: [] for place in frames}
    if placed:
        for row in reduce(lambda one, other: one.unionByName(other), placed).toArrow().to_pylist():
            by_place[row.pop("place")].append(row)
    return by_place


def _state_in(frame: DataFrame, contract: Contract) -> State:
    return state_of(contract, _lines({"": frame}, contract)[""])


def _naming_rows(
    workspace: Workspace, spark: SparkSession, problems: Sequence[Problem]
) -> Iterator[Problem]:
    """Name the row where a dimension is not what a publication had; the first time for each."""
    named = set()
    for problem in problems:
        yield problem
        contract = workspace.contracts.get(problem.where.removeprefix("dim_"))
        if contract is None or contract.dimension in named:
            continue
        named.add(contract.dimension)
        number, place = int(problem.value), f"publication {problem.value}"
        rows = as_of(workspace, contract.dimension, publication=number)
        release = release_of(workspace, spark, number)
        expected, _ = workspace.registry.approved_rows(contract.dimension, release)
        difference = check_rows(contract, place, _state_in(rows, contract), expected)
        if difference.problem:
            yield difference.problem


def state_of(contract: Contract, rows: Iterable[Mapping[str, Any]]) -> dict[Identity, Row]:
    """Return a table's rows by identity, their values as they are written in a seed."""
    found: dict[Identity, Row] = {}
    for row in rows:
        text = {name: _text(value) for name, value in row.items()}
        found[identity_of(contract, text)] = text
    return found


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "seconds")
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_rows(contract: Contract, place: str, rows: State, expected: State) -> Check:
    """Compare the rows of a place with those expected."""
    found_hash, problem = state_hash(rows), None
    if found_hash != state_hash(expected):
        problem = _first_difference(contract, place, rows, expected)
    return Check(contract.dimension, place, len(rows), found_hash, problem)


def state_hash(rows: State) -> str:
    """Return the SHA-256 over a dimension's rows in the order of their identities."""
    digest = hashlib.sha256()
    for identity in sorted(rows):
        line = json.dumps([identity, sorted(rows[identity].items())], ensure_ascii=False)
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _first_difference(
    contract: Contract, place: str, rows: Mapping[Identity, Row], expected: State
) -> Problem:
    for identity in sorted(set(rows) | set(expected)):
        found, wanted = rows.get(identity), expected.get(identity)
        if found == wanted:
            continue
        fix = "Somebody changed it behind the system's back: undo that, or propose it as an edit."
        message = difference(_told(contract, identity), found, wanted)
        return Problem(
            "not-as-approved", message, where=f"{place} of {contract.dimension}", fix=fix
        )
    raise AssertionError("equal rows with unequal hashes")


def _first_twice(contract: Contract, place: str, lines: Iterable[Row]) -> Problem:
    """Name the first row that is there twice: as rows by identity nothing would show it."""
    counts = Counter(identity_of(contract, one) for one in lines)
    first = min(one for one, count in counts.items() if count > 1)
    message = f"{_told(contract, first)} is there twice."
    fix = "Somebody changed it behind the system's back: undo that, or foreview build --restore."
    return Problem("not-as-approved", message, where=f"{place} of {contract.dimension}", fix=fix)


def _told(contract: Contract, identity: Identity) -> str:
    return f"{contract.dimension} {', '.join(identity[:-1])} from {identity[-1]}"
