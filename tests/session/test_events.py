"""What a persona is shown of the log: its own past, and nothing by which it could count what others did."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kit import make_house, open_house
from severance import AsleepError, InputError, PermitError, Session, weaken
from severance.barrier.traces.ports import StillClock
from severance.embed import Hashing
from severance.house import House
from severance.house import open as open_house_with
from severance.model import Right
from severance.transfer import read
from severance.transfer.ingest import Report, ingest
from severance.transfer.outgoing import exporting

HOUR = 3_600


def said(session: Session, limit: int = 100) -> list[tuple[str, str | None]]:
    return [(event.what, event.place) for event in session.events(limit=limit)]


@pytest.fixture
def house(folder: Path, clock: StillClock) -> House:
    return make_house(folder, clock=clock)


def test_it_sees_when_it_woke_and_slept_and_where(house: House, clock: StillClock) -> None:
    first = clock.at
    clock.tick(HOUR)
    with house, house.cross("mark", "floor"):
        pass
    with open_house(house._directory, clock=clock) as again, again.cross("mark", "floor") as innie:
        assert said(innie) == [
            ("severed", None),
            ("placed", "floor"),
            ("crossed", "floor"),
            ("slept", "floor"),
            ("crossed", "floor"),
        ]
        times = [event.at.timestamp() for event in innie.events()]
        assert times == [first / 1e6] * 2 + [first / 1e6 + HOUR] * 3
        assert said(innie, 2) == [("slept", "floor"), ("crossed", "floor")]


def test_personas_of_one_name_are_told_apart(house: House) -> None:
    with house, house.cross("mark", "floor") as innie, house.cross("helly", "floor") as helly:
        assert said(innie) == said(helly) == [("severed", None), ("placed", "floor"), ("crossed", "floor")]
        innie.sleep()
        assert said(helly)[-1] == ("crossed", "floor")


def test_permits_exports_and_imports_are_among_it(house: House, folder: Path) -> None:
    with house, house.cross("mark", "floor") as innie:
        innie.remember("The file is at 96 percent.")
        text = house.permit("mark", "floor", rights=["recall"], until="2025-01-01")
        house.revoke(house.permits()[0].id)
        exporting(innie, 1)
        source = folder / "more.jsonl"
        source.write_text('{"text": "One more."}\n', encoding="utf-8")
        with read(source, "jsonl") as reading:
            for _ in ingest(innie, reading, Report(reading.format)):
                pass
        assert [what for what, _ in said(innie)[3:]] == ["permit.made", "permit.revoked", "exported", "imported"]
        assert text not in repr(innie.events())
        told = {event.what: event for event in house.events()}
    assert told["exported"].detail == {"memories": 1}
    assert told["imported"].detail == {"format": "jsonl"}
    assert told["permit.made"].id == told["permit.revoked"].id
    assert told["permit.made"].detail["rights"] == "recall"


def test_the_owner_sees_credentials_and_the_clock(house: House) -> None:
    with house:
        house.register("mark", "floor", "editor", rights=[Right.RECALL])
        house.revoke(house.credentials()[0].id)
        house.revoke(house.credentials()[0].id)  # again, which is nothing new
        house.accept_clock()
        told = house.events(limit=3)
    assert [event.what for event in told] == ["credential.made", "credential.revoked", "clock.accepted"]
    assert told[0].id == told[1].id
    assert [event.persona for event in told] == [None, None, None]


def test_what_cannot_be_written_down_does_not_happen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with house:
        made, registered = house.permits(), house.credentials()

        def refuses(*given: object) -> None:
            raise InputError("no room")

        monkeypatch.setattr(house._telling, "tell", refuses)
        for call in (
            lambda: house.permit("mark", "floor", rights=["recall"], until="2025-01-01"),
            lambda: house.register("mark", "floor", "editor"),
        ):
            with pytest.raises(InputError, match="no room"):
                call()
        monkeypatch.undo()
        assert (house.permits(), house.credentials()) == (made, registered)


@pytest.mark.parametrize("limit", [0, 1_001, "3", True])
def test_a_limit_that_is_none_is_refused(house: House, limit: object) -> None:
    with house, house.cross("mark", "floor") as innie, pytest.raises(InputError, match="the limit"):
        innie.events(limit=limit)  # type: ignore[arg-type]


def test_who_is_asleep_sees_nothing(house: House) -> None:
    with house:
        innie = house.cross("mark", "floor")
        innie.sleep()
        with pytest.raises(AsleepError):
            innie.events()


def test_a_permit_for_some_threads_does_not_show_them(house: House) -> None:
    with house:
        text = house.permit("mark", "floor", rights=tuple(Right), until="2025-01-01")
        with house.admit(text) as whole:
            assert said(whole)[-1] == ("crossed", "floor")
        with house.admit(weaken(text, threads=["monday"])) as some, pytest.raises(PermitError):
            some.events()


def test_a_worker_has_the_same_past(folder: Path) -> None:
    with open_house_with(folder / "store", key=bytes(range(32)), embedder=Hashing(8)) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        with house.cross("mark", "floor", isolation="process") as away:
            assert [what for what, _ in said(away)] == ["severed", "placed", "crossed"]
            exporting(away, 3)
            assert said(away)[-1] == ("exported", "floor")
        with pytest.raises(AsleepError):
            away.events()
        assert house.events(what="exported")[0].detail == {"memories": 3}


def test_the_owner_can_ask_for_a_time_and_a_kind(house: House, clock: StillClock) -> None:
    with house:
        clock.tick(HOUR)
        house.cross("mark", "floor").sleep()
        clock.tick(HOUR)
        house.cross("mark", "home").sleep()
        assert [(e.what, e.persona) for e in house.events(since="2024-06-01T13:00", until="2024-06-01T13:30")] == [
            ("crossed", "innie"),
            ("slept", "innie"),
        ]
        assert [event.persona for event in house.events(what="crossed")] == ["innie", "outie"]
        out = io.BytesIO()
        assert house.export_audit(out, what="slept") == 2
        with pytest.raises(InputError):
            house.events(since="soon")
