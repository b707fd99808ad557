"""A private MariaDB server for the run, and the fixtures of dbt's adapter suite on it."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dbt.tests.adapter
import pytest
from dbt.tests.fixtures import project as suite

from dbt_suite import SHARED, without_settings
from foreview.mariadb_server import NoServerError, Server, running_server

globals().update(SHARED)

# Those that follow take the place of the suite's own.

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
def unique_schema(request: pytest.FixtureRequest, prefix: str) -> str:
    """A name that is short enough, also with what scenarios add."""
    return f"{prefix}_{area_of(request)[:12]}"


@pytest.fixture(scope="module")
def test_data_dir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an area of the suite, or a folder for it."""
    found = area_folder(request) / "data"
    return found if found.is_dir() else tmp_path_factory.mktemp("area") / "data"


def area_folder(request: pytest.FixtureRequest) -> Path:
    return Path(dbt.tests.adapter.__path__[0], area_of(request))


def area_of(request: pytest.FixtureRequest) -> str:
    """Return the area that a test file is about; of our own tests the file's name."""
    return request.module.__name__.rpartition(".")[2].removeprefix("test_suite_")


@pytest.fixture(scope="class")
def surroundings(server: Server) -> Iterator[pytest.MonkeyPatch]:
    """No setting of whoever runs the tests reaches dbt, and nothing stays."""
    with without_settings() as patch:
        for name in GRANTEES:
            patch.setenv(name.upper(), name)
        patch.setenv("DBT_ENV_SECRET_MARIADB", server.password)
        yield patch


@pytest.fixture(scope="class")
def environment(surroundings: pytest.MonkeyPatch) -> Mapping[str, str]:
    return os.environ  # dbt keeps a copy, so it has to be complete before


@pytest.fixture(scope="class")
def dbt_profile_target(server: Server, surroundings: pytest.MonkeyPatch) -> dict[str, Any]:
    return target_of(server)


def target_of(server: Server) -> dict[str, Any]:
    """Return a target of profiles.yml."""
    return {
        "type": "foreview_mariadb",
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": "{{ env_var('DBT_ENV_SECRET_MARIADB') }}",
        "threads": 4,
    }


IN_FILES = [
    (r"('[^'\n]*'|\b\w+|\{\{[^}]*\}\})::text\b", r"\1"),
    (r"\bnull::timestamp\b", "cast(null as datetime(6))"),
    (r"('[^'\n]*')::(date|time|timestamp)\b", r"\2 \1"),
    (r"('[^'\n]*'|\b\w+)::(int|integer|bigint)\b", r"cast(\1 as signed)"),
    (r"\bcast\(([^()]*) as (text|varchar)\)", r"cast(\1 as char)"),
    (r"\bcast\(([^()]*) as timestamp\)", r"cast(\1 as datetime(6))"),
    (r"\{\{ ?target\.database ?\}\}\.", ""),
    (r"api\.Column\.translate_type\([\"'](string|timestamp)[\"']\)", r"dbt.type_\1()"),
    (r"'(\d\d)/(\d\d)/(\d{4})'", r"'\3-\1-\2'"),
    # || is "or": as it stands, all keys are the same.
    (re.escape("""'id || ' ~ "'-'" ~ ' || first_name'"""), "\"concat(id, '-', first_name)\""),
    (r"\"varchar\"", '"varchar(9)"'),
    (r"set session time zone '[^']*'", "set session time_zone = '+05:30'"),
    # MariaDB takes -- for a comment only before a blank.
    (r"(?m)(?<!-)--(?=[^\s\-])", "-- "),
    (r"(\d\d:\d\d:\d\d)-0\b", r"\1"),
    (r"current_setting\('timezone'\)", "@@session.time_zone"),
]
IN_SETTINGS = [
    (r"\bvacuum\b", "analyze table"),
    (r"\bschema text\b", "`schema` text"),
    (r"\((db, )?schema\) values", r"(\1`schema`) values"),
]
"""What is changed in a scenario's hooks."""
IN_STATEMENTS = [
    *IN_FILES,
    # A schema is a database.
    (r"(\{database\}|\bNone)\.", ""),
    (r"timestamp without time zone", "datetime(6)"),
    (r"\b(\w*valid_\w+|\w*updated_at)(\s+)timestamp\b", r"\1\2datetime(6)"),
    (r"\bilike\b", "like"),
    (r"\bcascade\b", ""),
    (r"\btext\b", "longtext"),
    (r"interval '(\d+) (\w+?)s?'", r"interval \1 \2"),
]
"""What the scenarios themselves create and change, never what the adapter does."""
AS_POSTGRESQL = "set session sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT,ANSI_QUOTES');\n"
NAME_IN_QUOTES = re.compile(r'"\w+",')


def as_mariadb(text: str, patterns: list[tuple[str, str]]) -> str:
    """Return SQL that was written for PostgreSQL as MariaDB takes it."""
    for pattern, replacement in patterns:
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    return text


def files_for_mariadb(files: Any) -> Any:
    """Return the files of a folder, those of folders in it too."""
    if isinstance(files, dict):
        return {
            name: one if name.endswith((".csv", ".md")) else files_for_mariadb(one)
            for name, one in files.items()
        }
    return as_mariadb(files, IN_FILES) if isinstance(files, str) else files


@pytest.fixture(scope="class")
def project_files(request: pytest.FixtureRequest, project_root: Path) -> None:
    for name in ("selectors_yml", "dependencies_yml", "packages_yml", "dbt_project_yml"):
        request.getfixturevalue(name)
    settings = project_root / "dbt_project.yml"
    settings.write_text(as_mariadb(settings.read_text("utf-8"), IN_SETTINGS), "utf-8")
    folders = {
        name: request.getfixturevalue(name)
        for name in ("macros", "snapshots", "seeds", "tests", "analyses", "functions")
    }
    folders["models"] = {
        **request.getfixturevalue("models"),
        **request.getfixturevalue("properties"),
    }
    for name, files in folders.items():
        suite.write_project_files(project_root, name, files_for_mariadb(files))


@pytest.fixture(scope="class")
def project(request: pytest.FixtureRequest, project_setup: Any, project_files: None) -> Any:
    """The suite's handle on a scenario's project, with its SQL as MariaDB takes it."""
    plain = project_setup.run_sql

    def run_sql(sql: str, fetch: str | None = None) -> Any:
        sql = as_mariadb(sql, IN_STATEMENTS)
        is_other = "||" in sql or NAME_IN_QUOTES.search(sql)
        return plain(AS_POSTGRESQL + sql if is_other else sql, fetch)

    project_setup.run_sql = run_sql
    project_setup.test_dir = area_folder(request)
    return project_setup
