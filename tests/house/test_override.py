"""Overrides: no silent one, none by one alone, none without an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import make_house, open_house, recalled
from severance import AsleepError, House, InputError, NotFoundError, OverrideError, PermitError, Session
from severance.approving import approve, deny, new_override_key, show_request
from severance.audit.events import What
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock
from severance.chip.chip import Chip
from severance.chip.override import held as holding
from severance.chip.override import texts
from severance.chip.override.keys import PrivateKey, PublicKey, public_of
from severance.chip.register import EscrowRow, KeyRow
from severance.errors import DamagedError, KeyMissingError, StoreError
from severance.model import OverrideInfo, Right, moment
from severance.worker.away import WorkerSession

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ENDED = "has ended"


@pytest.fixture
def asking(house: House, keys: dict[str, Path]) -> Callable[..., str]:
    """Asks for mark's innie, as irving."""

    def asking(**changed: Any) -> str:
        given = {"key": keys["irving"], "reason": "he does not answer", "length": MINUTE, **changed}
        return house.request_override("mark", "innie", **given)

    return asking


@pytest.fixture
def approved(house: House, keys: dict[str, Path], asking: Callable[..., str]) -> Callable[..., str]:
    """Asks, and has it approved by both others. Returns the id."""

    def approved(**changed: Any) -> str:
        text = asking(**changed)
        for name in ("burt", "dylan"):
            house.answer_override(approve(text, keys[name]))
        return show_request(text).id

    return approved


def refused(match: str, call: Callable[[], object]) -> str:
    """That it is refused with these words. Returns the word for why."""
    with pytest.raises(OverrideError, match=match) as caught:
        call()
    return caught.value.why


def told(house: House) -> list[tuple[str, object]]:
    """What the audit log has of overrides, and of refusals why."""
    events = [event for event in house.events(limit=1_000) if event.what.startswith("override.")]
    return [(event.what, event.detail.get("why")) for event in events]


def only(house: House) -> OverrideInfo:
    (found,) = house.overrides()
    return found


def until_true(condition: Callable[[], bool]) -> None:
    """Wait until something holds; for so long that only what never does fails."""
    for _ in range(1_200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError


# --- The way of one that is granted -----------------------------------------------------------------------------------


def test_two_approvals_wake_the_persona_for_what_was_asked(house: House, keys: Any, approved: Any) -> None:
    id_ = approved()
    with house.use_override(id_, key=keys["irving"]) as session:
        assert (session.subject, session.persona, session.place) == ("mark", "innie", "override")
        assert recalled(session, "file") == ["the file is at 96 percent"]
        assert only(house).state == "active"
        with pytest.raises(PermitError, match="does not allow it to remember"):
            session.remember("no")
    found = only(house)
    assert (found.state, found.why, found.requester, found.approved) == (
        "ended",
        "released",
        "irving",
        ("burt", "dylan"),
    )
    assert found.reason == "he does not answer"


def test_it_does_all_that_was_asked_for(house: House, keys: Any, approved: Any) -> None:
    with house.use_override(approved(rights=tuple(Right)), key=keys["irving"]) as session:
        kept = session.remember("irving was here")
        session.amend(kept.id, "irving was not here")
        assert session.forget(kept.id) == 2
    with house.cross("mark", "floor") as innie:
        assert [memory.text for memory in innie.memories()] == ["the file is at 96 percent"]


def test_it_reaches_the_threads_that_were_asked_for(house: House, keys: Any, approved: Any) -> None:
    with house.cross("mark", "floor") as innie:
        other = innie.remember("the door is on the left", thread="tuesday")
    with house.use_override(approved(threads=["monday"]), key=keys["irving"]) as session:
        assert [hit.memory.text for hit in session.recall("file", thread="monday")] == ["the file is at 96 percent"]
        with pytest.raises(PermitError, match="some threads only"):
            session.recall("file")
        with pytest.raises(NotFoundError):
            session.get(other.id)


def test_every_step_is_in_the_audit_log(house: House, keys: Any, approved: Any) -> None:
    house.use_override(approved(), key=keys["irving"]).sleep()
    registered, steps = [("override.registered", None)] * 3, ("requested", "approved", "approved", "used")
    assert told(house) == [*registered, *((f"override.{step}", None) for step in steps), ("override.ended", "released")]
    (used,) = house.events(what="override.used")
    assert (used.subject, used.persona, used.id) == ("mark", "innie", only(house).id)
    assert dict(used.detail) == {
        "requester": "irving",
        "reason": "he does not answer",
        "approved": "burt, dylan",
        "seconds": 60,
    }


def test_it_is_told_and_noted_before_a_byte_can_be_read(
    house: House, keys: Any, approved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log, whoever listens, the notice: and only then are the shares put together."""
    id_, order = approved(), list[str]()
    house._telling.listeners.append(lambda what, _: order.append(what.value))

    def joined(*given: Any) -> Any:
        (used,) = house.events(what="override.used")
        assert used.id == id_
        space = house._desk.get(bytes.fromhex(id_)).request.space
        assert [notice.reason for notice in house._desk.notices(space)] == ["he does not answer"]
        order.append("joined")
        return true(*given)

    true = texts.unboxed
    monkeypatch.setattr(texts, "unboxed", joined)
    house.use_override(id_, key=keys["irving"]).sleep()
    assert order[:2] == ["override.used", "joined"]


@pytest.mark.parametrize("broken", ["log", "listener"])
def test_what_cannot_be_told_does_not_happen(
    house: House, keys: Any, approved: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    id_ = approved()

    def failing(*given: Any) -> None:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        if broken == "log":
            patch.setattr(house._audit, "tell_all", failing)
        else:
            patch.setattr(house._telling, "listeners", [failing])
        with pytest.raises(StoreError, match="the disk is gone"):
            house.use_override(id_, key=keys["irving"])
    assert only(house).state == "approved"
    house.use_override(id_, key=keys["irving"]).sleep()


def test_the_key_comes_from_the_escrow_alone(
    house: House, keys: Any, asking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = asking()
    id_ = show_request(text).id
    house.answer_override(approve(text, keys["burt"]))
    true = Chip._find

    def without_keys(self: Chip, like: Any, *given: Any, **named: Any) -> Any:
        assert not isinstance(like, KeyRow), "the row with the key is looked at"
        return true(self, like, *given, **named)

    monkeypatch.setattr(Chip, "_find", without_keys)
    monkeypatch.setattr(Chip, "key", without_keys)
    with pytest.raises(OverrideError):
        house._desk.key(house._override(id_), PrivateKey.load(keys["irving"]))
    house.answer_override(approve(text, keys["dylan"]))
    with house.use_override(id_, key=keys["irving"]) as session:
        assert recalled(session, "file") == ["the file is at 96 percent"]


def test_a_persona_that_is_severed_later_can_be_woken_too(house: House, keys: Any) -> None:
    house.sever("mark", ["third"])
    house.place("attic", {"mark": "third"})
    with house.cross("mark", "attic") as third:
        third.remember("the attic is cold")
    text = house.request_override("mark", "third", key=keys["burt"], reason="cold", length=MINUTE)
    for name in ("irving", "dylan"):
        house.answer_override(approve(text, keys[name]))
    with house.use_override(show_request(text).id, key=keys["burt"]) as session:
        assert recalled(session, "cold") == ["the attic is cold"]


def test_it_holds_after_the_house_was_closed(
    folder: Path, clock: StillClock, house: House, keys: Any, approved: Any
) -> None:
    id_ = approved()
    house.close()
    with open_house(folder / "store", clock=clock) as again:
        assert only(again).state == "approved"
        with again.use_override(id_, key=keys["irving"]) as session:
            assert recalled(session, "file") == ["the file is at 96 percent"]
        assert only(again).state == "ended"


def test_any_two_of_many_keys_approve(house: House, folder: Path, keys: Any) -> None:
    more = [folder / f"more{n}.key" for n in range(5)]
    for number, path in enumerate(more):
        house.register_override_key(f"more {number}", new_override_key(path))
    assert len(house.override_keys()) == 8
    text = house.request_override("mark", "innie", key=more[2], reason="x", length=MINUTE)
    for path in (more[4], keys["irving"]):
        house.answer_override(approve(text, path))
    with house.use_override(show_request(text).id, key=more[2]) as session:
        assert recalled(session, "file") == ["the file is at 96 percent"]
    ninth = new_override_key(folder / "ninth.key")
    assert refused("at most 8", lambda: house.register_override_key("ninth", ninth)) == "many"


# --- Approving --------------------------------------------------------------------------------------------------------


def test_one_approval_is_not_enough(house: House, keys: Any, asking: Any) -> None:
    text = asking()
    assert refused("0 of 2", lambda: house.use_override(show_request(text).id, key=keys["irving"])) == "few"
    house.answer_override(approve(text, keys["burt"]))
    assert refused("1 of 2", lambda: house.use_override(show_request(text).id, key=keys["irving"])) == "few"
    assert only(house).state == "requested"
    assert told(house)[-1] == ("override.refused", "few")


def test_the_same_key_does_not_approve_twice(house: House, keys: Any, asking: Any) -> None:
    text = asking()
    house.answer_override(approve(text, keys["burt"]))
    assert (
        refused("approved this request already", lambda: house.answer_override(approve(text, keys["burt"]))) == "twice"
    )
    assert only(house).approved == ("burt",)


def test_whoever_asks_does_not_approve(house: House, keys: Any, asking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = asking()
    assert refused("two others", lambda: approve(text, keys["irving"])) == "own"
    irving, entropy = PrivateKey.load(keys["irving"]), ScopedEntropy()
    burt = texts.answered(texts.request_of(text), PrivateKey.load(keys["burt"]), approves=True, entropy=entropy)
    said = texts.Answer(
        id=burt.said.id, request=burt.said.request, key=irving.public.id, approves=True, shares=burt.said.shares
    )
    forged = texts.Answered(texts._signed(said, irving), said)
    assert refused("two others", lambda: house.answer_override(forged.text())) == "own"
    assert only(house).approved == ()


def test_a_key_that_is_not_registered_neither_asks_nor_approves(house: House, keys: Any, asking: Any) -> None:
    assert refused("not registered", lambda: asking(key=keys["helena"])) == "stranger"
    text = asking()
    assert refused("not for that key", lambda: approve(text, keys["helena"])) == "stranger"
    assert refused("not registered", lambda: house.answer_override(deny(text, keys["helena"]))) == "stranger"
    assert only(house).state == "requested"


def test_a_refusal_of_an_answer_that_the_house_makes_is_told(house: House, keys: Any, asking: Any) -> None:
    text = asking()
    for name, match, why in (("irving", "two others", "own"), ("helena", "not for that key", "stranger")):
        assert refused(match, lambda name=name: house.answer_override(text, key=keys[name])) == why
        assert told(house)[-1] == ("override.refused", why)
    altered = text[:-20] + "A" * 20
    assert refused("altered", lambda: house.answer_override(altered, key=keys["burt"])) == "altered"
    event = house.events()[-1]
    assert (event.persona, event.id) == ("innie", only(house).id)
    before = len(house.events())
    with pytest.raises(InputError, match="no request"):
        house.answer_override("nothing", key=keys["burt"])
    assert len(house.events()) == before
    assert house.answer_override(text, key=keys["burt"]).approved == ("burt",)
    assert house.answer_override(text, key=keys["dylan"], approves=False).state == "denied"


def test_a_refused_request_of_another_house_names_nobody_here(
    house: House, keys: Any, asking: Any, folder: Path
) -> None:
    asking()
    with make_house(folder / "other") as other:
        for name in ("irving", "burt", "dylan"):
            other.register_override_key(name, PrivateKey.load(keys[name]).public.text())
        theirs = other.request_override("mark", "innie", key=keys["irving"], reason="x", length=MINUTE)
    assert refused("two others", lambda: house.answer_override(theirs, key=keys["irving"])) == "own"
    event = house.events()[-1]
    assert (event.what, event.subject, event.persona, event.id) == ("override.refused", None, None, None)


def test_an_answer_to_a_request_that_was_altered_is_refused(house: House, keys: Any, asking: Any) -> None:
    """The requester can sign anything. Only what the house has counts."""
    text = asking()
    said = texts.request_of(text).said
    longer = texts.Request(**{**{name: getattr(said, name) for name in said.__struct_fields__}, "length": 10**13})
    altered = texts.asked(longer, PrivateKey.load(keys["irving"])).text()
    assert show_request(altered).id == show_request(text).id
    assert refused("another request", lambda: house.answer_override(approve(altered, keys["burt"]))) == "other"
    assert refused("altered", lambda: approve(text[:-20] + "A" * 20, keys["burt"])) == "altered"
    assert only(house).approved == ()


def test_an_approval_of_one_request_is_none_of_another(house: House, keys: Any, asking: Any) -> None:
    first, second = asking(), asking(reason="another")
    for name in ("burt", "dylan"):
        house.answer_override(approve(first, keys[name]))
    states = {found.reason: found.state for found in house.overrides()}
    assert states == {"he does not answer": "approved", "another": "requested"}
    assert refused("0 of 2", lambda: house.use_override(show_request(second).id, key=keys["irving"])) == "few"


def test_it_is_too_late_to_approve(house: House, keys: Any, asking: Any, clock: StillClock) -> None:
    text = asking(approve_within=HOUR)
    house.answer_override(approve(text, keys["burt"]))
    clock.tick(3_599)
    assert only(house).state == "requested"
    clock.tick(1)
    assert only(house).state == "expired"
    assert refused("time for it is over", lambda: house.answer_override(approve(text, keys["dylan"]))) == "late"
    clock.tick(-3_600)
    assert refused("time for it is over", lambda: house.answer_override(approve(text, keys["dylan"]))) == "late"


@pytest.mark.parametrize("when", ["first", "between", "after", "in use"])
def test_a_refusal_by_either_ends_it_for_good(house: House, keys: Any, asking: Any, when: str) -> None:
    text = asking()
    id_ = show_request(text).id
    approvals = {"first": 0, "between": 1, "after": 2, "in use": 2}[when]
    for name in ("burt", "dylan")[:approvals]:
        house.answer_override(approve(text, keys[name]))
    session = house.use_override(id_, key=keys["irving"]) if when == "in use" else None
    found = house.answer_override(deny(text, keys["dylan"]))
    assert (found.state, found.denied) == ("denied", "dylan")
    if session is not None:
        with pytest.raises(AsleepError, match=ENDED):
            session.recall("file")
    ends = [step for step in told(house) if step[0] == "override.ended"]
    assert ends == ([("override.ended", "denied")] if when == "in use" else [])
    assert refused("refused, and that holds", lambda: house.answer_override(approve(text, keys["burt"]))) == "denied"
    assert refused("refused, and that holds", lambda: house.use_override(id_, key=keys["irving"])) == "denied"
    assert only(house).state == "denied"


def test_whoever_asked_can_withdraw(house: House, keys: Any, asking: Any) -> None:
    assert house.answer_override(deny(asking(), keys["irving"])).denied == "irving"


def test_an_answer_to_a_request_of_another_house_is_not_known(
    house: House, keys: Any, asking: Any, folder: Path
) -> None:
    with make_house(folder / "other") as other:
        for name in ("irving", "burt", "dylan"):
            other.register_override_key(name, PrivateKey.load(keys[name]).public.text())
        theirs = other.request_override("mark", "innie", key=keys["irving"], reason="x", length=MINUTE)
    with pytest.raises(NotFoundError, match="no override has that id"):
        house.answer_override(approve(theirs, keys["burt"]))


# --- Using ------------------------------------------------------------------------------------------------------------


def test_only_whoever_asked_uses_it(house: House, keys: Any, approved: Any) -> None:
    id_ = approved()
    for name in ("burt", "helena"):
        assert refused("only the key that asked", lambda name=name: house.use_override(id_, key=keys[name])) == "other"
    house.use_override(id_, key=keys["irving"]).sleep()


def test_it_opens_once(house: House, keys: Any, approved: Any) -> None:
    id_ = approved()
    session = house.use_override(id_, key=keys["irving"])
    assert refused("in use", lambda: house.use_override(id_, key=keys["irving"])) == "used"
    session.sleep()
    assert refused("over", lambda: house.use_override(id_, key=keys["irving"])) == "ended"


def test_it_is_too_late_to_use_it(house: House, keys: Any, approved: Any, clock: StillClock) -> None:
    id_ = approved(approve_within=HOUR, use_within=HOUR)
    clock.tick(7_199)
    assert only(house).state == "approved"
    clock.tick(1)
    assert only(house).state == "expired"
    assert refused("time for using it is over", lambda: house.use_override(id_, key=keys["irving"])) == "late"
    clock.tick(-7_200)
    assert refused("time for using it is over", lambda: house.use_override(id_, key=keys["irving"])) == "late"


def test_of_many_at_once_one_gets_it(house: House, keys: Any, approved: Any, folder: Path, clock: StillClock) -> None:
    id_, opened, why = approved(), list[Session](), list[str]()
    others = [open_house(folder / "store", clock=clock) for _ in range(3)]
    ready = threading.Barrier(8)

    def use(each: House) -> None:
        ready.wait()
        try:
            opened.append(each.use_override(id_, key=keys["irving"]))
        except OverrideError as error:
            why.append(error.why)

    threads = [threading.Thread(target=use, args=(each,)) for each in [house, *others] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(opened) == 1
    assert why == ["used"] * 7
    opened[0].sleep()
    for each in others:
        each.close()


# --- Ending -----------------------------------------------------------------------------------------------------------


def test_it_ends_at_its_time(house: House, keys: Any, approved: Any, clock: StillClock) -> None:
    session = house.use_override(approved(length=MINUTE), key=keys["irving"])
    clock.tick(59)
    assert recalled(session, "file")
    clock.tick(1)
    with pytest.raises(AsleepError, match=ENDED):
        session.recall("file")
    assert (only(house).state, only(house).why) == ("ended", "time")
    clock.tick(-30)
    with pytest.raises(AsleepError, match=ENDED):
        session.recall("file")


def test_a_clock_that_is_set_back_does_not_lengthen_it(
    house: House, keys: Any, approved: Any, clock: StillClock
) -> None:
    session = house.use_override(approved(length=MINUTE), key=keys["irving"])
    house.permit("mark", "floor", rights=["recall"], until=HOUR)
    clock.tick(61)
    house.overrides()
    clock.tick(-61)
    with pytest.raises(AsleepError, match=ENDED):
        session.recall("file")


def test_it_ends_at_its_time_though_nobody_calls(house: House, keys: Any, approved: Any, clock: StillClock) -> None:
    session = house.use_override(approved(length=MINUTE), key=keys["irving"])
    clock.tick(60)
    until_true(lambda: "asleep" in repr(session))
    assert session._space is None, "the key is still here"
    assert told(house)[-1] == ("override.ended", "time")


def test_it_ends_while_a_list_is_read(house: House, keys: Any, approved: Any, clock: StillClock) -> None:
    with house.cross("mark", "floor") as innie:
        innie.remember_many(f"number {n}" for n in range(10))
    memories = house.use_override(approved(length=MINUTE), key=keys["irving"]).memories()
    next(memories)
    clock.tick(60)
    with pytest.raises(AsleepError, match=ENDED):
        next(memories)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_anyone_who_has_the_store_ends_it(
    house: House, keys: Any, approved: Any, folder: Path, clock: StillClock, elsewhere: bool
) -> None:
    id_ = approved()
    session = house.use_override(id_, key=keys["irving"])
    if elsewhere:
        with open_house(folder / "store", clock=clock) as other:
            assert other.end_override(id_).state == "ended"
    else:
        house.end_override(id_)
    house.end_override(id_)
    with pytest.raises(AsleepError, match=ENDED):
        session.recall("file")
    assert (only(house).state, only(house).why) == ("ended", "stopped")
    assert [what for what, _ in told(house)].count("override.ended") == 1


def test_one_that_was_stopped_sleeps_though_nobody_calls(house: House, keys: Any, approved: Any) -> None:
    session = house.use_override(approved(), key=keys["irving"])
    house.end_override(only(house).id)
    until_true(lambda: "asleep" in repr(session))


def test_a_request_can_be_ended_too(house: House, keys: Any, approved: Any) -> None:
    id_ = approved()
    house.end_override(id_)
    assert refused("over", lambda: house.use_override(id_, key=keys["irving"])) == "ended"


def test_closing_the_house_ends_it(house: House, keys: Any, approved: Any, folder: Path, clock: StillClock) -> None:
    session = house.use_override(approved(), key=keys["irving"])
    house.close()
    with pytest.raises(AsleepError):
        session.recall("file")
    with open_house(folder / "store", clock=clock) as again:
        assert (only(again).state, only(again).why) == ("ended", "released")
    assert not list((folder / "store").glob("*.lock"))


def test_a_session_that_nobody_has_any_more_ends(house: House, keys: Any, approved: Any) -> None:
    house.use_override(approved(), key=keys["irving"])
    until_true(lambda: only(house).state == "ended")


def test_one_that_fails_to_open_is_over(
    house: House, keys: Any, approved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = approved()

    def failing(*given: Any) -> Any:
        raise DamagedError("the vault is gone")

    with monkeypatch.context() as patch:
        patch.setattr(type(house), "_wake", failing)
        with pytest.raises(DamagedError, match="the vault is gone"):
            house.use_override(id_, key=keys["irving"])
    assert (only(house).state, only(house).why) == ("ended", "failed")
    assert told(house)[-2:] == [("override.used", None), ("override.ended", "failed")]


def test_the_approvals_go_with_it(house: House, keys: Any, approved: Any) -> None:
    house.use_override(approved(), key=keys["irving"]).sleep()
    row = house._desk.all()[0].row
    assert [answer.raw for answer in row.answers] == [b"", b""]


def test_the_time_awake_is_counted(house: House, keys: Any, approved: Any, clock: StillClock) -> None:
    with house.use_override(approved(), key=keys["irving"]):
        clock.tick(40)
    (innie,) = (each for each in house.status().personas if (each.subject, each.name) == ("mark", "innie"))
    assert innie.awake == 40


def test_an_exclusive_subject_is_awake_once(house: House, keys: Any, approved: Any) -> None:
    house.apply_thresholds(house.thresholds() + '\n[[subject]]\nname = "mark"\nexclusive = true\n')
    outie = house.cross("mark", "home")
    session = house.use_override(approved(), key=keys["irving"])
    with pytest.raises(AsleepError, match="crossed elsewhere"):
        outie.recall("anything")
    assert recalled(session, "file")
    house.cross("mark", "home").sleep()
    with pytest.raises(AsleepError, match=ENDED):
        session.recall("file")
    assert only(house).why == "turn"


@pytest.mark.parametrize("ends", ["slept", "stopped"])
def test_it_wakes_in_a_process_of_its_own_too(folder: Path, ends: str) -> None:
    with severance.open(folder / "store", key=KEY) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        with house.cross("mark", "floor") as innie:
            innie.remember("the file is at 96 percent")
        files = [folder / f"{number}.key" for number in range(3)]
        for file in files:
            house.register_override_key(file.name, new_override_key(file))
        text = house.request_override("mark", "innie", key=files[0], reason="ill", length=MINUTE)
        for file in files[1:]:
            house.answer_override(approve(text, file))
        session = house.use_override(show_request(text).id, key=files[0], isolation="process")
        assert isinstance(session, WorkerSession)
        assert recalled(session, "file") == ["the file is at 96 percent"]
        with pytest.raises(PermitError):
            session.remember("no")
        session.sleep() if ends == "slept" else house.end_override(show_request(text).id)
        with pytest.raises(AsleepError):
            session.recall("file")
        assert only(house).why == {"slept": "released"}.get(ends, ends)
        with house.cross("mark", "floor", isolation="process") as innie:
            assert [notice.reason for notice in innie.notices()] == ["ill"]


# --- Notices ----------------------------------------------------------------------------------------------------------


def test_the_persona_is_told_at_its_next_waking(house: House, keys: Any, approved: Any, clock: StillClock) -> None:
    with house.use_override(approved(), key=keys["irving"]) as session:
        assert session.notices() == ()
        clock.tick(30)
    with house.cross("mark", "floor") as innie:
        (notice,) = innie.notices()
        assert (notice.what, notice.requester, notice.reason) == ("override.used", "irving", "he does not answer")
        assert notice.ended == moment(clock.at)
        assert innie.notices() == ()
    with house.cross("mark", "floor") as innie:
        assert innie.notices() == ()


def test_a_persona_that_is_awake_is_told_at_once_and_of_the_end_as_well(house: House, keys: Any, approved: Any) -> None:
    with house.cross("mark", "floor") as innie:
        session = house.use_override(approved(), key=keys["irving"])
        (began,) = innie.notices()
        assert (began.what, began.ended) == ("override.used", None)
        assert innie.notices() == ()
        session.sleep()
        (over,) = innie.notices()
        assert (over.what, over.ended) == ("override.ended", over.at)
        assert innie.notices() == ()


def test_no_other_persona_is_told(house: House, keys: Any, approved: Any) -> None:
    house.use_override(approved(), key=keys["irving"]).sleep()
    for subject, place in (("mark", "home"), ("helly", "floor")):
        with house.cross(subject, place) as other:
            assert other.notices() == ()
            assert not [event for event in other.events() if event.what.startswith("override.")]


def test_a_notice_takes_the_right_to_read(house: House, keys: Any, approved: Any) -> None:
    house.use_override(approved(), key=keys["irving"]).sleep()
    session = house.admit(house.permit("mark", "floor", rights=["remember"], until=HOUR))
    with pytest.raises(PermitError):
        session.notices()
    with house.admit(house.permit("mark", "floor", rights=["recall"], until=HOUR)) as session:
        assert len(session.notices()) == 1


def test_several_overrides_are_told_in_order(house: House, keys: Any, approved: Any) -> None:
    for number in range(3):
        house.use_override(approved(reason=f"reason {number}"), key=keys["irving"]).sleep()
    with house.cross("mark", "floor") as innie:
        assert [notice.reason for notice in innie.notices()] == ["reason 0", "reason 1", "reason 2"]


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_keys_are_listed_and_taken_out(house: House, keys: Any) -> None:
    assert [each.name for each in house.override_keys()] == ["irving", "burt", "dylan"]
    assert house.override_keys()[0].public == PrivateKey.load(keys["irving"]).public.text()
    house.unregister_override_key("burt")
    assert [each.name for each in house.override_keys()] == ["irving", "dylan"]
    with pytest.raises(NotFoundError, match="no override key has that name"):
        house.unregister_override_key("burt")


def test_a_name_or_a_key_is_registered_once(house: House, keys: Any, folder: Path) -> None:
    other = new_override_key(folder / "other.key")
    assert refused("registered already", lambda: house.register_override_key("burt", other)) == "taken"
    public = PrivateKey.load(keys["burt"]).public.text()
    assert refused("registered already", lambda: house.register_override_key("burt again", public)) == "taken"
    burt, them = PrivateKey.load(keys["burt"]).public.raw, public_of(other).raw
    for mixed in (burt[:32] + them[32:], them[:32] + burt[32:]):
        text = PublicKey(mixed).text()
        assert refused("registered already", lambda text=text: house.register_override_key("two", text)) == "taken"


def test_keys_that_change_meanwhile_are_not_lost(
    house: House, keys: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process registers one between the look at the keys and the change."""
    true, added = house._desk.with_key, [new_override_key(folder / f"{n}.key") for n in range(2)]

    def with_key(*given: Any) -> Any:
        found = true(*given)
        monkeypatch.setattr(house._desk, "with_key", true)
        house.register_override_key("theirs", added[0])
        return found

    monkeypatch.setattr(house._desk, "with_key", with_key)
    assert refused("changed meanwhile", lambda: house.register_override_key("ours", added[1])) == "changed"
    assert [each.name for each in house.override_keys()] == ["irving", "burt", "dylan", "theirs"]


def test_fewer_than_three_keys_open_nothing(house: House, keys: Any, asking: Any) -> None:
    house.unregister_override_key("dylan")
    assert refused("takes 3 registered keys", asking) == "few"
    space = house._chip.key(next(iter(house._chip.everyone()))).space
    assert house._chip.find(EscrowRow(()), space=space) is None


def test_open_requests_end_when_the_keys_change(house: House, keys: Any, approved: Any, folder: Path) -> None:
    id_ = approved()
    house.register_override_key("fourth", new_override_key(folder / "fourth.key"))
    assert (only(house).state, only(house).why) == ("ended", "keys")
    assert refused("over", lambda: house.use_override(id_, key=keys["irving"])) == "ended"
    assert told(house)[-2] == ("override.ended", "keys")


def test_one_in_use_ends_with_the_keys_that_it_is_of(house: House, keys: Any, approved: Any, folder: Path) -> None:
    session = house.use_override(approved(), key=keys["irving"])
    house.register_override_key("fourth", new_override_key(folder / "fourth.key"))
    assert recalled(session, "file")
    house.unregister_override_key("burt")
    with pytest.raises(AsleepError, match=ENDED):
        session.recall("file")


# --- What cannot be meant ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"reason": ""}, "say why"),
        ({"reason": "   "}, "say why"),
        ({"reason": "x" * 501}, "500 characters"),
        ({"rights": []}, "say what is to be allowed"),
        ({"rights": ["everything"]}, "not a right"),
        ({"threads": []}, "1 to 100"),
        ({"threads": "monday"}, "not one text"),
        ({"threads": [""]}, "1 to 100"),
        ({"length": timedelta(0)}, "from a second"),
        ({"length": timedelta(days=31)}, "30 days"),
        ({"length": 60}, "from a second"),
        ({"approve_within": timedelta(days=31)}, "30 days"),
        ({"use_within": timedelta(0)}, "from a second"),
        ({"key": ""}, "name its path"),
        ({"key": 5}, "name its path"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(asking: Any, changed: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        asking(**changed)


def test_nobody_is_asked_for_in_vain(house: House, keys: Any, folder: Path) -> None:
    given = {"key": keys["irving"], "reason": "x", "length": MINUTE}
    for who in (("mark", "third"), ("nobody", "innie")):
        with pytest.raises(NotFoundError, match="no such persona"):
            house.request_override(*who, **given)
    with pytest.raises(KeyMissingError):
        house.request_override("mark", "innie", **{**given, "key": folder / "no.key"})


@pytest.mark.parametrize("named", ["", "0" * 32, "a" * 32, "A" * 32, "a", 5, None])
def test_what_has_no_override_s_id_is_not_known(house: House, keys: Any, named: Any) -> None:
    calls = (house.end_override, house.override_request, lambda given: house.use_override(given, key=keys["irving"]))
    for call in calls:
        with pytest.raises(NotFoundError, match="no override has that id"):
            call(named)


@pytest.mark.parametrize("text", ["", "seva1", "seva1.AAAA", 5, None])
def test_what_is_no_answer_is_refused(house: House, keys: Any, text: Any) -> None:
    with pytest.raises(InputError):
        house.answer_override(text)
    with pytest.raises(InputError):
        show_request(text)


def test_what_is_over_is_struck_from_the_list_after_a_month(
    house: House, keys: Any, asking: Any, clock: StillClock
) -> None:
    asking(reason="old")
    clock.tick(24 * 3_600 * 29)
    asking(reason="new")
    assert [found.reason for found in house.overrides()] == ["old", "new"]
    clock.tick(24 * 3_600 * 3)
    asking(reason="newest")
    assert [found.reason for found in house.overrides()] == ["new", "newest"]


def test_the_request_can_be_had_again(house: House, asking: Any) -> None:
    text = asking()
    assert house.override_request(show_request(text).id) == text


def test_a_store_that_is_only_read_tells_without_writing(house: House, keys: Any, approved: Any) -> None:
    assert approved()
    assert What.OVERRIDE_REQUESTED in {event.what for event in house.events(limit=1_000)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "LOOK_SECONDS", 0.02)
