"""Alarms as the owner of a house meets them: what rings, what does not, and who is told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import KEY, change, flipped, make_house, open_house
from kit.serving import Serving, serving
from severance import DamagedError, House, InputError, NotFoundError, Session, StoreError
from severance.admitted import NEEDS
from severance.alarming import AT_CLOSING, bell_of
from severance.alarms.kinds import Ring
from severance.alarms.post import Post
from severance.alarms.state import Key
from severance.audit.events import What
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.embed import Hashing
from severance.model import AlarmGroup, micros, parse_time
from severance.telling import Telling
from severance.watched import _LOOKS

NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens."""

TEXT = "the combination of the safe is written under the stapler"


def rung(house: House) -> Counter[str]:
    """How many alarms of each kind there were, told to the log or not yet."""
    status = house.alarm_status()
    found = Counter[str]()
    for group in (*(each.alarm for each in status.told), *(each for sink in status.sinks for each in sink.waiting)):
        found[group.kind] += group.count
    return found


def refused(house: House, times: int = 1, subject: str = "mark", place: str = "nowhere") -> None:
    for _ in range(times):
        with pytest.raises(NotFoundError):
            house.cross(subject, place)


def to(sink: str, url: str, *, on: str = "*", names: bool = False, more: str = "") -> str:
    named = "true" if names else "false"
    return (
        f'sink = [{{ name = "{sink}", webhook = "{url}"{more} }}]\n'
        f'rule = [{{ on = "{on}", to = "{sink}", names = {named} }}]\n'
    )


# --- What rings -------------------------------------------------------------------------------------------------------


def test_nothing_rings_where_nothing_happens(house: House, folder: Path) -> None:
    with house.cross("mark", "floor") as innie:
        innie.remember("a walk")
        innie.recall("walk")
    house.check()
    refused(house, 4)
    assert not rung(house)
    assert house.alarm_status().sinks == ()


def test_five_refusals_within_ten_minutes_are_one_alarm(house: House, clock: StillClock) -> None:
    refused(house, 4)
    clock.tick(599)
    refused(house)
    assert rung(house) == {"refused.repeated": 5}


def test_refusals_far_apart_are_none(house: House, clock: StillClock) -> None:
    for _ in range(12):
        refused(house)
        clock.tick(151)
    assert not rung(house)


def test_a_wrong_permit_rings_at_once_and_a_wrong_place_does_not(house: House) -> None:
    permit = house.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    for text in ("nothing", f"{permit[:-4]}AAAA", f"sevc.{'ab' * 16}.{'B' * 42}A"):
        with pytest.raises(NotFoundError):
            house.admit(text)
    assert rung(house) == {"permit.wrong": 3}
    house.admit(permit).sleep()
    assert rung(house) == {"permit.wrong": 3}


def test_a_permit_that_is_over_is_wrong_and_late(house: House, clock: StillClock) -> None:
    permit = house.permit("mark", "floor", rights=["recall"], until=timedelta(seconds=1))
    clock.tick(2)
    with pytest.raises(NotFoundError):
        house.admit(permit)
    assert rung(house) == {"permit.wrong": 1, "outside-hours": 1}
    told = house.events(what="refused")[-1]
    assert (told.subject, told.place, dict(told.detail)) == ("mark", "floor", {"by": "permit", "late": True})


def test_the_log_tells_what_was_shown_and_of_nobody_where_it_is_nothing(house: House) -> None:
    for text in ("nothing", f"sevc.{'ab' * 16}.{'B' * 42}A"):
        with pytest.raises(NotFoundError):
            house.admit(text)
    refused(house, place="floor", subject="nobody")
    found = [(event.subject, event.place, event.detail.get("by")) for event in house.events(what="refused")]
    assert found == [(None, None, "permit"), (None, None, "permit"), ("nobody", "floor", None)]


def test_somebody_who_comes_when_it_is_closed_is_outside_the_hours(house: House, clock: StillClock) -> None:
    house.apply_thresholds(
        'rule = [{ subject = "mark", place = "floor", persona = "innie", hours = "Mon-Fri 09:00-18:00 UTC" },'
        ' { subject = "mark", place = "home", persona = "outie" }]'
    )
    clock.at = micros(parse_time("2026-06-05T08:59"))
    refused(house, place="floor")
    refused(house, subject="helly", place="home")
    assert rung(house) == {"outside-hours": 1}
    clock.at = micros(parse_time("2026-06-05T09:00"))
    house.cross("mark", "floor").sleep()
    assert rung(house) == {"outside-hours": 1}


@pytest.mark.parametrize(("records", "rings"), [(10_000, 0), (10_001, 1)])
def test_an_export_of_unusual_size_rings(house: House, records: int, rings: int) -> None:
    house._telling.tell(What.EXPORTED, {"subject": "mark", "persona": "innie", "detail": {"memories": records}})
    assert rung(house)["export.large"] == rings


def test_a_barrier_that_failed_rings(house: House) -> None:
    house.barrier_failed(2)
    assert rung(house) == {"barrier.failed": 1}
    assert house.events(what="barrier.failed")[0].detail == {"parts": 2}
    with pytest.raises(InputError):
        house.barrier_failed(0)


def test_whatever_happens_with_an_override_rings(house: House) -> None:
    for what in ("override.requested", "override.used", "override.ended"):
        house._bell.hear(what, {"subject": "mark", "persona": "innie"})
    assert rung(house) == {"override.requested": 1, "override.used": 1, "override.ended": 1}


def spoil(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "store" / "vault.db")) as raw, raw:
        for seq, frame in raw.execute("SELECT seq, frame FROM records WHERE seq > 1").fetchall():
            raw.execute("UPDATE records SET frame = ? WHERE seq = ?", (flipped(frame, len(frame) - 1), seq))
        raw.execute("DELETE FROM layers")


def test_damage_that_is_found_rings_once_an_hour(folder: Path, clock: StillClock) -> None:
    with make_house(folder, clock=clock) as house, house.cross("mark", "floor") as innie:
        for number in range(3):
            innie.remember(f"memory {number}")
    spoil(folder)
    with open_house(folder / "store", clock=clock) as house:
        for _ in range(3):
            with pytest.raises(DamagedError):
                house.cross("mark", "floor")
        assert rung(house) == {"damage": 1}
        told = house.events(what="damage")[-1]
        assert (told.subject, told.place) == ("mark", "floor")
        assert house.check()
        assert rung(house) == {"damage": 2}
        clock.tick(3_600)
        with pytest.raises(DamagedError):
            house.cross("mark", "floor")
        assert rung(house) == {"damage": 3}


def test_damage_that_an_awake_persona_meets_rings(folder: Path) -> None:
    with make_house(folder) as house:
        innie = house.cross("mark", "floor")
        with open_house(folder / "store") as other, other.cross("mark", "floor") as same:
            same.remember("written elsewhere")
        spoil(folder)
        with pytest.raises(DamagedError):
            innie.recall("elsewhere")
        assert rung(house) == {"damage": 1}


def test_a_cut_audit_log_rings_although_the_store_does_not_open(folder: Path) -> None:
    make_house(folder).close()
    for name in ("audit.db", "audit.db-wal", "audit.db-shm"):
        (folder / "store" / name).unlink(missing_ok=True)
    with pytest.raises(DamagedError):
        open_house(folder / "store")
    severance.accept_audit(folder / "store", key=KEY)
    with open_house(folder / "store") as house:
        assert rung(house) == {"audit.cut": 1}


# --- Canaries ---------------------------------------------------------------------------------------------------------

READS: dict[str, Callable[[Session, str], Any]] = {
    "recall": lambda session, planted: session.recall("combination of the safe"),
    "context": lambda session, planted: session.context("combination of the safe"),
    "memories": lambda session, planted: list(session.memories()),
    "get": lambda session, planted: session.get(planted),
    "history": lambda session, planted: session.history(planted),
    "amend": lambda session, planted: session.amend(planted, "nothing is under the stapler"),
    "forget": lambda session, planted: session.forget(planted),
}


@pytest.fixture
def planted(house: House) -> str:
    with house.cross("mark", "floor") as innie:
        innie.remember("lunch was at noon")
    return house.plant_canary("mark", "floor", TEXT).id


@pytest.mark.parametrize("name", READS)
def test_a_canary_rings_however_it_is_reached(house: House, planted: str, name: str) -> None:
    with house.cross("mark", "floor") as innie:
        innie.stats()
        innie.remember("another lunch")
        innie.recall("lunch at noon", limit=1)
        innie.context("lunch at noon", tokens=40)
        assert not rung(house)
        READS[name](innie, planted)
    assert rung(house) == {"canary": 1}
    told = house.events(what="canary")[-1]
    assert (told.subject, told.persona, told.place) == ("mark", "innie", "floor")


@pytest.mark.parametrize("name", READS)
def test_so_it_does_for_whoever_was_let_in(house: House, planted: str, name: str) -> None:
    rights = ["recall", "amend", "forget"]
    with house.admit(house.permit("mark", "floor", rights=rights, until=timedelta(hours=1))) as innie:
        READS[name](innie, planted)
    assert rung(house)["canary"] >= 1


@pytest.mark.skipif(sys.platform == "win32", reason="slow there")
def test_so_it_does_in_a_process_of_its_own(folder: Path) -> None:
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        planted = house.plant_canary("mark", "floor", TEXT).id
        with house.cross("mark", "floor", isolation="process") as innie:
            for number, name in enumerate(READS, 1):
                READS[name](innie, planted)
                assert rung(house)["canary"] >= number, name


def test_every_method_that_gives_memories_is_watched() -> None:
    assert NEEDS.keys() - _LOOKS.keys() <= {"events", "notices"}
    assert _LOOKS.keys() <= NEEDS.keys()


def test_a_new_version_of_a_canary_is_one(house: House, planted: str) -> None:
    with house.cross("mark", "floor") as innie:
        newer = innie.amend(planted, "the combination of the safe is changed on Mondays")
        assert rung(house) == {"canary": 1}
        innie.get(newer.id)
        assert rung(house) == {"canary": 2}
    assert {each.id for each in house.canaries()} == {planted, newer.id}


def test_a_canary_that_another_process_plants_rings_in_sessions_that_are_open(folder: Path) -> None:
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        innie.recall("safe")
        with open_house(folder / "store") as other:
            planted = other.plant_canary("mark", "floor", TEXT).id
            assert not rung(house)
            innie.get(planted)
            assert rung(house) == {"canary": 1}
            other.remove_canary(planted)
        innie.get(planted)
        assert rung(house) == {"canary": 1}


def test_a_canary_of_one_persona_is_none_of_another(house: House, planted: str) -> None:
    with house.cross("mark", "home") as outie:
        outie.remember(TEXT)
        assert outie.recall("combination of the safe")
        with pytest.raises(NotFoundError):
            outie.get(planted)
    assert not rung(house)


def test_nothing_in_a_memory_tells_that_it_is_a_canary(folder: Path) -> None:
    seen = []
    for name in ("one", "other"):
        (folder / name).mkdir()
        clock, entropy = StillClock(), ScopedEntropy()
        with make_house(folder / name, clock=clock, entropy=entropy) as house:
            if name == "one":
                house.plant_canary("mark", "floor", TEXT)
            else:
                house.cross("mark", "floor").remember(TEXT)
            with house.cross("mark", "floor") as innie:
                seen.append((innie.recall("safe"), innie.context("safe"), innie.stats(), list(innie.memories())))
    assert seen[0] == seen[1]


def test_a_canary_that_is_removed_stays_a_memory(house: House, planted: str) -> None:
    assert [(each.subject, each.persona, each.id) for each in house.canaries()] == [("mark", "innie", planted)]
    house.remove_canary(planted)
    assert house.canaries() == []
    with house.cross("mark", "floor") as innie:
        assert innie.get(planted).text == TEXT
    assert not rung(house)
    for other in (planted, "a" * 30, "x", ""):
        with pytest.raises(NotFoundError, match="no canary"):
            house.remove_canary(other)


def test_planting_twice_is_planting_once(house: House, planted: str) -> None:
    assert house.plant_canary("mark", "floor", TEXT).id == planted
    assert len(house.canaries()) == 1


def test_what_rings_is_told_before_the_caller_has_it(house: House, planted: str) -> None:
    """If it cannot be written down, there is no memory either."""
    innie = house.cross("mark", "floor")
    house._audit.close()
    with pytest.raises(StoreError):
        innie.get(planted)


# --- Who is told ------------------------------------------------------------------------------------------------------


def test_the_log_is_told_without_names_and_a_sink_with_them_where_a_rule_says_so(house: House) -> None:
    with serving("200") as server:
        for names in (False, True):
            house.apply_alarms(to("hook", server.url, names=names))
            house.plant_canary("mark", "floor", TEXT)
            with house.cross("mark", "floor") as innie:
                innie.recall("combination of the safe")
            house._bell.flush(10)
    plain, named = (request.body["alarms"][0] for request in server.asked)
    assert {*plain} == {"kind", "count", "first", "last"}
    assert (named["subject"], named["persona"], named["place"]) == ("mark", "innie", "floor")
    assert not [request for request in server.asked if b"stapler" in request.raw or b"safe" in request.raw]
    assert all(f"v1/{house._chip.store.hex()}" not in request.path for request in server.asked)


def test_rules_that_hold_are_those_that_were_applied_last(house: House) -> None:
    before = house.alarms()
    text = 'rule = [{ on = "damage", to = "log" }]\n'
    assert house.apply_alarms(text, dry=True) == house.apply_alarms(text)
    assert house.apply_alarms(text) == []
    with pytest.raises(NotFoundError):
        house.admit("nothing")
    assert not rung(house), "nothing but damage"
    assert [event.what for event in house.events(what="alarms.changed")] == ["alarms.changed"]
    with pytest.raises(InputError, match="line 1, column"):
        house.apply_alarms("rule = 1")
    assert "damage" in house.alarms()
    house.apply_alarms(before)
    assert house.alarms() == before


def test_rules_outlive_the_process(folder: Path) -> None:
    with make_house(folder) as house:
        house.apply_alarms('rule = [{ on = "canary", to = "log" }]')
        text = house.alarms()
    with open_house(folder / "store") as house:
        assert house.alarms() == text


def test_one_alarm_that_two_rules_send_to_a_sink_is_told_once(house: House) -> None:
    rules = 'rule = [{ on = "*", to = "log" }, { on = "damage", to = "log", names = true }]'
    house.apply_alarms(rules)
    house._bell.ring([Ring("damage", "mark")])
    assert rung(house) == {"damage": 1}
    assert house.alarm_status().told[-1].alarm.subject == "mark"


def test_what_waits_is_told_when_the_store_is_next_opened(folder: Path, clock: StillClock) -> None:
    with serving("500") as server:
        with make_house(folder, clock=clock) as house:
            house.apply_alarms(to("hook", server.url))
            house.barrier_failed(1)
            house._bell.flush(10)
            (sink,) = house.alarm_status().sinks
            assert (sink.sink, sink.why, sink.tries) == ("hook", "answered with status 500", 1)
        assert len(server.asked) == 1
        server.modes = ["200"]
        with open_house(folder / "store", clock=clock) as house:
            house._bell.flush(10)
            assert len(server.asked) == 1, "it is left alone for a while"
        clock.tick(5)
        with open_house(folder / "store", clock=clock) as house:
            house._bell.flush(10)
            assert house.alarm_status().sinks == ()
    assert [request.body["id"] for request in server.asked] == [server.asked[0].body["id"]] * 2


def test_closing_tells_what_is_due(folder: Path) -> None:
    with serving("200") as server:
        with make_house(folder) as house:
            house.apply_alarms(to("hook", server.url))
            house.barrier_failed(1)
        assert [request.body["alarms"][0]["kind"] for request in server.asked] == ["barrier.failed"]


def test_closing_does_not_wait_for_ever(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving("hangs") as server:
        house = make_house(folder)
        house.apply_alarms(to("hook", server.url))
        house.barrier_failed(1)
        begin = time.monotonic()
        house.close()
        assert time.monotonic() - begin < AT_CLOSING + 60, "and not the ten seconds of the sink, on any machine"
        server.released.set()
    with open_house(folder / "store") as house:
        assert rung(house) == {"barrier.failed": 1}


def test_who_closes_a_house_hears_that_something_waits(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = make_house(folder)
    house.apply_alarms(to("hook", NOBODY))
    house.barrier_failed(1)
    house._bell.flush(10)
    house.close()
    assert "1 alarm waits, since a sink has not taken it; `severance alarm status` says why" in caplog.text


def test_what_waited_for_a_sink_that_goes_is_told_to_the_log(house: House) -> None:
    house.apply_alarms(to("hook", NOBODY))
    house.barrier_failed(1)
    house._bell.flush(10)
    house.apply_alarms('rule = [{ on = "damage", to = "log" }]')
    (told,) = house.alarm_status().told
    assert (told.sink, told.alarm.kind, told.alarm.count) == ("log", "barrier.failed", 1)


NAMES = ("mark", "innie", "floor")


def waits(house: House) -> None:
    """Something waits for the sink of this house, with names: a batch that failed, and what came after it."""
    for kind in ("damage", "canary"):
        house._bell.ring([Ring(kind, *NAMES)])
        house._bell.flush(10)


def heard(house: House, clock: StillClock, server: Serving) -> list[dict[str, Any]]:
    """What a sink is told of what waits, later."""
    clock.tick(3_600)
    house._bell.begin()
    house._bell.flush(10)
    return sorted(groups(server), key=lambda group: str(group["kind"]))


@pytest.mark.parametrize("names", [True, False])
def test_names_that_wait_do_not_go_to_another_address_of_the_same_name(
    house: House, clock: StillClock, names: bool
) -> None:
    house.apply_alarms(to("hook", NOBODY, names=True))
    waits(house)
    with serving("200") as server:
        house.apply_alarms(to("hook", server.url, names=names))
        found = heard(house, clock, server)
        assert [(group["kind"], group["count"], group.keys() & {"subject", "persona", "place"}) for group in found] == [
            ("canary", 1, set()),
            ("damage", 1, set()),
        ]


def test_names_that_wait_go_to_the_same_address_as_far_as_a_rule_gives_them_still(
    house: House, clock: StillClock
) -> None:
    with serving("500") as server:
        house.apply_alarms(to("hook", server.url, names=True))
        waits(house)
        rule = 'rule = [{ on = "damage", to = "hook", names = true }, { on = "*", to = "hook" }]\n'
        house.apply_alarms(f'sink = [{{ name = "hook", webhook = "{server.url}", most = 3 }}]\n{rule}')
        server.modes = ["200"]
        server.asked.clear()
        assert [group.get("subject") for group in heard(house, clock, server)] == [None, "mark"]


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ('{ on = "damage", to = "log" }', set()),
        ('{ on = "damage", to = "log", names = true }', {"damage"}),
        ('{ on = "*", to = "log", names = true }', {"damage", "canary"}),
    ],
)
def test_the_log_hears_names_of_a_sink_that_goes_where_a_rule_gives_them_to_it(
    house: House, caplog: pytest.LogCaptureFixture, rule: str, named: set[str]
) -> None:
    house.apply_alarms(to("hook", NOBODY, names=True))
    waits(house)
    caplog.clear()
    house.apply_alarms(f"rule = [{rule}]")
    found = {line.split()[1].rstrip(","): "mark" in line for line in caplog.messages if line.startswith("alarm: ")}
    assert found == {kind: kind in named for kind in ("damage", "canary")}


def test_names_that_wait_for_the_log_are_not_told_under_rules_without(
    house: House, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    house.apply_alarms('rule = [{ on = "*", to = "log", names = true }]')
    for _ in range(2):
        house._bell.ring([Ring("damage", *NAMES)])
    house.apply_alarms('rule = [{ on = "*", to = "log" }]')
    caplog.clear()
    clock.tick(60)
    house._bell.begin()
    (line,) = caplog.messages
    assert "damage, once" in line
    assert "mark" not in line


def test_a_process_that_ends_while_rules_are_replaced_leaves_no_names_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.apply_alarms(to("hook", NOBODY, names=True))
    waits(house)
    monkeypatch.setattr(house._chip, "change", lambda work: (_ for _ in ()).throw(StoreError("the disk is full")))
    with pytest.raises(StoreError):
        house._bell.replace(house._bell.rules().__class__((), ()))
    (sink,) = house.alarm_status().sinks
    assert {group.subject for group in sink.waiting} == {None}


def test_what_rang_under_other_rules_is_told_with_the_names_of_those_that_hold(house: House, clock: StillClock) -> None:
    """Another process may have kept it between the two."""
    with serving("200") as server:
        house.apply_alarms(to("hook", server.url))
        house._bell._change(lambda state, now: state.add("hook", Key("damage", *NAMES), 1, now, 60))
        assert [group.get("subject") for group in heard(house, clock, server)] == [None]


def test_a_test_says_what_became_of_it_and_leaves_nothing(house: House) -> None:
    with serving("200") as server:
        house.apply_alarms(
            f'sink = [{{ name = "good", webhook = "{server.url}" }}, {{ name = "bad", webhook = "{NOBODY}" }}]',
            empty=True,
        )
        assert [(tried.sink, bool(tried.why)) for tried in house.test_alarms()] == [
            ("log", False),
            ("good", False),
            ("bad", True),
        ]
        assert [tried.sink for tried in house.test_alarms("good")] == ["good"]
        assert server.asked[0].body["alarms"][0]["kind"] == "test"
    assert house.alarm_status().sinks == ()
    with pytest.raises(NotFoundError):
        house.test_alarms("nobody")


def test_a_secret_is_of_the_house_the_name_and_the_address(folder: Path, house: House) -> None:
    house.apply_alarms(
        'sink = [{ name = "a", webhook = "https://a.example" }, { name = "b", webhook = "https://a.example" },'
        ' { name = "c", command = ["/bin/true"] }]',
        empty=True,
    )
    first = house.alarm_secret("a")
    assert first == house.alarm_secret("a") != house.alarm_secret("b")
    for name in ("c", "log", "nobody"):
        with pytest.raises(NotFoundError):
            house.alarm_secret(name)
    house.apply_alarms(to("a", "https://b.example"))
    assert house.alarm_secret("a") != first
    house.apply_alarms(to("a", "https://a.example", more=", most = 3"))
    assert house.alarm_secret("a") == first


def test_a_sink_is_told_again_after_there_could_not_be_a_thread_once(
    house: House, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with serving("200") as server:
        house.apply_alarms(to("hook", server.url))
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", none)
            house.barrier_failed(1)
            house._bell.flush(60)
        assert not server.asked
        house._bell.tick()
        house._bell.flush(10)
        assert [group["kind"] for group in groups(server)] == ["barrier.failed"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sink_is_told_again_after_something_that_nobody_foresaw(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving("200") as server:
        house.apply_alarms(to("hook", server.url))
        with monkeypatch.context() as patch:
            patch.setattr(house._bell, "_post", post := Post(lambda sink: [][1]))
            house.barrier_failed(1)
            post.flush(10)
            assert not post._asked
        house._bell.tick()
        house._bell.flush(10)
        assert [group["kind"] for group in groups(server)] == ["barrier.failed"]


def test_what_is_gathered_is_told_when_it_is_due_and_nothing_before(
    house: House, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        house.barrier_failed(1)
    caplog.clear()
    clock.tick(59)
    house._bell.tick()
    assert not caplog.messages
    clock.tick(1)
    house._bell.tick()
    house._bell.tick()
    assert [line.split(" from")[0] for line in caplog.messages] == ["alarm: barrier.failed, 2 times"]


def test_to_tell_now_is_to_have_told_every_sink_or_kept_it(house: House) -> None:
    with serving("200") as server:
        house.apply_alarms(
            f'sink = [{{ name = "good", webhook = "{server.url}" }}, {{ name = "bad", webhook = "{NOBODY}" }}]\n'
            'rule = [{ on = "barrier.failed", to = ["good", "bad", "log"] }]'
        )
        for number in (1, 2):
            house._tell_now(What.BARRIER_FAILED, {"detail": {"parts": number}})
            assert len(server.asked) == 1, "the second is gathered with what comes"
        assert len(house.events(what="barrier.failed")) == 2
        waiting = {sink.sink: sum(group.count for group in sink.waiting) for sink in house.alarm_status().sinks}
    assert waiting == {"good": 1, "bad": 2, "log": 1}


def test_an_alarm_is_heard_after_it_is_in_the_log(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    true = type(house._audit).tell_all
    monkeypatch.setattr(type(house._audit), "tell_all", lambda *given: (order.append("log"), true(*given))[1])
    monkeypatch.setattr(house._bell, "ring", lambda found: order.append("bell"))
    Telling(house._audit).tell(What.DAMAGE, {})
    house._telling.tell(What.DAMAGE, {})
    assert order == ["log", "log", "bell"]


# --- Storms, kills and files that cannot be had -----------------------------------------------------------------------


def groups(server: Serving) -> list[dict[str, Any]]:
    return [alarm for request in server.asked for alarm in request.body["alarms"]]


def test_a_storm_is_a_few_messages_and_every_count_is_right(folder: Path, clock: StillClock) -> None:
    with serving("200") as server, make_house(folder, clock=clock) as house:
        house.apply_alarms(to("hook", server.url, names=True, more=", most = 5"))
        for number in range(10_000):
            if number % 50 == 0:
                clock.tick(0.3)  # a minute in all
            house._bell.ring([Ring("damage", f"subject {number % 7}")])
        house._bell.flush(60)
        clock.tick(120)
        house._bell.begin()
        house._bell.flush(60)
        assert house.alarm_status().sinks == ()
        assert sum(alarm["count"] for alarm in groups(server)) == 10_000
        assert len(server.asked) <= 5 * 4, "five in a minute"


def _killed_while_it_waits(folder: str, url: str) -> None:
    with severance.open(Path(folder) / "store", key=KEY, embedder=Hashing(16)) as house:
        house.apply_alarms(to("hook", url))
        house.barrier_failed(1)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_a_process_was_killed_over_is_told_by_the_next(folder: Path) -> None:
    """The sink hangs, so that the process is killed between keeping it and telling it, or in the middle of telling."""
    with serving("hangs", "200") as server:
        process = multiprocessing.get_context("spawn").Process(
            target=_killed_while_it_waits, args=(str(folder), server.url)
        )
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
        server.modes = ["200"]
        late = StillClock(time.time_ns() // 1_000 + 3_600_000_000)
        with open_house(folder / "store", clock=late, embedder=Hashing(16)) as house:
            house._bell.flush(10)
            assert house.alarm_status().sinks == ()
        assert [alarm["kind"] for request in server.asked[-1:] for alarm in request.body["alarms"]] == [
            "barrier.failed"
        ]


def test_a_spoiled_queue_keeps_nobody_out_and_rings(folder: Path) -> None:
    with make_house(folder) as house:
        house.barrier_failed(1)
    change(folder / "store" / "alarms.db", "UPDATE meta SET value = x'00'")
    with open_house(folder / "store") as house:
        assert rung(house) == {"alarms.lost": 1}
        with pytest.raises(NotFoundError):
            house.admit("nothing")
        assert rung(house) == {"alarms.lost": 1, "permit.wrong": 1}


def test_in_a_store_that_is_only_read_alarms_ring_as_long_as_the_process_lives(folder: Path) -> None:
    make_house(folder).close()
    with open_house(folder / "store") as house:
        chip = house._chip
        chip._rows.readonly = True
        bell = bell_of(folder / "store", chip, StillClock(), ScopedEntropy())
        bell.ring([Ring("damage")])
        assert [each.group.count for each in bell.state().told] == [1]
        bell.close(0)
        chip._rows.readonly = False
    assert not (folder / "store" / "alarms.db").exists()


def test_two_processes_count_together(folder: Path, clock: StillClock) -> None:
    with make_house(folder, clock=clock) as one, open_house(folder / "store", clock=clock) as other:
        refused(one, 2)
        refused(other, 3)
        assert rung(one) == rung(other) == {"refused.repeated": 5}


def test_a_process_that_was_forked_tells_as_well(house: House) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    post = house._bell._post
    post._process = -1  # as in a child: the threads and locks are those of another process
    with suppress(KeyError):
        post.go("nobody")
    assert post._process == os.getpid()
    post.flush(10)


def test_alarms_in_the_audit_log_are_not_of_those_that_a_persona_sees(house: House, planted: str) -> None:
    with house.cross("mark", "floor") as innie:
        innie.get(planted)
        assert not {event.what for event in innie.events()} & {"canary", "canary.planted", "damage"}


def test_groups_are_told_with_their_times(house: House, clock: StillClock) -> None:
    house._bell.ring([Ring("damage")])
    clock.tick(10)
    house._bell.ring([Ring("damage")])
    clock.tick(10)
    house._bell.ring([Ring("damage")])
    (sink,) = house.alarm_status().sinks
    (group,) = sink.waiting
    assert isinstance(group, AlarmGroup)
    assert (group.count, group.last - group.first) == (2, timedelta(seconds=10))


@pytest.mark.parametrize("odd", [[], {}, None, 5, "", "A" * 30, "a" * 29])
@pytest.mark.parametrize("name", ["get", "history", "amend", "forget"])
def test_what_is_no_id_is_answered_as_without_canaries(house: House, planted: str, name: str, odd: Any) -> None:
    with house.cross("mark", "floor") as innie, pytest.raises(NotFoundError) as caught:
        READS[name](innie, odd)
    assert str(caught.value) == "no memory with that id is remembered here"
    assert not rung(house)
