"""A small table, and an analyst's hands: what the workbook tests share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import openpyxl
import xlsxwriter

from foreview.changes import Edit, Row, make_state
from foreview.contract import BEGINNING, Contract, parse_contract
from foreview.errors import Problem
from foreview.workbook import Workbook, edits_of, read_workbook, write_workbook
from foreview.workbook.layout import escape, fields_of, unescape
from foreview.workbook.unchanged import Unchanged

ACTION, DAY, REASON = "@action", "@day", "@reason"


def column(
    name: str, label: str, data_type: str = "string", *tests: Any, **meta: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "data_type": data_type,
        "description": f"The {label}.",
        "config": {"meta": {"label": label, **meta}},
        "data_tests": list(tests),
    }


def parent(dimension: str, test: str = "relationships") -> dict[str, Any]:
    return {test: {"arguments": {"to": f"ref('stg_{dimension}')", "field": "id"}}}


def station_contract(label: str = "Station", **rules: Any) -> Contract:
    contract = {
        "label": label,
        "key": ["station_id"],
        "storage": "seed",
        "max_changed_share": 0.1,
        "max_changed_rows": 10,
        **rules,
    }
    allowed = {"accepted_values": {"arguments": {"values": ["full", "low, very"]}}}
    model = {
        "name": "stg_station",
        "description": "One row per station and interval.",
        "config": {"meta": {"contract": contract}},
        "columns": [
            column("station_id", "Station", "string", "not_null", baseline_column="id"),
            column("station_name", "Name", "string", "not_null", baseline_column="name"),
            column("network_id", "Network", "string", parent("network")),
            column("owners", "Owners", "string", parent("owner", "list_relationships")),
            column("power", "Power", "string", allowed),
            column("is_live", "Live", "boolean", "not_null"),
            column("opened", "Day", "date"),
            column("rank", "Rank", "integer"),
            column("weight", "Weight", "decimal(12,2)"),
            column("valid_from", "From", "date"),
            column("valid_to", "To", "date"),
        ],
    }
    return parse_contract({"models": [model]})


STATION = station_contract()
PARENTS = {"network": [("007", "Seven"), ("=N", "Equals")], "owner": [("A", "a")]}


def station(station_id: str, **values: str | None) -> dict[str, str | None]:
    blank: dict[str, str | None] = dict.fromkeys(STATION.row_columns)
    named = {"station_id": station_id, "station_name": "A name", "is_live": "true"}
    return {**blank, **named, "valid_from": BEGINNING, **values}


def export(
    path: Path, rows: Sequence[Row], contract: Contract = STATION, *, part: str = ""
) -> Path:
    write_workbook(path, contract, rows, base_release=3, parents=PARENTS, part=part)
    return path


def read(path: Path, contract: Contract = STATION) -> Workbook:
    """Return a workbook with all its rows, also those that are just as they were exported."""
    with patch.object(Unchanged, "takes", lambda *_, **__: False):
        (table,) = read_workbook(path, {contract.dimension: contract})
    return table


def submit(
    path: Path, base: Sequence[Row], contract: Contract = STATION
) -> tuple[list[Edit], list[Problem]]:
    """Return what a workbook asks for; the same must come of looking at every row's values."""
    (table,) = read_workbook(path, {contract.dimension: contract})
    found = edits_of(table, contract, make_state(contract, base))
    assert edits_of(read(path, contract), contract, make_state(contract, base)) == found
    return found


class Analyst:
    """Opens a workbook, edits cells by their heading, and saves it."""

    def __init__(self, path: Path, contract: Contract = STATION) -> None:
        self.path = path
        self.book: Any = openpyxl.load_workbook(path)
        self.sheet: Any = self.book[contract.label]
        headings = {cell.value: cell.column_letter for cell in self.sheet[1]}
        self.letters = {
            field.name: headings[escape(field.heading)] for field in fields_of(contract)
        }

    def cell(self, number: int, name: str) -> Any:
        return self.sheet[f"{self.letters[name]}{number}"]

    def address(self, number: int, name: str) -> str:
        return f"{self.sheet.title}!{self.letters[name]}{number}"

    def type(self, number: int, **values: str | None) -> None:
        """Type text into cells of a row."""
        self.fill(number, values)

    def fill(self, number: int, values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            cell = self.cell(number, name)
            cell.value = None if value is None else escape(value)
            if value is not None:
                cell.data_type = "s"

    def ask(self, number: int, action: str, day: str | None = None, reason: str = "") -> None:
        self.fill(number, {ACTION: action, DAY: day, REASON: reason or None})

    def copy(self, source: int, target: int) -> None:
        for cell in self.sheet[source]:
            put(self.sheet.cell(target, cell.column), taken(cell))

    def cover(self, label: str, value: Any) -> str:
        """Fill in a default on the cover, and return its address."""
        cover = self.book["Instructions"]
        (number,) = [row[0].row for row in cover.iter_rows(max_col=1) if row[0].value == label]
        cover[f"B{number}"].value = value
        return f"Instructions!B{number}"

    def reorder(self, order: Sequence[int]) -> None:
        """Put the data rows into another order; `order` holds their old places from 0."""
        rows = [[taken(cell) for cell in row] for row in self.sheet.iter_rows(min_row=2)]
        for number, old in enumerate(order, start=2):
            for index, one in enumerate(rows[old], start=1):
                put(self.sheet.cell(number, index), one)

    def save(self) -> Path:
        self.book.save(self.path)
        self.book.close()
        return self.path


def taken(cell: Any) -> tuple[Any, str, str]:
    return cell.value, cell.data_type, cell.number_format


def put(cell: Any, content: tuple[Any, str, str]) -> None:
    cell.value, cell.data_type, cell.number_format = content
    cell.number_format = content[2]


def by_xlsxwriter(
    path: Path, formulas: Mapping[tuple[int, int], tuple[str, Any]] | None = None
) -> Path:
    """Write a workbook again by another program, some cells as formulas with their value.

    XlsxWriter writes shared strings, as Excel does.
    """
    formulas = formulas or {}
    book = openpyxl.load_workbook(path)
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False}) as written:
        days = written.add_format({"num_format": "yyyy-mm-dd"})
        for sheet in book.worksheets:
            target = written.add_worksheet(sheet.title)
            for row in sheet.iter_rows():
                for cell in row:
                    place = cell.row - 1, cell.column - 1
                    if sheet.title == "Station" and place in formulas:
                        formula, value = formulas[place]
                        target.write_formula(*place, formula, None, value)
                    elif isinstance(cell.value, str):
                        target.write_string(*place, unescape(cell.value))
                    elif cell.value is not None and cell.is_date:
                        target.write_datetime(*place, cell.value, days)
                    elif cell.value is not None:
                        target.write(*place, cell.value)
    return path
