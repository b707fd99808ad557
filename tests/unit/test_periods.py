"""The publication calendar: what counts on a day, and who may reopen what is published."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import load_without_engine, network_workspace, run, with_tables_folder

from conftest import PROJECT, acting, project_without
from foreview.clients import clients_of
from foreview.contract import BEGINNING
from foreview.errors import RefusedError
from foreview.periods import (
    EVERY_MARKET,
    OPEN,
    PUBLISHED,
    REOPENING,
    Span,
    days_in,
    published_in,
    spans,
)
from foreview.registry import CalendarEntry
from foreview.submission import baseline_change_set
from foreview.workspace import Workspace

DAYS = days_in("2026-04-28", "2026-05-04")
MARKETS = [EVERY_MARKET, "M1", "M2"]
REPORT = "audience_by_market_day"


@st.composite
def entries(draw: st.DrawFn) -> list[CalendarEntry]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        first, last = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=2)))
        state = draw(st.sampled_from([OPEN, "preliminary", PUBLISHED, REOPENING]))
        product, market = draw(st.sampled_from("PQ")), draw(st.sampled_from(MARKETS))
        entry = CalendarEntry(number, product, market, first, last, state, "", None, "ana", "")
        found.append(entry)
    return found


def by_the_book(found: list[CalendarEntry], product: str, market: str, day: str) -> str:
    """Return what the last entry about a day says."""
    state = OPEN
    for entry in found:
        is_about = entry.product == product and entry.market in (EVERY_MARKET, market)
        if is_about and entry.first_day <= day <= entry.last_day and entry.state != REOPENING:
            state = entry.state
    return state


@given(entries())
def test_spans_say_of_each_day_what_its_last_entry_says(found: list[CalendarEntry]) -> None:
    result = spans(found)
    for product, market, day in itertools.product("PQ", ["M1", "M2", "another"], DAYS):
        mine = [one for one in result if one.product == product and day in days_of(one)]
        own = [one.state for one in mine if one.market == market]
        every = [one.state for one in mine if one.market == EVERY_MARKET]
        assert len(own) <= 1
        assert len(every) <= 1
        assert [*own, *every, OPEN][0] == by_the_book(found, product, market, day)
    assert len(result) == len({(one.product, one.market, one.first_day) for one in result})
    for one, other in itertools.pairwise(result):  # nothing that could be one span is two
        if (one.product, one.market, one.state) == (other.product, other.market, other.state):
            assert days_of(one)[-1] < other.first_day
            assert days_in(one.last_day, other.first_day)[1] != other.first_day


def days_of(span: Any) -> list[str]:
    return days_in(span.first_day, span.last_day)


def test_days_that_were_closed_for_ever_are_told_and_some_of_them_reopened() -> None:
    def entry(number: int, first: str, last: str, state: str) -> CalendarEntry:
        return CalendarEntry(number, "P", "*", first, last, state, "", None, "ana", "")

    closed = [entry(1, "2026-04-01", "9999-12-31", PUBLISHED)]
    ends = [(one.first_day, one.last_day) for one in spans(closed)]
    assert ends == [("2026-04-01", "9999-12-31")]
    assert published_in(closed, "P", "*", "0001-01-01", "9999-12-31") == Span(
        "P", "*", "2026-04-01", "2026-04-01", PUBLISHED
    )
    opened = [*closed, entry(2, "2026-05-01", "2026-05-31", OPEN)]
    ends = [(one.first_day, one.last_day) for one in spans(opened)]
    assert ends == [("2026-04-01", "2026-04-30"), ("2026-06-01", "9999-12-31")]
    assert spans([*opened, entry(3, "2026-01-01", "9999-12-31", OPEN)]) == []


@given(entries(), st.sampled_from(MARKETS))
def test_the_first_published_day_is_the_one_that_its_entries_say(
    found: list[CalendarEntry], market: str
) -> None:
    markets = [*MARKETS[1:], "another"] if market == EVERY_MARKET else [market]
    days = [
        day
        for day in DAYS[1:-1]
        if PUBLISHED in {by_the_book(found, "P", one, day) for one in markets}
    ]
    result = published_in(found, "P", market, DAYS[1], DAYS[-2])
    assert (result.first_day if result else None) == (days[0] if days else None)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(PROJECT)
    return network_workspace(tmp_path)


def publish(workspace: Workspace, state: str = PUBLISHED, market: str = "*") -> Any:
    return workspace.registry.record_calendar(
        REPORT, market, "2026-04-01", "2026-04-30", state, reason="", actor="ana"
    )


def test_published_days_do_not_become_preliminary_again_and_one_alone_does_not_reopen_them(
    workspace: Workspace,
) -> None:
    registry = workspace.registry
    publish(workspace, "preliminary")
    publish(workspace)
    for market in ("*", "M1"):
        with pytest.raises(RefusedError, match="reopen-period"):
            publish(workspace, "preliminary", market)
    asked = publish(workspace, REOPENING)
    assert [one.state for one in spans(registry.calendar())] == [PUBLISHED]
    with pytest.raises(RefusedError, match="can't confirm that too"):
        registry.confirm_reopening(asked.id, actor="ANA")
    with pytest.raises(RefusedError, match="no request 99"):
        registry.confirm_reopening(99, actor="rob")
    opened = registry.confirm_reopening(asked.id, actor="rob")
    assert registry.confirm_reopening(asked.id, actor="eve") == opened
    assert spans(registry.calendar()) == []
    publish(workspace)
    registry.confirm_reopening(publish(workspace, REOPENING, "M1").id, actor="rob")
    publish(workspace, "preliminary", "M1")  # it is open, though the others are published
    for market in ("*", "M2"):
        with pytest.raises(RefusedError, match="reopen-period"):
            publish(workspace, "preliminary", market)
    assert registry.verify_events() == []


def test_wrong_products_markets_and_days_are_named_and_nobody_may_restate_by_default(
    workspace: Workspace,
) -> None:
    def refused(*arguments: str) -> set[str]:
        result = run(workspace, *arguments, "--json")
        assert result.exit_code == 1, result.output
        return {one["rule"] for one in json.loads(result.stdout)["problems"]}

    days = ("--from", "2026-04-01", "--to", "2026-04-30")
    assert refused("close-period", "sales", *days) == {"unknown-product"}
    assert refused("close-period", REPORT, "--market", "X", *days) == {"unknown-market"}
    other = "audience_by_network_day"
    assert refused("close-period", other, "--market", "X", *days) == {"no-markets"}
    assert refused("close-period", REPORT, "--from", "May", "--to", "2026-05-01") == {"not-a-date"}
    swapped = ("--from", "2026-05-01", "--to", "2026-04-01")
    assert refused("close-period", REPORT, *swapped) == {"days-reversed"}
    for more in ((), ("--preliminary",)):
        for_ever = ("--from", "2026-04-01", "--to", "9999-12-31", *more)
        assert refused("close-period", REPORT, *for_ever) == {"outside-calendar"}
    long_ago = ("--from", "2019-12-29", "--to", "2026-04-30")
    assert refused("close-period", REPORT, *long_ago) == {"outside-calendar"}
    assert refused("reopen-period", REPORT, *days, "--reason", "wrong-reference") == {"no-right"}
    assert refused("reopen-period", "--confirm", "1") == {"no-right"}
    assert workspace.registry.calendar() == []


def test_who_asks_to_restate_is_told_which_clients_to_tell(
    workspace: Workspace, tmp_path: Path
) -> None:
    from foreview.closing import ask_to_reopen

    ana = replace(acting(workspace, "ana"), project=project_with_restaters(tmp_path))
    with pytest.raises(RefusedError, match="reason code"):
        ask_to_reopen(ana, REPORT, "2026-04-01", "2026-04-30", reason="")
    entry, clients = ask_to_reopen(
        ana, REPORT, "2026-04-01", "2026-04-30", reason="wrong-reference"
    )
    assert entry.state == REOPENING
    assert [one.name for one in clients] == ["Weekly market report"]
    for reason in ("R1", "late", ": late-viewing"):
        with pytest.raises(RefusedError, match=r"late-viewing \(viewing came in late\)"):
            ask_to_reopen(ana, REPORT, "2026-04-01", "2026-04-30", reason=reason)
    more = "late-viewing: NYC, 3 April"
    entry, _ = ask_to_reopen(ana, REPORT, "2026-04-01", "2026-04-30", reason=more)
    assert entry.reason == more


def test_a_calendar_that_an_earlier_version_wrote_gets_its_states_with_a_build(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deltalake import DeltaTable, write_deltalake

    from foreview import loads

    workspace = with_tables_folder(workspace)
    publish(workspace, "preliminary")
    rows = loads.calendar_rows(workspace.registry.calendar())
    folder = workspace.folder(loads.CALENDAR, "landing")
    write_deltalake(folder, rows.drop_columns(["state"]))
    monkeypatch.setattr(loads, "_columns_read", lambda *_: ())
    spark: Any = None
    for _ in range(2):
        loads.match_columns(workspace, spark)
    found = DeltaTable(folder)
    assert (found.to_pyarrow_table().to_pylist(), found.version()) == (rows.to_pylist(), 1)
    (row,) = rows.to_pylist()
    assert (row["is_held"], row["state"]) == (False, "preliminary")


def project_with_restaters(tmp_path: Path) -> Path:
    project = project_without(tmp_path / "project")
    file = project / "dbt_project.yml"
    text = file.read_text(encoding="utf-8").replace("restaters: []", "restaters: [ana, rob]")
    file.write_text(text, encoding="utf-8")
    exposures = "models/audience/exposures.yml"
    (project / exposures).write_text((PROJECT / exposures).read_text(encoding="utf-8"))
    return project


def test_who_confirms_is_told_whom_to_tell_too(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foreview import closing

    rob = replace(acting(workspace, "rob"), project=project_with_restaters(tmp_path))
    days = ("2026-04-01", "2026-04-30")
    asked, _ = closing.ask_to_reopen(acting(rob, "ana"), REPORT, *days, reason="wrong-reference")
    monkeypatch.setattr(closing, "confirm_reopening", lambda *_, **__: (asked, 7))
    arguments = ("reopen-period", "--confirm", str(asked.id), "--as", "rob")
    result = run(rob, *arguments)
    assert result.exit_code == 0, result.output
    assert "To be told now: Weekly market report (Client services, clients@" in result.stdout
    clients = json.loads(run(rob, *arguments, "--json").stdout)["clients"]
    assert [one["email"] for one in clients] == ["clients@example.com"]


@pytest.mark.parametrize(
    ("state", "market", "first", "asked_for", "is_refused"),
    [
        (PUBLISHED, "*", "2026-04-30", "*", True),
        ("preliminary", "*", "2026-04-30", "*", True),
        (PUBLISHED, "M1", "2026-04-30", "*", True),
        (PUBLISHED, "*", "2026-04-30", "M1", True),
        (PUBLISHED, "M2", "2026-04-30", "M1", False),
        (PUBLISHED, "*", "2026-05-01", "*", False),
        (REOPENING, "*", "2026-04-30", "*", False),
    ],
)
def test_a_confirmation_that_is_repeated_does_not_say_that_days_closed_again_are_open(
    workspace: Workspace, state: str, market: str, first: str, asked_for: str, is_refused: bool
) -> None:
    registry = workspace.registry
    publish(workspace)
    asked = publish(workspace, REOPENING, asked_for)
    opened = registry.confirm_reopening(asked.id, actor="rob")
    registry.record_calendar(REPORT, market, first, "2026-05-31", state, reason="", actor="eve")
    before = registry.calendar()
    for confirm in (registry.confirmation, registry.confirm_reopening):
        if is_refused:
            with pytest.raises(RefusedError, match="closed again: 2026-04-30 to 2026-05-31 by eve"):
                confirm(asked.id, actor="rob")
        else:  # the first time was interrupted after it was recorded
            assert confirm(asked.id, actor="rob") == opened
    assert registry.calendar() == before


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let periods be closed and reopened without an engine; what is asked to be built."""
    found: list[Any] = []
    for name in ("open_engines", "ensure_landing", "stage_calendar"):
        monkeypatch.setattr(f"foreview.closing.{name}", lambda *_: None)
    monkeypatch.setattr("foreview.closing.newest_publication", lambda *_: {"number": 7})
    monkeypatch.setattr("foreview.promotion.build", lambda *_, **asked: found.append(asked))
    return found


def test_who_closes_or_reopens_one_market_is_told_that_it_is_one(
    workspace: Workspace, tmp_path: Path, built: list[Any]
) -> None:
    row: dict[str, str | None] = dict.fromkeys(workspace.contract("market").row_columns)
    row |= {"market_id": "M01", "market_name": "New York", "valid_from": BEGINNING}
    load_without_engine(
        workspace, baseline_change_set(workspace, {"market": [row]}, tmp_path / "markets.csv")
    )
    own = replace(workspace, project=project_with_restaters(tmp_path))
    market = ("--market", "M01", "--from", "2026-04-01", "--to", "2026-04-30")
    told = f"{REPORT}, market M01, 2026-04-01 to 2026-04-30"

    def said(*arguments: str, by: str = "ana") -> str:
        found = run(own, *arguments, *(("--as", by) if arguments[0] != "periods" else ()))
        assert found.exit_code == 0, found.output
        return str(found.stdout)

    assert said("close-period", REPORT, *market) == f"{told}: published.\n"
    asked = said("reopen-period", REPORT, *market, "--reason", "late-viewing")
    assert asked.startswith(f"Asked to reopen {told}. Somebody else: ")
    assert f"ana asks to reopen {told}: late-viewing" in said("periods")
    confirmed = said("reopen-period", "--confirm", "2", by="rob")
    assert confirmed.startswith(f"{told}, is open; publication 7 has ")
    every = said("close-period", REPORT, *market[2:])
    assert every == f"{REPORT}, 2026-04-01 to 2026-04-30: published.\n"
    assert len(built) == 1


def test_days_that_were_closed_for_ever_are_reopened_and_only_those_with_figures_built(
    workspace: Workspace, tmp_path: Path, built: list[Any]
) -> None:
    from foreview.closing import ask_to_reopen, confirm_reopening

    ana = replace(acting(workspace, "ana"), project=project_with_restaters(tmp_path))
    days = ("2035-12-30", "9999-12-31")
    ana.registry.record_calendar(REPORT, "*", *days, PUBLISHED, reason="", actor="ana")
    asked, _ = ask_to_reopen(ana, REPORT, *days, reason="wrong-reference")
    confirm_reopening(replace(acting(ana, "rob"), project=ana.project), asked.id)
    assert [one["reopened"] for one in built] == [{REPORT: ["2035-12-30", "2035-12-31"]}]
    assert spans(ana.registry.calendar()) == []


def test_a_client_of_a_model_that_is_built_on_a_report_is_told_too(
    workspace: Workspace, tmp_path: Path
) -> None:
    project = project_with_restaters(tmp_path)
    models = project / "models" / "audience"
    text = (models / "exposures.yml").read_text(encoding="utf-8")
    ref = "ref('audience_by_network_day')"
    assert ref in text
    (models / "exposures.yml").write_text(text.replace(ref, "ref('foreview', 'peaks')"))
    own = replace(workspace, project=project)
    assert clients_of(own, "audience_by_network_day") == []
    (models / "peaks.sql").write_text("select * from {{ ref('by_hour') }}")
    manifest = own.home / "target" / "manifest.json"
    manifest.parent.mkdir()
    # A macro of this model has the reference: only dbt knows that.
    parents = {"model.foreview.by_hour": ["model.foreview.audience_by_network_day", "source.x.y"]}
    manifest.write_text(json.dumps({"parent_map": parents}))
    assert [one.name for one in clients_of(own, "audience_by_network_day")] == ["Network ratings"]
    assert [one.name for one in clients_of(own, REPORT)] == ["Weekly market report"]


def test_clients_are_found_in_all_files_that_dbt_reads_and_empty_ones_are_passed_over(
    workspace: Workspace, tmp_path: Path
) -> None:
    own = replace(workspace, project=project_with_restaters(tmp_path))
    folder = own.project / "models" / "audience"
    before = [one.name for one in clients_of(own, REPORT)]
    assert before
    (folder / "exposures.yml").rename(folder / "exposures.yaml")
    (folder / "empty.yml").write_text("exposures:\n", encoding="utf-8")
    (folder / "none.yaml").write_text("", encoding="utf-8")
    idle = "exposures: [{name: idle, owner: {name: Ana}, depends_on: }]\n"
    (folder / "idle.yml").write_text(idle, encoding="utf-8")
    assert [one.name for one in clients_of(own, REPORT)] == before


@pytest.mark.parametrize(
    ("product", "last_day", "is_refused"),
    [
        (REPORT, "2026-04-08", False),
        (REPORT, "2026-04-09", True),
        ("audience_by_market_week", "2026-03-30", False),
        ("audience_by_market_week", "2026-04-06", True),
        ("audience_by_programme", "2026-04-01", False),
        ("audience_by_programme", "2026-04-02", True),
    ],
)
def test_days_are_not_published_before_their_viewing_is_there(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    product: str,
    last_day: str,
    is_refused: bool,
) -> None:
    from foreview import closing

    newest = {"last_day": date(2026, 4, 8)}
    for name in ("open_engines", "ensure_landing", "stage_calendar"):
        monkeypatch.setattr(closing, name, lambda *_: None)
    monkeypatch.setattr(closing, "newest_published", lambda _: newest)
    if is_refused:
        with pytest.raises(RefusedError, match="up to 2026-04-08"):
            closing.close_period(workspace, product, "2026-03-01", last_day)
        assert workspace.registry.calendar() == []
    closing.close_period(workspace, product, "2026-03-01", last_day, is_preliminary=is_refused)
    assert len(workspace.registry.calendar()) == 1
