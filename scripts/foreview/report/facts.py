"""The facts of a preview record, as reports show them at their end."""

from __future__ import annotations

from foreview.impact import Impact
from foreview.report.words import whole

PATHS = {
    "touched": "only the viewing that the changes touch",
    "full": "all viewing, before and after: so much is touched that this is cheaper",
}


def facts(impact: Impact) -> list[tuple[str, str]]:
    """Return label and value of what the impact was computed from and came to."""
    names = ", ".join(one.id for one in impact.change_sets)
    rules = ", ".join(f"{name} {code[:12]}" for name, code in sorted(impact.contracts.items()))
    return [
        ("Change requests", names),
        ("Reference version", str(impact.base_release)),
        ("Last day with viewing", impact.horizon_day or "none yet"),
        ("Last load of viewing", str(impact.horizon_batch)),
        ("Viewing records touched", whole(impact.touched_records)),
        ("Table rules", rules),
        ("Computed from", PATHS.get(impact.path, impact.path)),
        *((f"Read: {name}", _told(value)) for name, value in sorted(impact.read_set.items())),
        ("Preview record", impact.checksum),
    ]


def _told(value: object) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(map(str, value))
        return ", ".join(items[:12]) + (f" and {len(items) - 12:,} more" if items[12:] else "")
    return whole(value) if isinstance(value, int) else str(value)
