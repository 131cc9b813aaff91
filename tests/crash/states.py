"""Which of the states that a cut allows are looked at: all where they are few, else the classic ones and a draw.

A state is what would be found in the wanted files after the power came back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from crash.disk import SECTOR, Disk, File, Unit, marked, moved, put, resize, sectors

EXHAUSTIVE = 7
"""Up to so many units, every subset of them is a state to look at."""

_GARBAGE = bytes((37 * n + 11) % 251 + 1 for n in range(SECTOR))


class Found(NamedTuple):
    """A file after the power came back: its content, and a hash of it."""

    raw: bytes
    mark: int


Image = dict[str, Found]
"""The wanted files by their paths."""


class Choice(NamedTuple):
    """One state of a cut.

    Attributes:
        units: which of the cut's units are there whole.
        torn: for a unit of which only some is there, the pieces: (offset, data).
        size: added to the size of files that have pending changes, in sectors, as far as they grew through such a size.
            (A file that is cut has its old size or its new one: file systems do that in one step.)
        garbage: what was never written, in a file that grew, is something old.
        classic: one of the states that everyone thinks of.
    """

    units: frozenset[int]
    torn: tuple[tuple[int, int, bytes], ...] = ()
    size: int = 0
    garbage: bool = False
    classic: bool = False

    def __str__(self) -> str:
        torn = f", torn {[(n, at, len(data)) for n, at, data in self.torn]}" if self.torn else ""
        return f"units {sorted(self.units)}{torn}, size {self.size:+d}, {'garbage' if self.garbage else 'zeros'}"


class Cut:
    """The power went after `at` operations."""

    def __init__(self, disk: Disk, at: int, wanted: Callable[[str], bool]) -> None:
        self.at = at
        self.units = disk.units(wanted)
        self._disk = disk
        self._wanted = wanted
        self._whole: dict[int, Found] = {}

    def image(self, choice: Choice) -> Image:
        """What is found."""
        changed = [self.units[n].op for n in sorted(choice.units) if self.units[n].file < 0]
        torn = {self.units[n].file for n, _, _ in choice.torn}
        touched = {self.units[n].file for n in choice.units} | torn
        found: Image = {}
        for path, number in self._disk.named(changed).items():
            if not self._wanted(path):
                continue
            file = self._disk.files.get(number) or File()
            if number in touched or (choice.size and file.pending):
                found[path] = self._changed(number, file, choice)
            else:
                if number not in self._whole:
                    self._whole[number] = Found(file.base, file.mark or marked(file.base))
                found[path] = self._whole[number]
        return found

    def _changed(self, number: int, file: File, choice: Choice) -> Found:
        raw = bytearray(file.base)
        pieces = [piece for piece in choice.torn if self.units[piece[0]].file == number]
        chosen = ((n, self.units[n]) for n in choice.units)
        pieces += [(n, unit.op.offset, unit.op.data) for n, unit in chosen if unit.file == number]
        touched: set[int] = set()
        for n, offset, data in sorted(pieces):
            if self.units[n].op.what == "size":
                resize(raw, offset)
                continue
            if choice.garbage and offset > len(raw):
                raw.extend((_GARBAGE * ((offset - len(raw)) // SECTOR + 1))[: offset - len(raw)])
            put(raw, offset, data)
            touched.update(range(offset // SECTOR * SECTOR, offset + len(data), SECTOR))
        if choice.size:
            cuts = [self.units[n].op.offset for n, _, _ in pieces if self.units[n].op.what == "size"]
            least, most = (
                min([len(file.base), *cuts]),
                max([len(raw), *(op.offset + len(op.data) for op in file.pending)]),
            )
            resize(raw, min(max(least, len(raw) + choice.size * SECTOR), most))
        whole = bytes(raw)
        return Found(whole, moved(file.mark, file.base, whole, touched))


def classic(cut: Cut) -> Iterator[Choice]:
    """None, all, each alone missing, each alone present, every prefix and suffix, the last one torn."""
    count = len(cut.units)
    everything = frozenset(range(count))
    yield Choice(frozenset(), classic=True)
    if not count:
        return
    yield Choice(everything, classic=True)
    for n in range(count):
        yield Choice(everything - {n}, classic=True)
        yield Choice(frozenset({n}), classic=True)
        yield Choice(frozenset(range(n)), classic=True)
        yield Choice(frozenset(range(n, count)), classic=True)
    last = max((n for n, unit in enumerate(cut.units) if unit.op.what == "write"), default=None)
    if last is not None:
        op = cut.units[last].op
        for size in {1, len(op.data) // 2, len(op.data) - 1} - {0}:
            yield Choice(everything - {last}, ((last, op.offset, op.data[:size]),), classic=True)
    for size in (-1, 1, 16):
        yield Choice(everything, size=size, classic=True)
    yield Choice(frozenset(range(count - 1, count)), garbage=True, classic=True)


def subsets(cut: Cut) -> Iterator[Choice]:
    """Every subset, where there are few units."""
    count = len(cut.units)
    if count <= EXHAUSTIVE:
        for bits in range(2**count):
            yield Choice(frozenset(n for n in range(count) if bits >> n & 1))


def drawn(cut: Cut, r: random.Random) -> Choice:
    """One at random: each write whole or not, or sector by sector, or torn in the middle of a sector."""
    count = len(cut.units)
    share = r.choice((0.05, 0.3, 0.5, 0.7, 0.95))
    whole = {n for n in range(count) if r.random() < share}
    torn: list[tuple[int, int, bytes]] = []
    kind = r.randrange(4)
    if kind:
        pages = [n for n, unit in enumerate(cut.units) if unit.op.what == "write"]
        for n in pages if kind == 1 else r.sample(pages, min(len(pages), kind)):
            whole.discard(n)
            torn += _some(cut.units[n], n, r)
    size = r.choice((0, 0, 0, 0, -1, 1, -16, 16, -r.randrange(64)))
    return Choice(frozenset(whole), tuple(torn), size, garbage=r.random() < 0.3)


def _some(unit: Unit, n: int, r: random.Random) -> list[tuple[int, int, bytes]]:
    """Some sectors of a write; of one of them perhaps only the beginning."""
    share = r.choice((0.1, 0.5, 0.9))
    pieces = [(n, piece.offset, piece.data) for piece in sectors(unit.op) if r.random() < share]
    if pieces and r.random() < 0.2:
        at = r.randrange(len(pieces))
        _, offset, data = pieces[at]
        pieces[at] = (n, offset, data[: r.randrange(len(data))])
    return [piece for piece in pieces if piece[2]]


def possible(choice: Choice, units: Sequence[Unit]) -> Choice:
    """The same, with what its units need."""
    needed = {units[n].needs for n in choice.units if units[n].needs >= 0}
    return choice._replace(units=choice.units | needed) if needed - choice.units else choice


def ordered(image: Image) -> tuple[tuple[str, int], ...]:
    """What tells one image from another."""
    return tuple(sorted((path, found.mark) for path, found in image.items()))
