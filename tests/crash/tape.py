"""The tape: every change to a disk in the order in which it was asked for, and what had been acknowledged when.

A tape is the recording of one workload. Files are known by their inode, since a file may have several names, or none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from severance.store import CHIP_NAME, VAULT_NAME

Content = tuple[tuple[tuple[Any, ...], ...], ...]
"""Every row of every table of a database: it says all that a file says."""

TABLES = {
    VAULT_NAME: ("meta", "spaces", "records", "layers", "chunks"),
    CHIP_NAME: ("meta", "rows"),
}
_PIECE = 4096


class Op(NamedTuple):
    """One change.

    Attributes:
        what: write (offset, data), size (offset), sync, unsynced (a sync that failed), name (where), unname (where),
            move (old, where), syncdir (where). A folder's names are kept by the folder's path.
        file: the inode, or -1.
        offset: where, or how long.
        data: what.
        where: a path below the root.
        old: the path before.
    """

    what: str
    file: int = -1
    offset: int = 0
    data: bytes = b""
    where: str = ""
    old: str = ""


class State(NamedTuple):
    """What a database holds between two transactions.

    Attributes:
        content: its rows.
        begun: how many operations there were when the transaction that made it began: before, it cannot be there.
        done: how many when it had returned: from then on it, or a later one, must be there.
        age: which file it is, counted from 0, where one takes the place of another.
    """

    content: Content
    begun: int
    done: int
    age: int


class Mark(NamedTuple):
    """A call has returned.

    Attributes:
        at: how many operations there were.
        heads: for each space that a session has open, the sequence number and digest that this session goes on from.
        memories: for each persona, what it has: (id, text, repeats) of each; None where nobody asked.
        personas: who there is.
        files: files that were promised, with their content.
    """

    at: int
    heads: tuple[tuple[bytes, int, bytes], ...]
    memories: dict[tuple[str, str], tuple[tuple[str, str, int], ...]]
    personas: tuple[tuple[str, str], ...]
    files: dict[str, bytes]


@dataclass
class Tape:
    """A recording.

    Attributes:
        name: of the workload.
        ops: what was asked of the disk.
        states: of each database, what it held, in order.
        marks: what was acknowledged, in order.
        gaps: from and to which operation the store may be in pieces, since a restore was putting another in its place.
    """

    name: str
    ops: list[Op] = field(default_factory=list)
    states: dict[str, list[State]] = field(default_factory=lambda: {VAULT_NAME: [], CHIP_NAME: []})
    marks: list[Mark] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)


def content_of(raw: Any, name: str) -> Content:
    """Everything in a database; `raw` is a connection of any kind."""
    return tuple(tuple(map(tuple, raw.execute(f"SELECT * FROM {table} ORDER BY 1, 2"))) for table in TABLES[name])


class Recorder:
    """Writes a tape: a `Listener` below and a `Watcher` above. It never fails anything by itself.

    Attributes:
        tape: what is written.
        root: the folder that is watched.
        stopped: whether the tape is at its end.
    """

    def __init__(self, name: str, root: Path) -> None:
        self.tape = Tape(name)
        self.root = root
        self.stopped = False
        self._names: dict[str, int] = {}
        self._own: set[int] = set()  # files that SQLite has had open: what it writes is heard as it is written
        self._seen: dict[int, tuple[int, int]] = {}
        self._content: dict[int, bytes] = {}
        self._begun: dict[str, int] = {}
        self._ages: dict[str, tuple[int, int]] = {}
        self._replacing = 0  # since when the store may be another one than before

    @property
    def now(self) -> int:
        """How many operations there are."""
        return len(self.tape.ops)

    # Below

    def attempt(self, what: str, path: str, data: bytes = b"") -> bytes:
        """Nothing is failed here."""
        return data

    def failed(self, what: str, path: str) -> None:
        """Somebody else failed it. Of a failed sync, the disk has to know."""
        if what == "sync":
            number = self._names.get(self._below(path))
            if number is not None:
                self._add("unsynced", number)

    def opened(self, path: str) -> int:
        """A file that SQLite opened."""
        self.named()
        number = Path(path).stat().st_ino
        self._own.add(number)
        return number

    def wrote(self, file: int, offset: int, data: bytes) -> None:
        """As SQLite did it."""
        self._add("write", file, offset, data)

    def cut(self, file: int, size: int) -> None:
        """As SQLite did it."""
        self._add("size", file, size)

    def synced(self, file: int) -> None:
        """By whomever."""
        self._add("sync", file)

    def folder_synced(self, path: str) -> None:
        """By whomever."""
        self._add("syncdir", where=self._below(path))

    def named(self) -> None:
        """Look what has other names and, where it is not SQLite's, other content than before."""
        found: dict[str, int] = {}
        for path, status in _everything(self.root):
            name = self._below(path)
            found[name] = status.st_ino
            if not os.path.isdir(path) and status.st_ino not in self._own:  # noqa: PTH112
                self._look(path, status)
        gone = {name: number for name, number in self._names.items() if found.get(name) != number}
        for name, number in found.items():
            if self._names.get(name) == number:
                continue
            old = next((other for other, same in gone.items() if same == number), None)
            if old is not None:
                del gone[old]
                self._add("move", number, where=name, old=old)
            else:
                self._add("name", number, where=name)
        for name in gone:
            if name not in found:
                self._add("unname", where=name)
        self._names = found

    # Above

    def before(self, path: str, statement: str) -> None:
        """A transaction may begin."""
        name = self._database(path)
        if name is not None and statement.split(None, 1)[0] in ("BEGIN", "VACUUM"):
            self._begun[name] = self.now

    def after(self, path: str, statement: str, raw: apsw.Connection) -> None:
        """A transaction may have ended; at the first statement, the file may be another one than before."""
        name = self._database(path)
        if name is None or raw.in_transaction:
            return
        number = self._names[self._below(path)]
        age, known = self._ages.get(name, (-1, -1))
        if known != number:
            if not raw.execute("SELECT 1 FROM sqlite_master").fetchall():
                return
            self._ages[name] = age + 1, number
            self._keep(name, raw, self._replacing)
        elif statement.split(None, 1)[0] in ("COMMIT", "VACUUM"):
            self._keep(name, raw, self._begun[name])

    def mark(
        self,
        heads: list[tuple[bytes, int, bytes]],
        memories: dict[tuple[str, str], tuple[tuple[str, str, int], ...]],
        personas: list[tuple[str, str]],
        files: dict[str, bytes],
    ) -> None:
        """A call has returned."""
        self.named()
        self.tape.marks.append(Mark(self.now, tuple(heads), memories, tuple(personas), files))

    @contextmanager
    def gap(self) -> Iterator[None]:
        """In here, one store is being put in the place of another."""
        self._replacing = self.now
        yield
        self.tape.gaps.append((self._replacing, self.now))

    def _database(self, path: str) -> str | None:
        name = Path(path).name
        return name if name in TABLES and self._below(path) == f"store/{name}" else None

    def _keep(self, name: str, raw: apsw.Connection, begun: int) -> None:
        content = content_of(raw, name)
        states = self.tape.states[name]
        age = self._ages[name][0]
        if not states or states[-1].content != content or states[-1].age != age:
            states.append(State(content, begun, self.now, age))

    def _look(self, path: str, status: os.stat_result) -> None:
        stamp = status.st_size, status.st_mtime_ns
        number = status.st_ino
        if self._seen.get(number) == stamp:
            return
        self._seen[number] = stamp
        before, after = self._content.get(number, b""), Path(path).read_bytes()
        self._content[number] = after
        for offset in range(0, len(after), _PIECE):
            piece = after[offset : offset + _PIECE]
            if before[offset : offset + _PIECE] != piece:
                self._add("write", number, offset, piece)
        if len(after) < len(before):
            self._add("size", number, len(after))

    def _below(self, path: str) -> str:
        return os.path.relpath(path, self.root)

    def _add(
        self, what: str, file: int = -1, offset: int = 0, data: bytes = b"", where: str = "", old: str = ""
    ) -> None:
        if not self.stopped:
            self.tape.ops.append(Op(what, file, offset, data, where, old))


def _everything(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            # The index of the write-ahead log is memory that processes share; it says nothing after a restart.
            if not name.endswith("-shm"):
                path = os.path.join(folder, name)  # noqa: PTH118
                yield path, os.stat(path)  # noqa: PTH116
