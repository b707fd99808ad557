"""dbt's adapter suite: the cache of relations."""

from typing import Any

import pytest
from dbt.adapters.base import BaseRelation

from .suite import scenarios


@pytest.fixture(autouse=True)
def database_for_comparison(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The suite lowers the name of the database, which MariaDB's relations do not have."""
    monkeypatch.setattr(BaseRelation, "database", property(lambda one: one.path.database or ""))


globals().update(scenarios("caching", globals()))
