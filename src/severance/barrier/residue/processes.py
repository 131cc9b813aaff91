"""What the system shows of a running process: command line, environment, files open but deleted, and its memory."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

from severance.barrier.residue.sweep import Report, Sweep, read_pieces

MEMORY_IS_SHOWN = sys.platform == "linux"
"""Whether `memory` and `dump` work here. Elsewhere there is no file in which a process's memory can be read."""

_KERNELS = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def shown(sweep: Sweep, pid: int) -> Report:
    """Sweep what anyone who may look at the process sees of it. Empty where there is no /proc."""
    report, home = Report(), Path("/proc", str(pid))
    for name in ("cmdline", "environ"):
        with suppress(OSError):
            report += sweep.content(str(home / name), (home / name).read_bytes())
    with suppress(OSError):
        for link in (home / "fd").iterdir():
            with suppress(OSError):
                if stat.S_ISREG(link.stat().st_mode) and link.stat().st_nlink == 0:
                    report += sweep.content(str(link), link.read_bytes())
                    report.files += 1
    return report


def memory(sweep: Sweep, pid: int) -> Report:
    """Sweep the memory of a process of this user's, or of a child.

    Raises:
        OSError: it may not be read, or the process has ended.
    """
    report = Report()
    with _memory_of(pid) as raw:
        for region in _regions(pid):
            found = sweep.pieces(f"/proc/{pid}/mem", _readable(raw, region))
            report += found
            report.files += bool(found.bytes)
    return report


def memories(sweep: Sweep, pids: Sequence[int]) -> list[Report] | None:
    """What is in the memory of each of these workers; None where it is closed to this user.

    Raises:
        OSError: a process has ended.
    """
    with suppress(PermissionError):
        return [memory(sweep, pid) for pid in pids]
    return None


def dump(pid: int, file: Path) -> None:
    """Write the memory of a process to a new file, region after region: what a core dump holds, without its headers.

    Raises:
        OSError: it may not be read, the process has ended, or the file cannot be written.
    """
    with file.open("xb") as out, _memory_of(pid) as raw:
        for region in _regions(pid):
            for _, data in _readable(raw, region):
                out.write(data)


@dataclass(frozen=True, slots=True)
class _Region:
    start: int
    end: int


def _regions(pid: int) -> Iterator[_Region]:
    """What of its memory can be read and is not just a file's own bytes. See proc_pid_maps(5)."""
    for line in Path("/proc", str(pid), "maps").read_text(errors="replace").splitlines():
        span, rights, _, _, inode, *name = line.split(maxsplit=5)
        # A private mapping that cannot be written to is the file, such as a library's code. A file that is deleted
        # cannot be found by its name any more, so its mapping is read.
        only_file = rights[1] == "-" and inode != "0" and name and not name[0].endswith("(deleted)")
        if rights[0] == "r" and not only_file and not (name and name[0] in _KERNELS):
            start, _, end = span.partition("-")
            yield _Region(int(start, 16), int(end, 16))


def _readable(raw: RawIOBase, region: _Region) -> Iterator[tuple[int, bytes]]:
    """The pieces of a region, as far as it can be read: some can be mapped and have nothing behind them."""
    with suppress(OSError):
        yield from read_pieces(raw, region.start, region.end)


def _memory_of(pid: int) -> RawIOBase:
    return Path("/proc", str(pid), "mem").open("rb", buffering=0)
