"""Sessions: cancelling, TLS, passwords, threads, files of the client."""

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.exceptions import FailedToConnectError
from dbt.tests.util import run_dbt, run_dbt_and_capture
from dbt_common.exceptions import DbtConfigError, DbtDatabaseError

from dbt.adapters.foreview_mariadb.connections import Credentials, connect
from foreview.mariadb_server import Server, running_server


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


@pytest.fixture(scope="module")
def certificates() -> Iterator[Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not installed")
    # Not pytest's folder: the server's user has to read them.
    with tempfile.TemporaryDirectory(prefix="foreview-tls-") as name:
        folder = Path(name)
        for owner in ("server", "other"):
            subprocess.run(
                [
                    *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
                    *["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                    *["-keyout", f"{name}/{owner}.key", "-out", f"{name}/{owner}.pem"],
                ],
                check=True,
                capture_output=True,
            )
        for path in [folder, *folder.iterdir()]:
            path.chmod(0o755)
        yield folder


@pytest.fixture(scope="module")
def tls_server(certificates: Path, server: Server) -> Iterator[Server]:
    with running_server(
        f"--ssl-cert={certificates}/server.pem", f"--ssl-key={certificates}/server.key"
    ) as one:
        yield one


class TestTls:
    def test_the_session_is_encrypted(self, tls_server: Server, certificates: Path) -> None:
        given = credentials_of(tls_server, ssl_ca=f"{certificates}/server.pem")
        with connect(given) as connection, connection.cursor() as cursor:
            cursor.execute("show session status like 'Ssl_cipher'")
            assert cursor.fetchone()[1] != ""

    def test_another_certificate_is_refused(self, tls_server: Server, certificates: Path) -> None:
        with pytest.raises(FailedToConnectError, match="certificate verify failed"):
            connect(credentials_of(tls_server, ssl_ca=f"{certificates}/other.pem"))

    def test_a_server_without_it_is_refused(self, server: Server, certificates: Path) -> None:
        with pytest.raises(FailedToConnectError, match="SSL"):
            connect(credentials_of(server, ssl_ca=f"{certificates}/server.pem"))
