"""Asking again, giving up, and never showing the bearer: with a server of ours that answers what it is told to."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from kit.http import Server, running
from remote.conftest import Dial
from server.test_serving import certificate  # noqa: F401 - a fixture
from severance import errors
from severance.remote import AsyncClient, Client, problems, wire
from severance.remote.problems import PREFIX, error_of, wait_of

BEARER = "sev1.THE-BEARER.THAT-NOBODY-MAY-SEE"
CROSSED = {"id": "a" * 32, "subject": "mark", "persona": "innie", "place": "floor", "begun": "x", "new_context": "new"}


def problem(name: str, status: int, **headers: str) -> tuple[int, dict[str, str], object]:
    told = {"type": PREFIX + name, "title": name, "status": status, "detail": f"about {name}"}
    return status, {"content-type": "application/problem+json", **headers}, told


@dataclass
class Scripted:
    """A server that gives these answers in turn, the last for ever, and keeps what it was asked. None hangs up."""

    answers: list[tuple[int, dict[str, str], object] | None]
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def next(self) -> tuple[int, dict[str, str], object] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


Script = Callable[..., Scripted]


@pytest.fixture
def script() -> Iterator[Script]:
    opened: list[Any] = []

    def start(*answers: tuple[int, dict[str, str], object] | None, tls: ssl.SSLContext | None = None) -> Scripted:
        made = Scripted(list(answers))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                made.asked.append((self.command, self.path, dict(self.headers), body))
                answer = made.next()
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, headers, content = answer
                raw = b"" if status == 204 else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(raw))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_DELETE = do_PATCH = do_POST  # noqa: N815 - names of the library

            def log_message(self, *args: object) -> None:
                pass

        server = Server(Handler)
        made.url = f"http://127.0.0.1:{server.port}"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            made.url = f"https://localhost:{server.port}"
        running_now = running(server, lambda: None)
        running_now.__enter__()
        opened.append(running_now)
        return made

    yield start
    for each in opened:
        each.__exit__(None, None, None)


OK = (201, {}, CROSSED)


def test_what_does_not_speak_tls_is_said_in_one_sentence_and_not_asked_again(script: Script, dial: Dial) -> None:
    server = script(OK)
    with pytest.raises(errors.NotUpError) as raised:
        dial(server.url.replace("http:", "https:"), BEARER).cross()
    assert str(raised.value).endswith("does not speak TLS as it should; is it one for http://?")
    assert "\n" not in str(raised.value)
    assert BEARER not in str(raised.value)


@pytest.mark.parametrize(
    "trouble",
    [
        problem("too-many", 429, **{"retry-after": "0"}),
        problem("busy", 429, **{"retry-after": "0"}),
        problem("house-down", 503, **{"retry-after": "0"}),
        problem("store-busy", 503, **{"retry-after": "0"}),
        problem("conflict", 409, **{"retry-after": "0"}),
        problem("encoder-failed", 502, **{"retry-after": "0"}),
        problem("too-long", 504),
        None,
    ],
)
def test_it_is_asked_again_with_the_same_key(dial: Dial, script: Script, trouble: Any) -> None:
    server = script(trouble, trouble, OK)
    assert dial(server.url, BEARER).cross().persona == "innie"
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.asked]
    assert len(keys) == 3
    assert len({*keys}) == 1
    assert len(keys[0]) == 32
    assert {headers["Authorization"] for _, _, headers, _ in server.asked} == {f"Bearer {BEARER}"}


def test_another_request_has_another_key_and_reading_has_none(dial: Dial, script: Script) -> None:
    server = script(OK, (200, {}, {"versions": 1}), (200, {}, {"versions": 1}), (200, {}, {"recollections": []}))
    session = dial(server.url, BEARER).cross()
    session.forget("a" * 30)
    session.forget("a" * 30)
    session.recall("x")
    keys = [headers.get("Idempotency-Key") for _, _, headers, _ in server.asked]
    assert len({*keys[:3]}) == 3
    assert keys[3] is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem("invalid", 422), errors.InputError),
        (problem("not-found", 404), errors.NotFoundError),
        (problem("not-allowed", 403), errors.PermitError),
        (problem("session-ended", 410), errors.AsleepError),
        (problem("override-refused", 409), errors.OverrideError),
        (problem("damaged", 500), errors.DamagedError),
        (problem("store-full", 507), errors.StoreFullError),
        (problem("of-a-later-version", 418), errors.InputError),
        (problem("of-a-later-version", 599), errors.StoreError),
        ((302, {"location": "http://127.0.0.1:1/"}, {}), errors.StoreError),
        ((502, {"retry-after": "x"}, "a proxy"), errors.StoreError),
        ((200, {}, "what no server of Severance says"), errors.StoreError),
        ((200, {}, []), errors.StoreError),
    ],
)
def test_what_waiting_does_not_mend_is_asked_once(
    dial: Dial, script: Script, answer: Any, kind: type[Exception]
) -> None:
    server = script(answer)
    with pytest.raises(kind) as raised:
        dial(server.url, BEARER, patience=0.05 if answer[0] == 502 else 20).cross()
    assert len(server.asked) == 1
    assert BEARER not in str(raised.value)


def test_patience_has_an_end(dial: Dial, script: Script) -> None:
    for answer, kind in (
        (problem("busy", 429, **{"retry-after": "0"}), errors.StoreBusyError),
        (problem("house-locked", 503, **{"retry-after": "3600"}), errors.AsleepError),
        (None, errors.NotUpError),
    ):
        server = script(answer)
        with pytest.raises(kind):
            dial(server.url, BEARER, patience=0.25).cross()
        assert 1 <= len(server.asked) <= 3


def test_a_client_that_was_closed_says_so(dial: Dial) -> None:
    client = dial("http://127.0.0.1:9", BEARER)
    client.close()
    for ask in (client.cross, client.ready):
        with pytest.raises(errors.InputError, match="closed"):
            ask()


def test_every_problem_of_the_server_has_an_error() -> None:
    kinds = pytest.importorskip("severance.server.problems").KINDS
    assert len(kinds) > 20
    for kind in kinds:
        body = json.dumps({"type": PREFIX + kind.name, "title": kind.title, "detail": kind.detail}).encode()
        error = error_of(kind.status, body, again=False)
        assert str(error) == kind.detail
        assert type(error) is not errors.SeveranceError
    for theirs, ours in pytest.importorskip("severance.server.problems")._OF_ERRORS.items():
        if theirs not in (errors.SeveranceError, errors.RerankerError):
            body = json.dumps({"type": PREFIX + ours.name, "detail": "x"}).encode()
            assert type(error_of(ours.status, body, again=False)) is theirs


def test_words_of_a_server_do_not_command_a_terminal() -> None:
    told = json.dumps({"type": PREFIX + "busy", "detail": "\x1b[2J" + "x" * 9_000}).encode()
    said = str(error_of(429, told, again=True))
    assert said.isprintable()
    assert len(said) == 500


def test_how_long_is_waited() -> None:
    assert wait_of(429, "3", 0) == 3.0
    assert wait_of(503, "0", 2) == pytest.approx(0.4)
    assert wait_of(503, None, 0) is None
    assert wait_of(504, None, 0) == pytest.approx(0.1)
    assert wait_of(429, "99999999", 0) == problems.MOST_WAIT
    assert wait_of(429, "Fri, 31 May 2024 07:28:00 GMT", 1) == pytest.approx(0.2)
    assert wait_of(422, "1", 0) is None
    assert problems.pause(1_000) == problems.MOST_WAIT


def test_the_bearer_is_shown_to_the_server_alone(
    dial: Dial, script: Script, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server = script(None, problem("busy", 429, **{"retry-after": "0"}), OK, problem("invalid", 422))
    with caplog.at_level(logging.DEBUG):
        client = dial(server.url, BEARER)
        session = client.cross()
        with pytest.raises(errors.InputError) as raised:
            session.remember("x")
    shown = [caplog.text, *map(repr, (client, session, raised.value, raised.value.__context__)), *capfd.readouterr()]
    held = getattr(client, "held", client)
    shown += [repr(vars(held)), repr(vars(held._http)), str(held), f"{held!r}"]
    assert not any("THE-BEARER" in each for each in shown)
    assert any("THE-BEARER" in headers["Authorization"] for _, _, headers, _ in server.asked)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8420",
        "ftp://127.0.0.1",
        "http://",
        "http://me:secret@127.0.0.1",
        "http://127.0.0.1/?x=1",
        "http://127.0.0.1/#x",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://memory.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1\n",
    ],
)
def test_an_address_that_cannot_be_meant(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(errors.InputError) as raised:
            kind(url, BEARER)
        assert "secret" not in str(raised.value)


def test_addresses_that_can() -> None:
    for url in ("http://127.0.0.1:8420/", "http://localhost", "http://[::1]:1", "https://memory.example/below"):
        assert wire.checked_url(url, insecure=False) == url.rstrip("/")
    assert wire.checked_url("http://memory.example", insecure=True)


@pytest.mark.parametrize("bearer", ["", " ", "two words", "with\nline", "ümlaut", None, b"bytes"])
def test_what_cannot_be_shown(bearer: Any) -> None:
    with pytest.raises(errors.InputError, match="permit or a place credential"):
        Client("http://127.0.0.1", bearer)


def test_whom_to_trust(tmp_path: Any) -> None:
    context = wire.trusted(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert wire.trusted(context) is context
    (tmp_path / "empty.pem").write_text("")
    for path in (tmp_path / "empty.pem", tmp_path / "none.pem"):
        with pytest.raises(errors.InputError, match="certificates"):
            Client("https://127.0.0.1", BEARER, certificates=path)


def test_a_server_that_nobody_vouches_for_is_shown_nothing(
    dial: Dial,
    script: Script,
    certificate: tuple[Path, Path],  # noqa: F811 - a fixture
) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    server = script(OK, tls=serving)
    assert dial(server.url, BEARER, certificates=certificate[0]).cross().persona == "innie"
    for url, trusted in ((server.url, None), (server.url.replace("localhost", "127.0.0.1"), certificate[0])):
        with pytest.raises(errors.NotUpError):
            dial(url, BEARER, certificates=trusted).cross()
    assert len(server.asked) == 1


def test_without_the_extra_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    for kind in (Client, AsyncClient):
        with pytest.raises(errors.InputError, match=r"pip install 'severance\[client\]'"):
            kind("http://127.0.0.1", BEARER)
