"""Codes and names: an analyst may write either where it is clear which row is meant. No I/O."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from foreview.changes import Edit
from foreview.contract import Column, Contract

Names = Mapping[str, Sequence[tuple[str, str]]]
"""Code and name of each row of the parent dimensions."""


class Codes:
    """The codes of one dimension, found by name and by likeness."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take code and name of each row; a code that has had several names may come again."""
        self._codes: set[str] = set()
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._alike: dict[str, set[str]] = defaultdict(set)
        for code, name in pairs:
            self._codes.add(code)
            self._by_name[name].add(code)
            self._alike[_folded(code)].add(code)

    def meant(self, text: str) -> str:
        """Return the code that a text stands for: itself, or that of the one row of this name."""
        named = self._by_name.get(text, set())
        return next(iter(named)) if text not in self._codes and len(named) == 1 else text

    def alike(self, text: str) -> list[str]:
        """Return the other codes that differ only by case, blanks or the form of letters."""
        return sorted(self._alike.get(_folded(text), set()) - {text})


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def with_codes(contract: Contract, edits: Iterable[Edit], names: Names) -> list[Edit]:
    """Return edits with names of parents replaced by their codes; each replacement is noted.

    A code beside which there is one that differs only by case, blanks or the form of letters is
    noted too: it may be the wrong one.

    Args:
        contract: The rules of the edits' dimension.
        edits: What an analyst asks for.
        names: Code and name of each row of the parents; those that are missing are left alone.
    """
    codes = {parent: Codes(pairs) for parent, pairs in names.items()}
    columns = {one.name: one for one in contract.columns if one.parent in codes}
    return [_with_codes(edit, columns, codes) for edit in edits]


def _with_codes(edit: Edit, columns: Mapping[str, Column], codes: Mapping[str, Codes]) -> Edit:
    values, notes = dict(edit.values), dict(edit.notes)
    for name in columns.keys() & values.keys():
        column = columns[name]
        found = codes[column.parent or ""]
        items = column.items(values[name])
        meant = [found.meant(item) for item in items]
        said = [f"the name {a!r} is of {b}" for a, b in zip(items, meant, strict=True) if a != b]
        alike = [other for one in meant for other in found.alike(one)]
        said += [f"there is {', '.join(map(repr, alike))} too"] if alike else []
        if said:
            values[name] = ";".join(meant)
            notes[name] = "; ".join(filter(None, (notes.get(name), *said)))
    return replace(edit, values=values, notes=notes)
