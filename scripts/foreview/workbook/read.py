"""Read a workbook back: what it says, not whether that is allowed."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
from openpyxl.cell.text import Text
from openpyxl.utils import get_column_letter
from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from foreview.contract import BEGINNING, Contract
from foreview.errors import EngineError, ForeviewError, Problem, RefusedError
from foreview.workbook import layout
from foreview.workbook.archive import MAX_UNPACKED_BYTES, damaged, read_archive
from foreview.workbook.cells import UnreadableCellError, text_of
from foreview.workbook.layout import Field

_MAX_COLUMNS = 200
_EXPORT_AGAIN = "Export a fresh workbook with foreview export and edit that."


@dataclass(frozen=True)
class SheetRow:
    """One row of the data sheet, as it is written there.

    Attributes:
        number: Its row number in the sheet.
        row_id: The hidden row id; None for a row that somebody added.
        action: The row's own Action, or None.
        day: The row's own Day, or None.
        reason: The row's own Reason, or None.
        values: Text by column name, for the business columns and the interval; None is blank.
        unreadable: Columns whose cell can't be told without guessing; a problem names each.
    """

    number: int
    row_id: str | None
    action: str | None
    day: str | None
    reason: str | None
    values: Mapping[str, str | None]
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Defaults:
    """What the cover says for all rows; each may be None.

    Attributes:
        action: Words of an action.
        day: A day.
        reason: The reason, for when the command gives none.
        cells: The cell of each of `@action`, `@day`, `@reason` that is there.
    """

    action: str | None = None
    day: str | None = None
    reason: str | None = None
    cells: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Workbook:
    """A workbook as read.

    Attributes:
        file_name: The file's name without its folder.
        file_hash: SHA-256 of the file, hex.
        dimension: The dimension it was exported from.
        base_release: The release it was exported at.
        contract_hash: Hash of the contract at export.
        part: The part that was asked for; empty for the whole dimension.
        sheet: Name of the data sheet.
        row_keys: `<key>|<valid_from>` of each exported row by row id.
        row_hashes: Hash of each exported row's content by row id.
        columns: Letter of each column by name.
        rows: The rows of the data sheet that are not blank, in the sheet's order.
        defaults: The cover's defaults.
        problems: Cells that can't be told without guessing.
    """

    file_name: str
    file_hash: str
    dimension: str
    base_release: int
    contract_hash: str
    part: str
    sheet: str
    row_keys: Mapping[str, str]
    row_hashes: Mapping[str, str]
    columns: Mapping[str, str]
    rows: tuple[SheetRow, ...]
    defaults: Defaults
    problems: tuple[Problem, ...]

    def cell(self, row: SheetRow, name: str) -> str:
        """Return the address of a row's cell, `Sheet!C5`."""
        return f"{self.sheet}!{self.columns[name]}{row.number}"

    def place(self, row: SheetRow) -> str:
        """Return the address of a row, `Sheet!5`."""
        return f"{self.sheet}!{row.number}"


def read_workbook(
    path: Path,
    contracts: Mapping[str, Contract],
    *,
    max_unpacked_bytes: int = MAX_UNPACKED_BYTES,
) -> Workbook:
    """Return what a workbook says.

    Args:
        path: The .xlsx file.
        contracts: The contracts by dimension.
        max_unpacked_bytes: Size of the unpacked file past which it is not opened.

    Raises:
        RefusedError: The file is not a workbook that foreview exported, or columns are missing.
        EngineError: The file can't be read, or defusedxml is not installed.
    """
    if not openpyxl.DEFUSEDXML:
        problem = Problem("no-defusedxml", "The package defusedxml is missing.", fix="Install it.")
        raise EngineError(problem)
    content = read_archive(path, max_unpacked_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(path, content, contracts)
    except (ForeviewError, MemoryError):
        raise
    except Exception as error:  # openpyxl raises what its parsers happen to
        raise damaged(path) from error


def _read(path: Path, content: bytes, contracts: Mapping[str, Contract]) -> Workbook:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    try:
        strings = _shared_strings(content)
        sheets = {}
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            # openpyxl takes every `x005F_` out of shared strings: a loss that can't be undone.
            sheet._shared_strings = strings  # type: ignore[attr-defined]
            sheets[sheet.title] = sheet
        facts, row_keys, row_hashes = _read_hidden(path, sheets)
        contract = _contract(path, facts, contracts)
        title = facts["sheet"]
        if title not in sheets:
            message = f"{path.name} has no sheet {title}."
            fix = f"Give the sheet its name {title} back. The sheets are: {', '.join(sheets)}."
            raise RefusedError(Problem("sheet-missing", message, path.name, fix=fix))
        columns, rows, problems = _read_rows(sheets[title], title, layout.fields_of(contract))
        defaults, cover_problems = _read_cover(sheets.get(layout.COVER))
    finally:
        book.close()
    return Workbook(
        file_name=path.name,
        file_hash=hashlib.sha256(content).hexdigest(),
        dimension=contract.dimension,
        base_release=int(facts["base_release"]),
        contract_hash=facts["contract"],
        part=facts["part"],
        sheet=title,
        row_keys=row_keys,
        row_hashes=row_hashes,
        columns=columns,
        rows=tuple(rows),
        defaults=defaults,
        problems=(*cover_problems, *problems),
    )


def _shared_strings(content: bytes) -> list[str]:
    """Return the shared strings as the file spells them."""
    with ZipFile(io.BytesIO(content)) as archive:
        names = [one for one in archive.namelist() if one.lower() == "xl/sharedstrings.xml"]
        if not names:
            return []
        strings = []
        with archive.open(names[0]) as file:
            for _, node in iterparse(file):
                if node.tag == f"{{{SHEET_MAIN_NS}}}si":
                    text = Text.from_tree(node)
                    strings.append(text.content if text else "")
                    node.clear()
        return strings


def _read_hidden(
    path: Path, sheets: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    not_ours = Problem(
        "not-exported",
        f"{path.name} was not written by foreview export, or lost its hidden sheet.",
        path.name,
        fix=_EXPORT_AGAIN,
    )
    if layout.HIDDEN not in sheets:
        raise RefusedError(not_ours)
    facts: dict[str, str] = {}
    row_keys, row_hashes = {}, {}
    in_rows = False
    for line in sheets[layout.HIDDEN].iter_rows(max_col=3, values_only=True):
        name, *values = (layout.unescape(str(value or "")) for value in line)
        if in_rows and name:
            row_keys[name], row_hashes[name] = values
        elif name == "row_id":
            in_rows = True
        else:
            facts[name] = values[0]
    needed = {"format", "dimension", "base_release", "contract", "part", "sheet"}
    if not in_rows or not needed <= set(facts) or not facts["base_release"].isdecimal():
        raise RefusedError(not_ours)
    if facts["format"] != layout.FORMAT_VERSION:
        message = f"{path.name} was written by another version of foreview."
        raise RefusedError(Problem("other-version", message, path.name, fix=_EXPORT_AGAIN))
    return facts, row_keys, row_hashes


def _contract(path: Path, facts: Mapping[str, str], contracts: Mapping[str, Contract]) -> Contract:
    dimension = facts["dimension"]
    if dimension not in contracts:
        raise RefusedError(
            Problem(
                "unknown-dimension",
                f"{path.name} holds the table {dimension!r}, which is not expected here.",
                path.name,
                dimension,
                f"Submit a workbook of: {', '.join(sorted(contracts))}.",
            )
        )
    return contracts[dimension]


def _read_rows(
    sheet: Any, title: str, fields: Sequence[Field]
) -> tuple[dict[str, str], list[SheetRow], list[Problem]]:
    header = next(sheet.iter_rows(max_row=1, max_col=_MAX_COLUMNS), ())
    places = _find_columns(header, title, fields)
    letters = {name: get_column_letter(index + 1) for name, index in places.items()}
    rows: list[SheetRow] = []
    problems: list[Problem] = []
    lines = sheet.iter_rows(min_row=2, max_col=max(places.values()) + 1)
    for number, cells in enumerate(lines, start=2):
        texts: dict[str, str | None] = {}
        unreadable = []
        for field in fields:
            where = (title, letters[field.name], number)
            text, problem = _read_cell(cells[places[field.name]], field, where)
            texts[field.name] = text
            if problem:
                problems.append(problem)
                unreadable.append(field.name)
        if unreadable or any(text is not None for text in texts.values()):
            rows.append(_sheet_row(number, texts, frozenset(unreadable)))
    return letters, rows, problems


def _sheet_row(number: int, texts: dict[str, str | None], unreadable: frozenset[str]) -> SheetRow:
    row_id, action = texts.pop(layout.ROW_ID), texts.pop(layout.ACTION)
    day, reason = texts.pop(layout.DAY), texts.pop(layout.REASON)
    return SheetRow(number, row_id, action, day, reason, texts, unreadable)


def _find_columns(header: Iterable[Any], title: str, fields: Sequence[Field]) -> dict[str, int]:
    """Return each column's place, counted from 0, by its heading."""
    found: dict[str, list[int]] = {}
    for index, cell in enumerate(header):
        text = layout.unescape(str(cell.value)).strip() if cell.value is not None else ""
        if text:
            found.setdefault(text.casefold(), []).append(index)
    valid = ", ".join(field.heading for field in fields)
    fix = f"The first row must have these headings, each once: {valid}."
    known = {field.heading.casefold() for field in fields}
    if not known & set(found):
        message = f"The first row of the sheet {title} has no headings."
        raise RefusedError(Problem("no-headings", message, f"{title}!A1", fix=fix))
    others = [
        f"{title}!{get_column_letter(places[0] + 1)}1"
        for heading, places in found.items()
        if heading not in known
    ]
    hint = f" Headings that are not foreview's are in {', '.join(others)}." if others else ""
    problems = []
    for field in fields:
        count = len(found.get(field.heading.casefold(), ()))
        if count == 0:
            message = f"The column {field.heading} is missing or was renamed.{hint}"
            problems.append(Problem("column-missing", message, f"{title}!1", field.heading, fix))
        elif count > 1:
            message = f"There are {count} columns {field.heading}."
            problems.append(Problem("column-twice", message, f"{title}!1", field.heading, fix))
    if problems:
        raise RefusedError(problems)
    return {field.name: found[field.heading.casefold()][0] for field in fields}


def _read_cell(
    cell: Any, field: Field, where: tuple[str, str, int]
) -> tuple[str | None, Problem | None]:
    try:
        text = text_of(cell, field.kind)
    except UnreadableCellError as error:
        place = "{}!{}{}".format(*where)
        return None, Problem(error.rule, error.message, place, error.value, error.fix)
    if text and field.name == "valid_from" and _is_beginning(text):
        return BEGINNING, None
    return text, None


def _is_beginning(text: str) -> bool:
    return text.strip().casefold() == layout.BEGINNING_WORD


def _read_cover(sheet: Any | None) -> tuple[Defaults, list[Problem]]:
    """Return the cover's defaults; a workbook without its cover has none."""
    if sheet is None:
        return Defaults(), []
    fields = {
        layout.COVER_LABELS[field.name].casefold(): field
        for field in layout.CONTROL_FIELDS
        if field.name in layout.COVER_LABELS
    }
    texts: dict[str, str | None] = {}
    cells: dict[str, str] = {}
    problems = []
    for number, (label, cell) in enumerate(sheet.iter_rows(max_row=200, max_col=2), start=1):
        field = fields.get(str(label.value).strip().casefold())
        if field is None:
            continue
        text, problem = _read_cell(cell, field, (layout.COVER, "B", number))
        texts[field.name] = text
        cells[field.name] = f"{layout.COVER}!B{number}"
        if problem:
            problems.append(problem)
    return (
        Defaults(texts.get(layout.ACTION), texts.get(layout.DAY), texts.get(layout.REASON), cells),
        problems,
    )
