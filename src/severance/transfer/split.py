"""Cutting long texts into pieces of a sensible size."""

from __future__ import annotations

from collections.abc import Iterator

# Where a text may be cut, best first.
_BREAKS = ("\n\n", "\n", ". ", " ")


def pieces(text: str, limit: int) -> Iterator[str]:
    """`text` in stripped pieces of at most `limit` characters, cut between paragraphs, lines, sentences or words where
    the second half of a piece has such a place, else anywhere. Blank pieces are left out.
    """
    start = 0
    while start < len(text):
        end = start + limit
        if end < len(text):
            end = _cut(text, start + limit // 2, end)
        piece = text[start:end].strip()
        if piece:
            yield piece
        start = end


def _cut(text: str, earliest: int, latest: int) -> int:
    for mark in _BREAKS:
        found = text.rfind(mark, earliest, latest)
        if found >= 0:
            return found + len(mark)
    return latest
