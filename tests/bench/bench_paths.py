"""The two paths of a what-if beside each other, for edits that touch more and more of the viewing.

Each edit moves the most watched channels to another network, until a share of all records is
touched. Prints a JSON line an edit: the share, seconds of either path, and their ratio.

    python tests/bench/bench_paths.py --rows 5000000

`--keep FOLDER` takes a workspace that `bench_what_if.py` kept there, or keeps this one.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_what_if import MINUTES, bench_workspace, load, records_by_channel, timed

from conftest import SHARED_DATA
from foreview.changes import ChangeSet, diff
from foreview.engine import open_session
from foreview.what_if import preview
from foreview.workspace import Workspace

SHARES = (0.002, 0.01, 0.03, 0.1, 0.3)


def edit(workspace: Workspace, spark: Any, share: float) -> ChangeSet:
    """Return an edit of channels that together have about a share of the records."""
    state, _ = workspace.registry.approved_rows("channel")
    counts = records_by_channel(workspace, spark)
    networks = sorted({row["network_id"] for row in state.values() if row["network_id"]})
    left = share * sum(counts.values())
    changed = dict(state)
    for identity in sorted(state, key=lambda one: (-counts.get(one[0], 0), one)):
        if 0 < counts.get(identity[0], 0) <= left:
            left -= counts[identity[0]]
            other = next(one for one in networks if one != state[identity]["network_id"])
            changed[identity] = {**state[identity], "network_id": other}
    changes = diff("channel", state, changed)
    return ChangeSet("bench", f"{share:.1%} of the viewing", "edit", 1, "bench", "", {}, changes)


def main() -> None:
    """Load, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    real_channels = SHARED_DATA / "iptv" / "channels_2026-04-07.csv"
    parser.add_argument("--channels", type=Path, default=real_channels)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--shares", type=float, nargs="*", default=SHARES)
    parser.add_argument("--times", type=int, default=1, help="each path, taking turns")
    parser.add_argument("--without", nargs="*", default=[MINUTES], help="marts to leave out")
    parser.set_defaults(days=7, repeat=1, viewing=None, devices=None, device_count=None)
    options = parser.parse_args()
    home = options.keep or Path(tempfile.mkdtemp(prefix="foreview-bench-"))
    workspace = bench_workspace(home, *options.without)
    spark = open_session(workspace)
    load(workspace, options)
    for place, share in enumerate(options.shares):
        change_set = edit(workspace, spark, share)
        workspace.registry.record_change_set(change_set)
        told: dict[str, Any] = {"edits": len(change_set.changes)}
        if place == 0:  # the first in a session
            preview(workspace, [change_set.id], path="touched")
        seconds: dict[str, list[float]] = {"touched": [], "full": []}
        for path in tuple(seconds) * options.times:
            taken, _, impact = timed(
                spark, lambda path=path, one=change_set.id: preview(workspace, [one], path=path)
            )
            seconds[path].append(taken)
            told[path] = round(median(seconds[path]), 1)
            told["share"] = {
                one.period: round(one.touched_records / one.records, 4) for one in impact.paths
            }
        told["ratio"] = round(told["full"] / told["touched"], 2)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
