"""An owner's connection to a house that is up: what a token opens, what it does not, and how it ends."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import severance
from kit import KEY
from kit.processes import until
from severance import AsleepError, House, InputError, NotFoundError, OverrideError, SeveranceError, StoreBusyError
from severance.embed import Hashing
from severance.resident.messages import PROTOCOL, Admit, Oversee
from severance.resident.oversight import AlarmsNow, Entries, Follow, LastCheckpoint, Overrides, VerifyLog
from severance.resident.owner import Owner
from severance.resident.relay import Relay
from severance.resident.resident import MOST_OWNERS, MOST_UNKNOWN, Habits, Resident
from severance.worker.messages import Message, Recall, Stats, ToldFilter

from .conftest import Up
from .raw import calling, rest, say

Start = Callable[..., Up]
Make = Callable[..., str]

_HOUR = timedelta(hours=1)
_ALL = ToldFilter(None, None, None, None, {})
_ASKED: list[Message] = [
    Entries(100, None, None, None, None),
    VerifyLog(),
    LastCheckpoint(),
    AlarmsNow(),
    Overrides(),
    Follow(-1),
]


def _own(store: Path) -> House:
    return severance.open(store, key=KEY, embedder=Hashing(16))


@pytest.fixture
def token(store: Path) -> str:
    with _own(store) as house:
        return house.owner_token(until=_HOUR, label="the console")


def test_an_owner_sees_what_the_house_shows(up: Start, store: Path, token: str) -> None:
    with _own(store) as house:
        house.cross("mark", "floor").sleep()
    with up().house.owner(token) as owner:
        seen = owner.events(limit=500)
        check, checkpoint = owner.verify_audit(), owner.audit_checkpoint()
        told, rules, overrides = owner.alarm_status(), owner.alarm_rules(), owner.overrides()
        with _own(store) as house:
            assert seen == house.events(limit=500)
            assert (check, checkpoint) == (house.verify_audit(), house.audit_checkpoint())
            assert (told, rules, overrides) == (house.alarm_status(), house.alarm_rules(), house.overrides())
    assert [event.what for event in seen][-4:] == ["token.made", "crossed", "slept", "up"]
    assert checkpoint.size == check.size == len(seen)


def test_entries_come_in_pages_and_by_kind(up: Start, store: Path, token: str) -> None:
    with _own(store) as house:
        for _ in range(4):
            house.cross("mark", "floor").sleep()
    with up().house.owner(token) as owner:
        every, after = list[int](), -1
        while page := owner.events(limit=3, after=after):
            every += [event.number for event in page]
            after = page[-1].number
        assert every == list(range(owner.audit_checkpoint().size))
        assert [event.number for event in owner.events(limit=2)] == every[-2:]
        crossed = owner.events(what="crossed")
        assert [event.what for event in crossed] == ["crossed"] * 4
        assert owner.events(after=crossed[1].number, what="crossed", since=crossed[0].at) == crossed[2:]
        assert owner.events(after=2**40) == owner.events(until="1971-01-01") == []


def test_what_cannot_be_meant_is_refused_here(up: Start, token: str) -> None:
    with up().house.owner(token) as owner:
        for call in (
            lambda: owner.events(limit=0),
            lambda: owner.events(limit=501),
            lambda: owner.events(after=-2),
            lambda: owner.events(what="nothing of the kind"),
            lambda: owner.events(what="x" * 200),
            lambda: owner.events(since="soon"),
            lambda: owner.follow(after="1"),  # type: ignore[arg-type]
            lambda: owner.answer_override("x" * 2**21),
            lambda: owner.answer_override("no answer"),
        ):
            with pytest.raises(InputError):
                call()
        with pytest.raises(NotFoundError):
            owner.end_override("0" * 32)
        assert owner.overrides() == [], "it goes on after an error"


def test_an_override_is_asked_for_without_a_key_on_the_way(up: Start, store: Path, token: str) -> None:
    names = ("ann", "ben", "cas")
    keys = [store.parent / f"{name}.key" for name in names]
    with _own(store) as house:
        for name, file in zip(names, keys, strict=True):
            house.register_override_key(name, severance.new_override_key(file))
    wish = severance.wish_override("mark", "innie", key=keys[0], reason="to see", length=_HOUR)
    with up().house.owner(token) as owner:
        request = severance.sign_draft(owner.draft_override(wish), keys[0])
        assert owner.overrides() == []
        found = owner.submit_override(request)
        assert owner.submit_override(request) == found
        assert (owner.overrides(), owner.override_request(found.id)) == ([found], request)
        whats = [each.what for each in owner.events(after=-1, limit=500) if each.what.startswith("override.")]
        assert whats[3:] == ["override.drafted", "override.requested"]
        assert "override.requested" in {each.alarm.kind for each in owner.alarm_status().told}
        for text in ("x", wish, request):
            with pytest.raises((InputError, OverrideError)):
                owner.draft_override(f"{text}x")
            with pytest.raises((InputError, OverrideError)):
                owner.submit_override(f"{text}x")
        for file in keys[1:]:
            owner.answer_override(severance.approve(request, file))
        assert [name for name in dir(owner) if "use" in name] == [], "who has a token alone reads nothing with it"
        with _own(store) as house, house.use_override(found.id, key=keys[0]) as session:
            assert session.recall("anything") == []


def test_overrides_are_answered_and_stopped_without_a_key_on_the_way(up: Start, store: Path, token: str) -> None:
    names = ("ann", "ben", "cas")
    keys = [store.parent / f"{name}.key" for name in names]
    with _own(store) as house:
        for name, file in zip(names, keys, strict=True):
            house.register_override_key(name, severance.new_override_key(file))
        asked = [
            house.request_override("mark", "innie", key=keys[0], reason="to see", length=_HOUR, rights=["recall"])
            for _ in range(3)
        ]
    with up().house.owner(token) as owner:
        first, second, third = (each.id for each in owner.overrides())
        assert [owner.override_request(each) for each in (first, second, third)] == asked
        assert owner.answer_override(severance.approve(asked[0], keys[1])).approved == ("ben",)
        assert owner.answer_override(severance.approve(asked[0], keys[2])).state == "approved"
        assert owner.answer_override(severance.deny(asked[1], keys[1])).denied == "ben"
        assert owner.end_override(third).why == "stopped"
        for text in (severance.approve(asked[1], keys[2]), severance.approve(asked[0], keys[1])):
            with pytest.raises(OverrideError):
                owner.answer_override(text)
        with _own(store) as house, house.use_override(first, key=keys[0]) as session:
            assert session.recall("anything") == []
            assert owner.end_override(first).why == "stopped"
            with pytest.raises(AsleepError):
                session.recall("anything")


def test_who_follows_hears_of_each_entry_in_its_order(up: Start, store: Path, token: str) -> None:
    with up().house.owner(token) as owner:
        size = owner.audit_checkpoint().size
        with owner.follow() as new, owner.follow(after=-1) as all_:
            heard = _heard(all_, size)
            with _own(store) as house:  # another process, as far as the house that is up can tell
                house.cross("mark", "floor").sleep()
            assert [event.what for event in _heard(new, 2)] == ["crossed", "slept"]
            heard += _heard(all_, 2)
        assert [event.number for event in heard] == list(range(size + 2))
        assert heard == owner.events(limit=500)
        with owner.follow(after=size) as rest_of:
            assert [event.what for event in _heard(rest_of, 1)] == ["slept"]
        with owner.follow(after=10**6) as anew:
            assert _heard(anew, size + 2) == heard, "of a log that was begun anew nothing is missed"


def test_who_follows_and_hears_nothing_hears_that(up: Start, token: str) -> None:
    with up().house.owner(token) as owner, owner.follow() as new:
        assert new.next() == []


def test_an_owners_connection_ends_with_its_token(up: Start, store: Path, token: str) -> None:
    house = up().house
    with house.owner(token) as owner, owner.follow() as new, _own(store) as own:
        assert owner.overrides() == []
        own.revoke_owner_token(own.owner_tokens()[0].id)
        with pytest.raises(AsleepError, match="has ended or was revoked"):
            owner.overrides()
        with pytest.raises(AsleepError, match="has ended or was revoked"):
            _heard(new, 1_000)
        with pytest.raises(AsleepError):
            owner.overrides()
    with pytest.raises(NotFoundError):
        house.owner(token)


def test_a_token_ends_at_its_time_with_all_that_it_opened(up: Start, store: Path) -> None:
    with _own(store) as own:
        short = own.owner_token(until=timedelta(seconds=4))
    house = up().house
    with house.owner(short) as owner, owner.follow() as new, calling(store) as silent:
        say(silent, Oversee(PROTOCOL, short))
        with pytest.raises(AsleepError, match="has ended"):
            _heard(new, 1_000)
        assert b"AsleepError" in rest(silent), "who says nothing is shown out"
        with pytest.raises(AsleepError):
            owner.overrides()
    with pytest.raises(NotFoundError):
        house.owner(short)


def test_locking_ends_every_connection_of_an_owner(up: Start, store: Path, token: str) -> None:
    house = up().house
    with house.owner(token) as owner, owner.follow() as new:
        owner.overrides()
        house.lock()
        with pytest.raises(AsleepError, match="is locked"):
            _heard(new, 1_000)
        with pytest.raises(AsleepError):
            owner.overrides()
    with pytest.raises(AsleepError, match="is locked"):
        house.owner(token)
    house.unlock(KEY)
    with house.owner(token) as owner:
        assert owner.overrides() == []
        house.down()
        with pytest.raises(AsleepError):
            owner.overrides()


def test_a_token_holds_in_the_next_house_that_is_up(up: Start, store: Path, token: str) -> None:
    started = up()
    with started.house.owner(token) as owner:
        started.kill()
        with pytest.raises(AsleepError):
            owner.overrides()
    with up().house.owner(token) as owner:
        assert owner.overrides() == []


def test_whatever_opens_nothing_is_one_error_and_told(up: Start, store: Path, token: str, permit: Make) -> None:
    with severance.open(store.parent / "another", key=KEY, embedder=Hashing(16)) as other:
        foreign = other.owner_token(until=_HOUR)
    with _own(store) as own:
        revoked = own.owner_token(until=_HOUR)
        own.revoke_owner_token(own.owner_tokens()[-1].id)
        ended = own.owner_token(until=timedelta(microseconds=1))
        credential = own.register("mark", "home", "editor")
    word, name, secret = token.split(".")
    wrong = [
        foreign,
        revoked,
        ended,
        permit(),
        credential,
        "",
        "sevo",
        "sevo..",
        token[:-1],
        token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        f"sevc.{name}.{secret}",
        f"{word}.{'0' * 32}.{secret}",
        f"{word}.{name.upper()}.{secret}" if name.upper() != name else f"{word}.{name}x.{secret}",
        f"{token}.{secret}",
        f" {token}",
        f"{token}=",
        "é" * 1_000,
        "x" * 200_000,
        token * 1_000,
    ]
    house = up().house
    said = set[str]()
    for text in wrong:
        with pytest.raises(NotFoundError) as refused:
            house.owner(text)
        said.add(str(refused.value))
    assert len(said) == 1
    with pytest.raises(InputError):
        house.owner(b"bytes")  # type: ignore[arg-type]
    with house.owner(token) as owner:
        told = owner.events(what="refused", limit=500)
        assert [dict(event.detail) for event in told].count({"by": "token", "late": True}) == 2
        assert len(told) == len(wrong)
        kinds = {each.alarm.kind for each in owner.alarm_status().told}
        assert {"permit.wrong", "refused.repeated"} <= kinds


def test_an_owner_token_opens_no_persona(up: Start, token: str, store: Path) -> None:
    house = up().house
    for text in (token, token.replace("sevo.", "sevc.")):
        with pytest.raises(NotFoundError):
            house.admit(text)
    for message in (Recall("anything", 1, _ALL), Stats(), Admit(PROTOCOL, token, None, None)):
        with calling(store) as owner:
            say(owner, Oversee(PROTOCOL, token), message)
            said = rest(owner)
            assert said.count(b"Done") == 1, "it was let in"
            assert b"Page" not in said
            assert b"Counts" not in said
            assert b"Admitted" not in said


def test_who_has_a_session_is_told_nothing_of_the_owners(up: Start, store: Path, permit: Make) -> None:
    up(isolation=None)
    text = permit()
    for message in (*_ASKED, Oversee(PROTOCOL, text)):
        with calling(store) as inside:
            say(inside, Admit(PROTOCOL, text, None, None), message)
            said = rest(inside)
            assert b"Admitted" in said
            assert b"Told" not in said
            assert b"severed" not in said
        with calling(store) as stranger:
            say(stranger, message, message)
            said = rest(stranger)
            assert b"Told" not in said
            assert b"severed" not in said


def test_a_garbled_request_ends_that_connection_and_no_other(up: Start, store: Path, token: str) -> None:
    house = up().house
    with house.owner(token) as other:
        for raw in (b"\xc1\xc1", b"", b"\x91\xa6Follow", b"\x92\xa6Follow\xd3\x80" + bytes(7)):
            with calling(store) as owner:
                say(owner, Oversee(PROTOCOL, token))
                owner.sendall(len(raw).to_bytes(4, "big") + raw)
                assert b"Told" not in rest(owner)
        with calling(store) as owner:
            say(owner, Oversee(PROTOCOL, token))
            owner.sendall((2**22).to_bytes(4, "big"))
            assert b"Told" not in rest(owner), "so large a request is not waited for"
        assert other.overrides() == []


def test_owners_are_few_and_leave_room_for_everybody_else(up: Start, store: Path, token: str, permit: Make) -> None:
    house = up(isolation=None).house
    owners = [house.owner(token) for _ in range(MOST_OWNERS)]
    with pytest.raises(StoreBusyError, match="owners' connections"):
        house.owner(token)
    with pytest.raises(StoreBusyError):
        owners[0].follow()
    with house.admit(permit()) as session:
        session.remember("there is room for a session")
        assert house.state().sessions == 1, "an owner is none"
    for owner in owners:
        owner.close()
        owner.close()
    until(lambda: _opens(house.owner, token))


@pytest.fixture
def resident(store: Path) -> Iterator[Resident]:
    """A house that is up in this process, and hears nobody."""
    house = Resident(store, lambda _: _own(store), Habits(isolation=None))
    house.open()
    yield house
    house.stop()


class _Asking:
    """Many who show tokens at once. Whether a token opens nothing is found out only when they may go on."""

    def __init__(self, resident: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
        self.resident, self.true = resident, House._owner_with
        self.refusing, self.go = threading.Semaphore(0), threading.Event()
        self.errors: list[type[SeveranceError]] = []
        self.threads: list[threading.Thread] = []
        monkeypatch.setattr(House, "_owner_with", lambda house, text: self._owner_with(house, text))

    def show(self, text: str) -> Relay:
        """Show it, as a connection does."""
        relay = cast(Relay, object())
        self.resident.attend(relay, Oversee(PROTOCOL, text))
        return relay

    def begin(self, text: str) -> None:
        """Show it, and wait in a thread for the answer."""
        self.threads.append(threading.Thread(target=self._shown, args=(text,)))
        self.threads[-1].start()

    def end(self) -> None:
        """Let them go on, and wait until all have an answer."""
        self.go.set()
        for thread in self.threads:
            thread.join(60)

    def _shown(self, text: str) -> None:
        try:
            self.show(text)
        except SeveranceError as error:
            self.errors.append(type(error))

    def _owner_with(self, house: House, text: str) -> Any:
        if text.startswith("sevo.made-up"):
            self.refusing.release()
            assert self.go.wait(60)
        return self.true(house, text)


def test_who_shows_made_up_tokens_shuts_no_owner_out(
    resident: Resident, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = _Asking(resident, monkeypatch)
    try:
        for number in range(MOST_OWNERS + MOST_UNKNOWN):
            asking.begin(f"sevo.made-up.{number}")
        for _ in range(MOST_UNKNOWN):
            assert asking.refusing.acquire(timeout=60)
        inside = [asking.show(token) for _ in range(MOST_OWNERS)]
        with pytest.raises(StoreBusyError, match="owners' connections"):
            asking.show(token)
        until(lambda: len(asking.errors) == MOST_OWNERS)
        assert set(asking.errors) == {StoreBusyError}, "who shows nothing waits a moment, and for its like alone"
    finally:
        asking.end()
    assert asking.errors[MOST_OWNERS:] == [NotFoundError] * MOST_UNKNOWN
    for number in range(2 * MOST_UNKNOWN):
        with pytest.raises(NotFoundError):
            asking.show(f"sevo.made-up.again{number}")
    for relay in inside:
        resident.dismiss(relay)
    resident.dismiss(asking.show(token))


def _opens(owner: Callable[[str], Owner], token: str) -> bool:
    try:
        owner(token).close()
    except StoreBusyError:
        return False
    return True


def test_an_owner_who_looks_does_not_keep_the_house_open(up: Start, token: str) -> None:
    house = up(isolation=None, lock_after=2.0).house
    with house.owner(token) as owner, owner.follow() as new:
        with pytest.raises(AsleepError, match="nobody called"):
            _look(owner)
        with pytest.raises(AsleepError, match="nobody called"):
            _heard(new, 1_000)


def test_who_waits_for_what_comes_next_can_be_stopped(up: Start, token: str) -> None:
    with up().house.owner(token) as owner:
        new, ended = owner.follow(), list[SeveranceError]()

        def wait() -> None:
            try:
                while True:
                    new.next()
            except SeveranceError as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        new.close()
        waiting.join(60)
        assert len(ended) == 1
        assert owner.overrides() == []


def test_threads_may_share_an_owner(up: Start, token: str) -> None:
    with up().house.owner(token) as owner:
        found = list[int]()
        threads = [
            threading.Thread(target=lambda: found.extend(owner.audit_checkpoint().size for _ in range(20)))
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(found) == 100
        assert len(set(found)) == 1


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_forked_process_shows_the_token_itself(up: Start, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with up().house.owner(token) as owner:
        monkeypatch.setattr("severance.resident.owner.os.getpid", lambda: -1)
        with pytest.raises(AsleepError, match="the process that made it"):
            owner.overrides()
        monkeypatch.undo()
        assert owner.overrides() == []


def _look(owner: Owner) -> None:
    while True:
        owner.overrides()
        time.sleep(0.1)


def _heard(following: severance.resident.owner.Following, count: int) -> list[severance.AuditEvent]:
    found = list[severance.AuditEvent]()
    while len(found) < count:
        found += following.next()
    assert len(found) == count
    return found
