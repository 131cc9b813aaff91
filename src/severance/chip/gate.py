"""Who is let in with a permit or a place credential, what they may then do, and until when.

The time that counts for an end is the clock's or the latest that the chip has seen, whichever is later: a clock that is
set back opens nothing again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from severance.chip.bearers import SECRET_BYTES, id_of, parts_of, written
from severance.chip.changes import Change
from severance.chip.chip import Chip, Verified
from severance.chip.permits import ID_BYTES, Act, Grant, Issuer, Permit
from severance.chip.register import ClockRow, CredentialRow, PermitRow, TokenRow
from severance.crypto.primitives import equal
from severance.errors import NotFoundError, StoreError
from severance.model import CredentialInfo, PermitInfo, Persona, Right, moment
from severance.ports import Clock, Entropy

CREDENTIAL = "sevc"
MOST_TOLD = 30 * 24 * 3_600 * 1_000_000
"""Microseconds for which an ended permit stays in the list."""

R = TypeVar("R", PermitRow, CredentialRow, TokenRow)
Tell = Callable[[bytes], None]
"""Is told the id of what is made, before it is."""

_NOBODY = PermitRow(bytes(ID_BYTES), "", "", "", (), 0, 0, 0)
_NO_CREDENTIAL = CredentialRow(bytes(ID_BYTES), bytes(32), "", "", "", (), 0, 0)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text that was shown at the door says.

    Attributes:
        subject, place: who would go where; names that nobody has where the text is none of this house.
        program: the name of the program, where it is a credential.
        open: what lets in whoever of the subject wakes there: None where it does not, whoever it is.
        good: whether there is anybody whom it would let in.
        late: whether it is a permit of this house that has ended or was revoked.
    """

    subject: str
    place: str
    program: str | None
    open: Callable[[Persona], Admission | None]
    good: bool = True
    late: bool = False


class Gate:
    """The permits and credentials of one house, and its clock.

    Raises, from every method: DamagedError when rows are not what was written, StoreError when the file cannot serve.
    """

    def __init__(self, chip: Chip, clock: Clock, entropy: Entropy) -> None:
        """For an unlocked chip."""
        self._chip = chip
        self._clock = clock
        self._entropy = entropy
        self._issuer = Issuer(chip.store, chip.keys.permit)

    def now(self, rows: Verified | None = None, at: int | None = None) -> int:
        """The clock's time, or the latest that the chip has seen; in microseconds since 1970. `at` is the clock's time
        where that was read already.
        """
        seen = self._chip.find(ClockRow(0), rows)
        return max(self._clock.now() if at is None else at, 0 if seen is None else seen.at)

    def accept_clock(self) -> int:
        """Take the clock's time for the latest that was seen. Returns the latest that was seen until now."""
        before, now = self.now(), max(self._clock.now(), 0)
        self._chip.change(lambda change: change.put(ClockRow(now)))
        return before

    def permit(self, persona: Persona, place: str, rights: frozenset[Right], until: int, tell: Tell) -> str:
        """Make a permit, as text; `tell` hears of its id first. Those that ended long ago are struck from the list."""
        now, seat = self.now(), self._seat(place, persona.subject, persona.name)
        fresh = self._entropy.draw(ID_BYTES, seat)
        row = PermitRow(fresh, persona.subject, persona.name, place, tuple(sorted(rights)), now, until)
        tell(fresh)
        old = [each for each in self._permits() if min(each.until, each.ended or each.until) < now - MOST_TOLD]

        def make(change: Change) -> None:
            change.put(row)
            for each in old:
                change.remove(each)

        self._chip.change(make)
        return self._issuer.make(Grant(fresh, seat, rights, until))

    def permits(self) -> list[PermitInfo]:
        """All permits that the chip knows, in the order in which they were made."""
        now = self.now()
        return [_permit_info(row, now) for row in sorted(self._permits(), key=lambda row: (row.made, row.id))]

    def register(self, subject: str, place: str, program: str, rights: frozenset[Right], tell: Tell) -> str:
        """Make the place credential of a program, as text; `tell` hears of its id first. Its secret is not kept."""
        seat = self._seat(place, subject)
        fresh, secret = self._entropy.draw(ID_BYTES, seat), self._entropy.draw(SECRET_BYTES, seat)
        proof = self._proof(fresh, secret)
        row = CredentialRow(fresh, proof, subject, place, program, tuple(sorted(rights)), self.now())
        tell(fresh)
        self._chip.change(lambda change: change.put(row))
        return written(CREDENTIAL, fresh, secret)

    def credentials(self) -> list[CredentialInfo]:
        """All credentials, in the order in which they were made."""
        rows = self._chip.of_kind(_NO_CREDENTIAL, self._chip.verify())
        return [_credential_info(row) for row in sorted(rows, key=lambda row: (row.made, row.id))]

    def open_ones(self, given: str) -> list[PermitRow | CredentialRow]:
        """The permit and the credential with this id that have not ended: one or none of them."""
        permit = self._chip.find(replace(_NOBODY, id=id_of(given)))
        credential = self._chip.find(replace(_NO_CREDENTIAL, id=id_of(given)))
        found: list[PermitRow | CredentialRow] = []
        found += [permit] if permit is not None and permit.ended is None else []
        found += [credential] if credential is not None and credential.revoked is None else []
        return found

    def revoke(self, given: str) -> None:
        """End the permit or the credential with this id, for good. Doing it again does nothing.

        Raises:
            NotFoundError: there is none.
        """
        wanted, now = id_of(given), self.now()
        self._chip.verify()  # what is not there may have been taken out

        def revoke(change: Change) -> bool:
            permit = self._chip.find(replace(_NOBODY, id=wanted), change.rows)
            credential = self._chip.find(replace(_NO_CREDENTIAL, id=wanted), change.rows)
            if permit is not None and permit.ended is None:
                change.put(replace(permit, ended=now))
            if credential is not None and credential.revoked is None:
                change.put(replace(credential, revoked=now))
            return permit is not None or credential is not None

        if not self._chip.change(revoke):
            raise NotFoundError("nothing here has that id; see `severance permit list` and `severance credential list`")

    def read(self, text: str, place: str | None, tool: str | None) -> Claim:
        """What a permit or a credential says.

        Whatever is wrong with it, the same is looked at; that it opens nothing is told by the claim, to be found out
        when whoever wakes there has been looked for.

        Args:
            text: the permit or the credential.
            place: where it is shown, or None; one for another place opens nothing.
            tool: what uses it.
        """
        if text.startswith(f"{CREDENTIAL}."):
            return self._credential(text, place)
        return self._permit(text, place, tool)

    def _permit(self, text: str, place: str | None, tool: str | None) -> Claim:
        permit = self._issuer.read(text)
        rows = self._chip.current()
        wanted = _NOBODY if permit is None else replace(_NOBODY, id=permit.id)
        row, at = self.looked_up(wanted, rows), self.time()
        now = self.now(rows, at)
        self.seen(now, row, at)  # whatever it is: how long a refusal takes must not tell what was shown
        seat = self._seat(row.place, row.subject, row.persona)
        ours = permit is not None and permit.seat == seat
        over = row.ended is not None or now >= row.until
        good = permit is not None and ours and not over and place in (None, row.place)
        if permit is None or not good or not permit.allows(Act(now, tool=tool)):
            return Claim(row.subject, row.place, None, lambda _: None, good=False, late=ours and over)

        def let_in(persona: Persona) -> Admission | None:
            if persona != Persona(row.subject, row.persona):
                return None
            return Admission(self, self._chip, row, permit, now, min(permit.until, row.until), tool)

        return Claim(row.subject, row.place, None, let_in)

    def _credential(self, text: str, place: str | None) -> Claim:
        wanted, secret = parts_of(text)
        rows = self._chip.current()
        row = self.looked_up(replace(_NO_CREDENTIAL, id=wanted), rows)
        good = equal(row.proof, self._proof(wanted, secret)) and row.revoked is None
        at = self.time()
        now = self.now(rows, at)
        self.seen(now, at=at)
        if not good or place not in (None, row.place):
            return Claim(row.subject, row.place, None, lambda _: None, good=False)
        return Claim(row.subject, row.place, row.program, lambda _: Admission(self, self._chip, row, None, now))

    def seen(self, now: int, row: PermitRow | TokenRow | None = None, at: int | None = None) -> None:
        """Keep the latest time that was seen, and for good that a permit or an owner token is over, if it is.

        Args:
            now: what `now` gave.
            row: the permit or the token.
            at: the clock's own time then. The rest of `now` is in the chip, or was until the owner accepted the clock.
        """
        at = max(now if at is None else at, 0)

        def keep(change: Change) -> None:
            last = self._chip.find(ClockRow(0), change.rows)
            if last is None or last.at < at:
                change.put(ClockRow(at))
            ending = None if row is None else self._chip.find(row, change.rows)
            if ending is not None and ending.ended is None and now >= ending.until:
                change.put(replace(ending, ended=now))

        self._chip.change(keep)

    def time(self) -> int:
        """The clock's own time."""
        return self._clock.now()

    def looked_up(self, like: R, rows: Verified | None) -> R:
        """The row with this id, or where there is none this one, after the same work."""
        row = self._chip.find(like, rows)
        if row is None:
            self._chip.open_any(rows)
        return like if row is None else row

    def _permits(self) -> list[PermitRow]:
        return self._chip.of_kind(_NOBODY, self._chip.verify())

    def _seat(self, *names: str) -> bytes:
        """What stands for who wakes where. Also the scope under which ids are drawn: nobody's move another's."""
        return self._chip.keys.row_id("seat", *names)

    def _proof(self, name: bytes, secret: bytes) -> bytes:
        return self._chip.keys.proof("secret", name, secret)


class Standing:
    """Whether what somebody was let in with still holds. For any number of threads."""

    def __init__(
        self, gate: Gate, chip: Chip, row: PermitRow | CredentialRow | TokenRow, now: int, end: int | None = None
    ) -> None:
        """Not for callers: who reads what is shown makes it.

        Args:
            gate, chip: of the house.
            row: what the chip has of it.
            now: the gate's time.
            end: when it ends by itself.
        """
        self._gate = gate
        self._chip = chip
        self._row = row
        self._end = end
        self._seen = now
        self._over = False
        # Of these rows alone: what a call takes must not tell what others do at the door.
        self._own, self._clock = chip.watch([row]), chip.watch([ClockRow(0)])
        self._frames: tuple[object, object] | None = None

    def holds(self) -> bool:
        """Whether it neither ended nor was revoked, by this process or another; once it has not, it never does."""
        if self._over:
            return False
        frames = self._own(), self._clock()
        if frames != self._frames:
            self._look(anew=self._frames is None or frames[0] != self._frames[0])
            self._frames = frames
        at = self._gate.time()
        self._seen = max(self._seen, at)
        if self._end is not None and self._seen >= self._end:
            self.end()
            with suppress(StoreError):  # it is over here, whether or not that can be written
                self._gate.seen(self._seen, None if isinstance(self._row, CredentialRow) else self._row, at)
        return not self._over

    def end(self) -> None:
        """It holds no longer."""
        self._over = True

    def _look(self, *, anew: bool) -> None:
        """Read what the chip says; of its own row only `anew`, when it has changed."""
        rows = self._chip.current() if anew else None
        clock = self._chip.find(ClockRow(0), rows)
        if anew:
            row = self._chip.find(self._row, rows)
            gone = row is None or (row.revoked if isinstance(row, CredentialRow) else row.ended) is not None
            self._over = self._over or gone
        self._seen = max(self._seen, 0 if clock is None else clock.at)


class Admission(Standing):
    """What one admitted session may do, and whether it still may."""

    def __init__(
        self,
        gate: Gate,
        chip: Chip,
        row: PermitRow | CredentialRow,
        permit: Permit | None,
        now: int,
        end: int | None = None,
        tool: str | None = None,
    ) -> None:
        """Not for callers: a claim makes it."""
        super().__init__(gate, chip, row, now, end)
        self._rights = frozenset(row.rights)
        self._permit = permit
        self._tool = tool

    def has(self, right: Right) -> bool:
        """Whether it allows this in any thread; after `holds`, of the same instant."""
        return self._allows(Act(self._seen, right, None, self._tool, any_thread=True))

    def allows(self, right: Right, thread: str | None) -> bool:
        """Whether it allows this in a thread, or in none and so in all; after `holds`, of the same instant."""
        return self._allows(Act(self._seen, right, thread, self._tool))

    def _allows(self, act: Act) -> bool:
        return act.right in self._rights and (self._permit is None or self._permit.allows(act))


def _permit_info(row: PermitRow, now: int) -> PermitInfo:
    over = row.ended if row.ended is not None or now < row.until else row.until
    return PermitInfo(
        id=row.id.hex(),
        subject=row.subject,
        persona=row.persona,
        place=row.place,
        rights=frozenset(row.rights),
        made=moment(row.made),
        until=moment(row.until),
        ended=None if over is None else moment(over),
    )


def _credential_info(row: CredentialRow) -> CredentialInfo:
    return CredentialInfo(
        id=row.id.hex(),
        subject=row.subject,
        place=row.place,
        program=row.program,
        rights=frozenset(row.rights),
        made=moment(row.made),
        revoked=None if row.revoked is None else moment(row.revoked),
    )
