"""Those who say what no program says, or say it slowly, or are somebody else: they get nothing, and hold nobody up."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import severance
from kit import recalled
from kit.processes import until
from severance import InputError, NotFoundError, StoreBusyError, StoreError
from severance.resident import relay
from severance.resident.messages import MOST_OPENING, PROTOCOL, Admit, Ask, Unlock
from severance.worker.messages import (
    PAGE_BYTES,
    Hold,
    Memories,
    Recall,
    Sleep,
    ToldDraft,
    ToldFilter,
    Wake,
    encode,
)
from severance.worker.pipes import framed

from .conftest import Up
from .raw import calling, rest, say

Start = Callable[..., Up]
Make = Callable[..., str]

_ALL = ToldFilter(None, None, None, None, {})


def test_no_call_is_answered_to_who_was_not_let_in(up: Start, permit: Make, store: Path) -> None:
    with up(isolation=None).house.admit(permit()) as session:
        session.remember("the goats are fed at noon")
        wake = Wake(bytes(16), 1, bytes(32), "mark", "innie", "floor", None, "x", True, None)
        for message in (Recall("goats", 10, _ALL), Memories(_ALL), Sleep(), wake):
            with calling(store) as stranger:
                say(stranger, message, message)
                said = rest(stranger)
                assert b"goats" not in said
                assert b"does not understand" in said
        assert recalled(session, "goats") == ["the goats are fed at noon"]


def test_who_was_let_in_can_say_nothing_but_calls(up: Start, permit: Make, store: Path) -> None:
    house, text = up(isolation=None).house, permit()
    for message in (Ask(PROTOCOL), Admit(PROTOCOL, text, None, None), Unlock(PROTOCOL, bytes(32))):
        with calling(store) as inside:
            say(inside, Admit(PROTOCOL, text, None, None), message)
            assert b"Admitted" in (said := rest(inside))
            assert b"State" not in said
            assert said.count(b"Admitted") == 1
    until(lambda: house.state().sessions == 0)


def test_garbage_is_no_message(up: Start, permit: Make, store: Path) -> None:
    house = up(isolation=None).house
    draw = random.Random(1)
    whole = framed(encode(Admit(PROTOCOL, permit(), "floor", None)))
    for n in range(200):
        raw = bytearray(draw.randbytes(draw.randrange(1, 200)) if n % 2 else whole)
        if not n % 2:
            raw[draw.randrange(4, len(raw))] ^= 1 << draw.randrange(8)
        with calling(store) as stranger:
            stranger.sendall(bytes(raw))
            stranger.shutdown(socket.SHUT_WR)
            rest(stranger)
    assert house.state().locked is False
    with house.admit(permit()) as session:
        session.remember("it goes on")


@pytest.mark.parametrize("size", [MOST_OPENING + 1, 2**31, 2**32 - 1])
def test_a_first_message_that_says_that_it_is_large_is_not_waited_for(up: Start, store: Path, size: int) -> None:
    up()
    with calling(store) as stranger:
        stranger.sendall(size.to_bytes(4, "big"))
        assert rest(stranger) == b""


def test_a_garbled_call_ends_that_session_and_no_other(up: Start, permit: Make, store: Path) -> None:
    house = up(isolation=None).house
    with house.admit(permit()) as other, calling(store) as inside:
        say(inside, Admit(PROTOCOL, permit(), None, None))
        inside.sendall(framed(b"\xc1\xc1\xc1"))
        assert b"Admitted" in rest(inside)
        until(lambda: house.state().sessions == 1)
        other.remember("it goes on")


def test_who_is_slow_holds_nobody_up(up: Start, permit: Make, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house, text = up(isolation=None, sessions=4).house, permit()
    slow = []
    try:
        for n in range(30):
            found = socket.socket(socket.AF_UNIX)
            found.connect(str(store / "resident" / "socket"))
            found.sendall(bytes(n % 4))  # a part of a length, or nothing at all
            slow.append(found)
        before = time.monotonic()
        with house.admit(text) as session:
            session.remember("in time")
        assert time.monotonic() - before < relay.OPENING
        for each in slow:
            each.settimeout(60)
            assert rest(each) == b"", "it is shown out"
    finally:
        for each in slow:
            each.close()


def test_a_house_that_is_full_says_so(up: Start, permit: Make) -> None:
    house, text = up(isolation=None, sessions=2).house, permit()
    with house.admit(text), house.admit(text) as second:
        with pytest.raises(StoreBusyError, match="as many sessions are open"):
            house.admit(text)
        assert house.state().sessions == 2
        second.sleep()
        with house.admit(text):
            assert house.state().sessions == 2


def test_lists_that_nobody_reads_are_limited(up: Start, permit: Make, store: Path) -> None:
    with up(isolation=None).house.admit(permit()) as session:
        session.remember_many(f"{n} " + "x" * (PAGE_BYTES // 17) for n in range(20))
    with calling(store) as inside:
        say(inside, Admit(PROTOCOL, permit(), None, None), *[Memories(_ALL)] * (relay.MOST_LISTS + 1), Sleep())
        said = rest(inside)
    assert said.count(b"have not been read to their end") == 1


def test_memories_that_are_held_are_limited(up: Start, permit: Make, store: Path) -> None:
    up(isolation=None)
    held = Hold(False, [ToldDraft("x" * 2**20, None, None, None, "note", {}, False)] * 15)
    with calling(store) as inside:
        say(inside, Admit(PROTOCOL, permit(), None, None))
        for _ in range(relay.MOST_HELD // 2**20 // 15 + 1):
            say(inside, held)
        say(inside, Sleep())
        said = rest(inside)
    assert said.count(b"too large to be kept in one go") == 1


def test_a_folder_that_others_may_use_is_refused(up: Start, store: Path, permit: Make) -> None:
    started = up()
    (store / "resident").chmod(0o755)
    with pytest.raises(StoreError, match="is not yours alone"):
        severance.connect(store)
    started.kill()
    assert "is not yours alone" in Up(store).end()


def test_a_permit_is_shown_to_nobody_elses_house(
    store: Path, monkeypatch: pytest.MonkeyPatch, up: Start, permit: Make
) -> None:
    house, text = up(isolation=None).house, permit()
    monkeypatch.setattr("severance.resident.address.user_of", lambda _: os.getuid() + 1)
    with pytest.raises(StoreError, match="is not yours alone"):
        house.admit(text)


_AS_ANOTHER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
try:
    found = socket.socket(socket.AF_UNIX)
    found.settimeout(30)
    found.connect(sys.argv[1])
    found.sendall(bytes.fromhex(sys.argv[2]))
    print("heard", found.recv(100))
except OSError as error:
    print("refused", type(error).__name__)
"""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("opened", [False, True])
def test_another_user_is_not_answered(up: Start, store: Path, folder: Path, opened: bool) -> None:
    up()
    if opened:  # as if the folder's mode did not hold: the kernel still tells who it is
        for path in (folder, store, store / "resident"):
            path.chmod(0o755)
        (store / "resident" / "socket").chmod(0o666)
    asked = [str(store / "resident" / "socket"), framed(encode(Ask(PROTOCOL))).hex()]
    heard = [
        subprocess.run(
            [sys.executable, "-S", "-c", script, *asked], capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()
        for script in (_AS_ANOTHER.replace("os.setgid(65534); os.setuid(65534)", ""), _AS_ANOTHER)
    ]
    assert "State" in heard[0], "who is the same user is answered"
    assert heard[1] == "heard b''" or heard[1].startswith("refused ")
    assert opened or heard[1] == "refused PermissionError"


def test_wrong_arguments_are_refused_before_anything_is_shown(up: Start) -> None:
    house = up().house
    for text, named in [(None, {}), ("x", {"place": ""}), ("x", {"tool": 7})]:
        with pytest.raises(InputError):
            house.admit(text, **named)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        house.admit("x" * 70_000)
