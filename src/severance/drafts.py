"""What may be remembered: every draft passes here once, at the surface, and is trusted below it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from severance.errors import InputError
from severance.model import (
    MAX_LABEL_BYTES,
    MAX_METADATA_BYTES,
    MAX_NAME_CHARS,
    MAX_TEXT_BYTES,
    NO_METADATA,
    Draft,
    Metadata,
    Scalar,
    parse_time,
)

Rememberable = str | Mapping[str, Any] | Draft
"""What `remember_many` takes: a text, a mapping with the fields of `Draft`, or a `Draft`."""

_FIELDS = frozenset(field.name for field in fields(Draft))
_INT64 = 2**63
# What is drawn as nothing although it counts as a letter, a mark, a symbol or nothing yet: fillers, selectors of
# variants, the blank of Braille (Unicode's Default_Ignorable_Code_Point, UAX 44, beyond the categories Cc and Cf).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001d159\U000e0000-\U000e0fff]"
)


def draft_of(item: Rememberable) -> Draft:
    """The checked draft behind an item.

    Raises:
        InputError: the item cannot be remembered; the message says which field and why, and quotes nothing.
    """
    if isinstance(item, str):
        return checked(Draft(text=item))
    if isinstance(item, Draft):
        return checked(item)
    if not isinstance(item, Mapping):
        raise InputError("a memory is a text, or a mapping with a text")
    unknown = set(item) - _FIELDS
    if unknown:
        raise InputError(f"a memory has no field of that name; its fields are {', '.join(sorted(_FIELDS))}")
    if "text" not in item:
        raise InputError("a memory needs a text")
    given = {name: value for name, value in item.items() if value is not None or name == "text"}
    return checked(Draft(**given))


def checked(draft: Draft) -> Draft:
    """The same draft with its time read and its metadata copied.

    Raises:
        InputError: as `draft_of`.
    """
    text = check_text(draft.text, "the text", MAX_TEXT_BYTES, "kept, so split it")
    if is_blank(text):
        raise InputError("the text is empty; there is nothing to remember")
    kind = check_text(draft.kind, "the kind", MAX_LABEL_BYTES)
    if is_blank(kind):
        raise InputError("the kind is empty; leave it out, or say what sort of memory it is")
    if not isinstance(draft.pinned, bool):
        raise InputError("pinned is either true or false")
    return Draft(
        text=text,
        at=None if draft.at is None else time_of(draft.at, "at"),
        thread=_label(draft.thread, "the thread"),
        source=_label(draft.source, "the source"),
        kind=kind,
        metadata=metadata_of(draft.metadata),
        pinned=draft.pinned,
    )


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: white space, controls, and what is as wide as nothing or drawn as it."""
    return not any(map(_is_seen, text))


def check_text(text: object, what: str, most: int, limit: str = "kept, so shorten it") -> str:
    """The text as a plain `str`, if it is one that can be stored and found again.

    `limit` is what the message says of `most` bytes, and what to do with more.

    Raises:
        InputError: not a string, NUL in it, not encodable as UTF-8, or longer than `most` bytes.
    """
    if not isinstance(text, str):
        raise InputError(f"{what} must be text")
    if "\0" in text:
        raise InputError(f"{what} contains a NUL character; remove it")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise InputError(f"{what} is not valid Unicode; it contains half of a surrogate pair") from None
    if size > most:
        raise InputError(f"{what} has {size:,} bytes; at most {most:,} are {limit}")
    return str.__str__(text)


def time_of(value: object, what: str) -> datetime:
    """A time in UTC from a datetime, a date (its first instant, UTC) or ISO 8601 text.

    Raises:
        InputError: it is none of these, or in UTC it is not in the years 1 to 9999.
    """
    if isinstance(value, datetime):
        return _in_utc(value, what)
    if isinstance(value, date):
        return parse_time(value.isoformat())
    if isinstance(value, str):
        return parse_time(value)
    raise InputError(f"{what} must be a date or time, or ISO 8601 text such as 2024-05-31T18:00+02:00")


def metadata_of(value: object) -> Metadata:
    """A copy of the metadata.

    Raises:
        InputError: not a mapping of names to scalars, or larger than 16,384 bytes as JSON.
    """
    if value is None:
        return NO_METADATA
    if not isinstance(value, Mapping):
        raise InputError("metadata must be a mapping of names to text, numbers, true, false or null")
    copy = {check_text(name, "a metadata name", MAX_LABEL_BYTES): _scalar(item) for name, item in value.items()}
    if len(msgspec.json.encode(copy)) > MAX_METADATA_BYTES:
        raise InputError(
            f"the metadata is larger than {MAX_METADATA_BYTES:,} bytes as JSON; keep it to what is filtered by"
        )
    return copy


def name_of(name: object, what: str) -> str:
    """A subject's, persona's or place's name in NFC.

    Raises:
        InputError: empty, too long, with control characters, `=` or `/`, or blank at an end.
    """
    if not isinstance(name, str) or is_blank(name):
        raise InputError(f"{what} needs a name")
    # A character of NFC stands for at most four: so what is cut off is too long anyway, and need not be normalised.
    name = unicodedata.normalize("NFC", name[: 4 * MAX_NAME_CHARS + 1])
    if len(name) > MAX_NAME_CHARS:
        raise InputError(f"{what} has a name of more than {MAX_NAME_CHARS} characters")
    bad = any(unicodedata.category(char) in ("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp") for char in name)
    if bad or "=" in name or "/" in name or name != name.strip() or name.startswith("-"):
        raise InputError(
            f"{what} has a name with a character that names can't have: control characters, '=', '/', "
            "a leading '-', or blanks at an end"
        )
    return name


def _is_seen(char: str) -> bool:
    return not (char.isspace() or unicodedata.category(char) in ("Cc", "Cf") or _UNSEEN.match(char))


def _label(label: object, what: str) -> str | None:
    text = None if label is None else check_text(label, what, MAX_LABEL_BYTES)
    if text and is_blank(text):
        raise InputError(f"{what} has nothing that can be seen; leave it out, or name it")
    return text or None


def _in_utc(when: datetime, what: str) -> datetime:
    if when.tzinfo is None:
        return when.replace(tzinfo=UTC)
    try:
        return when.astimezone(UTC)
    except OverflowError:
        raise InputError(f"{what} is before the year 1 or after the year 9999 in UTC") from None


def _scalar(value: object) -> Scalar:
    # Subclasses (numpy's floats, enumerations) become what they are one of: only that can be stored.
    if isinstance(value, str):
        return check_text(value, "a metadata value", MAX_METADATA_BYTES)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError("a metadata value is not a finite number")
        return float(value)
    if isinstance(value, bool) or value is None:
        return value
    if not isinstance(value, int):
        raise InputError("a metadata value must be text, a number, true, false or null; write anything else as text")
    if not -_INT64 <= value < _INT64:
        raise InputError("a metadata value is beyond 64 bits; write it as text")
    return int(value)
