"""Pages of a list: a cursor says where the last page ended, in the order in which memories happened.

It holds what it needs, so that a page can be asked for again, in a later session, too. What is amended or forgotten
between two pages may be given twice; nothing is left out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from severance.model import Memory, id_bytes, micros, moment
from severance.server.problems import INVALID, Problem

_MOST_BYTES = 2**20
"""Of the texts of a page, about; a page has one memory at least."""


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a page ended: when its last memory happened and was recorded, its id; and what was asked."""

    at: int
    recorded: int
    id: bytes
    asked: bytes

    def text(self) -> str:
        """As it is given."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).rstrip(b"=").decode()

    @property
    def since(self) -> datetime:
        """From when on there may be more."""
        return moment(self.at)


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


def page_of(
    memories: Iterable[Memory], limit: int, cursor: Cursor | None, asked: bytes
) -> tuple[list[Memory], str | None]:
    """The next page of these, and the cursor of the one after it, where there may be one.

    Args:
        memories: from the time of the cursor on, in their order.
        limit: how many the page may have.
        cursor: where the last one ended.
        asked: the fingerprint of the question.
    """
    page, size = list[Memory](), 0
    for memory in memories if cursor is None else _after(iter(memories), cursor):
        if len(page) == limit or size >= _MOST_BYTES:
            last = page[-1]
            return page, Cursor(micros(last.at), micros(last.recorded), id_bytes(last.id) or b"", asked).text()
        page.append(memory)
        size += len(memory.text)
    return page, None


def _after(memories: Iterator[Memory], cursor: Cursor) -> Iterator[Memory]:
    """What comes after the one at which the cursor stands, also where that is there no longer."""
    same = list[Memory]()
    for memory in memories:
        if micros(memory.at) > cursor.at:
            yield from same  # it was amended or forgotten: of its time, what was recorded no earlier
            yield memory
            break
        if id_bytes(memory.id) == cursor.id:
            break
        if micros(memory.recorded) >= cursor.recorded:
            same.append(memory)
    else:
        yield from same
    yield from memories
