"""Workbooks: what analysts edit in Excel, written, read back, and compared with what was exported.

`write_workbook` exports rows, `read_workbook` says what a file holds without judging it, and
`edits_of` says what its author wants done. `inspect_workbook` looks at anybody's workbook, and
`on_file` keeps a stranger's file away from the rest. Their modules are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foreview.workbook.child import in_child, on_file
    from foreview.workbook.compare import edits_of
    from foreview.workbook.export import write_workbook
    from foreview.workbook.inspection import inspect_workbook
    from foreview.workbook.read import Defaults, SheetRow, Workbook, read_workbook

__all__ = [
    "Defaults",
    "SheetRow",
    "Workbook",
    "edits_of",
    "in_child",
    "inspect_workbook",
    "on_file",
    "read_workbook",
    "write_workbook",
]

_MODULES = {
    "edits_of": "compare",
    "in_child": "child",
    "inspect_workbook": "inspection",
    "on_file": "child",
    "write_workbook": "export",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'read')}"), name)
