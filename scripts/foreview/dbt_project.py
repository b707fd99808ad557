"""The one module that runs dbt: in this process, on the process's Spark session or on MariaDB."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from foreview.errors import EngineError, ForeviewError, Problem, RefusedError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from foreview.workspace import Workspace

Progress = Callable[[str, int, int], None]
"""Called with what was built, the number done and the number in all."""


def run_dbt(
    workspace: Workspace,
    command: Sequence[str],
    *,
    variables: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    target: str = "local",
) -> None:
    """Run one dbt command.

    Args:
        workspace: Its project is run, with its tables and seeds.
        command: For example `["build", "--select", "dim_channel"]`.
        variables: Those of the macro `run_var`.
        progress: Called after each node.
        target: One of profiles.yml's.

    Raises:
        EngineError: A node failed; each failure is named, with the log.
        RefusedError: Nothing failed but tests of the data.
    """
    if target == "local":
        open_engines(workspace, variables)
    watcher = _Watcher(progress)
    result = _invoke(workspace, command, variables, watcher, target=target)
    if not result.success:
        raise _error(workspace, result, watcher.failure)


def run_operation(
    workspace: Workspace,
    macro: str,
    *,
    variables: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> None:
    """Run a macro by itself.

    Args:
        workspace: As for `run_dbt`.
        macro: Its name.
        variables: Those of the macro `run_var`.
        arguments: The macro's; those that are None are left out.

    Raises:
        EngineError: It failed; what it said is in the message.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    command = ["run-operation", macro, "--args", json.dumps(given)]
    run_dbt(workspace, command, variables=variables)


def open_engines(workspace: Workspace, variables: Mapping[str, Any] | None = None) -> SparkSession:
    """Return the process's Spark session; while its JVM starts, dbt parses the project.

    Models that ask for a variable are parsed anew when it is another: so name those of the command
    that comes next.

    Raises:
        EngineError: As `engine.open_session`.
    """
    from foreview.engine import open_session

    def parse() -> None:
        with suppress(ForeviewError):  # the command itself meets a full disk again, and says so
            _invoke(workspace, ["parse"], variables)

    return open_session(workspace, meanwhile=parse)


def _invoke(
    workspace: Workspace,
    command: Sequence[str],
    variables: Mapping[str, Any] | None,
    *callbacks: Callable[[Any], None],
    target: str = "local",
) -> Any:
    from dbt.cli.main import dbtRunner

    from foreview.loads import ensure_seeds

    ensure_seeds(workspace)  # without them dbt does not parse
    workspace.export_environment()
    arguments = [
        "--quiet",
        "--log-level",
        "none",
        "--log-level-file",
        "debug",
        *command,
        "--project-dir",
        str(workspace.dbt_folder),
        "--target",
        target,
    ]
    if target != "local":  # what dbt parsed for one target is of no use to another
        arguments += ["--target-path", str(workspace.home / f"target-{target}")]
    os.environ["FOREVIEW_RUN_VARS"] = json.dumps(variables or {})
    kept = logging.raiseExceptions
    logging.raiseExceptions = False  # a log that can't be written, on a full disk, fills the screen
    try:
        return dbtRunner(callbacks=list(callbacks)).invoke(arguments)
    finally:
        logging.raiseExceptions = kept
        del os.environ["FOREVIEW_RUN_VARS"]


class _Watcher:
    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.failure = ""
        """What an operation failed with: its result does not say."""

    def __call__(self, event: Any) -> None:
        if event.info.name in ("RunningOperationCaughtError", "RunningOperationUncaughtError"):
            self.failure = event.data.exc
        if self._progress is None or event.info.name != "LogModelResult":
            return
        self._progress(event.data.description, event.data.index, event.data.total)


def _error(workspace: Workspace, result: Any, failure: str = "") -> ForeviewError:
    from foreview.workspace import told_no_room

    log = f"The log is {workspace.home / 'logs' / 'dbt.log'}."
    nodes = [] if failure else getattr(result.result, "results", None) or []
    broken = [one for one in nodes if str(one.status) in ("error", "runtime error")]
    tests = [one for one in nodes if str(one.status) == "fail"]
    messages = [failure, str(result.exception), *(str(one.message) for one in broken)]
    if full := told_no_room("\n".join(messages), "What dbt was building"):
        return full
    if unbuilt := [found for one in messages if (found := re.search(r"mart-not-built: (.*)", one))]:
        fix = "Run foreview build first."
        return RefusedError(Problem("mart-not-built", unbuilt[0][1], fix=fix))
    if broken or not tests:
        named = [f"{one.node.name}: {_short(one.message)}" for one in broken]
        named = named or [f"dbt failed: {_short(failure or result.exception)}"]
        return EngineError([Problem("dbt-failed", one, fix=log) for one in named])
    return RefusedError(
        [
            Problem("dbt-test-failed", f"{one.node.name}: {_short(one.message)}", fix=log)
            for one in tests
        ]
    )


def _short(message: object) -> str:
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    return " ".join(lines)[:400]
