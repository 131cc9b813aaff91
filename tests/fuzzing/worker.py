"""One target in a process of its own: what the parent reads of it, and the plain engine as a program.

`python -m fuzzing.worker NAME EXECUTIONS SEED FOLDER`. In FOLDER are `state` (executions and slowest, see `State`) and
a file `found-*.json` for each fault, both good to read at any moment, also after the process was killed.
It ends when its standard input does.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import sys
from pathlib import Path

from fuzzing.engine import Finding, Judge, search
from fuzzing.table import EVERY
from severance.barrier.children import end_with

STDIN = 0
_STATE = struct.Struct("=Qd")


class State:
    """How many inputs were run, and the most processor seconds that one of them took; shared with the parent."""

    def __init__(self, folder: Path) -> None:
        path = folder / "state"
        if not path.exists():
            path.write_bytes(_STATE.pack(0, 0.0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _STATE.size)

    def write(self, executions: int, slowest: float) -> None:
        """Say how far it is."""
        _STATE.pack_into(self._map, 0, executions, slowest)

    def read(self) -> tuple[int, float]:
        """How far it is."""
        executions, slowest = _STATE.unpack_from(self._map)
        return executions, slowest


def judge_of(name: str, folder: Path) -> Judge:
    """A judge that writes into the folder what it finds, and how far it is."""
    state = State(folder)

    def hear(found: Finding) -> None:
        sign = hashlib.sha256(repr(found.signature).encode()).hexdigest()[:16]
        (folder / f"found-{sign}.json").write_text(written(found))

    begun, before = state.read()
    return Judge(
        EVERY[name],
        heard=hear,
        counted=lambda executions, slowest: state.write(begun + executions, max(before, slowest)),
    )


def written(found: Finding) -> str:
    """A finding as JSON; the input is in hexadecimal digits."""
    fields = {name: getattr(found, name) for name in ("target", "kind", "place", "message")}
    return json.dumps({**fields, "message": ascii(found.message)[1:-1], "data": found.data.hex()})


def finding(text: str) -> Finding:
    """The finding that `written` wrote."""
    fields = json.loads(text)
    return Finding(**{**fields, "data": bytes.fromhex(fields["data"])})


def main(name: str, executions: str, seed: str, folder: str) -> None:
    """Run the plain engine."""
    end_with(STDIN)
    search(judge_of(name, Path(folder)), int(executions), int(seed))


if __name__ == "__main__":
    main(*sys.argv[1:])
