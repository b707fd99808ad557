"""The sample market's programmes and their genres, invented, in pure Python."""

from __future__ import annotations

from foreview.generate.draw import number
from foreview.generate.invent import Row, approved_row, choose, names

PROGRAMMES = 400
"""Sample programmes; their codes are among those that generated viewing on demand has."""

GENRES = {
    "children": "Children",
    "comedy": "Comedy",
    "documentary": "Documentary",
    "drama": "Drama",
    "film": "Film",
    "magazine": "Magazine",
    "music": "Music",
    "news": "News",
    "quiz": "Quiz and games",
    "sport": "Sport",
}

_KINDS = {
    "children": ("and Friends", "Club", "Tales"),
    "comedy": ("Upstairs", "at Large", "and Sons"),
    "documentary": ("Uncovered", "from Above", "in Colour"),
    "drama": ("Street", "Hospital", "Manor"),
    "film": ("Returns", "Falls", "by Night"),
    "magazine": ("This Morning", "at Five", "Tonight"),
    "music": ("Live", "Sessions", "Hits"),
    "news": ("News", "Report", "Weather"),
    "quiz": ("or Nothing", "Wheel", "Challenge"),
    "sport": ("Football", "Racing", "Tennis"),
}
_EVERY_UNKNOWN = 40


def genre_rows() -> list[Row]:
    """Return the approved rows of the sample genres."""
    return [approved_row(genre_id=key, genre_name=name) for key, name in GENRES.items()]


def programme_rows(seed: int) -> list[Row]:
    """Return the approved rows of the sample programmes; a few have no genre.

    Args:
        seed: Same seed, same rows.
    """
    rows = []
    for n, name in enumerate(names(seed, "programme", PROGRAMMES)):
        genre = choose(tuple(GENRES), seed, "genre", n)
        title = f"{name} {choose(_KINDS[genre], seed, 'kind of programme', n)}"
        known = number(seed, "genre known", n) % _EVERY_UNKNOWN > 0
        rows.append(
            approved_row(
                programme_id=f"P{n:05}",
                programme_name=title,
                genre_id=genre if known else None,
            )
        )
    return rows
