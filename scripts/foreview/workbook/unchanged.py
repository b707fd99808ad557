"""Rows of a workbook that are just as they were exported."""

from __future__ import annotations

from collections.abc import Mapping

from foreview.contract import Contract
from foreview.workbook import layout
from foreview.workbook.cells import read_cell
from foreview.workbook.layout import Field
from foreview.workbook.sheet_xml import Cell, XmlRow

_MOST_REMEMBERED = 10_000
"""Days and truth values come again in many rows."""


class Unchanged:
    """Tells rows that are just as they were exported, by the hash that went with them.

    Most rows are; nothing else needs to be known of them. A row of which anything is not plain is
    left to be looked at value by value.
    """

    def __init__(self, contract: Contract, hashes: Mapping[str, str]) -> None:
        """Begin to tell the rows of a table, by the hash of each by its row id."""
        self.found: dict[str, int] = {}
        self._contract, self._hashes = contract, hashes
        self._blank: dict[str, str | None] = dict.fromkeys(contract.row_columns)
        self._canonical: dict[Cell, str] = {}

    def takes(self, line: XmlRow, fields: Mapping[int, Field], *, is_1904: bool) -> bool:
        """Whether a row is one of these; it is counted then."""
        values = dict(self._blank)
        row_id = ""
        for column, kind, text, number_format, formula in line.cells:
            field = fields.get(column)
            if field is None:
                continue
            if formula is not None:
                return False
            if field.name in values and kind == "string" == field.kind:
                values[field.name] = text
            elif field.name == layout.ROW_ID:
                row_id = text
            elif field.name not in values:
                return False
            else:
                cell = Cell(column, kind, text, number_format, None)
                value = self._canonical.get(cell) or self._see(cell, field, is_1904=is_1904)
                if value is None:
                    return False
                values[field.name] = value
        if row_id not in self._hashes or row_id in self.found:
            return False
        said = "".join(filter(None, values.values()))
        if "_x" in said or layout.row_hash(self._contract, values) != self._hashes[row_id]:
            return False
        self.found[row_id] = line.number
        return True

    def _see(self, cell: Cell, field: Field, *, is_1904: bool) -> str | None:
        """Return the canonical value of a cell, or None when there is none without a question."""
        text, problem = read_cell(cell, field, ("", "", 0), is_1904)
        try:
            value = None if problem else field.column.canonical(text)
        except ValueError:
            return None
        if value is not None and len(self._canonical) < _MOST_REMEMBERED:
            self._canonical[cell] = value
        return value
