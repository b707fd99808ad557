"""Read a workbook back: what it says, not whether that is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import chain
from pathlib import Path

from foreview.contract import Contract
from foreview.errors import Problem, RefusedError
from foreview.workbook import layout, looks, package, sheet_rows
from foreview.workbook.addresses import area_of, column_letter
from foreview.workbook.archive import MAX_UNPACKED_BYTES, damaged, read_archive
from foreview.workbook.cells import read_cell
from foreview.workbook.layout import Field
from foreview.workbook.sheet_rows import DamagedError
from foreview.workbook.unchanged import Unchanged

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
        notes: By column, the formula that its value comes from, and the cell's comment.
    """

    number: int
    row_id: str | None
    action: str | None
    day: str | None
    reason: str | None
    values: Mapping[str, str | None]
    unreadable: frozenset[str] = frozenset()
    notes: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Defaults:
    """What the cover says for all rows; each may be None.

    Attributes:
        action: Words of an action.
        day: A day.
        reason: The reason, for when the command gives none.
        ticket: The ticket, for when the command gives none.
        cells: The cell of each of `@action`, `@day`, `@reason`, `@ticket` that is there.
    """

    action: str | None = None
    day: str | None = None
    reason: str | None = None
    ticket: str | None = None
    cells: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True)
class Workbook:
    """One table of a workbook as read; mostly there is one.

    Attributes:
        file_name: The file's name without its folder.
        file_hash: SHA-256 of the file, hex.
        dimension: The dimension it was exported from.
        base_release: The release it was exported at.
        contract_hash: Hash of the contract at export.
        part: The part that was asked for; empty for the whole dimension.
        sheet: Name of the data sheet.
        names: The table's columns that were exported, in order.
        exported: Row id and hash of content of each exported row, in one; and the number of the
            row that is just as it was exported, 0 if none is.
        columns: Letter of each column by name.
        rows: The rows of the data sheet that say something, in the sheet's order: neither those
            that are blank nor those that are just as they were exported.
        defaults: The cover's defaults.
        problems: Cells that can't be told without guessing.
        extras: What is in the file that a table has no use for, in words.
    """

    file_name: str
    file_hash: str
    dimension: str
    base_release: int
    contract_hash: str
    part: str
    sheet: str
    names: tuple[str, ...]
    exported: Mapping[str, int]
    columns: Mapping[str, str]
    rows: tuple[SheetRow, ...]
    defaults: Defaults
    problems: tuple[Problem, ...]
    extras: tuple[str, ...] = ()

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
) -> tuple[Workbook, ...]:
    """Return what a workbook says, table by table.

    Args:
        path: The .xlsx file.
        contracts: The contracts by dimension.
        max_unpacked_bytes: Size of the unpacked file past which it is not opened.

    Raises:
        RefusedError: The file is not a workbook that foreview exported, or columns are missing.
        EngineError: The file can't be read.
    """
    try:
        return _read(path, read_archive(path, max_unpacked_bytes), contracts)
    except DamagedError as error:
        raise damaged(path, str(error)) from error


def _read(path: Path, content: bytes, contracts: Mapping[str, Contract]) -> tuple[Workbook, ...]:
    file_hash = hashlib.sha256(content).hexdigest()
    book = looks.Book(content)
    del content  # a large one is on disk
    if "macros" in book.package.extras:
        message = f"{path.name} holds macros, which are programs."
        fix = "Open it in Excel and save it as an Excel workbook (.xlsx), without macros."
        raise RefusedError(Problem("macros", message, path.name, fix=fix))
    sheets = {sheet.name: sheet for sheet in book.package.sheets}
    hidden = _read_hidden(path, book, sheets)
    defaults, cover_problems = _read_cover(book, sheets.get(layout.COVER))
    tables = []
    for facts, exported in hidden:
        contract = _contract(path, facts, contracts)
        title = facts["sheet"]
        if title not in sheets:
            message = f"{path.name} has no sheet {title}."
            fix = f"Give the sheet its name {title} back. The sheets are: {', '.join(sheets)}."
            raise RefusedError(Problem("sheet-missing", message, path.name, fix=fix))
        names = _exported(path, facts, contract)
        columns, rows, problems = _read_rows(
            book, sheets[title], layout.fields_of(contract, names), Unchanged(names, exported)
        )
        tables.append(
            Workbook(
                file_name=path.name,
                file_hash=file_hash,
                dimension=contract.dimension,
                base_release=int(facts["base_release"]),
                contract_hash=facts["contract"],
                part=facts["part"],
                sheet=title,
                names=names,
                exported=exported,
                columns=columns,
                rows=tuple(rows),
                defaults=defaults,
                problems=(*cover_problems, *problems),
                extras=book.package.extras,
            )
        )
    return tuple(tables)


_Hidden = tuple[dict[str, str], dict[str, int]]
"""A table's facts, and the id and hash of each of its rows, in one; no row is found yet."""


def hidden_tables(rows: Iterable[sheet_rows.XmlRow]) -> list[_Hidden]:
    """Return what the hidden sheet says of each table, whether that is all or not."""
    tables: list[_Hidden] = []
    for row in rows:
        texts = {cell.column: layout.unescape(cell.text) for cell in row.cells}
        name, value = texts.get(1, ""), texts.get(2, "")
        if name == "format" or not tables:
            tables.append(({}, {}))
        facts, exported = tables[-1]
        if name == "hashes":
            exported |= dict.fromkeys(layout.unpack(value), 0)
        else:
            facts[name] = value
    return tables


def _read_hidden(
    path: Path, book: looks.Book, sheets: Mapping[str, package.Sheet]
) -> list[_Hidden]:
    problems: list[Problem] = []
    hidden = sheets.get(layout.HIDDEN)
    tables = hidden_tables(book.rows(hidden, problems)) if hidden else []
    if any(
        facts.get("format", layout.FORMAT_VERSION) != layout.FORMAT_VERSION for facts, _ in tables
    ):
        message = f"{path.name} was written by another version of foreview."
        raise RefusedError(Problem("other-version", message, path.name, fix=_EXPORT_AGAIN))
    needed = {"format", "dimension", "base_release", "contract", "part", "sheet"}
    is_whole = all(
        needed <= facts.keys()
        and facts["base_release"].isdecimal()
        and facts.get("rows") == str(len(exported))
        for facts, exported in tables
    )
    if problems or not tables or not is_whole:
        message = f"{path.name} was not written by foreview export, or lost its hidden sheet."
        raise RefusedError(Problem("not-exported", message, path.name, fix=_EXPORT_AGAIN))
    return tables


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


def _exported(path: Path, facts: Mapping[str, str], contract: Contract) -> tuple[str, ...]:
    """Return the columns that a workbook has; those of today's rules where it does not say."""
    if "columns" not in facts:
        return contract.row_columns
    names = tuple(facts["columns"].split(","))
    unknown = ", ".join(one for one in names if one not in contract.row_columns)
    if unknown:
        message = f"{path.name} has columns that {contract.label} no longer has: {unknown}."
        raise RefusedError(Problem("other-rules", message, path.name, unknown, _EXPORT_AGAIN))
    return names


def _read_rows(
    book: looks.Book, sheet: package.Sheet, fields: Sequence[Field], unchanged: Unchanged
) -> tuple[dict[str, str], list[SheetRow], list[Problem]]:
    differing: list[Problem] = []
    around = sheet_rows.Layout()
    parts = book.runs(sheet, differing, around)
    first = sorted(next(parts, ()), key=lambda run: run.numbers)
    header = first[0].rows()[0] if first else looks.blank_row(1)  # expat's, so by itself
    places = _find_columns(header, sheet.name, fields)
    by_column = {places[field.name]: field for field in fields}
    letters = {name: column_letter(column) for name, column in places.items()}
    comments = book.package.comments(sheet)
    blank: dict[str, str | None] = dict.fromkeys(places)
    rows: list[SheetRow] = []
    problems: list[Problem] = []
    parts = chain([first[1:]], parts)
    for line in unchanged.others(parts, by_column, is_1904=book.package.is_1904):
        texts = dict(blank)
        unreadable = []
        notes = {}
        for cell in line.cells:
            field = by_column.get(cell.column)
            if field is None:
                continue
            comment = comments.get((line.number, cell.column), "")
            if not comment and cell.formula is None and field.is_plain(cell.kind, cell.text):
                texts[field.name] = cell.text
                continue
            where = (sheet.name, letters[field.name], line.number)
            texts[field.name], problem = read_cell(cell, field, where, book.package.is_1904)
            if problem:
                problems.append(problem)
                unreadable.append(field.name)
            said = _note(cell, comment)
            if said:
                notes[field.name] = said
        if unreadable or any(text is not None for text in texts.values()):
            rows.append(_sheet_row(line.number, texts, frozenset(unreadable), notes))
    ours = {f"{sheet.name}!{letter}" for letter in letters.values()}
    problems += [one for one in differing if one.where.rstrip("0123456789") in ours]
    return letters, rows, problems + _merged(sheet.name, header.number, places, around)


def _merged(
    title: str, header: int, places: Mapping[str, int], around: sheet_rows.Layout
) -> list[Problem]:
    """Return the merged ranges that hide cells of the table: only the first cell has a value."""
    problems = []
    for merged in around.merged:
        area = area_of(merged)
        if area is None:
            raise DamagedError(f"sheet {title}: {merged!r} are no cells to merge")
        first, _, last, bottom = area
        if bottom > header and any(first <= column <= last for column in places.values()):
            message = f"The cells {merged} are merged, so that all but the first are lost."
            fix = "Select them, choose Unmerge Cells, and fill in what each row should say."
            problems.append(Problem("merged-cells", message, f"{title}!{merged}", "", fix))
    return problems


def _note(cell: sheet_rows.Cell, comment: str) -> str:
    formula = "from a formula" if cell.formula == "" else f"from the formula ={cell.formula}"
    said = [formula] if cell.formula is not None else []
    return "; ".join(said + ([f"comment: {comment}"] if comment else []))


def _sheet_row(
    number: int,
    texts: dict[str, str | None],
    unreadable: frozenset[str],
    notes: dict[str, str],
) -> SheetRow:
    row_id, action = texts.pop(layout.ROW_ID), texts.pop(layout.ACTION)
    day, reason = texts.pop(layout.DAY), texts.pop(layout.REASON)
    return SheetRow(number, row_id, action, day, reason, texts, unreadable, notes)


def _find_columns(header: sheet_rows.XmlRow, title: str, fields: Sequence[Field]) -> dict[str, int]:
    """Return each column's place, counted from 1, by its heading."""
    found: dict[str, list[int]] = {}
    for cell in header.cells:
        text = layout.unescape(cell.text).strip()
        if text:
            found.setdefault(text.casefold(), []).append(cell.column)
    valid = ", ".join(field.heading for field in fields)
    fix = f"The first row must have these headings, each once: {valid}."
    known = {field.heading.casefold() for field in fields}
    if not known & set(found):
        message = f"The first row of the sheet {title} has no headings."
        raise RefusedError(Problem("no-headings", message, f"{title}!A{header.number}", fix=fix))
    others = [
        f"{title}!{column_letter(places[0])}{header.number}"
        for heading, places in found.items()
        if heading not in known
    ]
    hint = f" Headings that are not foreview's are in {', '.join(others)}." if others else ""
    where = f"{title}!{header.number}"
    problems = []
    for field in fields:
        count = len(found.get(field.heading.casefold(), ()))
        if count == 0:
            message = f"The column {field.heading} is missing or was renamed.{hint}"
            problems.append(Problem("column-missing", message, where, field.heading, fix))
        elif count > 1:
            message = f"There are {count} columns {field.heading}."
            problems.append(Problem("column-twice", message, where, field.heading, fix))
    if problems:
        raise RefusedError(problems)
    return {field.name: found[field.heading.casefold()][0] for field in fields}


def _read_cover(book: looks.Book, sheet: package.Sheet | None) -> tuple[Defaults, list[Problem]]:
    """Return the cover's defaults; a workbook without its cover has none."""
    if sheet is None:
        return Defaults(), []
    fields = {field.heading.casefold(): field for field in layout.COVER_FIELDS}
    texts: dict[str, str | None] = {}
    cells: dict[str, str] = {}
    problems: list[Problem] = []
    differing: list[Problem] = []
    for row in book.rows(sheet, differing):
        by_column = {cell.column: cell for cell in row.cells}
        label = by_column[1].text if 1 in by_column else ""
        field = fields.get(label.strip().casefold())
        if field is None:
            continue
        cells[field.name] = f"{layout.COVER}!B{row.number}"
        if 2 in by_column:
            where = (layout.COVER, "B", row.number)
            texts[field.name], problem = read_cell(by_column[2], field, where, book.package.is_1904)
            problems += [problem] if problem else []
    problems += [one for one in differing if one.where in cells.values()]
    action, day, reason, ticket = (texts.get(field.name) for field in layout.COVER_FIELDS)
    return Defaults(action, day, reason, ticket, cells), problems
