"""A model of a disk that loses its power: what it holds for certain after each operation of a tape, and what perhaps.

For certain: what a file held at its last sync, and the names that a folder had at its last sync. Perhaps: every later
write, each of its 512-byte sectors by itself, in any order; every later size; every later name. See
docs/design/durability.md for what this allows and what it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from crash.tape import Op

SECTOR = 512


class Unit(NamedTuple):
    """One thing that may have reached the disk or not: a write, a new size, or a change of a name.

    Attributes:
        file: whose content it changes; -1 for a name.
        op: the operation.
        needs: another unit that is there if this one is, as its place in the list; -1 for none.
    """

    file: int
    op: Op
    needs: int = -1


class Piece(NamedTuple):
    """Bytes at a place."""

    offset: int
    data: bytes


@dataclass
class File:
    """One file: `base` is what is on the disk for certain, `pending` what may be.

    Attributes:
        base: bytes.
        pending: writes and sizes since the last sync.
        loose: how many of `pending` were there when a sync failed. They stay in doubt for ever: the system may have
            dropped them and called them clean, so that a later sync passes without them.
        mark: a hash of `base`, by sectors.
    """

    base: bytes = b""
    pending: list[Op] = field(default_factory=list)
    loose: int = 0
    mark: int = 0

    def sync(self) -> None:
        """All that is pending reaches the disk, but for what is in doubt and was not written again."""
        doubtful, self.pending = self.pending[: self.loose], self.pending[self.loose :]
        before = self.base
        self.base = content(before, [*doubtful, *self.pending])
        covered = [(op.offset, op.offset + len(op.data)) for op in self.pending if op.what == "write"]
        kept: list[Op] = []
        if any(op.what == "size" for op in (*doubtful, *self.pending)):
            doubtful = []  # how long a file is, is not in its pages: the system knows of it again
        for op in doubtful:
            kept += [_undone(before, piece) for piece in _outside(op, covered)]
        # In doubt, seen from the new base: what was there before may still be there.
        self.pending, self.loose = kept, len(kept)
        self.mark = marked(self.base)


def _outside(op: Op, covered: list[tuple[int, int]]) -> list[Piece]:
    """The sectors of a write that nothing wrote again."""
    return [
        piece
        for piece in sectors(op)
        if not any(start <= piece.offset and piece.offset + len(piece.data) <= end for start, end in covered)
    ]


def _undone(before: bytes, piece: Piece) -> Op:
    old = before[piece.offset : piece.offset + len(piece.data)].ljust(len(piece.data), b"\0")
    return Op("write", -1, piece.offset, old)


def sectors(op: Op) -> list[Piece]:
    """A write in pieces that end where sectors do."""
    pieces, at, end = [], op.offset, op.offset + len(op.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        pieces.append(Piece(at, op.data[at - op.offset : stop - op.offset]))
        at = stop
    return pieces


def content(base: bytes, done: Iterable[Op]) -> bytes:
    """What a file holds after these writes and sizes, in this order."""
    found = bytearray(base)
    for op in done:
        if op.what == "size":
            resize(found, op.offset)
        else:
            put(found, op.offset, op.data)
    return bytes(found)


def put(found: bytearray, offset: int, data: bytes) -> None:
    """Write; a hole before it reads as zeros."""
    if len(found) < offset:
        resize(found, offset)
    found[offset : offset + len(data)] = data


def resize(found: bytearray, size: int) -> None:
    """Cut, or extend with zeros."""
    if size < len(found):
        del found[size:]
    else:
        found.extend(bytes(size - len(found)))


def marked(raw: bytes) -> int:
    """A hash of a content that can be moved along when a few sectors change (`moved`)."""
    found = len(raw)
    for at in range(0, len(raw), SECTOR):
        found ^= hash((at, raw[at : at + SECTOR]))
    return found


def moved(mark: int, old: bytes, new: bytes, touched: Iterable[int]) -> int:
    """The hash of `new`, from that of `old`, where they differ at most in these sectors and beyond the shorter end."""
    shorter, longer = sorted((len(old), len(new)))
    mark ^= len(old) ^ len(new)
    for at in {*touched, *range(shorter // SECTOR * SECTOR, longer, SECTOR)}:
        was, now = old[at : at + SECTOR], new[at : at + SECTOR]
        if was != now:
            mark ^= (hash((at, was)) if was else 0) ^ (hash((at, now)) if now else 0)
    return mark


class Disk:
    """The disk while a tape is played to it.

    Attributes:
        files: by inode.
        names: the path of each file and folder that is there for certain.
    """

    def __init__(self) -> None:
        self.files: dict[int, File] = {}
        self.names: dict[str, int] = {}
        self._names: list[Op] = []

    def play(self, op: Op) -> None:
        """One more operation."""
        match op.what:
            case "write" | "size":
                self.files.setdefault(op.file, File()).pending.append(op)
            case "sync":
                self.files.setdefault(op.file, File()).sync()
            case "unsynced":
                file = self.files.setdefault(op.file, File())
                file.loose = len(file.pending)
            case "syncdir":
                self._sync_folder(op.where)
            case "move" if folder(op.old) != folder(op.where):
                self._names += [Op("name", op.file, where=op.where), Op("unname", op.file, where=op.old)]
            case _:
                self._names.append(op)

    def units(self, wanted: Callable[[str], bool]) -> list[Unit]:
        """What may be on the disk, as far as it is about the wanted names, in the order in which it was asked for."""
        names = [op for op in self._names if wanted(op.where) or (op.old and wanted(op.old))]
        reached = {file for path, file in self.names.items() if wanted(path)} | {op.file for op in names}
        found = [Unit(file, op) for file in sorted(reached & set(self.files)) for op in self.files[file].pending]
        for op in names:
            # A name that moves to another folder is there before it is gone here.
            needs = -1
            if op.what == "unname" and op.file >= 0:
                needs = next((n for n, u in enumerate(found) if u.op.what == "name" and u.op.file == op.file), -1)
            found.append(Unit(-1, op, needs))
        return found

    def named(self, chosen: Sequence[Op]) -> dict[str, int]:
        """The names that can be found, with these changes of names done: those whose folder is there too."""
        names = dict(self.names)
        for op in chosen:
            rename(names, op)
        return {path: file for path, file in names.items() if folder(path) == "." or folder(path) in names}

    def _sync_folder(self, where: str) -> None:
        left = []
        for op in self._names:
            if folder(op.where) == where:
                rename(self.names, op)
            else:
                left.append(op)
        self._names = left


def rename(names: dict[str, int], op: Op) -> None:
    """One change of names."""
    if op.what == "name":
        names[op.where] = op.file
    elif op.what == "unname":
        names.pop(op.where, None)
    else:
        names.pop(op.old, None)
        names[op.where] = op.file


def folder(path: str) -> str:
    """The folder of a path below the root."""
    return str(PurePosixPath(path).parent)
