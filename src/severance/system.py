"""The system's own clock and source of random bytes: the only module that asks the machine for either."""

from __future__ import annotations

import os
import time


class SystemClock:
    """Tells the machine's time."""

    def now(self) -> int:
        """Whole microseconds since 1970, UTC."""
        return time.time_ns() // 1000


class SystemEntropy:
    """Draws from the operating system. The scope makes no difference here."""

    def draw(self, size: int, scope: bytes) -> bytes:
        """`size` bytes that nobody can predict."""
        return os.urandom(size)
