"""Plain dbt refuses change sets that can't be tried together, as `foreview what-if` does."""

from __future__ import annotations

import json
import re
import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_macros import Macros

ROW = "KABC|1900-01-01"
EDITS = "dimension, change_set_id, change_kind, changed_columns, row_key, copied_from, row_values"


def run_var(name: str, default: Any = None) -> Any:
    return {"change_sets": ["first", "second"], "promoting": False}.get(name, default)


def edit(change_set: str, kind: str, copied_from: str | None = None, **values: str | None) -> Any:
    changed = f",{','.join(values)},"
    known = {"channel_name": "KABC", "network_id": "ABC", **values}
    return "channel", change_set, kind, changed, ROW, copied_from, json.dumps(known)


def part(change_set: str, key: str = "KABC") -> Any:
    """A row that is split off ROW."""
    return "channel", change_set, "added", ",valid_from,", f"{key}|2026-05-01", ROW, "{}"


def in_sqlite(query: str, edits: list[Any]) -> list[dict[str, Any]]:
    """Rows of a query that Spark would be asked, in SQLite's spelling."""
    query = re.sub(r"(\w+\.row_values)\['(\w+)'\]", r"json_extract(\1, '$.\2')", query)
    query = (
        query.replace("<=>", "is").replace("`", "").replace("unit.", "").replace("unparsed.", "")
    )
    query = re.sub(r"\bfrom \S*stg_pending_edits", "from edit", query)
    with sqlite3.connect(":memory:") as connection:
        connection.row_factory = sqlite3.Row

        def joined(between: str, *values: str | None) -> str:
            return between.join(one for one in values if one is not None)

        connection.create_function("concat_ws", -1, joined)
        connection.execute(f"create table edit ({EDITS})")
        connection.executemany("insert into edit values (?, ?, ?, ?, ?, ?, ?)", edits)
        rows = [dict(one) for one in connection.execute(query)]
    connection.close()
    return rows


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ([edit("first", "modified", network_id="NBC"), edit("second", "modified", network_id="C")],
         "(network_id)"),
        ([edit("first", "modified", network_id="N"), edit("second", "modified", network_id=None)],
         "(network_id)"),
        ([edit("first", "modified", network_id="NBC"), edit("second", "removed")], "in different"),
        ([edit("first", "added", network_id="NBC"), edit("second", "added", network_id="CBS")],
         "(network_id)"),
        ([edit("first", "added", "a", network_id="NBC"), edit("second", "added", "a", owners="X")],
         "network_id"),
        ([edit("first", "modified", network_id="N"), edit("second", "modified", network_id="N")],
         None),
        ([edit("first", "modified", network_id="NBC"), edit("second", "modified", website="w")],
         None),
        ([edit("first", "removed"), edit("second", "removed")], None),
        ([edit("first", "modified", valid_to="2026-05-01"), part("first"),
          edit("second", "modified", valid_to="2026-05-01")], "in different"),
        ([edit("first", "modified", valid_to="2026-05-01"), part("first"),
          edit("second", "modified", valid_to="2026-05-01"), part("second", "N")], "in different"),
        ([edit("first", "modified", valid_to="2026-05-01"), part("first"),
          edit("second", "modified", valid_to="2026-05-01"), part("second")], None),
        ([edit("first", "modified", valid_to="2026-05-01"),
          edit("second", "modified", valid_to="2026-05-01")], None),
        ([edit("first", "added", network_id="NBC"), edit("second", "added", network_id="NBC")],
         None),
        ([edit("first", "removed"), edit("first", "added", network_id="NBC")], None),
        ([edit("first", "modified", network_id="NBC"), edit("third", "modified", network_id="CBS")],
         None),
    ],
)  # fmt: skip
def test_one_cell_gets_no_value_that_one_of_two_authors_did_not_write(
    project: Macros, edits: list[Any], told: str | None
) -> None:
    from dbt_common.exceptions import DbtRuntimeError

    stubs = {
        "run_var": run_var,
        "run_query": lambda query: SimpleNamespace(rows=in_sqlite(query, edits)),
    }
    message = ""
    try:
        project.call("refuse_conflicting_edits", stubs, name="channel")
    except DbtRuntimeError as error:
        message = str(error)
    if told is None:
        assert message == ""
    else:
        assert (
            f"Change sets first and second edit row {ROW} of channel in different ways" in message
        )
        assert told in message


def test_each_edited_dimension_is_checked_before_it_is_built(project: Macros) -> None:
    asked: list[str] = []
    stubs = {
        "is_edited": lambda name: True,
        "refuse_conflicting_edits": asked.append,
        "publication_compared_with": lambda: {"snapshot_cut": "2026-04-08"},
        "ref": lambda name: name,
    }
    project.call("both_worlds", stubs, name="channel")
    assert asked == ["channel"]


def test_a_row_that_two_change_sets_add_is_one_row(project: Macros) -> None:
    query = " ".join(project.call("shadow_history", name="channel").split())
    added = query[query.index("added as (") : query.index("kept as (")]
    assert added.rstrip(" ,)").endswith("group by edits.row_key")
