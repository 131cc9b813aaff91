"""Where a process may leave something: the folder in which it is run, and the machine's temporary folders."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from severance.barrier.children import environment
from severance.barrier.residue.sweep import Report, Sweep
from severance.errors import SeveranceError

LONGEST = 60.0
"""Seconds after which a process that should have ended is taken for one that hangs."""

_MOST_BYTES = 2**25


@contextmanager
def begun(
    folder: Path, arguments: Sequence[str], *, more: Mapping[str, str] | None = None, kept: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """Python run with these arguments in `folder`. Afterwards it has ended, and been ended if it had not.

    Its standard input stays open, so one that reads it ends when this process does.

    Args:
        folder: where it runs, and where what it writes on standard error goes.
        arguments: for Python.
        more: what is in its environment besides `children.environment`.
        kept: whether its standard output goes to the folder as well, since nothing may be in it.
    """
    with (folder / "stderr").open("a") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", *arguments],
            cwd=folder,
            env=environment(folder) | dict(more or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
        )
        assert child.stdin is not None  # noqa: S101 - for the type checker
        assert child.stdout is not None  # noqa: S101
        with child.stdin, child.stdout:
            try:
                yield child
            finally:
                child.kill()
                said = child.stdout.read()
                child.wait()
        if kept:
            (folder / "stdout").write_text(said, encoding="utf-8")


def ready(child: subprocess.Popen[str]) -> list[int]:
    """Wait until a child says that it is ready. Returns the numbers that it says beside, the ids of its workers.

    Raises:
        SeveranceError: it ended, or says something else.
    """
    assert child.stdout is not None  # noqa: S101 - for the type checker
    said, *workers = child.stdout.readline().split() or [""]
    if said != "ready":
        raise SeveranceError("a process that was to be looked at ended by itself")
    return [int(worker) for worker in workers]


class Temporary:
    """The machine's temporary folders, and what comes to be in them from now on."""

    def __init__(self, but: Path) -> None:
        """Leave out what lies in this folder."""
        self._but = but.resolve()
        self._since = time.time_ns() - 2 * 10**9  # the clock of a file system may be coarse
        named = (Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - to look into
        self._folders = list(dict.fromkeys(folder.resolve() for folder in named if folder.is_dir()))

    def sweep(self, sweep: Sweep) -> Report:
        """Sweep this user's files that were made or changed since, as far as they can be read; up to 32 MiB of them."""
        report = Report()
        for file in self._files():
            if report.bytes >= _MOST_BYTES:
                break
            with suppress(OSError):
                if file.stat().st_size <= _MOST_BYTES:
                    report += sweep.paths([file])
        return report

    def _files(self) -> Iterator[Path]:
        waiting = list(self._folders)
        while waiting:
            with suppress(OSError), os.scandir(waiting.pop()) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    if Path(entry.path) == self._but or not self._is_new(entry):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield Path(entry.path)

    def _is_new(self, entry: os.DirEntry[str]) -> bool:
        with suppress(OSError):
            seen = entry.stat(follow_symlinks=False)
            mine = not hasattr(os, "getuid") or seen.st_uid == os.getuid()
            # A folder's time changes with its direct entries: what is new two levels below an old one is not seen.
            return mine and max(seen.st_ctime_ns, seen.st_mtime_ns) >= self._since
        return False
