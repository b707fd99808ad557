"""The reference store on MariaDB: dbt's target `mariadb`, on a server of the run's own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from networks import promote_recorded, run

from conftest import make_workspace
from foreview.audit import Check, state_hash, without_sources
from foreview.changes import Row, State, diff, make_state
from foreview.contract import BEGINNING
from foreview.errors import EngineError, RefusedError
from foreview.loads import read_seed, write_approved
from foreview.mariadb_server import Server, running_server
from foreview.store import bring_up, check_store
from foreview.submission import baseline_change_set
from foreview.workspace import Workspace

HOSTILE = [
    "'; drop table events; --",
    'a "quote", a `tick` and a \\ at the end\\',
    "50% of %s and %(name)s, :name, {name}, {{ name }}, ?",
    "📺 電視 ñ e\u0301 \u200b",
    "line\nbreak\ttab",
    "NULL",
    "\\N",
    "x" * 32_767,
    "=1+1",
]
ROWS: dict[str, list[Row]] = {
    "network_group": [{"network_group_id": "007", "network_group_name": "Seven"}],
    "network": [
        {"network_id": f"N{place}", "network_name": text, "network_group_id": "007"}
        for place, text in enumerate(HOSTILE)
    ]
    + [{"network_id": one, "network_name": one} for one in ("n0", "1e5", "TRUE", "é", "e\u0301")],
    "country": [{"country_id": "US", "country_name": "United States"}],
    "owner": [
        {"owner_id": one, "owner_name": one} for one in ('Quote " Ltd', "Back \\ slash", "O")
    ],
    "channel": [
        {
            "channel_id": "ONE.us",
            "channel_name": "One",
            "network_id": "N0",
            "owners": 'Quote " Ltd;Back \\ slash;O',
            "country_id": "US",
            "is_nsfw": "true",
            "launched": "1999-12-31",
        },
        {"channel_id": "one.us", "channel_name": "Other", "country_id": "US", "is_nsfw": "false"},
    ],
    "programme": [{"programme_id": "P1", "programme_name": "Late; or never"}],
    "airing": [
        {
            "airing_id": "A1",
            "channel_id": "ONE.us",
            "layer": "programme",
            "programme_id": "P1",
            "starts_at": "2026-04-01 23:59:59",
            "ends_at": "2026-04-02 01:00:00",
        }
    ],
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose approved rows are recorded without an engine."""
    found = make_workspace(tmp_path_factory.mktemp("store"), "reference")
    rows = {
        name: [
            {one: row.get(one) for one in found.contract(name).row_columns}
            | {"valid_from": BEGINNING}
            for row in own
        ]
        for name, own in ROWS.items()
    }
    change_set = baseline_change_set(found, rows, Path("sample.csv"))
    found.registry.record_change_set(change_set)
    number = found.registry.begin_promotion([change_set.id], actor="ana", kind="baseline")
    found.registry.record_release(
        number, [change_set.id], kind="baseline", publication=1, actor="ana"
    )
    write_seeds(found)
    return found


@pytest.fixture(autouse=True)
def named(mariadb: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREVIEW_STORE", mariadb.address)


@pytest.fixture(scope="module")
def checks(workspace: Workspace, mariadb: Server) -> list[Check]:
    """What the first build of the store was compared with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOREVIEW_STORE", mariadb.address)
        return bring_up(workspace)


def write_seeds(workspace: Workspace) -> None:
    for name, contract in workspace.contracts.items():
        if contract.storage == "seed":
            write_approved(workspace, None, contract, *workspace.registry.approved_rows(name))


def published(server: Server, query: str) -> list[Any]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_the_store_has_the_approved_rows_to_the_last_character(
    workspace: Workspace, mariadb: Server, checks: list[Check]
) -> None:
    assert {one.dimension: one.rows for one in checks} == {
        name: len(ROWS.get(name, ())) for name in workspace.contracts
    }
    for one in checks:
        expected, _ = workspace.registry.approved_rows(one.dimension)
        assert (one.hash, one.problem) == (state_hash(expected), None)
        contract = workspace.contract(one.dimension)
        if contract.storage == "seed":
            path = workspace.seeds / f"{one.dimension}.csv"
            written = make_state(contract, read_seed(path, contract))
            assert state_hash(without_sources(contract, written)) == one.hash
    assert published(
        mariadb,
        "select primary_owner_id, is_nsfw, is_current, launched"
        " from reference_published.dim_channel order by channel_id",
    ) == [('Quote " Ltd', 1, 1, "1999-12-31"), (None, 0, 1, None)]


@pytest.mark.usefixtures("checks")
def test_readers_see_a_change_at_once_and_history_stays(
    workspace: Workspace, mariadb: Server
) -> None:
    network = workspace.contract("network")
    before, _ = workspace.registry.approved_rows("network")
    rows = [dict(one) for one in before.values() if one["network_id"] != "n0"]
    moved = next(one for one in rows if one["network_id"] == "N1")
    moved["network_group_id"] = None
    after = make_state(network, rows)
    promote(workspace, before, after)
    seen = published(mariadb, NEWEST)
    bring_up(workspace)
    assert seen == [("007",), (None,)]
    assert published(mariadb, NEWEST) == [(None,)]
    numbers = published(mariadb, "select number, `release` from reference.publications")
    assert numbers == [(1, 1), (2, 2)]
    for number, state in ((1, before), (2, after)):
        believed = published(mariadb, AS_OF.format(number=number))
        assert sorted(believed) == sorted(
            (one["network_id"], one["network_group_id"]) for one in state.values()
        )


NEWEST = (
    "select network_group_id from reference_published.dim_network"
    " where network_id in ('N1', 'n0') order by network_id"
)
AS_OF = (
    "select network_id, network_group_id from reference.dim_network__versions"
    " join reference.publications on known_from <= snapshot_cut"
    " and (known_to is null or known_to > snapshot_cut) where number = {number}"
)


def promote(workspace: Workspace, before: State, after: State) -> None:
    base = workspace.registry.change_set(workspace.registry.release(1).change_set_ids[0])
    changes = tuple(diff("network", before, after))
    edit = replace(base, kind="edit", base_release=1, changes=changes, reason="a test")
    workspace.registry.record_change_set(edit)
    promote_recorded(workspace, edit)
    write_seeds(workspace)


@pytest.mark.usefixtures("checks")
def test_what_somebody_changed_in_the_store_is_named(workspace: Workspace, mariadb: Server) -> None:
    change = "update reference.country_history set country_name = '{}' where country_id = 'US'"
    run_on(mariadb, change.format("Elsewhere"))
    (problem,) = [one.problem for one in check_store(workspace) if one.problem]
    run_on(mariadb, change.format("United States"))
    assert (problem.rule, problem.where) == ("not-as-approved", "reference store of country")
    assert "country US" in problem.message
    assert "'Elsewhere', expected 'United States'" in problem.message


def run_on(server: Server, statement: str) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.usefixtures("checks")
def test_a_failed_test_of_the_data_publishes_nothing_nor_does_a_build_without_news(
    workspace: Workspace, mariadb: Server
) -> None:
    everything = "select * from reference.publications order by number"
    before = published(mariadb, everything)
    seed = workspace.seeds / "network_group.csv"
    kept = seed.read_text(encoding="utf-8")
    seed.write_text(kept.splitlines()[0] + "\n", encoding="utf-8")  # its networks point at nothing
    with pytest.raises(RefusedError) as error:
        bring_up(workspace)
    seed.write_text(kept, encoding="utf-8")
    assert {one.rule for one in error.value.problems} == {"dbt-test-failed"}
    assert all(one.problem is None for one in check_store(workspace))
    bring_up(workspace)
    assert published(mariadb, everything) == before


@pytest.mark.usefixtures("checks")
def test_a_dump_restored_on_another_server_is_a_store_that_verify_accepts(
    workspace: Workspace, mariadb: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [one for (one,) in published(mariadb, "show databases like 'reference%'")]
    options = ["--single-transaction", "--databases", *names]
    dump = subprocess.run(
        ["mariadb-dump", f"--defaults-file={mariadb.defaults_file}", *options],
        check=True,
        capture_output=True,
    )
    with running_server() as other:
        defaults = f"--defaults-file={other.defaults_file}"
        subprocess.run(["mariadb", defaults], input=dump.stdout, check=True)
        monkeypatch.setenv("FOREVIEW_STORE", other.address)
        assert check_store(workspace)[0].rows > 0
        assert [one.problem for one in check_store(workspace) if one.problem] == []
        run_on(other, "update reference.country_history set country_name = 'Elsewhere'")
        assert [one.problem for one in check_store(workspace) if one.problem] != []


def test_a_server_that_is_not_there_is_said_without_its_password(
    workspace: Workspace, mariadb: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = tmp_path / "client.cnf"
    shutil.copy(mariadb.defaults_file, wrong)
    wrong.write_text(wrong.read_text().replace(f"port={mariadb.port}", "port=1"))
    monkeypatch.setenv("FOREVIEW_STORE", f"mariadb:///?read_default_file={wrong}")
    with pytest.raises(EngineError) as error:
        bring_up(workspace)
    assert error.value.problems[0].rule == "store-lost"
    assert mariadb.password not in str(error.value)


def test_without_a_server_the_command_says_what_to_do(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FOREVIEW_STORE")
    result = run(workspace, "store")
    assert result.exit_code == 1
    assert "FOREVIEW_STORE" in result.output
