"""Pairs of re-keyed channels are found and never guessed; identities in `channel_key` are final."""

from __future__ import annotations

import csv
import random
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_workspace
from foreview.changes import Action, Change, ChangeSet, Edit, Kind, Row, State, apply, changes_of
from foreview.contract import BEGINNING
from foreview.errors import RefusedError
from foreview.identities import check_identities
from foreview.rekeying import (
    LEAST_SCORE,
    ProposedPair,
    propose_pairs,
    proposed_pairs,
    replaced_codes,
)
from foreview.rules import rule_problems
from foreview.submission import baseline_change_set


def channel(name: str, **values: str) -> Row:
    return {"channel_name": name, "country_id": "US", **values}


def pairs(removed: Mapping[str, Row], added: Mapping[str, Row]) -> list[tuple[str, str]]:
    return [(one.old, one.new) for one in propose_pairs(removed, added)]


def only(removed: Row, added: Row) -> ProposedPair | None:
    found = propose_pairs({"Old.us": removed}, {"New.us": added})
    return found[0] if found else None


# What speaks for a pair


def test_a_station_is_found_by_call_sign_and_subchannel_under_a_name_of_another_form() -> None:
    olds = {"KVVUDT1.us": channel("KVVU-DT1"), "KVVUDT2.us": channel("KVVU-DT2")}
    news = {"KVVUTV52.us": channel("KVVU-TV 5.2"), "KVVUTV51.us": channel("KVVU-TV 5.1")}
    first, second = propose_pairs(olds, news)
    assert [(one.old, one.new) for one in (first, second)] == [
        ("KVVUDT1.us", "KVVUTV51.us"),
        ("KVVUDT2.us", "KVVUTV52.us"),
    ]
    assert first.reasons == ("call sign KVVU", "subchannel 1", "country US")


def test_a_translator_is_found_too() -> None:
    olds = {"K17JID1.us": channel("K17JI-D1"), "K17JID2.us": channel("K17JI-D2")}
    assert pairs(olds, {"K17JID122.us": channel("K17JI-D 12.2")}) == [
        ("K17JID2.us", "K17JID122.us")
    ]


def test_another_subchannel_of_a_station_is_not_taken_for_the_same_one() -> None:
    assert pairs({"KABCDT1.us": channel("KABC-DT1")}, {"KABC72.us": channel("KABC 7.2")}) == []


def test_a_station_and_its_low_power_namesake_are_told_apart() -> None:
    olds = {"KJTVCD1.us": channel("KJTV-CD1"), "KJTVDT1.us": channel("KJTV-DT1")}
    news = {"KJTVCD321.us": channel("KJTV-CD 32.1"), "KJTVTV341.us": channel("KJTV-TV 34.1")}
    assert set(pairs(olds, news)) == {
        ("KJTVCD1.us", "KJTVCD321.us"),
        ("KJTVDT1.us", "KJTVTV341.us"),
    }


def test_a_call_sign_in_the_code_counts_when_the_name_has_none() -> None:
    pair = propose_pairs({"KABCDT1.us": channel("KABC-DT1")}, {"KABC71.us": channel("ABC7 Live")})
    assert pair[0].reasons == ("call sign KABC", "country US")


def test_the_same_name_in_the_same_country_is_enough_whatever_case_and_accents() -> None:
    found = only(channel("Télé 24/7"), channel("TELE 24/7"))
    assert found is not None
    assert found.reasons == ("name TELE 24/7", "country US")


def test_the_same_name_in_another_country_is_not_enough() -> None:
    assert only(channel("Pluto Sitcoms"), channel("Pluto Sitcoms", country_id="DE")) is None


def test_a_new_row_that_names_the_old_one_among_its_other_names_is_found() -> None:
    found = only(channel("Cherie 25"), channel("RMC Life", alt_names="RMC;Chérie 25"))
    assert found is not None
    assert found.reasons == ("other name Cherie 25", "country US")
    assert only(channel("RMC Life", alt_names="Cherie 25"), channel("Cherie 25")) is not None


def test_a_code_that_only_changed_its_upper_and_lower_case_is_found() -> None:
    olds = {"TVWan.pg": channel("One")}
    assert pairs(olds, {"TVWAN.pg": channel("Two")}) == [("TVWan.pg", "TVWAN.pg")]


def test_network_and_owner_add_to_a_likeness_of_names() -> None:
    old, new = channel("Kulinar Star Channel HD"), channel("Kulinar Star Channel")
    assert only(old, new) is None
    found = only(
        {**old, "network_id": "TVE", "owners": "RTVE"},
        {**new, "network_id": "tve", "owners": "Other;RTVE Licensee"},
    )
    assert found is not None
    assert found.reasons == (
        "words of the name",
        "network tve",
        "country US",
        "owner RTVE Licensee",
    )


def test_network_country_and_owner_alone_propose_nothing() -> None:
    same = {"network_id": "FOX", "owners": "Gray"}
    assert only(channel("North", **same), channel("South", **same)) is None


# What is never done


def test_two_equally_likely_candidates_are_left_to_a_person() -> None:
    news = {"A1.us": channel("Star"), "A2.us": channel("Star")}
    assert pairs({"A.us": channel("Star")}, news) == []
    assert pairs(news, {"A.us": channel("Star")}) == []


def test_a_better_candidate_wins_over_a_likely_one() -> None:
    news = {"A1.us": channel("Star"), "A2.us": channel("Star", network_id="FOX")}
    assert pairs({"A.us": channel("Star", network_id="FOX")}, news) == [("A.us", "A2.us")]


def test_a_code_that_is_deleted_and_inserted_again_is_no_pair() -> None:
    rows = {"A.us": channel("Star")}
    assert pairs(rows, {**rows, "B.us": channel("Star")}) == []


WORDS = st.sampled_from(["KABC-DT1", "KABC 7.1", "KABC-DT2", "Star", "Star TV", "News 24", ""])
ROWS = st.builds(
    lambda name, alt, network: channel(name, alt_names=alt, network_id=network),
    WORDS,
    WORDS,
    st.sampled_from(["", "FOX", "ABC"]),
)
TABLES = st.dictionaries(st.sampled_from("abcdefgh"), ROWS)


@given(TABLES, TABLES, st.randoms(use_true_random=False))
def test_pairs_are_one_to_one_and_do_not_depend_on_the_order_of_rows(
    olds: dict[str, Row], news: dict[str, Row], chance: random.Random
) -> None:
    removed = {f"{code}.old": row for code, row in olds.items()}
    added = {f"{code}.new": row for code, row in news.items()}
    found = propose_pairs(removed, added)
    assert len({one.old for one in found}) == len({one.new for one in found}) == len(found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(LEAST_SCORE <= one.score <= 100 and one.reasons for one in found)
    shuffled = [chance.sample(list(rows.items()), len(rows)) for rows in (removed, added)]
    assert propose_pairs(dict(shuffled[0]), dict(shuffled[1])) == found


# Change sets


def change(kind: Kind, code: str, action: Action, dimension: str = "channel") -> Change:
    row = channel("Star")
    before, after = ({}, row) if kind is Kind.ADDED else (row, {})
    return Change(dimension, kind, (code, BEGINNING), before, after, action)


def change_set(*changes: Change) -> ChangeSet:
    return ChangeSet("ana", "new codes", "edit", 1, "w.xlsx", "", {}, tuple(changes))


DELETED = change(Kind.REMOVED, "Old.us", Action.DELETE)
INSERTED = change(Kind.ADDED, "New.us", Action.INSERT)


def test_a_code_deleted_in_one_change_set_and_inserted_in_another_is_a_pair() -> None:
    (pair,) = proposed_pairs([change_set(DELETED), change_set(INSERTED)])
    assert (pair.old, pair.new) == ("Old.us", "New.us")


def test_a_code_with_an_identity_in_the_same_change_sets_is_cared_for() -> None:
    identity = change(Kind.ADDED, "New.us", Action.INSERT, "channel_key")
    replaced = replaced_codes([change_set(DELETED, INSERTED), change_set(identity)])
    assert (set(replaced.deleted), set(replaced.inserted)) == ({"Old.us"}, set())
    assert proposed_pairs([change_set(DELETED, INSERTED, identity)]) == ()


def test_a_row_whose_first_day_was_corrected_is_neither_deleted_nor_inserted() -> None:
    moved = (
        change(Kind.REMOVED, "A.us", Action.CORRECT),
        change(Kind.ADDED, "A.us", Action.CORRECT),
    )
    assert replaced_codes([change_set(*moved)]) == replaced_codes([])


# The real day


@pytest.mark.real
def test_on_the_real_day_precision_and_recall_are_not_below_what_was_measured(
    shared_data: Path,
) -> None:
    folder = shared_data / "iptv"
    before = real_channels(folder / "channels_2026-04-06.csv")
    after = real_channels(folder / "channels_2026-04-07.csv")
    removed = {code: row for code, row in before.items() if code not in after}
    added = {code: row for code, row in after.items() if code not in before}
    assert (len(removed), len(added)) == (8616, 8611)
    truth = {one["old_id"]: one["new_id"] for one in read(folder, "rekey_2026-04-07_attested.csv")}
    found = {one.old: one.new for one in propose_pairs(removed, added)}
    assert len(found) >= 8554
    for half in (0, 1):
        attested = {old: new for old, new in truth.items() if half_of(old) == half}
        proposed = attested.keys() & found.keys()
        right = sum(found[old] == attested[old] for old in proposed)
        assert len(attested) == (528, 580)[half]
        assert right == len(proposed)
        assert right >= (0.99, 1.00)[half] * len(attested)


def half_of(code: str) -> int:
    """Return the half of a code by its call sign; all subchannels of a station are in one half."""
    return zlib.crc32(code[:4].encode()) % 2


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def real_channels(path: Path) -> dict[str, Row]:
    names = {"name": "channel_name", "network": "network_id", "country": "country_id"}
    return {
        row["id"]: {names.get(name, name): value or None for name, value in row.items()}
        for row in read(path.parent, path.name)
    }


# Identities


def identities(*rows: tuple[str, str] | tuple[str, str, str, str | None]) -> State:
    state = {}
    for row in rows:
        code, target, start, end = row if len(row) == 4 else (*row, BEGINNING, None)
        state[code, start] = {"channel_id": code, "channel_sk": target, "valid_to": end}
    return state


def problems(state: State, touched: str | None = None) -> list[tuple[str, str, str, str]]:
    chosen = [one for one in state if touched is None or one[0] == touched]
    return [
        (identity[0], problem.rule, problem.message, problem.fix)
        for identity, _, problem in check_identities(state, chosen)
    ]


def test_codes_merged_into_one_are_fine() -> None:
    assert problems(identities(("B", "A"), ("C", "A"), ("D", "A", "2026-01-01", None))) == []


def test_a_chain_is_refused_with_the_identity_to_write() -> None:
    (told,) = problems(identities(("A", "B"), ("B", "C"), ("C", "D")), "A")
    assert told == (
        "A",
        "identity-not-final",
        "A would count as B, but B itself counts as C, which counts as D from the beginning.",
        "Write D as the identity of A.",
    )


def test_a_chain_on_some_days_only_says_which() -> None:
    state = identities(("A", "B", "2026-01-01", None), ("B", "C", "2026-03-01", "2026-05-01"))
    (told,) = problems(state, "A")
    assert told[3] == (
        "Write C as the identity of A from 2026-03-01 to before 2026-05-01; "
        "other days need a row of their own."
    )


def test_a_code_whose_identity_leads_on_at_other_days_is_fine() -> None:
    rows = ("A", "B", BEGINNING, "2026-03-01"), ("B", "C", "2026-03-01", None)
    assert problems(identities(*rows)) == []


def test_a_chain_with_different_ends_on_different_days_is_told_for_each() -> None:
    state = identities(
        ("A", "B"), ("B", "C", BEGINNING, "2026-01-01"), ("B", "D", "2026-01-01", None)
    )
    assert [fix.split(" as ")[0] for *_, fix in problems(state, "A")] == ["Write C", "Write D"]


def test_a_new_row_that_makes_an_approved_one_wrong_is_refused_at_its_own_cell() -> None:
    (told,) = problems(identities(("A", "B"), ("B", "C")), "B")
    assert told[:2] == ("B", "identity-not-final")
    assert told[3] == "Write C as the identity of A."


def test_an_edit_elsewhere_is_not_stopped_by_what_is_wrong_already() -> None:
    assert problems(identities(("A", "B"), ("B", "C"), ("X", "Y")), "X") == []


def test_a_cycle_is_refused_once_with_all_its_codes() -> None:
    (told,) = problems(identities(("A", "B"), ("B", "C"), ("C", "A")))
    assert told[1] == "identity-cycle"
    assert told[2].endswith("A → B → C → A.")


def test_a_code_that_leads_into_a_cycle_does_not_hide_it() -> None:
    told = problems(identities(("A", "B"), ("B", "C"), ("C", "B")))
    assert [one[1] for one in told] == ["identity-cycle"]
    assert told[0][2].endswith("B → C → B.")


def test_rows_that_lead_back_on_different_days_are_no_cycle() -> None:
    rows = ("A", "B", BEGINNING, "2026-03-01"), ("B", "A", "2026-03-01", None)
    assert problems(identities(*rows)) == []


def test_the_first_owner_of_a_recycled_code_keeps_it_as_identity() -> None:
    rows = ("X", "X#2", "2026-03-01", None), ("Z", "X", "2026-03-01", None)
    assert problems(identities(*rows)) == []


def test_a_code_that_is_its_own_identity_is_fine() -> None:
    assert problems(identities(("A", "A"), ("B", "A"))) == []


CODES = st.sampled_from("ABCDE")


@given(st.dictionaries(CODES, CODES))
def test_every_code_is_final_or_told_of(links: dict[str, str]) -> None:
    state = identities(*links.items())
    told = {message.split(" would")[0] for _, rule, message, _ in problems(state) if "not" in rule}
    for code, target in links.items():
        is_final = links.get(target, target) == target or code == target
        reached = {code}
        while target in links and target not in reached:
            reached.add(target)
            target = links[target]
        leads_to_cycle = target in reached and links[target] != target
        assert is_final or leads_to_cycle or code in told
        assert not (is_final and code in told)


def test_a_submitted_chain_is_refused_at_its_cell(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, "foreview")
    row = {"channel_id": "A", "channel_sk": "B", "valid_from": BEGINNING, "valid_to": None}
    now = {("B", BEGINNING): {**row, "channel_id": "B", "channel_sk": "C"}}
    cells = {"channel_sk": "Channel identity!B7"}
    edit = Edit(Action.INSERT, values=row, cells=cells, where="Channel identity!7")
    contract = workspace.contract("channel_key")
    changes, _ = changes_of(contract, edit, now)
    after, _ = apply(now, changes)
    (problem,) = rule_problems(workspace, {"channel_key": after}, changes)
    assert (problem.rule, problem.where) == ("identity-not-final", "Channel identity!B7")


def test_a_first_load_with_a_cycle_is_refused(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, "foreview")
    rows = [
        {"channel_id": code, "channel_sk": other, "valid_from": BEGINNING, "valid_to": None}
        for code, other in ("AB", "BA")
    ]
    with pytest.raises(RefusedError) as refused:
        baseline_change_set(workspace, {"channel_key": rows}, tmp_path / "identities.csv")
    assert [one.rule for one in refused.value.problems] == ["identity-cycle"]


@pytest.mark.real
def test_real_chains_of_replaced_channels_are_resolved_to_their_ends(shared_data: Path) -> None:
    rows = read(shared_data / "iptv", "channels_2026-06-17.csv")
    links = {row["id"]: row["replaced_by"].partition("@")[0] for row in rows if row["replaced_by"]}
    chained = {code: target for code, target in links.items() if target in links}
    assert len(chained) == 115
    found = problems(identities(*links.items()))
    assert {rule for _, rule, _, _ in found} == {"identity-not-final"}
    told = [re.fullmatch(r"Write (\S+) as the identity of (\S+)\.", fix) for *_, fix in found]
    assert {(one[2], one[1]) for one in told if one} == {
        (code, end_of(code, links)) for code in chained
    }
    ends = {code: end_of(code, links) for code in links}
    assert problems(identities(*ends.items())) == []


def end_of(code: str, links: Mapping[str, str]) -> str:
    while code in links:
        code = links[code]
    return code
