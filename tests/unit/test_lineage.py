"""Lineage for other systems: what a consumer of OpenLineage events sees, and when nobody does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from networks import export, network_workspace, run, with_tables_folder
from test_report import figure, mart
from test_thresholds import impact_of, renaming

from conftest import PROJECT, acting
from foreview import promotion, what_if
from foreview.approval import approve
from foreview.changes import ChangeSet
from foreview.demo import edit_workbook
from foreview.errors import EngineError, Problem, RefusedError
from foreview.impact import Impact
from foreview.lineage import is_configured
from foreview.receipt import record_receipt
from foreview.registry import Registry
from foreview.submission import record
from foreview.workspace import Workspace

TRANSPORT = "OPENLINEAGE__TRANSPORT"
FAILED = EngineError(Problem("spark-failed", "Spark gave up."))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Three networks, and none of OpenLineage's settings, neither during the test nor after it."""
    before = {name: value for name, value in os.environ.items() if "OPENLINEAGE" in name}
    for name in before:
        del os.environ[name]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(PROJECT)
    yield with_tables_folder(network_workspace(tmp_path))
    for name in [one for one in os.environ if "OPENLINEAGE" in one]:
        del os.environ[name]  # the client adds some to those that it was given
    os.environ.update(before)


@pytest.fixture
def file(workspace: Workspace, tmp_path: Path) -> Path:
    """The file to which events go."""
    path = tmp_path / "events.jsonl"
    settings = {"type": "file", "log_file_path": str(path), "append": True}
    os.environ[TRANSPORT] = json.dumps(settings)
    return path


def events(file: Path) -> list[dict[str, Any]]:
    """Return a file's events, each of them as the standard asks for."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = [json.loads(line) for line in lines]
    for one in found:
        assert one["schemaURL"].endswith("/OpenLineage.json#/$defs/RunEvent")
        assert datetime.fromisoformat(one["eventTime"]).tzinfo is not None
        assert UUID(one["run"]["runId"]).version == 7
        assert one["job"]["namespace"] == os.environ.get("OPENLINEAGE_NAMESPACE", "foreview")
        facets = [one["run"].get("facets", {}), one["job"].get("facets", {})]
        facets += [dataset["facets"] for dataset in one["inputs"] + one["outputs"]]
        for facet in (facet for some in facets for facet in some.values()):
            assert {"_producer", "_schemaURL"} <= facet.keys()
    return found


def told(file: Path) -> list[tuple[str, str]]:
    return [(one["job"]["name"], one["eventType"]) for one in events(file)]


def versions(datasets: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["facets"]["version"]["datasetVersion"] for one in datasets}


def edited(workspace: Workspace) -> Path:
    """Return a workbook in which a network got another name."""
    book = export(workspace, workspace.home)
    contract = workspace.contract("network")
    edit_workbook(book, contract, {"ALFA": {"network_name": "Alpha"}}, action="was always wrong")
    return book


def submitted(workspace: Workspace) -> ChangeSet:
    change_set = renaming(workspace)
    assert record(workspace, change_set)
    return change_set


# Settings


def test_without_settings_nothing_is_sent_and_the_client_is_not_imported(
    workspace: Workspace,
) -> None:
    book = edited(workspace)
    code = (
        "import sys; from foreview.cli import main\n"
        "try: main()\n"
        "finally: print([one for one in sys.modules if one.startswith('openlineage')])"
    )
    submit = ["submit", str(book), "--reason", "x", "--home", str(workspace.home)]
    done = subprocess.run(
        [sys.executable, "-c", code, *submit], capture_output=True, text=True, check=True
    )
    assert "Change request" in done.stdout
    assert done.stdout.endswith("[]\n")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OPENLINEAGE_URL": ""}, False),
        ({"OPENLINEAGE_NAMESPACE": "tv"}, False),
        ({"OPENLINEAGE_URL": "http://127.0.0.1:5000"}, True),
        ({f"{TRANSPORT}__TYPE": "file"}, True),
        ({TRANSPORT: '{"type": "console"}'}, True),
        ({"OPENLINEAGE_URL": "http://127.0.0.1:5000", "OPENLINEAGE_DISABLED": "True"}, False),
    ],
)
def test_the_clients_own_variables_turn_it_on_and_off(
    environment: dict[str, str], expected: bool, tmp_path: Path
) -> None:
    assert is_configured(environment, tmp_path, tmp_path) == expected


@pytest.mark.parametrize("place", ["openlineage.yml", ".openlineage/openlineage.yml", "named.yml"])
def test_a_settings_file_turns_it_on_when_it_names_a_transport(place: str, tmp_path: Path) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    environment = {"OPENLINEAGE_CONFIG": str(path)} if place == "named.yml" else {}
    assert not is_configured(environment, tmp_path, tmp_path)
    path.write_text("tags: {job: {team: audience}}", encoding="utf-8")
    assert not is_configured(environment, tmp_path, tmp_path)
    path.write_text("transport: {type: console}", encoding="utf-8")
    assert is_configured(environment, tmp_path, tmp_path)


def test_a_settings_file_that_is_no_yaml_is_a_warning(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["OPENLINEAGE_CONFIG"] = str(tmp_path / "lineage.yml")
    (tmp_path / "lineage.yml").write_text("transport: [", encoding="utf-8")
    submitted(workspace)
    assert "[lineage-not-sent]" in capsys.readouterr().err


# Submit


def test_a_submission_names_the_workbook_and_the_change_set_once(
    workspace: Workspace, file: Path
) -> None:
    os.environ["OPENLINEAGE_NAMESPACE"] = "tv"
    book = edited(workspace)
    submit = ("submit", str(book), "--reason", "x", "--json")
    id_ = json.loads(run(workspace, *submit).stdout)["id"]
    assert run(workspace, *submit).exit_code == 0
    assert told(file) == [("submit", "START"), ("submit", "COMPLETE")]
    start, complete = events(file)
    assert start["run"]["runId"] == complete["run"]["runId"]
    source = workspace.registry.change_set(id_).source_hash
    assert versions(complete["inputs"]) == {"submitted/networks.xlsx": source}
    assert versions(complete["outputs"]) == {"foreview_landing.pending_edits": id_}


def test_a_refused_workbook_is_no_run(workspace: Workspace, file: Path) -> None:
    book = export(workspace, workspace.home)
    assert run(workspace, "submit", str(book), "--reason", "x").exit_code == 1
    assert told(file) == []


def test_a_change_set_of_no_file_names_the_rows_that_it_is_of(
    workspace: Workspace, file: Path
) -> None:
    submitted(workspace)
    assert versions(events(file)[-1]["inputs"]) == {"foreview.dim_network": "1"}


# What-if


def previewed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None
) -> Impact:
    """Preview a change set as if an engine had computed its impact, or failed to."""
    change_set = submitted(workspace)
    marts = mart(figure("2026-04-01", "ABC", 10, 20)), mart(name="audience_by_programme")
    impact = impact_of(*marts, change_sets=(change_set,))

    def computed(*_: Any, **__: Any) -> Impact:
        if error:
            raise error
        return impact

    monkeypatch.setattr(what_if, "_preview", computed)
    return what_if.preview(workspace, [change_set.id])


def test_a_preview_names_rows_viewing_and_receipt(
    workspace: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impact = previewed(workspace, monkeypatch)
    *_, start, complete = events(file)
    assert told(file)[-2:] == [("what_if", "START"), ("what_if", "COMPLETE")]
    assert start["run"]["runId"] == complete["run"]["runId"]
    read = versions(complete["inputs"])
    assert read["foreview_landing.pending_edits"] == impact.change_sets[0].id
    assert read["foreview.dim_network"] == read["foreview.dim_channel"] == "1"
    assert read["foreview.fct_viewing"] == f"{impact.horizon_day}, batch {impact.horizon_batch}"
    assert versions(complete["outputs"]) == {"foreview_what_if.impact": impact.checksum}


@pytest.mark.parametrize(("error", "state"), [(FAILED, "FAIL"), (KeyboardInterrupt(), "ABORT")])
def test_a_preview_that_fails_says_why(
    error: BaseException,
    state: str,
    workspace: Workspace,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(type(error)):
        previewed(workspace, monkeypatch, error)
    assert told(file)[-2:] == [("what_if", "START"), ("what_if", state)]
    message = events(file)[-1]["run"]["facets"].get("errorMessage", {}).get("message")
    assert message == ("Spark gave up." if state == "FAIL" else None)


# Promote


@pytest.fixture
def approved(workspace: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch) -> Impact:
    """An approved change set in a workspace whose promotions do nothing but keep their ledger."""
    impact = previewed(workspace, monkeypatch)
    record_receipt(workspace, impact)
    (change_set,) = impact.change_sets
    rob = acting(workspace, "rob")
    approve(rob, change_set.id)
    receipt = workspace.registry.receipt(impact.checksum)
    monkeypatch.setattr(promotion, "current_receipt", lambda *_, **__: receipt)
    monkeypatch.setattr(promotion, "first_publication_of", lambda *_: 7)
    monkeypatch.setattr(promotion, "newest_publication", lambda *_: {"release": 1, "number": 1})
    for name in (
        "open_engines", "ensure_landing", "announce_promotion", "write_rows", "write_approved",
        "_dimensions", "_build_dimensions", "_figures", "_publish", "run_operation",
        "note_publications", "refuse_unpublished_loads",
    ):  # fmt: skip
        monkeypatch.setattr(promotion, name, lambda *_, **__: None)
    file.unlink()
    return impact


def test_a_promotion_names_what_readers_see_in_which_publication(
    workspace: Workspace, file: Path, approved: Impact
) -> None:
    (change_set,) = approved.change_sets
    promotion.promote(acting(workspace, "rob"), change_set.id)
    assert told(file) == [("promote", "START"), ("promote", "COMPLETE")]
    start, complete = events(file)
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert versions(complete["inputs"]) == {
        "foreview_landing.pending_edits": change_set.id,
        "foreview_what_if.impact": approved.checksum,
    }
    assert versions(complete["outputs"]) == {
        "foreview.dim_network": "2",
        "foreview_published.audience_by_network_day": "7",
    }


@pytest.mark.parametrize("step", ["write_rows", "_figures", "_publish"])
def test_a_promotion_that_is_resumed_is_one_run(
    step: str,
    workspace: Workspace,
    file: Path,
    approved: Impact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rob = acting(workspace, "rob")
    with monkeypatch.context() as patch:
        patch.setattr(promotion, step, failing(FAILED))
        for _ in range(2):
            with pytest.raises(EngineError):
                promotion.promote(rob, approved.change_sets[0].id)
    promotion.resume(rob)
    with pytest.raises(RefusedError):
        promotion.resume(rob)
    assert told(file) == [("promote", "START"), ("promote", "COMPLETE")]
    assert len({one["run"]["runId"] for one in events(file)}) == 1


def test_a_promotion_that_is_killed_at_its_end_is_told_once_more_and_not_lost(
    workspace: Workspace, file: Path, approved: Impact, monkeypatch: pytest.MonkeyPatch
) -> None:
    rob = acting(workspace, "rob")
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "record_release", failing(FAILED))
        with pytest.raises(EngineError):
            promotion.promote(rob, approved.change_sets[0].id)
    promotion.resume(rob)
    assert [state for _, state in told(file)] == ["START", "COMPLETE", "COMPLETE"]
    assert len({one["run"]["runId"] for one in events(file)}) == 1


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_a_promotion_that_is_refused_fails_and_one_that_is_given_up_aborts(
    workspace: Workspace, file: Path, approved: Impact, monkeypatch: pytest.MonkeyPatch
) -> None:
    rob, id_ = acting(workspace, "rob"), approved.change_sets[0].id
    refused = RefusedError(Problem("not-the-receipt", "The figures are others."))
    with monkeypatch.context() as patch:
        patch.setattr(promotion, "_figures", failing(refused))
        with pytest.raises(RefusedError):
            promotion.promote(rob, id_)
    with monkeypatch.context() as patch:
        patch.setattr(promotion, "_figures", failing(FAILED))
        with pytest.raises(EngineError):
            promotion.promote(rob, id_)
    promotion.abandon(rob)
    promotion.promote(rob, id_)
    states = ["START", "FAIL", "START", "ABORT", "START", "COMPLETE"]
    assert told(file) == [("promote", state) for state in states]
    assert events(file)[1]["run"]["facets"]["errorMessage"]["message"] == "The figures are others."
    runs = Counter(one["run"]["runId"] for one in events(file))
    assert list(runs.values()) == [2, 2, 2]


# Over HTTP


@contextmanager
def server(status: int = 201) -> Iterator[tuple[str, list[Any]]]:
    """A lineage server on a free port that keeps what it is sent; yields its address and that."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, json.loads(body)["eventType"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", received
        finally:
            listening.shutdown()
            thread.join()


def test_events_go_to_the_server_that_the_url_names(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with server() as (url, received):
        os.environ["OPENLINEAGE_URL"] = url
        submitted(workspace)
    assert received == [("/api/v1/lineage", "START"), ("/api/v1/lineage", "COMPLETE")]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("is_up", [True, False])
def test_a_server_that_is_down_or_refuses_is_one_warning_and_the_work_is_done(
    is_up: bool, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(status=403) as (url, _):
        settings = {"type": "http", "url": url, "retry": {"total": 0}}
        os.environ[TRANSPORT] = json.dumps(settings)
        if is_up:
            change_set = submitted(workspace)
    if not is_up:
        change_set = submitted(workspace)
    assert workspace.registry.status(change_set.id) == "pending"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("[lineage-not-sent]") == 1
    assert "The lineage events of submit were not sent" in err
