"""What must hold of every step of the model, said once more without the model's own rules: P2 and P6 at the doors."""

from __future__ import annotations

from modelled.nouns import DONE, SEATS, Op, State
from modelled.spec import alive


def broken(before: State, op: Op, answer: str, after: State) -> str:
    """Which promise a step breaks; empty where it breaks none."""
    woke = answer in ("innie", "outie")
    if op.what == "admit" and woke and (found := _wrongly_admitted(before, op, answer)):
        return found
    if op.what == "use" and woke and _not_yet(before, op):
        return "an override opened that may not"
    if op.what == "call" and answer == DONE and _may_not(before, op):
        return "a call was answered that was not allowed"
    return _wrong_now(before, after)


def _wrongly_admitted(before: State, op: Op, answer: str) -> str:
    text = before.text(op.who)
    made = before.thing(text.made)
    if made.ended is not None or made.gone:
        return "what has ended or was revoked opened"
    if text.until is not None and max(before.clock, before.seen) >= text.until:
        return "a permit opened after its end"
    wrong = answer != before.wakes[made.seat] or made.persona not in (None, answer)
    return "somebody woke who does not wake there" if wrong else ""


def _wrong_now(before: State, after: State) -> str:
    ended = {made.name for made in before.made if made.ended is not None}
    if ended & {made.name for made in after.made if made.ended is None}:
        return "what had ended goes on"
    over = {session.name for session in before.awake if session.over}
    if over & {session.name for session in after.awake if not session.over}:
        return "a session that had ended goes on"
    for subject in after.exclusive:
        if sum(alive(after, each) for each in after.awake if each.subject == subject) > 1:
            return "two sessions of an exclusive subject are awake"
    return "a weakened permit allows more" if any(_widened(after, text.name) for text in after.texts) else ""


def _not_yet(before: State, op: Op) -> bool:
    """Whether fewer than two others approve, it was used, refused or ended, or its time is not now."""
    asked, now = before.override(op.who), max(before.clock, before.seen)
    if asked is None or asked.denied or asked.used is not None or asked.ended is not None:
        return True
    return len(asked.approved - {asked.by}) < 2 or now >= asked.use_by or op.value != asked.by


def _may_not(before: State, op: Op) -> bool:
    session, (right, thread) = before.session(op.who), op.value
    latest = max(before.clock, before.seen, session.seen)
    asked = before.override(session.text)
    if asked is not None:
        over = session.over or asked.ended is not None or asked.used is None or latest >= asked.used + asked.length
        return over or right not in asked.rights or (asked.threads is not None and thread not in asked.threads)
    if session.over or before.wakes[SEATS.index((session.subject, session.place))] != session.persona:
        return True
    if not session.text:
        return False
    text = before.text(session.text)
    late = text.until is not None and latest >= text.until
    elsewhere = text.threads is not None and thread not in text.threads
    return before.thing(text.made).ended is not None or late or elsewhere or right not in text.rights


def _widened(state: State, name: str) -> bool:
    text = state.text(name)
    first = state.text(text.made)
    later = text.until is not None and first.until is not None and text.until > first.until
    return later or not text.rights <= first.rights
