"""Makes vectors.json. Run `PYTHONPATH=tests python -m format.make_vectors` when the format gets a new version, never to
make a test pass.

What is valid is sealed by `severance`; what no library would write is sealed by `hand`. `vectors()` gives the same each
time: keys are fixed, and random bytes come from a counter.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from format.chips import chips
from format.frames import frames
from format.given import Vector
from format.logs import logs
from format.overrides import overrides

FILE = Path(__file__).with_name("vectors.json")


class Pool:
    """Frames that several vectors share are listed once, and named by their number in the list."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, frame: str | None) -> int | None:
        return None if frame is None else self.numbers.setdefault(frame, len(self.numbers))

    def log(self, vector: Vector) -> Vector:
        records = [[seq, self.number(frame), digest, hashed] for seq, frame, digest, hashed in vector["records"]]
        layers = [{**layer, "chunks": [self.number(chunk) for chunk in layer["chunks"]]} for layer in vector["layers"]]
        return {**vector, "records": records, "layers": layers}

    def chip(self, vector: Vector) -> Vector:
        return {**vector, "rows": [[row, owner, self.number(frame)] for row, owner, frame in vector["rows"]]}


def vectors() -> str:
    """The text of vectors.json: one vector in each line."""
    pool = Pool()
    groups: dict[str, list[Any]] = {
        "frames": frames(),
        "logs": [pool.log(vector) for vector in logs()],
        "chips": [pool.chip(vector) for vector in chips()],
        "overrides": overrides(),
    }
    groups["pool"] = list(pool.numbers)
    parts = []
    for name, group in groups.items():
        lines = ",\n".join(json.dumps(vector, ensure_ascii=False, separators=(",", ":")) for vector in group)
        parts.append(f'"{name}": [\n{lines}\n]')
    return '{\n"format": 1,\n' + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(vectors(), "utf-8")
