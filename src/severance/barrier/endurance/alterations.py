"""What somebody who writes to the disk can do to the rows of a store: swap, move, remove, cut back, put back.

Each alteration is a list of edits, statements with their arguments; SQLite carries them out. Which of them must be
noticed is in docs/design/format.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from severance.barrier.endurance.damage import Answers, Bench, Outcome, ask, cuts
from severance.crypto.envelope import genesis

Edit = tuple[str, *tuple[Any, ...]]
"""A statement and its arguments."""

SET_FRAME = "UPDATE records SET frame = ? WHERE space = ? AND seq = ?"
SET_ROW = "UPDATE records SET frame = ?, digest = ?, hash = ? WHERE space = ? AND seq = ?"
SET_HEAD = "UPDATE spaces SET seq = ?, digest = ? WHERE id = ?"


def rows(file: Path, statement: str) -> list[tuple[Any, ...]]:
    """What the statement returns."""
    with closing(sqlite3.connect(file)) as raw:
        return raw.execute(statement).fetchall()


def alter(file: Path, edits: Sequence[Edit]) -> None:
    """Make the edits.

    Raises:
        ValueError: one of them changes nothing, so that the trial would be none.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("BEGIN")
        for statement, *arguments in edits:
            if raw.execute(statement, arguments).rowcount <= 0:
                raise ValueError("the alteration changes nothing")
        raw.execute("COMMIT")


def answers_after(bench: Bench, edits: Sequence[Edit], file: str = "vault.db") -> tuple[Outcome, Answers]:
    """What becomes of a sound store after these edits; it is put back afterwards."""
    try:
        alter(bench.store / file, edits)
        answers = ask(bench.store)
        return bench.judge(answers), answers
    finally:
        bench.reset()


class Rows:
    """One persona's records as they are in the sound store.

    Attributes:
        space: the space's id.
        rows: number to frame (None where it was erased), digest and hash.
        pictured: the last number that the snapshot's layers stand for, 0 without any.
        layers: where each layer ends, ascending.
    """

    def __init__(self, bench: Bench, place: str) -> None:
        self.space = bench.built.spaces[place]
        raw = rows(bench.store / "vault.db", "SELECT space, seq, frame, digest, hash FROM records")
        self.rows = {seq: (frame, digest, hashed) for space, seq, frame, digest, hashed in raw if space == self.space}
        ends = rows(bench.store / "vault.db", "SELECT space, last FROM layers ORDER BY last")
        self.layers = [last for space, last in ends if space == self.space]
        self.pictured = max(self.layers, default=0)

    def digest(self, seq: int) -> bytes:
        """The digest at this number."""
        digest: bytes = self.rows[seq][1] if seq else genesis(self.space, 1).digest
        return digest

    @property
    def living(self) -> list[int]:
        """The numbers of records that nobody has erased."""
        return [seq for seq, (frame, *_) in self.rows.items() if frame is not None]


def cut_back(log: Rows, heads: dict[int, bytes], to: int) -> list[Edit]:
    """The log ends at `to`, the head says so too, and the layers of what is gone are gone as well."""
    edits: list[Edit] = [
        ("DELETE FROM records WHERE space = ? AND seq > ?", log.space, to),
        (SET_HEAD, to, heads[to], log.space),
    ]
    if to < log.pictured:
        edits.append(("DELETE FROM chunks WHERE space = ? AND last > ?", log.space, to))
        edits.append(("DELETE FROM layers WHERE space = ? AND last > ?", log.space, to))
    return edits


@dataclass(frozen=True, slots=True)
class Trial:
    """One alteration that was tried: what it was, for a person, and what became of it."""

    what: str
    outcome: Outcome


class Alterer:
    """Draws alterations of a store, and tries them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._logs = [Rows(bench, place) for place in bench.built.spaces]
        self._chip = rows(bench.store / "chip.db", "SELECT id, owner, frame FROM rows")
        self._cuts = cuts(bench.built.files)
        bench.reset()

    def trial(self, source: Random) -> Trial:
        """One of them, each kind equally likely."""
        kinds = (
            self._flipped,
            self._cut,
            self._swapped,
            self._moved,
            self._removed,
            self._cut_back,
            self._put_back,
            self._swapped_in_chip,
            self._removed_from_chip,
        )
        return source.choice(kinds)(source)

    def _flipped(self, source: Random) -> Trial:
        bit = source.randrange(self._bench.bits)
        return Trial(f"bit {bit} flipped", self._bench.flip(bit, short=True))

    def _cut(self, source: Random) -> Trial:
        name, length = source.choice(self._cuts)
        return Trial(f"{name} cut to {length} bytes", self._bench.cut(name, length))

    def _swapped(self, source: Random) -> Trial:
        log = source.choice(self._logs)
        one, other = source.sample(log.living, 2)
        edits: list[Edit] = []
        whole = source.random() < 0.5
        for seq, taken in ((one, other), (other, one)):
            row = log.rows[taken]
            edits.append((SET_ROW, *row, log.space, seq) if whole else (SET_FRAME, row[0], log.space, seq))
        return self._edited(f"records {one} and {other} of a space swapped", edits)

    def _moved(self, source: Random) -> Trial:
        log, other = source.sample(self._logs, 2)
        seq, target = source.choice(other.living), source.choice(log.living)
        return self._edited(
            f"record {target} of a space replaced with record {seq} of another",
            [(SET_ROW, *other.rows[seq], log.space, target)],
        )

    def _removed(self, source: Random) -> Trial:
        log = source.choice(self._logs)
        seq = source.choice(list(log.rows))
        return self._edited(
            f"record {seq} of a space removed", [("DELETE FROM records WHERE space = ? AND seq = ?", log.space, seq)]
        )

    def _cut_back(self, source: Random) -> Trial:
        log = source.choice(self._logs)
        to = source.randrange(max(log.rows))
        heads = {seq: log.digest(seq) for seq in range(max(log.rows))}
        return self._edited(f"a space ended after record {to}, and the head rewritten", cut_back(log, heads, to))

    def _put_back(self, _: Random) -> Trial:
        return Trial("an older vault put beside the chip", older_vault(self._bench))

    def _swapped_in_chip(self, source: Random) -> Trial:
        (id1, owner1, frame1), (id2, owner2, frame2) = source.sample(self._chip, 2)
        put = "UPDATE rows SET owner = ?, frame = ? WHERE id = ?"
        return self._edited(
            "two rows of the chip swapped", [(put, owner2, frame2, id1), (put, owner1, frame1, id2)], "chip.db"
        )

    def _removed_from_chip(self, source: Random) -> Trial:
        row, _, _ = source.choice(self._chip)
        return self._edited("a row of the chip removed", [("DELETE FROM rows WHERE id = ?", row)], "chip.db")

    def _edited(self, what: str, edits: Sequence[Edit], file: str = "vault.db") -> Trial:
        return Trial(what, answers_after(self._bench, edits, file)[0])


def older_vault(bench: Bench) -> Outcome:
    """What becomes of the store when its vault is put back to an earlier one."""
    try:
        (bench.store / "vault.db").write_bytes(bench.built.earlier["vault.db"])
        return bench.outcome()
    finally:
        bench.reset()
