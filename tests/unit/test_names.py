"""Codes and names: either is taken where it is clear what is meant, and look-alikes are named."""

from __future__ import annotations

import csv

import pytest
from workbook_editing import STATION

from conftest import SHARED_DATA
from foreview.changes import Action, Edit
from foreview.names import Codes, with_codes

NAMES = {
    "network": [("FOX", "Fox Broadcasting"), ("Fox", "Fox Sports"), ("NBC", "NBC"), ("N2", "Two")],
    "owner": [("1", "Gray"), ("2", "Gray"), ("3", "Scripps")],
}


def corrected(**values: str | None) -> Edit:
    (edit,) = with_codes(STATION, [Edit(Action.CORRECT, ("A", ""), values)], NAMES)
    return edit


def test_the_name_of_one_row_stands_for_its_code_and_that_is_noted() -> None:
    edit = corrected(network_id="Two", owners="Scripps;1")
    assert edit.values == {"network_id": "N2", "owners": "3;1"}
    assert edit.notes == {
        "network_id": "the name 'Two' is of N2",
        "owners": "the name 'Scripps' is of 3",
    }


@pytest.mark.parametrize(("name", "value"), [("owners", "Gray"), ("network_id", "two")])
def test_a_name_that_is_not_clear_is_left_for_the_rules_to_refuse(name: str, value: str) -> None:
    edit = corrected(**{name: value})
    assert (edit.values, edit.notes) == ({name: value}, {})


def test_a_code_is_itself_whatever_names_there_are() -> None:
    codes = Codes([("A", "B"), ("B", "C")])
    assert [codes.meant(one) for one in "ABCD"] == ["A", "B", "B", "D"]


def test_a_code_that_differs_from_another_only_by_case_is_noted() -> None:
    edit = corrected(network_id="FOX", station_name="Fox")
    assert edit.values == {"network_id": "FOX", "station_name": "Fox"}
    assert edit.notes == {"network_id": "there is 'Fox' too"}
    assert corrected(network_id=None).notes == {}


@pytest.mark.real
def test_real_networks_that_differ_only_by_case_are_found() -> None:
    source = SHARED_DATA / "iptv" / "channels_2026-04-07.csv"
    if not source.exists():
        pytest.skip(f"{source} is absent")
    with source.open(encoding="utf-8", newline="") as file:
        networks = {row["network"] for row in csv.DictReader(file)} - {""}
    codes = Codes([(one, one) for one in networks])
    assert sum(bool(codes.alike(one)) for one in networks) >= 18
