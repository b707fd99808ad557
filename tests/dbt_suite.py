"""dbt's adapter suite in this project: what its runs on Spark and on MariaDB share.

Its fixtures are put into the conftest of a folder; as a plugin they would be fixtures of every
test, under names such as `models` and `tests`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dbt.adapters.factory import reset_adapters
from dbt.tests.fixtures import project as suite
from dbt_common.tests import disable_test_caching

METHODS = "ignore:Class-scoped fixtures defined as instance methods:pytest.PytestDeprecationWarning"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Of these folders' tests only: the suite's fixtures of classes are written in the old way."""
    item.add_marker(pytest.mark.filterwarnings(METHODS))


@contextmanager
def without_settings() -> Iterator[pytest.MonkeyPatch]:
    """No setting of whoever runs the tests reaches the scenarios, and nothing of theirs stays."""
    # dbt keeps the adapter of a type that the process used last, with that one's target.
    reset_adapters()
    with pytest.MonkeyPatch.context() as patch:
        for name in [one for one in os.environ if one.startswith("DBT_")]:
            patch.delenv(name)
        yield patch
    disable_test_caching()  # the suite switches it on for the whole process


@pytest.fixture(scope="class")
def logs_dir(surroundings: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("logs")
    surroundings.setenv("DBT_LOG_PATH", str(folder))
    return str(folder)


SHARED = {
    **{name: one for name, one in vars(suite).items() if isinstance(one, type(suite.adapter))},
    "logs_dir": logs_dir,
    "pytest_itemcollected": pytest_itemcollected,
}
"""For a conftest's own names; it defines `surroundings`."""
