"""Whether an erased frame is still in the file, in a place that SQLite does not count as content.

`secure_delete` overwrites the row that is deleted. It does not reach an older copy of the same row: when SQLite packs a
page anew (`rebuildPage` in its btree.c) it moves the rows and leaves what was between the page's pointers and its
rows as it was. With several spaces in one table about one erased frame in a hundred has such a copy. Only `VACUUM`
removes it, which rewrites the whole file, so it is worth a look first. Page layout: https://www.sqlite.org/fileformat2.html
section 1.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LIMIT = 128 * 2**20
"""Bytes. A file above this is not searched: search and rewriting take it into memory, and rewriting half a second for
each 100 MB."""

_WINDOW = 16
_MANY = 256 * 1024
_TREE_PAGES = {2: 12, 5: 12, 10: 8, 13: 8}  # the type of a b-tree page to the size of its head


def lingers(image: bytes, erased: Sequence[bytes]) -> bool:
    """Whether 31 or more bytes in a row of an erased frame are in an unused part of a page.

    Args:
        image: the whole database.
        erased: frames that are no longer in it; of very many it is assumed.
    """
    if sum(map(len, erased)) > _MANY:
        return True
    windows = {frame[at : at + _WINDOW] for frame in erased for at in range(len(frame) - _WINDOW + 1)}
    return any(
        gap[at : at + _WINDOW] in windows for gap in _gaps(image) for at in range(0, len(gap) - _WINDOW + 1, _WINDOW)
    )


def _gaps(image: bytes) -> Iterator[bytes]:
    """What lies between the pointers and the rows of each page, where it is not all zeros."""
    size = int.from_bytes(image[16:18], "big")
    size = 65536 if size == 1 else size
    for start in range(0, len(image), size):
        head = start + (100 if start == 0 else 0)
        length = _TREE_PAGES.get(image[head])
        if length is None:  # the rest of a long row, or a free page: both are overwritten whole
            continue
        first = head + length + 2 * int.from_bytes(image[head + 3 : head + 5], "big")
        rows = start + (int.from_bytes(image[head + 5 : head + 7], "big") or 65536)
        gap = image[first:rows]
        if gap.count(0) != len(gap):
            yield gap
