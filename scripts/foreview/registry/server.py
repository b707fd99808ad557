"""The registry on a MariaDB server: who connects, one writer at a time, and what its errors mean.

A writer holds a named lock of the server instead of locking rows, for which it would need the right
to update them. The server gives the lock back when the connection ends, and ends connections that
have been still for a minute.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

LOCK_SECONDS = 30
LARGEST_PACKET = 1 << 30
REFUSED = 1644
"""The number of the error of a trigger that refuses a row."""
LOST = frozenset({0, 1053, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 4031})
"""Numbers of errors after which nothing was recorded, and another try may go well."""

_SETTINGS = (
    "SET SESSION wait_timeout = 60, time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
)
_LOCK = "CONCAT('foreview.', LEFT(DATABASE(), 50))"

_DENIED = (
    "registry-denied",
    "Your user of the registry's database may not do this.",
    "Ask an administrator for the role: foreview admin grant.",
)
_FULL = ("disk-full", "The disk of the registry's server is full; nothing was recorded.", "")
_LOST = (
    "registry-lost",
    "The connection to the registry's server was lost; nothing was recorded.",
    "Run the command again when the server is there.",
)
CAUSES: dict[int, tuple[str, str, str]] = {
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370), _DENIED),
    **dict.fromkeys((1021, 1114), _FULL),
    **dict.fromkeys(LOST, _LOST),
    1045: (
        "registry-login",
        "The registry's server does not know you by this name and password.",
        "Put them into the address, or into the file that read_default_file in it names.",
    ),
    1049: (
        "registry-unreadable",
        "There is no such database on the registry's server.",
        "Ask an administrator to make it: create database NAME.",
    ),
    1153: (
        "registry-packet",
        "The change request is larger than the registry's server takes at once.",
        "Ask an administrator to set max_allowed_packet = 1G there.",
    ),
    1290: ("registry-not-writable", "The registry's server is set to be read only.", ""),
    1406: ("value-too-long", "A value is longer than the registry keeps.", "Make it shorter."),
    2003: (
        "registry-unreachable",
        "The registry's server does not answer.",
        "Check that it runs, and the address in FOREVIEW_REGISTRY.",
    ),
}
"""Rule, message and what to do, by the number of MariaDB's error."""


def is_server(url: URL) -> bool:
    """Whether an address is that of a MariaDB server."""
    return url.get_backend_name() in ("mysql", "mariadb")


def signed_in(url: URL, actor: str) -> URL:
    """Return a server's address with the driver to use, and with a user where it names none."""
    named = url.username or "read_default_file" in url.query
    return url.set(drivername="mariadb+pymysql", username=url.username if named else actor)


def user_of(address: str) -> str:
    """Return who acts through a registry's address: the user that it or its file names, or you."""
    try:
        url = make_url(address)
    except ArgumentError:  # opening the registry says so
        return getpass.getuser()
    if url.username:
        return url.username
    file = url.query.get("read_default_file")
    if not isinstance(file, str):
        return getpass.getuser()
    from pymysql.optionfile import Parser

    options = Parser()
    options.read(Path(file).expanduser())
    group = str(url.query.get("read_default_group", "client"))
    return str(options.get(group, "user", None) or getpass.getuser())


def make_engine(url: URL) -> Engine:
    """Return an engine whose connections are checked before use and see one state at a time."""
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args={"max_allowed_packet": LARGEST_PACKET, "charset": "utf8mb4"},
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_SETTINGS)

    return engine


@contextmanager
def alone(connection: Connection) -> Iterator[bool]:
    """Hold the lock of the registry's writers; give whether it was free within half a minute."""
    held = connection.exec_driver_sql(f"SELECT GET_LOCK({_LOCK}, {LOCK_SECONDS})").scalar()
    connection.commit()  # what is read from now on is what the writer before left
    try:
        yield bool(held)
    finally:
        if held and not connection.invalidated:
            try:
                connection.exec_driver_sql(f"DO RELEASE_LOCK({_LOCK})")
                connection.commit()
            except DBAPIError:
                connection.invalidate()  # its end gives the lock back


def number_of(error: DBAPIError) -> int:
    """Return the number of MariaDB's error; that of a lost connection where it has none."""
    arguments = getattr(error.orig, "args", ())
    number = arguments[0] if arguments else 0
    return number if isinstance(number, int) else 0


def text_of(error: DBAPIError) -> str:
    """Return the text of MariaDB's error, without its number."""
    return str(getattr(error.orig, "args", ("",))[-1])
