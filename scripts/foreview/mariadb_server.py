"""A private MariaDB server, for tests and the demo: own data, 127.0.0.1, a free port, a socket."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pymysql

from foreview.errors import EngineError, Problem


class NoServerError(EngineError):
    """MariaDB is not here; the message says why, and what to do."""


@dataclass
class Server:
    """A running server, and a user who may do everything on it."""

    port: int
    socket: Path
    password: str
    defaults_file: Path
    process: subprocess.Popen[bytes]
    host: str = "127.0.0.1"
    user: str = "tester"

    @property
    def address(self) -> str:
        """Its address, with a file that says who connects."""
        return f"mariadb:///?read_default_file={self.defaults_file}"

    def connect(self) -> pymysql.Connection:
        """Open a connection, statements committed one by one."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            autocommit=True,
        )

    def kill_and_start(self) -> None:
        """End the server as if the machine had, and start it again on what it had written."""
        self.process.kill()
        self.process.wait()
        log = self.defaults_file.with_name("log")
        temporary = self.defaults_file.with_name("tmp")
        self.process = _run(cast("list[str]", self.process.args), log, temporary)
        _wait(self, log)


def find_programs() -> tuple[str, str]:
    """Return the paths of mariadbd and mariadb-install-db.

    Raises:
        NoServerError: they are not installed.
    """
    # /usr/sbin is not in everybody's path.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    daemon = shutil.which("mariadbd", path=path)
    installer = shutil.which("mariadb-install-db", path=path)
    if daemon is None or installer is None:
        message = "MariaDB's server is not installed."
        fix = "Run scripts/setup_tests.sh, or install mariadb-server (brew: mariadb)."
        raise NoServerError(Problem("no-mariadb", message, fix=fix))
    return daemon, installer


@contextmanager
def running_server(*options: str) -> Iterator[Server]:
    """Run a server as long as the context lasts; it is stopped by its pid, also after a failure.

    Args:
        options: more options of mariadbd, as `--max-connections=20`.

    Raises:
        NoServerError: MariaDB is not installed, or does not start.
    """
    programs = find_programs()
    # A short path: that of a socket has at most 107 bytes.
    home = Path(tempfile.mkdtemp(prefix="foreview-mariadb-"))
    try:
        server = _start(programs, home, options)
        try:
            _wait(server, home / "log")
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(programs: tuple[str, str], home: Path, options: tuple[str, ...]) -> Server:
    daemon, installer = programs
    data, log, port, password = home / "data", home / "log", _free_port(), secrets.token_hex(16)
    # mariadbd does not run as root.
    user = ["--user=mysql"] if os.geteuid() == 0 else []
    # Where Linux can, the server also ends with a test run that is killed.
    wrapper = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    if wrapper and user:
        wrapper += ["--reuid", "mysql", "--regid", "mysql", "--clear-groups"]
    temporary = home / "tmp"  # a server that starts removes all temporary tables that it finds
    data.mkdir()
    temporary.mkdir()
    defaults, first = home / "client.cnf", home / "first.sql"
    defaults.touch(mode=0o600)
    defaults.write_text(
        f"[client]\nhost=127.0.0.1\nport={port}\nuser=tester\npassword={password}\n"
    )
    first.touch(mode=0o600)
    first.write_text(
        f"create user if not exists 'tester'@'127.0.0.1' identified by '{password}';\n"
        "grant all on *.* to 'tester'@'127.0.0.1' with grant option;\n"
    )
    if user:
        home.chmod(0o755)
        for path in (data, temporary, first):
            shutil.chown(path, "mysql")
    prepare = [installer, "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"]
    if _run(prepare, log, temporary).wait():
        raise _not_started(log)
    process = _run(
        [
            *wrapper,
            daemon,
            "--no-defaults",
            *([] if wrapper else user),
            f"--datadir={data}",
            f"--socket={data}/socket",
            f"--pid-file={data}/pid",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_bin",
            "--local-infile=1",
            # Tests need no durability.
            "--innodb-flush-log-at-trx-commit=0",
            f"--init-file={first}",
            *options,
        ],
        log,
        temporary,
    )
    return Server(port, data / "socket", password, defaults, process)


def _run(command: list[str], log: Path, temporary: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - MariaDB's programs, with options made here
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,  # Ctrl-C is for who started it, who then stops the server
        )


def _wait(server: Server, log: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            server.connect().close()
        except pymysql.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > until:
                raise _not_started(log) from error
            time.sleep(0.1)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _not_started(log: Path) -> NoServerError:
    said = " / ".join(log.read_text(errors="replace").splitlines()[-5:])
    message = f"MariaDB's server did not start: {said}"
    return NoServerError(Problem("no-mariadb", message, fix="Mend that, and try again."))
