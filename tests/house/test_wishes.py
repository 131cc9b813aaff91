"""Asking for an override where the key is, and nothing else: a wish, a draft, a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kit import make_house, recalled
from severance import House, InputError, NotFoundError, OverrideError, refusals
from severance.approving import approve, deny, load, show_request, sign_draft, wish_override
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.chip.override import requests
from severance.chip.override.keys import read, written
from severance.chip.override.requests import KEPT
from severance.chip.override.texts import ENCODER, SIGNATURE_BYTES, Request, asked, request_in, request_of
from severance.chip.override.wishes import wish_of, wished
from severance.model import Right, micros

MINUTE = timedelta(minutes=1)
_DAY = 24 * 3_600


@pytest.fixture
def wish(keys: dict[str, Path], clock: StillClock) -> Callable[..., str]:
    """Wishes for mark's innie, as irving."""

    def wish(subject: str = "mark", persona: str = "innie", **changed: Any) -> str:
        given = {"key": keys["irving"], "reason": "he does not answer", "length": MINUTE, "clock": clock, **changed}
        return wish_override(subject, persona, **given)

    return wish


@pytest.fixture
def signed(house: House, keys: dict[str, Path], wish: Callable[..., str]) -> Callable[..., str]:
    """A request that was not handed in."""
    return lambda **changed: sign_draft(house.draft_override(wish(**changed)), keys["irving"])


def refused(match: str, call: Callable[[], object]) -> str:
    """That it is refused with these words. Returns the word for why."""
    with pytest.raises(OverrideError, match=match) as caught:
        call()
    return caught.value.why


def strangers(house: House) -> list[dict[str, Any]]:
    """What the log has of those who showed nothing of this house."""
    return [each.detail for each in house.events(what="refused", limit=1_000)]


def told(house: House) -> list[tuple[Any, ...]]:
    """What the log has of overrides, but for keys."""
    found = [each for each in house.events(limit=1_000) if each.what.startswith("override.")]
    return [(each.what, each.persona, each.detail.get("why")) for each in found if "registered" not in each.what]


def altered(text: str, key: Path, **changed: Any) -> str:
    """The request with other fields, signed again by this key."""
    return asked(replace(request_of(text).said, **changed), load(key)).text()


def drawn_up(draft: str, **changed: Any) -> str:
    """The draft with other fields, as somebody on the way could hand it on."""
    request = request_of_draft(draft)
    return written("sevd1", _raw(draft)[:SIGNATURE_BYTES] + ENCODER.encode(replace(request, **changed)))


def request_of_draft(draft: str) -> Request:
    found = request_in(_raw(draft))
    assert found is not None
    return found


def _raw(text: str) -> bytes:
    raw = read(text.split(".")[0], text)
    assert raw is not None
    return raw


# --- The way of one that is granted -----------------------------------------------------------------------------------


def test_a_wish_becomes_a_request_that_opens_as_any_other(house: House, keys: Any, signed: Any) -> None:
    text = signed(threads=["monday"], rights=["recall", "remember"])
    assert house.overrides() == [], "a draft is none yet"
    found = house.submit_override(text)
    assert (found.state, found.requester, found.reason, found.length) == (
        "requested",
        "irving",
        "he does not answer",
        MINUTE,
    )
    assert (found.rights, found.threads) == ({Right.RECALL, Right.REMEMBER}, ("monday",))
    assert (found.approve_by - found.made, found.use_by - found.approve_by) == (timedelta(hours=1),) * 2
    assert house.override_request(found.id) == text
    for name in ("burt", "dylan"):
        house.answer_override(approve(text, keys[name]))
    with house.use_override(found.id, key=keys["irving"]) as session:
        assert recalled(session, "file", thread="monday") == ["the file is at 96 percent"]


def test_it_is_what_the_house_would_have_made_itself(house: House, keys: Any, signed: Any) -> None:
    given = {"key": keys["irving"], "reason": "he does not answer", "length": MINUTE}
    own, other = (request_of(text).said for text in (house.request_override("mark", "innie", **given), signed()))
    assert replace(other, id=own.id) == own
    assert other.id != own.id


def test_it_is_told_as_any_other_and_before_shares_leave_the_house(
    house: House, wish: Any, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = house.draft_override(wish())
    assert told(house) == [("override.drafted", "innie", None)]
    house.submit_override(sign_draft(draft, keys["irving"]))
    assert told(house)[1:] == [("override.requested", "innie", None)]
    events = [each for each in house.events() if each.what in ("override.drafted", "override.requested")]
    assert {(each.id, each.detail["reason"], each.detail["requester"]) for each in events} == {
        (house.overrides()[0].id, "he does not answer", "irving")
    }
    kinds = [each.alarm.kind for each in house.alarm_status().told]
    assert kinds[-2:] == ["override.drafted", "override.requested"]
    other = sign_draft(house.draft_override(wish(reason="another")), keys["irving"])
    monkeypatch.setattr(house._telling, "tell", _failing)
    with pytest.raises(RuntimeError):
        house.draft_override(wish(reason="a third"))
    with pytest.raises(RuntimeError):
        house.submit_override(other)
    assert len(house.overrides()) == 1


def _failing(*_: object) -> None:
    raise RuntimeError


def test_a_request_that_is_handed_in_again_is_the_same_and_told_once(house: House, keys: Any, signed: Any) -> None:
    text = signed()
    first = house.submit_override(text)
    before = told(house)
    assert house.submit_override(text) == first
    house.answer_override(deny(text, keys["burt"]))
    again = house.submit_override(text)
    assert (again.id, again.state) == (first.id, "denied"), "it does not begin anew"
    assert [each for each in told(house) if each[0] == "override.requested"] == [before[-1]]
    assert len(house.overrides()) == 1


def test_a_wish_that_is_handed_in_again_has_the_same_draft_and_is_told_once(
    house: House, keys: Any, wish: Any, folder: Path, clock: StillClock
) -> None:
    text = wish()
    first = house.draft_override(text)
    clock.tick(60)
    size = house.audit_checkpoint().size
    assert {house.draft_override(text) for _ in range(30)} == {first}
    assert house.audit_checkpoint().size == size
    found = house.submit_override(sign_draft(first, keys["irving"]))
    assert found.state == "requested"
    house.end_override(found.id)
    assert house.draft_override(text) == first, "it stays the one that it was"
    assert house.submit_override(sign_draft(first, keys["irving"])).state == "ended"


def test_new_keys_make_another_draft_of_a_wish(house: House, keys: Any, wish: Any) -> None:
    text = wish()
    first = house.draft_override(text)
    house.register_override_key("helena", load(keys["helena"]).public.text())
    second = house.draft_override(text)
    assert request_of_draft(first).id != request_of_draft(second).id
    assert [each[0] for each in told(house)] == ["override.drafted"] * 2, "other shares leave the house"
    assert house.submit_override(sign_draft(second, keys["irving"])).state == "requested"


def test_the_times_are_those_of_the_wish_whenever_it_is_drafted_and_signed(
    house: House, keys: Any, wish: Any, clock: StillClock
) -> None:
    text, at = wish(approve_within=timedelta(hours=2)), clock.now()
    clock.tick(3_600)
    draft = house.draft_override(text)
    clock.tick(3_599)
    found = house.submit_override(sign_draft(draft, keys["irving"]))
    assert [micros(each) - at for each in (found.made, found.approve_by, found.use_by)] == [
        0,
        7_200 * 10**6,
        10_800 * 10**6,
    ]
    clock.tick(1)
    other = wish(reason="another", clock=StillClock(at), approve_within=timedelta(hours=2))
    assert refused("time for approving", lambda: house.draft_override(other)) == "late"
    assert refused("time for approving", lambda: house.draft_override(text)) == "late"


def test_a_wish_of_another_time_than_now_has_no_draft(house: House, wish: Any, clock: StillClock) -> None:
    ahead = StillClock(clock.now() + requests.AHEAD)
    assert request_of_draft(house.draft_override(wish(clock=ahead))).made == ahead.now(), "clocks are not the same"
    ahead.tick(1)
    text = wish(clock=ahead)
    assert refused("set the clock", lambda: house.draft_override(text)) == "early"
    assert told(house)[-1] == ("override.refused", "innie", "early")
    clock.tick(1)
    assert request_of_draft(house.draft_override(text)).persona == "innie"


# --- What a wish, a draft and a request must not be -------------------------------------------------------------------


def test_no_draft_is_made_for_a_key_that_is_not_registered(house: House, keys: Any, wish: Any) -> None:
    text = wish(key=keys["helena"])
    assert refused("not registered", lambda: house.draft_override(text)) == "stranger"
    assert (told(house), strangers(house)) == ([], [{"by": "wish"}]), "what a stranger says names nobody"
    house.unregister_override_key("burt")
    assert refused("takes 3 registered keys", lambda: house.draft_override(wish())) == "few"
    assert told(house)[-1] == ("override.refused", "innie", "few")


def test_who_is_not_there_is_not_found_and_that_is_told(house: House, wish: Any, signed: Any, keys: Any) -> None:
    request = signed()
    for who in (("mark", "nobody"), ("nobody", "innie")):
        with pytest.raises(NotFoundError, match="no such persona"):
            house.draft_override(wish(*who))
        (event,) = house.events(limit=1)
        assert (event.what, event.subject, event.persona) == ("override.refused", *who)
        assert event.detail == {"step": "draft", "why": "persona"}
    with pytest.raises(NotFoundError):
        house.submit_override(altered(request, keys["irving"], persona="nobody"))
    assert told(house)[-1] == ("override.refused", "nobody", "persona")
    with pytest.raises(NotFoundError):
        house.request_override("mark", "nobody", key=keys["irving"], reason="x", length=MINUTE)
    assert house.events(limit=1)[0].detail == {"step": "request", "why": "persona"}


def test_what_no_registered_key_signed_is_counted_with_strangers(house: House, keys: Any, wish: Any) -> None:
    """Whoever has an owner token hands in as much as they like: the log does not grow with it."""
    request = sign_draft(house.draft_override(wish()), keys["irving"])
    house.submit_override(request)
    stranger = load(keys["helena"])
    strange: dict[str, tuple[Callable[[str], object], Callable[[int], str]]] = {
        "wish": (house.draft_override, lambda n: wish(key=keys["helena"], reason=f"{n}")),
        "request": (
            house.submit_override,
            lambda n: altered(request, keys["helena"], requester=stranger.public.raw, reason=f"{n}"),
        ),
        "answer": (house.answer_override, lambda _: deny(request, keys["helena"])),
    }
    before = told(house)
    for kind, (take, make) in strange.items():
        for number in range(30):
            assert refused("not registered", lambda: take(make(number))) == "stranger"  # noqa: B023
        assert strangers(house)[-1]["by"] == "wish", f"{kind}: beyond 20 in a minute they are counted"
    assert told(house) == before
    assert len(strangers(house)) == refusals.TOLD
    house._refusals.say()
    assert {each["by"]: each["more"] for each in strangers(house) if "more" in each} == {
        "wish": 10,
        "request": 30,
        "answer": 30,
    }


def test_what_was_refused_before_is_told_once(house: House, keys: Any, wish: Any, clock: StillClock) -> None:
    """What a registered key signed is handed in again by whoever has a copy."""
    late, nobody = wish(), wish("mark", "nobody", approve_within=timedelta(days=1))
    request = sign_draft(house.draft_override(late), keys["irving"])
    house.submit_override(request)
    approval = approve(request, keys["burt"])
    house.answer_override(approval)
    for _ in range(30):
        assert refused("approved this request already", lambda: house.answer_override(approval)) == "twice"
        with pytest.raises(NotFoundError):
            house.draft_override(nobody)
    clock.tick(3_600)
    for number in range(30):
        text = " " * number + late + "\n" * number
        assert refused("time for approving", lambda: house.draft_override(text)) == "late"  # noqa: B023
    found = [each for each in told(house) if each[0] == "override.refused"]
    assert found == [
        ("override.refused", persona, why)
        for persona, why in (("innie", "twice"), ("nobody", "persona"), ("innie", "late"))
    ]
    house._refusals.say()
    assert sum(each.get("more", 1) for each in strangers(house)) == 3 * 29
    assert len(strangers(house)) <= 2 * (refusals.TOLD + 2)


def test_an_altered_wish_is_none(house: House, wish: Any) -> None:
    text, raw = wish(), _raw(wish())
    for at in (0, SIGNATURE_BYTES - 1, SIGNATURE_BYTES + 60, len(raw) - 2):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises((OverrideError, InputError)):
            house.draft_override(written("sevw1", bytes(changed)))
    said = wish_of(text).said
    times = {"made": said.made + 1, "approve_by": said.approve_by + 1, "use_by": said.use_by + 1}
    for field, value in {"persona": "outie", "length": 10**9, "reason": "another", "id": b"x" * 16, **times}.items():
        other = written("sevw1", raw[:SIGNATURE_BYTES] + ENCODER.encode(replace(said, **{field: value})))
        assert refused("altered", lambda other=other: house.draft_override(other)) == "altered"  # type: ignore[misc]
    assert told(house) == [], "what was altered names nobody"
    assert {each["by"] for each in strangers(house)} == {"wish"}


def test_texts_of_another_kind_are_refused(house: House, keys: Any, wish: Any, signed: Any) -> None:
    texts = {"wish": wish(), "request": signed()}
    texts["draft"], texts["answer"] = house.draft_override(texts["wish"]), approve(texts["request"], keys["burt"])
    takes: dict[str, Callable[[str], object]] = {
        "wish": house.draft_override,
        "draft": lambda text: sign_draft(text, keys["irving"]),
        "request": house.submit_override,
        "answer": house.answer_override,
    }
    for kind, take in takes.items():
        for other in {*texts.values(), "", "x", "sevw1.", "sevw1.AAAA", "x" * 300_000} - {texts[kind]}:
            with pytest.raises(InputError):
                take(other)
            with pytest.raises((InputError, OverrideError)):  # the signature of one kind is none of another
                take(f"{texts[kind].split('.')[0]}.{other.partition('.')[2]}")


def test_nothing_else_is_signed_than_what_was_wished(house: House, keys: Any, wish: Any) -> None:
    """Whoever carries the draft, and the house, can alter it."""
    draft = house.draft_override(wish())
    said = request_of_draft(draft)
    others: dict[str, Any] = {
        "subject": "helly",
        "persona": "outie",
        "reason": "another",
        "rights": ("forget", "recall"),
        "threads": ("monday",),
        "length": said.length + 1,
        "approve_by": said.approve_by + 1,
        "use_by": said.use_by + 1,
        "made": said.made + 1,
    }
    month = 30 * _DAY * 10**6
    moved = {"made": said.made + month, "approve_by": said.approve_by + month, "use_by": said.use_by + month}
    for changes in (*({field: value} for field, value in others.items()), moved):
        changed = drawn_up(draft, **changes)
        assert refused("altered", lambda changed=changed: sign_draft(changed, keys["irving"])) == "altered"  # type: ignore[misc]
    assert refused("another key", lambda: sign_draft(draft, keys["burt"])) == "other"
    own = load(keys["helena"]).public.raw
    assert refused("altered", lambda: sign_draft(drawn_up(draft, requester=own), keys["helena"])) == "altered"
    assert show_request(sign_draft(draft, keys["irving"])).persona == "innie", "the control"


def test_a_request_is_of_this_house_as_it_is(house: House, keys: Any, signed: Any, folder: Path) -> None:
    text = signed()
    said = request_of(text).said
    with house.cross("mark", "home") as outie:
        other = outie._space.key.space
    changes: dict[str, Any] = {
        "house": bytes(16),
        "space": other,
        "epoch": said.epoch + 1,
        "name": "burt",
        "persona": "outie",
        "id": bytes(16),
        "reason": "another",
        "made": said.made - 1,
        "use_by": said.use_by + 1,
        "shares": (),
    }
    for field, value in {**changes, "shares ": said.shares[::-1]}.items():
        changed = altered(text, keys["irving"], **{field.strip(): value})
        assert refused("as it is now", lambda changed=changed: house.submit_override(changed)) == "changed"  # type: ignore[misc]
    with make_house(folder / "other", entropy=ScopedEntropy(b"another house")) as elsewhere:
        for name in ("irving", "burt", "dylan"):
            elsewhere.register_override_key(name, load(keys[name]).public.text())
        assert refused("as it is now", lambda: elsewhere.submit_override(text)) == "changed"
    assert told(house)[-1] == ("override.refused", "innie", "changed")
    assert refused("altered", lambda: house.submit_override(text[:90] + ("A" if text[90] != "A" else "B") + text[91:]))
    assert house.submit_override(text).state == "requested", "the control"


def test_new_keys_end_what_was_drafted(house: House, keys: Any, signed: Any) -> None:
    text = signed()
    house.register_override_key("helena", load(keys["helena"]).public.text())
    assert refused("as it is now", lambda: house.submit_override(text)) == "changed"


def test_times_that_no_house_gives_are_refused(house: House, keys: Any, signed: Any, wish: Any) -> None:
    text = signed()
    said = request_of(text).said
    wrong: list[dict[str, int]] = [
        {"approve_by": said.made + KEPT + 1, "use_by": said.made + KEPT + 2},
        {"use_by": said.approve_by + KEPT + 1},
        {"use_by": said.approve_by},
        {"approve_by": 0},
        {"length": KEPT + 1},
        {"length": 10**17},
        {"use_by": 10**17},
    ]
    for changed in wrong:
        other = altered(text, keys["irving"], **changed)
        assert refused("as it is now", lambda other=other: house.submit_override(other)) == "changed"  # type: ignore[misc]
        draft = wished(replace(wish_of(wish()).said, **changed), load(keys["irving"])).text()
        assert refused("30 days", lambda draft=draft: house.draft_override(draft)) == "long"  # type: ignore[misc]
    blank = altered(text, keys["irving"], reason=" ")
    with pytest.raises(InputError, match="say why"):
        house.submit_override(blank)
    assert house.overrides() == []


def test_an_id_is_taken_once(house: House, keys: Any, signed: Any) -> None:
    first, second = signed(), signed(reason="a second")
    house.submit_override(first)
    other = altered(second, keys["irving"], id=request_of(first).said.id, reason="another")
    assert refused("has that id", lambda: house.submit_override(other)) == "taken"
    assert house.override_request(show_request(first).id) == first


def test_what_was_over_and_struck_does_not_come_back(house: House, keys: Any, signed: Any, clock: StillClock) -> None:
    text = signed(approve_within=timedelta(days=30), use_within=timedelta(days=30))
    house.answer_override(deny(house.override_request(house.submit_override(text).id), keys["burt"]))
    clock.tick(31 * _DAY)
    house.submit_override(signed(reason="another"))
    assert len(house.overrides()) == 1, "it left the list"
    assert refused("time for approving", lambda: house.submit_override(text)) == "late"


def test_one_key_does_not_fill_the_chip(
    house: House, keys: Any, signed: Any, wish: Any, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 8 * requests.MOST_ASKED < 1_024, "what a chip has of others is noticed at every crossing"
    monkeypatch.setattr(requests, "MOST_ASKED", 3)
    asked_for = house.submit_override(signed(reason="0")).id
    house.end_override(asked_for)
    kept = [signed(reason=f"{number}") for number in (1, 2)]
    assert refused("asked 3 times", lambda: signed(reason="3")) == "many"
    assert [house.submit_override(text).state for text in kept] == ["requested"] * 2, "a draft counts once"
    others = house.draft_override(wish(key=keys["burt"]))
    assert house.submit_override(sign_draft(others, keys["burt"])).requester == "burt"
    house.request_override("mark", "innie", key=keys["irving"], reason="with the root key", length=MINUTE)
    clock.tick(31 * _DAY)
    assert house.submit_override(signed()).state == "requested", "what is over leaves the list"


def test_drafts_of_which_nothing_came_leave_the_list(
    house: House, signed: Any, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_ASKED", 2)
    texts = [signed(reason=f"{number}", approve_within=timedelta(days=30)) for number in range(2)]
    id_ = show_request(texts[0]).id
    for call in (house.override_request, house.end_override):
        with pytest.raises(NotFoundError):
            call(id_)
    clock.tick(29 * _DAY)
    assert refused("asked 2 times", lambda: signed(reason="2")) == "many"
    assert house.submit_override(texts[0]).id == id_
    clock.tick(2 * _DAY)
    house.submit_override(signed(reason="2"))
    assert len(house._desk._rows()) == 2


def test_a_draft_that_was_made_meanwhile_counts(
    house: House, keys: Any, wish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking at a wish and keeping the draft."""
    monkeypatch.setattr(requests, "MOST_ASKED", 1)
    text, true = wish(), house._telling.tell
    first = wish(reason="another")

    def tell(what: Any, *each: Any) -> None:
        true(what, *each)
        if what == "override.drafted":
            house._telling.tell = true  # type: ignore[method-assign]
            house.draft_override(first)

    house._telling.tell = tell  # type: ignore[method-assign]
    assert refused("asked 1 times", lambda: house.draft_override(text)) == "many"
    assert house.submit_override(sign_draft(house.draft_override(first), keys["irving"])).reason == "another"


def test_keys_that_change_meanwhile_are_noticed(house: House, keys: Any, signed: Any) -> None:
    """Between looking at a request and keeping it."""
    text, true = signed(), house._telling.tell

    def tell(what: Any, *each: Any) -> None:
        true(what, *each)
        if what == "override.requested":
            house.register_override_key("helena", load(keys["helena"]).public.text())

    house._telling.tell = tell  # type: ignore[method-assign]
    assert refused("as it is now", lambda: house.submit_override(text)) == "changed"
    assert house.overrides() == []
    assert told(house)[-1] == ("override.refused", "innie", "changed")


def test_what_cannot_be_meant_is_no_wish(keys: Any, wish: Any) -> None:
    for changed in ({"reason": ""}, {"length": timedelta(0)}, {"rights": []}, {"threads": []}, {"subject": ""}):
        with pytest.raises(InputError):
            wish(**changed)
    for given in (None, 7, b"sevd1."):
        with pytest.raises(InputError):
            sign_draft(given, keys["irving"])  # type: ignore[arg-type]
