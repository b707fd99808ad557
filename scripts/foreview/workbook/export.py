"""Write rows into a workbook for analysts to edit."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook as OpenpyxlWorkbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.comments.comment_sheet import CommentRecord
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.utils.exceptions import WorkbookAlreadySaved
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.writer.excel import ExcelWriter

from foreview.changes import Edit, Identity, Row, identity_of
from foreview.contract import Contract
from foreview.errors import EngineError, Problem, RefusedError
from foreview.whole_files import replacing
from foreview.workbook import layout
from foreview.workbook.layout import Field
from foreview.workbook.rows_xml import row_xml, texts_xml, with_rows

SPARE_ROWS = 1000
"""Rows below the last that have formats and drop-downs too."""

_FORMATS = {"date": "yyyy-mm-dd", "integer": "0", "decimal": "General"}
_WIDTHS = {layout.ACTION: 18, layout.DAY: 12, layout.REASON: 24}
_HEADER_FONT = Font(bold=True)
_HEADER_FILL = PatternFill("solid", fgColor="DDE6F0")
_MARK_FILL = PatternFill("solid", fgColor="FCE4D6")
_INPUT_FILL = PatternFill("solid", fgColor="FFF6D5")


Marks = Mapping[tuple[Identity, str], str]
"""What is to be said of a row's column, as a comment on its cell."""


@dataclass(frozen=True)
class Table:
    """One dimension's sheet in a workbook.

    Attributes:
        contract: The dimension's rules.
        rows: Approved rows, in the order in which they are to appear.
        part: What was asked for, when it is not the whole dimension.
        edits: Edits that the sheet begins with, of these rows and of new ones.
        undecided: Rows of these whose action is left open.
        marks: Comments on cells.
    """

    contract: Contract
    rows: Sequence[Row]
    part: str = ""
    edits: Sequence[Edit] = ()
    undecided: Collection[Identity] = ()
    marks: Marks = dataclass_field(default_factory=dict)

    @property
    def title(self) -> str:
        """The sheet's name."""
        return layout.sheet_title(self.contract.label)


Parents = Mapping[str, Sequence[tuple[str, str]]]
"""Code and name of each row of parent dimensions, for drop-downs."""


def write_workbook(
    path: Path,
    contract: Contract,
    rows: Sequence[Row],
    *,
    base_release: int,
    parents: Parents,
    part: str = "",
) -> None:
    """Write rows of one dimension as a workbook: `write_tables` of one table."""
    tables = [Table(contract, rows, part)]
    write_tables(path, tables, base_release=base_release, parents=parents)


def write_tables(
    path: Path,
    tables: Sequence[Table],
    *,
    base_release: int,
    parents: Parents,
    cover: Mapping[str, str] | None = None,
) -> None:
    """Write rows of one or more dimensions as a workbook, a sheet each.

    Args:
        path: The file to write; one that is there is replaced once the new one is whole.
        tables: What to write, at least one.
        base_release: The release whose rows these are.
        parents: Code and name of each row of the parent dimensions, for drop-downs.
        cover: What the cover begins with, by the names of `layout.COVER_FIELDS`.

    Raises:
        RefusedError: Values that no workbook can hold, all of them named.
        EngineError: The file could not be written; nothing is left behind.
    """
    problems = [one for table in tables for one in _unwritable(table.contract, table.rows)]
    if problems:
        raise RefusedError(problems)
    book = OpenpyxlWorkbook(write_only=True)
    first = book.create_sheet(layout.COVER)
    sheets = [book.create_sheet(table.title) for table in tables]
    try:
        _write_cover(first, tables, base_release, cover or {})
        ranges: dict[str, str] = {}
        bodies: dict[str, Iterable[str]] = {}
        for table, sheet in zip(tables, sheets, strict=True):
            sources = _write_lookups(book, table.contract, parents, ranges)
            bodies[sheet.title] = _write_rows(sheet, table, sources)
        hidden = book.create_sheet(layout.HIDDEN)
        hidden.sheet_state = "veryHidden"
        bodies[hidden.title] = _hidden_rows(tables, base_release)
        _save(path, book, bodies)
    except OSError as error:
        _abandon(book)
        raise EngineError(
            Problem(
                "not-written",
                f"{path} could not be written: {error.strerror or error}.",
                fix="Make room or choose another folder, and export again.",
            )
        ) from error


def _unwritable(contract: Contract, rows: Sequence[Row]) -> Iterable[Problem]:
    if len(rows) > layout.EXCEL_ROWS - 1:
        message = f"{len(rows):,} rows and the headings are more than a sheet of Excel's holds."
        fix = f"Export parts of at most {layout.EXCEL_ROWS - 1:,} rows, with --where."
        yield Problem("too-many-rows", message, contract.label, fix=fix)
    headings = {field.name: field.heading for field in layout.fields_of(contract)}
    for number, row in enumerate(rows, start=1):
        for name in contract.sheet_columns:
            text = row.get(name)
            if not text or (text.isascii() and text.isprintable() and len(text) < 1000):
                continue
            place = f"row {number}, {headings[name]}"
            found = layout.illegal_character(text)
            if found:
                message = f"The value holds the control character {found}, which Excel can't hold."
                fix = "Correct the approved row first, by another file or release."
                yield Problem("control-character", message, place, repr(text)[:200], fix)
            elif len(layout.escape(text).encode("utf-16-le")) > 2 * layout.MAX_CELL_CHARACTERS:
                message = f"The value is longer than Excel's {layout.MAX_CELL_CHARACTERS} letters."
                fix = "Leave the row out of the workbook."
                yield Problem("value-too-long", message, place, text[:80], fix)


def _save(path: Path, book: OpenpyxlWorkbook, bodies: Mapping[str, Iterable[str]]) -> None:
    """Save a book, with the rows of some sheets by title as XML."""
    titles = [one.title for one in book.worksheets]
    parts = {f"xl/worksheets/sheet{titles.index(one) + 1}.xml": bodies[one] for one in bodies}
    with tempfile.TemporaryFile() as bare, replacing(path) as partial, partial.open("wb") as file:
        with ZipFile(bare, "w", ZIP_DEFLATED) as archive:
            ExcelWriter(book, archive).save()
        with ZipFile(bare) as source, ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for name in source.namelist():
                with source.open(name) as part, archive.open(name, "w") as written:
                    if name in parts:
                        written.writelines(with_rows(part.read(), parts[name]))
                    else:
                        shutil.copyfileobj(part, written)
        file.flush()
        os.fsync(file.fileno())


def _abandon(book: OpenpyxlWorkbook) -> None:
    """Close the sheets of a book that can't be saved, so that they don't complain later."""
    for sheet in book.worksheets:
        with suppress(OSError, ValueError, WorkbookAlreadySaved):
            sheet.close()


def _text_cell(sheet: Any, text: str, **styles: Any) -> Cell:
    cell = WriteOnlyCell(sheet)
    _set_text(cell, text)
    for name, style in styles.items():
        setattr(cell, name, style)
    return cell


def _write_cover(
    sheet: Any, tables: Sequence[Table], base_release: int, given: Mapping[str, str]
) -> None:
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 90
    held = [
        f"{len(table.rows)} rows, {f'the part {table.part}' if table.part else 'the whole table'}, "
        f"as of reference version {base_release}. {table.contract.description}"
        for table in tables
    ]
    words = [layout.ACTION_WORDS[action] for action in layout.COVER_ACTIONS]
    _add_list(sheet, f'"{",".join(words)}"', "B5:B5", "stop")
    wrap = Alignment(wrap_text=True, vertical="top")
    inputs = {field.heading: field for field in layout.COVER_FIELDS}
    lines: list[tuple[str, str]] = [
        (f"{_labels(tables)}: a workbook to edit", ""),
        ("What it holds", "\n".join(held)),
        ("", ""),
        ("Defaults", "The yellow cells below hold for each edited row that doesn't say otherwise."),
        *((heading, "") for heading in inputs),
        ("", ""),
        *_instructions(tables),
    ]
    for number, (left, right) in enumerate(lines, start=1):
        bold = {"font": _HEADER_FONT} if left else {}
        cells = [_text_cell(sheet, left, alignment=wrap, **bold)]
        if left in inputs:
            number_format = _FORMATS.get(inputs[left].kind, "@")
            text = given.get(inputs[left].name, "")
            cells.append(_text_cell(sheet, text, fill=_INPUT_FILL, number_format=number_format))
        elif number > 1:
            cells.append(_text_cell(sheet, right, alignment=wrap))
        sheet.append(cells)


_NEW_CODE = (
    "The row goes on under another code from the Day on: write that over the old one. Its figures "
    "go on where they were."
)
_MERGE = (
    "From the Day on the row is a part of another one: write that one's code over its own. Its "
    "figures count there. The row itself stays; retire it when nobody uses its code any more."
)


def _labels(tables: Sequence[Table]) -> str:
    return " and ".join(table.contract.label for table in tables)


def _instructions(tables: Sequence[Table]) -> list[tuple[str, str]]:
    words = layout.ACTION_WORDS
    contract, rows = tables[0].contract, tables[0].rows
    headings = {field.name: field.heading for field in layout.fields_of(contract)}
    changed = next((name for name in contract.sheet_columns if name not in contract.key), "")
    key = ", ".join(rows[0][name] or "" for name in contract.key) if rows else "ABC"
    actions = {action.name: word for action, word in words.items()}
    has_codes = any(table.contract.identities for table in tables)
    return [
        ("How to edit", f"Edit the cells of the sheet {_labels(tables)}, then choose an Action."),
        (
            actions["CORRECT"],
            "The row never was as it stands here. History is set right, back to True from.",
        ),
        (
            actions["CHANGE_FROM"],
            "The row was right until the Day. From the Day on, it is as you write it.",
        ),
        (actions["RETIRE"], "The row no longer holds from the Day on. Its history stays."),
        (actions["DELETE"], "The row should never have been. Its history goes too."),
        (
            actions["INSERT"],
            "A row to add: write it below the last one, or copy a row and change its "
            f"{headings[contract.key[0]]}. A row that you only take out of the sheet stays as it "
            "is in the table.",
        ),
        *([(actions["NEW_CODE"], _NEW_CODE), (actions["MERGE"], _MERGE)] if has_codes else []),
        (
            "Worked example",
            f"From 2 May 2026, the {headings.get(changed, 'name')} of {key} is another one. In its "
            f"row, write the new {headings.get(changed, 'name')}, choose the Action "
            f'"{actions["CHANGE_FROM"]}", and write the Day 2026-05-02. Save the workbook and '
            "submit it with a reason.",
        ),
        (
            "Good to know",
            "Sort, filter and paste as you like, but keep the headings in the first row. Write "
            "days as YYYY-MM-DD. Several values in one cell are separated by ; (a semicolon). "
            "Nothing changes until somebody else has agreed to it.",
        ),
    ]


def _write_lookups(
    book: OpenpyxlWorkbook, contract: Contract, parents: Parents, ranges: dict[str, str]
) -> dict[str, str]:
    """Write the lists that drop-downs offer; return each column's range or inline list.

    The `ranges` of parents that are written already are used again.
    """
    sources = {}
    columns = [one for one in contract.columns if not one.is_retired]
    for column in columns:
        parent = column.parent
        if parent is not None and parent not in ranges:
            ranges[parent] = _write_parent(book, parent, parents.get(parent, ()))
        if column.is_list:
            continue
        if column.type == "boolean":
            sources[column.name] = '"TRUE,FALSE"'
        elif parent is not None and ranges[parent]:
            sources[column.name] = ranges[parent]
    listed = [one for one in columns if one.accepted_values and not one.is_list]
    if listed:
        sheet = book.create_sheet(layout.ALLOWED)  # a second one gets a number
        sheet.append([_text_cell(sheet, one.label, font=_HEADER_FONT) for one in listed])
        for number in range(max(len(one.accepted_values) for one in listed)):
            texts = [one.accepted_values[number : number + 1] for one in listed]
            sheet.append([_text_cell(sheet, text[0]) if text else None for text in texts])
        for index, one in enumerate(listed, start=1):
            sources[one.name] = _range(sheet.title, index, len(one.accepted_values))
    return sources


def _write_parent(book: OpenpyxlWorkbook, parent: str, codes: Sequence[tuple[str, str]]) -> str:
    title = layout.sheet_title(f"{parent.replace('_', ' ').capitalize()[:25]} codes")
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 40
    sheet.append([_text_cell(sheet, text, font=_HEADER_FONT) for text in ("Code", "Name")])
    code, name = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
    for cell in (code, name):
        cell.number_format = "@"
    for pair in codes:
        _set_text(code, pair[0])
        _set_text(name, pair[1])
        sheet.append([code, name])
    return _range(title, 1, len(codes)) if codes else ""


def _range(title: str, column: int, count: int) -> str:
    letter = get_column_letter(column)
    return f"{quote_sheetname(title)}!${letter}$2:${letter}${count + 1}"


def _add_list(sheet: Any, source: str, place: str, style: Literal["stop", "warning"]) -> None:
    rule = DataValidation(
        type="list", formula1=source, allow_blank=True, showErrorMessage=True, errorStyle=style
    )
    rule.add(place)
    sheet.data_validations.append(rule)


def _write_rows(sheet: Any, table: Table, sources: Mapping[str, str]) -> Iterable[str]:
    """Write all of a sheet but its rows, and return those as XML."""
    contract, rows = table.contract, table.rows
    fields = layout.fields_of(contract)
    places = {one.name: place for place, one in enumerate(fields, start=1)}
    count = len(rows) + sum(edit.identity is None for edit in table.edits)
    last = count + 1 + SPARE_ROWS
    _set_size(sheet, len(fields), count + 1)
    sheet.freeze_panes = f"{get_column_letter(5 + len(contract.key))}2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(fields))}{len(rows) + 1}"
    for field in fields:
        letter = get_column_letter(places[field.name])
        dimension = sheet.column_dimensions[letter]
        dimension.number_format = _FORMATS.get(field.kind, "@")
        dimension.width = _width(field, rows)
        dimension.hidden = field.name == layout.ROW_ID
        if field.name == layout.ACTION:
            words = ",".join(
                word
                for action, word in layout.ACTION_WORDS.items()
                if action not in layout.OF_IDENTITIES or contract.identities
            )
            _add_list(sheet, f'"{words}"', f"{letter}2:{letter}{last}", "stop")
        elif field.name in sources:
            _add_list(sheet, sources[field.name], f"{letter}2:{letter}{last}", "warning")
    sheet.append([_heading_cell(sheet, field) for field in fields])
    marks: dict[Identity, dict[str, str]] = {}
    for (identity, name), said in table.marks.items():
        marks.setdefault(identity, {})[name] = said
    for number, row in enumerate(rows if marks else (), start=2):
        for name, said in marks.get(identity_of(contract, row), {}).items():
            _add_comment(sheet, places[name], number, said)
    cells = [(one, _style(sheet, one), _style(sheet, one, _MARK_FILL)) for one in fields]
    return (
        row_xml(number, cells, texts, marks.get(identity, ()))
        for number, (identity, texts) in enumerate(_row_texts(table), start=2)
    )


def _row_texts(table: Table) -> Iterator[tuple[Identity, Row]]:
    """Yield identity and texts of each row, those of new ones last, without an identity."""
    by_identity = {edit.identity: edit for edit in table.edits if edit.identity is not None}
    for row in table.rows:
        identity = identity_of(table.contract, row)
        texts = {**row, layout.ROW_ID: layout.row_id(identity)}
        edit = by_identity.get(identity)
        if edit is not None:
            texts |= {**edit.values, **_asked(edit)}
        if identity in table.undecided:
            texts[layout.ACTION] = None
        yield identity, texts
    for edit in table.edits:
        if edit.identity is None:
            yield (), {**edit.values, **_asked(edit)}


def _asked(edit: Edit) -> dict[str, str | None]:
    """Return what stands in the cells in which a row says what to do with it."""
    word = layout.ACTION_WORDS[edit.action]
    return {layout.ACTION: word, layout.DAY: edit.day, layout.REASON: edit.reason or None}


def _set_size(sheet: Any, columns: int, rows: int) -> None:
    """Have the sheet's size written, which openpyxl's streaming leaves out.

    Without it openpyxl parses the whole sheet on opening, only to look for the size.
    """
    sheet.calculate_dimension = lambda: f"A1:{get_column_letter(columns)}{rows}"


def _width(field: Field, rows: Sequence[Row]) -> float:
    if field.name in _WIDTHS:
        return _WIDTHS[field.name]
    longest = max((len(row.get(field.name) or "") for row in rows[:500]), default=0)
    return min(max(longest, len(field.heading) + 4, 12), 42)


def _heading_cell(sheet: Any, field: Field) -> Cell:
    column = field.column
    notes = [column.description]
    if column.required:
        notes.append("Needed.")
    if column.type == "boolean":
        notes.append("TRUE or FALSE.")
    if column.type == "timestamp":
        notes.append("Written YYYY-MM-DD HH:MM:SS, in UTC.")
    if column.is_list:
        notes.append("Several values are separated by ;")
    comment = Comment("\n".join(notes), "Foreview", width=280, height=110)
    styles = {"font": _HEADER_FONT, "fill": _HEADER_FILL, "number_format": "@"}
    return _text_cell(sheet, field.heading, comment=comment, **styles)


def _style(sheet: Any, field: Field, fill: PatternFill | None = None) -> int:
    """Return the number of the style of a field's cells."""
    cell = WriteOnlyCell(sheet)
    cell.number_format = _FORMATS.get(field.kind, "@")
    if fill is not None:
        cell.fill = fill
    return cell.style_id


def _add_comment(sheet: Any, column: int, row: int, text: str) -> None:
    cell = WriteOnlyCell(sheet)
    cell.column, cell.row = column, row
    cell.comment = Comment(text, "Foreview", width=280, height=80)
    sheet._comments.append(CommentRecord.from_cell(cell))


def _set_text(cell: Cell, text: str) -> None:
    cell.value = layout.escape(text)
    cell.data_type = "s"


def _hidden_rows(tables: Sequence[Table], base_release: int) -> Iterator[str]:
    lines: list[tuple[str, ...]] = []
    for table in tables:
        contract = table.contract
        lines += [
            ("format", layout.FORMAT_VERSION),
            ("dimension", contract.dimension),
            ("base_release", str(base_release)),
            ("contract", contract.hash),
            ("part", table.part),
            ("sheet", table.title),
            ("columns", ",".join(contract.sheet_columns)),
            ("rows", str(len(table.rows))),
        ]
        ids = (layout.row_id(identity_of(contract, row)) for row in table.rows)
        hashes = (layout.row_hash(contract.sheet_columns, row) for row in table.rows)
        lines += [("hashes", packed) for packed in layout.pack(zip(ids, hashes, strict=True))]
    return (texts_xml(number, line) for number, line in enumerate(lines, start=1))
