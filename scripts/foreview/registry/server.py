"""The registry on a MariaDB server: who connects, one writer at a time, and what its errors mean.

A writer holds a named lock of the server instead of locking rows, for which it would need the right
to update them. The server gives the lock back when the connection ends, and ends connections that
have been still for a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLError
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from foreview.errors import EngineError, ForeviewError, Problem, RefusedError

LOCK_SECONDS = 30
LARGEST_PACKET = 1 << 30
_SETTINGS = (
    "SET SESSION wait_timeout = 60, time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
)
_LOCK = "CONCAT('foreview.', LEFT(DATABASE(), 50))"

_REFUSED = 1644
"""The number of the error of a trigger that refuses a row."""
_SYNTAX = 1064
_NO_TLS = 2026
"""The driver's, where TLS is asked for and the server has none."""
_CAUSES = (
    (
        (0, 1053, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 4031),
        "registry-lost",
        "The registry's server does not answer; nothing was recorded.",
        "Check that it runs, and the address in FOREVIEW_REGISTRY; then run the command again.",
    ),
    (
        (1044, 1142, 1143, 1227, 1370),
        "registry-denied",
        "Your user of the registry's database may not do this.",
        "Ask an administrator for the role: foreview admin grant.",
    ),
    (
        (1045,),
        "registry-login",
        "The registry's server does not know you by this name and password.",
        "Put them into the address, or into the file that read_default_file in it names.",
    ),
    (
        (1049,),
        "registry-unreadable",
        "There is no such database on the registry's server.",
        "Ask an administrator to make it: create database NAME.",
    ),
    (
        (1021, 1114),
        "disk-full",
        "The disk of the registry's server is full; nothing was recorded.",
        "Ask an administrator to make room, and run the command again.",
    ),
    (
        (1153,),
        "registry-packet",
        "This is larger than the registry's server takes at once.",
        "Ask an administrator to set max_allowed_packet = 1G there.",
    ),
    (
        (1290, 1836),
        "registry-not-writable",
        "The registry's server is set to be read only.",
        "Run the command again when it is not.",
    ),
    ((1406,), "too-long-to-record", "A value is longer than can be recorded.", "Make it shorter."),
)
_MAY_GO_WELL = _CAUSES[0][0]


class LostError(EngineError):
    """The server was lost or busy before anything was recorded: it may be tried again."""


def is_server(url: URL) -> bool:
    """Whether an address is that of a MariaDB server."""
    return url.get_backend_name() in ("mysql", "mariadb")


def signed_in(url: URL, actor: str) -> URL:
    """Return a server's address with the driver to use, and with who acts as its user."""
    return url.set(drivername="mariadb+pymysql", username=user_of(url) or actor)


def user_of(address: str | URL) -> str | None:
    """Return the user whom a registry's address or its file names, or None."""
    try:
        url = make_url(address)
    except ArgumentError:  # opening the registry says so
        return None
    file = url.query.get("read_default_file")
    if url.username or not isinstance(file, str):
        return url.username
    from pymysql.optionfile import Parser

    options = Parser()
    options.read(Path(file).expanduser())
    group = str(url.query.get("read_default_group", "client"))
    return str(options.get(group, "user")) if options.has_option(group, "user") else None


def make_engine(url: URL) -> Engine:
    """Return an engine whose connections are checked before use and see one state at a time."""
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_reset_on_return=None,  # each transaction ends itself; a lost connection is no news
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


def error_of(error: DBAPIError, place: str) -> ForeviewError:
    """Return what a server's error means.

    Args:
        error: What the driver raised.
        place: The registry's address, without a password.
    """
    arguments = getattr(error.orig, "args", ()) or (0,)
    number, cause = arguments[0], str(arguments[-1])
    if number == _NO_TLS or isinstance(getattr(error.orig, "original_exception", None), SSLError):
        message = f"No safe connection to the registry's server: {cause}."
        fix = "Name the authority that vouches for it in ssl_ca, and the server as its certificate."
        return EngineError(Problem("registry-tls", message, place, fix=fix))
    # Where a session is killed while the server reads a trigger, it takes it for one with an error.
    is_cut_short = number == _SYNTAX and "has an error in its body" in cause
    if error.connection_invalidated or is_cut_short or not isinstance(number, int):
        number = 0
    if number == _REFUSED:
        message = f"The registry's server refused it: {cause}."
        fix = "Do it with foreview, as somebody who may."
        return RefusedError(Problem("registry-refused", message, place, fix=fix))
    for numbers, rule, message, fix in _CAUSES:
        if number in numbers:
            found = Problem(rule, message, place, str(error.orig), fix)
            return (LostError if number in _MAY_GO_WELL else EngineError)(found)
    message = f"The registry's database failed: {cause}."
    fix = "Nothing was recorded; run the command again when the database is well."
    return EngineError(Problem("registry-failed", message, place, fix=fix))
