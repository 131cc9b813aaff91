"""Pages of a list: a cursor says where the last page ended, in the order in which memories happened.

It holds what it needs, so that a page can be asked for again, in a later session, too. What stays as it was is never
left out. What is amended between two pages is given again, in its new version; where the last of a page is forgotten
before the next is asked for, what happened at the very same time is given again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated

import msgspec

from severance.model import ID_BYTES, Mark, Memory, id_bytes, micros, moment
from severance.server.problems import INVALID, Problem

_MOST_BYTES = 2**20
"""Of the texts of a page, about; a page has one memory at least."""


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ended: when its last memory happened, and its id; and what was asked."""

    at: int
    id: Annotated[bytes, msgspec.Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
    asked: bytes

    def text(self) -> str:
        """As it is given."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).rstrip(b"=").decode()

    @property
    def mark(self) -> Mark:
        """Behind which there may be more."""
        return Mark(self.at, self.id)


def cursor_in(text: str, asked: bytes) -> Cursor:
    """The cursor that was given.

    Raises:
        Problem: it is none, or of another question.
    """
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        cursor = msgspec.msgpack.decode(raw, type=Cursor)
        moment(cursor.at)
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError):
        raise Problem(INVALID, "that is no cursor of this server") from None
    if cursor.asked != asked:
        raise Problem(INVALID, "a cursor goes on with the question that it is from; ask it with the same filters")
    return cursor


def page_of(memories: Iterable[Memory], limit: int, asked: bytes) -> tuple[list[Memory], str | None]:
    """The first page of these, and the cursor of the one after it, where there may be one.

    Args:
        memories: in their order.
        limit: how many the page may have.
        asked: the fingerprint of the question.
    """
    page, size = list[Memory](), 0
    for memory in memories:
        if len(page) == limit or size >= _MOST_BYTES:
            last = page[-1]
            return page, Cursor(micros(last.at), id_bytes(last.id) or b"", asked).text()
        page.append(memory)
        size += len(memory.text)
    return page, None
