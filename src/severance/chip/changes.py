"""Rows of the chip written in one transaction, each under a salt of its own, with the guard moved along."""

from __future__ import annotations

from collections.abc import Callable

from severance.chip.register import ENCODER, STATE_ID, Keys, Row, StateRow, moved
from severance.chip.rows import Rows, StoredRow
from severance.crypto.envelope import Sealer, SpaceKey, Where, row_place
from severance.model import Plain, Sealed
from severance.ports import Entropy

_SCOPE = b"chip"

Seal = Callable[[Where, Plain], Sealed]


class Change:
    """Rows written in one transaction, with the guard moved along."""

    def __init__(self, rows: Rows, keys: Keys, seal: Seal, state: StateRow) -> None:
        self.rows = rows
        self._keys = keys
        self._seal = seal
        self._count = state.count
        self._sum = state.sum

    def knows(self, row: Row) -> bool:
        """Whether there is a row with this one's id."""
        return self.rows.get(self._keys.identify(row)[0]) is not None

    def put(self, row: Row, space: bytes = b"") -> None:
        """Write a row, over an earlier one if there is."""
        wanted, owner = self._keys.identify(row, space)
        frame = self._seal(row_place(wanted, owner), plain(row))
        new = StoredRow(wanted, owner, frame)
        old = self.rows.get(wanted)
        self._move(old, new)
        self.rows.put(new)

    def remove(self, row: Row, space: bytes = b"") -> None:
        """Erase a row, if it is there."""
        wanted, _ = self._keys.identify(row, space)
        old = self.rows.get(wanted)
        if old is not None:
            self._move(old, None)
            self.rows.delete(wanted)

    def finish(self) -> None:
        """Write the guard."""
        frame = self._seal(row_place(STATE_ID, None), plain(StateRow(self._count, self._sum)))
        self.rows.put(StoredRow(STATE_ID, None, frame))

    def _move(self, old: StoredRow | None, new: StoredRow | None) -> None:
        minus = 0 if old is None else self._keys.share(*old)
        plus = 0 if new is None else self._keys.share(*new)
        self._sum = moved(self._sum, minus, plus)
        self._count += (new is not None) - (old is not None)


class _ScopedEntropy:
    """Draws under the chip's scope, so that no space's stream is moved by what the chip seals."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def draw(self, size: int, scope: bytes) -> bytes:
        return self._entropy.draw(size, _SCOPE)


def sealing(key: SpaceKey, entropy: Entropy) -> Seal:
    """Seals each row under a salt of its own: an equal salt would tell which rows were written together."""
    scoped = _ScopedEntropy(entropy)
    return lambda where, content: Sealer(key, scoped).seal(where, content)


def plain(row: Row) -> Plain:
    """A row as it is sealed."""
    return Plain(ENCODER.encode(row))
