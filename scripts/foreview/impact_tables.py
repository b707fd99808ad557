"""Reads an impact from the tables of a scenario's schema, and what is published beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from decimal import Decimal
from functools import reduce
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from foreview.changes import ChangeSet
from foreview.clients import read_clients
from foreview.errors import Problem, RefusedError
from foreview.impact import (
    FigureImpact,
    Impact,
    MartImpact,
    Measure,
    ModelImpact,
    PathTaken,
    RankChange,
    Ratio,
)
from foreview.periods import spans
from foreview.receipt import digest
from foreview.rekeying import proposed_pairs
from foreview.thresholds import ANY
from foreview.workspace import Workspace
from foreview.yaml_files import properties_files, read_yaml

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def read_impact(
    workspace: Workspace,
    spark: SparkSession,
    change_sets: Sequence[ChangeSet],
    schema: str,
    totals: Mapping[str, int],
) -> Impact:
    """Return the impact that a scenario's schema holds, without a checksum.

    Args:
        workspace: Where.
        spark: Its session.
        change_sets: The scenario's.
        schema: Where its models were built.
        totals: How many figures each mart has.

    Raises:
        RefusedError: Nothing was ever published.
    """
    publication = newest_publication(workspace, spark)
    touched = spark.table(f"{schema}.impact").first()
    assert touched is not None  # noqa: S101 - an aggregate has one row
    keys = sorted(tuple(map(str, row)) for row in spark.table(f"{schema}.touched_keys").collect())
    return Impact(
        change_sets=tuple(change_sets),
        base_release=workspace.registry.latest_release(),
        horizon_day=str(publication["last_day"]) if publication["last_day"] else None,
        horizon_batch=publication["load_batch"],
        contracts={name: one.hash for name, one in sorted(workspace.contracts.items())},
        marts=read_mart_impacts(spark, read_marts(workspace), schema, totals),
        touched_records=touched["touched_records"],
        touched_days=touched["touched_days"],
        touched_seconds=touched["touched_seconds"],
        read_set={
            "publication": publication["number"],
            "mart_definitions": publication["definitions"],
            "device_load": str(publication["device_load"]),
            "touched_keys": len(keys),
            "touched_keys_hash": digest(keys),
            "what_if_sql": sql_hash(workspace),
            "settings": settings_read(workspace),
            "mart_declarations": mart_declarations(workspace),
            "calendar": calendar_hash(workspace),
            **clients_read(workspace, change_sets),
        },
        checksum="",
        proposed_pairs=proposed_pairs(change_sets),
        paths=tuple(
            PathTaken(row["period"], row["path"], row["touched_records"], row["records"])
            for row in spark.table(f"{schema}.what_if_paths").orderBy("period").collect()
        ),
    )


def first_publication_of(workspace: Workspace, spark: SparkSession, release: int) -> int:
    """Return the publication in which readers first saw a release; later loads have others."""
    from pyspark.sql import functions as f

    publications = spark.table(workspace.table("publications"))
    row = publications.where(f.col("release") == release).agg(f.min("number")).first()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return int(row[0])


def release_of(workspace: Workspace, spark: SparkSession, publication: int) -> int:
    """Return the release that a publication, which is there, is of."""
    from pyspark.sql import functions as f

    publications = spark.table(workspace.table("publications"))
    rows = publications.where(f.col("number") == publication).collect()
    return int(rows[0]["release"])


def calendar_hash(workspace: Workspace) -> str:
    """Return the hash of what the publication calendar comes to."""
    return digest([astuple(one) for one in spans(workspace.registry.calendar())])


def clients_read(workspace: Workspace, change_sets: Iterable[ChangeSet]) -> dict[str, str]:
    """Return, as `clients`, the hash of the reports of clients whom thresholds name, if any do."""
    dimensions = {name for one in change_sets for name in one.dimensions}
    named = {one.client for name in dimensions for one in workspace.contract(name).thresholds}
    named.discard(ANY)
    if not named:
        return {}
    marts = {one["name"] for one in read_marts(workspace)}
    known = read_clients(workspace)
    return {
        "clients": digest(
            [[one, sorted(marts & known[one].products)] for one in sorted(named & known.keys())]
        )
    }


def newest_publication(workspace: Workspace, spark: SparkSession) -> Mapping[str, Any]:
    """Return the newest publication's row; refused when there is none."""
    from pyspark.sql import functions as f

    rows = spark.table(workspace.table("publications")).orderBy(f.desc("number")).limit(1).collect()
    if not rows:
        message = "Nothing is published yet, so there are no figures to compare with."
        raise RefusedError(
            Problem("nothing-published", message, fix="Run foreview build, or dbt build.")
        )
    return rows[0].asDict()  # type: ignore[no-any-return]


_SQL_FOLDERS = (
    "macros",
    "models/what_if",
    "models/audience",
    "models/viewing",
    "models/reference",
    "models/staging",
)
_VARIABLE = re.compile(r"""(?<![\w.])var\(\s*['"](\w+)['"]""")


def _sql_files(workspace: Workspace) -> Iterator[Path]:
    """Yield the files of the SQL that computes impacts: macros, dimensions, marts, the what-if."""
    for folder in _SQL_FOLDERS:
        yield from sorted((workspace.project / folder).rglob("*.sql"))


def sql_hash(workspace: Workspace) -> str:
    """Return the hash of the SQL that computes impacts."""
    sha = hashlib.sha256()
    for path in _sql_files(workspace):
        sha.update(path.name.encode() + path.read_bytes())
    return sha.hexdigest()


def settings_read(workspace: Workspace) -> dict[str, str]:
    """Return the `vars` of dbt_project.yml that this SQL reads, but for those of a single run."""
    read = {
        name
        for path in _sql_files(workspace)
        for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))
    }
    settings = workspace.settings
    return {name: str(settings[name]) for name in sorted(read & settings.keys())}


def mart_declarations(workspace: Workspace) -> str:
    """Return each mart and the hash of what is declared of it, `name=hash;...`, sorted.

    The definitions that a publication keeps are those with which its figures were computed; a
    what-if computes by the declarations that there are now.
    """
    declared = {
        mart["name"]: digest({key: one for key, one in mart.items() if key != "description"})
        for mart in read_marts(workspace)
    }
    return ";".join(f"{name}={one}" for name, one in sorted(declared.items()))


IDENTIFYING = frozenset({"device_id", "household_id"})
"""Columns that never leave in a report."""


def read_marts(workspace: Workspace) -> list[dict[str, Any]]:
    """Return name, description and declared rules of each mart, in the order of their files.

    Raises:
        RefusedError: A mart's grain has devices or households, or a model is not declared as one.
    """
    folder = workspace.project / "models" / "audience"
    marts = []
    for path in properties_files(folder):
        for model in (read_yaml(path) or {}).get("models") or []:
            marts.append(_declared_mart(model, path.relative_to(workspace.project)))
    return marts


def _declared_mart(model: Mapping[str, Any], path: PurePath) -> dict[str, Any]:
    rules = ((model.get("config") or {}).get("meta") or {}).get("mart")
    if rules is None:
        message = f"The mart {model['name']} has no grain and measures in {path.as_posix()}."
        fix = "Declare them under config: meta: mart, as docs/adding-a-mart.md says."
        raise RefusedError(Problem("mart-not-declared", message, value=model["name"], fix=fix))
    identifying = ", ".join(IDENTIFYING & set(rules["grain"]))
    if identifying:
        message = f"The figures of {model['name']} would be of single households."
        fix = f"Take {identifying} out of its grain."
        raise RefusedError(Problem("identifying-grain", message, value=identifying, fix=fix))
    return {"name": model["name"], "description": model.get("description", ""), **rules}


def measures_of(mart: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the measures of a mart as `read_marts` gives it."""
    return tuple(
        Measure(
            name=one,
            label=rules["label"],
            type=rules["type"],
            additive=rules["over"] == "records",
            unit={"s": "seconds"}.get(rules.get("unit"), rules.get("unit")) or one,
        )
        for one, rules in mart["measures"].items()
    )


def unknown_mart(name: str, known: Iterable[str]) -> Problem:
    """Return what is told when there is no mart of a name."""
    message = f"There is no report named {name!r}."
    return Problem("unknown-product", message, value=name, fix=f"Use one of: {', '.join(known)}.")


def count_figures(workspace: Workspace, spark: SparkSession) -> dict[str, int]:
    """Return how many figures each mart has published."""
    from pyspark.sql import functions as f

    counts = [
        spark.table(workspace.table(mart["name"], "published")).select(
            f.lit(mart["name"]), f.count("*")
        )
        for mart in read_marts(workspace)
    ]
    return dict(map(tuple, reduce(lambda one, other: one.unionAll(other), counts).collect()))


def read_mart_impacts(
    spark: SparkSession,
    marts: Sequence[Mapping[str, Any]],
    schema: str,
    totals: Mapping[str, int],
) -> tuple[MartImpact, ...]:
    """Return the impact on these marts, as `read_marts` gives them, in their order."""
    return tuple(_read_mart(spark, mart, schema, totals[mart["name"]]) for mart in marts)


def stored_values(mart: Mapping[str, Any]) -> list[str]:
    """Return the columns of a mart's figures beside the grain, as the macro `version_columns`."""
    ratios = mart.get("ratios", {}).items()
    denominators = [f"{one}_denominator" for one, ratio in ratios if "within" in ratio]
    return [*mart["measures"], *mart.get("constants", ()), *denominators]


def _read_mart(
    spark: SparkSession, mart: Mapping[str, Any], schema: str, total_figures: int
) -> MartImpact:
    name = mart["name"]
    measured = stored_values(mart)
    table = f"{schema}.impact_{name}"  # none for a mart that is not touched
    rows = spark.table(table).toArrow().to_pylist() if spark.catalog.tableExists(table) else []
    figures: list[FigureImpact] = []
    held: list[FigureImpact] = []
    for row in rows:
        before = {one: _number(row[f"before_{one}"]) for one in measured}
        after = {one: _number(row[f"after_{one}"]) for one in measured}
        (held if row["is_held"] else figures).append(
            FigureImpact(
                grain=tuple(str(row[one]) for one in mart["grain"]),
                change=row["change"],
                before={} if row["change"] == "added" else before,
                after={} if row["change"] == "removed" else after,
            )
        )
    figures.sort(key=lambda one: one.grain)
    return MartImpact(
        name=name,
        label=mart["label"],
        description=mart["description"],
        grain=tuple(mart["grain"]),
        measures=measures_of(mart),
        ratios=tuple(
            Ratio(
                name=one,
                label=rules["label"],
                numerator=rules["numerator"],
                denominator=rules.get("denominator", f"{one}_denominator"),
                scale=rules["scale"],
            )
            for one, rules in mart.get("ratios", {}).items()
        ),
        figures=tuple(figures),
        total_figures=total_figures,
        nested=tuple(mart["nested"]) if "nested" in mart else None,
        named_by=tuple(mart.get("named_by", ())),
        held=tuple(sorted(held, key=lambda one: one.grain)),
    )


def with_rank_changes(
    spark: SparkSession, schema: str, marts: Sequence[MartImpact]
) -> tuple[MartImpact, ...]:
    """Return marts with the places that their figures gain and lose, the best places first."""
    found: dict[str, list[RankChange]] = {}
    for row in spark.table(f"{schema}.rank_changes").toArrow().to_pylist():
        change = RankChange(tuple(row["grain"]), row["rank_before"], row["rank_after"])
        found.setdefault(row["mart"], []).append(change)

    def best(change: RankChange) -> tuple[int, tuple[str, ...]]:
        return min(one for one in (change.before, change.after) if one), change.grain

    return tuple(
        replace(mart, rank_changes=tuple(sorted(found.get(mart.name, ()), key=best)))
        for mart in marts
    )


SHOWN_ROWS = 20
"""Rows of a model's difference that reports show; the table has all."""


def read_models(spark: SparkSession, schema: str) -> tuple[ModelImpact, ...]:
    """Return what the full path found in dbt models that are no marts."""
    found = []
    for counts in spark.table(f"{schema}.other_models").orderBy("model").collect():
        if counts["reason"]:
            found.append(ModelImpact(counts["model"], 0, 0, 0, 0, (), (), counts["reason"]))
            continue
        table = spark.table(f"{schema}.difference_{counts['model']}").drop(*IDENTIFYING)
        rows = table.orderBy(*table.columns[1:], "world").limit(SHOWN_ROWS).toArrow().to_pylist()
        texts = tuple(tuple(str(one) for one in row.values()) for row in rows)
        found.append(
            ModelImpact(
                name=counts["model"],
                rows_before=counts["rows_before"],
                rows_after=counts["rows_after"],
                removed=counts["removed"],
                added=counts["added"],
                columns=tuple(table.columns),
                rows=texts,
            )
        )
    return tuple(found)


def _number(value: Any) -> int | Decimal | None:
    return value if value is None or isinstance(value, Decimal) else int(value)
