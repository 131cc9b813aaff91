"""One fault at a time: a story is told, and one of its operations on files fails.

Operations are counted from 0 over all files, those of SQLite and those of Severance itself.
"""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import NamedTuple

from crash.disk import marked
from crash.layer import DiskFullError
from crash.stage import Stage
from crash.states import Found, Image
from crash.tape import Recorder, Tape
from crash.verdict import wanted
from crash.workloads import named, staged
from severance.barrier.traces.ports import MEMORY

AFTER = "after the fault"
WAYS: dict[str, tuple[str, ...]] = {
    "open": ("error",),
    "read": ("error",),
    "write": ("error", "short", "full", "full from then on"),
    "truncate": ("error",),
    "sync": ("error",),
    "delete": ("error",),
    "os.fsync": ("error", "full"),
    "os.link": ("error", "full"),
    "os.mkdir": ("error", "full"),
    "os.rename": ("error",),
    "os.replace": ("error",),
    "os.unlink": ("error",),
    "os.remove": ("error",),
    "os.rmdir": ("error",),
}
"""How each operation can fail. A full disk stays full for whatever needs room until somebody makes some."""

_ROOM = ("write", "os.link", "os.mkdir")


class Fault(NamedTuple):
    """One operation, counted from 0, and how it fails; None as its way is no fault at all."""

    at: int
    way: str | None


class Failing(Recorder):
    """A recorder that fails one operation.

    Attributes:
        seen: the operations so far, by what they were.
        hit: what was failed.
        hit_at: how many operations were on the tape then.
    """

    def __init__(self, name: str, root: Path, fault: Fault) -> None:
        super().__init__(name, root)
        self.seen: list[str] = []
        self.hit: str | None = None
        self.hit_at = 0
        self._fault = fault

    def attempt(self, what: str, path: str, data: bytes = b"") -> bytes:
        """Count it, and fail it if it is the one."""
        if self.stopped:
            return data
        number = len(self.seen)
        self.seen.append(what)
        if self._fault.way is None:
            return data
        lasting = self._fault.way == "full from then on" and number > self._fault.at and what in _ROOM
        if number != self._fault.at and not lasting:
            return data
        if self.hit is None:
            self.hit, self.hit_at = what, self.now
        if self._fault.way == "short":
            return data[: len(data) // 2]
        if self._fault.way == "error":
            raise OSError(errno.EIO, "failed")
        raise DiskFullError(errno.ENOSPC, "full")


class Quick(Failing):
    """The same without a tape of what reached the disk, for when nobody asks: in a third of the time."""

    def opened(self, path: str) -> int:
        """Not noted."""
        return 0

    def named(self) -> None:
        """Not noted."""

    def wrote(self, file: int, offset: int, data: bytes) -> None:
        """Not noted."""

    def cut(self, file: int, size: int) -> None:
        """Not noted."""

    def synced(self, file: int) -> None:
        """Not noted."""

    def folder_synced(self, path: str) -> None:
        """Not noted."""

    def failed(self, what: str, path: str) -> None:
        """Not noted."""

    def after(self, path: str, statement: str, raw: object) -> None:
        """Not noted."""


class Unnoticed(Failing):
    """A control: the sync fails, and nobody is told."""

    def attempt(self, what: str, path: str, data: bytes = b"") -> bytes:
        """Nothing is raised."""
        try:
            return super().attempt(what, path, data)
        except OSError:
            self._deaf = True
            return data

    def synced(self, file: int) -> None:
        """What was said to be synced was not."""
        self._add("unsynced" if self.__dict__.pop("_deaf", False) else "sync", file)


class Told(NamedTuple):
    """A story that was told.

    Attributes:
        recorder: with its operations, and the one that failed.
        stage: with what was acknowledged.
        error: what the call raised that met the fault; None if the story went on to its end.
        killed: the files at the end, as a process leaves them that is killed.
        closed: the files after everything was closed.
        names: every name in the folder.
    """

    recorder: Failing
    stage: Stage
    error: Exception | None
    killed: Image
    closed: Image
    names: list[str]

    @property
    def tape(self) -> Tape:
        """What was recorded."""
        return self.recorder.tape


def tell(name: str, seed: int, fault: Fault, kind: type[Failing] = Quick) -> Told:
    """Tell a story with a fault in it. After the first error, every session that is awake remembers one thing more."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir=MEMORY) as folder:
        recorder = kind(name, Path(folder), fault)
        error: Exception | None = None
        with staged(name, Path(folder), seed, recorder) as stage:
            try:
                named(name)(stage)
            except Exception as problem:  # noqa: BLE001 - whatever comes up is looked at
                error = problem
                stage.go_on(AFTER)
            killed = _files(recorder.root)
        names = [path.relative_to(recorder.root).as_posix() for path in recorder.root.rglob("*")]
        return Told(recorder, stage, error, killed, _files(recorder.root), names)


def _files(root: Path) -> Image:
    found: Image = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_file() and wanted(name):
            raw = path.read_bytes()
            found[name] = Found(raw, marked(raw))
    return found
