"""Invented names and choices, by hash of the place that they are made for."""

from __future__ import annotations

from collections.abc import Sequence

from foreview.contract import BEGINNING
from foreview.generate.draw import number

Row = dict[str, str | None]

_OPENINGS = ("Vor", "Kess", "Bril", "Quen", "Mip", "Zul", "Tam", "Osk", "Dra", "Gru", "Yor", "Wex")
_MIDDLES = ("lu", "ta", "mo", "ri", "ve", "no", "ka", "pi")
_ENDINGS = ("ne", "sk", "dor", "mil", "var", "tes", "lon", "by")


def choose(choices: Sequence[str], *place: object) -> str:
    """Return one of the choices, each with the same chance."""
    return choices[number(*place) % len(choices)]


def names(seed: int, kind: str, wanted: int) -> list[str]:
    """Return so many different names; there are at most 768."""
    found: dict[str, None] = {}
    attempt = 0
    while len(found) < wanted:
        place = (seed, kind, attempt)
        name = "".join(choose(p, n, *place) for n, p in enumerate((_OPENINGS, _MIDDLES, _ENDINGS)))
        found[name] = None
        attempt += 1
    return list(found)


def approved_row(since: str = BEGINNING, until: str | None = None, **values: str | None) -> Row:
    """Return an approved row of the values with its interval."""
    return {**values, "valid_from": since, "valid_to": until}
