"""What a user reads when a dbt run failed: the disk, the data, or a model."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import make_workspace
from foreview.dbt_project import run_dbt
from foreview.errors import EngineError, ForeviewError, RefusedError


def failed(status: str, message: str) -> Any:
    return SimpleNamespace(status=status, message=message, node=SimpleNamespace(name="some_node"))


READ_ONLY = "A read-only user or a user in a read-only database is not permitted to disable it."
FULL = "Job aborted. " * 99 + "java.io.IOException: No space left on device"


@pytest.mark.parametrize(
    ("nodes", "exception", "error", "rule"),
    [
        ([failed("fail", "Got 2 results")], None, RefusedError, "dbt-test-failed"),
        ([failed("error", "no such table")], None, EngineError, "dbt-failed"),
        (
            [failed("fail", "Got 2 results"), failed("error", "no such table")],
            None,
            EngineError,
            "dbt-failed",
        ),
        ([failed("error", FULL)], None, EngineError, "disk-full"),
        ([failed("error", READ_ONLY)], None, EngineError, "disk-full"),
        ([], OSError(28, "No space left on device"), EngineError, "disk-full"),
        ([], ValueError("a model is not YAML"), EngineError, "dbt-failed"),
    ],
)
def test_a_failed_run_names_what_failed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    nodes: list[Any],
    exception: Exception | None,
    error: type[ForeviewError],
    rule: str,
) -> None:
    result = SimpleNamespace(
        success=False, exception=exception, result=SimpleNamespace(results=nodes)
    )
    monkeypatch.setattr("foreview.dbt_project.open_engines", lambda *_: None)
    monkeypatch.setattr("foreview.dbt_project._invoke", lambda *_, **__: result)
    with pytest.raises(error) as caught:
        run_dbt(make_workspace(tmp_path, "foreview"), ["build"])
    assert {problem.rule for problem in caught.value.problems} == {rule}
