"""The suite's SQL and files are written for PostgreSQL; here they become those of Spark and Delta.

Only what the scenarios themselves create and change is rewritten, never what an adapter does.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml

REWRITTEN = [
    # A session has one catalog, and dbt-spark has no name for it.
    (r"(\{database\}|\bNone)\.", ""),
    (r"timestamp without time zone", "timestamp"),
    (r"\btext\b", "string"),
    # Delta stores no text in a column of timestamps.
    (r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d'", r"timestamp \g<0>"),
    # Delta adds no column with a default.
    (r"(add column .*) default .*", r"\1"),
]


def statements(sql: str) -> list[str]:
    """Return the statements of a scenario, one by one: Spark takes no several at once."""
    for pattern, replacement in REWRITTEN:
        sql = re.sub(pattern, replacement, sql, flags=re.IGNORECASE)
    return [one for one in sql.split(";") if one.strip()]


def files_on_delta(files: Mapping[str, Any]) -> dict[str, Any]:
    """Return a folder of a scenario's project, its snapshots with Delta as their file format."""
    return {name: _file_on_delta(name, text) for name, text in files.items()}


def _file_on_delta(name: str, text: str) -> str:
    if name.endswith(".yml"):
        properties = yaml.safe_load(text)
        for snapshot in properties.get("snapshots", []):
            snapshot["config"]["file_format"] = "delta"
        return yaml.safe_dump(properties)
    if "{% snapshot" in text:
        text = text.replace("config(", "config(file_format='delta',")
    return text.replace("{{target.database}}.", "")
