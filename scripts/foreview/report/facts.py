"""The facts of a preview record, as reports show them at their end."""

from __future__ import annotations

from collections.abc import Mapping

from foreview.impact import Impact, PathTaken
from foreview.report.words import few_or_whole, plural, whole

PATHS = {
    "touched": "only the viewing of households that the changes touch",
    "full": "all viewing of those days",
}
REASONS = {
    "touched": "",
    "full": ": so much is touched that this is faster",
}
PERIODS = {
    "day": "Days",
    "week": "Weeks",
    "airing": "Airings",
    "now": "As it is now",
}


def facts(impact: Impact) -> list[tuple[str, str]]:
    """Return label and value of what the impact was computed from and came to."""
    smallest = impact.smallest_count
    names = ", ".join(one.id for one in impact.change_sets)
    rules = ", ".join(f"{name} {code[:12]}" for name, code in sorted(impact.contracts.items()))
    return [
        ("Change requests", names),
        ("Reference version", str(impact.base_release)),
        ("Last day with viewing", impact.horizon_day or "none yet"),
        ("Last load of viewing", str(impact.horizon_batch)),
        ("Viewing records touched", few_or_whole(impact.touched_records, smallest)),
        ("Table rules", rules),
        *((f"{PERIODS[one.period]} computed from", _path(one, smallest)) for one in impact.paths),
        ("Read in all", _read(impact)),
        *((f"Read: {name}", _told(value)) for name, value in sorted(impact.read_set.items())),
        *(("Since the preview before", one) for one in impact.since),
        ("Preview record", impact.checksum),
    ]


def _path(path: PathTaken, smallest: int) -> str:
    touched, all_ = (few_or_whole(one, smallest) for one in (path.touched_records, path.records))
    why = ", as was asked for" if path.is_asked else REASONS[path.name]
    return f"{PATHS[path.name]}{why} ({touched} of {all_} records are touched)"


def _read(impact: Impact) -> str:
    if impact.read is None:
        return "not told by this engine"
    size = f"{impact.read.bytes / 1_000_000:,.1f} MB"
    return f"{size} in {plural(impact.read.files, 'file')}, {plural(impact.read.records, 'record')}"


def _told(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in sorted(value.items()))
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(map(str, value))
        return ", ".join(items[:12]) + (f" and {len(items) - 12:,} more" if items[12:] else "")
    return whole(value) if isinstance(value, int) else str(value)
