"""Secrets taken out of what is read, before anybody remembers it.

What finds them is given: it is not of this package, and may not be installed. What says that it is to be kept as it is,
such as a memory that Severance itself wrote out, is not looked into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from severance.transfer import fit
from severance.transfer.items import Found, Item, Skipped

if TYPE_CHECKING:
    from severance.model import Scalar

_LABELS_KNOWN = 1_024


class Cleaned(Protocol):
    """A text without secrets, and how many of each kind it had."""

    @property
    def text(self) -> str: ...

    @property
    def found(self) -> Mapping[str, int]: ...


Clean = Callable[[str], Cleaned]


class Cleaning:
    """What cleans the texts of one reading, and counts.

    Attributes:
        found: how many secrets of each kind were taken out; never what they were.
    """

    def __init__(self, clean: Clean) -> None:
        self.found = Counter[str]()
        self._clean = clean
        self._label = lru_cache(_LABELS_KNOWN)(lambda label: clean(label).text)

    def text(self, text: str) -> str:
        """The text without secrets, which are counted."""
        cleaned = self._clean(text)
        self.found.update(cleaned.found)
        return cleaned.text

    def label(self, label: str) -> str:
        """What many items have alike, without secrets, which are not counted."""
        return self._label(label)

    def item(self, found: Found) -> Found:
        """The item without secrets; `Skipped` where what stands for them makes it too long."""
        if isinstance(found, Skipped) or found.as_is:
            return found
        return fit.attempt(found.origin, lambda: self._item(found))

    def _item(self, item: Item) -> Item:
        draft = item.draft
        made = replace(
            draft,
            text=fit.text(self.text(draft.text)),
            thread=fit.label(draft.thread and self.label(draft.thread)),
            source=fit.label(draft.source and self.label(draft.source)),
            metadata={name: self._value(name, value) for name, value in draft.metadata.items()},
        )
        return replace(item, draft=fit.item(made, item.origin).draft)

    def _value(self, name: str, value: Scalar) -> Scalar:
        """A value of metadata: what a name gives away counts as if both stood in a text."""
        if not isinstance(value, str):
            return value
        before = f"{name}: "
        cleaned = self._label(before + value)
        return cleaned.removeprefix(before) if cleaned.startswith(before) else self._label(value)
