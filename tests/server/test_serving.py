"""`severance serve`, and `severance up --http`: where they listen, with what, and how they end."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import util
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import severance
from kit import KEY, PLACES, WORLD
from kit.processes import is_there, until, with_proc
from severance.cli.commands import serve
from severance.errors import InputError, SeveranceError
from severance.resident.beside import Beside
from severance.server.listening import Address, address_in, check_safe, listener, tls_of

from .conftest import Up

PROGRAM = [sys.executable, "-P", "-m", "severance.cli.main"]
Start = Callable[..., Up]
Make = Callable[..., str]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8420", Address("127.0.0.1", 8420)),
        (":0", Address("127.0.0.1", 0)),
        ("localhost:1", Address("127.0.0.1", 1)),
        ("0.0.0.0:65535", Address("0.0.0.0", 65_535)),
        ("[::1]:8420", Address("::1", 8420)),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert address_in(text) == address


@pytest.mark.parametrize(
    "text", ["", "x", "65536", "::1:80", "memory.example:80", "1.2.3:80", "127.0.0.1", "[::1]", "-1", "80 "]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        address_in(text)


def test_other_machines_are_listened_to_with_tls_or_a_word_only() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(InputError, match="in the clear"):
            check_safe(Address(host, 1), tls=False, insecure=False)
        check_safe(Address(host, 1), tls=True, insecure=False)
        check_safe(Address(host, 1), tls=False, insecure=True)
    for host in ("127.0.0.1", "127.8.8.8", "::1"):
        check_safe(Address(host, 1), tls=False, insecure=False)


def test_an_address_that_is_taken_is_said() -> None:
    with listener(Address("127.0.0.1", 0)) as first, pytest.raises(SeveranceError, match="nothing can listen"):
        listener(Address("127.0.0.1", first.getsockname()[1]))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, private


def test_files_that_are_no_certificate_and_key_are_said(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    good, key = certificate
    (tmp_path / "x").write_text("x")
    assert tls_of(None, None) is None
    assert tls_of(good, key) is not None
    for pair in ((good, None), (None, key), (good, tmp_path / "x"), (key, good), (tmp_path / "none", key)):
        with pytest.raises(InputError):
            tls_of(*pair)


class Command:
    """A command that stays, and said one line."""

    def __init__(self, *words: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environ},
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it wrote on standard error."""
        self.process.terminate()
        said = self.process.communicate(timeout=120)[1]
        return self.process.returncode, said


@pytest.fixture
def run() -> Iterator[Callable[..., Command]]:
    started: list[Command] = []

    def start(*words: str, **environ: str) -> Command:
        started.append(Command(*words, **environ))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end()


def test_a_server_begins_before_the_house_and_stays_when_it_goes(
    up: Start,
    store: Path,
    permit: Make,
    run: Callable[..., Command],
) -> None:
    served = run("--store", str(store), "serve", "--listen", "0", "--json", "--log")
    url = json.loads(served.line)["url"]
    assert httpx2.get(url + "/healthz").status_code == 200
    assert httpx2.get(url + "/readyz").status_code == 503
    shown = {"Authorization": f"Bearer {permit()}"}
    started = up(isolation=None)
    until(lambda: httpx2.get(url + "/readyz").status_code == 200)
    session = httpx2.post(url + "/v1/sessions", headers=shown).json()["id"]
    started.house.down()
    assert httpx2.get(f"{url}/v1/sessions/{session}", headers=shown).json()["type"].endswith(":house-down")
    code, said = served.end()
    assert code == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert {"POST", "GET"} == {line["method"] for line in lines}
    assert "/v1/sessions/{id}" in {line["route"] for line in lines}
    assert session not in said
    assert shown["Authorization"][7:] not in said


def test_a_store_that_is_not_there_yet_is_said(run: Callable[..., Command], tmp_path: Path) -> None:
    served = run("--store", str(tmp_path / "none"), "serve", "--listen", "0")
    assert served.line.startswith("Serving at http://127.0.0.1:")
    assert served.process.stdout is not None
    assert served.process.stdout.readline().startswith(f"There is no store at {tmp_path / 'none'} yet; ")


def test_that_no_house_is_up_yet_is_said(run: Callable[..., Command], store: Path) -> None:
    served = run("--store", str(store), "serve", "--listen", "0")
    assert served.line.startswith("Serving at http://127.0.0.1:")
    assert served.process.stdout is not None
    assert served.process.stdout.readline().startswith("No house is up for it yet; until `severance up` begins one, ")


def test_with_a_certificate_it_speaks_tls(
    store: Path,
    certificate: tuple[Path, Path],
    run: Callable[..., Command],
) -> None:
    files = ["--certificate", str(certificate[0]), "--private-key", str(certificate[1])]
    served = run("--store", str(store), "serve", "--listen", "0", "--json", *files)
    url = json.loads(served.line)["url"].replace("127.0.0.1", "localhost")
    assert url.startswith("https://")
    trusting = ssl.create_default_context(cafile=certificate[0])
    assert httpx2.get(url + "/healthz", verify=trusting).json() == {"status": "alive"}
    assert httpx2.get(url + "/healthz", verify=trusting, headers={"origin": url}).status_code == 200
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(url.replace("https", "http") + "/healthz")
    old = ssl.create_default_context(cafile=certificate[0])
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx2.get(url + "/healthz", verify=old).status_code == 200
    assert served.end() == (0, "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--listen", "0.0.0.0:0"], "in the clear"),
        (["--listen", "memory.example:80"], "IP address"),
        (["--listen", "0", "--certificate", "x"], "go together"),
        (["--listen", "0", "--metrics-token-file", "none"], "cannot be read"),
        (["--listen", "0", "--idle", "soon"], "--idle"),
    ],
)
def test_what_cannot_be_meant_is_refused(store: Path, words: list[str], says: str) -> None:
    done = subprocess.run(
        [*PROGRAM, "--store", str(store), "serve", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_the_extra_one_sentence_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    serve.check_installed()
    there = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "fastapi" else there(name))
    with pytest.raises(InputError, match=r"pip install 'severance\[server\]'"):
        serve.check_installed()


@pytest.fixture
def keyed(folder: Path) -> tuple[Path, str]:
    """A store whose root key is in a file, and a permit."""
    key, path = folder / "key", folder / "store"
    with severance.open(path, key=f"file:{key}") as made:  # as the command line opens it
        for subject, personas in WORLD.items():
            made.sever(subject, personas)
        for place, wakes in PLACES.items():
            made.place(place, wakes)
        return path, made.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))


def _in_store(path: Path, *words: str, **environ: str) -> str:
    done = subprocess.run(
        [*PROGRAM, "--store", str(path), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, **environ},
    )
    return done.stdout


def _child(url: str) -> int:
    """The process that listens there."""
    port = f"{int(url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (inode,) = [row[9] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"]
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(entry.readlink()) == f"socket:[{inode}]":
                return int(entry.parts[2])
    raise AssertionError("nobody listens there")


@with_proc
def test_a_house_has_its_server_beside_it(keyed: tuple[Path, str]) -> None:
    path, shown = keyed
    state = json.loads(_in_store(path, "up", "--http", "0", "--json", OTEL_SERVICE_NAME="x", SEVERANCE_SECRET="hidden"))
    try:
        url = state["http"]
        assert httpx2.post(url + "/v1/sessions", headers={"Authorization": f"Bearer {shown}"}).status_code == 201
        child = _child(url)
        environ = Path(f"/proc/{child}/environ").read_bytes()
        assert b"OTEL_SERVICE_NAME=x" in environ
        assert b"SEVERANCE" not in environ, "nothing of ours goes with it, and so no root key"
        assert Path(f"/proc/{child}/fd/1").readlink() == Path("/dev/null")

        os.kill(child, signal.SIGKILL)
        until(lambda: severance.connect(path).state().http not in (None, url))
        again = severance.connect(path).state().http
        assert again is not None
        assert httpx2.get(again + "/readyz").status_code == 200, "it is started anew"
        second = _child(again)
        assert json.loads(_in_store(path, "lock", "--json"))["http"] == again
        until(lambda: httpx2.get(again + "/readyz").json()["house"] == "locked")  # it asks once in a second
    finally:
        _in_store(path, "down")
    until(lambda: not is_there(second))


@with_proc
def test_a_house_that_is_killed_takes_its_server_with_it(keyed: tuple[Path, str]) -> None:
    path, _ = keyed
    house = Command("--store", str(path), "up", "--foreground", "--http", "0", "--json")
    child = _child(json.loads(house.line)["http"])
    house.process.kill()
    house.process.communicate(timeout=120)
    until(lambda: not is_there(child))


def test_a_house_whose_server_cannot_listen_does_not_stay(keyed: tuple[Path, str]) -> None:
    path, _ = keyed
    with listener(Address("127.0.0.1", 0)) as taken:
        words = ["--store", str(path), "up", "--http", str(taken.getsockname()[1])]
        done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=120, check=False)
        alone = [*words[:2], "serve", "--listen", words[-1]]
        served = subprocess.run([*PROGRAM, *alone], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == served.returncode == 1
    assert done.stdout == served.stdout == ""
    assert done.stderr == served.stderr
    assert done.stderr.count("\n") == 1
    assert "nothing can listen" in done.stderr
    with pytest.raises(severance.NotUpError):
        severance.connect(path)


def test_what_is_for_http_needs_http(keyed: tuple[Path, str]) -> None:
    done = subprocess.run(
        [*PROGRAM, "--store", str(keyed[0]), "up", "--insecure"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "--http" in done.stderr


_CHILD = """
import os, sys, socket
end = socket.socket(fileno=int(sys.argv[-1]))
end.sendall(b"ready %d\\n" % os.getpid())
end.recv(1)
"""


def test_what_runs_beside_is_started_anew_and_ended() -> None:
    beside = Beside([sys.executable, "-c", _CHILD], {"PATH": os.environ["PATH"], "SEVERANCE_KEY": KEY.hex()})
    beside.start()
    first = beside.line
    assert first is not None
    os.kill(int(first.split()[1]), signal.SIGKILL)
    until(lambda: beside.line not in (None, first))
    second = beside.line
    beside.stop()
    beside.stop()
    assert beside.line is None
    assert second is not None
    until(lambda: not is_there(int(second.split()[1])))


def test_what_does_not_begin_is_said() -> None:
    says = "import socket, sys; socket.socket(fileno=int(sys.argv[-1])).sendall('! the port is taken\\n'.encode())"
    with pytest.raises(SeveranceError, match=r"^the port is taken$"):
        Beside([sys.executable, "-c", says], dict(os.environ)).start()
    for code in ("raise SystemExit(3)", "import time; print('x')"):
        with pytest.raises(SeveranceError, match="did not begin"):
            Beside([sys.executable, "-c", code], dict(os.environ)).start()
