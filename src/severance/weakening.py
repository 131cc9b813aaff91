"""What whoever holds a permit can do without a store and without a key: look at it, and take some of it away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from severance.asking import end_of, rights_of
from severance.chip import permits
from severance.drafts import check_text, is_blank, name_of, time_of
from severance.errors import InputError
from severance.model import MAX_LABEL_BYTES, Right, micros, moment
from severance.system import SystemClock


@dataclass(frozen=True, slots=True)
class Shown:
    """What a permit says to whoever holds it; it names nobody.

    Attributes:
        id: its id, as the owner sees it.
        rights: what it allows, after all that was taken away.
        until: when it ends.
        threads: the only threads that it reaches; None where it reaches all.
        tool: the only tool that may use it; None where any may.
        weakened: how often something was taken away.
    """

    id: str
    rights: frozenset[Right]
    until: datetime
    threads: tuple[str, ...] | None
    tool: str | None
    weakened: int


def weaken(
    text: str,
    *,
    rights: Iterable[str] | None = None,
    until: datetime | date | timedelta | str | None = None,
    threads: Iterable[str] | None = None,
    tool: str | None = None,
) -> str:
    """The permit with less in it. Whoever holds one can do this, without a store and without a key.

    Nothing gives back what was taken: what this says holds beside all that was said before. An argument that is None
    takes nothing.

    Args:
        text: the permit.
        rights: those of its rights that are left, some of `Right` or their names.
        until: when it ends at the latest: a time, or how long from now by this machine's clock.
        threads: the only threads that it reaches. Calls must name one of them, and a memory in another is not known.
        tool: the only tool that may use it.

    Raises:
        InputError: the text is no permit, an argument cannot be meant, nothing would be taken or nothing be left (no
            right or thread that the permit has, a second tool, no time), or it was
            weakened too often.
    """
    if isinstance(threads, str):
        raise InputError("threads are a list of names, not one text")
    named = None if threads is None else [_thread(thread) for thread in threads]
    return permits.weaken(
        check_text(text, "the permit", permits.MOST_TEXT),
        rights=None if rights is None else rights_of(rights),
        until=None if until is None else _end(until),
        threads=named,
        tool=None if tool is None else name_of(tool, "the tool"),
    )


def show(text: str) -> Shown:
    """What a permit says. Whether a house takes it, only that house can tell.

    Raises:
        InputError: the text is no permit.
    """
    left = permits.described(check_text(text, "the permit", permits.MOST_TEXT))
    threads = None if left.threads is None else tuple(sorted(left.threads))
    tool = next(iter(sorted(left.tools)), None)
    return Shown(left.id.hex(), left.rights, moment(left.until), threads, tool, left.weakened)


def _thread(thread: str) -> str:
    thread = check_text(thread, "a thread", MAX_LABEL_BYTES)
    if is_blank(thread):
        raise InputError("a thread that a permit reaches has a name; nothing would be left")
    return thread


def _end(until: datetime | date | timedelta | str) -> int:
    # A time that is over by this machine's clock may be none by that of the house, which a permit does not know.
    return end_of(until, SystemClock().now()) if isinstance(until, timedelta) else micros(time_of(until, "until"))
