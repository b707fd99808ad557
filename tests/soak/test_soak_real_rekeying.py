"""The day on which 8,616 real codes became 8,611 others, through the impact, written both ways.

On 5 and 6 April 2026 the viewing has the old codes, on 7 and 8 April the new ones.
"""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from oracle_frames import ViewingFrame, assert_same, figures, published, with_impact
from random_edits import states

from conftest import make_workspace, project_without
from foreview.baseline import read_rows_csv
from foreview.changes import ChangeSet, State, diff
from foreview.impact import Impact
from foreview.promotion import load_baseline
from foreview.report.words import warnings
from foreview.sample import generate_sample
from foreview.submission import baseline_change_set, missing_parents, record
from foreview.what_if import preview
from foreview.workspace import Workspace

pytestmark = [pytest.mark.spark, pytest.mark.real]

DAY = "2026-04-07"
BY_CHANNEL = "audience_by_channel_day"
UNMAPPED = "(unmapped)"


class Rekeying:
    """A market of the day before, the rows of the day, and the pairs that are known."""

    def __init__(self, workspace: Workspace, spark: Any, folder: Path) -> None:
        self.workspace = workspace
        contract = workspace.contract("channel")
        files = [folder / f"channels_2026-04-{day}.csv" for day in ("06", "07")]
        (before, _), (after, _) = (read_rows_csv(file, contract) for file in files)
        tables = {"channel": before, **missing_parents(workspace, contract, [*before, *after])}
        load_baseline(workspace, baseline_change_set(workspace, tables, files[0]))
        for file, day in zip(files, ("2026-04-05", DAY), strict=True):
            generate_sample(
                workspace,
                rows=200_000,
                days=2,
                devices=10_000,
                first_day=day,
                seed=5,
                channel_files=[file],
            )
        self.before, _ = workspace.registry.approved_rows("channel")
        self.after = {(row["channel_id"] or "", row["valid_from"] or ""): row for row in after}
        with (folder / "rekey_2026-04-07_attested.csv").open(encoding="utf-8") as file:
            self.pairs = {row["old_id"]: row["new_id"] for row in csv.DictReader(file)}
        self.viewing = ViewingFrame(spark, workspace)
        self.published = published(spark, workspace)

    def seconds(self, codes: set[str]) -> int:
        records = self.viewing.records
        return int(records["seconds"][records["channel_id"].isin(codes)].sum())

    def impact_of(self, reason: str, *changes: tuple[str, State, State]) -> Impact:
        """Preview a change set of these tables; its impact is that of a rebuild."""
        found = tuple(one for dimension, old, new in changes for one in diff(dimension, old, new))
        contracts = {name: self.workspace.contract(name).hash for name, _, _ in changes}
        change_set = ChangeSet("ana", reason, "edit", 1, "test", "", contracts, found)
        record(self.workspace, change_set)
        impact = preview(self.workspace, [change_set.id])
        expected = figures(self.viewing, *states(self.workspace, change_set))
        assert_same(with_impact(self.published, impact), expected)
        return impact


@pytest.fixture(scope="module")
def rekeying(spark_home: Path, spark: Any, shared_data: Path) -> Rekeying:
    project = project_without(spark_home / "project_of_rekeying", "audience_by_channel_minute")
    workspace = replace(make_workspace(spark_home, "rekeying"), project=project)
    return Rekeying(workspace, spark, shared_data / "iptv")


def moved(impact: Impact, mart: str, channel: str) -> int:
    """Return by how many seconds the figures of one channel, or of none, move."""
    figures_of_mart = next(one.figures for one in impact.marts if one.name == mart)
    return sum(int(one.difference("seconds")) for one in figures_of_mart if channel in one.grain)


def test_old_codes_deleted_and_new_ones_inserted_lose_their_viewing_and_are_paired(
    rekeying: Rekeying,
) -> None:
    old, new = rekeying.before, rekeying.after
    impact = rekeying.impact_of("deleted and inserted", ("channel", old, new))
    gone = {key for key, _ in old.keys() - new.keys()}
    come = {key for key, _ in new.keys() - old.keys()}
    assert (len(gone), len(come)) == (8_616, 8_611)
    lost, found = rekeying.seconds(gone), rekeying.seconds(come)
    assert moved(impact, BY_CHANNEL, UNMAPPED) == lost - found
    loud = next(one for one in warnings(impact) if "8,616" in one)
    assert f"{lost:,} seconds become unassigned viewing" in loud
    proposed = {pair.old: pair.new for pair in impact.proposed_pairs}
    right = sum(proposed.get(code) == pair for code, pair in rekeying.pairs.items())
    judged = rekeying.pairs.keys() & proposed.keys()
    assert right / len(judged) == 1.0  # precision
    assert right / len(rekeying.pairs) > 0.99  # recall


def test_codes_with_their_identity_keep_their_figures(rekeying: Rekeying) -> None:
    old, new = rekeying.before, rekeying.after
    channels = dict(old)
    for identity in old.keys() - new.keys():
        channels[identity] = {**old[identity], "valid_to": DAY}
    for code, start in new.keys() - old.keys():
        channels[code, DAY] = {**new[code, start], "valid_from": DAY}
    keys, _ = rekeying.workspace.registry.approved_rows("channel_key")
    identities = {
        (code, DAY): {"channel_id": code, "channel_sk": first, "valid_from": DAY, "valid_to": None}
        for first, code in rekeying.pairs.items()
    }
    impact = rekeying.impact_of(
        "re-keyed", ("channel", old, channels), ("channel_key", keys, {**keys, **identities})
    )
    assert not impact.proposed_pairs
    for first, code in rekeying.pairs.items():
        assert moved(impact, BY_CHANNEL, first) == rekeying.seconds({code}), first
        assert moved(impact, BY_CHANNEL, code) == 0
    come = {key for key, _ in new.keys() - old.keys()}
    assert moved(impact, BY_CHANNEL, UNMAPPED) == -rekeying.seconds(come)
