"""A worker of a trace: as any other, but that its clock stands where the trace's does, and its entropy is the trace's.

Both are told in files in its scratch directory, which is its current one: `now`, in microseconds, and `seed`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from severance.worker.confine import alone

NOW, SEED = Path("now"), Path("seed")


class _Clock:
    def now(self) -> int:
        return int(NOW.read_bytes())


class _Entropy:
    """One stream from the seed. There is one persona in this process, so scopes need none of their own."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self, size: int, scope: bytes) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(b"%s/%d/%s" % (SEED.read_bytes(), self._drawn, scope)).digest(size)


def main() -> None:
    """Serve, as `severance.worker.serve` does."""
    alone()
    from severance.worker import serve  # noqa: PLC0415 - what it imports takes time, and until then others may look in

    injected: Any = serve
    injected.SystemClock, injected.SystemEntropy = _Clock, _Entropy
    serve.main()


if __name__ == "__main__":
    main()
