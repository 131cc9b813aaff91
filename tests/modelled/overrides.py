"""What should be true of overrides: two approvals by others, a time for each step, one use, and an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from modelled.nouns import DONE, KEPT, REFUSED, Answer, Asked, Op, State, opened, put

NEEDED = 2


def standing(asked: Asked, now: int) -> str:
    """How far an override is, in the owner's words."""
    if asked.denied:
        return "denied"
    if asked.ended is not None or (asked.used is not None and now >= asked.until):
        return "ended"
    if asked.used is not None:
        return "active"
    enough = len(asked.approved) >= NEEDED
    if now >= (asked.use_by if enough else asked.approve_by):
        return "expired"
    return "approved" if enough else "requested"


def listed(known: Mapping[str, str], now: int) -> str:
    """What `overrides` answers: how far each is, by name."""
    return f"{', '.join(f'{name} {known[name]}' for name in sorted(known))} at {now}"


def _ask(state: State, op: Op) -> Answer:
    whom, by, rights, threads, length, approve, use = op.value
    state = _looking(state)
    now = state.now
    kept = (each._replace(gone=each.gone or _is_old(each, now)) for each in state.asked)
    made = Asked(op.fresh, whom, by, rights, threads, length, now + approve, now + approve + use)
    return DONE, (state, replace(state, asked=put(kept, made)))


def _is_old(asked: Asked, now: int) -> bool:
    if standing(asked, now) in ("requested", "approved", "active"):
        return False
    over = asked.ended if asked.ended is not None else asked.use_by if asked.used is None else asked.until
    return over < now - KEPT


def _answer(state: State, op: Op) -> Answer:
    by, approves = op.value
    if any(each.name == op.who and each.by == by for each in state.asked):
        return REFUSED, (state,)  # without asking a house
    state, seen, asked = _settled(state, op)
    refused = (REFUSED, (seen, state))
    if asked.gone or standing(asked, state.now) in ("denied", "ended", "expired"):
        return refused
    if not approves:
        denied = asked._replace(denied=True, ended=state.now)
        return DONE, (seen, state, replace(state, asked=put(state.asked, denied)))
    if by in asked.approved or state.now >= asked.approve_by:
        return refused
    approved = asked._replace(approved=asked.approved | {by})
    return DONE, (seen, state, replace(state, asked=put(state.asked, approved)))


def _use(state: State, op: Op) -> Answer:
    state, seen, asked = _settled(state, op)
    if (
        asked.gone
        or op.value != asked.by
        or standing(asked, state.now) in ("denied", "ended")
        or asked.used is not None
        or len(asked.approved) < NEEDED
        or state.now >= asked.use_by
    ):
        return REFUSED, (seen, state)
    begun = replace(state, asked=put(state.asked, asked._replace(used=state.now)))
    lost = replace(state, asked=put(state.asked, asked._replace(used=state.now, lost=True)))
    return asked.whom[1], (seen, state, lost, opened(begun, op, asked.name, (asked.whom[0], ""), asked.whom[1]))


def _stop(state: State, op: Op) -> Answer:
    state, seen, asked = _settled(state, op)
    if asked.gone:
        return REFUSED, (seen, state)
    if asked.ended is not None:
        return DONE, (seen, state)
    return DONE, (seen, state, replace(state, asked=put(state.asked, asked._replace(ended=state.now))))


def _list(state: State, op: Op) -> Answer:
    for each in state.asked:
        state = _settling(state, each)
    now = state.now
    return listed({each.name: standing(each, now) for each in state.asked if not each.gone}, now), (state,)


def _looking(state: State) -> State:
    """Whoever does something with an override sees the time."""
    return replace(state, seen=state.now)


def _settled(state: State, op: Op) -> tuple[State, State, Asked]:
    """The state when an override was looked at, the one before, and the override."""
    seen = _looking(state)
    state = _settling(seen, next(each for each in seen.asked if each.name == op.who))
    return state, seen, next(each for each in state.asked if each.name == op.who)


def _settling(state: State, asked: Asked) -> State:
    """Where it was used, and its time or whoever used it is gone, it has ended."""
    if asked.gone or asked.used is None or asked.ended is not None or not (asked.lost or state.now >= asked.until):
        return state
    return replace(state, asked=put(state.asked, asked._replace(ended=state.now)))


KINDS: dict[str, Callable[[State, Op], Answer]] = {
    "ask": _ask,
    "answer": _answer,
    "use": _use,
    "stop": _stop,
    "list": _list,
}
