"""What permits and place credentials open, and what they do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kit import make_house, open_house
from severance import AsleepError, House, NotFoundError, PermitError, Right, Session, weaken
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.model import Mark, id_bytes, micros
from severance.weakening import show

HOUR = timedelta(hours=1)
AT = datetime(2024, 5, 1, tzinfo=UTC)


def permits_open_what_they_say(folder: Path) -> None:
    """At the door: nothing that has ended, was revoked, is another house's, or is a part of a secret."""
    clock = StillClock()
    entropy = ScopedEntropy(b"another house")
    with make_house(folder, clock=clock) as house, make_house(folder / "o", clock=clock, entropy=entropy) as other:
        text, revoked, short = (_made(house, HOUR) for _ in range(3))
        brief, theirs = _made(house, timedelta(seconds=10)), _made(other, HOUR)
        secret = house.register("mark", "floor", "editor")
        house.revoke(show(revoked).id)
        assert not _opens(house, revoked), "it was revoked"
        assert not _opens(house, theirs), "it is another house's"
        assert house._gate._issuer.read(theirs) is None, "it is another house's"
        assert not _opens(house, f"{secret[:-8]}{'A' * 8}"), "only the beginning of the secret is right"
        assert _opens(house, text), "the control"
        assert _opens(house, secret), "the control"
        assert _opens(house, weaken(short, rights=[Right.RECALL])), "the control"
        clock.tick(10)
        assert not _opens(house, brief), "it has ended"
        clock.tick(3_600)
        assert not _opens(house, text), "it has ended"
        clock.tick(-3_600)
    with open_house(folder / "store", clock=clock) as house:
        assert not _opens(house, short), "it has ended by the latest time that was seen"


def admitted_sessions_keep_to_their_permit(folder: Path) -> None:
    """Inside: no more than its rights and threads, and no longer than it holds."""
    clock = StillClock()
    with make_house(folder, clock=clock) as house, house.cross("mark", "floor") as innie:
        known = {thread: innie.remember(f"file {thread}", thread=thread).id for thread in ("a", "b")}
        text, secret = _made(house, HOUR), house.register("mark", "floor", "editor", rights=["send"])
        nothing, limited = house.admit(secret), house.admit(weaken(text, threads=["a"]))
        for call in _calls(known["a"]).values():
            _refused(nothing, call, PermitError)
        for name, call in _calls(known["b"]).items():
            if name not in ("stats", "events", "remember", "remember_many"):
                _refused(
                    limited,
                    call,
                    PermitError if name in ("recall", "context", "memories", "_behind") else NotFoundError,
                )
        assert limited.get(known["a"]).text == "file a", "the control"
        assert len(limited.recall("file", thread="a")) == 1, "the control"
        _places_elsewhere_are_none(limited, innie)
        moved = innie.amend(innie.remember("moved", thread="a").id, "elsewhere", thread="b")
        assert limited.get(str(moved.supersedes)).superseded_by is None, "it names a memory of another thread"
        other = house.admit(_made(house, timedelta(seconds=10)))
        house.revoke(show(text).id)
        _refused(limited, _calls(known["a"])["get"], AsleepError)
        clock.tick(10)
        _refused(other, _calls(known["a"])["get"], AsleepError)


def _places_elsewhere_are_none(limited: Session, innie: Session) -> None:
    """A list goes on from a memory of another thread as from one that never was: all of its time is given."""
    own, theirs, after = [innie.remember(f"at {n}", thread=thread, at=AT) for n, thread in enumerate("aba")]

    def rest(mid: str) -> list[str]:
        mark = Mark(micros(AT), id_bytes(mid) or b"")
        return [memory.id for memory in limited._behind(mark, thread="a") if memory.at == AT]

    assert rest(theirs.id) == rest("0" * len(theirs.id)) == [own.id, after.id], "it tells of another thread"
    assert rest(own.id) == [after.id], "the control"


def _made(house: House, length: timedelta) -> str:
    return house.permit("mark", "floor", rights=tuple(Right), until=length)


def _opens(house: House, text: str) -> bool:
    try:
        house.admit(text).sleep()
    except NotFoundError:
        return False
    return True


def _refused(session: Session, call: Callable[[Session], Any], kind: type[Exception]) -> None:
    try:
        call(session)
    except kind:
        return
    raise AssertionError("it was allowed")


def _calls(known: str) -> dict[str, Callable[[Session], Any]]:
    return {
        "recall": lambda session: session.recall("file"),
        "context": lambda session: session.context("file"),
        "memories": lambda session: list(session.memories()),
        "_behind": lambda session: list(session._behind(Mark(0, bytes(15)))),
        "stats": lambda session: session.stats(),
        "events": lambda session: session.events(),
        "get": lambda session: session.get(known),
        "history": lambda session: session.history(known),
        "remember": lambda session: session.remember("one"),
        "remember_many": lambda session: session.remember_many(["two"]),
        "amend": lambda session: session.amend(known, "another"),
        "forget": lambda session: session.forget(known),
    }
