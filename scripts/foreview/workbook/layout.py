"""How a workbook is laid out: what export and reading must agree on. No I/O."""

from __future__ import annotations

import re
from base64 import b16encode
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice

from foreview.changes import Action, Identity, Row, row_key
from foreview.contract import BEGINNING, Column, Contract

FORMAT_VERSION = "2"
COVER = "Instructions"
ALLOWED = "Allowed values"
HIDDEN = "_foreview"

ROW_ID, ACTION, DAY, REASON, TICKET = "@row_id", "@action", "@day", "@reason", "@ticket"
"""Names of the columns that are not the table's own; no SQL name begins with @."""

ACTION_WORDS = {
    Action.CORRECT: "was always wrong",
    Action.CHANGE_FROM: "changed on a day",
    Action.RETIRE: "retire",
    Action.DELETE: "delete",
    Action.INSERT: "new row",
    Action.NEW_CODE: "new code",
    Action.MERGE: "merge",
}
OF_IDENTITIES = (Action.NEW_CODE, Action.MERGE)
"""Actions of tables whose rows have an identity beside their code."""

COVER_ACTIONS = (Action.CORRECT, Action.CHANGE_FROM)
"""The actions that the cover may set for all rows: one cell must not remove a table."""

BEGINNING_WORD = "beginning"
MAX_CELL_CHARACTERS = 32_767
EXCEL_ROWS = 1_048_576

ID_LENGTH, HASH_LENGTH = 16, 32
_PACKED_ROWS = 600
BLANK, BETWEEN = "\0", "\x1f"
"""No value that a workbook can hold has these."""

_ID_LETTERS = bytes.maketrans(b"0123456789ABCDEF", b"bcdfghjklmnpqrst")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ESCAPE_NEEDED = re.compile(r"\r|_(?=x[0-9A-Fa-f]{4}_)")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Field:
    """One column of the data sheet.

    Attributes:
        name: The column's name in SQL, or one of `ROW_ID`, `ACTION`, `DAY`, `REASON`, `TICKET`.
        heading: The text in the first row; on the cover, beside the cell.
        column: The type and rules of its values.
    """

    name: str
    heading: str
    column: Column

    @cached_property
    def kind(self) -> str:
        """The type without precision: string, integer, boolean, date, timestamp or decimal."""
        return self.column.type.partition("(")[0]

    def is_plain(self, kind: str, text: str) -> bool:
        """Whether a cell is text that says what it says: nothing to unescape or to translate."""
        return (
            kind == "string"
            and self.name != "valid_from"
            and text.isascii()
            and text.isprintable()
            and "_x" not in text
        )


DAY_COLUMN = Column(DAY, "date", "Day", "First day of a change or retirement, YYYY-MM-DD.")
_CONTROLS = (
    Column(ROW_ID, "string", "Row id", "Foreview's name for the row. Leave it as it is."),
    Column(ACTION, "string", "Action", "What to do with the row. Needed on each row you edit."),
    DAY_COLUMN,
    Column(REASON, "string", "Reason", "Why, if this row has a reason of its own."),
)
INTERVAL = {
    "valid_from": Column(
        "valid_from",
        "date",
        "True from",
        f"First day on which the row holds, or the word {BEGINNING}.",
        required=True,
    ),
    "valid_to": Column(
        "valid_to",
        "date",
        "True until",
        "First day on which the row no longer holds; blank while it holds.",
    ),
}


CONTROL_FIELDS = tuple(Field(column.name, column.label, column) for column in _CONTROLS)
COVER_FIELDS = (
    *(Field(one.name, f"{one.heading} for all rows", one.column) for one in CONTROL_FIELDS[1:]),
    Field(TICKET, "Ticket", Column(TICKET, "string", "Ticket", "Its number, if there is one.")),
)
"""What the cover says, each in the cell right of its heading."""


def fields_of(contract: Contract, names: Collection[str] | None = None) -> tuple[Field, ...]:
    """Return the data sheet's columns in order; headings are unique without regard to case.

    Args:
        contract: The table's rules.
        names: The columns of an older workbook; None for those that are not retired.
    """
    names = contract.sheet_columns if names is None else names
    taken = {column.label.casefold() for column in (*_CONTROLS, *INTERVAL.values())}
    fields = list(CONTROL_FIELDS)
    for column in contract.columns:
        heading = column.label.strip()
        if heading.casefold() in taken:
            heading = f"{heading} ({column.name})"
        taken.add(heading.casefold())
        if column.name in names:
            fields.append(Field(column.name, heading, column))
    fields += [Field(column.name, column.label, column) for column in INTERVAL.values()]
    return tuple(fields)


def sheet_title(label: str) -> str:
    """Return a label as Excel allows it for a sheet's name."""
    return re.sub(r"[\[\]:*?/\\]", " ", label).strip("' ")[:31] or "Rows"


def normal_row(contract: Contract, row: Row) -> dict[str, str | None]:
    """Return a row with all its columns and no others; no `valid_from` means the beginning."""
    values = {name: row.get(name) for name in contract.row_columns}
    values["valid_from"] = values["valid_from"] or BEGINNING
    return values


def row_hash(names: Iterable[str], row: Row) -> str:
    """Return the first half of the SHA-256 of a row's canonical values in these columns, hex."""
    if not row.get("valid_from"):
        row = {**row, "valid_from": BEGINNING}
    return hash_of([BLANK if text is None else text for text in map(row.get, names)])


def hash_of(texts: Iterable[str]) -> str:
    """Return the hash of a row whose values these are, in order, `BLANK` for none."""
    content = BETWEEN.join(texts).encode("utf-8", "surrogatepass")
    return sha256(content).digest()[: HASH_LENGTH // 2].hex()


def pack(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield texts, each for one cell, that hold the id and the hash of many rows."""
    joined = map("".join, rows)
    while packed := "".join(islice(joined, _PACKED_ROWS)):
        yield packed


def unpack(packed: str) -> list[str]:
    """Return the id and hash of each row, in one, of a text that `pack` yielded."""
    size = ID_LENGTH + HASH_LENGTH
    return [packed[at : at + size] for at in range(0, len(packed), size)]


def row_id(identity: Identity) -> str:
    """Return a row's id in workbooks: the same in every export, 16 consonants.

    Letters without vowels, since Excel counts up numbers, months and weekdays on filling down.
    """
    digest = sha256(row_key(identity).encode("utf-8", "surrogatepass")).digest()
    return b16encode(digest[: ID_LENGTH // 2]).translate(_ID_LETTERS).decode()


def type_fix(column: Column) -> str:
    """Return what to do about a value that is not of the column's type, in a sentence."""
    kind, _, rest = column.type.partition("(")
    scale = rest.rstrip(")").split(",")[-1].strip()
    fixes = {
        "boolean": "Write TRUE or FALSE.",
        "integer": "Write a whole number.",
        "date": "Write the day as YYYY-MM-DD.",
        "timestamp": "Write the instant as YYYY-MM-DD HH:MM:SS, in UTC.",
        "decimal": f"Write a number with at most {scale} decimals.",
    }
    return fixes.get(kind, "Write it again by hand.")


def illegal_character(text: str) -> str | None:
    """Return the first character that no XML file can hold, as `U+0001`, or None."""
    found = _ILLEGAL.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def printable(text: str) -> str:
    """Return text without the characters that no XML file can hold."""
    return _ILLEGAL.sub("\ufffd", text)


def escape(text: str) -> str:
    """Return text as a workbook's XML spells it (ST_Xstring of ECMA-376)."""
    text = _ESCAPE_NEEDED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    if text.isspace():
        return f"_x{ord(text[0]):04X}_{text[1:]}"
    return text


def unescape(text: str) -> str:
    """Return what `escape` was given; Excel shows the same."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
