"""The part of a house in which a persona is woken outside its place: two approvals, a reason, an end, a notice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

from severance import approving
from severance.admitted import let_in
from severance.admitting import Waking
from severance.approving import KeyPath
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.gate import Gate
from severance.chip.override.desk import Desk
from severance.chip.override.held import Held, Leave
from severance.chip.override.keys import PrivateKey, PublicKey, public_of
from severance.chip.override.state import Override
from severance.chip.override.texts import answer_of, claimed_id
from severance.chip.register import ApproverForm
from severance.chip.thresholds.book import Book
from severance.disk.lease import Lease, is_held
from severance.drafts import check_text, name_of
from severance.errors import NotFoundError, OverrideError, StoreReadOnlyError
from severance.model import (
    Notice,
    OverrideInfo,
    OverrideKeyInfo,
    OverrideState,
    Persona,
)
from severance.overridden import id_of, info_of, key_info_of, notice_of
from severance.ports import Clock, Entropy
from severance.session import Session
from severance.telling import Telling
from severance.wishing import Handed, Wishing, about

PLACE = "override"
"""What a session that an override opened says of where it is."""


class Overriding(Wishing, ABC):
    """What a house does for those who hold override keys, and for whoever looks after them."""

    _directory: Path
    _chip: Chip
    _gate: Gate
    _book: Book
    _desk: Desk
    _telling: Telling
    _tell_now: Callable[..., None]
    """Tells, and returns when every alarm sink was tried or has it durably in its queue."""

    _watched: Callable[[Session, Mapping[str, Any], bytes], Session]

    _clock: Clock
    _entropy: Entropy

    def register_override_key(self, name: str, public: str) -> OverrideKeyInfo:
        """Register an override key: its holder can ask for overrides, and approve those of others. At most 8.

        From three keys on, the key of every persona is put in escrow for every two of them. Open requests end, since
        what approves them is made anew.

        Args:
            name: whose it is.
            public: the text that `new_override_key` returned.

        Raises:
            InputError: a name that names can't have, or no public key.
            OverrideError: the name or the key is taken, or there are as many as there may be.
        """
        name, key, now = (
            name_of(name, "the holder of the key"),
            public_of(check_text(public, "the key", 1_024)),
            self._now(),
        )
        before, keys = self._desk.approvers(), self._desk.with_key(name, key, now)
        self._telling.tell(What.OVERRIDE_REGISTERED, {"id": key.id.hex(), "detail": {"name": name}})
        self._set_keys(before, keys, now)
        return key_info_of(keys[-1])

    def unregister_override_key(self, name: str) -> None:
        """Take an override key out. What it asked for or approved ends, also what is in use; all open requests end.

        Raises:
            InputError: a name that names can't have.
            NotFoundError: no override key has that name.
        """
        name, now = name_of(name, "the holder of the key"), self._now()
        before, keys = self._desk.approvers(), self._desk.without_key(name)
        gone = next(each for each in before if each.name == name)
        self._telling.tell(
            What.OVERRIDE_UNREGISTERED, {"id": PublicKey(gone.public).id.hex(), "detail": {"name": name}}
        )
        self._set_keys(before, keys, now)

    def override_keys(self) -> list[OverrideKeyInfo]:
        """The override keys that are registered, in the order in which they were."""
        self._chip.verify()
        return [key_info_of(each) for each in self._desk.approvers()]

    def override_request(self, id: str) -> str:  # noqa: A002 - the word that callers know
        """The request with this id, as the text that `request_override` returned.

        Raises:
            NotFoundError: there is none.
        """
        return self._override(id).asked.text()

    def answer_override(self, text: str, *, key: KeyPath | None = None, approves: bool = True) -> OverrideInfo:
        """Take an answer of `approve` or `deny`. Two approvals open; one refusal ends it for good.

        With a key, the answer to a request is made here, so that the audit log also has what those two refuse.

        Args:
            text: the answer, or with a key the request.
            key: the file of the approver's key.
            approves: with a key, whether the answer approves or refuses.

        Raises:
            InputError: the text is no answer, or no request.
            KeyMissingError: the key cannot be read, or others can reach it.
            NotFoundError: it answers no request of this house.
            OverrideError: the answer may not be given: by a key that is not registered or the requester's own, altered,
                to another request, again, after a refusal, or too late.
        """
        if key is not None:
            with self._told_if_refused("approve" if approves else "deny", self._claimed(text)):
                text = (approving.approve if approves else approving.deny)(text, key)
        handed = Handed("answer", text) if key is None else None
        answer, now = answer_of(check_text(text, "an answer", 2**20)), self._now()
        step = "approve" if answer.said.approves else "deny"
        found = self._override(answer.said.id.hex())
        with self._told_if_refused(step, _of(found), handed):
            form = self._desk.judge(answer, found, now)
        what = What.OVERRIDE_APPROVED if form.approves else What.OVERRIDE_DENIED
        self._telling.tell(what, {**_of(found), "detail": {"by": form.name}})
        if found.row.used is not None:
            self._telling.tell(What.OVERRIDE_ENDED, {**_of(found), "detail": {"why": "denied"}})
        with self._told_if_refused(step, _of(found), handed):
            found = self._desk.accept(answer, now)
        return info_of(found, now)

    def use_override(
        self,
        id: str,  # noqa: A002
        *,
        key: KeyPath,
        isolation: Literal["process"] | None = None,
    ) -> Session:
        """Wake the persona: once, by whoever asked, after two approvals and before the time for using it is over.

        That it is used is in the audit log, at every alarm sink and left as a notice for the persona before a byte can
        be read. The session does what was asked for and nothing else. It ends at its time, by `sleep`, with this
        process, or when anybody ends it (`end_override`, `deny`).

        Args:
            id: of the override.
            key: the file of the requester's override key.
            isolation: as in `cross`.

        Raises:
            NotFoundError: there is no such override.
            OverrideError: it may not be used: too few approvals, another's, refused, late, used, or over.
            KeyMissingError, InputError: the key cannot be read, or others can reach it.
            EmbedderError: as in `cross`.
        """
        wake, made = self._waking(isolation), approving.load(key)
        found = self._override(id)
        with self._told_if_refused("use", _of(found)):
            lease = Lease.take(self._lease_of(found.row.id))
            if lease is None:
                raise OverrideError("it is in use", why="used")
            try:
                return self._used(found, made, lease, wake)
            except BaseException:
                lease.release()
                raise

    def end_override(self, id: str) -> OverrideInfo:  # noqa: A002
        """End an override, whatever it is: the request of one, or one in use, in any process. It never opens again.

        Its session ends at its next call, and within a second without one. Doing it again does nothing.

        Raises:
            NotFoundError: there is none.
        """
        found = self._override(id)
        self._end(found, "stopped")
        return info_of(self._override(id), self._now())

    def overrides(self) -> list[OverrideInfo]:
        """All overrides, in the order in which they were asked for, and for 30 days those that are over."""
        self._chip.verify()
        return self._settled()

    def _settled(self) -> list[OverrideInfo]:
        """The same, for a chip that was looked through."""
        now, all_ = self._gate.now(), self._desk.all()
        with suppress(StoreReadOnlyError):
            settled = [self._settle(found, now) for found in all_]
            all_ = self._desk.all() if any(settled) else all_
        return [info_of(found, now) for found in all_]

    def _used(self, found: Override, key: PrivateKey, lease: Lease, wake: Waking) -> Session:
        now = self._now()
        self._desk.check_use(found, key.public, now)
        self._tell_now(What.OVERRIDE_USED, {**_of(found), "detail": _detail(found)})  # before a byte can be read
        found = self._desk.begin(found.row.id, key.public, self._now())  # telling may have taken a while
        over = partial(_over, self._desk, self._telling, self._gate, found)
        held = Held(found, lease, desk=self._desk, book=self._book, now=self._gate.now, over=over)
        try:
            space = self._desk.key(found, key)
            who = Persona(found.request.subject, found.request.persona)
            whom = {"subject": who.subject, "persona": who.name, "place": PLACE}
            session = let_in(self._watched(wake(who, PLACE, space, Leave(held)), whom, space.space), held)
            held.take_turn()
        except BaseException:
            held.fail()
            raise
        self._keep(session)
        held.watch(session)
        return session

    def _set_keys(self, before: Sequence[ApproverForm], keys: Sequence[ApproverForm], now: int) -> None:
        for found in self._desk.set_keys(before, keys, now):
            self._telling.tell(What.OVERRIDE_ENDED, {**_of(found), "detail": {"why": "keys"}})

    def _notices_of(self, space: bytes) -> Callable[[], tuple[Notice, ...]]:
        """What tells the persona of a space what it was not told before; reaches nothing else."""
        return partial(_notices, self._desk, self._telling, self._gate, self._lease_of, space)

    def _override(self, given: object) -> Override:
        """The override with this id, ended if who used it is gone."""
        now = self._now()  # also where there is none: whoever asks of an override has seen the time
        found = self._desk.get(id_of(given))
        return self._desk.get(found.row.id) if self._settle(found, now) else found

    def _claimed(self, request: object) -> dict[str, Any]:
        """What the house itself knows of the override that a request says it is of, which may be nothing."""
        claimed = claimed_id(request) if isinstance(request, str) else None
        with suppress(NotFoundError):
            return _of(self._override("" if claimed is None else claimed.hex()))
        return {}

    def _settle(self, found: Override, now: int) -> bool:
        return _settle(self._desk, self._telling, self._lease_of, found, now)

    def _end(self, found: Override, why: str) -> None:
        if found.row.ended is None:
            self._telling.tell(What.OVERRIDE_ENDED, {**_of(found), "detail": {"why": why}})
            self._desk.end(found.row.id, self._now(), why)

    def _lease_of(self, override: bytes) -> Path:
        """The file that whoever uses the override holds; its name says nothing without the chip's name key."""
        return self._directory.absolute() / f"override-{self._chip.keys.row_id('lease', override).hex()}.lock"

    @abstractmethod
    def _waking(self, isolation: Literal["process"] | None) -> Waking:
        """What wakes a persona in this process, or in one of its own. Raises InputError for what cannot be had."""

    @abstractmethod
    def _keep(self, session: Session) -> None:
        """Put the session to sleep when the house is closed."""


def _settle(desk: Desk, telling: Telling, lease_of: Callable[[bytes], Path], found: Override, now: int) -> bool:
    """End an override that is marked as used where its time is over, or nobody holds it any more."""
    if found.row.used is None or found.row.ended is not None:
        return False
    why = "time" if found.state(now) is OverrideState.ENDED else "gone"
    if why == "gone" and is_held(lease_of(found.row.id)):
        return False
    telling.tell(What.OVERRIDE_ENDED, {**_of(found), "detail": {"why": why}})
    return desk.end(found.row.id, now, why)


def _over(desk: Desk, telling: Telling, gate: Gate, found: Override, why: str) -> None:
    if desk.get(found.row.id).row.ended is None:
        telling.tell(What.OVERRIDE_ENDED, {**_of(found), "detail": {"why": why}})
        desk.end(found.row.id, gate.now(), why)


def _notices(
    desk: Desk, telling: Telling, gate: Gate, lease_of: Callable[[bytes], Path], space: bytes
) -> tuple[Notice, ...]:
    waiting = desk.notices(space)
    with suppress(StoreReadOnlyError):
        for each in waiting:
            if each.ended is None:
                _settle(desk, telling, lease_of, desk.get(each.id), gate.now())
        return tuple(map(notice_of, desk.tell(space)))
    return tuple(notice_of(each) for each in waiting if not each.told)


def _of(found: Override) -> dict[str, Any]:
    return about(found.id, Persona(found.request.subject, found.request.persona))


def _detail(found: Override) -> dict[str, Any]:
    return {
        "requester": found.request.name,
        "reason": found.request.reason,
        "approved": ", ".join(found.approved),
        "seconds": found.request.length // 1_000_000,
    }
