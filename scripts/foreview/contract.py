"""The contract of a dimension: its columns, types, keys, allowed values and relationships.

A contract is the dbt properties file of the dimension's staging model,
`models/staging/<dimension>.yml`: dbt makes its tests from it, and this module reads the same
lines for workbooks and loads, so that a rule is written once. No I/O but `load_contracts`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

from foreview.errors import Problem, RefusedError
from foreview.thresholds import Threshold, number_of, parse_threshold
from foreview.yaml_files import properties_files, read_yaml

BEGINNING = "1900-01-01"
"""The `valid_from` that means "from the beginning"."""

MENDS = ("no-break-space", "trim", "whole-number")
"""The mends that a contract may name; `foreview.workbook.mends` does them."""

INTERVAL_COLUMNS = ("valid_from", "valid_to")

_REF = re.compile(r"""ref\(\s*['"]stg_(\w+)['"]\s*\)""")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


@dataclass(frozen=True)
class Column:
    """One column of a dimension.

    Attributes:
        name: The column's name in SQL.
        type: `string`, `integer`, `boolean`, `date`, `timestamp` or `decimal(p,s)`.
        label: The heading in workbooks.
        description: What it holds, shown as a note on the heading.
        required: Whether it may not be blank.
        accepted_values: The values allowed; empty when any is.
        pattern: A regular expression that the whole value must match.
        parent: The dimension whose key the value must be, or None.
        is_list: Whether the cell holds several values separated by `;`.
        baseline_column: The column's name in a first load's file.
        is_retired: Whether it is no longer asked for: rows keep its values, and history its
            versions, but no workbook or file sets it.
    """

    name: str
    type: str
    label: str
    description: str
    required: bool = False
    accepted_values: tuple[str, ...] = ()
    pattern: str | None = None
    parent: str | None = None
    is_list: bool = False
    baseline_column: str = ""
    is_retired: bool = False

    def canonical(self, text: str | None) -> str | None:
        """Return the one spelling of a value of this column's type.

        Args:
            text: The value as text; blank means no value.

        Raises:
            ValueError: The text is not a value of the type; the message says what is.
        """
        if text is None or text == "":
            return None
        if self.type == "boolean":
            if text.lower() not in ("true", "false"):
                raise ValueError("is neither TRUE nor FALSE")
            return text.lower()
        if self.type == "integer":
            if not re.fullmatch(r"[+-]?\d{1,18}", text):
                raise ValueError("is not a whole number")
            return str(int(text))
        if self.type == "date":
            return canonical_date(text)
        if self.type == "timestamp":
            return _canonical_timestamp(text)
        if scale := _DECIMAL.fullmatch(self.type):
            return _canonical_decimal(text, int(scale[1]), int(scale[2]))
        return text

    def items(self, value: str | None) -> tuple[str, ...]:
        """Return the values in a cell: one, or for a list column each of them, in order."""
        if value is None:
            return ()
        return tuple(value.split(";")) if self.is_list else (value,)


def canonical_date(text: str) -> str:
    """Return a day as it is always written, YYYY-MM-DD; raise a ValueError that says what it is."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("is not a date of the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError("is not a day of the calendar") from error


def _canonical_timestamp(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise ValueError("is not an instant of the form YYYY-MM-DD HH:MM:SS")
    try:
        return datetime.fromisoformat(text).isoformat(" ")
    except ValueError as error:
        raise ValueError("is not an instant of the calendar") from error


def _canonical_decimal(text: str, precision: int, scale: int) -> str:
    try:
        number = Decimal(text)
        if not number.is_finite() or number != number.quantize(Decimal(1).scaleb(-scale)):
            raise ValueError(f"has more than {scale} decimals")
    except InvalidOperation as error:
        raise ValueError("is not a number") from error
    if abs(number) >= Decimal(10) ** (precision - scale):
        raise ValueError(f"has more than {precision - scale} digits before the point")
    return f"{number:.{scale}f}"


@dataclass(frozen=True)
class Interval:
    """The time that an event takes, where a dimension's rows are events.

    Attributes:
        within: Columns; events that agree in all of them never overlap. Blank is a value too.
        starts: The column with the event's first instant.
        ends: The column with the first instant after it.
    """

    within: tuple[str, ...]
    starts: str
    ends: str


@dataclass(frozen=True)
class Template:
    """An export that is made often.

    Attributes:
        where: Conditions that its rows meet, as `foreview export --where` takes them.
        action: The action for all rows on its cover, `correct` or `change-from`; None for none.
    """

    where: tuple[str, ...]
    action: str | None = None


@dataclass(frozen=True)
class Contract:
    """The rules of one dimension.

    Attributes:
        dimension: Its name, for example `channel`.
        label: Its name on analysts' screens.
        description: Its grain in a sentence.
        key: The columns that identify a row's subject.
        columns: All business columns in order, keys first; without the interval columns.
        storage: `seed` (a CSV file in `seeds/`) or `delta` (a staging load).
        max_changed_share: Share of the approved rows that one change set may change.
        max_changed_rows: Number of rows that one change set may always change.
        hash: SHA-256 of the contract's content, hex.
        interval: The time that a row's event takes; None where rows are no events.
        mends: What is mended in values that were typed, of `MENDS`.
        identities: The dimension that says which code goes on under which; None where a new code
            is another row.
        templates: Saved exports by name; no rules, so they are not in the hash.
        tolerance: By which share of a figure late records may change how it moves, without a new
            approval.
        reviewers: Who may approve; empty when anybody but the author may.
        thresholds: When more people have to agree.
        by_rule: The suppliers whose files may be approved by rule, each with who loads them; only
            beside thresholds, which say of how large a change people decide.
    """

    dimension: str
    label: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    storage: str
    max_changed_share: float
    max_changed_rows: int
    hash: str
    interval: Interval | None = None
    mends: tuple[str, ...] = ()
    identities: str | None = None
    templates: Mapping[str, Template] = field(default_factory=dict)
    tolerance: Decimal = Decimal(0)
    reviewers: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    by_rule: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the business columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def row_columns(self) -> tuple[str, ...]:
        """Names of all columns of an approved row: the business columns and the interval."""
        return (*self.column_names, *INTERVAL_COLUMNS)

    @cached_property
    def sheet_columns(self) -> tuple[str, ...]:
        """Names of the columns that people see and edit: those of a row that are not retired."""
        retired = {column.name for column in self.columns if column.is_retired}
        return tuple(name for name in self.row_columns if name not in retired)

    def column(self, name: str) -> Column:
        """Return a column by name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def parse_contract(document: Mapping[str, Any]) -> Contract:
    """Return the contract that a dbt properties document describes.

    Args:
        document: The parsed YAML, with one model named `stg_<dimension>`.
    """
    (model,) = document["models"]
    meta = model["config"]["meta"]
    rules = dict(meta["contract"])
    templates = rules.pop("templates", {})
    hashed = {**model, "config": {**model["config"], "meta": {**meta, "contract": rules}}}
    columns = tuple(
        _parse_column(column)
        for column in model["columns"]
        if column["name"] not in (*INTERVAL_COLUMNS, "row_key", "row_hash", "change_set_id")
    )
    for one in columns:
        if one.is_retired and (one.required or one.name in rules["key"]):
            raise ValueError(f"{one.name} is retired, so it can't be a key or not_null")
    content = json.dumps(hashed, sort_keys=True, ensure_ascii=False)
    return Contract(
        dimension=model["name"].removeprefix("stg_"),
        label=rules["label"],
        description=model["description"].strip(),
        key=tuple(rules["key"]),
        columns=columns,
        storage=rules["storage"],
        max_changed_share=float(rules["max_changed_share"]),
        max_changed_rows=int(rules["max_changed_rows"]),
        hash=hashlib.sha256(content.encode()).hexdigest(),
        interval=_parse_interval(rules.get("interval")),
        mends=_parse_mends(rules.get("mends", ())),
        identities=rules.get("identities"),
        templates={name: _parse_template(one) for name, one in templates.items()},
        tolerance=_parse_tolerance(rules.get("tolerance", 0)),
        reviewers=tuple(rules.get("reviewers", ())),
        thresholds=_parse_thresholds(rules.get("thresholds")),
        by_rule=_parse_by_rule(rules),
    )


def _parse_template(declared: Mapping[str, Any]) -> Template:
    action = declared.get("action")
    if action not in (None, "correct", "change-from"):
        raise ValueError(f"the action {action!r} can't be on a cover: correct or change-from")
    return Template(tuple(declared["where"]), action)


def _parse_tolerance(declared: object) -> Decimal:
    found = number_of("tolerance", declared)
    if not 0 <= found < 1:
        raise ValueError(f"the tolerance {declared!r} is no share: write 0.001 for a thousandth")
    return found


def _parse_thresholds(declared: Any) -> tuple[Threshold, ...]:
    if not isinstance(declared or [], list):
        raise ValueError("thresholds is no list: write - {relative: 0.05, reviewers: 2}")
    return tuple(map(parse_threshold, declared or ()))


def _parse_mends(names: Sequence[str]) -> tuple[str, ...]:
    unknown = set(names) - set(MENDS)
    if unknown:
        raise ValueError(f"unknown mends {sorted(unknown)}; there are: {', '.join(MENDS)}")
    return tuple(names)


def _parse_by_rule(rules: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    declared = dict(rules.get("by_rule", {}))
    if declared and not rules.get("thresholds"):
        raise ValueError(
            f"by_rule approves any file of {', '.join(declared)}, however much it moves: add "
            "thresholds past which people agree, for example "
            "thresholds: [{relative: 0.05, reviewers: 2}]"
        )
    return declared


def _parse_interval(declared: Mapping[str, Any] | None) -> Interval | None:
    if declared is None:
        return None
    return Interval(tuple(declared["within"]), declared["starts"], declared["ends"])


def _parse_column(column: Mapping[str, Any]) -> Column:
    meta = column.get("config", {}).get("meta", {})
    rules: dict[str, Mapping[str, Any]] = {}
    for test in column.get("data_tests", []):
        name, body = (test, {}) if isinstance(test, str) else next(iter(test.items()))
        rules[name] = (body or {}).get("arguments", {})
    parent_rule = rules.get("relationships") or rules.get("list_relationships")
    parent = _REF.search(parent_rule["to"]) if parent_rule else None
    return Column(
        name=column["name"],
        type=column["data_type"],
        label=meta.get("label", column["name"].replace("_", " ").capitalize()),
        description=column["description"].strip(),
        required="not_null" in rules,
        accepted_values=tuple(str(v) for v in rules.get("accepted_values", {}).get("values", ())),
        pattern=rules.get("matches", {}).get("pattern"),
        parent=parent[1] if parent else None,
        is_list="list_relationships" in rules or bool(meta.get("is_list")),
        baseline_column=meta.get("baseline_column", column["name"]),
        is_retired=bool(meta.get("retired")),
    )


def load_contracts(project: Path) -> dict[str, Contract]:
    """Return all contracts of a dbt project by dimension, parents before children.

    Args:
        project: The folder with `dbt_project.yml`.

    Raises:
        RefusedError: `table-rules`: the rules of a file say what they can't.
    """
    contracts = {}
    for path in properties_files(project / "models" / "staging"):
        document = read_yaml(path)
        models = document.get("models") or [{}]
        if "contract" in models[0].get("config", {}).get("meta", {}):
            try:
                contract = parse_contract(document)
            except (ValueError, TypeError) as error:
                where, message = f"models/staging/{path.name}", f"The table's rules: {error}."
                fix = "Mend that file."
                raise RefusedError(Problem("table-rules", message, where, fix=fix)) from error
            contracts[contract.dimension] = contract
    return _parents_first(contracts)


def _parents_first(contracts: dict[str, Contract]) -> dict[str, Contract]:
    ordered: dict[str, Contract] = {}

    def place(name: str) -> None:
        if name in ordered:
            return
        for column in contracts[name].columns:
            if column.parent in contracts and column.parent != name:
                place(column.parent)
        ordered[name] = contracts[name]

    for name in contracts:
        place(name)
    return ordered
