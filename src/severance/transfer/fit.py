"""Making what strangers wrote fit a `Draft`: texts, labels, metadata, times, origins.

A value that cannot be made to fit raises `Unfit`; a reader turns that into one `Skipped`. The reasons are whole phrases
without content, and always the same words for the same reason, so that a caller can count them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from severance.drafts import is_blank
from severance.errors import InputError
from severance.model import MAX_LABEL_BYTES, MAX_METADATA_BYTES, MAX_TEXT_BYTES, Draft, Scalar, moment, parse_time
from severance.transfer.items import Found, Item, Skipped

ORIGIN = "origin"
THEIR_ORIGIN = "their_origin"
MAX_ORIGIN_BYTES = 200

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
# Above this a number of seconds would be after the year 5000; exports that write such numbers mean milliseconds.
_MILLISECONDS_ABOVE = 1e11


class Unfit(Exception):  # noqa: N818 - a reason, not an error: it never leaves this package
    """This entry cannot become a memory; the message says why, without content."""


def attempt(where: str, make: Callable[[], Item]) -> Found:
    """What `make` returns, or a `Skipped` with the reason why it could not."""
    try:
        return make()
    except Unfit as reason:
        return Skipped(where, str(reason))
    except RecursionError:
        return Skipped(where, "it is nested too deeply")


def item(draft: Draft, origin: str) -> Item:
    """An `Item`, once there is room for its origin in the metadata.

    Raises:
        Unfit: there is none.
    """
    if len(msgspec.json.encode({**draft.metadata, ORIGIN: origin})) > MAX_METADATA_BYTES:
        raise Unfit(f"its metadata is longer than {MAX_METADATA_BYTES:,} bytes")
    return Item(draft=draft, origin=origin)


def text(value: object) -> str:
    """`value` unchanged, if it may be the text of a memory.

    Raises:
        Unfit: it is no string, blank, too long, holds NUL, or is not valid Unicode.
    """
    if not isinstance(value, str):
        raise Unfit("it has no text")
    if is_blank(value):
        raise Unfit("its text is empty")
    if "\0" in value:
        raise Unfit("its text holds a NUL character")
    if len(_utf8(value, "its text")) > MAX_TEXT_BYTES:
        raise Unfit(f"its text is longer than {MAX_TEXT_BYTES:,} bytes")
    return value


def label(value: object) -> str | None:
    """`value` as a thread, source or kind: None when blank; cut, with a hash to tell it from others, when too long.

    Characters that no label may hold (NUL, lone surrogates) become U+FFFD.

    Raises:
        Unfit: it is neither text nor a number.
    """
    if value is None:
        return None
    if isinstance(value, (int, float)):
        value = str(value)
    if not isinstance(value, str):
        raise Unfit("its thread, source or kind is not text")
    clean = printable(value)
    if is_blank(clean):
        return None
    raw = clean.encode()
    if len(raw) <= MAX_LABEL_BYTES:
        return clean
    mark = f"…{digest(clean, 12)}"
    return raw[: MAX_LABEL_BYTES - len(mark.encode())].decode("utf-8", "ignore") + mark


def printable(value: str) -> str:
    """`value` with lone surrogates and NUL as U+FFFD, so that it can be encoded and shown."""
    if not _is_odd(value):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def metadata(value: object, *, reserve: bool = True) -> dict[str, Scalar]:
    """`value` as metadata: what is no scalar becomes JSON text, and so do numbers that JSON or 64 bits cannot carry.

    With `reserve`, what the source calls "origin" is kept as "their_origin": the plain name is the importer's.

    Raises:
        Unfit: it is no mapping, has a name that is too long, or text that holds NUL or is not valid Unicode.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Unfit("its metadata is not an object")
    clean: dict[str, Scalar] = {}
    for name, entry in value.items():
        if len(_metadata_text(str(name)).encode()) > MAX_LABEL_BYTES:
            raise Unfit(f"its metadata has a name longer than {MAX_LABEL_BYTES} bytes")
        clean[THEIR_ORIGIN if reserve and name == ORIGIN else str(name)] = scalar(entry)
    return clean


def scalar(value: object) -> Scalar:
    """`value` if metadata can hold it, else the same as JSON text.

    Raises:
        Unfit: it holds NUL or text that is not valid Unicode, or is nested too deeply.
    """
    if isinstance(value, str):
        return _metadata_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and _INT_MIN <= value <= _INT_MAX:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    try:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (RecursionError, ValueError):
        raise Unfit("its metadata is nested too deeply") from None
    return _metadata_text(written)


def when(value: object) -> datetime | None:
    """A time in UTC from ISO 8601 text or from seconds (or milliseconds) since 1970; None for None and blank text.

    Raises:
        Unfit: it is something else, or out of range. A wrong time would make a wrong memory.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        if isinstance(value, str):
            return parse_time(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) > _MILLISECONDS_ABOVE else value
            return moment(round(seconds * 1_000_000))
    except (InputError, OverflowError, ValueError):
        pass
    raise Unfit("its date cannot be read")


def later(time: datetime | None, seconds: int) -> datetime | None:
    """`time` and `seconds` more.

    Raises:
        Unfit: that is after the year 9999.
    """
    try:
        return None if time is None else time + timedelta(seconds=seconds)
    except OverflowError:
        raise Unfit("its date cannot be read") from None


def digest(value: str | bytes, length: int = 32) -> str:
    """The first `length` hexadecimal digits of the SHA-256 of `value`."""
    raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.sha256(raw).hexdigest()[:length]


def origin(kind: str, *parts: str) -> str:
    """`kind:part:part`, or `kind:<hash>` where that would be long, ambiguous or unprintable."""
    plain = f"{kind}:{':'.join(parts)}"
    ambiguous = any(":" in part for part in parts[:-1])
    if ambiguous or not plain.isprintable() or " " in plain or len(plain.encode()) > MAX_ORIGIN_BYTES:
        return f"{kind}:{digest(json.dumps(parts))}"
    return plain


def _is_odd(value: str) -> bool:
    return "\0" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value))


def _metadata_text(value: str) -> str:
    _utf8(value, "its metadata")
    if "\0" in value:
        raise Unfit("its metadata holds a NUL character")
    return value


def _utf8(value: str, what: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Unfit(f"{what} is not valid Unicode") from None
