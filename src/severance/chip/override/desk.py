"""The overrides of one chip: who may ask and approve, what was asked and answered, and what may be done next.

Each step is looked at twice: before it is told to the audit log, and in the transaction that takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from severance.chip.changes import Change
from severance.chip.override.escrow import escrow_of, key_from
from severance.chip.override.keys import PrivateKey, PublicKey
from severance.chip.override.requests import Requests
from severance.chip.override.state import DRAFTED, NEEDED, Override, check_open, override_of
from severance.chip.override.texts import Answered
from severance.chip.register import (
    MOST_APPROVERS,
    AnswerForm,
    ApproverForm,
    ApproversRow,
    EscrowRow,
    NoticeForm,
    NoticesRow,
    OverrideRow,
    PersonaRow,
    SubjectRow,
)
from severance.chip.rows import Rows
from severance.crypto.envelope import SpaceKey
from severance.errors import NotFoundError, OverrideError
from severance.model import OverrideState


class Desk(Requests):
    """Overrides in one unlocked chip.

    Raises, from every method: DamagedError when rows are not what was written, StoreError when the file cannot serve.
    """

    def with_key(self, name: str, public: PublicKey, now: int) -> tuple[ApproverForm, ...]:
        """The keys with one more.

        Raises:
            OverrideError: the name or the key is taken, or there are as many as there may be.
        """
        known = self.approvers()
        if any(each.name == name or public.shares_a_half(each.public) for each in known):
            taken = "an override key with that name, or with a half of that key, is registered already"
            raise OverrideError(taken, why="taken")
        if len(known) == MOST_APPROVERS:
            raise OverrideError(f"at most {MOST_APPROVERS} override keys are registered; take one out", why="many")
        return (*known, ApproverForm(name, public.raw, now))

    def without_key(self, name: str) -> tuple[ApproverForm, ...]:
        """The keys without that of this name.

        Raises:
            NotFoundError: there is none.
        """
        known = self.approvers()
        left = tuple(each for each in known if each.name != name)
        if left == known:
            self._chip.verify()
            raise NotFoundError("no override key has that name; `severance override keys` lists them")
        return left

    def set_keys(self, before: Sequence[ApproverForm], keys: Sequence[ApproverForm], now: int) -> list[Override]:
        """Let these be the override keys, with an escrow of every persona's key for every two of them.

        What was asked of the keys before ends with them. Returns those overrides.

        Raises:
            OverrideError: these were not the keys before.
        """
        self._chip.verify()  # a persona that was taken out would have no escrow
        kept = {each.public for each in keys}
        # Before the transaction: it takes most of a millisecond for each persona, and others want to write.
        made = {row.space: self._escrow_for(row, keys) for row in self._personas()}

        def write(change: Change) -> list[Override]:
            if self.approvers(change.rows) != tuple(before):
                raise OverrideError("the override keys were changed meanwhile; try again", why="changed")
            ended = [found for found in self.all(change.rows) if self._ends_with(found, kept, now)]
            for found in ended:
                self._end(change, found, now, "keys")
            change.put(ApproversRow(tuple(keys)))
            for row in self._personas(change.rows):
                escrow = made[row.space] if row.space in made else self._escrow_for(row, keys, change.rows)
                if escrow is None:
                    change.remove(EscrowRow(()), row.space)
                else:
                    change.put(escrow, row.space)
            return ended

        return self._chip.change(write)

    def get(self, given: bytes, rows: Rows | None = None) -> Override:
        """The override with this id.

        Raises:
            NotFoundError: there is none.
        """
        row = self._chip.find(OverrideRow(given, b""), self._chip.current() if rows is None else rows)
        if row is None or row.why == DRAFTED:
            if rows is None:
                self._chip.verify()
            raise NotFoundError("no override has that id; `severance override list` shows them")
        return override_of(row)

    def judge(self, answer: Answered, found: Override, now: int, rows: Rows | None = None) -> AnswerForm:
        """What is to be kept of an answer.

        Raises:
            OverrideError: it may not be given: by an unknown key or the requester's, of another request, again, after
                a refusal, or too late.
        """
        approver = self._registered(answer.said.key, rows)
        if approver is None:
            raise OverrideError("the answer is by a key that is not registered here", why="stranger")
        if not answer.is_by(PublicKey(approver.public)):
            raise OverrideError("the answer is not what that key signed: it was altered", why="altered")
        if answer.said.request != found.asked.digest:
            raise OverrideError("the answer is to another request than the one that is kept here", why="other")
        check_open(found, now, answering=True)
        form = AnswerForm(answer.said.key, approver.name, answer.said.approves, answer.raw)
        if not form.approves:
            return form
        if approver.public == found.request.requester:
            raise OverrideError("whoever asks cannot approve; two others have to", why="own")
        if any(each.key == form.key for each in found.row.answers):
            raise OverrideError("that key has approved this request already; another one has to", why="twice")
        if now >= found.request.approve_by:
            raise OverrideError("the time for approving is over; ask again", why="late")
        return form

    def accept(self, answer: Answered, now: int) -> Override:
        """Keep an answer. A refusal ends the override, whatever it was before.

        Raises:
            NotFoundError, OverrideError: as `get` and `judge`.
        """

        def write(change: Change) -> Override:
            found = self.get(answer.said.id, change.rows)
            form = self.judge(answer, found, now, change.rows)
            row = replace(found.row, answers=(*found.row.answers, form))
            if form.approves:
                change.put(row)
                return override_of(row)
            return self._end(change, override_of(row), now, "denied")

        return self._chip.change(write)

    def check_use(self, found: Override, key: PublicKey, now: int) -> None:
        """Whether this key may use it now.

        Raises:
            OverrideError: it may not: it is another's, was refused, used or ended, has too few approvals, or is late.
        """
        if key.raw != found.request.requester:
            raise OverrideError("only the key that asked can use it", why="other")
        check_open(found, now, answering=False)
        if found.row.used is not None:
            raise OverrideError("it was used already; an override opens once", why="used")
        if len(found.approved) < NEEDED:
            raise OverrideError(f"it has {len(found.approved)} of {NEEDED} approvals", why="few")
        if now >= found.request.use_by:
            raise OverrideError("the time for using it is over; ask again", why="late")

    def begin(self, given: bytes, key: PublicKey, now: int) -> Override:
        """Mark it as used from now on, and leave the persona a notice, in one step.

        Raises:
            NotFoundError, OverrideError: as `get` and `check_use`.
        """

        def write(change: Change) -> Override:
            found = self.get(given, change.rows)
            self.check_use(found, key, now)
            request = found.request
            row = replace(found.row, used=now, until=now + request.length)
            change.put(row)
            notice = NoticeForm(given, request.name, request.reason, now, now + request.length)
            self._put_notices(change, request.space, (*self.notices(request.space, change.rows), notice))
            return override_of(row)

        return self._chip.change(write)

    def key(self, found: Override, key: PrivateKey) -> SpaceKey:
        """The key of the persona's space, from the escrow and the approvals alone.

        Raises:
            OverrideError: they do not open it.
        """
        return key_from(self._escrow(found.request.space), found.asked, found.row.answers, key)

    def end(self, given: bytes, now: int, why: str) -> bool:
        """End it for good. Returns False where it was over already.

        Raises:
            NotFoundError: as `get`.
        """

        def write(change: Change) -> bool:
            found = self.get(given, change.rows)
            if found.row.ended is not None:
                return False
            self._end(change, found, now, why)
            return True

        return self._chip.change(write)

    def notices(self, space: bytes, rows: Rows | None = None) -> tuple[NoticeForm, ...]:
        """What the persona of a space is to be told; that it was told of a beginning already included."""
        row = self._chip.find(NoticesRow(()), rows, space)
        return () if row is None else row.notices

    def tell(self, space: bytes) -> list[NoticeForm]:
        """What the persona of a space has not been told yet; from now on it has."""
        if all(each.told for each in self.notices(space)):
            return []

        def write(change: Change) -> list[NoticeForm]:
            found = self.notices(space, change.rows)
            left = tuple(replace(each, told=True) for each in found if each.ended is None)
            self._put_notices(change, space, left)
            return [each for each in found if not each.told]

        return self._chip.change(write)

    def watch(self, given: bytes) -> Callable[[], tuple[bytes | None, ...]]:
        """What tells something else after every change of this override, and of nothing else."""
        return self._chip.watch([OverrideRow(given, b"")])

    def _personas(self, rows: Rows | None = None) -> list[PersonaRow]:
        subjects = self._chip.owned(SubjectRow(""), rows)
        return [row for each in subjects for row in self._chip.owned(PersonaRow(each.name, "", b"", 0), rows)]

    def _escrow_for(self, row: PersonaRow, keys: Sequence[ApproverForm], rows: Rows | None = None) -> EscrowRow | None:
        key = self._chip.key_of(row, rows)
        return escrow_of(key, (row.subject, row.name), self._chip.store, keys, self._entropy)

    def _ends_with(self, found: Override, kept: set[bytes], now: int) -> bool:
        """Whether an override ends where these are the keys that are kept, and all wraps are made anew."""
        state = found.state(now)
        if state is not OverrideState.ACTIVE:
            return state in (OverrideState.REQUESTED, OverrideState.APPROVED)
        ids = {PublicKey(public).id for public in kept}
        return found.request.requester not in kept or any(each.key not in ids for each in found.row.answers)

    def _end(self, change: Change, found: Override, now: int, why: str) -> Override:
        answers = tuple(replace(each, raw=b"") for each in found.row.answers)  # with the shares that they handed over
        row = replace(found.row, answers=answers, ended=now, why=why)
        change.put(row)
        if row.used is not None:
            space = found.request.space
            notices = self.notices(space, change.rows)
            known = any(each.id == row.id for each in notices)
            if known:
                self._put_notices(change, space, tuple(_ended(each, row.id, now) for each in notices))
        return override_of(row)

    def _put_notices(self, change: Change, space: bytes, notices: tuple[NoticeForm, ...]) -> None:
        if notices:
            change.put(NoticesRow(notices), space)
        else:
            change.remove(NoticesRow(()), space)


def _ended(notice: NoticeForm, given: bytes, now: int) -> NoticeForm:
    return replace(notice, ended=now, again=notice.told, told=False) if notice.id == given else notice
