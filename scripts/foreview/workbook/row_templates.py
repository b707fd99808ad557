"""Plain rows of a sheet, told by the XML of an earlier row that expat has read.

Most rows of a sheet differ in their number and values alone. A regular expression made of the first
of a kind takes the others apart, many at once, faster than expat tells of each cell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from foreview.workbook.sheet_rows import (
    NOTHING,
    DamagedError,
    Run,
    Shape,
    Shapes,
    XmlRow,
    in_order,
    run_of,
)

_PLAIN = r"[^<>&\x00-\x1f]*"
_PLAIN_ROW = re.compile(
    r'<row r="[1-9][0-9]{0,6}"(?: [\w:]+="[^"<>&\x00-\x1f]*")*>'
    r'(?:<c r="[A-Z]{1,3}[0-9]{1,7}"(?: s="[0-9]{1,6}")?(?: ?/>|(?: t="(?:s|n|b|str|inlineStr)")?>'
    rf'(?:<v>{_PLAIN}</v>|<is><t(?: xml:space="preserve")?>{_PLAIN}</t></is>)</c>))*+</row>'
)
_CELL_COLUMN = re.compile(r'<c r="([A-Z]+)')
_ROW_NUMBER = re.compile(r'<row r="([1-9][0-9]{0,6})"')
_SOMETHING = r"[^<>&\x00-\x1f]+"
_VALUE = re.compile(rf">({_SOMETHING})</")
_HAS_PLACE = ' t="s"><v'
_SPANS = re.compile(r'\\ spans="[0-9]+:[0-9]+"')
"""A hint that means nothing, and is another every 16 rows."""
_MOST_TEMPLATES = 256
_MOST_ALIKE = 16
"""Templates of rows that have cells in the same columns: other styles, for example."""
_LONGEST_TEMPLATE = 1 << 13


@dataclass(frozen=True, eq=False)
class _Template:
    """The XML of plain rows of one shape.

    Attributes:
        xml: Matches it; its groups are the row's number and the values.
        shape: The cells that hold something.
        shared: Which of them have the place of a shared string for their value.
        is_hidden: Whether the rows are hidden.
    """

    xml: re.Pattern[str]
    shape: Shape
    shared: tuple[int, ...]
    is_hidden: bool


def _cells_of(text: str, at: int) -> str:
    """Return the columns of the cells of the row that begins there."""
    return " ".join(_CELL_COLUMN.findall(text, at, text.find("</row>", at)))


class RowTemplates:
    """Takes rows apart that are like earlier ones."""

    def __init__(self, strings: Sequence[str], shapes: Shapes) -> None:
        """Begin a sheet of a workbook with these shared strings."""
        self._strings, self._shapes = strings, shapes
        self._templates: dict[str, list[_Template]] = {}  # by the columns of their cells
        self._count = 0
        self._matched: dict[_Template, list[tuple[str, ...]]] = {}

    def match(self, text: str, at: int, last: int) -> tuple[int, int]:
        """Take the rows from there on that are like one earlier row.

        Args:
            text: XML of rows.
            at: Where a row begins.
            last: The number of the last row before.

        Returns:
            Where they end, and the number of the last of them: `at` and `last` if there are none.
        """
        for template in self._templates.get(_cells_of(text, at), ()):
            lines = []
            while (found := template.xml.match(text, at)) and int(found[1]) > last:
                last, at = int(found[1]), found.end()
                lines.append(found.groups())
            if lines:
                self._matched.setdefault(template, []).extend(lines)
                break
        return at, last

    def learn(self, text: str, seen: list[XmlRow]) -> None:
        """Learn from the XML of a row, if it is plain, and from what expat has seen in it."""
        if self._count < _MOST_TEMPLATES and len(text) <= _LONGEST_TEMPLATE:
            alike = self._templates.setdefault(_cells_of(text, 0), [])
            if len(alike) < _MOST_ALIKE and _PLAIN_ROW.fullmatch(text):
                self._count += 1
                alike += self._template(text, seen)

    def taken(self) -> list[Run]:
        """Return the rows that were taken since this was asked for last.

        Raises:
            DamagedError: There is no such shared string.
        """
        matched, self._matched = self._matched, {}
        return [run for one, lines in matched.items() for run in self._made(one, lines)]

    def _template(self, text: str, seen: list[XmlRow]) -> list[_Template]:
        """Return a template of a plain row, if it makes of that row what expat has seen in it."""
        number = _ROW_NUMBER.match(text)
        assert number  # noqa: S101 - the row is plain
        like = re.sub(rf'(<(?:row|c) r="[A-Z]*){number[1]}"', '\\1\0"', text)
        parts = _VALUE.split(like)[::2]
        shared = [index for index, part in enumerate(parts[:-1]) if part.endswith(_HAS_PLACE)]
        xml = re.escape(parts[0])
        for index, part in enumerate(parts[1:]):
            value = "[0-9]{1,9}" if index in shared else _SOMETHING
            xml += f">({value})</{re.escape(part)}"
        xml = xml.replace("\0", "([1-9][0-9]{0,6})", 1).replace("\0", r"\1")
        pattern = re.compile(_SPANS.sub(r'\\ spans="[0-9:]{3,11}"', xml))
        shape, is_hidden = (seen[0].shape, seen[0].is_hidden) if seen else (NOTHING, False)
        template = _Template(pattern, shape, tuple(shared), is_hidden)
        found = pattern.fullmatch(text)
        if not found or pattern.groups != len(shape.columns) + 1:
            return []
        return [template] if in_order(self._made(template, [found.groups()])) == seen else []

    def _made(self, template: _Template, lines: Sequence[tuple[str, ...]]) -> list[Run]:
        """Return the rows that a template makes of numbers and values.

        Raises:
            DamagedError: There is no such shared string.
        """
        numbers, *columns = zip(*lines, strict=True)
        if not columns:
            return []
        for index in template.shared:
            try:
                columns[index] = tuple(map(self._strings.__getitem__, map(int, columns[index])))
            except IndexError as error:
                raise DamagedError("a cell has a shared string that is not there") from error
        rows = tuple(map(int, numbers))
        run = Run(rows, template.is_hidden, template.shape, columns, {})
        if all("" not in columns[index] for index in template.shared):
            return [run]
        cells = ((row, [cell for cell in row.cells if cell.text]) for row in run.rows())
        return [
            run_of(self._shapes.row_of(row.number, row.is_hidden, said))
            for row, said in cells
            if said
        ]
