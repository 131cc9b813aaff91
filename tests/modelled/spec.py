"""What should be true of the doors: permits, credentials, crossings, turns of exclusive subjects, clocks and kills.

`steps` says what an operation on a state answers, and which states it leaves on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from modelled import overrides
from modelled.nouns import (
    ASLEEP,
    DONE,
    FORBIDDEN,
    KEPT,
    REFUSED,
    SEATS,
    UNKNOWN,
    Answer,
    Awake,
    Made,
    Op,
    State,
    Text,
    opened,
    put,
    slept,
)


def steps(state: State, op: Op) -> Answer:
    """What an operation on this state should do."""
    return _KINDS[op.what](state, op)


def after(state: State, op: Op) -> State:
    """The state that an operation leaves."""
    return steps(state, op)[1][-1]


def alive(state: State, session: Awake) -> bool:
    """Whether a call within its rights would be answered."""
    if session.over or (session.subject in state.exclusive and not session.last):
        return False
    asked = state.override(session.text)
    if asked is not None:
        return not asked.gone and asked.ended is None and _latest(state, session) < asked.until
    if state.wakes_at(session.subject, session.place) != session.persona:
        return False
    if not session.text:
        return True
    text = state.text(session.text)
    made = state.thing(text.made)
    late = text.until is not None and _latest(state, session) >= text.until
    return not (made.gone or made.ended is not None or late)


def _make(state: State, op: Op) -> Answer:
    rights, seconds = op.value
    persona, now = state.wakes[op.seat], state.now
    if persona is None:
        return REFUSED, (state,)
    until = now + seconds
    kept = (each._replace(gone=each.gone or _is_old(each, now)) for each in state.made)
    made = put(kept, Made(op.fresh, op.seat, persona, until))
    return DONE, (replace(state, made=made, texts=put(state.texts, Text(op.fresh, op.fresh, rights, until))),)


def _is_old(made: Made, now: int) -> bool:
    if made.until is None:
        return False
    return min(made.until, made.until if made.ended is None else made.ended) < now - KEPT


def _register(state: State, op: Op) -> Answer:
    made = put(state.made, Made(op.fresh, op.seat, None, None))
    return DONE, (replace(state, made=made, texts=put(state.texts, Text(op.fresh, op.fresh, op.value, None))),)


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
    if not less.rights or (less.threads is not None and not less.threads) or len(less.tools) > 1:
        return REFUSED, (state,)  # nothing would be left
    return DONE, (replace(state, texts=put(state.texts, less)),)


def _revoke(state: State, op: Op) -> Answer:
    made = state.thing(op.who)
    if made.gone:
        return REFUSED, (state,)
    return DONE, (_ending(state, made, state.now),)


def _admit(state: State, op: Op) -> Answer:
    place, tool = op.value or (None, None)
    text, now = state.text(op.who), state.now
    made = state.thing(text.made)
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
    return persona, (state, opened(state, op, text.name, SEATS[made.seat], persona))


def _cross(state: State, op: Op) -> Answer:
    persona = state.wakes[op.seat]
    if persona is None:
        return REFUSED, (state,)
    return persona, (opened(state, op, "", SEATS[op.seat], persona),)


def _call(state: State, op: Op) -> Answer:
    right, thread = op.value
    session = state.session(op.who)
    if session.over:
        return ASLEEP, (state,)
    if session.text:
        state, rights, threads = _held(state, session)
        session = state.session(op.who)
        if session.over:
            return ASLEEP, (state,)
        anywhere = right == "forget" or threads is None
        if right not in rights or not (anywhere or thread in threads):
            return FORBIDDEN, (state,)
    if not alive(state, session):
        return ASLEEP, (slept(state, session),)
    return UNKNOWN if right == "forget" else DONE, (state,)


def _held(state: State, session: Awake) -> tuple[State, frozenset[str], frozenset[str] | None]:
    """What a session was let in with, after it was looked at: the session may have ended by it."""
    latest, asked = _latest(state, session), state.override(session.text)
    if asked is not None:
        if not alive(state, session):
            state = slept(state, session)
        else:
            state = replace(state, awake=put(state.awake, session._replace(seen=latest)))
        return state, asked.rights, asked.threads
    text = state.text(session.text)
    made = state.thing(text.made)
    if text.until is not None and latest >= text.until:
        state = replace(state, seen=max(state.seen, state.clock))
        if made.until is not None and latest >= made.until:
            state = _ending(state, made, latest)
        state = slept(state, session)
    elif made.ended is not None or made.gone:
        state = slept(state, session)
    else:
        state = replace(state, awake=put(state.awake, session._replace(seen=latest)))
    return state, text.rights, text.threads


def _latest(state: State, session: Awake) -> int:
    return max(session.seen, state.seen, state.clock)


def _sleep(state: State, op: Op) -> Answer:
    return DONE, (slept(state, state.session(op.who)),)


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
    for session in state.awake:
        asked = state.override(session.text)
        if session.house == op.house and asked is not None and asked.ended is None:
            state = replace(state, asked=put(state.asked, asked._replace(lost=True)))
    return DONE, (replace(state, awake=tuple(each for each in state.awake if each.house != op.house)),)


def _close(state: State, op: Op) -> Answer:
    for session in state.awake:
        if session.house == op.house and not session.over:
            state = slept(state, session)
    return _kill(state, op)


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
    return REFUSED, (replace(state, seen=state.now),)


def _elsewhere(state: State, op: Op) -> Answer:
    return REFUSED, (state,)


def _drop(state: State, op: Op) -> Answer:
    state = slept(state, state.session(op.who))
    return DONE, (replace(state, awake=tuple(each for each in state.awake if each.name != op.who)),)


def _ending(state: State, made: Made, at: int) -> State:
    """With a permit or credential that has ended; one that had before, or is not known any more, stays as it is."""
    if made.ended is not None or made.gone:
        return state
    return replace(state, made=put(state.made, made._replace(ended=at)))


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
    "close": _close,
    "look": _look,
    "forge": _forge,
    "elsewhere": _elsewhere,
    "drop": _drop,
    **overrides.KINDS,
}
KINDS = tuple(_KINDS)
