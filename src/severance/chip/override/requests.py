"""Asking for an override at one chip: what a house adds to a wish, and what it keeps of requests.

Each step is looked at twice: before it is told to the audit log, and in the transaction that takes it.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from severance.chip.changes import Change
from severance.chip.chip import Chip
from severance.chip.override.escrow import FEWEST, shares_without
from severance.chip.override.keys import ID_BYTES, PrivateKey, PublicKey
from severance.chip.override.state import Override, Wish, override_of
from severance.chip.override.texts import Asked, Request, ShareForm, asked
from severance.chip.override.wishes import request_for
from severance.chip.register import ApproverForm, ApproversRow, EscrowRow, OverrideRow, PersonaRow
from severance.chip.rows import Rows
from severance.errors import NotFoundError, OverrideError
from severance.model import Persona
from severance.ports import Entropy

KEPT = 30 * 24 * 3_600 * 1_000_000
"""Microseconds for which an override that is over stays in the list."""

LONGEST = KEPT
"""Microseconds for which an override can be approved, then be used, and then be open."""

MOST_ASKED = 64
"""Overrides in the list for which one key may have asked from elsewhere: they are not to fill the chip."""

_SCOPE = b"override"
_NO_PERSONA = "no such persona here"


class _Added(NamedTuple):
    """What a house adds to a wish, beside the id and the times; as in `Request`."""

    house: bytes
    space: bytes
    epoch: int
    name: str
    shares: tuple[ShareForm, ...]


class Requests:
    """The requests in one unlocked chip, and the keys that may make some.

    Raises, from every method: DamagedError when rows are not what was written, StoreError when the file cannot serve.
    """

    def __init__(self, chip: Chip, entropy: Entropy) -> None:
        """For an unlocked chip."""
        self._chip = chip
        self._entropy = entropy

    def approvers(self, rows: Rows | None = None) -> tuple[ApproverForm, ...]:
        """The keys that are registered, in the order in which they were."""
        row = self._chip.find(ApproversRow(()), rows)
        return () if row is None else row.keys

    def ask(self, persona: Persona, wish: Wish, key: PrivateKey, now: int) -> Asked:
        """The signed request; nothing is kept yet.

        Raises:
            NotFoundError: no such persona.
            OverrideError: the key is not registered, or too few are.
        """
        return asked(self.complete(request_for(persona, wish, key.public), now), key)

    def complete(self, wish: Request, now: int) -> Request:
        """What was wished, with what this house adds: who it is about, times from now on, and the shares.

        Raises:
            NotFoundError, OverrideError: as `ask`; or it can be approved, used or open for longer than 30 days.
        """
        _check_lengths(wish)
        adds = self._adds(wish)
        return replace(
            wish,
            id=self._entropy.draw(ID_BYTES, _SCOPE + adds.space),
            **adds._asdict(),
            made=now,
            approve_by=now + wish.approve_by,
            use_by=now + wish.use_by,
        )

    def check_asked(self, request: Asked, now: int, rows: Rows | None = None) -> None:
        """Whether a request that was signed elsewhere is one that this house could have made a draft of.

        Raises:
            NotFoundError: no such persona.
            OverrideError: its key is not registered, or too few are; it is not of this house as it is now; its times
                cannot be; or that key has asked for as many as it may.
        """
        said = request.said
        adds = self._adds(said, rows)
        if any(getattr(said, name) != value for name, value in adds._asdict().items()) or said.id == bytes(ID_BYTES):
            raise OverrideError(
                "the request is not of this house as it is now; hand in the wish again, and sign what comes",
                why="changed",
            )
        if now >= said.approve_by:
            raise OverrideError("the time for approving is over; ask again", why="late")
        if said.approve_by - now > LONGEST:
            raise _too_long()
        _check_lengths(said)
        listed = [found for found in self.all(rows) if not _is_old(found, now)]
        if sum(found.request.requester == said.requester for found in listed) >= MOST_ASKED:
            raise OverrideError(f"that key has asked {MOST_ASKED} times in 30 days; let another one ask", why="many")

    def known(self, request: Asked, rows: Rows | None = None) -> Override | None:
        """The override that exactly this request is of, if it was handed in before.

        Raises:
            OverrideError: another request has its id.
        """
        row = self._chip.find(OverrideRow(request.said.id, b""), self._chip.current() if rows is None else rows)
        if row is not None and row.raw != request.raw:
            raise OverrideError("another request has that id; hand in the wish again, and sign what comes", why="taken")
        return None if row is None else override_of(row)

    def take(self, request: Asked, now: int) -> Override:
        """Keep a request that was signed elsewhere, if it is not kept yet.

        Raises:
            NotFoundError, OverrideError: as `check_asked` and `known`.
        """

        def write(change: Change) -> Override:
            found = self.known(request, change.rows)
            if found is None:
                self.check_asked(request, now, change.rows)
                found = self._put(change, request, now)
            return found

        return self._chip.change(write)

    def add(self, request: Asked, now: int) -> None:
        """Keep a request. Those that were over long ago are struck from the list."""
        self._chip.change(lambda change: self._put(change, request, now))

    def all(self, rows: Rows | None = None) -> list[Override]:
        """Every override, in the order in which they were asked for. Whether one was taken out is not looked at."""
        found = map(override_of, self._chip.owned(OverrideRow(b"", b""), rows))
        return sorted(found, key=lambda each: (each.request.made, each.row.id))

    def _adds(self, wish: Request, rows: Rows | None = None) -> _Added:
        """What this house adds to a wish."""
        key = PublicKey(wish.requester)
        requester, keys = self._registered(key.id, rows), self.approvers(rows)
        if requester is None:
            raise OverrideError(
                "that key is not registered here; `severance override register` does it", why="stranger"
            )
        if len(keys) < FEWEST:
            raise OverrideError(
                f"an override takes {FEWEST} registered keys: who asks, and two who approve; there are {len(keys)}",
                why="few",
            )
        row = self._chip.find(PersonaRow(wish.subject, wish.persona, b"", 0), rows)
        if row is None:
            if rows is None:
                self._chip.verify()
            raise NotFoundError(_NO_PERSONA)
        shares = shares_without(key.id, self._escrow(row.space, rows))
        return _Added(self._chip.store, row.space, row.epoch, requester.name, shares)

    def _put(self, change: Change, request: Asked, now: int) -> Override:
        row = OverrideRow(request.said.id, request.raw)
        change.put(row)
        for found in self._in(change):
            if _is_old(found, now):
                change.remove(found.row)
        return override_of(row)

    def _registered(self, wanted: bytes, rows: Rows | None = None) -> ApproverForm | None:
        return next((each for each in self.approvers(rows) if PublicKey(each.public).id == wanted), None)

    def _escrow(self, space: bytes, rows: Rows | None = None) -> EscrowRow:
        row = self._chip.find(EscrowRow(()), self._chip.current() if rows is None else rows, space)
        if row is None:
            if rows is None:
                self._chip.verify()
            raise OverrideError("there is no escrow of that persona's key", why="escrow")
        return row

    def _in(self, change: Change) -> list[Override]:
        return [override_of(row) for row in self._chip.owned(OverrideRow(b"", b""), change.rows)]


def _is_old(found: Override, now: int) -> bool:
    """Whether it was over long ago."""
    over = found.over_since(now)
    return over is not None and over < now - KEPT


def _check_lengths(said: Request) -> None:
    """Refuse what is not within the bounds that whoever asks at the house has."""
    lengths = said.approve_by - said.made, said.use_by - said.approve_by, said.length
    if not all(0 < length <= LONGEST for length in lengths):
        raise _too_long()


def _too_long() -> OverrideError:
    return OverrideError("an override can be approved, then used, and is open for 30 days at most each", why="long")
