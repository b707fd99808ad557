"""The scenarios of dbt's adapter suite (dbt-tests-adapter), found rather than named.

A scenario is a class with tests that no other class of the suite is made from. Each runs here, as
it is or as a subclass that this folder declares, or is in `SKIPPED` with the reason.
"""

import importlib
import inspect
import os
from functools import cache
from pathlib import Path
from typing import Any

import dbt.tests.adapter
import pytest

SKIPPED: dict[str, str] = {
    "TestPostgresColumnTypes": "looks at types by dbt-postgres's own class",
    "BaseClonePossible": "MariaDB can't clone; BaseCloneNotPossible runs",
    "BaseCloneSameSourceAndTarget": "MariaDB can't clone",
    "TestSeedConfigFullRefreshOn": "MariaDB drops no views along with a table",
    "TestSeedWithWrongDelimiter": "names are quoted: a heading with commas is a name",
    "catalog/": "its project has a materialized view",
    "python_model/": "MariaDB runs no Python",
    "materialized_view/": "MariaDB has no materialized views",
    "functions/": "the adapter does not make functions",
    "BaseTestEmptyInlineSourceRef": "gives a relation an alias, as dbt does under --empty",
    "BaseTestEmptySeedFlag": "dbt-core 1.11 has no `dbt seed --empty`",
    "TestCurrentTimestamp": "MariaDB's instants have no offset; BaseCurrentTimestampNaive runs",
    "TestCurrentTimestamps": "compares PostgreSQL's SQL of deprecated macros",
    "TestDate": "its model has a full outer join, which MariaDB has not",
    "TestTypeBoolean": "casts the text 'True', which is 0 in MariaDB",
    "TestArrayAppend": "MariaDB has no arrays",
    "TestArrayConcat": "MariaDB has no arrays",
    "TestArrayConstruct": "MariaDB has no arrays",
    "TestSameAliasDifferentDatabases": "MariaDB has no databases above schemas",
}
"""Why a scenario does not run; by its name, or `area/` for a whole area."""


@cache
def all_scenarios() -> dict[str, list[type]]:
    """Return the suite's scenarios by area."""
    root = Path(dbt.tests.adapter.__path__[0])
    found: dict[type, str] = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        module = importlib.import_module(".".join(["dbt.tests.adapter", *parts]))
        for one in vars(module).values():
            if inspect.isclass(one) and one.__module__ == module.__name__ and _tests(one):
                found[one] = parts[0]
    areas: dict[str, list[type]] = {}
    for one, area in found.items():
        if not any(one in other.__mro__[1:] for other in found):
            areas.setdefault(area, []).append(one)
    return areas


ALWAYS = {"basic", "simple_snapshot"}
"""The areas that `make test` runs; the others take minutes and run with `make soak`."""
IN_SOAK = pytest.mark.skipif("FOREVIEW_SOAK" not in os.environ, reason="make soak runs these")


def scenarios(area: str, own: dict[str, Any], *mixins: type) -> dict[str, Any]:
    """Return the test classes of an area that a test file does not declare, and when they run.

    Args:
        area: a folder of the suite.
        own: what the file has declared before: a class of the same name is in place of ours.
        mixins: classes whose methods are in place of a scenario's.
    """
    classes: dict[str, Any] = {} if area in ALWAYS else {"pytestmark": IN_SOAK}
    for one in all_scenarios()[area]:
        name = "Test" + one.__name__.removeprefix("Base").removeprefix("Test")
        if name in own:
            continue
        members = {"__module__": own["__name__"], "__test__": True}
        reason = SKIPPED.get(one.__name__) or SKIPPED.get(f"{area}/")
        if reason:
            members["pytestmark"] = [pytest.mark.skip(reason=reason)]
        classes[name] = type(name, (*mixins, one), members)
    return classes


def _tests(one: type) -> bool:
    return any(
        name.startswith("test_") and inspect.isfunction(value)
        for name, value in inspect.getmembers(one)
    )
