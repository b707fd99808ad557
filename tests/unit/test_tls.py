"""TLS to the registry and the store: encrypted and the server checked, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme
from registries import Clock

from conftest import make_workspace
from foreview.errors import EngineError
from foreview.mariadb_server import NoServerError, Server, running_server
from foreview.registry import Registry
from foreview.store import check_store, instead

Connects = Callable[[Server, str, Path, Path], None]
"""Connects to a server by a name of its host, with a CA's certificate; a folder to work in."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[Server]:
    """A server that is 127.0.0.1 by its certificate and speaks TLS only."""
    with TemporaryDirectory() as folder:
        # It may run as a user of its own.
        Path(folder).chmod(0o755)
        own = authority.issue_cert("127.0.0.1")
        certificate, key = Path(folder, "server.pem"), Path(folder, "server.key")
        own.cert_chain_pems[0].write_to_path(certificate)
        own.private_key_pem.write_to_path(key)
        key.chmod(0o644)
        try:
            with running_server(
                f"--ssl-cert={certificate}", f"--ssl-key={key}", "--require-secure-transport=ON"
            ) as one:
                yield one
        except NoServerError as error:
            pytest.skip(str(error))


def write_ca(authority: trustme.CA, folder: Path) -> Path:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def registry_by_address(server: Server, host: str, ca: Path, _: Path) -> None:
    where = f"{server.user}:{server.password}@{host}:{server.port}/registry"
    Registry(f"mariadb://{where}?ssl_ca={ca}", Clock()).events()


def registry_by_file(server: Server, host: str, ca: Path, folder: Path) -> None:
    file = defaults_file(server, host, ca, folder)
    Registry(f"mariadb:///registry?read_default_file={file}", Clock()).events()


def store_by_address(server: Server, host: str, ca: Path, folder: Path) -> None:
    address = f"mariadb://{server.user}@{host}:{server.port}/?ssl_ca={ca}"
    with instead(address), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_ENV_SECRET_STORE_PASSWORD", server.password)
        ask_for_the_store(folder)


def store_by_file(server: Server, host: str, ca: Path, folder: Path) -> None:
    file = defaults_file(server, host, ca, folder)
    with instead(f"mariadb:///?read_default_file={file}"):
        ask_for_the_store(folder)


def ask_for_the_store(folder: Path) -> None:
    """The server has none, and says so to whom it lets in."""
    with pytest.raises(EngineError) as error:
        check_store(make_workspace(folder, "tls"))
    if "doesn't exist" not in str(error.value):
        raise error.value


def defaults_file(server: Server, host: str, ca: Path, folder: Path) -> Path:
    file = folder / "client.cnf"
    file.write_text(
        f"[client]\nhost={host}\nport={server.port}\nuser={server.user}\n"
        f"password={server.password}\nssl-ca={ca}\n"
    )
    file.chmod(0o600)
    return file


WAYS = [registry_by_address, registry_by_file, store_by_address, store_by_file]


@pytest.fixture(params=WAYS, ids=lambda one: one.__name__)
def connects(request: pytest.FixtureRequest) -> Connects:
    return request.param  # type: ignore[no-any-return]


def make_database(server: Server) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create database if not exists registry")


def test_a_server_that_the_authority_vouches_for_is_spoken_to(
    server: Server, authority: trustme.CA, connects: Connects, tmp_path: Path
) -> None:
    make_database(server)
    connects(server, server.host, write_ca(authority, tmp_path), tmp_path)


@pytest.mark.parametrize("why", ["another authority", "another name", "no TLS"])
def test_any_other_is_refused_and_the_password_told_to_nobody(
    server: Server,
    mariadb: Server,
    authority: trustme.CA,
    connects: Connects,
    tmp_path: Path,
    why: str,
) -> None:
    ca = trustme.CA() if why == "another authority" else authority
    host = "localhost" if why == "another name" else server.host
    other = mariadb if why == "no TLS" else server
    make_database(other)
    with pytest.raises(EngineError) as error:
        connects(other, host, write_ca(ca, tmp_path), tmp_path)
    assert ("certificate" if why != "no TLS" else "SSL") in str(error.value)
    assert other.password not in str(error.value)
