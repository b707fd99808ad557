"""Registries of both kinds for tests: one in a file, and one on a MariaDB server."""

from __future__ import annotations

import inspect
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql

from foreview.mariadb_server import Server
from foreview.registry import Registry

START = datetime(2026, 4, 8, 10, 0, tzinfo=UTC)
PEOPLE = ("anna", "bert", "cleo", "dora", "eve")
"""Who acts in tests; on a server each is a user, without a password."""


class Clock:
    """Gives instants a second apart."""

    def __init__(self) -> None:
        self.ticks = 0

    def __call__(self) -> datetime:
        self.ticks += 1
        return START + timedelta(seconds=self.ticks)


class FileStore:
    """A registry in a file."""

    error = sqlite3.IntegrityError
    owner_name = "anna"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def owner(self) -> str:
        """Return the address through which everything may be done."""
        return self.url

    @staticmethod
    def joined(*texts: str) -> str:
        return " || ".join(texts)

    def open(self, clock: Callable[[], datetime] | None = None) -> Registry:
        return Registry(self.url, clock or Clock())

    def run(self, *statements: str) -> None:
        connection = sqlite3.connect(self.path)
        try:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        finally:
            connection.close()

    def tamper(self, *statements: str) -> None:
        """Run statements that triggers would refuse."""
        connection = sqlite3.connect(self.path)
        triggers = connection.execute("select name from sqlite_master where type = 'trigger'")
        names = [name for (name,) in triggers.fetchall()]
        connection.close()
        self.run(*(f"drop trigger {one}" for one in names), *statements)

    @contextmanager
    def tampered(self, table: str, statement: str) -> Iterator[Registry]:
        """Give a registry after a statement that changes a table; the store stays as it is."""
        copy = FileStore(self.path.with_name("copy.db"))
        shutil.copy(self.path, copy.path)
        copy.tamper(statement)
        yield copy.open()


class ServerStore:
    """A registry in a database of its own on a server."""

    error = pymysql.OperationalError
    owner_name = "tester"

    def __init__(self, server: Server, database: str, people: Iterable[str] = PEOPLE) -> None:
        self.server, self.database = server, database
        self.url = f"mariadb://{server.host}:{server.port}/{database}"
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("set foreign_key_checks = 0")
            cursor.execute(f"create or replace database {database}")
            for one in people:
                cursor.execute(f"create user if not exists {one}@'127.0.0.1'")
                cursor.execute(f"grant select, insert on *.* to {one}@'127.0.0.1'")

    @staticmethod
    def joined(*texts: str) -> str:
        return f"concat({', '.join(texts)})"

    def owner(self) -> str:
        """Return the address with the user who may do everything."""
        server = self.server
        return self.url.replace("mariadb://", f"mariadb+pymysql://{server.user}:{server.password}@")

    def open(self, clock: Callable[[], datetime] | None = None) -> Registry:
        Registry(self.owner(), Clock())  # makes the tables
        return EachAsThemselves(self.url, clock or Clock())  # type: ignore[return-value]

    def run(self, *statements: str) -> None:
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"use {self.database}")
            cursor.execute("set foreign_key_checks = 0")
            for statement in statements:
                cursor.execute(statement)

    def tamper(self, *statements: str) -> None:
        """Run statements that triggers would refuse."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"show triggers from {self.database}")
            names = [row[0] for row in cursor.fetchall()]
        self.run(*(f"drop trigger {one}" for one in names), *statements)

    @contextmanager
    def tampered(self, table: str, statement: str) -> Iterator[Registry]:
        """Give a registry after a statement that changes a table; its rows come back after it."""
        copied = " ".join(("insert into kept select * from", table))
        self.tamper(f"create table kept like {table}", copied, statement)
        yield Registry(self.owner(), Clock())
        self.run(f"drop table {table}", f"rename table kept to {table}")


Store = FileStore | ServerStore


class EachAsThemselves:
    """A registry on a server for several people: each records as the user of their name."""

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self._registries = {one: Registry(url, clock, actor=one) for one in PEOPLE}

    def __getattr__(self, name: str) -> Any:
        method = getattr(Registry, name)

        def called(*arguments: Any, **named: Any) -> Any:
            given = inspect.signature(method).bind(self, *arguments, **named).arguments
            who = given.get("actor") or given.get("reviewer")
            if name == "record_change_set":
                who = given["change_set"].author
            found = self._registries[str(who or PEOPLE[0]).lower()]
            return getattr(found, name)(*arguments, **named)

        return called
