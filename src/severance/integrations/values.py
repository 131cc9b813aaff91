"""JSON values as memories: what of one is found, and how it comes back as it was.

The text of a memory is what a person would read in the value, so that every program of this persona finds it; the value
itself lies beside it, as JSON in the metadata, or, where it is too long for that, in the place of the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from severance.drafts import is_blank
from severance.errors import InputError

BESIDE = 12_000
"""So many bytes of JSON go into the metadata, which have room for 16,384 with everything else."""


def written(value: object) -> str:
    """The value as JSON that can be kept.

    Raises:
        InputError: it is not JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise InputError("that is not JSON: only objects, lists, texts, finite numbers, true, false and null") from None
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write in ASCII
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text


def is_long(text: str) -> bool:
    """Whether this JSON has no room beside a text."""
    return len(text.encode()) > BESIDE


def words(value: object, passed_over: frozenset[str] = frozenset()) -> str:
    """What a person would read in a value: its texts and numbers, one to a line, without what is below these names.

    A value may be a model of pydantic's, too.
    """
    return "\n".join(text for text in _leaves(value, passed_over) if not is_blank(text))


def readable(text: str, otherwise: str) -> str:
    """The text, or something else to keep in its place where nothing can be seen in it or it cannot be kept."""
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode()
    return otherwise if is_blank(clean) else clean


def _leaves(value: Any, passed_over: frozenset[str]) -> Iterator[str]:
    dump = getattr(value, "model_dump", None)  # a model of pydantic's
    if callable(dump):
        yield from _leaves(dump(), passed_over)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in passed_over:
                yield from _leaves(item, passed_over)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, passed_over)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
