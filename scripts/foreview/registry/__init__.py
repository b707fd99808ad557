"""The registry: change sets, previews, reviews, releases and the log of events.

Importing this package imports SQLAlchemy; commands do so within functions.
"""

from foreview.registry.records import (
    CalendarEntry,
    ChangeSetSummary,
    Event,
    HistoryEntry,
    Receipt,
    Release,
    Review,
    Step,
    parse_change_set,
)
from foreview.registry.store import ERASURE_BEGUN, ERASURE_DONE, Registry

__all__ = [
    "ERASURE_BEGUN",
    "ERASURE_DONE",
    "CalendarEntry",
    "ChangeSetSummary",
    "Event",
    "HistoryEntry",
    "Receipt",
    "Registry",
    "Release",
    "Review",
    "Step",
    "parse_change_set",
]
