"""Those who were let in and say more than they may: what ends, is refused or takes no room at their next message."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import severance
from kit import KEY, texts
from kit.processes import is_there, until, with_proc
from severance import AsleepError, InputError, NotFoundError, PermitError, StoreBusyError
from severance.embed import Hashing
from severance.resident import relay
from severance.resident.messages import PROTOCOL, Admit, Exporting, Importing, Told, call_in, told_in
from severance.resident.room import Room
from severance.resident.watch import Watch
from severance.session import Session
from severance.transfer import read
from severance.transfer.ingest import Report, ingest
from severance.transfer.outgoing import exporting
from severance.worker.messages import (
    PAGE_ITEMS,
    Done,
    Failed,
    GarbledError,
    History,
    Hold,
    Leave,
    Memories,
    Message,
    More,
    Page,
    Recall,
    Remember,
    Stats,
    ToldDraft,
    ToldFilter,
    encode,
    for_worker,
)
from severance.worker.pipes import framed

from .conftest import Up
from .raw import calling, say
from .raw import rest as rest_of

Start = Callable[..., Up]
Make = Callable[..., str]

_ALL = ToldFilter(None, None, None, None, {})
_DRAFT = ToldDraft("x", None, None, None, "note", {}, False)


class Inside:
    """Whoever was let in, and says what they like."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def say(self, message: Message) -> Told | None:
        """The answer, or None where there is none any more."""
        try:
            say(self._line, message)
            header = self._exactly(4)
            return told_in(self._exactly(struct.unpack(">I", header)[0]))
        except (ConnectionError, EOFError):
            return None

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._line.recv(size - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found


@contextmanager
def let_in(store: Path, text: str) -> Iterator[Inside]:
    with calling(store) as line:
        found = Inside(line)
        assert found.say(Admit(PROTOCOL, text, None, None)) is not None
        yield found


@contextmanager
def own(store: Path) -> Iterator[severance.House]:
    with severance.open(store, key=KEY, embedder=Hashing(16)) as house:
        yield house


def revoke(store: Path) -> None:
    with own(store) as house:
        for each in house.permits():
            house.revoke(each.id)


def fill(store: Path, count: int) -> None:
    with own(store) as house, house.cross("mark", "floor") as innie:
        innie.remember_many(f"the file number {n}" for n in range(count))


# --- What is written into the log -------------------------------------------------------------------------------------


def carried(detail: dict[str, object], what: str = "exported") -> bytes:
    return msgspec.msgpack.encode(["Carried", what, detail])


@pytest.mark.parametrize(
    "raw",
    [
        carried({"n": 2**64 - 1}),
        carried({"n": "y" * 2_000}),
        carried({"I read": "the file"}, "imported"),
        msgspec.msgpack.encode(["Exporting", 2**64 - 1]),
        msgspec.msgpack.encode(["Exporting", -1]),
        msgspec.msgpack.encode(["Exporting", {"I read": "the file"}]),
        msgspec.msgpack.encode(["Importing", "the file"]),
    ],
)
def test_nothing_of_ones_own_can_be_written_into_the_log(up: Start, permit: Make, store: Path, raw: bytes) -> None:
    up(isolation=None)
    with calling(store) as line:
        say(line, Admit(PROTOCOL, permit(), None, None))
        line.sendall(framed(raw))
        assert rest_of(line).count(b"Done") == 0
    with pytest.raises(GarbledError):
        call_in(raw)
    with pytest.raises(GarbledError):
        for_worker(raw)
    with own(store) as house:
        assert not {"exported", "imported", "unreadable"} & {event.what for event in house.events()}
        house.verify_audit()


def test_what_a_program_exports_and_imports_is_told_with_its_rights(
    up: Start, permit: Make, store: Path, folder: Path
) -> None:
    house = up().house
    source = folder / "more.jsonl"
    source.write_text('{"text": "One more."}\n', encoding="utf-8")
    with house.admit(permit("recall")) as reader, read(source, "jsonl") as reading:
        exporting(reader, 3)
        with pytest.raises(PermitError, match="does not allow it to remember"):
            next(ingest(reader, reading, Report("jsonl")))
        with pytest.raises(InputError):
            reader._importing("the file")
    with house.admit(permit("recall", "remember")) as both, read(source, "jsonl") as reading:
        list(ingest(both, reading, Report("jsonl")))
        assert texts(both.memories()) == ["One more."]
    with house.admit(permit("remember")) as writer, pytest.raises(PermitError, match="does not allow it to recall"):
        exporting(writer, 1)
    with own(store) as mine:
        told = [(event.what, event.persona, event.detail) for event in mine.events() if event.what.endswith("ported")]
    assert told == [("exported", "innie", {"memories": 3}), ("imported", "innie", {"format": "jsonl"})]


def test_nothing_is_told_after_revocation(up: Start, permit: Make, store: Path) -> None:
    up(isolation=None)
    with let_in(store, permit()) as inside:
        assert inside.say(Exporting(1)) == inside.say(Importing("jsonl")) == Done()
        revoke(store)
        answer = inside.say(Exporting(2))
        assert answer is None or isinstance(answer, Failed)
    with own(store) as house:
        assert [event.detail for event in house.events(what="exported")] == [{"memories": 1}]


# --- After it was revoked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", [None, "process"])
@pytest.mark.parametrize("first", [Recall("file", 1_000, _ALL), Memories(_ALL)])
def test_a_list_that_was_begun_is_not_read_on_after_revocation(
    up: Start, permit: Make, store: Path, isolation: str | None, first: Message
) -> None:
    fill(store, 3 * PAGE_ITEMS)
    up(isolation=isolation)
    with let_in(store, permit("recall")) as inside:
        pages = [inside.say(first) for _ in range(3)]
        rests = [page.rest for page in pages if isinstance(page, Page) and page.rest is not None]
        assert len(rests) == 3
        assert isinstance(inside.say(More(rests[0])), Page), "the control"
        revoke(store)
        for rest in rests:
            answer = inside.say(More(rest))
            assert answer is None or (isinstance(answer, Failed) and answer.kind == "AsleepError")


@pytest.mark.parametrize("message", [More(1), Leave([]), Hold(True, [_DRAFT]), History("a" * 32), Stats()])
def test_every_message_asks_whether_one_may_still_be_inside(
    up: Start, permit: Make, store: Path, message: Message
) -> None:
    house = up(isolation=None).house
    with let_in(store, permit()) as inside:
        control = inside.say(message)
        assert control is not None
        assert not (isinstance(control, Failed) and control.kind == "AsleepError")
        revoke(store)
        answer = inside.say(message)
        assert answer is None or (isinstance(answer, Failed) and answer.kind == "AsleepError")
        assert inside.say(message) is None
    until(lambda: house.state().sessions == 0)


def test_an_iterator_in_the_process_of_the_house_ends_with_its_permit(store: Path) -> None:
    fill(store, 3)
    with own(store) as house:
        text = house.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
        for isolation in (None, "process"):
            session: Session = house.admit(text, isolation=isolation)  # type: ignore[arg-type]
            reading = session.memories()
            next(reading)
            session._admission.end()  # type: ignore[attr-defined]
            with pytest.raises(AsleepError, match="was revoked"):
                next(reading)


@with_proc
def test_who_says_nothing_is_shown_out_when_it_is_revoked(up: Start, permit: Make, store: Path) -> None:
    started = up()
    house = started.house
    stays, goes = house.admit(permit()), house.admit(permit())
    stays.remember("kept")
    workers = started.workers()
    assert len(workers) >= 2, "and one that waits for the next, if it is there already"
    with own(store) as mine:
        mine.revoke(mine.permits()[1].id)
    until(lambda: house.state().sessions == 1)
    until(lambda: sum(map(is_there, workers)) == len(workers) - 1)
    with pytest.raises(AsleepError, match="has ended or was revoked"):
        goes.stats()
    assert texts(stays.memories()) == ["kept"], "nobody else"


# --- Who keeps a house open -------------------------------------------------------------------------------------------


def test_who_opens_nothing_does_not_keep_the_house_open(up: Start, store: Path) -> None:
    house = up(isolation=None, lock_after=1.0).house
    before = time.monotonic()
    while not house.state().locked:
        with pytest.raises((NotFoundError, AsleepError)):
            house.admit("rubbish", place="floor")
        assert time.monotonic() < before + 60
        time.sleep(0.05)


@pytest.mark.parametrize("message", [Leave([]), Remember(True, [_DRAFT])])
def test_what_is_refused_or_nothing_keeps_neither_the_house_nor_the_session(
    up: Start, permit: Make, store: Path, message: Message
) -> None:
    house = up(isolation=None, lock_after=1.0).house
    with let_in(store, permit("recall")) as inside:
        before = time.monotonic()
        while inside.say(message) is not None:
            assert time.monotonic() < before + 60
            time.sleep(0.05)
    until(lambda: house.state().locked)


def test_a_session_that_is_only_refused_is_idle(up: Start, permit: Make, store: Path) -> None:
    house = up(isolation=None, idle=1.0).house
    with let_in(store, permit("recall")) as inside, let_in(store, permit("recall")) as busy:
        before = time.monotonic()
        while inside.say(Remember(True, [_DRAFT])) is not None:
            assert not isinstance(busy.say(Stats()), Failed)
            assert time.monotonic() < before + 60
            time.sleep(0.05)
        assert not isinstance(busy.say(Stats()), Failed), "who is answered is not idle"
        assert house.state().sessions == 1


def test_a_call_that_takes_long_is_use_and_one_that_is_refused_is_none() -> None:
    now = [100.0]
    watch = Watch(10.0, on_sleep=False, both=lambda: now[0], awake=lambda: now[0])
    now[0] = 109.0
    with watch.using():
        now[0] = 200.0
        assert watch.due() is None
    assert watch.due() is None
    now[0] = 209.0
    with pytest.raises(PermitError), watch.using():
        raise PermitError("no")
    now[0] = 210.0
    assert watch.due() is not None


# --- What is held -----------------------------------------------------------------------------------------------------


def test_who_may_not_remember_holds_nothing(up: Start, permit: Make, store: Path) -> None:
    up(isolation=None)
    with let_in(store, permit("recall")) as inside:
        answer = inside.say(Hold(True, [_DRAFT]))
        assert isinstance(answer, Failed)
        assert answer.kind == "PermitError"


def test_a_message_has_no_more_drafts_than_a_page(up: Start, permit: Make) -> None:
    full = Hold(True, [_DRAFT] * PAGE_ITEMS)
    assert call_in(encode(full)) == full
    for message in (Hold(True, [_DRAFT] * (PAGE_ITEMS + 1)), Remember(True, [_DRAFT] * (PAGE_ITEMS + 1))):
        with pytest.raises(GarbledError):
            call_in(encode(message))
        with pytest.raises(GarbledError):
            for_worker(encode(message))
    with pytest.raises(GarbledError):
        call_in(encode(Leave([0] * (PAGE_ITEMS + 1))))
    with up(isolation=None).house.admit(permit()) as session:
        assert len(session.remember_many(f"number {n}" for n in range(3 * PAGE_ITEMS + 1))) == 3 * PAGE_ITEMS + 1


class _Full:
    """A house of which others have filled all but a little."""

    def __init__(self, left: int) -> None:
        self.room = Room(left)


@pytest.mark.parametrize(("left", "error"), [(2**40, InputError), (relay.MOST_HELD - 1, StoreBusyError)])
def test_small_drafts_count_for_what_they_take(left: int, error: type[Exception]) -> None:
    """Of one connection, and of all of them."""
    host = _Full(left)
    held = relay.Relay(None, host)  # type: ignore[arg-type]
    message = Hold(False, [_DRAFT] * PAGE_ITEMS)
    fits = min(left, relay.MOST_HELD) // (relay.EACH_HELD * PAGE_ITEMS)
    for _ in range(fits):
        held._make_room(message, 0)
    with pytest.raises(error):
        held._make_room(message, 0)
    held._give_back()
    held._give_back()
    assert host.room.take(left), "all is given back"
    assert not host.room.take(1)


@pytest.mark.parametrize("isolation", ["process", None])
def test_who_may_not_stay_awake_is_shown_out_although_they_say_nothing(
    up: Start, store: Path, permit: Make, isolation: str | None
) -> None:
    inside, outside, other = permit(), permit(place="home"), permit(subject="helly")
    started = up(isolation=isolation)
    house = started.house
    with own(store) as owner:
        owner.apply_thresholds(owner.thresholds() + '[[subject]]\nname = "mark"\nexclusive = true\n')
    stays, silent = house.admit(other), house.admit(inside)
    silent.remember("kept")
    with house.admit(outside) as next_:
        until(lambda: house.state().sessions == 2)  # mark crossed elsewhere
        with own(store) as owner:
            owner.place("home", {"mark": "innie"})
        until(lambda: house.state().sessions == 1)  # and now another wakes there
        with pytest.raises(AsleepError, match="its place does not wake this persona"):
            next_.recall("anything")
    with pytest.raises(AsleepError, match="crossed elsewhere"):
        silent.recall("kept")
    stays.remember("helly goes on")
    stays.sleep()
