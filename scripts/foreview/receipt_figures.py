"""The figures of receipts: what each moved figure was and would be, kept for a renewal.

The registry keeps a receipt's hashes. To say by how much a figure moves otherwise after late
records, its values are needed; they lie in a Delta table of their own, which
delta-rs writes without Spark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from foreview.errors import Problem, RefusedError
from foreview.impact import Impact, MartImpact
from foreview.loads import write_landing
from foreview.receipt import digest
from foreview.workspace import Workspace

Grain = tuple[str, ...]
Moved = Mapping[str, tuple[Decimal, Decimal]]
"""Each value of a figure before and after, by its column; 0 where there is no figure."""

TABLE = "receipt_figures"


def moved_figures(mart: MartImpact) -> dict[Grain, Moved]:
    """Return the moved figures of a mart by their grain."""
    return {
        figure.grain: {
            name: (Decimal(figure.before.get(name) or 0), Decimal(figure.after.get(name) or 0))
            for name in {*figure.before, *figure.after}
        }
        for figure in mart.figures
    }


def paired(
    then: Mapping[Grain, Moved], now: Mapping[Grain, Moved]
) -> Iterator[tuple[Grain, str, tuple[Decimal, Decimal], tuple[Decimal, Decimal]]]:
    """Give each value of two sets of moved figures, before and after in the one and the other."""
    nothing = (Decimal(0), Decimal(0))
    for grain in sorted(then.keys() | now.keys()):
        one, other = then.get(grain, {}), now.get(grain, {})
        for name in sorted(one.keys() | other.keys()):
            yield grain, name, one.get(name, nothing), other.get(name, nothing)


def kept_digest(figures: Mapping[str, Mapping[Grain, Moved]]) -> str:
    """Return the SHA-256 of moved figures by mart and grain, as they are kept."""
    return digest(
        [
            [mart, list(grain), sorted([name, *map(str, values)] for name, values in moved.items())]
            for mart, by_grain in sorted(figures.items())
            for grain, moved in sorted(by_grain.items())
        ]
    )


def write_figures(workspace: Workspace, impact: Impact) -> None:
    """Keep the figures of an impact's receipt; nothing when they are there.

    Raises:
        EngineError: The disk is full, or the folder can't be written.
    """
    import pyarrow as pa

    values = pa.map_(pa.string(), pa.string())
    columns: dict[str, tuple[Any, list[Any]]] = {
        "mart": (pa.string(), []),
        "grain": (pa.list_(pa.string()), []),
        "before": (values, []),
        "after": (values, []),
    }
    for mart in impact.marts:
        for grain, moved in moved_figures(mart).items():
            row = (
                mart.name,
                list(grain),
                {name: str(before) for name, (before, _) in moved.items()},
                {name: str(after) for name, (_, after) in moved.items()},
            )
            for (_, found), value in zip(columns.values(), row, strict=True):
                found.append(value)
    arrays = {name: pa.array(found, type_) for name, (type_, found) in columns.items()}
    checksums = pa.array([impact.checksum] * len(columns["mart"][1]), pa.string())
    if not checksums or _kept(workspace, impact.checksum):
        return
    rows = pa.table({"checksum": checksums, **arrays})
    write_landing(workspace, TABLE, rows, is_added=True)


def _kept(workspace: Workspace, checksum: str) -> Any:
    """Return the kept rows of a receipt as an Arrow table, or None where none were ever kept."""
    table = _table(workspace)
    return table and table.to_pyarrow_table(filters=[("checksum", "=", checksum)])


def _table(workspace: Workspace) -> Any:
    """Return the table, or None before the first figures were kept."""
    from deltalake import DeltaTable

    folder = str(workspace.folder(TABLE, "landing"))
    return DeltaTable(folder) if DeltaTable.is_deltatable(folder) else None


def read_figures(workspace: Workspace, checksum: str) -> dict[str, dict[Grain, Moved]]:
    """Return the moved figures of a receipt by mart and grain; none when none was kept.

    Raises:
        RefusedError: They are not those that were recorded.
    """
    found = _read(workspace, checksum)
    problem = _changed(workspace, checksum, found)
    if problem:
        raise RefusedError(problem)
    return found


def check_figures(workspace: Workspace) -> Iterator[Problem]:
    """Give a problem for each receipt whose kept figures are not those that were recorded."""
    for checksum in sorted(kept_checksums(workspace)):
        problem = _changed(workspace, checksum, _read(workspace, checksum))
        if problem:
            yield problem


def _changed(workspace: Workspace, checksum: str, found: Mapping[str, Any]) -> Problem | None:
    receipt = workspace.registry.receipt(checksum)
    recorded = receipt.content.get("kept") if receipt else None
    if not found or recorded in (None, kept_digest(found)):
        return None
    message = f"The figures kept of the preview {checksum[:12]} are not those that were recorded."
    fix = "Somebody changed them behind the system's back: preview and approve it anew."
    return Problem("receipt-changed", message, where=TABLE, value=checksum, fix=fix)


def _read(workspace: Workspace, checksum: str) -> dict[str, dict[Grain, Moved]]:
    kept = _kept(workspace, checksum)
    found: dict[str, dict[Grain, Moved]] = {}
    for row in kept.to_pylist() if kept else ():
        before, after = dict(row["before"]), dict(row["after"])
        found.setdefault(row["mart"], {})[tuple(row["grain"])] = {
            name: (Decimal(before[name]), Decimal(after.get(name) or 0)) for name in before
        }
    return found


def kept_checksums(workspace: Workspace) -> set[str]:
    """Return the checksums of the receipts whose figures are kept."""
    table = _table(workspace)
    if table is None:
        return set()
    return set(table.to_pyarrow_table(columns=["checksum"])["checksum"].unique().to_pylist())


def drop_figures(workspace: Workspace, checksums: Sequence[str]) -> None:
    """Forget the figures of receipts, and the files of earlier states of the table."""
    if not checksums:
        return
    table = _table(workspace)
    for start in range(0, len(checksums), 1_000):
        listed = ", ".join(f"'{one}'" for one in checksums[start : start + 1_000])
        table.delete(f"checksum in ({listed})")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
