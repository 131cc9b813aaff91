"""The memories that ChatGPT has saved, as they show in the conversations of its export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from severance.model import Draft
from severance.transfer import fit
from severance.transfer.items import Found, Item

_TOOL = "bio"
_CONTEXT = "model_editable_context"
# "1. [2024-05-31]. Likes waffles." in the list of all that was saved; a memory may have several lines.
_NUMBERED = re.compile(r"^[ \t]*\d{1,6}\.[ \t]+(?:\[(\d{4}-\d\d-\d\d)\]\.?[ \t]*)?", re.MULTILINE)


def saved(message: dict[str, Any]) -> list[tuple[str, str | None]] | None:
    """What a message saves, or shows as saved, each with its date where it has one; None where it does neither."""
    content = message.get("content")
    if not isinstance(content, dict):
        return None
    if content.get("content_type") == _CONTEXT:
        return _listed(content.get("model_set_context"))
    if message.get("recipient") != _TOOL:
        return None
    parts = content.get("parts")
    told = [content.get("text"), *(parts if isinstance(parts, list) else [])]
    return [(text, None) for text in told if isinstance(text, str) and text.strip()]


def entries(where: str, saved: list[tuple[str, str | None]], time: object) -> Iterator[Found]:
    """A memory for each; the same one shown again has the same origin."""
    for text, date in saved:
        yield fit.attempt(where, lambda text=text, date=date: _item(text, date or time))  # type: ignore[misc]


def _item(text: str, time: object) -> Item:
    words = fit.text(text.strip())
    draft = Draft(text=words, at=fit.when(time), source="chatgpt", kind="fact")
    return fit.item(draft, fit.origin("chatgpt", "saved", fit.digest(words)))


def _listed(text: object) -> list[tuple[str, str | None]]:
    if not isinstance(text, str):
        return []
    starts = list(_NUMBERED.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    found = [(text[start.end() : end], start[1]) for start, end in zip(starts, ends, strict=True)]
    return [(words, date) for words, date in found if words.strip()]
