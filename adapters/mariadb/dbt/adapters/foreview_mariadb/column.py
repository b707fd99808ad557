"""Columns: their types as MariaDB writes them, and what is wide enough for both of two types."""

import re
from dataclasses import dataclass
from typing import ClassVar

from dbt.adapters.mariadb.column import MariaDBColumn

TEXT_SIZES = {"tinytext": 63, "text": 16383, "mediumtext": 4194303, "longtext": 1073741823}
"""Characters of up to four bytes that are sure to fit."""
INTEGERS = ["tinyint", "smallint", "mediumint", "int", "bigint"]
TIMES = ["time", "datetime", "timestamp"]
LONGEST_VARCHAR = 16383
NAME, SIZES = re.compile(r"^(\w+)"), re.compile(r"^\w+\((\d+)(?:,(\d+))?\)")


@dataclass(repr=False)
class Column(MariaDBColumn):
    """A column of a relation; `dtype` is the type's name without sizes."""

    TYPE_LABELS: ClassVar[dict[str, str]] = {"STRING": "text"}
    column_type: str = ""
    is_nullable: bool = True
    collation: str | None = None
    comment: str = ""

    @classmethod
    def from_description(cls, name: str, raw_data_type: str) -> "Column":
        """Return the column of a type as MariaDB writes it, `decimal(10,2) unsigned`."""
        text = raw_data_type.strip().lower()
        match = NAME.match(text)
        dtype = match.group(1) if match else text
        sizes = SIZES.match(text)
        one, two = sizes.groups() if sizes else (None, None)
        column = cls(column=name, dtype=dtype, column_type=raw_data_type)
        if dtype in TEXT_SIZES:
            column.char_size = TEXT_SIZES[dtype]
        elif column.is_string() and one:
            column.char_size = int(one)
        elif column.is_numeric() and one:
            column.numeric_precision, column.numeric_scale = int(one), int(two or 0)
        elif dtype in TIMES:
            column.numeric_scale = int(one or 0)
        elif dtype in INTEGERS and text != "tinyint(1)":
            # What a width shows is nothing that is stored.
            column.column_type = re.sub(r"\(\d+\)", "", text)
        return column

    @property
    def data_type(self) -> str:
        """The type in full, with sizes."""
        return self.column_type or self.dtype

    def is_string(self) -> bool:
        """Tell whether it is text."""
        return self.dtype.lower() in {"char", "varchar", *TEXT_SIZES}

    def is_integer(self) -> bool:
        """Tell whether it is an integer of any size."""
        return self.dtype.lower() in {*INTEGERS, "integer"}

    def string_size(self) -> int:
        """Return how many characters are sure to fit."""
        return int(self.char_size or 0)

    @classmethod
    def string_type(cls, size: int) -> str:
        """Return a type for texts of that many characters."""
        return f"varchar({size})" if size <= LONGEST_VARCHAR else "longtext"

    def can_expand_to(self, other_column: "Column") -> bool:
        """Tell whether the other column takes all values of this one and more."""
        return self.widened(other_column) is not None

    def widened(self, other: "Column") -> str | None:
        """Return the type that takes the values of both columns; None where this one does."""
        if self.is_string() and other.is_string():
            is_wider = other.string_size() > self.string_size()
            return self.string_type(other.string_size()) if is_wider else None
        if self.dtype in INTEGERS and other.dtype in INTEGERS:
            is_wider = INTEGERS.index(other.dtype) > INTEGERS.index(self.dtype)
            return other.column_type if is_wider else None
        if self.is_numeric() and other.is_numeric():
            return self._widened_decimal(other)
        if self.dtype == other.dtype and self.dtype in TIMES:
            is_wider = other.numeric_scale > self.numeric_scale
            return other.column_type if is_wider else None
        return None

    def _widened_decimal(self, other: "Column") -> str | None:
        columns = [self, other]
        scale = max(one.numeric_scale or 0 for one in columns)
        whole = max((one.numeric_precision or 0) - (one.numeric_scale or 0) for one in columns)
        precision = min(whole + scale, 65)
        if (precision, scale) == (self.numeric_precision, self.numeric_scale):
            return None
        return f"decimal({precision},{scale})"
