"""A house that is up: what strangers, and those who were let in, say through its socket; and what a program is told."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import severance
from fuzzing.target import Target, scratch
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock
from severance.embed import Hashing
from severance.errors import NotFoundError
from severance.model import Memory, Notice, Recollection
from severance.resident.line import Line
from severance.resident.messages import (
    MOST_OPENING,
    PROTOCOL,
    Admit,
    Ask,
    Down,
    Exporting,
    Importing,
    Lock,
    Notices,
    State,
    ToldNotices,
    Unlock,
    Verb,
    call_in,
    notices_in,
    opening_in,
    told_in,
    told_notices,
)
from severance.resident.relay import Relay
from severance.resident.room import Room
from severance.session import Session
from severance.worker.messages import (
    Amend,
    Failed,
    Forget,
    GarbledError,
    Get,
    History,
    Hold,
    Leave,
    Memories,
    Message,
    More,
    Page,
    Recall,
    Remember,
    Sleep,
    Stats,
    ToldDraft,
    ToldFilter,
    ToldMark,
    encode,
    error_in,
    hit_in,
    memory_in,
)
from severance.worker.pipes import framed

_OPEN = "the one text that opens"
_FILTER = ToldFilter(0, None, 2**62, "thread", {"count": 4})
_DRAFT = ToldDraft("the goats are fed at noon", 1, "t", "s", "note", {"a": 1.5}, True)
_OPENINGS: tuple[Message, ...] = (
    Admit(PROTOCOL, _OPEN, None, None),
    Admit(PROTOCOL, "nothing", "floor", "tool"),
    Ask(PROTOCOL),
    Lock(PROTOCOL),
    Unlock(PROTOCOL, bytes(32)),
    Down(PROTOCOL),
)
_CALLS: tuple[Message, ...] = (
    Remember(True, [_DRAFT]),
    Hold(False, [_DRAFT, _DRAFT]),
    Recall("goats", 3, _FILTER),
    Recall("goats", 3, ToldFilter(None, None, None, None, {})),
    Memories(ToldFilter(None, None, None, None, {})),
    Memories(_FILTER, ToldMark(3, bytes(range(15)))),
    More(1),
    Leave([1, 2]),
    Get("a" * 30),
    History("b" * 30),
    Amend("c" * 30, "text", -1, "", None, None, {"a": None}, False),
    Forget("d" * 30),
    Stats(),
    Notices(),
    Exporting(2),
    Importing("jsonl"),
    Sleep(),
)


class _Host:
    """A house into which one text leads; it counts who is inside."""

    idle = 1.0

    def __init__(self) -> None:
        self.inside = 0
        self.room = Room(2**20)

    def enter(self, relay: Relay, asked: Admit) -> Session:
        if asked.text != _OPEN:
            raise NotFoundError("nobody of that name wakes at a place of that name")
        self.inside += 1
        return _house().cross("mark", "floor")

    def leave(self, relay: Relay, session: Session) -> None:
        session.sleep()
        self.inside -= 1

    def check_open(self) -> None:
        assert self.inside == 1

    def using(self) -> AbstractContextManager[None]:
        return nullcontext()

    def do(self, verb: Verb) -> State:
        return State(False, self.inside)


@cache
def _house() -> severance.House:
    made = severance.open(
        scratch() / "resident", key=KEY, embedder=Hashing(4), clock=StillClock(), entropy=ScopedEntropy()
    )
    made.sever("mark", ["innie"])
    made.place("floor", {"mark": "innie"})
    return made


def run_door(data: bytes) -> None:
    """Whatever is said through the socket, each answer is one that programs read, and at its end nobody is inside."""
    ours, theirs = socket.socketpair()
    host = _Host()
    with theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        Relay(Line(ours), host).run()
        assert host.inside == 0
        line = Line(theirs)
        try:
            while (raw := line.receive(1.0)) is not None:
                told_in(raw)
        except ConnectionResetError:
            pass  # something was left unread


def run_opening(data: bytes) -> None:
    """A first message is refused, or written again as the same."""
    try:
        found = opening_in(data)
    except GarbledError:
        return
    assert len(data) > MOST_OPENING or opening_in(encode(found)) == found


def run_call(data: bytes) -> None:
    """A call is refused, or written again as the same."""
    try:
        found = call_in(data)
    except GarbledError:
        return
    assert repr(call_in(encode(found))) == repr(found) == f"<{type(found).__name__}>"


def run_told(data: bytes) -> None:
    """What a house says is refused, or nouns of ours: memories, recollections, notices and errors."""
    try:
        found = told_in(data)
        if isinstance(found, Page):
            for item in found.items:
                assert isinstance(hit_in(item) if hasattr(item, "score") else memory_in(item), Memory | Recollection)
        elif isinstance(found, ToldNotices):
            notices = notices_in(found)
            assert all(isinstance(each, Notice) for each in notices)
            assert told_notices(notices) == found
        elif isinstance(found, Failed):
            assert isinstance(error_in(found), severance.SeveranceError)
    except GarbledError:
        return


def _conversations() -> list[bytes]:
    first = framed(encode(_OPENINGS[0]))
    calls = [framed(encode(call)) for call in _CALLS]
    return [first + b"".join(calls), *(first + call for call in calls), *(framed(encode(each)) for each in _OPENINGS)]


_TOKENS = tuple(type(each).__name__.encode() for each in (*_OPENINGS, *_CALLS))

TARGETS = (
    Target(name="door", decoder="door", run=run_door, seeds=_conversations, tokens=_TOKENS, weight=0.3, short=150),
    Target(
        name="opening",
        decoder="door",
        run=run_opening,
        seeds=lambda: [encode(each) for each in _OPENINGS],
        tokens=_TOKENS,
        weight=20.0,
    ),
    Target(
        name="call",
        decoder="door",
        run=run_call,
        seeds=lambda: [encode(each) for each in _CALLS],
        tokens=_TOKENS,
        weight=20.0,
    ),
    Target(
        name="told",
        decoder="door",
        run=run_told,
        seeds=lambda: [
            *_answers(),
            encode(State(True, 3)),
            encode(Failed("NotFoundError", "nobody", False, None, None)),
            encode(told_notices([])),
        ],
        tokens=(b"ToldMemory", b"ToldHit", b"ToldNotice", b"Page", b"Failed"),
        weight=10.0,
    ),
)


def _answers() -> list[bytes]:
    """What a session answers."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(_conversations()[0])
        theirs.shutdown(socket.SHUT_WR)
        Relay(Line(ours), _Host()).run()
        line, found = Line(theirs), list[bytes]()
        while (raw := line.receive(1.0)) is not None:
            found.append(raw)
        return found
