"""Markets of a mart or two, in which a promotion takes seconds, and what happens to them in tests.

Tests of more than one file use the same market, since making it takes minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from random_edits import DAYS

from conftest import make_workspace, project_with
from foreview.generate.viewing import generate_viewing
from foreview.registry import Registry
from foreview.sample import generate_sample
from foreview.viewing_load import load_viewing, publish_loads, write_devices
from foreview.workspace import Workspace

MART = "audience_by_market_day"
NOW, OLD = "audience_by_network_day_now", "audience_by_network_day"


@cache
def small_market(home: Path, schema: str, *marts: str, registry: str = "") -> Workspace:
    """Return the market with these marts and a project of its own; rob and eve may restate.

    `registry` is the address of its registry, where it is not in a file.
    """
    workspace = make_workspace(home, schema)
    workspace = replace(workspace, registry_url=registry or workspace.registry_url)
    project = project_with(workspace.home / "project", *marts)
    settings = project / "dbt_project.yml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("restaters: []", "restaters: [rob, eve]"), encoding="utf-8")
    workspace = replace(workspace, project=project)
    generate_sample(workspace, rows=3_000, days=3, devices=200, first_day=DAYS[0], seed=5)
    return workspace


def newest(spark: Any, market: Workspace) -> int:
    """Return the newest publication's number."""
    table = spark.table(market.table("publications"))
    return int(table.agg({"number": "max"}).first()[0])


def shown_to_readers(spark: Any, market: Workspace) -> int:
    """Return the number of the publication that readers see."""
    return int(spark.table(market.table("shown_publication")).first()[0])


def load(spark: Any, market: Workspace, folder: Path, *, first_day: str, seed: int = 9) -> None:
    """Load some viewing of a day, as a batch of its own."""
    from pyspark.sql import functions as f

    state, _ = market.registry.approved_rows("channel")
    viewing = generate_viewing(
        spark,
        rows=400,
        first_day=date.fromisoformat(first_day),
        days=1,
        devices=200,
        channel_ids=sorted({one[0] for one in state}),
        seed=seed,
        time_zone="America/New_York",
    )
    batch = spark.table(market.table("fct_viewing")).agg(f.max("load_batch")).first()[0] + 1
    viewing.withColumn("load_batch", f.lit(batch)).write.parquet(str(folder))
    load_viewing(market, folder)


def load_other_devices(spark: Any, market: Workspace, day: str) -> None:
    """Load devices again as of a day: some are new then, some gone, some in another area."""
    from delta.tables import DeltaTable
    from pyspark.sql import functions as f

    table = market.table("device", "landing")
    devices, kind = spark.table(table), f.col("device_id") % 10
    area = devices.agg(f.min("area_id")).first()[0]
    again = devices.where(kind != 3).withColumns(
        {
            "load_date": f.lit(day).cast("date"),
            "area_id": f.when(kind == 5, f.lit(area)).otherwise(f.col("area_id")),
        }
    )
    write_devices(market, again)
    first = (kind == 7) & (f.col("load_date") < f.lit(day))
    DeltaTable.forName(spark, table).delete(first)
    publish_loads(market)


class Killed(BaseException):
    """Stands for a process that ends: nothing catches it."""


def killing(*_: Any, **__: Any) -> None:
    raise Killed


@contextmanager
def killed_at(step: str | None) -> Iterator[None]:
    """Let the process end when a step's work is done, before it is recorded; None: don't."""
    record_step = Registry.record_step

    def ends(self: Registry, release: int, name: str, state: str, **rest: Any) -> Any:
        if name == step and state == "done":
            raise Killed(name)
        return record_step(self, release, name, state, **rest)

    with patch.object(Registry, "record_step", ends):
        yield
