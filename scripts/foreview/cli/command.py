"""What all commands share: the application, its options, errors, progress."""

from __future__ import annotations

import json as json_module
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foreview.errors import EngineError, ForeviewError

if TYPE_CHECKING:
    from foreview.workspace import Workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Change reference data in Excel, see what it does to the figures before anyone agrees, "
        "put it into effect with a second person's approval, and take it back.\n\n"
        "Start with: foreview demo"
    ),
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="The workspace's folder; default FOREVIEW_HOME, or .foreview."),
]
ActAs = Annotated[
    str | None, typer.Option("--as", help="Act as somebody else; only in demos and tests.")
]
_ID = typer.Argument(help="Id of the change request, or its beginning.")
Id = Annotated[str, _ID]
OptionalId = Annotated[str | None, _ID]


class Session:
    """One command's workspace and way of printing."""

    def __init__(self, home: Path | None, act_as: str | None, as_json: bool) -> None:
        """Open the workspace."""
        from foreview.workspace import open_workspace

        self.workspace: Workspace = open_workspace(os.environ, home=home, act_as=act_as)
        self.as_json = as_json

    def print(self, data: Any, text: str) -> None:
        """Print `data` for machines or `text` for people."""
        if self.as_json:
            print(json_module.dumps(data, ensure_ascii=False, indent=2, default=str))
        else:
            print(text)

    def print_done(self, data: Any, text: str, error: ForeviewError | None) -> None:
        """Print what was done; for machines an error that is to be raised has it as `done`."""
        if error is None or not self.as_json:
            self.print(data, text)


@contextmanager
def running(
    name: str,
    home: Path | None = None,
    act_as: str | None = None,
    as_json: bool = False,
    *,
    lock: bool = True,
) -> Iterator[Session]:
    """Run a command's body; turn its errors into one clear message and an exit code."""
    from contextlib import nullcontext

    from foreview.log_head import keep_head
    from foreview.workspace import to_stderr

    try:
        session = Session(home, act_as, as_json)
        with session.workspace.locked(name, to_stderr) if lock else nullcontext():
            yield session
            if lock:
                keep_head(session.workspace)
    except KeyboardInterrupt:
        to_stderr("Interrupted. What was recorded before is kept; run the command again.")
        raise typer.Exit(130) from None
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except typer.Exit:
        raise
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        print_error(told, as_json)
        raise typer.Exit(told.exit_code) from error


def _told(error: Exception) -> ForeviewError | None:
    """Return what a user is told of an error: what is behind it; None of a fault of ours."""
    if isinstance(error, ForeviewError) and not isinstance(error, EngineError):
        return error
    from foreview.engine import lost_engine
    from foreview.workspace import disk_error, no_room, told_no_room

    if lost := lost_engine():
        return lost
    # An engine may say it in words of its own, or of what came of it.
    if full := no_room(os.environ.get("FOREVIEW_HOME")):
        return full
    if isinstance(error, EngineError):
        return error
    if isinstance(error, OSError):
        return disk_error(error, error.filename or "A file")
    return told_no_room(str(error), "What Spark was writing")


MOST_PROBLEMS = 20


def print_error(error: ForeviewError, as_json: bool) -> None:
    """Print an error's first problems and count the others, or all of them for machines."""
    if as_json:
        print(json_module.dumps(error.as_dict(), ensure_ascii=False, indent=2))
        return
    from foreview.workspace import to_stderr

    for problem in error.problems[:MOST_PROBLEMS]:
        where = f"{problem.where}: " if problem.where else ""
        to_stderr(f"{where}{problem.message} [{problem.rule}]")
        if problem.fix:
            to_stderr(f"    {problem.fix}")
    rest: dict[str, int] = {}
    for problem in error.problems[MOST_PROBLEMS:]:
        rest[problem.rule] = rest.get(problem.rule, 0) + 1
    for rule, count in sorted(rest.items()):
        to_stderr(f"... and {count} more of [{rule}]")
    if error.advice:
        to_stderr(error.advice)


@contextmanager
def progress_bar(title: str, as_json: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a progress bar on a terminal; nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{title}: starting Spark", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {what}"[:60], completed=done, total=total)

        yield tell
