"""The fixtures of dbt's adapter suite, for this folder only, in the run's one Spark session."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.tests.fixtures import project as suite

from dbt_suite import SHARED, without_settings

from .dialect import files_on_delta, statements

FORMAT = "spark.sql.sources.default"

globals().update(SHARED)

# Those that follow take the place of the suite's own.


@pytest.fixture(scope="class")
def surroundings(spark: Any, unique_schema: str) -> Iterator[pytest.MonkeyPatch]:
    """No setting of a workspace reaches the scenarios, and nothing of theirs stays."""
    with without_settings() as patch:
        kept = spark.conf.get(FORMAT)
        spark.conf.set(FORMAT, "delta")  # in Spark's own format the scenarios can't update
        yield patch
        spark.conf.set(FORMAT, kept)
    assert not spark.catalog.databaseExists(unique_schema)


@pytest.fixture(scope="class")
def dbt_profile_target(surroundings: pytest.MonkeyPatch) -> dict[str, Any]:
    return {"type": "spark", "method": "session", "host": "localhost", "threads": 2}


@pytest.fixture(scope="class")
def project_files(
    project_root: Path,
    models: dict[str, str],
    properties: dict[str, str],
    macros: dict[str, str],
    seeds: dict[str, str],
    snapshots: dict[str, str],
) -> None:
    folders = {
        "models": models | properties,
        "macros": macros,
        "seeds": seeds,
        "snapshots": snapshots,
    }
    for name, files in folders.items():
        suite.write_project_files(project_root, name, files_on_delta(files))


@pytest.fixture(scope="class")
def project(project_setup: Any, project_files: None) -> Any:
    """The suite's handle on a scenario's project, with SQL as Spark takes it."""
    plain = project_setup.run_sql

    def run_sql(sql: str, fetch: str | None = None) -> Any:
        results = [plain(one, fetch) for one in statements(sql)]
        return results[-1]

    project_setup.run_sql = run_sql
    return project_setup
