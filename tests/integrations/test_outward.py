"""The tests of adapters notice what goes out. This is the control."""

from __future__ import annotations

import socket

import pytest

from kit.outward import OutwardError, secluded


@pytest.mark.parametrize("address", [("192.0.2.1", 9), ("2001:db8::1", 9, 0, 0)], ids=["v4", "v6"])
def test_a_socket_that_would_leave_is_stopped_and_told(address: tuple[object, ...]) -> None:
    family = socket.AF_INET if len(address) == 2 else socket.AF_INET6
    with secluded() as wanted, socket.socket(family, socket.SOCK_DGRAM) as outer:
        with pytest.raises(OutwardError):
            outer.connect(address)
        with pytest.raises(OutwardError):
            outer.sendto(b"", address)
    assert [told.split()[1] for told in wanted] == [address[0]] * 2


@pytest.mark.parametrize("name", ["telemetry.example.com", b"telemetry.example.com"])
def test_so_is_a_name_that_is_looked_up(name: str | bytes) -> None:
    with secluded() as wanted, pytest.raises(OutwardError):
        socket.getaddrinfo(name, 443)
    assert len(wanted) == 1


def test_loopback_is_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    socket.getaddrinfo("localhost", 80)
    left, right = socket.socketpair()
    left.close()
    right.close()
