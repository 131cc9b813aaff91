"""What a caller of a session asks for, checked: queries, bounds of time, limits, items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from severance.drafts import Rememberable, check_text, draft_of, is_blank, metadata_of, time_of
from severance.errors import InputError
from severance.model import MAX_LABEL_BYTES, Draft, Filter, Metadata, Right, micros, moment

MAX_QUERY_BYTES = 2**20

When = datetime | date | str | None
"""A time as callers may give it: ISO 8601 text is read, a time without a zone is UTC, None is no bound."""


def check_query(query: str) -> None:
    """Refuse a query that cannot be looked for.

    Raises:
        InputError: it is empty, not text, or larger than 1,048,576 bytes.
    """
    check_text(query, "the query", MAX_QUERY_BYTES, "looked for, so ask in fewer words")
    if is_blank(query):
        raise InputError("the query is empty; say what to look for")


def check_whole(number: object, what: str, least: int, most: int) -> None:
    """Refuse a number that is not whole, or not between `least` and `most`.

    Raises:
        InputError: it is one of these.
    """
    if type(number) is not int or not least <= number <= most:
        raise InputError(f"{what} must be a whole number from {least:,} to {most:,}")


def checked_items(items: Iterable[Rememberable]) -> list[Draft]:
    """The drafts behind many items.

    Raises:
        InputError: one cannot be remembered; the message says which it is. Or they are one text or mapping.
    """
    if isinstance(items, (str, Mapping)) or not isinstance(items, Iterable):
        raise InputError("many memories are a list of them; for one, use remember")
    return [_checked_item(index, item) for index, item in enumerate(items)]


def _checked_item(index: int, item: Rememberable) -> Draft:
    try:
        return draft_of(item)
    except InputError as problem:
        raise InputError(f"item {index}: {problem}") from None


def filter_of(since: When, until: When, as_of: When, thread: str | None, where: Metadata | None) -> Filter:
    """The filter that these arguments of a session's methods mean.

    Raises:
        InputError: one of them cannot be meant.
    """

    def bound(value: When, what: str) -> int | None:
        return None if value is None else micros(time_of(value, what))

    if thread is not None:
        check_text(thread, "the thread", MAX_LABEL_BYTES)
    first, last = bound(since, "since"), bound(until, "until")
    if first is not None and last is not None and first > last:
        raise InputError("since is after until, and nothing can be in between")
    return Filter(since=first, until=last, as_of=bound(as_of, "as_of"), thread=thread, where=metadata_of(where))


def rights_of(given: Iterable[str]) -> frozenset[Right]:
    """The rights of these names.

    Raises:
        InputError: one is no right, or there is none.
    """
    known = ", ".join(Right)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"rights are a list of some of these: {known}")
    try:
        found = frozenset(map(Right, given))
    except ValueError:
        raise InputError(f"that is not a right; there are {known}") from None
    if not found:
        raise InputError(f"say what is to be allowed, some of these: {known}")
    return found


def end_of(until: datetime | date | timedelta | str, now: int) -> int:
    """When something ends, in microseconds since 1970.

    Args:
        until: a time as callers may give it, or how long from now.
        now: in microseconds since 1970.

    Raises:
        InputError: it is no time, or not after now.
    """
    try:
        length = until if isinstance(until, timedelta) else time_of(until, "until") - moment(now)
        end = micros(moment(now) + length)
    except OverflowError:
        raise InputError("that is too long from now") from None
    if end <= now:
        raise InputError("that end is over already; say a later one")
    return end
