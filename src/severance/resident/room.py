"""What the house's memory has room for, of what programs hold in it between two calls."""

from __future__ import annotations

from threading import Lock


class Room:
    """Bytes that all connections share. For any number of threads."""

    def __init__(self, most: int) -> None:
        """There are so many."""
        self._left = most
        self._lock = Lock()

    def take(self, size: int) -> bool:
        """Take so many, if there are; whether there were."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._left += size
