"""Compressed streams inside any bytes: zlib (RFC 1950), gzip (RFC 1952), and deflate (RFC 1951) in zip archives.

A raw deflate stream has nothing by which it could be told, so it is tried at the very beginning and inside zip
archives only.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

_MOST = 2**26
_SHORTEST = 8
_FIRST_PIECES = 128
_PIECE = 4096
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_ZIP_HEADER = 30
_DEFLATED = 8
_BLOCK = 2**20


def inflated(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Every stream that can be inflated, with the offset at which it begins; cut or damaged ones as far as they go."""
    raw, _ = _inflate(data, 0, -zlib.MAX_WBITS)
    if len(raw) >= _SHORTEST:
        yield 0, raw
    done = 0
    for at in _beginnings(data):
        if at < done:
            continue  # inside a stream that was whole
        content, end = _stream(data, at)
        if len(content) >= _SHORTEST:
            yield at, content
        if end is not None:
            done = end


def _header_table() -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which two bytes (as a little-endian number) can begin a stream."""
    table = np.zeros(65536, np.bool_)
    for first in range(0x08, 0x79, 0x10):  # method 8, window 2^8 to 2^15
        for flags in range(256):
            preset = flags & 0x20  # needs a dictionary that is not in the stream
            table[first | flags << 8] = not preset and (first * 256 + flags) % 31 == 0
    for mark in (_GZIP, _ZIP):
        table[int.from_bytes(mark[:2], "little")] = True
    return table


_HEADERS = _header_table()


def _beginnings(data: bytes) -> Iterator[int]:
    for start in range(0, len(data) - 1, _BLOCK):
        count = min(_BLOCK, len(data) - 1 - start)
        pairs = np.ndarray((count,), "<u2", data, start, (1,))
        yield from (np.flatnonzero(_HEADERS[pairs]) + start).tolist()


def _stream(data: bytes, at: int) -> tuple[bytes, int | None]:
    if data.startswith(_GZIP, at):
        return _inflate(data, at, 16 + zlib.MAX_WBITS)
    if data.startswith(_ZIP[:2], at):
        if not data.startswith(_ZIP, at) or at + _ZIP_HEADER > len(data):
            return b"", None
        method, name, extra = struct.unpack_from("<8xH16xHH", data, at)
        return _inflate(data, at + _ZIP_HEADER + name + extra, -zlib.MAX_WBITS) if method == _DEFLATED else (b"", None)
    return _inflate(data, at, zlib.MAX_WBITS)


def _inflate(data: bytes, at: int, window: int) -> tuple[bytes, int | None]:
    """What comes out, and where the stream ended if it was whole.

    Fed piece by piece, since zlib gives back nothing of a piece in which it finds an error; then that piece byte by
    byte, so that the last bytes before the damage are not lost.
    """
    content, good, decoder = _feed(data, at, window)
    if decoder is None:
        if len(content) < _SHORTEST:
            return b"", None
        again = zlib.decompressobj(window)
        content = again.decompress(data[at:good])
        try:
            for place in range(good, len(data)):
                content += again.decompress(data[place : place + 1])
        except zlib.error:
            return content, None
    elif decoder.eof:
        return content, good - len(decoder.unused_data)
    return content, None


def _feed(data: bytes, at: int, window: int) -> tuple[bytes, int, zlib._Decompress | None]:
    decoder, out, size = zlib.decompressobj(window), bytearray(), _FIRST_PIECES
    while at < len(data) and not decoder.eof and len(out) < _MOST:
        try:
            out += decoder.decompress(data[at : at + size])
        except zlib.error:
            return bytes(out), at, None
        at = min(at + size, len(data))
        size = min(2 * size, _PIECE)
    return bytes(out), at, decoder
