"""dbt's adapter suite: simple_seed."""

import pytest
from dbt.tests.adapter.simple_seed import fixtures
from dbt.tests.adapter.simple_seed.test_seed import BaseBasicSeedTests
from dbt.tests.adapter.simple_seed.test_seed_type_override import BaseSimpleSeedColumnOverride

from .suite import IN_SOAK, scenarios

pytestmark = IN_SOAK


TYPES = {
    "date": "datetime",
    "integer": "bigint",
    "boolean": "tinyint(1)",
    "timestamp without time zone": "datetime(6)",
}


class TestSimpleSeedColumnOverride(BaseSimpleSeedColumnOverride):
    """With a birthday that keeps its time: one that would be cut is refused."""

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        """The scenario's properties, with MariaDB's names of types."""
        text = fixtures.properties__schema_yml
        for theirs, ours in TYPES.items():
            text = text.replace(f"type: {theirs}\n", f"type: {ours}\n")
        for name in ("relative", "weekday"):  # nothing is configured for these
            at = text.index(f"name: {name}")
            text = text[:at] + text[at:].replace("type: text", "type: varchar(255)", 1)
        return {"schema.yml": text}

    @staticmethod
    def seed_enabled_types() -> dict[str, str]:
        """The types that the seed sets."""
        return {"seed_id": "text", "birthday": "datetime"}


class TestBasicSeedTests(BaseBasicSeedTests):
    """Without its test of what MariaDB does not do."""

    @pytest.mark.skip(reason="MariaDB drops no views along with a table")
    def test_simple_seed_full_refresh_flag(self) -> None:
        """Not run."""


globals().update(scenarios("simple_seed", globals()))
