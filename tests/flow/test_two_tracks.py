"""Another system's figures beside ours: the plain oracle stands for the old system.

In the market of test_promotion_ledger.py, before it.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Collection
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from networks import run
from oracle import GRAINS, MEASURES, Viewing, figures, published
from random_edits import DAYS, channels_moved, states
from small_market import MART, small_market

from conftest import acting
from foreview.approval import approve
from foreview.audit import verify
from foreview.changes import Action, ChangeSet, Edit, changes_of
from foreview.errors import RefusedError
from foreview.promotion import promote
from foreview.receipt import record_receipt
from foreview.submission import record
from foreview.track_comparison import Found
from foreview.tracks import LOADED, compare_track, drop_track, load_track
from foreview.what_if import preview
from foreview.workspace import Workspace

pytestmark = pytest.mark.spark

Track = dict[tuple[str, ...], dict[str, Any]]


@pytest.fixture(scope="module")
def market(spark_home: Path, spark: Any) -> Workspace:
    return small_market(spark_home, "one_mart", MART)


def a_station_moved(market: Workspace, viewing: Viewing) -> tuple[ChangeSet, str, str]:
    """Return a change set that gives the most watched station another network, and both."""
    contract = market.contract("channel")
    state, _ = market.registry.approved_rows("channel")
    watched = Counter(one[2] for one in viewing.records)
    identity = max(
        (one for one in state if state[one]["network_id"]), key=lambda one: watched[one[0]]
    )
    old = state[identity]["network_id"] or ""
    new = max(row["network_id"] for row in state.values() if row["network_id"] not in (None, old))
    edit = Edit(Action.CORRECT, identity, {"network_id": new}, state[identity])
    changes, _ = changes_of(contract, edit, state)
    base = market.registry.latest_release()
    contracts = {"channel": contract.hash}
    moved = ChangeSet("ana", "a station", "edit", base, "test", "", contracts, tuple(changes))
    return moved, old, new


def promoted(market: Workspace, change_set: ChangeSet) -> int:
    record(market, change_set)
    record_receipt(market, preview(market, [change_set.id]))
    approve(acting(market, "rob"), change_set.id)
    return promote(acting(market, "rob"), change_set.id).publication


def delivered(path: Path, track: Track, measures: Collection[str] = MEASURES) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*GRAINS[MART], *measures])
        for grain, values in track.items():
            writer.writerow([*grain, *(values[name] for name in measures)])
    return path


def found(market: Workspace, publication: int | None = None, system: str = "old") -> Any:
    """Return what is found: where each figure that is not the same is, its values, the sums."""
    tracks = compare_track(market, MART, system, publication=publication)
    return {
        one.grain: (one.found, dict(one.ours), dict(one.theirs))
        for one in (tracks.comparison.differences)
    }, dict(tracks.comparison.totals)


def slow(ours: Track, theirs: Track) -> Any:
    def of(side: Track, grain: tuple[str, ...]) -> dict[str, Any]:
        return {name: side[grain][name] for name in MEASURES} if grain in side else {}

    kinds = {(True, True): Found.DIFFERENT, (True, False): Found.ONLY_OURS}
    return {
        grain: (
            kinds.get((grain in ours, grain in theirs), Found.ONLY_THEIRS),
            of(ours, grain),
            of(theirs, grain),
        )
        for grain in {*ours, *theirs}
        if of(ours, grain) != of(theirs, grain)
    }


def test_what_the_old_system_has_is_compared_with_each_publication_as_it_was(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    viewing = Viewing(spark, market)
    change_set, old, new = a_station_moved(market, viewing)
    ours = published(spark, market, [MART])[MART]
    theirs = figures(viewing, *states(market, change_set))[MART]
    file = delivered(tmp_path / "old.csv", theirs)
    loaded = load_track(market, MART, file, "old")
    assert (loaded.publication, loaded.figures, loaded.replaced) == (1, len(theirs), 0)
    assert loaded.days == tuple(DAYS[:3])
    assert published(spark, market, [MART])[MART] == ours

    first = found(market)
    assert first[0] == slow(ours, theirs) != {}
    assert {name: (one.ours, one.theirs) for name, one in first[1].items()} == {
        name: tuple(sum(one[name] for one in side.values()) for side in (ours, theirs))
        for name in MEASURES
    }
    (elsewhere,) = compare_track(market, MART, "old").comparison.elsewhere
    assert (elsewhere.column, elsewhere.ours, elsewhere.theirs) == ("network_id", (old,), (new,))
    assert elsewhere.figures == len(first[0])

    command = ["compare-track", MART, "--system", "old", "--fail-on-difference"]
    page, table = tmp_path / "tracks.html", tmp_path / "tracks.csv"
    result = run(market, *command, "--page", str(page), "-o", str(table), "--json")
    assert result.exit_code == 1, result.output
    assert json.loads(result.stdout)["elsewhere"][0]["ours"] == [old]
    assert f"under network {old} in ours, under {new} in theirs" in page.read_text("utf-8")
    assert len(table.read_text("utf-8").splitlines()) == len(first[0]) + 1

    assert promoted(market, change_set) == 2
    assert found(market)[0] == {}  # what was delivered for 1 holds until it is delivered again
    loaded = load_track(market, MART, delivered(tmp_path / "old.csv", theirs), "old")
    assert (loaded.publication, loaded.replaced) == (2, 0)
    second = found(market)
    assert second[0] == {}
    assert run(market, *command).exit_code == 0

    assert promoted(market, channels_moved(market, 7, 12)) == 3
    third = found(market)
    assert third[0] == slow(published(spark, market, [MART])[MART], theirs) != {}
    assert [found(market, number) for number in (1, 2, 3)] == [first, second, third]
    events = market.registry.events(LOADED)
    assert [(one.actor, one.payload["publication"]) for one in events] == [("ana", 1), ("ana", 2)]
    assert {one.payload["file_hash"] for one in events} == {
        hashlib.sha256(file.read_bytes()).hexdigest()
    }
    _, problems = verify(market)
    assert problems == []


def test_days_that_are_loaded_again_are_replaced_and_no_others(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    ours = published(spark, market, [MART])[MART]
    load_track(market, MART, delivered(tmp_path / "all.csv", ours), "other")
    assert found(market, system="other")[0] == {}
    day = {grain: one for grain, one in ours.items() if grain[0] == DAYS[1]}
    fewer = dict(list(day.items())[1:])
    loaded = load_track(market, MART, delivered(tmp_path / "day.csv", fewer), "other")
    assert loaded.replaced == len(day)
    (missing,) = day.keys() - fewer.keys()
    differences, totals = found(market, system="other")
    assert {grain: one[0] for grain, one in differences.items()} == {missing: Found.ONLY_OURS}
    assert totals["seconds"].ours == sum(one["seconds"] for one in ours.values())

    before = found(market, system="other")
    broken = {**day, missing: {**day[missing], "seconds": "many"}}
    with pytest.raises(RefusedError) as caught:
        load_track(market, MART, delivered(tmp_path / "broken.csv", broken), "other")
    assert [one.rule for one in caught.value.problems] == ["wrong-type"]
    assert found(market, system="other") == before
    other = compare_track(market, MART, "other", first_day=DAYS[2], last_day=DAYS[2])
    assert (list(other.days), other.comparison.differences) == ([DAYS[2]], ())
    assert drop_track(market, MART, "other", loaded.publication) == len(ours) - 1
    for call in (compare_track, lambda *those: drop_track(*those, loaded.publication)):
        with pytest.raises(RefusedError, match="other delivered nothing"):
            call(market, MART, "other")
    assert compare_track(market, MART, "old").days


def test_a_system_that_rounds_or_has_fewer_measures_is_compared_as_far_as_it_goes(
    spark: Any, market: Workspace, tmp_path: Path
) -> None:
    ours = published(spark, market, [MART])[MART]
    rounded = {
        grain: {
            **one,
            "weighted_seconds": one["weighted_seconds"].quantize(Decimal(1), ROUND_HALF_UP),
        }
        for grain, one in ours.items()
    }
    measures = ("weighted_seconds", "seconds")
    load_track(market, MART, delivered(tmp_path / "round.csv", rounded, measures), "rounding")
    exact = compare_track(market, MART, "rounding")
    assert exact.missing == ("records", "sessions", "reach", "weighted_reach")
    assert exact.comparison.differences
    near = compare_track(market, MART, "rounding", tolerances=["weighted_seconds=0.5"])
    assert near.comparison.differences == ()
    assert near.comparison.rounded == len(exact.comparison.differences)


def test_what_there_is_not_is_named(market: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    for call, rule in (
        (lambda: compare_track(market, "no_mart", "old"), "unknown-product"),
        (lambda: compare_track(market, MART, "a system"), "system-name"),
        (lambda: compare_track(market, MART, "nobody"), "nothing-delivered"),
        (lambda: compare_track(market, MART, "old", publication=99), "unknown-publication"),
        (lambda: compare_track(market, MART, "old", first_day="2027-01-01"), "nothing-delivered"),
        (lambda: compare_track(market, MART, "old", first_day="tomorrow"), "not-a-date"),
        (lambda: load_track(market, MART, file, "old", publication=0), "unknown-publication"),
        (lambda: load_track(market, MART, file, "old"), "file-not-found"),
    ):
        with pytest.raises(RefusedError) as caught:
            call()
        assert [one.rule for one in caught.value.problems] == [rule]
