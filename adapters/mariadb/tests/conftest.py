"""A private MariaDB server for the run, and the fixtures of dbt's adapter suite on it.

The suite's fixtures are those of this folder alone; as a plugin they would be fixtures of every
test, under names such as `models` and `tests`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from dbt.tests.fixtures import project as suite
from dbt_common.tests import disable_test_caching
from mariadb_server import NoServerError, Server, running_server

globals().update(
    {name: one for name, one in vars(suite).items() if isinstance(one, type(suite.adapter))}
)

# Those that follow take the place of the suite's own.

METHODS = "ignore:Class-scoped fixtures defined as instance methods:pytest.PytestDeprecationWarning"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Of this folder's tests only: the suite's fixtures of classes are written in the old way."""
    item.add_marker(pytest.mark.filterwarnings(METHODS))


OTHER_DEFAULTS = [
    "--default-time-zone=+05:00",
    "--collation-server=utf8mb4_general_ci",
    "--sql-mode=",
    "--transaction-isolation=REPEATABLE-READ",
]
"""What a server may have set: none of it may make a difference."""


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server of this process alone."""
    try:
        with running_server(*OTHER_DEFAULTS) as one:
            with one.connect() as connection, connection.cursor() as cursor:
                for name in GRANTEES:
                    cursor.execute(f"create role {name}")
            yield one
    except NoServerError as error:
        pytest.skip(str(error))


GRANTEES = ["dbt_test_user_1", "dbt_test_user_2", "dbt_test_user_3"]


@pytest.fixture(scope="class")
def surroundings(server: Server) -> Iterator[pytest.MonkeyPatch]:
    """No setting of whoever runs the tests reaches dbt, and nothing stays."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith("DBT_")]:
            patch.delenv(name)
        for name in GRANTEES:
            patch.setenv(name.upper(), name)
        patch.setenv("DBT_ENV_SECRET_MARIADB", server.password)
        yield patch
    disable_test_caching()  # the suite switches it on for the whole process


@pytest.fixture(scope="class")
def environment(surroundings: pytest.MonkeyPatch) -> Mapping[str, str]:
    return os.environ  # dbt keeps a copy, so it has to be complete before


@pytest.fixture(scope="class")
def dbt_profile_target(server: Server, surroundings: pytest.MonkeyPatch) -> dict[str, Any]:
    return {
        "type": "foreview_mariadb",
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": "{{ env_var('DBT_ENV_SECRET_MARIADB') }}",
        "threads": 4,
    }


@pytest.fixture(scope="class")
def logs_dir(surroundings: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("logs")
    surroundings.setenv("DBT_LOG_PATH", str(folder))
    return str(folder)


REWRITTEN = [
    # A schema is a database.
    (r"(\{database\}|\bNone)\.", ""),
    (r"timestamp without time zone", "datetime(6)"),
    (r"\bilike\b", "like"),
    (r"\btext\b", "longtext"),
    (r"(\w+) \|\| ' ' \|\| (\w+)", r"concat(\1, ' ', \2)"),
    (r"interval '(\d+) (\w+?)s?'", r"interval \1 \2"),
]


@pytest.fixture(scope="class")
def project(project_setup: Any, project_files: None) -> Any:
    """The suite's handle on a scenario's project, with PostgreSQL's SQL as MariaDB takes it."""
    plain = project_setup.run_sql

    def run_sql(sql: str, fetch: str | None = None) -> Any:
        for pattern, replacement in REWRITTEN:
            sql = re.sub(pattern, replacement, sql, flags=re.IGNORECASE)
        return plain(sql, fetch)

    project_setup.run_sql = run_sql
    return project_setup
