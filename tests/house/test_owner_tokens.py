"""Owner tokens as the house makes, lists and revokes them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit import make_house, open_house
from severance import AsleepError, DamagedError, House, InputError, NotFoundError
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.chip.bearers import parts_of, written
from severance.chip.register import TokenRow

HOUR = timedelta(hours=1)


def _opens(house: House, text: Any) -> bool:
    try:
        return house._owner_with(text).holds()
    except NotFoundError as error:
        if error.args != ("that opens nothing here; `severance owner token` makes what does",):
            raise
        return False


def test_a_token_is_listed_without_its_secret(house: House) -> None:
    text = house.owner_token(until=HOUR, label="the console: a/b=c")
    other = house.owner_token(until="2030-01-01T00:00Z")
    first, second = house.owner_tokens()
    word, name, secret = text.split(".")
    assert (word, name, first.label, second.label) == ("sevo", first.id, "the console: a/b=c", "")
    assert (first.until - first.made, first.ended) == (HOUR, None)
    assert second.until == datetime(2030, 1, 1, tzinfo=UTC)
    assert secret not in repr(first)
    assert written("sevo", *parts_of(other)) == other
    assert _opens(house, text)
    assert _opens(house, other)


def test_making_and_revoking_is_in_the_log_without_the_label(house: House) -> None:
    house.owner_token(until=HOUR, label="the console")
    (made,) = house.owner_tokens()
    for _ in range(2):
        house.revoke_owner_token(made.id)
    told = [event for event in house.events() if event.what.startswith("token.")]
    assert [(event.what, event.id, event.persona) for event in told] == [
        ("token.made", made.id, None),
        ("token.revoked", made.id, None),
    ]
    assert told[0].detail.keys() == {"until"}
    assert "console" not in repr(told)


def test_a_revoked_token_opens_nothing_in_any_process(house: House, folder: Path) -> None:
    text = house.owner_token(until=HOUR)
    standing = house._owner_with(text)
    with open_house(folder / "store") as other:
        other.revoke_owner_token(other.owner_tokens()[0].id)
    assert not standing.holds()
    assert not standing.holds()
    assert not _opens(house, text)
    assert house.owner_tokens()[0].ended is not None


def test_no_other_id_is_revoked(house: House) -> None:
    text = house.owner_token(until=HOUR)
    permit = house.permit("mark", "floor", rights=["recall"], until=HOUR)
    for id_ in ("", "x", "0" * 32, house.permits()[0].id, house.owner_tokens()[0].id.upper(), 7):
        with pytest.raises(NotFoundError, match="no owner token has that id"):
            house.revoke_owner_token(id_)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        house.revoke(house.owner_tokens()[0].id)
    assert _opens(house, text)
    house.admit(permit).sleep()
    assert house.events(what="token.revoked") == []


def test_a_token_ends_by_the_clock_of_permits(folder: Path) -> None:
    clock = StillClock()
    with make_house(folder, clock=clock) as house:
        text, *longer = (house.owner_token(until=length) for length in (timedelta(seconds=10), HOUR, HOUR))
        standing = house._owner_with(text)
        clock.tick(9)
        assert standing.holds()
        clock.tick(1)
        assert not standing.holds()
        assert not _opens(house, text)
        clock.tick(-10)
        assert not _opens(house, text), "what was seen is over stays so"
        assert not standing.holds()
        clock.tick(7_200)
        _opens(house, "anything")
        clock.tick(-7_200)
        assert not _opens(house, longer[0]), "the latest time that was seen counts"
        house.accept_clock()
        assert [_opens(house, each) for each in longer] == [False, True], "one was seen to be over"


def test_tokens_survive_a_restart_and_a_backup(folder: Path) -> None:
    with make_house(folder) as house:
        text = house.owner_token(until=HOUR)
    with open_house(folder / "store") as house:
        assert _opens(house, text)
        assert [info.id for info in house.owner_tokens()] == [text.split(".")[1]]


def test_tokens_that_ended_long_ago_are_struck_from_the_list(folder: Path) -> None:
    clock = StillClock()
    with make_house(folder, clock=clock) as house:
        house.owner_token(until=HOUR, label="old")
        clock.tick(31 * 24 * 3_600)
        house.owner_token(until=HOUR, label="new")
        assert [info.label for info in house.owner_tokens()] == ["new"]


def test_whatever_is_not_the_text_opens_nothing(house: House, folder: Path) -> None:
    entropy = ScopedEntropy(b"another house")
    text = house.owner_token(until=HOUR)
    word, name, secret = text.split(".")
    with make_house(folder / "other", entropy=entropy) as other:
        foreign = other.owner_token(until=HOUR)
        row = other._chip.find(TokenRow(parts_of(foreign)[0], b"", "", 0, 0))
        assert row is not None
    house._chip.change(lambda change: change.put(row))
    wrong = [
        foreign,  # also where its row was copied into this chip
        house.permit("mark", "floor", rights=["recall"], until=HOUR),
        house.register("mark", "floor", "editor"),
        "",
        ".",
        "..",
        "sevo",
        text[:-1],
        text + "A",
        text + "=",
        text + "\n",
        text.upper(),
        f"{word}.{name}",
        f"{word}.{name}.",
        f"{word}..{secret}",
        f"{word}.{name}.{secret}.{secret}",
        f"sevc.{name}.{secret}",
        f"{word}.{'0' * 32}.{'A' * 43}",
        "\u202e" + text,
        text * 10_000,
    ]
    assert [each[:60] for each in wrong if _opens(house, each)] == []
    for index in range(len(text)):
        changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
        assert not _opens(house, changed), index
    assert _opens(house, text), "the control"
    for given in (None, 7, b"bytes", ["list"]):
        with pytest.raises(InputError):
            _opens(house, given)


def test_a_token_that_was_taken_out_of_the_chip_is_damage(house: House) -> None:
    text = house.owner_token(until=HOUR)
    row = TokenRow(parts_of(text)[0], b"", "", 0, 0)
    wanted, _ = house._chip.keys.identify(row)
    house._chip._rows.change(lambda rows: rows.delete(wanted))
    with pytest.raises(DamagedError):
        _opens(house, text)
    with pytest.raises(DamagedError):
        house.owner_tokens()


def test_an_older_chip_that_is_put_back_brings_no_token_back(folder: Path) -> None:
    with make_house(folder) as house:
        text, kept = house.owner_token(until=HOUR), house.owner_token(until=HOUR)
    shutil.copy(folder / "store" / "chip.db", folder / "older.db")
    with open_house(folder / "store") as house:
        house.revoke_owner_token(text.split(".")[1])
    shutil.copy(folder / "older.db", folder / "store" / "chip.db")
    with open_house(folder / "store") as house:
        assert not _opens(house, text)
        assert _opens(house, kept)


def test_wrong_tokens_ring_as_wrong_permits_do(house: House) -> None:
    text = house.owner_token(until=HOUR)
    house.revoke_owner_token(text.split(".")[1])
    for _ in range(3):
        _opens(house, "sevo.wrong")
    _opens(house, text)
    assert [dict(event.detail) for event in house.events(what="refused")] == [
        *[{"by": "token"}] * 3,
        {"by": "token", "late": True},
    ]
    assert "permit.wrong" in {each.alarm.kind for each in house.alarm_status().told}


def test_a_session_says_nothing_of_tokens(house: House) -> None:
    with house.cross("mark", "floor") as session:
        before = session.events()
        house.owner_token(until=HOUR)
        assert session.events() == before
    with pytest.raises(AsleepError):
        session.events()


def test_entries_follow_another(house: House) -> None:
    events = house.events(limit=1_000)
    assert house.events(after=-1, limit=1_000) == events
    assert house.events(after=2, limit=3) == events[3:6]
    assert house.events(after=events[-1].number) == house.events(after=10**9) == []
    assert house.events(after=0, what="placed", limit=1) == [each for each in events if each.what == "placed"][:1]
    for after in (-2, 1.5, "1", True, 2**63):
        with pytest.raises(InputError):
            house.events(after=after)  # type: ignore[arg-type]


def test_the_checkpoint_is_that_of_the_log(house: House) -> None:
    found, check = house.audit_checkpoint(), house.verify_audit()
    assert (found.size, found.root, found.at, found.verifier) == (check.size, check.root, check.at, check.verifier)
    assert found.note.startswith("severance/")
    assert str(found.size) in found.note.splitlines()


def test_an_end_and_a_label_are_checked(house: House) -> None:
    for until in (timedelta(0), timedelta(seconds=-1), "2001-01-01", "soon", timedelta.max):
        with pytest.raises(InputError):
            house.owner_token(until=until)
    for label in (5, "x" * 513, "half \ud800", "nul \0"):
        with pytest.raises(InputError):
            house.owner_token(until=HOUR, label=label)  # type: ignore[arg-type]
    assert house.owner_tokens() == []
    assert house.events(what="token.made") == [], "what is not made is not told"
