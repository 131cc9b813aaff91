"""Whether processes are there: for what must not outlive whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

PROC = Path("/proc")
LONGEST = 600.0
"""Seconds for what takes a moment: a machine may be busy, and only what hangs is to be noticed."""

with_proc = pytest.mark.skipif(not (PROC / "self" / "stat").exists(), reason="needs /proc to find processes")


def children_of(process: int) -> set[int]:
    """The processes that this one has started and that have not ended. None without /proc."""
    return {int(entry.name) for entry in PROC.glob("[0-9]*") if _fields(entry)[1:] == [str(process)]}


def is_there(process: int) -> bool:
    """Whether this process has not ended; without /proc, whether somebody still has to ask how it ended, too."""
    if (PROC / "self" / "stat").exists():
        return bool(_fields(PROC / str(process)))
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def until(came: Callable[[], object]) -> None:
    """Wait until this is so. Fails when it does not come to it."""
    end = time.monotonic() + LONGEST
    while not came():
        assert time.monotonic() < end, "it did not come to it"
        time.sleep(0.05)


def none_outlives(parent: subprocess.Popen[bytes] | subprocess.Popen[str], processes: Iterable[int]) -> None:
    """Kill the parent by SIGKILL. Fails when these, which it has started, do not end then; ends them in any case."""
    left = set(processes)
    assert any(map(is_there, left)), "some are there as long as it is"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    try:
        until(lambda: not any(map(is_there, left)))
    finally:
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _fields(entry: Path) -> list[str]:
    """The state of a process and its parent; nothing when it has ended."""
    try:
        state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return []
    return [] if state == "Z" else [state, parent]
