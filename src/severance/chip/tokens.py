"""Owner tokens: who shows one is answered as the owner, without the root key, until the token ends or is revoked."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from severance.chip.bearers import SECRET_BYTES, id_of, parts_of, written
from severance.chip.changes import Change
from severance.chip.chip import Chip
from severance.chip.gate import MOST_TOLD, Gate, Standing, Tell
from severance.chip.permits import ID_BYTES
from severance.chip.register import TokenRow
from severance.crypto.primitives import equal
from severance.errors import NotFoundError
from severance.model import OwnerTokenInfo, moment
from severance.ports import Entropy

PREFIX = "sevo"

_SCOPE = b"owner"
_PROOF = "owner secret"
_NOTHING = TokenRow(bytes(ID_BYTES), bytes(32), "", 0, 0, 0)


class Shown(NamedTuple):
    """What a text that was shown as an owner token is.

    Attributes:
        standing: until when it holds; None where it is no token that opens anything.
        late: whether it is a token of this house that has ended or was revoked.
    """

    standing: Standing | None
    late: bool = False


class Tokens:
    """The owner tokens of one house.

    Raises, from every method: DamagedError when rows are not what was written, StoreError when the file cannot serve.
    """

    def __init__(self, chip: Chip, gate: Gate, entropy: Entropy) -> None:
        """For an unlocked chip, and the gate that knows its time."""
        self._chip = chip
        self._gate = gate
        self._entropy = entropy

    def make(self, until: int, label: str, tell: Tell) -> str:
        """Make a token that ends then, as text; `tell` hears of its id first. Its secret is not kept.

        Those that ended long ago are struck from the list.
        """
        now, scope = self._gate.now(), self._chip.store + _SCOPE
        fresh, secret = self._entropy.draw(ID_BYTES, scope), self._entropy.draw(SECRET_BYTES, scope)
        row = TokenRow(fresh, self._proof(fresh, secret), label, now, until)
        tell(fresh)
        old = [each for each in self._rows() if min(each.until, each.ended or each.until) < now - MOST_TOLD]

        def make(change: Change) -> None:
            change.put(row)
            for each in old:
                change.remove(each)

        self._chip.change(make)
        return written(PREFIX, fresh, secret)

    def all(self) -> list[OwnerTokenInfo]:
        """All tokens that the chip knows, in the order in which they were made."""
        now = self._gate.now()
        return [_info(row, now) for row in sorted(self._rows(), key=lambda row: (row.made, row.id))]

    def is_open(self, given: str) -> bool:
        """Whether there is a token with this id that nobody has revoked, and that was not seen to be over."""
        row = self._chip.find(replace(_NOTHING, id=id_of(given)))
        return row is not None and row.ended is None

    def revoke(self, given: str) -> None:
        """End the token with this id, for good. Doing it again does nothing.

        Raises:
            NotFoundError: there is none.
        """
        wanted, now = replace(_NOTHING, id=id_of(given)), self._gate.now()
        self._chip.verify()  # what is not there may have been taken out

        def revoke(change: Change) -> bool:
            row = self._chip.find(wanted, change.rows)
            if row is not None and row.ended is None:
                change.put(replace(row, ended=now))
            return row is not None

        if not self._chip.change(revoke):
            raise NotFoundError("no owner token has that id; see `severance owner list`")

    def read(self, text: str) -> Shown:
        """What a text is. Whatever is wrong with it, the same is looked at."""
        wanted, secret = parts_of(text)
        rows = self._chip.current()
        row = self._gate.looked_up(replace(_NOTHING, id=wanted), rows)
        at = self._gate.time()
        now = self._gate.now(rows, at)
        self._gate.seen(now, row, at)
        ours = equal(row.proof, self._proof(wanted, secret)) and text == written(PREFIX, wanted, secret)
        over = row.ended is not None or now >= row.until
        if not ours or over:
            return Shown(None, late=ours)
        return Shown(Standing(self._gate, self._chip, row, now, row.until))

    def _rows(self) -> list[TokenRow]:
        return self._chip.of_kind(_NOTHING, self._chip.verify())

    def _proof(self, name: bytes, secret: bytes) -> bytes:
        return self._chip.keys.proof(_PROOF, name, secret)


def _info(row: TokenRow, now: int) -> OwnerTokenInfo:
    over = row.ended if row.ended is not None or now < row.until else row.until
    return OwnerTokenInfo(
        id=row.id.hex(),
        label=row.label,
        made=moment(row.made),
        until=moment(row.until),
        ended=None if over is None else moment(over),
    )
