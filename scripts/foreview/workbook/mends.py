"""What is mended in a value that was typed: few things, named in the contract, and always shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from foreview.contract import Column

_SPACES = "\u00a0\u202f\u2007"
"""Spaces that Excel shows as others: no-break, narrow no-break, of a figure's width."""


def _no_break_space(text: str, _column: Column) -> str:
    return text.translate(dict.fromkeys(map(ord, _SPACES), " "))


def _trim(text: str, column: Column) -> str:
    if column.is_list:
        return ";".join(item.strip(" \t\r\n") for item in text.split(";"))
    return text.strip(" \t\r\n")


def _whole_number(text: str, column: Column) -> str:
    found = re.fullmatch(r"([+-]?[0-9]+)\.0+", text)
    return found[1] if found and column.type == "integer" else text


_DONE: dict[str, tuple[Callable[[str, Column], str], str]] = {
    "no-break-space": (_no_break_space, "a no-break space became a space"),
    "trim": (_trim, "blanks around it were taken off"),
    "whole-number": (_whole_number, "its zeros after the point were taken off"),
}


def mended(text: str | None, column: Column, names: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return a value with these mends, in the order in which they are done, and what was done."""
    told = []
    for name, (mend, words) in _DONE.items():
        if text is None or name not in names:
            continue
        better = mend(text, column)
        if better != text:
            told.append(words)
            text = better or None
    return text, told
