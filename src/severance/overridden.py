"""Overrides as callers see them, and what callers say of them, checked."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from severance.asking import rights_of
from severance.audit.events import What
from severance.chip.override.keys import ID_BYTES, PublicKey
from severance.chip.override.state import Override, Wish
from severance.chip.override.texts import MOST_REASON, MOST_THREADS
from severance.chip.register import ApproverForm, NoticeForm
from severance.drafts import check_text, is_blank
from severance.errors import InputError
from severance.model import (
    MAX_LABEL_BYTES,
    Notice,
    OverrideInfo,
    OverrideKeyInfo,
    OverrideState,
    moment,
)

MOST_LENGTH = timedelta(days=30)
_MICROSECOND = timedelta(microseconds=1)

OPEN = frozenset({OverrideState.REQUESTED, OverrideState.APPROVED, OverrideState.ACTIVE})
"""States of an override that is not over."""


def info_of(found: Override, now: int) -> OverrideInfo:
    """An override as the owner sees it."""
    said, row = found.request, found.row
    return OverrideInfo(
        id=found.id,
        state=found.state(now),
        subject=said.subject,
        persona=said.persona,
        requester=said.name,
        reason=said.reason,
        rights=frozenset(said.rights),
        threads=said.threads,
        made=moment(said.made),
        approve_by=moment(said.approve_by),
        use_by=moment(said.use_by),
        length=timedelta(microseconds=said.length),
        approved=found.approved,
        denied=found.denied,
        used=None if row.used is None else moment(row.used),
        until=None if row.until is None else moment(row.until),
        ended=None if row.ended is None else moment(row.ended),
        why=row.why,
    )


def notice_of(form: NoticeForm) -> Notice:
    """What a persona is told."""
    what = What.OVERRIDE_ENDED if form.again else What.OVERRIDE_USED
    return Notice(
        at=moment(form.at),
        what=what.value,
        reason=form.reason,
        requester=form.requester,
        until=moment(form.until),
        ended=None if form.ended is None else moment(form.ended),
    )


def key_info_of(form: ApproverForm) -> OverrideKeyInfo:
    """A registered key as the owner sees it."""
    key = PublicKey(form.public)
    return OverrideKeyInfo(form.name, key.id.hex(), key.text(), moment(form.made))


def id_of(text: object) -> bytes:
    """The 16 bytes that an id is the hex of; the id of nothing where it is none."""
    with suppress(ValueError, TypeError):
        raw = bytes.fromhex(text)  # type: ignore[arg-type]
        if len(raw) == ID_BYTES and raw.hex() == text:
            return raw
    return bytes(ID_BYTES)


def reason_of(given: object) -> str:
    """A reason, checked; InputError for what is none."""
    reason = check_text(given, "the reason", 4 * MOST_REASON)
    if is_blank(reason) or len(reason) > MOST_REASON:
        raise InputError(f"say why, in at most {MOST_REASON} characters")
    return reason


def threads_of(given: Iterable[str] | None) -> tuple[str, ...] | None:
    """Threads, checked; InputError for what are none."""
    if given is None:
        return None
    if isinstance(given, str):
        raise InputError("threads are a list of names, not one text")
    threads = tuple(dict.fromkeys(check_text(thread, "a thread", MAX_LABEL_BYTES) for thread in given))
    if not threads or "" in threads or len(threads) > MOST_THREADS:
        raise InputError(f"threads are a list of 1 to {MOST_THREADS} names")
    return threads


def wish_of(
    reason: object,
    rights: Iterable[str],
    threads: Iterable[str] | None,
    lengths: tuple[timedelta, timedelta, timedelta],
) -> Wish:
    """What somebody asks for, checked: why, what the session may do and where, how long it opens, can be approved, and
    then be used. InputError for what cannot be meant.
    """
    length, approve_within, use_within = lengths
    return Wish(
        reason_of(reason),
        rights_of(rights),
        threads_of(threads),
        length_of(length, "the length of an override"),
        length_of(approve_within, "the time for approving"),
        length_of(use_within, "the time for using it"),
    )


def length_of(given: object, what: str) -> int:
    """A length of time in microseconds, checked; InputError for what is none."""
    if not isinstance(given, timedelta) or not timedelta(seconds=1) <= given <= MOST_LENGTH:
        raise InputError(f"{what} is from a second to 30 days")
    return given // _MICROSECOND
