"""The part of a house that makes owner tokens: who shows one is answered as the owner by a house that is up."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from severance.admitting import shown_text
from severance.asking import end_of
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.gate import Gate, Standing
from severance.chip.tokens import Tokens
from severance.drafts import check_text
from severance.errors import NotFoundError
from severance.model import MAX_LABEL_BYTES, OwnerTokenInfo
from severance.refusals import Refusals
from severance.telling import Telling


class Owning:
    """What a house does for its owner's other programs, which have no root key."""

    _chip: Chip
    _gate: Gate
    _tokens: Tokens
    _telling: Telling
    _refusals: Refusals

    def owner_token(self, *, until: datetime | date | timedelta | str, label: str = "") -> str:
        """Make an owner token: a text with which a program sees the audit log, alarms and overrides of a house that is
        up, and answers overrides (`ResidentHouse.owner`). It opens no persona. It is not kept.

        Args:
            until: when it ends: a time, or how long from now.
            label: what it is for, in your words; `owner_tokens` shows it.

        Raises:
            InputError: an end that is over, or a label that is no text or too long.
        """
        end, label = end_of(until, self._gate.now()), check_text(label, "the label", MAX_LABEL_BYTES)

        def tell(made: bytes) -> None:
            self._telling.tell(What.TOKEN_MADE, {"id": made.hex(), "detail": {"until": end}})

        return self._tokens.make(end, label, tell)

    def owner_tokens(self) -> list[OwnerTokenInfo]:
        """All owner tokens, in the order in which they were made, and for 30 days those that have ended."""
        return self._tokens.all()

    def revoke_owner_token(self, id: str) -> None:  # noqa: A002 - the word that callers know
        """End an owner token for good, with every connection that it opened. Doing it again does nothing.

        Raises:
            NotFoundError: none has that id.
        """
        if self._tokens.is_open(id):
            self._telling.tell(What.TOKEN_REVOKED, {"id": id})
        self._tokens.revoke(id)

    def _is_owner(self, text: str) -> bool:
        """Whether whoever shows this text is answered as the owner now. Nothing is told. Raises InputError as below."""
        return self._tokens.read(shown_text(text)).standing is not None

    def _owner_with(self, text: str) -> Standing:
        """Until when whoever shows this text is answered as the owner.

        Raises:
            InputError: it is no text.
            NotFoundError: it opens nothing. One error, whatever the reason: it is no owner token, or another house's,
                was altered, has ended or was revoked.
        """
        shown = self._tokens.read(shown_text(text))
        if shown.standing is None:
            if shown.late:
                self._refusals.tell({"detail": {"by": "token", "late": True}})
            else:
                self._refusals.stranger("token")
            self._chip.verify()  # what is not there may have been taken out
            raise NotFoundError("that opens nothing here; `severance owner token` makes what does")
        return shown.standing
