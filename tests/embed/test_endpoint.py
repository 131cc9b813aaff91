"""An endpoint: where it may be, how often it is asked, what it may answer, and what an error says."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kit.serving import Serving, serving
from severance import EmbedderError, InputError
from severance.embed import endpoint as endpoints
from severance.embed.endpoint import Endpoint, Patience

SECRET = "petey drew a map"
QUESTION = {"model": "m", "input": [SECRET]}


class Reply(msgspec.Struct):
    data: list[Any]


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving() as made:
        yield made


def patient(pauses: list[float], **how: Any) -> Patience:
    return Patience(wait=pauses.append, chance=lambda: 1.0, **{"seconds": 60, **how})


def asked(server: Serving, *modes: str, pauses: list[float] | None = None, **how: Any) -> Reply:
    server.modes = list(modes)
    patience = patient([] if pauses is None else pauses, **how)
    return Endpoint(server.url, patience=patience).ask("embeddings", QUESTION, Reply, EmbedderError)


def test_a_question_is_one_post_of_json(server: Serving) -> None:
    assert len(asked(server, "ok").data) == 1
    [request] = server.asked
    assert (request.path, request.body) == ("/v1/embeddings", QUESTION)
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("mode", ["429", "500", "503", "408", "closed", "dropped"])
def test_what_may_pass_is_asked_again(server: Serving, mode: str) -> None:
    assert len(asked(server, mode, mode, "ok").data) == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize("mode", ["400", "404", "401", "403", "redirect:/v1/other", "html", "garbage", "deep", "huge"])
def test_what_will_not_pass_is_asked_once(server: Serving, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLY", 2**20)
    with pytest.raises(EmbedderError):
        asked(server, mode, "ok")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("500", "answered with status 500 (asked 3 times)"),
        ("404", "answered with status 404"),
        ("401", "wants a key; name the variable that holds one"),
        ("closed", "broke the connection off, or cannot be reached (asked 3 times)"),
        ("dropped", "broke the connection off, or cannot be reached (asked 3 times)"),
        (
            "redirect:http://example.invalid/v1",
            "sends requests on to another address, which is not followed; name that address itself",
        ),
        ("204", "answered with status 204 instead of 200"),
        ("html", "did not answer with JSON"),
        ("untyped", "did not say of what kind its answer is; its Content-Type has to be application/json"),
        ("garbage", "answered with something that cannot be read as such an answer"),
        ("deep", "answered with something that cannot be read as such an answer"),
        ("huge", "answered with more than 1,048,576 bytes"),
    ],
)
def test_an_error_is_one_sentence_without_what_was_said(
    server: Serving, mode: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLY", 2**20)
    with pytest.raises(EmbedderError) as caught:
        asked(server, mode, tries=3)
    assert str(caught.value) == f"the endpoint at {server.url[7:-3]} {said}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("mode", "again"),
    [
        *((mode, True) for mode in ("408", "429", "500", "503", "closed", "dropped", "raw")),
        *(
            (mode, False)
            for mode in ("400", "401", "403", "404", "204", "redirect:/v1/x", "html", "untyped", "garbage")
        ),
    ],
)
def test_an_error_says_whether_another_try_could_help(server: Serving, mode: str, again: bool) -> None:
    with pytest.raises(EmbedderError) as caught:
        asked(server, mode, tries=2)
    assert caught.value.again is again
    assert len(server.asked) == (2 if again else 1)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_chunk_that_has_no_end_is_read_no_further_than_the_limit(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLY", 2**20)
    server.raw = itertools.chain([CHUNKED + b"-1\r\n"], itertools.repeat(b" " * 2**16))
    tracemalloc.start()
    try:
        with pytest.raises(EmbedderError, match="answered with more than 1,048,576 bytes"):
            asked(server, "raw")
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("framing", [b"", CHUNKED + b"0;", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_whatever_frames_an_answer_counts_as_part_of_it(
    server: Serving, framing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLY", 2**12)
    server.raw = itertools.repeat(framing if framing.startswith(b"HTTP/1.1 100") else framing + b"x" * 2**12, 2**10)
    with pytest.raises(EmbedderError, match="answered with more than 4,096 bytes"):
        asked(server, "raw")


@pytest.mark.parametrize(
    "raw",
    [
        CHUNKED + b"-5\r\n",
        CHUNKED + b"F" * 40 + b"\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\n{}",
        CHUNKED.replace(b"Transfer-Encoding: chunked", b"Content-Length: -5") + b"[]",
        CHUNKED.replace(b"Transfer-Encoding: chunked", b"Content-Length: " + b"9" * 18) + b"[]",
        CHUNKED.replace(b"Transfer-Encoding: chunked", b"Content-Length: " + b"9" * 5_000) + b"[]",
        b'HTTP/1.1 200 OK\r\nContent-Type: =?utf-8?q?=1b?=; a*0="x;\r\nDate: \xff\r\n\r\n{}',
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; a*=\r\n; b*0*=%\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 999999999999999 x\r\n\r\n",
        b"garbage\r\n\r\n",
        b"",
    ],
)
def test_whatever_a_server_sends_is_an_error_of_the_kind_that_was_asked_for(server: Serving, raw: bytes) -> None:
    server.raw = [raw]
    with pytest.raises(EmbedderError) as caught:
        asked(server, "raw", tries=2)
    assert caught.value.__suppress_context__


def test_what_the_standard_library_raises_else_is_one_too(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(response: Any, *, key: str | None) -> bytes:
        raise AttributeError(SECRET)

    monkeypatch.setattr(endpoints, "_body", failing)
    with pytest.raises(EmbedderError, match=r"answered with something that is not HTTP \(asked 2 times\)$"):
        asked(server, "ok", tries=2)


def test_nothing_listens_there(server: Serving, pauses: list[float]) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(EmbedderError, match=r"nothing listens there \(asked 5 times\)"):
        Endpoint(url, patience=patient(pauses)).ask("embeddings", QUESTION, Reply, EmbedderError)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_pauses_double_up_to_the_longest_and_are_shortened_by_chance() -> None:
    patience = Patience(first=1.0, most=5.0, chance=lambda: 0.0)
    assert [patience.pause(failures, None) for failures in range(1, 6)] == [0.5, 1.0, 2.0, 2.5, 2.5]
    assert all(0 <= Patience().chance() < 1 for _ in range(100))


@pytest.mark.parametrize(
    ("said", "waited"),
    [("7", 7.0), ("100000", 30.0), ("0", 0.0), ("-3", 0.5), ("soon", 0.5), ("", 0.5), ("9" * 99, 0.5)],
)
def test_a_server_that_says_when_is_believed_within_bounds(
    server: Serving, pauses: list[float], said: str, waited: float
) -> None:
    server.retry_after = said
    asked(server, "429", "ok", pauses=pauses)
    assert pauses == [waited]


def test_a_date_to_come_back_is_set_against_the_date_of_the_server(server: Serving, pauses: list[float]) -> None:
    server.retry_after = "Fri, 31 Dec 2100 23:59:59 GMT"
    asked(server, "503", "ok", pauses=pauses)
    assert pauses == [30.0]


@pytest.mark.parametrize(
    "said",
    [
        "Fri, 31 Dec {} 23:59:59 GMT",
        "Fri, 31 Dec 2100 23:59:{} GMT",
        "Fri, {} +{}",
        "Mon, 01 Jan 2024 00:00:00 +{}",
        "Mon, {} Jan 2024 00:00:00 GMT",
    ],
)
def test_a_date_beyond_all_numbers_is_none(server: Serving, pauses: list[float], said: str) -> None:
    server.retry_after = said.replace("{}", "9" * 30)
    asked(server, "503", "ok", pauses=pauses)
    assert pauses == [0.5]


def test_a_pause_beyond_the_time_there_is_ends_it(server: Serving, pauses: list[float]) -> None:
    server.retry_after = "20"
    with pytest.raises(EmbedderError, match="status 429"):
        asked(server, "429", pauses=pauses, seconds=10)
    assert (pauses, len(server.asked)) == ([], 1)


@pytest.mark.parametrize("mode", ["hangs", "drips"])
def test_a_server_that_takes_for_ever_is_given_up_in_time(server: Serving, mode: str) -> None:
    begun = time.monotonic()
    with pytest.raises(EmbedderError, match=r"did not answer within 0\.3 seconds"):
        asked(server, mode, seconds=0.3)
    assert time.monotonic() - begun < 300, "it was the server that gave up"
    assert len(server.asked) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal to one thread")
def test_ctrl_c_ends_a_request_that_hangs(server: Serving) -> None:
    main = threading.get_ident()

    def interrupt() -> None:
        while not server.asked:
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        asked(server, "hangs")


def test_every_request_has_a_connection_of_its_own(server: Serving) -> None:
    ports = {asked(server, "ok") and server.asked[-1].port for _ in range(4)}
    assert len(ports) == 4


def test_a_redirect_is_not_followed_even_on_the_same_machine(server: Serving) -> None:
    with serving() as other:
        with pytest.raises(EmbedderError, match="not followed"):
            asked(server, f"redirect:{other.url}/embeddings")
        assert other.asked == []


def test_proxies_of_the_environment_are_not_used(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        asked(server, "ok")
        assert proxy.asked == []


def test_a_key_is_read_from_the_variable_when_it_is_needed(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(server.url, key="KIT_KEY", patience=patient([]))
    monkeypatch.setenv("KIT_KEY", "sk-1234")
    endpoint.ask("embeddings", QUESTION, Reply, EmbedderError)
    assert server.asked[0].headers["Authorization"] == "Bearer sk-1234"


@pytest.mark.parametrize("value", [None, "", "two words", "line\nbreak", "ümlaut"])
def test_a_key_that_is_none_is_not_sent_and_not_shown(
    server: Serving, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("KIT_KEY", raising=False)
    else:
        monkeypatch.setenv("KIT_KEY", value)
    with pytest.raises(EmbedderError, match="needs a key, and KIT_KEY does not hold one; set it") as caught:
        Endpoint(server.url, key="KIT_KEY").ask("embeddings", QUESTION, Reply, EmbedderError)
    assert not value or value not in str(caught.value)
    assert server.asked == []


@pytest.mark.parametrize("mode", ["401", "500", "404", "garbage"])
def test_no_error_and_no_repr_shows_the_key(server: Serving, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_KEY", "sk-1234")
    server.modes = [mode]
    endpoint = Endpoint(server.url, key="KIT_KEY", patience=patient([]))
    with pytest.raises(EmbedderError) as caught:
        endpoint.ask("embeddings", QUESTION, Reply, EmbedderError)
    shown = repr(endpoint) + repr(caught.value) + repr(vars(endpoint)) + repr(vars(caught.value))
    assert "sk-1234" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:80/v1",
        "ftp://127.0.0.1/v1",
        "http:///v1",
        "http://127.0.0.1:x/v1",
        "http://user:pass@127.0.0.1/v1",
        "https://key@example.org/v1",
        "https://example.org/v1?key=1",
        "https://example.org/v1#a",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://exämple.org/v1",
        "http://[::1/v1",
        "https://a..example.org/v1",
        f"https://{'a' * 64}.example.org/v1",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        Endpoint(url)


@pytest.mark.parametrize("url", ["http://10.0.0.1/v1", "http://example.org/v1", "http://127.0.0.1.example.org/v1"])
def test_plain_http_leaves_this_machine_only_where_that_was_allowed(url: str) -> None:
    with pytest.raises(InputError, match="encrypted only"):
        Endpoint(url)
    Endpoint(url, plain_http=True)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/v1", "http://127.9.9.9/", "http://[::1]:8080/v1", "http://localhost/v1"]
)
def test_this_machine_needs_no_encryption(url: str) -> None:
    Endpoint(url)


@pytest.mark.parametrize("key", ["sk-12-34", "sk_12_34", "AIza1234", "SK-12", "1234", ""])
def test_a_key_is_a_name_and_not_the_key(key: str) -> None:
    with pytest.raises(InputError, match="name of a variable in capitals") as caught:
        Endpoint("https://example.org/v1", key=key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("how", [{"seconds": 0}, {"seconds": 1e9}, {"tries": 0}, {"tries": 101}])
def test_patience_has_bounds(how: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Patience(**how)


def test_time_is_counted_over_all_tries(server: Serving) -> None:
    ticks = itertools.count(0.0, 10.0)
    with pytest.raises(EmbedderError, match="status 500"):
        asked(server, "500", seconds=100, tries=100, ticks=lambda: next(ticks))
    assert len(server.asked) < 10
    assert os.environ.get("KIT_KEY") is None


def test_an_encrypted_endpoint_is_trusted_where_its_certificate_is(
    tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate(tmp_path)
    with serving(tls=files) as server:
        endpoint = Endpoint(server.url, patience=patient(pauses))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nobody.pem"))
        with pytest.raises(EmbedderError, match="a certificate that this machine does not trust"):
            endpoint.ask("embeddings", QUESTION, Reply, EmbedderError)
        assert (server.asked, pauses) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
        endpoint.ask("embeddings", QUESTION, Reply, EmbedderError)
        much = {"model": "m", "input": [SECRET * 2**16]}
        endpoint.ask("embeddings", much, Reply, EmbedderError)
        assert server.asked[-1].body == much
        server.modes = ["drips"]
        with pytest.raises(EmbedderError, match="did not answer within"):
            Endpoint(server.url, patience=Patience(seconds=0.3)).ask("embeddings", QUESTION, Reply, EmbedderError)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=100_000))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return files
