"""Canaries: memories that ring when they are read. Which ones they are is known to the chip alone."""

from __future__ import annotations

from collections.abc import Iterable

from severance.chip.changes import Change
from severance.chip.chip import Chip
from severance.chip.register import MOST_CANARIES, CanaryRow
from severance.errors import InputError
from severance.model import id_bytes

_NONE = CanaryRow(())


class Canaries:
    """Those of one space, as they are at every call. Raises what the chip's methods do."""

    def __init__(self, chip: Chip, space: bytes) -> None:
        """Nothing is looked at yet."""
        self._chip = chip
        self._space = space
        self._look = chip.watch([_NONE], space)
        self._frames: tuple[bytes | None, ...] | None = None
        self._ids: frozenset[str] = frozenset()

    def all(self) -> frozenset[str]:
        """Their ids. Whether they have changed is asked with always the same work."""
        frames = self._look()
        if frames != self._frames:
            row = self._chip.find(_NONE, space=self._space)
            self._ids = frozenset(each.hex() for each in (_NONE if row is None else row).ids)
            self._frames = frames
        return self._ids

    def among(self, ids: Iterable[str | None]) -> bool:
        """Whether one of these is a canary."""
        return not self.all().isdisjoint(ids)

    def add(self, memory: str) -> None:
        """The memory with this id is one from now on.

        Raises:
            InputError: the space has as many as it can have.
        """
        raw = id_bytes(memory) or b""

        def adding(change: Change) -> None:
            row = self._chip.find(_NONE, change.rows, self._space) or _NONE
            if raw not in row.ids:
                if len(row.ids) >= MOST_CANARIES:
                    raise InputError(f"a persona has at most {MOST_CANARIES:,} canaries; remove some")
                change.put(CanaryRow((*row.ids, raw)), self._space)

        self._chip.change(adding)

    def remove(self, memory: str) -> bool:
        """The memory with this id is none any more. Returns whether it was one."""
        raw = id_bytes(memory)

        def removing(change: Change) -> bool:
            row = self._chip.find(_NONE, change.rows, self._space) or _NONE
            left = tuple(each for each in row.ids if each != raw)
            if left == row.ids:
                return False
            if left:
                change.put(CanaryRow(left), self._space)
            else:
                change.remove(_NONE, self._space)
            return True

        return self._chip.change(removing)
