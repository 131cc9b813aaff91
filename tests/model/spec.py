"""What should be true of the doors: permits, credentials, crossings, turns of exclusive subjects, clocks and kills.

A state is a value; `steps` says what an operation on it answers, and which states it leaves on the way. Nothing here is
taken from the code that is held against it: no key, no token, no row; times are whole seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

SEATS = (("mark", "floor"), ("mark", "home"), ("helly", "floor"))
"""Who can wake where: subjects and places."""

PERSONAS = {"mark": ("innie", "outie"), "helly": ("innie",)}
WAKES: tuple[str | None, ...] = ("innie", "outie", "innie")
"""Who wakes at each seat at the beginning."""

RIGHTS = ("recall", "remember", "forget")
EVERYTHING = frozenset(RIGHTS)
KEPT = 30 * 24 * 3_600
"""Seconds for which a permit that has ended stays known."""

NEVER = -1_717_243_200
"""1970, from the noon at which a model's clock says 0: the latest time that was seen by a chip that has seen none."""

DONE, REFUSED, ASLEEP, FORBIDDEN, UNKNOWN = "done", "refused", "asleep", "forbidden", "unknown"
"""What an operation can answer; one that wakes somebody answers with that persona's name."""


class Op(NamedTuple):
    """One operation.

    Attributes:
        what: its kind, one of `KINDS`.
        who: the name of the text or session that it is about.
        fresh: the name of the text or session that it makes.
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


class Awake(NamedTuple):
    """A session.

    Attributes:
        name: its own.
        text: the name of what it was let in with; empty for the owner's.
        seat, persona: who woke where.
        last: whether it took a turn, since its subject was exclusive, and nobody took one after it.
        seen: the latest time that it knows of.
        over: whether it has ended; nothing else then counts.
        house: which house it is of.
    """

    name: str
    text: str
    seat: int
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
        made, texts, awake: by name, ascending.
    """

    clock: int = 0
    seen: int = NEVER
    wakes: tuple[str | None, ...] = WAKES
    exclusive: frozenset[str] = frozenset({"mark"})
    made: tuple[Made, ...] = ()
    texts: tuple[Text, ...] = ()
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


Answer = tuple[str, tuple[State, ...]]
"""What an operation answers, and the states that it leaves: one for each change that it makes, the last at its end."""


def steps(state: State, op: Op) -> Answer:
    """What an operation on this state should do."""
    return _KINDS[op.what](state, op)


def after(state: State, op: Op) -> State:
    """The state that an operation leaves."""
    return steps(state, op)[1][-1]


def alive(state: State, session: Awake) -> bool:
    """Whether a call within its rights would be answered."""
    if session.over or state.wakes[session.seat] != session.persona:
        return False
    if SEATS[session.seat][0] in state.exclusive and not session.last:
        return False
    if not session.text:
        return True
    text = state.text(session.text)
    made = state.thing(text.made)
    return not (made.gone or made.ended is not None or (text.until is not None and _latest(state, session) >= text.until))


def _make(state: State, op: Op) -> Answer:
    rights, seconds = op.value
    persona, now = state.wakes[op.seat], state.now
    if persona is None:
        return REFUSED, (state,)
    until = now + seconds
    kept = (each._replace(gone=each.gone or _is_old(each, now)) for each in state.made)
    made = _with(kept, Made(op.fresh, op.seat, persona, until))
    return DONE, (replace(state, made=made, texts=_with(state.texts, Text(op.fresh, op.fresh, rights, until))),)


def _is_old(made: Made, now: int) -> bool:
    if made.until is None:
        return False
    return min(made.until, made.until if made.ended is None else made.ended) < now - KEPT


def _register(state: State, op: Op) -> Answer:
    made = _with(state.made, Made(op.fresh, op.seat, None, None))
    return DONE, (replace(state, made=made, texts=_with(state.texts, Text(op.fresh, op.fresh, op.value, None))),)


def _weaken(state: State, op: Op) -> Answer:
    rights, until, threads, tool = op.value
    old = state.text(op.who)
    assert old.until is not None
    less = old._replace(
        name=op.fresh,
        rights=old.rights if rights is None else old.rights & rights,
        until=old.until if until is None else min(old.until, until),
        threads=old.threads if threads is None else threads if old.threads is None else old.threads & threads,
        tools=old.tools if tool is None else old.tools | {tool},
    )
    return DONE, (replace(state, texts=_with(state.texts, less)),)


def _revoke(state: State, op: Op) -> Answer:
    made = state.thing(op.who)
    if made.gone:
        return REFUSED, (state,)
    return DONE, (_ending(state, made, state.now),)


def _admit(state: State, op: Op) -> Answer:
    place, tool = op.value or (None, None)
    text, now = state.text(op.who), state.now
    made = state.thing(text.made)
    if made.until is not None or made.ended is None:
        state = replace(state, seen=now)
        if made.until is not None and now >= made.until:
            state = _ending(state, made, now)
    persona, made = state.wakes[made.seat], state.thing(made.name)
    if made.ended is not None or made.gone or persona is None or (place is not None and place != SEATS[made.seat][1]):
        return REFUSED, (state,)
    if made.persona not in (None, persona) or (text.until is not None and now >= text.until):
        return REFUSED, (state,)
    if not text.tools <= {tool}:
        return REFUSED, (state,)
    return persona, (state, _opened(state, op, text.name, made.seat, persona))


def _cross(state: State, op: Op) -> Answer:
    persona = state.wakes[op.seat]
    if persona is None:
        return REFUSED, (state,)
    return persona, (_opened(state, op, "", op.seat, persona),)


def _opened(state: State, op: Op, text: str, seat: int, persona: str) -> State:
    subject, exclusive, others = SEATS[seat][0], SEATS[seat][0] in state.exclusive, state.awake
    if exclusive:
        others = tuple(each._replace(last=each.last and SEATS[each.seat][0] != subject) for each in others)
    session = Awake(op.fresh, text, seat, persona, exclusive, state.now if text else 0, house=op.house)
    return replace(state, awake=_with(others, session))


def _call(state: State, op: Op) -> Answer:
    right, thread = op.value
    session = state.session(op.who)
    if session.over:
        return ASLEEP, (state,)
    if session.text:
        text, latest = state.text(session.text), _latest(state, session)
        made = state.thing(text.made)
        if made.ended is not None or made.gone:
            return ASLEEP, (_slept(state, session),)
        if text.until is not None and latest >= text.until:
            state = replace(state, seen=max(state.seen, latest))
            if made.until is not None and latest >= made.until:
                state = _ending(state, made, latest)
            return ASLEEP, (_slept(state, session),)
        state = replace(state, awake=_with(state.awake, session._replace(seen=latest)))
        anywhere = right == "forget" or text.threads is None
        if right not in text.rights or not (anywhere or thread in (text.threads or ())):
            return FORBIDDEN, (state,)
    if not alive(state, state.session(op.who)):
        return ASLEEP, (_slept(state, session),)
    return UNKNOWN if right == "forget" else DONE, (state,)


def _latest(state: State, session: Awake) -> int:
    return max(session.seen, state.seen, state.clock)


def _sleep(state: State, op: Op) -> Answer:
    return DONE, (_slept(state, state.session(op.who)),)


def _tick(state: State, op: Op) -> Answer:
    return DONE, (replace(state, clock=state.clock + op.value),)


def _accept(state: State, op: Op) -> Answer:
    return DONE, (replace(state, seen=state.clock),)


def _place(state: State, op: Op) -> Answer:
    wakes = (*state.wakes[: op.seat], op.value, *state.wakes[op.seat + 1 :])
    return DONE, (replace(state, wakes=wakes),)


def _limit(state: State, op: Op) -> Answer:
    return DONE, (replace(state, exclusive=op.value),)


def _kill(state: State, op: Op) -> Answer:
    return DONE, (replace(state, awake=tuple(each for each in state.awake if each.house != op.house)),)


def _look(state: State, op: Op) -> Answer:
    """What the owner is shown: what each permit and credential has come to, and the time."""
    known = [each for each in state.made if not each.gone]
    late = {each.name for each in known if each.until is not None and state.now >= each.until}
    return shown({each.name: each.ended is not None or each.name in late for each in known}, state.now), (state,)


def shown(over: dict[str, bool], now: int) -> str:
    """What `look` answers: whether each permit and credential is over, by name, and the time."""
    said = [f"{name} is over" if over[name] else name for name in sorted(over)]
    return f"{', '.join(said)} at {now}"


def _forge(state: State, op: Op) -> Answer:
    return REFUSED, (state,)


def _drop(state: State, op: Op) -> Answer:
    return DONE, (replace(state, awake=tuple(each for each in state.awake if each.name != op.who)),)


def _ending(state: State, made: Made, at: int) -> State:
    """With a permit or credential that has ended; one that had before, or is not known any more, stays as it is."""
    if made.ended is not None or made.gone:
        return state
    return replace(state, made=_with(state.made, made._replace(ended=at)))


def _slept(state: State, session: Awake) -> State:
    ended = session._replace(last=False, seen=0, over=True)
    return replace(state, awake=_with(state.awake, ended))


def _with(things: Any, thing: Any) -> Any:
    """By name, with this one in the place of one that has its name."""
    return tuple(sorted([*(each for each in things if each.name != thing.name), thing], key=lambda each: each.name))


_KINDS: dict[str, Callable[[State, Op], Answer]] = {
    "make": _make,
    "register": _register,
    "weaken": _weaken,
    "revoke": _revoke,
    "admit": _admit,
    "cross": _cross,
    "call": _call,
    "sleep": _sleep,
    "tick": _tick,
    "accept": _accept,
    "place": _place,
    "limit": _limit,
    "kill": _kill,
    "close": _kill,
    "look": _look,
    "forge": _forge,
    "elsewhere": _forge,
    "drop": _drop,
}
KINDS = tuple(_KINDS)
