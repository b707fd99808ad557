"""Sessions: cancelling, addresses, passwords, threads, files of the client."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.exceptions import FailedToConnectError
from dbt.tests.util import run_dbt, run_dbt_and_capture
from dbt_common.exceptions import DbtConfigError, DbtDatabaseError

from dbt.adapters.foreview_mariadb.connections import Credentials, connect
from foreview.mariadb_server import Server


def credentials_of(server: Server, **more: Any) -> Credentials:
    return Credentials(schema="x", defaults_file=str(server.defaults_file), **more)


class TestCancelling:
    def test_a_cancelled_query_ends_on_the_server(self, project: Any, server: Server) -> None:
        errors: list[Exception] = []

        def sleep() -> None:
            try:
                with adapter.connection_named("sleeper"):
                    adapter.execute("select sleep(600) as slept")
            except DbtDatabaseError as error:
                errors.append(error)

        adapter = project.adapter
        thread = threading.Thread(target=sleep)
        thread.start()
        running = "select count(*) from information_schema.processlist where info like 'select sl%'"
        with server.connect() as connection, connection.cursor() as cursor:

            def wait_for(count: int) -> None:
                for _ in range(300):
                    cursor.execute(running)
                    if cursor.fetchone() == (count,):
                        return
                    time.sleep(0.1)
                raise AssertionError(f"not {count} after half a minute")

            wait_for(1)
            assert adapter.cancel_open_connections() == ["sleeper"]
            wait_for(0)
        thread.join(30)
        assert not thread.is_alive()
        assert len(errors) == 1


class TestThreads:
    @pytest.fixture(scope="class")
    def seeds(self) -> dict[str, str]:
        return {"base.csv": "id,name\n1,a\n2,b\n"}

    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        kinds = ["table", "view", "incremental"]
        return {
            f"m{n}.sql": f"{{{{ config(materialized='{kinds[n % 3]}') }}}} "
            f"select id, concat(name, '{n}') as name from {{{{ ref('base') }}}}"
            for n in range(24)
        }

    def test_eight_of_them_do_not_hinder_each_other(self, project: Any, server: Server) -> None:
        for _ in range(2):
            assert len(run_dbt(["build", "--threads", "8"])) == 25
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from information_schema.processlist where user = 'tester'"
            )
            assert cursor.fetchone() == (1,)


class TestPasswords:
    @pytest.fixture(scope="class")
    def models(self) -> dict[str, str]:
        return {"one.sql": "select 1 as id"}

    def test_none_is_in_logs_and_messages(
        self, project: Any, server: Server, logs_dir: str
    ) -> None:
        _, output = run_dbt_and_capture(["--debug", "run"])
        _, more = run_dbt_and_capture(["debug"])
        logs = "".join(one.read_text() for one in Path(logs_dir).rglob("*.log*"))
        assert "create" in logs
        assert server.password not in output + more + logs

    def test_a_refused_one_is_not_told(self, server: Server) -> None:
        refused = Credentials(schema="x", host="127.0.0.1", port=server.port, user="tester")
        refused.password = "wörd-ключ"  # noqa: S105
        assert "wörd" not in repr(refused)
        with pytest.raises(FailedToConnectError, match="Access denied") as raised:
            connect(refused)
        assert "wörd" not in str(raised.value)
        assert "profiles.yml" in str(raised.value)


class TestSettings:
    def test_a_file_is_sent_only_while_a_seed_is_loaded(
        self, project: Any, server: Server, tmp_path: Path
    ) -> None:
        (tmp_path / "private").write_text("1\n")
        with connect(credentials_of(server)) as connection, connection.cursor() as cursor:
            cursor.execute(f"use {project.test_schema}; create table t (x text)")
            with pytest.raises(RuntimeError, match="local_infile"):
                cursor.execute(f"load data local infile '{tmp_path}/private' into table t")

    @pytest.mark.parametrize("given", [{"database": "another"}, {"collation": "latin1_swedish_ci"}])
    def test_what_cannot_be_is_refused(self, given: dict[str, str]) -> None:
        with pytest.raises(DbtConfigError, match=r"profiles\.yml"):
            Credentials(schema="x", **given)

    def test_an_address_says_what_the_settings_do(self) -> None:
        found = Credentials(
            schema="x",
            url="mariadb://a%40b:p%2Fw@db.example.org:3307/?ssl_ca=/ca.pem&read_default_group=g",
        )
        assert (found.host, found.port, found.user) == ("db.example.org", 3307, "a@b")
        assert (found.password, found.ssl_ca, found.defaults_group) == ("p/w", "/ca.pem", "g")
        assert "p/w" not in repr(found)

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://ana:secret@db/",
            "mariadb://ana:secret@db/x",
            "mariadb://ana:secret@db:no/",
            "mariadb://ana:secret@db/?ssl=secret",
        ],
    )
    def test_what_is_no_address_is_refused_and_not_quoted(self, url: str) -> None:
        with pytest.raises(DbtConfigError, match="mariadb://user@host") as error:
            Credentials(schema="x", url=url)
        assert "secret" not in str(error.value)
