"""The nouns of the model: operations, what was made, who is awake, and the state of everything, as values.

Nothing here is taken from the code that is held against it: no key, no token, no row; times are whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

SEATS = (("mark", "floor"), ("mark", "home"), ("helly", "floor"))
"""Who can wake where: subjects and places."""

PERSONAS = {"mark": ("innie", "outie"), "helly": ("innie",)}
WAKES: tuple[str | None, ...] = ("innie", "outie", "innie")
"""Who wakes at each seat at the beginning."""

KEEPERS = ("irving", "burt", "dylan")
"""Who has an override key."""

RIGHTS = ("recall", "remember", "forget")
EVERYTHING = frozenset(RIGHTS)
KEPT = 30 * 24 * 3_600
"""Seconds for which a permit that has ended stays known."""

DONE, REFUSED, ASLEEP, FORBIDDEN, UNKNOWN = "done", "refused", "asleep", "forbidden", "unknown"
"""What an operation can answer; one that wakes somebody answers with that persona's name."""


class Op(NamedTuple):
    """One operation.

    Attributes:
        what: its kind.
        who: the name of the text, session or override that it is about.
        fresh: the name of the one that it makes.
        seat: which of `SEATS`.
        value: what else it is given.
        house: which of the houses on the store does it.
    """

    what: str
    who: str = ""
    fresh: str = ""
    seat: int = 0
    value: Any = None
    house: int = 0


class Made(NamedTuple):
    """A permit or a credential, as the chip should know it.

    Attributes:
        name: of the text that was made with it.
        seat: which of `SEATS`.
        persona: whom a permit was made for; None for a credential.
        until: when a permit ends; None for a credential.
        ended: when it was revoked or seen to be over; None while it is not.
        gone: whether it is no longer known at all.
    """

    name: str
    seat: int
    persona: str | None
    until: int | None
    ended: int | None = None
    gone: bool = False


class Text(NamedTuple):
    """A permit or a credential in somebody's hands, perhaps weakened.

    Attributes:
        name: its own.
        made: the name of what the owner made.
        rights, until, threads, tools: what is left of it: the last three None, None and empty where nothing was taken.
    """

    name: str
    made: str
    rights: frozenset[str]
    until: int | None
    threads: frozenset[str] | None = None
    tools: frozenset[str] = frozenset()


class Asked(NamedTuple):
    """An override.

    Attributes:
        name: its own.
        whom: who is to be woken: a subject and a persona.
        by: which of `KEEPERS` asked.
        rights, threads, length: what its session may do, in which threads (None for all), and for how many seconds.
        approve_by, use_by: until when it can be approved, and used.
        approved: which of `KEEPERS` approved it.
        denied: whether it was refused.
        used, ended: when; None while it was not.
        lost: whether the house that used it was killed, and nobody has looked since.
        gone: whether it is no longer known at all.
    """

    name: str
    whom: tuple[str, str]
    by: str
    rights: frozenset[str]
    threads: frozenset[str] | None
    length: int
    approve_by: int
    use_by: int
    approved: frozenset[str] = frozenset()
    denied: bool = False
    used: int | None = None
    ended: int | None = None
    lost: bool = False
    gone: bool = False

    @property
    def until(self) -> int:
        """When its session ends, where it was used."""
        return (self.used or 0) + self.length


class Awake(NamedTuple):
    """A session.

    Attributes:
        name: its own.
        text: the name of the permit, credential or override that it was let in with; empty for the owner's.
        subject, place, persona: who woke where; the place is empty for an override.
        last: whether it took a turn, since its subject was exclusive, and nobody took one after it.
        seen: the latest time that it knows of.
        over: whether it has ended; nothing else then counts.
        house: which house it is of.
    """

    name: str
    text: str
    subject: str
    place: str
    persona: str
    last: bool
    seen: int
    over: bool = False
    house: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Everything there is.

    Attributes:
        clock: the time.
        seen: the latest time that was seen at the door.
        wakes: who wakes at each of `SEATS`.
        exclusive: the subjects of whom one is awake at a time.
        made, texts, asked, awake: by name, ascending.
    """

    clock: int = 0
    seen: int = 0
    wakes: tuple[str | None, ...] = WAKES
    exclusive: frozenset[str] = frozenset({"mark"})
    made: tuple[Made, ...] = ()
    texts: tuple[Text, ...] = ()
    asked: tuple[Asked, ...] = ()
    awake: tuple[Awake, ...] = ()

    @property
    def now(self) -> int:
        """The time by which permits end."""
        return max(self.clock, self.seen)

    def text(self, name: str) -> Text:
        """The text of this name."""
        return next(each for each in self.texts if each.name == name)

    def thing(self, name: str) -> Made:
        """The permit or credential of this name."""
        return next(each for each in self.made if each.name == name)

    def session(self, name: str) -> Awake:
        """The session of this name."""
        return next(each for each in self.awake if each.name == name)

    def override(self, name: str) -> Asked | None:
        """The override of this name, if there is one."""
        return next((each for each in self.asked if each.name == name), None)

    def wakes_at(self, subject: str, place: str) -> str | None:
        """Who of a subject wakes at a place."""
        return self.wakes[SEATS.index((subject, place))]


Answer = tuple[str, tuple[State, ...]]
"""What an operation answers, and the states that it leaves: one for each change that it makes, the last at its end."""


def opened(state: State, op: Op, text: str, where: tuple[str, str], persona: str) -> State:
    """With one more session; where its subject is exclusive, it has the turn now."""
    subject, place = where
    exclusive, others = subject in state.exclusive, state.awake
    if exclusive:
        others = tuple(each._replace(last=each.last and each.subject != subject) for each in others)
    seen = state.now if text else 0
    session = Awake(op.fresh, text, subject, place, persona, exclusive, seen, house=op.house)
    return replace(state, awake=put(others, session))


def slept(state: State, session: Awake) -> State:
    """With a session that has ended, and with it the override that it was let in with."""
    asked = state.override(session.text)
    if asked is not None and asked.ended is None:
        state = replace(state, asked=put(state.asked, asked._replace(ended=state.now)))
    return replace(state, awake=put(state.awake, session._replace(last=False, seen=0, over=True)))


def put(things: Any, thing: Any) -> Any:
    """By name, with this one in the place of one that has its name."""
    return tuple(sorted([*(each for each in things if each.name != thing.name), thing], key=lambda each: each.name))
