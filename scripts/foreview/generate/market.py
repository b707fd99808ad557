"""The sample market: rows of the small dimensions, invented, in pure Python.

Everything is chosen by SHA-256 of the seed and the place where the choice is made, so the rows do
not depend on the order of the code, the platform or the version of Python.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from foreview.contract import Contract
from foreview.generate.draw import number
from foreview.generate.invent import Row, approved_row, choose, names
from foreview.generate.programmes import genre_rows, programme_rows

SAMPLE_CHANGE_SET = "sample"
"""The `change_set_id` of the sample rows."""

CHANNELS = 600
AREAS = 120
REKEYED_ON = "2026-01-15"
"""Broadcast day on which the sample's re-keyed channels got their new codes."""

REPLANNED_ON = "2026-03-02"
"""Broadcast day on which some sample rows have changed: in the middle of their history."""

_NETWORK_KINDS = ("Television", "Network", "One", "Plus", "Family", "World")
_OWNER_KINDS = ("Media", "Broadcasting", "Stations", "Holdings", "Communications")
_AREA_KINDS = ("North", "South", "East", "West", "Centre", "Coast", "Hills", "Valley", "Lakes", "")

_COUNTRIES = {
    "BR": "Brazil",
    "CA": "Canada",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IN": "India",
    "IT": "Italy",
    "JP": "Japan",
    "NA": "Namibia",
    "US": "United States",
    "ZA": "South Africa",
}
_CATEGORIES = (
    "animation", "auto", "business", "classic", "comedy", "cooking", "culture", "documentary",
    "education", "entertainment", "family", "general", "kids", "lifestyle", "movies", "music",
    "news", "science", "series", "sports",
)  # fmt: skip


def sample_rows(seed: int) -> dict[str, list[Row]]:
    """Return the approved rows of the sample market by dimension, parents before children.

    Args:
        seed: Same seed, same rows.

    Returns:
        For each dimension rows with all of its contract's `row_columns`, as canonical text or
        None, sorted by key and `valid_from`.
    """
    groups = [
        approved_row(network_group_id=f"G{n}", network_group_name=f"{name} Group")
        for n, name in enumerate(names(seed, "group", 6), 1)
    ]
    networks = _networks(seed)
    owners = [
        approved_row(owner_id=name.lower(), owner_name=f"{name} {choose(_OWNER_KINDS, seed, name)}")
        for name in names(seed, "owner", 40)
    ]
    channels = _channels(seed, _keys(networks, "network_id"), _keys(owners, "owner_id"))
    rows = {
        "network_group": groups,
        "network": networks,
        "owner": owners,
        "country": [
            approved_row(country_id=key, country_name=name) for key, name in _COUNTRIES.items()
        ],
        "category": [
            approved_row(category_id=one, category_name=one.title()) for one in _CATEGORIES
        ],
        "market": [
            approved_row(market_id=f"M{n:02}", market_name=f"{name} Market")
            for n, name in enumerate(names(seed, "market", 12), 1)
        ],
        "area": _areas(seed),
        "channel": channels,
        "channel_key": [
            approved_row(
                channel_id=str(row["replaced_by"]), channel_sk=row["channel_id"], since=REKEYED_ON
            )
            for row in channels
            if row["replaced_by"]
        ],
        "genre": genre_rows(),
        "programme": programme_rows(seed),
    }
    return {dimension: sorted(found, key=_sort_key) for dimension, found in rows.items()}


def write_sample_seeds(folder: Path, contracts: Mapping[str, Contract], seed: int) -> list[Path]:
    """Write the sample rows of the dimensions that are kept as seeds, one CSV file each.

    Args:
        folder: The dbt project's `seeds` folder.
        contracts: The contracts by dimension; those of storage `seed` are written.
        seed: As for `sample_rows`.

    Returns:
        The files, `<dimension>.csv`: UTF-8, LF, sorted by key; blank means no value.
    """
    sample = sample_rows(seed)
    written = []
    for dimension, contract in contracts.items():
        if contract.storage != "seed" or dimension not in sample:
            continue
        path = folder / f"{dimension}.csv"
        rows = [{**row, "change_set_id": SAMPLE_CHANGE_SET} for row in sample[dimension]]
        columns = (*contract.row_columns, "change_set_id")
        _write_csv(path, columns, [[row[name] for name in columns] for row in rows])
        written.append(path)
    return written


def write_sample_baseline(path: Path, contract: Contract, seed: int) -> Path:
    """Write the sample rows of one dimension as a file for `foreview baseline`.

    Headings are the contract's baseline columns, followed by `valid_from` and `valid_to`.
    """
    names = [column.baseline_column for column in contract.columns]
    rows = sample_rows(seed)[contract.dimension]
    lines = [[row[name] for name in contract.row_columns] for row in rows]
    _write_csv(path, (*names, "valid_from", "valid_to"), lines)
    return path


def open_keys(rows: Iterable[Mapping[str, str | None]], column: str) -> list[str]:
    """Return the values of a key column that have an open row, sorted, each once."""
    return sorted({str(row[column]) for row in rows if row[column] and not row.get("valid_to")})


def channel_ids_of(paths: Iterable[Path]) -> list[str]:
    """Return the channel codes in CSV files, sorted, each once.

    Args:
        paths: Files with a column `channel_id` or `id`. In a file with `valid_to` only codes
            with an open row count.

    Raises:
        RefusedError: A file has neither column; all such files are named.
    """
    from foreview.errors import Problem, RefusedError

    found: set[str] = set()
    problems = []
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            column = next((c for c in ("channel_id", "id") if c in (reader.fieldnames or ())), None)
            if column is None:
                message = "There is no column with channel codes."
                fix = "Name the column channel_id or id."
                problems.append(Problem("missing-column", message, where=str(path), fix=fix))
            else:
                found.update(open_keys(reader, column))
    if problems:
        raise RefusedError(problems)
    return sorted(found)


def _write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[str | None]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([value or "" for value in line] for line in lines)


def _several(choices: Sequence[str], most: int, *place: object) -> str | None:
    wanted = number("how many", *place) % (most + 1)
    chosen = dict.fromkeys(choose(choices, n, *place) for n in range(wanted))
    return ";".join(chosen) or None


def _keys(rows: Iterable[Row], column: str) -> list[str]:
    return sorted({str(row[column]) for row in rows})


def _sort_key(row: Row) -> tuple[str, ...]:
    key = next(iter(row))
    return (row[key] or "", row["valid_from"] or "")


def _changed(row: Row, day: str, **values: str | None) -> list[Row]:
    """Return the row closed on a day and its successor."""
    return [{**row, "valid_to": day}, {**row, **values, "valid_from": day}]


def _networks(seed: int) -> list[Row]:
    rows: list[Row] = []
    for n, name in enumerate(names(seed, "network", 24)):
        group = None if n >= 20 else f"G{n % 6 + 1}"
        kind = choose(_NETWORK_KINDS, seed, "network kind", name)
        row = approved_row(
            network_id=name.upper(), network_name=f"{name} {kind}", network_group_id=group
        )
        rows += _changed(row, REPLANNED_ON, network_group_id="G1") if n == 3 else [row]
    return rows


def _areas(seed: int) -> list[Row]:
    rows: list[Row] = []
    for n, place in enumerate(names(seed, "place", AREAS), 1):
        name = f"{place} {_AREA_KINDS[n % len(_AREA_KINDS)]}".strip()
        market = None if n % 24 == 0 else f"M{number(seed, 'market of', n) % 12 + 1:02}"
        row = approved_row(area_id=f"A{n:04}", area_name=name, market_id=market)
        rows += _changed(row, REPLANNED_ON, market_id="M01") if n in (17, 71) else [row]
    return rows


def _channels(seed: int, networks: list[str], owners: list[str]) -> list[Row]:
    rows: list[Row] = []
    for n, name in enumerate(names(seed, "channel", CHANNELS)):
        row = _channel(seed, n, name, networks, owners)
        if n in (30, 130, 230):
            code, country = str(row["channel_id"]).split(".")
            successor = f"{code}X.{country}"
            closed = {**row, "closed": REKEYED_ON, "replaced_by": successor}
            rows += [
                {**closed, "valid_to": REKEYED_ON},
                {**row, "channel_id": successor, "valid_from": REKEYED_ON},
            ]
        elif n % 120 == 6:
            rows += _changed(row, REPLANNED_ON, network_id=networks[n % len(networks)])
        else:
            rows.append(row)
    return rows


def _channel(seed: int, n: int, name: str, networks: list[str], owners: list[str]) -> Row:
    place = (seed, "channel", n)
    country = "US" if n % 3 == 0 else choose(tuple(_COUNTRIES), *place, "country")
    code = f"{'KW'[n % 2]}{name.upper()}{n % 9 + 1}" if country == "US" else f"{name}{n % 9 + 1}"
    year = 1950 + number(*place, "year") % 70
    launched = (None, f"{year}", f"{year}-09", f"{year}-09-{n % 28 + 1:02}")[n % 4]
    return approved_row(
        channel_id=f"{code}.{country.lower()}",
        channel_name=code if country == "US" else f"{name} {n % 9 + 1}",
        alt_names=f"{name} TV;{name} Channel" if n % 11 == 0 else None,
        network_id=choose(networks, *place, "network") if n % 3 == 0 else None,
        owners=_several(owners, 3, *place, "owner"),
        country_id=country,
        categories=_several(_CATEGORIES, 3, *place, "category"),
        is_nsfw="true" if n % 97 == 5 else "false",
        launched=launched,
        closed=None,
        replaced_by=None,
        website=f"https://{name.lower()}{n % 9 + 1}.example/" if n % 2 else None,
    )
