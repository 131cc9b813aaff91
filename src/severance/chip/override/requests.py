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
from severance.chip.override.state import DRAFTED, Override, Wish, override_of
from severance.chip.override.texts import ENCODER, Asked, Request, ShareForm, asked, request_in
from severance.chip.override.wishes import Drafted, Wished, drafted, request_for
from severance.chip.register import ApproverForm, ApproversRow, EscrowRow, OverrideRow, PersonaRow
from severance.chip.rows import Rows
from severance.errors import DamagedError, NotFoundError, OverrideError
from severance.model import Persona
from severance.ports import Entropy

KEPT = 30 * 24 * 3_600 * 1_000_000
"""Microseconds for which an override that is over stays in the list."""

LONGEST = KEPT
"""Microseconds for which an override can be approved, then be used, and then be open."""

MOST_ASKED = 64
"""Overrides and drafts in 30 days for which one key may have asked from elsewhere: they are not to fill the chip."""

AHEAD = 5 * 60 * 1_000_000
"""Microseconds by which the clock of whoever asks may be before that of the house."""

_SCOPE = b"override"
_NO_PERSONA = "no such persona here"


class _Added(NamedTuple):
    """What a house adds to a wish, beside the id; as in `Request`."""

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
        said = request_for(persona, wish, key.public, now)
        adds = self._adds(said)
        return asked(replace(said, id=self._entropy.draw(ID_BYTES, _SCOPE + adds.space), **adds._asdict()), key)

    def draft(self, wish: Wished, now: int) -> Drafted:
        """What was wished, with what this house adds: who it is about, the shares, and an id that says that it did.

        Of one wish it is one draft, until the override keys change.

        Raises:
            NotFoundError, OverrideError: as `ask`; its times cannot be; or the key has asked for as many as it may.
        """
        adds = self._adds(wish.said)
        _check_times(wish.said, now)
        said = replace(wish.said, **adds._asdict())
        found = drafted(wish, replace(said, id=self._own_id(said)))
        if not self.is_kept(found):
            self._check_room(found.said, now)
        return found

    def is_kept(self, draft: Drafted) -> bool:
        """Whether it was made before, and what came of it has not left the list."""
        return self._chip.find(OverrideRow(draft.said.id, b""), self._chip.current()) is not None

    def keep(self, draft: Drafted, now: int) -> None:
        """Remember that a draft was made, unless it is known.

        Raises:
            OverrideError: its key has asked for as many as it may.
        """

        def write(change: Change) -> None:
            row = OverrideRow(draft.said.id, draft.raw, why=DRAFTED)
            if self._chip.find(row, change.rows) is None:
                self._check_room(draft.said, now, change.rows)
                self._put(change, row, now)

        self._chip.change(write)

    def check_asked(self, request: Asked, now: int, rows: Rows | None = None) -> None:
        """Whether a request that was signed elsewhere is one that this house made a draft of, and would make now.

        Raises:
            NotFoundError: no such persona.
            OverrideError: its key is not registered, or too few are; it is not of this house as it is now; its times
                cannot be; or that key has asked for as many as it may.
        """
        said = request.said
        adds = self._adds(said, rows)
        if said != replace(said, **adds._asdict()) or said.id != self._own_id(said):
            raise OverrideError(
                "the request is not of this house as it is now; hand in the wish again, and sign what comes",
                why="changed",
            )
        _check_times(said, now)
        self._check_room(said, now, rows)

    def known(self, request: Asked, rows: Rows | None = None) -> Override | None:
        """The override that exactly this request is of, if it was handed in before.

        Raises:
            OverrideError: another request has its id; or its key is not registered, in that case.
        """
        row = self._chip.find(OverrideRow(request.said.id, b""), self._chip.current() if rows is None else rows)
        if row is None or row.why == DRAFTED:
            return None
        if row.raw != request.raw:
            self._requester(request.said, rows)
            raise OverrideError("another request has that id; make another wish", why="taken")
        return override_of(row)

    def take(self, request: Asked, now: int) -> Override:
        """Keep a request that was signed elsewhere, if it is not kept yet.

        Raises:
            NotFoundError, OverrideError: as `check_asked` and `known`.
        """

        def write(change: Change) -> Override:
            found = self.known(request, change.rows)
            if found is None:
                self.check_asked(request, now, change.rows)
                found = override_of(self._put(change, OverrideRow(request.said.id, request.raw), now))
            return found

        return self._chip.change(write)

    def add(self, request: Asked, now: int) -> None:
        """Keep a request. Those that were over long ago are struck from the list."""
        self._chip.change(lambda change: self._put(change, OverrideRow(request.said.id, request.raw), now))

    def all(self, rows: Rows | None = None) -> list[Override]:
        """Every override, in the order in which they were asked for. Whether one was taken out is not looked at."""
        found = [override_of(row) for row in self._rows(rows) if row.why != DRAFTED]
        return sorted(found, key=lambda each: (each.request.made, each.row.id))

    def _adds(self, wish: Request, rows: Rows | None = None) -> _Added:
        """What this house adds to a wish."""
        requester, keys = self._requester(wish, rows), self.approvers(rows)
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
        shares = shares_without(PublicKey(wish.requester).id, self._escrow(row.space, rows))
        return _Added(self._chip.store, row.space, row.epoch, requester.name, shares)

    def _requester(self, said: Request, rows: Rows | None = None) -> ApproverForm:
        found = self._registered(PublicKey(said.requester).id, rows)
        if found is None:
            raise OverrideError(
                "that key is not registered here; `severance override register` does it", why="stranger"
            )
        return found

    def _own_id(self, said: Request) -> bytes:
        """The id of what this house makes a draft of: nobody else can say it, nor of anything else."""
        return self._chip.keys.proof("draft", ENCODER.encode(replace(said, id=bytes(ID_BYTES))))[:ID_BYTES]

    def _check_room(self, said: Request, now: int, rows: Rows | None = None) -> None:
        """Refuse what a key asks for too often; that it asks for this counts once."""
        others = [row for row in self._rows(rows) if row.id != said.id and not _is_old(row, now)]
        if sum(_said_in(row).requester == said.requester for row in others) >= MOST_ASKED:
            raise OverrideError(f"that key has asked {MOST_ASKED} times in 30 days; let another one ask", why="many")

    def _put(self, change: Change, row: OverrideRow, now: int) -> OverrideRow:
        change.put(row)
        for found in self._rows(change.rows):
            if _is_old(found, now):
                change.remove(found)
        return row

    def _registered(self, wanted: bytes, rows: Rows | None = None) -> ApproverForm | None:
        return next((each for each in self.approvers(rows) if PublicKey(each.public).id == wanted), None)

    def _escrow(self, space: bytes, rows: Rows | None = None) -> EscrowRow:
        row = self._chip.find(EscrowRow(()), self._chip.current() if rows is None else rows, space)
        if row is None:
            if rows is None:
                self._chip.verify()
            raise OverrideError("there is no escrow of that persona's key", why="escrow")
        return row

    def _rows(self, rows: Rows | None = None) -> list[OverrideRow]:
        return self._chip.owned(OverrideRow(b"", b""), rows)


def _is_old(row: OverrideRow, now: int) -> bool:
    """Whether the override was over, or the draft made, long ago."""
    over = _said_in(row).made if row.why == DRAFTED else override_of(row).over_since(now)
    return over is not None and over < now - KEPT


def _said_in(row: OverrideRow) -> Request:
    said = request_in(row.raw)
    if said is None:
        raise DamagedError("an override in the chip asks for nothing; restore the chip from a backup")
    return said


def _check_times(said: Request, now: int) -> None:
    """Refuse what is not within the bounds that whoever asks at the house has."""
    lengths = said.approve_by - said.made, said.use_by - said.approve_by, said.length
    if not all(0 < length <= LONGEST for length in lengths):
        long = "an override can be approved, then used, and is open for 30 days at most each"
        raise OverrideError(long, why="long")
    if now >= said.approve_by:
        raise OverrideError("the time for approving is over; ask again", why="late")
    if said.made > now + AHEAD:
        raise OverrideError(
            "it was made at a time that has not come here; set the clock of that machine or of this one, and ask again",
            why="early",
        )
