"""Opening the registry's database, bringing it up to date, and naming what fails.

SQLite keeps its rollback journal instead of WAL: the registry is then one file that can be copied
or put on a shared folder (WAL needs memory shared between processes, which network file systems
lack), and its transactions are few and short. A writer takes the lock at its beginning, so that
what it checked still holds when it writes; others wait up to 30 seconds. `server` is the same for
MariaDB.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from foreview.errors import EngineError, Problem
from foreview.registry import server
from foreview.registry.schema import HEAD

if TYPE_CHECKING:
    from alembic.config import Config

_Store = TypeVar("_Store")
BUSY_MILLISECONDS = 30_000

_CAUSES = (
    (
        "not a database",
        "registry-unreadable",
        "The registry's file is not a database.",
        "Name another file, or restore it from a backup.",
    ),
    (
        "malformed",
        "registry-unreadable",
        "The registry's file is damaged.",
        "Restore it from a backup.",
    ),
    (
        "unable to open",
        "registry-unreadable",
        "The registry can't be opened.",
        "Check that the path is a file and that you may read and write it and its folder.",
    ),
    (
        "readonly",
        "registry-not-writable",
        "The registry can't be written.",
        "Ask for the right to write the file and its folder.",
    ),
    (
        "locked",
        "registry-busy",
        "Another process has been writing to the registry for 30 seconds.",
        "Wait until it is done and run the command again.",
    ),
    (
        "full",
        "disk-full",
        "The disk is full; nothing was recorded.",
        "Free some space and run the command again.",
    ),
)


def retried(cls: type[_Store]) -> type[_Store]:
    """Let public methods of a class be called again, for half a minute, on `server.LostError`."""
    for name, method in list(vars(cls).items()):
        if callable(method) and not name.startswith("_"):
            setattr(cls, name, _again(method))
    return cls


def _again(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def repeated(*arguments: Any, **named: Any) -> Any:
        for seconds in (0.1, 0.5, 1, 2, 4, 8, 16):
            try:
                return method(*arguments, **named)
            except server.LostError:
                time.sleep(seconds)
        return method(*arguments, **named)

    return repeated


class Database:
    """A registry's database: transactions that read, and transactions that write."""

    def __init__(self, url: str, actor: str = "") -> None:
        """Open the database and bring its tables up to date.

        Args:
            url: An SQLAlchemy URL, for example `sqlite:////data/registry.db`.
            actor: Who connects to a server whose URL names nobody.

        Raises:
            EngineError: The database can't be opened, or a newer Foreview made it.
        """
        parsed = _parse(url)
        self._is_server = server.is_server(parsed)
        if self._is_server:
            parsed = server.signed_in(parsed, actor)
        self._place = parsed.render_as_string(hide_password=True)
        self._engine = server.make_engine(parsed) if self._is_server else _make_engine(parsed)
        self._upgrade()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose work is recorded whole or not at all.

        Raises:
            LostError: The server was lost before anything was recorded.
        """
        is_whole = False
        try:
            with (
                self._translated(),
                self._engine.connect().execution_options(writes=True) as connection,
                server.alone(connection) if self._is_server else nullcontext(True) as is_alone,
            ):
                if not is_alone:
                    message = f"Others have been writing for {server.LOCK_SECONDS} seconds."
                    fix = "Wait until they are done and run the command again."
                    raise self._error("registry-busy", message, fix)
                with connection.begin():
                    yield connection
                    is_whole = True
        except server.LostError as error:
            if is_whole:  # it was lost while it recorded
                message = "The connection was lost while it recorded: it did, or it did not."
                fix = "See foreview list and foreview status; what is there is not recorded twice."
                raise self._error("registry-unknown", message, fix) from error
            raise

    def administer(self, statements: Sequence[str]) -> None:
        """Run statements that say who may do what; each takes effect by itself."""
        with self._translated(), self._engine.begin() as connection:
            for one in statements:
                connection.exec_driver_sql(one)

    def _upgrade(self) -> None:
        with self.reading() as connection:
            if self._version(connection) == HEAD:
                return
        with self.writing() as connection:
            if self._version(connection) != HEAD:
                from alembic import command

                command.upgrade(migrations(connection), "head")

    def _version(self, connection: Connection) -> str | None:
        tables = sa.inspect(connection).get_table_names()
        if "alembic_version" not in tables:
            if tables and connection.dialect.name == "sqlite":
                message = "The file is a database of something else than a registry."
                raise self._error("registry-unreadable", message, "Name another file.")
            return None
        version = connection.scalar(sa.select(sa.column("version_num")).select_from(_VERSIONS))
        if version is not None and version > HEAD:
            message = f"The registry was made by a newer Foreview (version {version}, not {HEAD})."
            raise self._error("registry-newer", message, "Upgrade Foreview.")
        return None if version is None else str(version)

    def _error(self, rule: str, message: str, fix: str, value: str = "") -> EngineError:
        return EngineError(Problem(rule, message, self._place, value, fix))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            cause = str(error.orig)
            if self._is_server:
                raise server.error_of(error, self._place) from error
            for text, rule, message, fix in _CAUSES:
                if text in cause.lower():
                    raise self._error(rule, message, fix, cause) from error
            message = f"The registry's database failed: {cause}."
            fix = "Nothing was recorded; run the command again when the database is well."
            raise self._error("registry-failed", message, fix) from error


_VERSIONS = sa.table("alembic_version", sa.column("version_num"))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
        in_file = parsed.database not in (None, "", ":memory:")
        is_uri = str(parsed.database).startswith("file:")  # names its folder in its own way
        if parsed.get_backend_name() == "sqlite" and in_file and not is_uri:
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    except (ArgumentError, NoSuchModuleError) as error:
        shown = re.sub(r"://([^:@/]*):.*@", r"://\1:***@", url)
        message = f"{shown!r} is not the address of a database."
        fix = "Write it as sqlite:////folder/registry.db, or as mariadb://server/database."
        raise EngineError(Problem("registry-unreadable", message, fix=fix)) from error
    except OSError as error:
        message = f"The registry's folder can't be made: {error.strerror}."
        fix = "Make it, or name another."
        raise EngineError(Problem("registry-not-writable", message, url, fix=fix)) from error
    return parsed


def _make_engine(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    engine = sa.create_engine(url, poolclass=sa.StaticPool if in_memory else sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions, not the driver
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def migrations(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for the registry's migrations, to run on a connection."""
    from alembic.config import Config

    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
