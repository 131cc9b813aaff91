"""The blocks of a Biscuit token as bytes: the outermost message of its format, and nothing inside the blocks.

A token is a message of Protocol Buffers (https://www.biscuitsec.org, `schema.proto`): the signed block is its field 2,
and each that was appended a field 3. Of either, field 1 is the block, and field 4 is there where somebody else signed
it.
"""

from __future__ import annotations

from collections.abc import Iterator

_SIGNED, _APPENDED = 2, 3
_BLOCK, _BY_ANOTHER = 1, 4
_VARINT, _BYTES = 0, 2


def blocks(token: bytes) -> list[bytes]:
    """The signed block, and those that were appended, in their order.

    Raises:
        ValueError: it is no such message, or somebody else than the holder signed a block.
    """
    signed = [content for field, content in _fields(token) if field in (_SIGNED, _APPENDED)]
    return [_block(content) for content in signed]


def _block(signed: bytes) -> bytes:
    fields = dict(_fields(signed))
    if _BY_ANOTHER in fields:
        raise ValueError
    return fields.get(_BLOCK, b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message with their numbers; numbers in it are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == _VARINT:
            _, at = _varint(message, at)
        elif tag & 7 == _BYTES:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins here, and where it ends."""
    number = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    raise ValueError
