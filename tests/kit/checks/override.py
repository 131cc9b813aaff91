"""What overrides take, tell and leave behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from kit import make_house, recalled
from severance import AsleepError, House, KeyMissingError, OverrideError
from severance.approving import approve, deny, new_override_key, show_request, sign_draft, wish_override
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.chip.override import texts
from severance.chip.override.keys import PrivateKey, read, written
from severance.chip.override.texts import ENCODER
from severance.chip.override.wishes import wish_of
from severance.chip.register import EscrowRow

MINUTE = timedelta(minutes=1)
NAMES = ("irving", "burt", "dylan")
SECRET = "the file is at 96 percent"


class _Scene(NamedTuple):
    house: House
    clock: StillClock
    keys: dict[str, Path]

    def ask(self, **changed: Any) -> str:
        given = {"key": self.keys["irving"], "reason": "he does not answer", "length": MINUTE, **changed}
        return self.house.request_override("mark", "innie", **given)

    def approved(self) -> str:
        text = self.ask()
        for name in ("burt", "dylan"):
            self.house.answer_override(approve(text, self.keys[name]))
        return show_request(text).id

    def refuses(self, id_: str, name: str = "irving") -> bool:
        """Whether it opens nothing. What it opens is what the persona remembers."""
        try:
            with self.house.use_override(id_, key=self.keys[name]) as session:
                assert recalled(session, "file") == [SECRET]
        except OverrideError:
            return True
        return False

    def takes(self, text: str) -> bool:
        try:
            self.house.answer_override(text)
        except OverrideError:
            return False
        return True

    def state(self, id_: str) -> str:
        (found,) = (each for each in self.house.overrides() if each.id == id_)
        return found.state.value


def an_override_takes_two_others(folder: Path) -> None:
    """Two approvals of exactly this request, by two keys, neither the requester's; and no refusal."""
    with _scene(folder) as scene:
        text, other = scene.ask(), scene.ask(reason="another")
        id_ = show_request(text).id
        burt = approve(text, scene.keys["burt"])
        assert scene.takes(burt), "the control"
        assert not scene.takes(burt), "it approved already"
        assert not scene.takes(_forged(scene, text)), "whoever asks does not approve"
        assert not scene.takes(_moved(scene, text, other)), "it approves another request"
        assert not _hands_over(scene, text), "the requester opens the other half alone"
        assert scene.state(id_) == "requested", "one approval is one"
        assert scene.refuses(id_), "one approval is one"
        assert scene.refuses(show_request(other).id), "nobody approved it"
        assert scene.takes(approve(text, scene.keys["dylan"])), "the control"
        assert scene.refuses(id_, "burt"), "only whoever asked uses it"
        assert not scene.refuses(id_), "the control"
        refused = scene.approved()
        assert scene.takes(deny(scene.house.override_request(refused), scene.keys["dylan"])), "the control"
        assert scene.refuses(refused), "it was refused"


def an_override_opens_with_its_approvals_alone(folder: Path) -> None:
    """The key comes from the escrow, and shares are of the persona that the request names."""
    with _scene(folder) as scene:
        id_, chip = scene.approved(), scene.house._chip
        escrow = chip.find(EscrowRow(()), space=chip.key(scene.house._chip.everyone()[1]).space)
        assert escrow is not None
        asked = texts.request_of(scene.ask())
        relabelled = texts.asked(replace(asked.said, persona="outie"), PrivateKey.load(scene.keys["irving"]))
        try:
            approve(relabelled.text(), scene.keys["burt"])
        except OverrideError:
            pass
        else:
            raise AssertionError("a share of one persona was handed over for another")
        kept = scene.house._desk.get(bytes.fromhex(id_))
        alone = replace(kept.row, answers=kept.row.answers[:1])
        try:
            scene.house._desk.key(type(kept)(alone, kept.asked), PrivateKey.load(scene.keys["irving"]))
        except OverrideError:
            pass
        else:
            raise AssertionError("one approval opens the escrow")
        assert not scene.refuses(id_), "the control"
        scene.keys["irving"].chmod(0o644)
        try:
            scene.ask()
        except KeyMissingError:
            return
        raise AssertionError("a key that others can read was used")


def a_request_says_what_was_wished(folder: Path) -> None:
    """Of a registered key and of this house as it is, told before shares leave it; nobody on the way alters it."""
    with _scene(folder) as scene:
        house, own = scene.house, scene.keys["irving"]
        given: dict[str, Any] = {"reason": "he does not answer", "length": MINUTE, "clock": scene.clock}
        strange = scene.keys["burt"].with_name("helena.key")
        new_override_key(strange)
        _refuses(lambda: house.draft_override(wish_override("mark", "innie", key=strange, **given)), "no key of ours")
        assert house.events()[-1].what == "refused", "who has no key of ours is told as who has"
        wish = wish_override("mark", "innie", key=own, **given)
        content, mark = ENCODER.encode(replace(wish_of(wish).said, persona="outie")), wish_of(wish).raw[:64]
        _refuses(lambda: house.draft_override(written("sevw1", mark + content)), "the wish was altered")
        draft = house.draft_override(wish)
        assert house.events()[-1].what == "override.drafted", "shares left the house, and nobody hears of it"
        said = texts.request_in(read("sevd1", draft) or b"")
        assert said is not None
        size = len(house.events(limit=1_000))
        assert house.draft_override(wish) == draft, "a wish has two drafts"
        assert len(house.events(limit=1_000)) == size, "who has a copy of a wish fills the log"
        month = 29 * 24 * 3_600 * 10**6
        moved = {name: getattr(said, name) + month for name in ("made", "approve_by", "use_by")}
        for changes in ({"persona": "outie"}, moved):
            other = written("sevd1", mark + ENCODER.encode(replace(said, **changes)))
            _refuses(lambda text=other: sign_draft(text, own), "the draft says something else")  # type: ignore[misc]
        _refuses(lambda: sign_draft(draft, scene.keys["burt"]), "the draft is of another's wish")
        request = sign_draft(draft, own)
        longer = {"approve_by": said.approve_by + month, "use_by": said.use_by + month}
        for changed in ({"name": "burt"}, {"shares": ()}, {"persona": "outie"}, longer):
            relabelled = texts.asked(replace(said, **changed), PrivateKey.load(own)).text()
            _refuses(lambda text=relabelled: house.submit_override(text), "the house did not add that")  # type: ignore[misc]
        by_stranger = replace(said, requester=PrivateKey.load(strange).public.raw)
        text = texts.asked(by_stranger, PrivateKey.load(strange)).text()
        _refuses(lambda: house.submit_override(text), "no key of ours")
        found = house.submit_override(request)
        assert [found, house.submit_override(request)] == [*house.overrides(), found], "the control; it is there once"
        assert [event.what for event in house.events()].count("override.requested") == 1, "it is told once"
        house.answer_override(deny(request, scene.keys["burt"]))
        assert house.submit_override(request).state == "denied", "it came back"
        late = sign_draft(house.draft_override(wish_override("mark", "outie", key=own, **given)), own)
        scene.clock.tick(3_600)
        _refuses(lambda: house.submit_override(late), "it is late")


def _refuses(call: Callable[[], object], otherwise: str) -> None:
    try:
        call()
    except OverrideError:
        return
    raise AssertionError(otherwise)


def an_override_is_told_before_it_opens(folder: Path) -> None:
    """The log and the persona's notice are there before the shares are put together; and the persona hears of it."""
    with _scene(folder) as scene:
        id_, true, seen = scene.approved(), scene.house._desk.key, list[str]()

        def key(*given: Any) -> Any:
            seen.extend(event.what for event in scene.house.events() if event.id == id_)
            with scene.house.cross("mark", "floor") as innie:
                assert [notice.reason for notice in innie.notices()] == ["he does not answer"]
            return true(*given)

        vars(scene.house._desk)["key"] = key
        scene.house.use_override(id_, key=scene.keys["irving"]).sleep()
        assert seen[-1:] == ["override.used"], "it was opened before it was told"
        whats = [event.what for event in scene.house.events() if event.id == id_]
        assert whats[-1] == "override.ended"
        with scene.house.cross("mark", "floor") as innie:
            assert [notice.what for notice in innie.notices()] == ["override.ended"]
        with scene.house.cross("mark", "home") as outie:
            assert outie.notices() == (), "it is nobody else's"


def an_override_ends(folder: Path) -> None:
    """It opens in its time and once, and ends at its time, at a stop, and with whoever uses it."""
    with _scene(folder) as scene:
        house, clock = scene.house, scene.clock
        late = scene.approved()
        clock.tick(2 * 3_600)
        assert scene.refuses(late), "it is too late to use it"
        clock.tick(-2 * 3_600)
        assert scene.refuses(late), "it was too late once"
        clock.tick(2 * 3_600)
        id_ = scene.approved()
        session = house.use_override(id_, key=scene.keys["irving"])
        assert recalled(session, "file"), "the control"
        clock.tick(60)
        _asleep(session)
        assert scene.refuses(id_), "it opens once"
        session = house.use_override(scene.approved(), key=scene.keys["irving"])
        house.end_override(house.overrides()[-1].id)
        _asleep(session)
        quiet = house.use_override(scene.approved(), key=scene.keys["irving"])
        clock.tick(60)
        _until(lambda: "asleep" in repr(quiet), "nobody calls it, and it stays awake")
        gone = scene.approved()  # whoever used it was killed: it is marked, and nobody holds it
        house._desk.begin(bytes.fromhex(gone), PrivateKey.load(scene.keys["irving"]).public, clock.now())
        assert scene.state(gone) == "ended", "whoever used it is gone"


@contextmanager
def _scene(folder: Path) -> Iterator[_Scene]:
    clock = StillClock()
    with make_house(folder, clock=clock) as house:
        keys = {name: folder / f"{name}.key" for name in NAMES}
        for name, path in keys.items():
            house.register_override_key(name, new_override_key(path))
        with house.cross("mark", "floor") as innie:
            innie.remember(SECRET)
        yield _Scene(house, clock, keys)


def _answer_of(scene: _Scene, text: str, name: str) -> texts.Answered:
    key = PrivateKey.load(scene.keys[name])
    return texts.answered(texts.request_of(text), key, approves=True, entropy=ScopedEntropy())


def _forged(scene: _Scene, text: str) -> str:
    """An approval by whoever asked, with the shares of somebody else."""
    irving = PrivateKey.load(scene.keys["irving"])
    said = replace(_answer_of(scene, text, "dylan").said, key=irving.public.id)
    return texts.Answered(texts._signed(said, irving), said).text()


def _moved(scene: _Scene, text: str, other: str) -> str:
    """An approval of another request, said to be of this one by its id alone."""
    dylan = PrivateKey.load(scene.keys["dylan"])
    said = replace(_answer_of(scene, other, "dylan").said, id=texts.request_of(text).said.id)
    return texts.Answered(texts._signed(said, dylan), said).text()


def _hands_over(scene: _Scene, text: str) -> bool:
    """Whether an approver hands over a share that opens with the requester's own."""
    request, chip = texts.request_of(text), scene.house._chip
    irving, burt = (PrivateKey.load(scene.keys[name]) for name in ("irving", "burt"))
    escrow = chip.find(EscrowRow(()), space=request.said.space)
    assert escrow is not None
    ids = {irving.public.id, burt.public.id}
    (pair,) = (pair for pair in escrow.pairs if {pair.first, pair.second} == ids)
    box = pair.box_of_first if pair.first == burt.public.id else pair.box_of_second
    share = texts.ShareForm(burt.public.id, irving.public.id, box)
    greedy = texts.asked(replace(request.said, shares=(share,)), irving)
    try:
        return bool(texts.answered(greedy, burt, approves=True, entropy=ScopedEntropy()).said.shares)
    except OverrideError:
        return False


def _asleep(session: Any) -> None:
    try:
        session.recall("file")
    except AsleepError:
        return
    raise AssertionError("the session goes on")


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    for _ in range(60):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(otherwise)
