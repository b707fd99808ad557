"""Relations: a schema and a name; MariaDB has no databases above schemas."""

from dataclasses import dataclass
from typing import Any

from dbt.adapters.mariadb.relation import MariaDBRelation


@dataclass(frozen=True, eq=False, repr=False)
class Relation(MariaDBRelation):
    """A table or view."""

    def quoted(self, identifier: str) -> str:
        """Return a name in backticks, those in it doubled."""
        return quote(identifier)

    def _render_event_time_filtered(self, event_time_filter: Any) -> str:
        # MariaDB's literals of instants have no offset; sessions are in UTC.
        rendered = str(super()._render_event_time_filtered(event_time_filter))
        return rendered.replace("+00:00'", "'")


def quote(identifier: str) -> str:
    """Return a name in backticks, those in it doubled."""
    return "`" + identifier.replace("`", "``") + "`"
