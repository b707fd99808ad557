"""Writes rows of a sheet as XML (ECMA-376 part 1, 18.3): openpyxl takes a minute for 100,000 rows.

All else of a workbook is openpyxl's; `with_rows` puts the rows into the sheet that it wrote.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from foreview.changes import Row
from foreview.contract import BEGINNING
from foreview.workbook import layout
from foreview.workbook.addresses import column_letter
from foreview.workbook.layout import Field

_FIRST_EXCEL_DAY = "1900-03-01"
_EXCEL_DAY_0 = date(1899, 12, 30)
_ROWS_END = b"</sheetData>"


def with_rows(sheet: bytes, rows: Iterable[str]) -> Iterator[bytes]:
    """Yield a sheet's XML with rows after those that it has."""
    sheet = re.sub(rb"<sheetData\s*/>", b"<sheetData></sheetData>", sheet)
    head, _, tail = sheet.partition(_ROWS_END)
    yield head
    yield from (row.encode() for row in rows)
    yield _ROWS_END + tail


def row_xml(
    number: int, cells: Sequence[tuple[Field, int, int]], texts: Row, marked: Collection[str]
) -> str:
    """Return one row of a table.

    Args:
        number: Its number in the sheet.
        cells: Field, style and style when marked of each column from the first on.
        texts: Canonical values by field name; other cells are blank.
        marked: Names of the fields that are marked.
    """
    written = []
    for column, (field, style, style_of_mark) in enumerate(cells, start=1):
        text = texts.get(field.name)
        if field.name == "valid_from" and text in (None, BEGINNING):
            text = layout.BEGINNING_WORD
        own = style_of_mark if field.name in marked else style
        if text is not None or own != style:
            place = f'<c r="{column_letter(column)}{number}" s="{own}"'
            written.append(place + ("/>" if text is None else _value_xml(field.kind, text)))
    return f'<row r="{number}">{"".join(written)}</row>'


def texts_xml(number: int, texts: Iterable[str]) -> str:
    """Return one row of texts from the first column on."""
    cells = enumerate(texts, start=1)
    said = [f'<c r="{column_letter(one)}{number}"{_text_xml(text)}' for one, text in cells]
    return f'<row r="{number}">{"".join(said)}</row>'


def _value_xml(kind: str, text: str) -> str:
    if kind == "date" and text != layout.BEGINNING_WORD and text >= _FIRST_EXCEL_DAY:
        return f"><v>{(date.fromisoformat(text) - _EXCEL_DAY_0).days}</v></c>"
    if kind in ("integer", "decimal") and sum(map(str.isdigit, text)) <= 15:
        return f"><v>{text}</v></c>"
    return _text_xml(text.upper() if kind == "boolean" else text)


def _text_xml(text: str) -> str:
    said = html.escape(layout.escape(text), quote=False)
    return f' t="inlineStr"><is><t xml:space="preserve">{said}</t></is></c>'
