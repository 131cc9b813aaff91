"""A sweep for planted sentences in raw bytes: files, journals, what a process shows of itself.

How: each encoded form of a sentence gives 8-byte grams, taken so densely that any leftover of it long enough to count
holds one whole. Then every offset of the swept bytes is looked up: a hash into a table of bits first, which lets nearly
nothing through, then a dictionary, then the bytes on both sides of the gram are compared.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from severance.barrier.residue.needles import DIGITS, ENCODINGS, GRAM, Needle, needles
from severance.barrier.residue.streams import inflated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.ports import Embedder

_BLOCK = 2**18  # bytes at a time: what a block needs fits the processor's cache
_MIX = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4)
_BITS_EACH = 64
_MOST_OWNERS = 8
_FEWEST_BYTES = 3
_DEEPEST = 3
_LARGE = 2**25
_PIECE = 2**22


@dataclass(frozen=True, slots=True)
class Hit:
    """One sentence found.

    Attributes:
        path: the file, or a name such as `/proc/12/environ`.
        offset: where, in bytes; for `zlib`, where the stream begins.
        encoding: one of `ENCODINGS`.
        sentence: which, counted from 0. The sentence itself is not here, so that a report can be shown.
        whole: whether all of it is there, or only a run that is long enough to count.
    """

    path: str
    offset: int
    encoding: str
    sentence: int
    whole: bool


@dataclass(slots=True)
class Report:
    """What a sweep has seen."""

    files: int = 0
    bytes: int = 0
    streams: int = 0
    hits: list[Hit] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.hits

    def found(self, *, whole: bool = False) -> dict[str, set[int]]:
        """Which sentences were found, by encoding; every encoding is there."""
        by_encoding: dict[str, set[int]] = {name: set() for name in ENCODINGS}
        for hit in self.hits:
            if hit.whole or not whole:
                by_encoding[hit.encoding].add(hit.sentence)
        return by_encoding

    @property
    def sentences(self) -> set[int]:
        """Which sentences were found, in whatever encoding."""
        return {hit.sentence for hit in self.hits}

    def __add__(self, other: Report) -> Report:
        return Report(
            self.files + other.files,
            self.bytes + other.bytes,
            self.streams + other.streams,
            self.hits + other.hits,
        )


def sweep(paths: Iterable[str | os.PathLike[str]], sentences: Sequence[str], embedder: Embedder) -> Report:
    """Look for the sentences in every regular file at or under the paths, and in the names of all that is there.

    Raises:
        InputError: a sentence is too short to be told from chance (under 8 bytes).
    """
    return Sweep(sentences, embedder).paths(paths)


class Sweep:
    """The sentences, prepared once; then any number of sweeps."""

    def __init__(self, sentences: Sequence[str], embedder: Embedder, digits: int = DIGITS) -> None:
        """Args and errors as in `needles`."""
        self._needles = needles(sentences, embedder, digits)
        self._longest = max((len(needle.data) for needle in self._needles), default=0)
        self._owners: dict[int, list[tuple[int, int]]] = {}
        for index, needle in enumerate(self._needles):
            for place in self._taken(needle):
                self._owners.setdefault(_gram(needle, place), []).append((index, place))
        grams = np.fromiter(self._owners, np.uint64, len(self._owners))
        self._shift = np.uint64(64 - max(16, (len(grams) * _BITS_EACH).bit_length()))
        self._table = np.zeros(1 << (64 - int(self._shift)), np.bool_)
        self._table[(grams * _MIX) >> self._shift] = True

    def _taken(self, needle: Needle) -> list[int]:
        """The places of its grams. What many sentences share is found with one of them; of one that shares all of its
        grams, the rarest is taken beside them, wherever it stands, so that the whole of it is found.
        """
        places = [place for place in _places(needle) if _varied(needle, place)]
        free = [place for place in places if self._owned(needle, place) < _MOST_OWNERS]
        if places and not free:
            every = [place for place in range(len(needle.data) - GRAM + 1) if _varied(needle, place)]
            return [min(every, key=lambda place: self._owned(needle, place))]
        return free

    def _owned(self, needle: Needle, place: int) -> int:
        return len(self._owners.get(_gram(needle, place), ()))

    def paths(self, paths: Iterable[str | os.PathLike[str]]) -> Report:
        """Sweep files, and folders with everything in them, and the names of all that is there: of folders, sockets,
        pipes and links, too. Links are not followed, but where they lead is swept.

        Raises:
            OSError: a file is there and cannot be read. One that is removed meanwhile is passed over.
        """
        report = Report()
        for each in _entries(paths):
            report += self.content(f"{each} (its name)", os.fsencode(each.name))
            with suppress(FileNotFoundError):
                if each.is_symlink():
                    report += self.content(f"{each} (where it leads)", os.fsencode(each.readlink()))
                elif each.is_file():
                    report += self._file(each)
                    report.files += 1
        return report

    def _file(self, file: Path) -> Report:
        if file.stat().st_size <= _LARGE:
            return self.content(str(file), file.read_bytes())
        with file.open("rb", buffering=0) as raw:
            return self.pieces(str(file), read_pieces(raw, 0, file.stat().st_size))

    def pieces(self, name: str, pieces: Iterable[tuple[int, bytes]]) -> Report:
        """Sweep what is too large to be swept at once: pieces, each with its offset, in order.

        What lies across the border of two neighbours is found. A compressed stream is followed to the end of its piece.
        """
        report, end, tail = Report(), -1, b""
        for at, data in pieces:
            kept = tail if at == end else b""
            part = self.content(name, kept + data)
            report.hits += [replace(hit, offset=at - len(kept) + hit.offset) for hit in part.hits]
            report.streams += part.streams
            report.bytes += len(data)
            end, tail = at + len(data), (kept + data)[-self._longest :]
        report.hits = list(dict.fromkeys(report.hits))
        return report

    def content(self, name: str, data: bytes) -> Report:
        """Sweep these bytes, and what is compressed in them; `name` is what hits call them."""
        report = Report(bytes=len(data))
        report.hits = [Hit(name, at, needle.encoding, needle.sentence, whole) for needle, at, whole in self._find(data)]
        for at, inner in _unpacked(data):
            report.streams += 1
            report.hits += [Hit(name, at, "zlib", needle.sentence, whole) for needle, _, whole in self._find(inner)]
        return report

    def _find(self, data: bytes) -> list[tuple[Needle, int, bool]]:
        """What is found, whole forms first; of the rest of the bytes, runs that are long enough."""
        candidates = list(self._candidates(data))
        whole = {
            (start, index)
            for offset, index, place in candidates
            if (start := offset - place) >= 0 and data.startswith(self._needles[index].data, start)
        }
        found = [(self._needles[index], start, True) for start, index in sorted(whole)]
        accounted = _Spans((start, start + len(needle.data)) for needle, start, _ in found)
        rest = [candidate for candidate in candidates if candidate[0] not in accounted]
        return found + self._leftovers(data, rest)

    def _leftovers(self, data: bytes, candidates: list[tuple[int, int, int]]) -> list[tuple[Needle, int, bool]]:
        found = []
        reach: dict[int, int] = {}
        for offset, index, place in candidates:
            needle = self._needles[index]
            # The forms of a sentence are alike in part: what one accounts for need not be told again by the next.
            if offset < reach.get(needle.sentence, 0):
                continue
            begin, length = _overlap(data, offset, needle.data, place)
            if length >= needle.run:
                reach[needle.sentence] = begin + length
                found.append((needle, begin, False))
        return found

    def _candidates(self, data: bytes) -> Iterator[tuple[int, int, int]]:
        """Where a gram stands: its offset, whose it is, and its place in that needle; by offset."""
        for start in range(0, len(data) - GRAM + 1, _BLOCK):
            count = min(_BLOCK, len(data) - GRAM + 1 - start)
            grams: NDArray[np.uint64] = np.ndarray((count,), "<u8", data, start, (1,)).astype(np.uint64)
            passed = np.flatnonzero(self._table[(grams * _MIX) >> self._shift])
            for offset, gram in zip((passed + start).tolist(), grams[passed].tolist(), strict=True):
                yield from ((offset, index, place) for index, place in self._owners.get(gram, ()))


def read_pieces(raw: RawIOBase, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """What is there from `start` to `end`, piece by piece with its offset, but for pieces of nothing but zeros.

    Raises:
        OSError: it cannot be read; so far it has come.
    """
    for at in range(start, end, _PIECE):
        raw.seek(at)
        data = raw.read(min(_PIECE, end - at)) or b""
        if data.count(0) < len(data):
            yield at, data


class _Spans:
    """Stretches of bytes, and whether an offset lies in one."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def __contains__(self, offset: int) -> bool:
        at = bisect_right(self._starts, offset) - 1
        return at >= 0 and offset < self._ends[at]


def _places(needle: Needle) -> range:
    """Where grams are taken: any `run` bytes of the needle hold one of them whole."""
    return range(0, len(needle.data) - GRAM + 1, needle.run - GRAM + 1)


def _gram(needle: Needle, place: int) -> int:
    return int.from_bytes(needle.data[place : place + GRAM], "little")


def _varied(needle: Needle, place: int) -> bool:
    """Whether the gram is not such as zeros, which fill half of every file."""
    return len(set(needle.data[place : place + GRAM])) >= _FEWEST_BYTES


def _overlap(data: bytes, offset: int, form: bytes, place: int) -> tuple[int, int]:
    """How far `form` and `data` agree around a gram that stands in both: where it begins in `data`, and its length."""
    left = right = 0
    while left < min(place, offset) and data[offset - left - 1] == form[place - left - 1]:
        left += 1
    while place + right < len(form) and offset + right < len(data) and data[offset + right] == form[place + right]:
        right += 1
    return offset - left, left + right


def _unpacked(data: bytes, depth: int = 1) -> Iterator[tuple[int, bytes]]:
    for at, content in inflated(data):
        yield at, content
        if depth < _DEEPEST:
            yield from ((at, inner) for _, inner in _unpacked(content, depth + 1))


def _entries(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Everything at and under the paths."""
    for given in map(Path, paths):
        if given.is_dir() and not given.is_symlink():
            for folder, folders, names in os.walk(given):
                yield from (Path(folder, name) for name in sorted((*folders, *names)))
        elif given.is_symlink() or given.exists():
            yield given
