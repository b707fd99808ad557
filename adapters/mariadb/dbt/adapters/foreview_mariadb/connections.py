"""Connections to MariaDB by PyMySQL: credentials, session settings, errors, cancelling."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from dbt.adapters.contracts.connection import (
    AdapterResponse,
    Connection,
    ConnectionState,
)
from dbt.adapters.contracts.connection import Credentials as BaseCredentials
from dbt.adapters.events.logging import AdapterLogger
from dbt.adapters.exceptions import FailedToConnectError
from dbt.adapters.sql import SQLConnectionManager
from dbt_common.exceptions import DbtConfigError, DbtDatabaseError, DbtRuntimeError
from pymysql.constants import CLIENT, ER, FIELD_TYPE
from pymysql.cursors import Cursor

logger = AdapterLogger("MariaDB")

FAMILIES = {
    "int": ["TINY", "SHORT", "INT24", "LONG", "LONGLONG"],
    "decimal": ["NEWDECIMAL"],
    "double": ["FLOAT", "DOUBLE"],
    "text": ["VARCHAR", "VAR_STRING", "STRING", "BLOB"],
    "date": ["DATE"],
    "time": ["TIME"],
    "datetime": ["DATETIME", "TIMESTAMP"],
    "year": ["YEAR"],
    "bit": ["BIT"],
}
TYPE_NAMES = {getattr(FIELD_TYPE, one): name for name, ones in FAMILIES.items() for one in ones}
"""What dbt compares between a contract and a query: families of types. MariaDB can't cast to every
one (`true` is an int, never a boolean), and refuses values that a column of a family has no room
for."""


@dataclass
class Credentials(BaseCredentials):
    """What a target of type `foreview_mariadb` may set; see the README."""

    database: str | None = None
    schema: str = ""
    url: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    unix_socket: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    defaults_file: str | None = None
    defaults_group: str = "client"
    ssl_ca: str | None = None
    ssl_cert: str | None = None
    ssl_key: str | None = None
    collation: str = "utf8mb4_bin"
    connect_timeout: int = 10

    _ALIASES: ClassVar[dict[str, str]] = {
        "server": "host",
        "username": "user",
        "pass": "password",
        "PWD": "password",
        "UID": "user",
    }

    def __post_init__(self) -> None:
        """Take the address apart, and refuse what is no schema, address or collation.

        MariaDB has one word for database and schema.
        """
        for name, value in settings_of(self.url).items() if self.url else ():
            setattr(self, name, value)
        if self.database is not None and self.database != self.schema:
            raise DbtConfigError(
                f"The target has database {self.database!r} and schema {self.schema!r}. On MariaDB "
                "a schema is a database: leave `database` out of profiles.yml."
            )
        self.database = None
        if not self.collation.startswith("utf8mb4_"):
            raise DbtConfigError(
                f"The target has collation {self.collation!r}; texts are utf8mb4: set one of its "
                "collations in profiles.yml, as utf8mb4_bin or utf8mb4_nopad_bin."
            )

    @property
    def type(self) -> str:
        """The adapter's type."""
        return "foreview_mariadb"

    @property
    def unique_field(self) -> str:
        """What dbt hashes to tell deployments apart."""
        return self.host or self.unix_socket or self.defaults_file or "localhost"

    def _connection_keys(self) -> tuple[str, ...]:
        """What `dbt debug` may show."""
        return (
            "host",
            "port",
            "unix_socket",
            "user",
            "schema",
            "defaults_file",
            "ssl_ca",
            "collation",
        )


IN_ADDRESSES = {
    "read_default_file": "defaults_file",
    "read_default_group": "defaults_group",
    **{name: name for name in ("unix_socket", "ssl_ca", "ssl_cert", "ssl_key")},
}
"""What may follow the `?` of an address, by PyMySQL's names, and what it sets of a target."""


def settings_of(url: str) -> dict[str, Any]:
    """Return what `mariadb://user@host:3306/?ssl_ca=...` sets of a target.

    Raises:
        DbtConfigError: it is no such address; the message does not quote it.
    """
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        found: dict[str, Any] = {IN_ADDRESSES[name]: value for name, value in given.items()}
        named = {"host": parts.hostname, "port": parts.port}
        named |= {"user": parts.username, "password": parts.password}
        if not parts.scheme.startswith(("mariadb", "mysql")) or parts.path.strip("/"):
            raise ValueError
    except (ValueError, KeyError) as error:
        raise DbtConfigError(
            "The target's url is not of the form mariadb://user@host:3306/?ssl_ca=/path/to/ca.pem. "
            f"Behind the ? may be {', '.join(IN_ADDRESSES)}. The database is named by `schema`."
        ) from error
    for name, value in named.items():
        if value is not None:
            found[name] = unquote(value) if isinstance(value, str) else value
    if "defaults_file" in found:
        found["defaults_file"] = str(Path(found["defaults_file"]).expanduser())
    return found


class ScriptCursor(Cursor):
    """Runs one or several statements; the result is that of the last one.

    dbt's own macros, hooks and headers send several statements at once.
    """

    def execute(self, query: str, args: Any = None) -> int:
        """Run the statements.

        Args:
            query: SQL, statements separated by semicolons.
            args: values for `%s`; without any, `%` is an ordinary character.

        Returns:
            The number of rows of the last statement.

        Raises:
            DbtRuntimeError: there is a NUL in the SQL, or in a value.
        """
        if "\0" in query or any(isinstance(one, str) and "\0" in one for one in args or ()):
            raise DbtRuntimeError("The SQL has a NUL character in it: take it out of the text.")
        rows = super().execute(query, args)
        try:
            while self.nextset():
                rows = self.rowcount
        except pymysql.Error as error:
            # Only blanks or a comment follow the last semicolon.
            if error.args[0] != ER.EMPTY_QUERY:
                raise
        return int(rows)


def connect(credentials: Credentials) -> pymysql.Connection:
    """Open a session with the settings that the adapter's SQL relies on.

    Raises:
        FailedToConnectError: the server can't be reached, or refuses; the message has no password.
    """
    given = {
        "host": credentials.host,
        "port": credentials.port,
        "unix_socket": credentials.unix_socket,
        "user": credentials.user,
        # As text PyMySQL takes Latin-1 only.
        "password": credentials.password and credentials.password.encode(),
        "ssl_ca": credentials.ssl_ca,
        "ssl_cert": credentials.ssl_cert,
        "ssl_key": credentials.ssl_key,
        # A certificate that is not checked, or is another server's, protects nothing.
        "ssl_verify_identity": True if credentials.ssl_ca else None,
    }
    if credentials.defaults_file:
        given["read_default_file"] = credentials.defaults_file
        given["read_default_group"] = credentials.defaults_group
    try:
        handle = pymysql.connect(
            **{name: value for name, value in given.items() if value is not None},
            charset="utf8mb4",
            collation=credentials.collation,
            client_flag=CLIENT.MULTI_STATEMENTS,
            local_infile=True,
            connect_timeout=credentials.connect_timeout,
            cursorclass=ScriptCursor,
            # Otherwise each read would keep its locks until the connection is released.
            autocommit=True,
        )
    except (pymysql.Error, OSError, ValueError) as error:
        where = credentials.host or credentials.unix_socket or credentials.defaults_file
        raise FailedToConnectError(
            f"No connection to MariaDB at {where or 'localhost'}: {describe(error)}. Look at host, "
            "port, user, password and ssl_* of the target in profiles.yml (or its defaults_file), "
            "and whether the server runs."
        ) from error
    # A server may ask for any file of the client then; on only while a seed is loaded.
    handle._local_infile = False
    with handle.cursor() as cursor:
        cursor.execute(SESSION)
    return handle


SESSION = """
set session
    time_zone = '+00:00',
    sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER',
    group_concat_max_len = 1073741824,
    join_cache_level = 8,
    join_buffer_space_limit = 268435456,
    join_buffer_size = 67108864;
set session transaction isolation level read committed
"""
"""UTC; what does not fit is an error, never cut; a grant makes no user; joins without an index by
hash; an `insert ... select` locks no row that it reads, so that threads don't wait."""


def describe(error: Exception) -> str:
    """Return an error of the driver as `message (number)`."""
    if isinstance(error, pymysql.Error) and len(error.args) > 1:
        return f"{error.args[1]} ({error.args[0]})"
    return str(error)


class ConnectionManager(SQLConnectionManager):
    """dbt's connections, one a thread."""

    TYPE = "foreview_mariadb"

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Open a connection where it is not open."""
        if connection.state == ConnectionState.OPEN:
            return connection
        try:
            connection.handle = connect(connection.credentials)
        except FailedToConnectError:
            connection.handle = None
            connection.state = ConnectionState.FAIL
            raise
        connection.state = ConnectionState.OPEN
        return connection

    def cancel(self, connection: Connection) -> None:
        """End a session on the server, with what it runs; its transaction is rolled back."""
        thread = connection.handle.thread_id()
        with closing(connect(connection.credentials)) as other, other.cursor() as cursor:
            try:
                cursor.execute(f"kill {thread}")
            except pymysql.Error as error:
                if error.args[0] != ER.NO_SUCH_THREAD:
                    raise
        logger.debug(f"Ended session {thread} of {connection.name}")

    @classmethod
    def _close_handle(cls, connection: Connection) -> None:
        # One that was cancelled, or lost, is closed already.
        if connection.handle is not None and connection.handle.open:
            super()._close_handle(connection)

    @contextmanager
    def exception_handler(self, sql: str) -> Iterator[None]:
        """Roll back, and turn errors of the driver into dbt's."""
        try:
            yield
        except pymysql.Error as error:
            self.rollback_if_open()
            raise DbtDatabaseError(describe(error)) from error
        except DbtRuntimeError:
            self.rollback_if_open()
            raise
        except Exception as error:
            logger.debug(f"Error running SQL: {sql}")
            self.rollback_if_open()
            raise DbtRuntimeError(str(error)) from error

    @classmethod
    def get_response(cls, cursor: Any) -> AdapterResponse:
        """Return the number of rows of the last statement."""
        rows = max(cursor.rowcount or 0, 0)
        return AdapterResponse(_message=f"SUCCESS {rows}", rows_affected=rows, code="SUCCESS")

    @classmethod
    def data_type_code_to_name(cls, type_code: int | str) -> str:
        """Return MariaDB's name of a type of the protocol."""
        return TYPE_NAMES.get(int(type_code), f"type {type_code}")
