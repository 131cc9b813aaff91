"""The part of a house in which an override is asked for: here with a key, or where the key is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple

from severance import approving
from severance.approving import KeyPath
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.gate import Gate
from severance.chip.override.desk import Desk
from severance.chip.override.texts import Request, request_of
from severance.chip.override.wishes import wish_of as wish_in
from severance.drafts import check_text, name_of
from severance.errors import NotFoundError, OverrideError, StoreReadOnlyError
from severance.model import OverrideInfo, Persona, Right
from severance.overridden import info_of, reason_of, wish_of
from severance.refusals import Refusals
from severance.telling import Telling

_HOUR = timedelta(hours=1)

_STRANGE = frozenset({"altered", "stranger"})
"""Why a text is refused that no registered key has signed."""


class Handed(NamedTuple):
    """A text that was signed elsewhere, as anybody can hand it in: what it is in one word, and itself."""

    kind: str
    text: str


class Wishing:
    """What a house does for those who ask for an override."""

    _chip: Chip
    _gate: Gate
    _desk: Desk
    _telling: Telling
    _refusals: Refusals

    def request_override(
        self,
        subject: str,
        persona: str,
        *,
        key: KeyPath,
        reason: str,
        rights: Iterable[str] = (Right.RECALL,),
        threads: Iterable[str] | None = None,
        length: timedelta,
        approve_within: timedelta = _HOUR,
        use_within: timedelta = _HOUR,
    ) -> str:
        """Ask for a persona to be woken outside its place. Returns the request, as text, for the approvers.

        The text says in the clear who is to be woken and why; its shares open for the approvers alone.

        Args:
            subject, persona: who.
            key: the file of the requester's override key.
            reason: why, at most 500 characters; the approvers and the persona read it, and the audit log has it.
            rights, threads: what the session may do, and in which threads; None for all.
            length: for how long it opens, at most 30 days, as the next two.
            approve_within: until when it can be approved, from now.
            use_within: until when it can be used, from the end of the time for approving.

        Raises:
            InputError: an argument cannot be meant.
            NotFoundError: no such persona.
            OverrideError: the key is not registered, or too few are.
            KeyMissingError: the key cannot be read, or others can reach it.
        """
        who = Persona(name_of(subject, "the subject"), name_of(persona, "the persona"))
        made, now = approving.load(key), self._now()
        wish = wish_of(reason, rights, threads, (length, approve_within, use_within))
        with self._told_if_refused("request", {"subject": who.subject, "persona": who.name}):
            asked = self._desk.ask(who, wish, made, now)
            self._chip.verify()
        self._telling.tell(What.OVERRIDE_REQUESTED, _asking(asked.said))
        self._desk.add(asked, now)
        return asked.text()

    def draft_override(self, wish: str) -> str:
        """Answer a wish of `wish_override` with the draft of a request, as text, which `sign_draft` makes one of.

        It is in the audit log, and rings, before the shares for the approvers leave the house. A wish that is handed in
        again is answered with the same draft, and told once.

        Args:
            wish: the text, signed by a registered override key elsewhere.

        Raises:
            InputError: the text is no wish, or its reason is blank.
            NotFoundError: no such persona.
            OverrideError: the wish was altered, its key is not registered or has asked too often, or too few are; or
                its time for approving is over, or has not begun.
        """
        text, now = check_text(wish, "a wish", 2**20), self._now()
        handed = Handed("wish", text)
        with self._told_if_refused("draft", {}, handed):
            found = wish_in(text)
        reason_of(found.said.reason)
        whom = self._whom(found.said)
        with self._told_if_refused("draft", whom, handed):
            draft = self._desk.draft(found, now)
            known = self._desk.is_kept(draft)
            self._chip.verify()
        if not known:
            self._telling.tell(What.OVERRIDE_DRAFTED, _asking(draft.said))
            with self._told_if_refused("draft", whom, handed):
                self._desk.keep(draft, now)
        return draft.text()

    def submit_override(self, request: str) -> OverrideInfo:
        """Take a request that was signed elsewhere, as `request_override` keeps its own.

        Handed in again, it is told once, and answered as it is by now.

        Args:
            request: the text that `sign_draft` returned.

        Raises:
            InputError: the text is no request, or its reason is blank.
            NotFoundError: no such persona.
            OverrideError: it was altered, is of a key that is not registered or that has asked too often, or is not of
                a draft that this house made, or not of the house as it is now; or it is late.
        """
        text, now = check_text(request, "a request", 2**20), self._now()
        handed = Handed("request", text)
        with self._told_if_refused("request", {}, handed):
            asked = request_of(text)
        reason_of(asked.said.reason)
        whom = self._whom(asked.said)
        with self._told_if_refused("request", whom, handed):
            found = self._desk.known(asked)
            if found is None:
                self._desk.check_asked(asked, now)
                self._chip.verify()
        if found is None:
            self._telling.tell(What.OVERRIDE_REQUESTED, _asking(asked.said))
            with self._told_if_refused("request", whom, handed):
                found = self._desk.take(asked, now)
        return info_of(found, now)

    def _whom(self, said: Request) -> dict[str, Any]:
        """Whom a request that a registered key has signed is about; nobody where it is a stranger's."""
        known = any(each.public == said.requester for each in self._desk.approvers())
        return {"subject": said.subject, "persona": said.persona} if known else {}

    def _now(self) -> int:
        """The time by which overrides are judged, never before what was seen; from now on, this one was."""
        at = self._gate.time()
        now = self._gate.now(at=at)
        with suppress(StoreReadOnlyError):
            self._gate.seen(now, at=at)
        return now

    @contextmanager
    def _told_if_refused(self, step: str, about: Mapping[str, Any], handed: Handed | None = None) -> Iterator[None]:
        """Tell of a refusal. What was handed in, and nobody here signed or was refused before, is as a stranger's."""
        try:
            yield
        except (NotFoundError, OverrideError) as error:
            why = error.why if isinstance(error, OverrideError) else "persona"
            if handed is not None and (why in _STRANGE or self._refusals.knows(f"{why} {handed.text.strip()}")):
                self._refusals.stranger(handed.kind)
                raise
            self._telling.tell(What.OVERRIDE_REFUSED, {**about, "detail": {"step": step, "why": why}})
            if handed is not None:
                self._refusals.remember(f"{why} {handed.text.strip()}")
            raise


def _asking(said: Request) -> dict[str, Any]:
    told = {"reason": said.reason, "requester": said.name}
    return {**about(said.id.hex(), Persona(said.subject, said.persona)), "detail": told}


def about(given: str, who: Persona) -> dict[str, Any]:
    """Which override, by its id in hex, and of whom: as an entry of the log has it."""
    return {"id": given, "subject": who.subject, "persona": who.name}
