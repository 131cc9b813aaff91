"""Refusals in the audit log: strangers are counted, holders are not, and alarms hear of everybody."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from kit import make_house, open_house
from severance import DamagedError, House, NotFoundError, StoreError
from severance.audit.auditlog import AuditKeys, AuditLog, Signature
from severance.audit.events import What
from severance.audit.log import LogFile
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.refusals import KNOWN, TOLD, Refusals
from severance.telling import Telling

HOUR = timedelta(hours=1)
CREDENTIAL = f"sevc.{'ab' * 16}.{'B' * 42}A"


def shown(house: House, text: str, times: int = 1) -> None:
    """Show it at the door, as often, and be refused."""
    for _ in range(times):
        with pytest.raises(NotFoundError):
            house._owner_with(text) if text.startswith("sevo") else house.admit(text)


def refused(house: House) -> list[dict[str, Any]]:
    return [{**event.detail, "subject": event.subject} for event in house.events(what="refused", limit=100_000)]


def counted(entries: list[dict[str, Any]]) -> Counter[str]:
    """How many refusals of each kind the log tells of."""
    found = Counter[str]()
    for entry in entries:
        found[entry["by"]] += entry.get("more", 1)
    return found


def rung(house: House) -> Counter[str]:
    found, status = Counter[str](), house.alarm_status()
    for group in (*(each.alarm for each in status.told), *(each for sink in status.sinks for each in sink.waiting)):
        found[group.kind] += group.count
    return found


@pytest.fixture
def book(folder: Path, clock: StillClock) -> Iterator[AuditLog]:
    keys = AuditKeys(b"s" * 32, b"c" * 32)
    file = LogFile.create(folder / "audit.db", bytes(16), Signature(bytes(16), keys.sign, clock.now))
    with closing(AuditLog(file, keys, clock, ScopedEntropy(b"book"))) as log:
        yield log


def test_the_first_twenty_of_a_minute_are_told_and_then_counted(house: House, clock: StillClock) -> None:
    shown(house, "nothing", 25)
    began = clock.now()
    assert refused(house) == [{"by": "permit", "subject": None}] * TOLD
    clock.tick(59)
    shown(house, "nothing", 2)
    assert len(refused(house)) == TOLD, "it is the same minute"
    clock.tick(1)
    shown(house, "nothing")
    *first, summed, new = refused(house)
    assert first == [{"by": "permit", "subject": None}] * TOLD
    assert summed == {"by": "permit", "more": 7, "since": began, "subject": None}
    assert new == {"by": "permit", "subject": None}
    house.verify_audit()


def test_every_kind_of_text_is_counted_and_all_have_one_minute(house: House) -> None:
    for text, times in (("nothing", 15), (CREDENTIAL, 15), ("sevo.nothing", 15)):
        shown(house, text, times)
    house._refusals.say()
    found = refused(house)
    assert counted(found) == {"permit": 30, "token": 15}  # a credential that opens nothing is told as a permit
    assert [each.get("more") for each in found] == [None] * TOLD + [10, 15]


def test_five_thousand_strangers_are_a_few_entries(book: AuditLog, clock: StillClock, folder: Path) -> None:
    telling = Telling(book)
    heard = list[What]()
    telling.listeners.append(lambda what, _: heard.append(what))
    refusals = Refusals(telling, clock)
    sizes = list[int]()
    for _ in range(5_000):
        refusals.stranger("permit")
        if book.size() == TOLD:
            sizes.append(_bytes(folder))
    refusals.say()
    assert book.size() == TOLD + 1
    found = [event.detail for _, event in book.events()]
    assert counted(found) == {"permit": 5_000}  # type: ignore[arg-type]
    assert heard == [What.REFUSED] * 5_000, "alarms hear of each, and of none twice"
    assert book.verify().size == TOLD + 1
    assert _bytes(folder) < sizes[0] + 6 * 2**20, "what the file grows by has an end"
    assert max(sizes[2_000:]) == max(sizes[1_000:2_000]), "it does not go on growing"


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_holders_have_an_entry_each(house: House, clock: StillClock) -> None:
    over = house.permit("mark", "floor", rights=["recall"], until=timedelta(seconds=1))
    credential = house.register("mark", "floor", "editor")
    token = house.owner_token(until=HOUR)
    house.revoke(credential.split(".")[1])
    house.revoke_owner_token(token.split(".")[1])
    clock.tick(2)
    shown(house, "nothing", 30)
    for text in (over, credential, token):
        shown(house, text, 30)
    with pytest.raises(NotFoundError):
        house.cross("mark", "nowhere")
    found = refused(house)
    assert Counter((each.get("by"), each["subject"], "more" in each) for each in found) == {
        ("permit", None, False): TOLD,
        ("permit", "mark", False): 60,
        ("token", None, False): 30,
        (None, "mark", False): 1,
    }
    assert all(each["late"] for each in found if each.get("by") == "token")


def test_what_was_counted_comes_before_the_next_refusal(house: House, clock: StillClock) -> None:
    shown(house, "nothing", 30)
    clock.tick(60)
    with pytest.raises(NotFoundError):
        house.cross("mark", "nowhere")
    assert [(each.get("more"), each["subject"]) for each in refused(house)[TOLD:]] == [(10, None), (None, "mark")]


def test_what_was_counted_is_said_when_the_house_is_closed(folder: Path) -> None:
    with make_house(folder) as house:
        shown(house, "nothing", 30)
        house.close()
    with open_house(folder / "store") as house:
        assert counted(refused(house)) == {"permit": 30}
        house.verify_audit()


def test_a_tick_says_it_when_the_minute_is_over_and_not_before(house: House, clock: StillClock) -> None:
    shown(house, "nothing", 30)
    for seconds, entries in ((59, TOLD), (1, TOLD + 1), (60, TOLD + 1)):
        clock.tick(seconds)
        house._refusals.tick()
        assert len(refused(house)) == entries


def test_a_clock_that_is_set_back_begins_a_minute(house: House, clock: StillClock) -> None:
    shown(house, "nothing", 30)
    clock.tick(-1)
    shown(house, "nothing")
    assert [each.get("more") for each in refused(house)[TOLD:]] == [10, None]


def test_alarms_hear_of_each_at_once(house: House) -> None:
    before = rung(house)
    shown(house, "nothing", 200)
    assert (rung(house) - before)["permit.wrong"] == 200
    assert (rung(house) - before)["refused.repeated"] == 200
    house._refusals.say()
    assert (rung(house) - before)["permit.wrong"] == 200, "none is heard of twice"


def test_a_rule_about_many_refusals_counts_those_without_an_entry(house: House) -> None:
    house.apply_alarms('rule = [{ on = "refused.repeated", to = "log", times = 50, within = "1h" }]')
    shown(house, "nothing", 49)
    assert not rung(house)
    shown(house, "nothing")
    assert rung(house) == {"refused.repeated": 50}


def test_what_cannot_be_written_down_stays_counted(book: AuditLog, clock: StillClock) -> None:
    refusals = Refusals(Telling(book), clock)
    for _ in range(30):
        refusals.stranger("token")
    true = book.tell_all
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "tell_all", _full)
        with pytest.raises(StoreError):
            refusals.say()
    assert book.tell_all == true
    refusals.say()
    refusals.say()
    assert counted([event.detail for _, event in book.events()]) == {"token": 30}  # type: ignore[arg-type, misc]


def _full(what: What, each: object) -> None:
    raise StoreError("the disk is full")


def test_many_at_once_are_counted_each(book: AuditLog, clock: StillClock) -> None:
    refusals = Refusals(Telling(book), clock)
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [Thread(target=lambda: [refusals.stranger("permit") for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(switching)
    refusals.say()
    assert counted([event.detail for _, event in book.events()]) == {"permit": 400}  # type: ignore[arg-type, misc]
    assert book.size() == TOLD + 1


def test_who_is_counted_is_weighed_as_who_is_told(book: AuditLog, clock: StillClock) -> None:
    """Both write the same, and the log that is left is one that is whole."""
    for _ in range(7):
        book.tell(What.REFUSED, detail={"by": "permit"})
    before, note = list(book.events()), book.checkpoint()[1]
    clock.tick(1)
    book.weigh(What.REFUSED, detail={"by": "permit"})
    assert list(book.events()) == before
    assert (book.verify().size, book.checkpoint()[0].at) == (7, clock.now())
    assert book.goes_on_from(note).size == 7, "a witness goes on from what it has seen"
    book.tell(What.REFUSED, detail={"by": "permit"})
    assert book.verify().size == 8


def test_a_log_that_was_rewritten_weighs_nothing(book: AuditLog, folder: Path) -> None:
    for _ in range(5):
        book.tell(What.REFUSED)
    book._log._connection.change(lambda raw: raw.execute("DELETE FROM entries WHERE n = 4"))
    with pytest.raises(DamagedError):
        book.weigh(What.REFUSED)


def test_a_store_that_may_not_be_written_tells_those_who_listen(clock: StillClock) -> None:
    telling, heard = Telling(None), list[What]()
    telling.listeners.append(lambda what, _: heard.append(what))
    refusals = Refusals(telling, clock)
    for _ in range(30):
        refusals.stranger("permit")
    refusals.say()
    assert len(heard) == 30


def test_of_texts_that_were_refused_the_last_are_known(book: AuditLog, clock: StillClock) -> None:
    found = Refusals(Telling(book), clock)
    for number in range(KNOWN + 1):
        assert not found.knows(f"{number}")
        found.remember(f"{number}")
    assert not found.knows("0"), "what is kept in memory has an end"
    assert found.knows("1")
    assert found.knows(f"{KNOWN}")
