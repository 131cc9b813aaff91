"""Permits, credentials, clocks and thresholds in any order, against a model of a page: nobody else is ever let in."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule

from kit import make_house, open_house
from severance import AsleepError, House, NotFoundError, PermitError, Right, Session, weaken
from severance.barrier.traces.ports import MEMORY, NOON, SECOND, ScopedEntropy, StillClock
from severance.model import moment
from severance.weakening import show

PLACES = ("floor", "home")
THREADS = ("a", "b", None)
RIGHTS = (Right.RECALL, Right.REMEMBER, Right.FORGET)
SECONDS = (1, 30, 60, 3_600)


@dataclass
class Made:
    """What the owner made: a permit (with an end and a persona) or a credential."""

    text: str
    place: str
    persona: str | None
    until: int | None
    over: bool = False


@dataclass(frozen=True)
class Held:
    """A text in somebody's hands."""

    text: str
    made: int
    rights: frozenset[Right]
    until: int | None
    threads: frozenset[str] | None = None


@dataclass
class Open:
    """A session of somebody who was let in."""

    session: Session
    held: Held
    seen: int
    house: House
    persona: str
    over: bool = False


class Doors(RuleBasedStateMachine):
    """A house, and what should be true of it."""

    texts = Bundle("texts")
    opened = Bundle("opened")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.clock, self.seen = StillClock(NOON), 0
        self.house = make_house(Path(self.folder.name), clock=self.clock)
        self.other = make_house(Path(self.folder.name) / "other", entropy=ScopedEntropy(b"another house"))
        self.made = list[Made]()
        self.wakes: dict[str, str | None] = {"floor": "innie", "home": "outie"}
        self.openings = self.refusals = 0

    @property
    def now(self) -> int:
        return max(self.clock.at, self.seen)

    @rule(
        target=texts,
        place=st.sampled_from(PLACES),
        rights=st.frozensets(st.sampled_from(RIGHTS), min_size=1),
        seconds=st.sampled_from(SECONDS),
    )
    def make(self, place: str, rights: frozenset[Right], seconds: int) -> Held | None:
        until, persona = self.now + seconds * SECOND, self.wakes[place]
        try:
            text = self.house.permit("mark", place, rights=rights, until=timedelta(seconds=seconds))
        except NotFoundError:
            assert persona is None
            return None
        assert persona is not None
        self.made.append(Made(text, place, persona, until))
        return Held(text, len(self.made) - 1, rights, until)

    @rule(target=texts, place=st.sampled_from(PLACES), rights=st.frozensets(st.sampled_from(RIGHTS), min_size=1))
    def register(self, place: str, rights: frozenset[Right]) -> Held:
        text = self.house.register("mark", place, "editor", rights=rights)
        self.made.append(Made(text, place, None, None))
        return Held(text, len(self.made) - 1, rights, None)

    @rule(
        target=texts,
        held=texts,
        rights=st.none() | st.frozensets(st.sampled_from(RIGHTS), min_size=1),
        seconds=st.sampled_from(SECONDS),
        threads=st.none() | st.frozensets(st.sampled_from(("a", "b")), min_size=1),
    )
    def weaken(self, held: Held | None, rights: Any, seconds: int, threads: Any) -> Held | None:
        if held is None or held.until is None or len(held.text) > 2_000:
            return held
        until = self.now + seconds * SECOND
        text = weaken(held.text, rights=rights, until=moment(until), threads=threads)
        less = held.rights if rights is None else held.rights & rights
        both = threads if held.threads is None else held.threads if threads is None else held.threads & threads
        return replace(held, text=text, rights=less, until=min(until, held.until), threads=both)

    def lets_in(self, held: Held) -> bool:
        made = self.made[held.made]
        wakes = self.wakes[made.place]
        if made.over or wakes is None or (made.persona is not None and made.persona != wakes):
            return False
        return held.until is None or self.now < held.until

    def look(self, held: Held) -> None:
        """What showing it at the door leaves behind: the time, and that its end was met."""
        made = self.made[held.made]
        if made.until is not None or not made.over:
            self.seen = self.now
        if made.until is not None and self.now >= made.until:
            made.over = True

    @rule(target=opened, held=texts)
    def admit(self, held: Held | None) -> Open | None:
        if held is None:
            return None
        expected = self.lets_in(held)
        self.look(held)
        try:
            session = self.house.admit(held.text)
        except NotFoundError:
            assert not expected, "it should have been let in"
            self.refusals += 1
            return None
        assert expected, "an unauthorised opening"
        made = self.made[held.made]
        persona = self.wakes[made.place]
        assert (session.persona, session.place) == (persona, made.place)
        self.openings += 1
        return Open(session, held, self.seen, self.house, session.persona)

    @rule(held=texts, at=st.integers(0, 2_000), char=st.sampled_from("Ab1-_."))
    def altered(self, held: Held | None, at: int, char: str) -> None:
        text = "" if held is None else held.text
        other = text[: at % max(len(text), 1)] + char + text[at % max(len(text), 1) + 1 :]
        if other != text:
            self.refuse(other)

    @rule(held=texts)
    def elsewhere(self, held: Held | None) -> None:
        if held is not None:
            try:
                self.other.admit(held.text)
            except NotFoundError:
                return
            raise AssertionError("an unauthorised opening of another house")

    def refuse(self, text: str) -> None:
        try:
            self.house.admit(text)
        except NotFoundError:
            return
        raise AssertionError("an unauthorised opening")

    @rule(held=texts)
    def revoke(self, held: Held | None) -> None:
        if held is not None:
            infos = [*self.house.permits(), *self.house.credentials()]
            known = next(info for info in infos if info.id == identity(held.text))
            self.house.revoke(known.id)
            self.made[held.made].over = True

    @rule(by=st.sampled_from((1, 29, 31, 60, 4_000, -1, -30, -5_000)))
    def tick(self, by: int) -> None:
        self.clock.tick(by)

    @precondition(lambda self: self.clock.at < self.seen)
    @rule()
    def accept_clock(self) -> None:
        self.house.accept_clock()
        self.seen = self.clock.at

    @rule(place=st.sampled_from(PLACES), persona=st.sampled_from(("innie", "outie", None)))
    def place(self, place: str, persona: str | None) -> None:
        self.house.place(place, {"mark": persona})
        self.wakes[place] = persona

    @rule()
    def reopen(self) -> None:
        self.house.close()
        self.house = open_house(Path(self.folder.name) / "store", clock=self.clock)

    @rule(opened=opened, right=st.sampled_from(RIGHTS), thread=st.sampled_from(THREADS))
    def call(self, opened: Open | None, right: Right, thread: str | None) -> None:
        if opened is None:
            return
        held, made = opened.held, self.made[opened.held.made]
        ended = opened.over or made.over or opened.house is not self.house
        if not ended:
            opened.seen = max(opened.seen, self.now)
            if held.until is not None and opened.seen >= held.until:
                ended, self.seen = True, opened.seen
                made.over = made.until is not None and self.seen >= made.until
        said = tried(opened.session, right, thread)
        if not ended and self.wakes[made.place] != opened.persona:
            # Whoever was let in stays as long as the place wakes that persona, as far as calls see that are allowed.
            assert isinstance(said, (AsleepError, PermitError))
            opened.over = isinstance(said, AsleepError)
            return
        assert isinstance(said, AsleepError) == ended, "awake after its end, or asleep before"
        opened.over = ended
        inside = held.threads is None or thread in held.threads
        if not ended and right is Right.FORGET:
            assert isinstance(said, NotFoundError if right in held.rights else PermitError)
        elif not ended:
            assert (said is None) == (right in held.rights and inside)
            assert said is None or isinstance(said, PermitError)

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.close()
            self.other.close()
            self.folder.cleanup()


def tried(session: Session, right: Right, thread: str | None) -> Exception | None:
    """What a call of this right ends with."""
    try:
        if right is Right.FORGET:
            session.forget("0" * 30)
        elif right is Right.RECALL:
            session.recall("file", thread=thread)
        else:
            session.remember("a file", thread=thread)
    except (AsleepError, NotFoundError, PermitError) as error:
        return error
    return None


def identity(text: str) -> str:
    return text.split(".")[1] if text.startswith("sevc") else show(text).id


TestDoors = Doors.TestCase
TestDoors.settings = settings(max_examples=12, stateful_step_count=40, deadline=None)
