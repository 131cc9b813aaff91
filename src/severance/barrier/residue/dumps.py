"""What is left of a command that the kernel ends in the middle: `severance recall`, with and without core dumps off.

Needs Linux: its kernel says of a process that ended whether it dumped it, and shows what the process may dump.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from severance.barrier.residue import stores
from severance.barrier.residue.places import LONGEST, begun
from severance.barrier.residue.planted import planted
from severance.crypto.rootkey import encode_key
from severance.embed import bundled
from severance.errors import SeveranceError

if sys.platform != "win32":
    import resource

FATAL = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGQUIT")
"""Signals that dump a process that does nothing about them, likeliest first."""

_RECALLED = 500
_ASKED = 1_000
_LIFTED = (
    "import resource, runpy, signal, severance.system as system\n"
    # What a shell puts into the background ignores SIGQUIT, and so do its children.
    f"for name in {FATAL!r}: signal.signal(signal.Signals[name], signal.SIG_DFL)\n"
    "most = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
    "resource.setrlimit(resource.RLIMIT_CORE, (most, most))\n"
)
_RUN = "runpy.run_module('severance.cli.main', run_name='__main__')\n"
_COMMAND = ("-c", _LIFTED + _RUN)
"""`severance`, started where core dumps are on, as far as they can be."""

_UNDEFENDED = ("-c", f"{_LIFTED}system.no_core_dumps = lambda: None\n{_RUN}")
"""The same, but it leaves them on."""

_PATTERN = Path("/proc/sys/kernel/core_pattern")


def prepare(folder: Path, said: Sequence[str]) -> None:
    """A store for `recalling` in the folder, in which one persona has the sentences.

    There is much beside them, so that what is recalled does not fit a pipe, and the command has to wait.
    """
    stores.prepare(folder / "store", [*said, *planted(_RECALLED, "much")], embedder=bundled())


@contextmanager
def recalling(folder: Path, query: str, *, defended: bool = True) -> Iterator[subprocess.Popen[str]]:
    """`severance recall`, which has found much, has said some of it, and waits until somebody reads the rest.

    Raises:
        SeveranceError: it ended, or said nothing in a minute.
    """
    command = [*(_COMMAND if defended else _UNDEFENDED), "recall", "-", "--at", stores.STAIRWELL, "-n", str(_ASKED)]
    more = {"SEVERANCE_STORE": "store", "SEVERANCE_KEY": encode_key(stores.KEY)}
    with begun(folder, command, more=more, kept=False) as child:
        assert child.stdin is not None  # noqa: S101 - for the type checker
        assert child.stdout is not None  # noqa: S101
        child.stdin.write(query)
        child.stdin.close()
        spoke = select.select([child.stdout], [], [], LONGEST)[0]
        if not spoke or not os.read(child.stdout.fileno(), 1):
            raise SeveranceError("the command that was to be killed ended by itself")
        yield child


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended.

    Attributes:
        signal: the number of the signal that ended it, or 0.
        dumped: whether the kernel dumped it, wherever to.
        files: what it left in the folder in which it ran, newly.
    """

    signal: int
    dumped: bool
    files: tuple[Path, ...]


def death(child: subprocess.Popen[str], name: str, folder: Path) -> Death:
    """End the child by this signal; one that it does not end in a minute is killed.

    Raises:
        ProcessLookupError: it has ended already.
    """
    before = set(folder.rglob("*"))
    late = Timer(LONGEST, os.kill, (child.pid, signal.SIGKILL))
    late.start()
    try:
        child.send_signal(signal.Signals[name])
        _, status = os.waitpid(child.pid, 0)
    finally:
        late.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return Death(ended, os.WCOREDUMP(status), tuple(sorted(set(folder.rglob("*")) - before)))


def may_dump(pid: int) -> bool:
    """Whether a running process may leave a core dump: its limit says so, or the kernel holds it for one to be dumped.

    The second is seen by who owns its files in /proc (see proc(5)), which tells nothing to root.

    Raises:
        OSError: the process has ended.
    """
    home = Path("/proc", str(pid))
    lines = (home / "limits").read_text().splitlines()
    (limit,) = [line.removeprefix("Max core file size").split()[0] for line in lines if line.startswith("Max core")]
    return limit != "0" or (home / "environ").stat().st_uid == os.getuid() != 0


def kernel_dumps_here() -> bool:
    """Whether a process of ours that dumps core leaves a file in the folder in which it runs.

    Elsewhere a dump goes to a program or a folder of the machine, where nothing of the barrier's may be left.
    """
    pattern = ""
    with suppress(OSError):
        pattern = _PATTERN.read_text().strip()
    here = pattern != "" and not pattern.startswith("|") and "/" not in pattern
    return here and resource.getrlimit(resource.RLIMIT_CORE)[1] != 0
