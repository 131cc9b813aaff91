"""A store with many personas, a house that is up for it, and its HTTP server, as they are in use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import severance
from bench.corpus import texts

_PROGRAM = (sys.executable, "-P", "-m", "severance.cli.main")
_MHZ = os.sysconf("SC_CLK_TCK")


@dataclass
class Stage:
    """What is measured: the server's port, the processes, and a credential for each persona."""

    folder: Path
    house: subprocess.Popen[str]
    port: int
    bearers: list[str]

    @property
    def server(self) -> int:
        """The process of the HTTP server."""
        (found,) = [each for each in children(self.house.pid) if "serve" in _command(each)]
        return found

    def workers(self) -> list[int]:
        """The processes in which personas are awake."""
        return [each for each in children(self.house.pid) if "severance.worker" in _command(each)]


@contextmanager
def stage(personas: int, memories: int) -> Iterator[Stage]:
    """A house with so many personas, of so many memories each, and its server on a port that is free."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / "store"
        bearers = _filled(path, Path(folder) / "key", personas, memories)
        words = [*_PROGRAM, "--store", str(path), "up", "--foreground", "--json", "--most", "300", "--http", "0"]
        house = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            assert house.stdout is not None
            told = json.loads(house.stdout.readline())
            yield Stage(Path(folder), house, int(told["http"].rpartition(":")[2]), bearers)
        finally:
            house.terminate()
            house.wait(120)


def children(process: int) -> list[int]:
    """The processes below this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == process:
            found += [int(entry.name), *children(int(entry.name))]
    return found


def seconds_of(process: int) -> float:
    """The processor time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _MHZ


def resident(process: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(process: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def _filled(path: Path, key: Path, personas: int, memories: int) -> list[str]:
    bearers = []
    with severance.open(path, key=f"file:{key}") as house:
        names = [f"p{number}" for number in range(personas)]
        house.sever("somebody", names)
        for number, name in enumerate(names):
            house.place(f"at {name}", {"somebody": name})
            with house.cross("somebody", f"at {name}") as session:
                session.remember_many(list(texts(memories, seed=number)))
            bearers.append(house.register("somebody", f"at {name}", "bench"))
    return bearers


def _command(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except OSError:
        return []
