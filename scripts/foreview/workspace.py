"""Where things lie: the dbt project, and a workspace with registry, tables and approved rows.

A workspace is a folder (`FOREVIEW_HOME`, by default `.foreview` in the project). Its seeds are
the project's `seeds/`; a workspace elsewhere has seeds of its own, and a folder `dbt` beside them
in which the project's files are linked. (dbt's `seed-paths` can't point out of the project: dbt
writes what it ran to the same path below `target/`, which for an absolute path is the seed itself.)
"""

from __future__ import annotations

import errno
import getpass
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foreview.errors import EngineError, Problem, RefusedError, UsageError
from foreview.yaml_files import read_yaml

if TYPE_CHECKING:
    from foreview.contract import Contract
    from foreview.registry import Registry

SECONDS_TO_WAIT = 600
"""How long a second process waits for the first."""


@dataclass(frozen=True)
class Workspace:
    """A dbt project and the state of one deployment.

    Attributes:
        project: The folder with `dbt_project.yml`.
        home: The folder with the registry, the tables and the logs.
        seeds: The folder with the approved rows of small dimensions.
        registry_url: SQLAlchemy URL of the registry.
        actor: Who acts.
        schema: The schema that all others are named after.
        clock: Gives the present instant, in UTC.
    """

    project: Path
    home: Path
    seeds: Path
    registry_url: str
    actor: str
    schema: str = "foreview"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """All contracts by dimension, parents first."""
        from foreview.contract import load_contracts

        return load_contracts(self.project)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The `vars` of the dbt project."""
        found: dict[str, Any] = read_yaml(self.project / "dbt_project.yml").get("vars", {})
        return found

    @cached_property
    def registry(self) -> Registry:
        """The registry; its folder is made when it is missing."""
        from foreview.registry import Registry

        _make_folder(self.home)
        return Registry(self.registry_url, self.clock, self._row_columns, self.actor)

    def _row_columns(self, dimension: str) -> tuple[str, ...]:
        contract = self.contracts.get(dimension)
        return contract.row_columns if contract else ()

    def contract(self, dimension: str) -> Contract:
        """Return a dimension's contract; refused, with the names that there are, when unknown."""
        if dimension not in self.contracts:
            message = f"There is no table named {dimension!r}."
            fix = f"Use one of: {', '.join(self.contracts)}."
            raise RefusedError(Problem("unknown-dimension", message, value=dimension, fix=fix))
        return self.contracts[dimension]

    def export_environment(self) -> None:
        """Put the workspace's places into the environment, where dbt's files read them."""
        os.environ.update(
            FOREVIEW_HOME=str(self.home),
            FOREVIEW_SCHEMA=self.schema,
            DBT_PROFILES_DIR=str(self.project),
            DBT_TARGET_PATH=str(self.home / "target"),
            DBT_LOG_PATH=str(self.home / "logs"),
            DBT_SEND_ANONYMOUS_USAGE_STATS="false",
            TZ="UTC",  # PySpark's collect() gives instants in the zone of the process
        )
        time.tzset()

    @cached_property
    def dbt_folder(self) -> Path:
        """The folder that dbt runs in: the project, or one that links it beside own seeds."""
        if self.seeds == self.project / "seeds":
            return self.project
        folder = self.home / "dbt"
        _make_folder(folder)
        linked = {name: self.project / name for name in PROJECT_FILES} | {"seeds": self.seeds}
        for name, target in linked.items():
            link = folder / name
            if link.is_symlink() and link.readlink() != target:
                link.unlink()
            if not link.is_symlink():
                link.symlink_to(target)
        return folder

    @property
    def warehouse(self) -> Path:
        """The folder of the local tables, as profiles.yml names it."""
        return self.home / "warehouse"

    def table(self, name: str, room: str = "") -> str:
        """Return a table's full name.

        `room` is `landing`, `approved`, `published`, `tracks` or none.
        """
        return f"{self.schema}{'_' * bool(room)}{room}.{name}"

    def folder(self, name: str, room: str = "") -> Path:
        """Return the folder of a local table; `room` as for `table`."""
        database, table = self.table(name, room).split(".")
        return self.warehouse / f"{database}.db" / table

    def lock_holder(self) -> str:
        """Return which command holds the workspace now; "" when none does."""
        import fcntl

        path = self.home / "lock"
        if not path.exists():
            return ""
        with path.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "another process"
        return ""

    @contextmanager
    def locked(self, command: str, notify: Callable[[str], None]) -> Iterator[None]:
        """Hold the workspace for one command; a second process waits, naming the first.

        The operating system holds the lock, so that a dead process keeps none.
        """
        import fcntl

        _make_folder(self.home)
        with (self.home / "lock").open("a+", encoding="utf-8") as file:
            deadline = time.monotonic() + SECONDS_TO_WAIT
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    file.seek(0)
                    holder = file.read().strip() or "another process"
                    if time.monotonic() > deadline:
                        raise _busy(holder) from None
                    if not told:
                        notify(f"Waiting for {holder} to finish.")
                        told = True
                    time.sleep(0.2)
            file.truncate(0)
            file.write(f"foreview {command} of {self.actor} (process {os.getpid()})")
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)


def _busy(holder: str) -> EngineError:
    message = f"{holder} still holds this workspace."
    fix = "Wait for it, or work in another workspace (FOREVIEW_HOME)."
    return EngineError(Problem("workspace-busy", message, value=holder, fix=fix))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = f"The folder {folder} can't be made: {reason}."
        fix = "Name a folder that you may write to in FOREVIEW_HOME."
        raise EngineError(Problem("home-not-writable", message, fix=fix)) from error


def open_workspace(
    environment: Mapping[str, str], *, home: Path | None = None, act_as: str | None = None
) -> Workspace:
    """Return the workspace that the environment and the command line name.

    Args:
        environment: The process's environment.
        home: The workspace's folder, before what the environment says.
        act_as: Somebody else's name; only where the workspace allows it, in demos and tests.

    Raises:
        UsageError: There is no dbt project here, or `act_as` is not allowed.
    """
    project = _find_project(Path(environment.get("FOREVIEW_PROJECT", Path.cwd())))
    if home is None and "FOREVIEW_HOME" in environment:
        home = Path(environment["FOREVIEW_HOME"])
    seeds = (project if home is None else home.resolve()) / "seeds"
    home = (home or project / ".foreview").resolve()
    if act_as is not None and not (home / ALLOW_ACT_AS).exists():
        message = "Acting as somebody else is for demos and tests."
        fix = "Leave --as out: who you are comes from the operating system."
        raise UsageError(Problem("act-as", message, value=act_as, fix=fix))
    registry_url = environment.get("FOREVIEW_REGISTRY", f"sqlite:///{home / 'registry.db'}")
    return Workspace(
        project=project,
        home=home,
        seeds=seeds,
        registry_url=registry_url,
        actor=act_as or _user(registry_url),
        schema=environment.get("FOREVIEW_SCHEMA", "foreview"),
    )


def _user(registry_url: str) -> str:
    """Return the registry's user where that is a server's, else the operating system's."""
    if registry_url.startswith("sqlite"):
        return system_user()
    from foreview.registry.server import user_of

    return user_of(registry_url) or system_user()


def system_user() -> str:
    """Return the operating system's user, whatever the environment says: anybody can set LOGNAME.

    Where the system knows no name, that of the environment.
    """
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return getpass.getuser()


PROJECT_FILES = (
    "dbt_project.yml",
    "profiles.yml",
    "selectors.yml",
    "models",
    "macros",
    "snapshots",
    "tests",
)
"""What dbt reads of the project, save the seeds."""

ALLOW_ACT_AS = "allow-act-as"
"""A file of this name in a workspace's folder lets `--as` name somebody else."""


def _find_project(start: Path) -> Path:
    for folder in (start, *start.parents, Path(__file__).resolve().parents[2]):
        if (folder / "dbt_project.yml").is_file():
            return folder.resolve()
    message = "There is no dbt_project.yml here."
    fix = "Run foreview in the project's folder, or name it in FOREVIEW_PROJECT."
    raise UsageError(Problem("no-project", message, value=str(start), fix=fix))


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full, a quota, and a process's limit."""


def told_no_room(text: str, what: str) -> EngineError | None:
    """Return the error of a full disk where an engine's message tells of one, else none."""
    for number in NO_ROOM:
        if os.strerror(number) in text:
            return disk_error(OSError(number, ""), what)
    # Derby's word for it. A folder that may not be written to is refused before Spark starts.
    if "read-only user or a user in a read-only database" in text:
        return disk_error(OSError(errno.ENOSPC, ""), what)
    return None


def no_room(folder: str | None) -> EngineError | None:
    """Return the error of a full disk where nothing more can be written to a folder, else none."""
    import tempfile

    if folder is None:
        return None
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        return disk_error(error, "The workspace") if error.errno in NO_ROOM else None
    return None


def disk_error(error: OSError, what: str) -> EngineError:
    """Return the error for a file that could not be written."""
    full = error.errno in NO_ROOM
    message = f"{what} could not be written: {os.strerror(error.errno or errno.EIO)}."
    fix = "Make room on the disk and try again." if full else "Check the folder and try again."
    return EngineError(Problem("disk-full" if full else "not-written", message, fix=fix))


def to_stderr(text: str) -> None:
    """Print a line for a person, out of the way of `--json`."""
    print(text, file=sys.stderr, flush=True)
