"""Owner tokens: what they open, who is told nothing with anything else, and how what they opened ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import severance
from kit import make_house, open_house
from kit.checks.resident import _said, _until, _up
from severance import AsleepError, House, NotFoundError, SeveranceError
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.chip.bearers import parts_of
from severance.chip.rows import RowFile
from severance.crypto.envelope import Opener, SpaceKey, row_place
from severance.resident.messages import PROTOCOL, Admit, Oversee
from severance.resident.oversight import Entries, LastCheckpoint
from severance.resident.watch import Watch

HOUR = timedelta(hours=1)
_ENTRIES = Entries(100, None, None, None, None)


def owner_tokens_open_what_they_say(folder: Path) -> None:
    """Nothing that has ended, was revoked, is another house's, a part of a secret, or a permit."""
    clock = StillClock()
    entropy = ScopedEntropy(b"another house")
    with make_house(folder, clock=clock) as house, make_house(folder / "o", clock=clock, entropy=entropy) as other:
        text, revoked, brief = (house.owner_token(until=length) for length in (HOUR, HOUR, timedelta(seconds=10)))
        theirs, permit = other.owner_token(until=HOUR), house.permit("mark", "floor", rights=["recall"], until=HOUR)
        house.revoke_owner_token(_id(revoked))
        word, name, secret = text.split(".")
        assert not _opens(house, revoked), "it was revoked"
        assert not _opens(house, theirs), "it is another house's"
        assert not _opens(house, f"{word}.{name}.{secret[:22]}{'A' * 20}Q"), "only a part of the secret is right"
        assert not _opens(house, permit), "it is a permit"
        assert not _opens(house, text.replace(word, "sevc")), "it is shown as a credential"
        assert _opens(house, text), "the control"
        assert _opens(house, brief), "the control"
        standing = house._owner_with(brief)
        clock.tick(10)
        assert not standing.holds(), "what it opened outlives it"
        assert not _opens(house, brief), "it has ended"
        clock.tick(3_600)
        assert not _opens(house, text), "it has ended"
        clock.tick(-3_600)
    with open_house(folder / "store", clock=clock) as house:
        assert not _opens(house, text), "it has ended by the latest time that was seen"


def an_owner_token_that_opens_nothing_is_told(folder: Path) -> None:
    """Whoever shows something wrong is in the log, and rings."""
    with make_house(folder) as house:
        revoked = house.owner_token(until=HOUR)
        house.revoke_owner_token(_id(revoked))
        for text in ("sevo.nothing", revoked):
            assert not _opens(house, text)
        told = [event.detail for event in house.events(what="refused", limit=1_000)]
        assert told == [{"by": "token"}, {"by": "token", "late": True}], "nobody hears of it"
        assert "permit.wrong" in {each.alarm.kind for each in house.alarm_status().told}, "nothing rings"


def a_token_is_revoked_in_the_log_too(folder: Path) -> None:
    """An older chip that is put back alone does not open what the log says was revoked; nor is a secret in the chip."""
    with make_house(folder) as house:
        text = house.owner_token(until=HOUR)
    chip = folder / "store" / "chip.db"
    older = chip.read_bytes()
    with open_house(folder / "store") as house:
        assert _opens(house, text), "the control"
        house.revoke_owner_token(_id(text))
    chip.write_bytes(older)
    with open_house(folder / "store") as house:
        assert not _opens(house, text), "an older chip opens what was revoked"
        assert {"token.made", "token.revoked"} <= {event.what for event in house.events(limit=1_000)}


def the_chip_has_no_secret_of_a_token(folder: Path) -> None:
    """Who can open every row of the chip cannot show what was made with it."""
    with make_house(folder) as house:
        text = house.owner_token(until=HOUR)
        seal = SpaceKey(house._chip.store, 0, house._chip.keys.seal)
    rows = RowFile.open(folder / "store" / "chip.db", readonly=True)
    try:
        opened = [Opener(seal).open(row_place(row.id, row.owner), row.frame) for row in rows.all()]
    finally:
        rows.close()
    name, secret = parts_of(text)
    assert any(name in plain for plain in opened), "the control"
    assert not any(secret in plain for plain in opened), "the secret is in the chip"


def nobody_else_is_answered_as_the_owner(folder: Path) -> None:
    """Neither who shows a permit or nothing, nor who has a session; and an owner is no persona."""
    with _up(folder) as (resident, permit):
        house: Any = resident._house
        token = house.owner_token(until=HOUR)
        assert b"severed" in _said(folder, Oversee(PROTOCOL, token), _ENTRIES), "the control"
        for first in (Oversee(PROTOCOL, permit), Oversee(PROTOCOL, ""), Admit(PROTOCOL, permit, None, None), _ENTRIES):
            for message in (_ENTRIES, LastCheckpoint()):
                heard = _said(folder, first, message)
                assert b"severed" not in heard, "somebody else is shown the log"
                assert b"Told" not in heard, "somebody else is answered"
        with suppress(NotFoundError):
            severance.connect(folder / "store").admit(token)
            raise AssertionError("an owner token opens a session")


def what_a_token_opened_ends_with_it(folder: Path) -> None:
    """Requests, and who follows the log, and who says nothing: all end with the token."""
    with _up(folder) as (resident, _):
        house: Any = resident._house
        token = house.owner_token(until=HOUR)
        here = severance.connect(folder / "store")
        with here.owner(token) as owner, here.owner(token) as silent, owner.follow() as new:
            assert owner.overrides() == [], "the control"
            house.revoke_owner_token(_id(token))
            _refused(owner.overrides)
            following = threading.Thread(target=lambda: _until(lambda: _is_over(new.next)), daemon=True)
            following.start()
            following.join(5.0)
            assert not following.is_alive(), "who follows the log goes on"
            _until(lambda: not resident._owners, "who says nothing stays", 5.0)
            del silent


def a_lock_ends_what_a_token_opened(folder: Path) -> None:
    """A locked house answers no owner, and nothing of one is left in it."""
    with _up(folder) as (resident, _):
        house: Any = resident._house
        token = house.owner_token(until=HOUR)
        with severance.connect(folder / "store").owner(token) as owner, owner.follow() as new:
            resident.lock()
            del house
            assert not resident._owners, "an owner is left in a locked house"
            _refused(owner.overrides)
            _until(lambda: _is_over(new.next))


def an_owner_does_not_keep_a_house_open(folder: Path) -> None:
    """Who only looks is no use of the house."""
    with _up(folder) as (resident, _):
        house: Any = resident._house
        now, token = [100.0], house.owner_token(until=HOUR)
        resident._watch = watch = Watch(60.0, on_sleep=False, both=lambda: now[0], awake=lambda: now[0])
        with severance.connect(folder / "store").owner(token) as owner:
            now[0] = 130.0
            assert owner.overrides() == []
            now[0] = 161.0
            assert watch.due() is not None, "an owner keeps the house open"


def _is_over(call: Callable[[], object]) -> bool:
    try:
        call()
    except SeveranceError:
        return True
    return False


def _refused(call: Callable[[], object]) -> None:
    try:
        call()
    except AsleepError:
        return
    raise AssertionError("an owner is answered whose token holds no longer")


def _opens(house: House, text: str) -> bool:
    try:
        house._owner_with(text)
    except NotFoundError:
        return False
    return True


def _id(text: str) -> str:
    return text.split(".")[1]
