"""Where a request goes: to the host, the port and the target that its address says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from severance.net import Asked, checked_url, exchange, target_of, whole
from severance.net import _connection as connection_to

GOES_TO = {
    "http://[::1]/": ("::1", 80, "/"),
    "https://[2001:db8::8443]/log": ("2001:db8::8443", 443, "/log"),
    "https://[2001:db8::1]:8443/log?x=1": ("2001:db8::1", 8443, "/log?x=1"),
    "https://alarms.example.org": ("alarms.example.org", 443, "/"),
    "https://alarms.example.org?x=1": ("alarms.example.org", 443, "/?x=1"),
    "https://alarms.example.org//a/b": ("alarms.example.org", 443, "//a/b"),
    "http://127.0.0.1:8080/a": ("127.0.0.1", 8080, "/a"),
    "https://alarms.example.org:0/": ("alarms.example.org", 0, "/"),
}


@pytest.mark.parametrize("url", GOES_TO)
def test_a_request_goes_where_its_address_says(url: str) -> None:
    parts = checked_url(url, "a webhook", "https://alarms.example.org", query=True)
    connection = connection_to(parts, 1.0)
    assert (connection.host, connection.port, target_of(parts)) == GOES_TO[url]


@pytest.fixture
def sixth() -> Iterator[socket.socket]:
    """Somebody who listens at ::1."""
    with socket.socket(socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET) as listening:
        try:
            listening.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
        listening.listen()
        yield listening


def test_a_machine_that_is_named_by_a_number_with_colons_is_asked(sixth: socket.socket) -> None:
    heard, port = list[bytes](), sixth.getsockname()[1]

    def answer() -> None:
        connection, _ = sixth.accept()
        with connection:
            heard.append(connection.recv(4_096))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    parts = checked_url(f"http://[::1]:{port}?x=1", "a webhook", "https://alarms.example.org", query=True)
    asked = Asked("GET", target_of(parts), None, {})
    found = exchange(parts, asked, whole, deadline=time.monotonic() + 60, ticks=time.monotonic, most=1_000)
    thread.join(60)
    assert found == b"ok"
    head = heard[0].split(b"\r\n")
    assert head[0] == b"GET /?x=1 HTTP/1.1"
    assert b"Host: [::1]:%d" % port in head
