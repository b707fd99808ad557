"""One Spark session for a pytest process, in a temporary home that goes with it."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from foreview.mariadb_server import NoServerError, Server, running_server
from foreview.workspace import PROJECT_FILES, Workspace, open_workspace

# The same examples in each run, and none is timed: on a busy machine the first alone take long.
settings.register_profile(
    "foreview", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("foreview")

# No test's lineage goes to the server of whoever runs it, child processes' neither.
os.environ["OPENLINEAGE_DISABLED"] = "true"

# Nor do any test's rows go to their reference store.
os.environ.pop("FOREVIEW_STORE", None)

PROJECT = Path(__file__).resolve().parents[1]
SESSION = "foreview_session"
"""The workspace whose folder has the tables of all others in the run."""
SHARED_DATA = PROJECT.parent / "shared" / "data"


TOGETHER = {
    "test_what_if_equals_rebuild.py": "all marts",
    "test_two_tracks.py": "one mart",
    "test_two_scenarios.py": "one mart",
    "test_promotion_ledger.py": "one mart",
    "test_kills.py": "killed",
    "test_loads.py": "two marts",
    "test_adding_a_mart.py": "two marts",
}
"""The longest files first, in the order in which they run, and the market that they use."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the longest files out first: what comes last is short then, and no process waits."""
    rank = {name: place for place, name in enumerate(TOGETHER)}
    items.sort(key=lambda one: rank.get(one.path.name, len(TOGETHER)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal files out, as `--dist loadfile` does, those with one market to one process."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return TOGETHER.get(Path(file).name, file)

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("SOAK_HOME")
    return Path(kept) if kept else tmp_path_factory.mktemp("foreview")


@pytest.fixture(scope="session")
def spark(spark_home: Path) -> Iterator[Any]:
    from foreview.engine import open_session

    session = open_session(make_workspace(spark_home, SESSION))
    yield session
    session.stop()


@pytest.fixture
def project() -> Iterator[Any]:
    """The project's macros and graph, without an engine; what a test does to them is undone."""
    from dbt_macros import macros

    found = macros()
    found.forget()
    yield found
    found.forget()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder ../shared/data with the real channels is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A server of the run's own; stopped at its end."""
    try:
        with running_server() as server:
            yield server
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture
def lasting_server() -> Iterator[Server]:
    """A server of a test's own that keeps what it said it had recorded, also when it is killed."""
    try:
        with running_server("--innodb-flush-log-at-trx-commit=2") as server:
            yield server
    except NoServerError as error:
        pytest.skip(str(error))


def make_workspace(home: Path, schema: str, actor: str = "ana") -> Workspace:
    """Return a workspace with tables, registry and seeds of its own in the one session."""
    environment = {"FOREVIEW_PROJECT": str(PROJECT), "FOREVIEW_SCHEMA": schema}
    own = home / schema
    own.mkdir(parents=True, exist_ok=True)
    (own / "allow-act-as").touch()
    if schema != SESSION and not (own / "warehouse").is_symlink():
        (own / "warehouse").symlink_to(home / SESSION / "warehouse")
    workspace = open_workspace(environment, home=own, act_as=actor)
    os.environ.pop("FOREVIEW_TARGET", None)
    return workspace


def project_with(folder: Path, *marts: str) -> Path:
    """Return a copy of the project that has these marts alone."""
    all_marts = {path.stem for path in (PROJECT / "models" / "audience").glob("*.sql")}
    return project_without(folder, *(all_marts - set(marts)))


def project_without(folder: Path, *marts: str) -> Path:
    """Return a copy of the project that lacks some marts."""
    folder.mkdir()
    for name in PROJECT_FILES:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name)
        else:
            shutil.copy(PROJECT / name, folder / name)
    audience = folder / "models" / "audience"
    (audience / "exposures.yml").unlink()  # they may name the marts
    for mart in marts:
        (audience / f"{mart}.sql").unlink()
        for path in audience.glob("*.yml"):
            entries = re.split(r"(?m)^(?=  - name: )", path.read_text(encoding="utf-8"))
            kept = [one for one in entries if not re.search(rf"(name|model): {mart}\n", one)]
            path.write_text("".join(kept), encoding="utf-8")
    return folder


def acting(workspace: Workspace, actor: str) -> Workspace:
    return replace(workspace, actor=actor)
