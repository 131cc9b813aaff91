"""What happens in a house is told before it does: to the audit log first, and then to whoever else listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from severance.audit.auditlog import AuditLog
from severance.audit.events import What
from severance.errors import StoreMissingError
from severance.model import Persona, PersonaEvent, moment

Listener = Callable[[What, Mapping[str, Any]], None]
"""Is told one event: what happens, and the fields of `Happened` that were said of it."""


class Telling:
    """Where everything that happens is said. Safe for any number of threads."""

    def __init__(self, audit: AuditLog | None) -> None:
        """Without a log, in a store that is only read, listeners alone are told."""
        self._audit = audit
        self.listeners: list[Listener] = []

    def tell(self, what: What, *each: Mapping[str, Any]) -> None:
        """Say that these happen now: all are in the log, durably, before anybody who listens hears of one.

        Raises:
            StoreError, DamagedError: it cannot be written down, and so must not happen.
        """
        if self._audit is not None:
            self._audit.tell_all(what, each)
        self._hear(what, *each)

    def count(self, what: What, event: Mapping[str, Any]) -> None:
        """Say that this happens now to those who listen, after the log was written to as by `tell`, but for the entry:
        `sum_up` has it when there are more of its kind. Raises as `tell`.
        """
        if self._audit is not None:
            self._audit.weigh(what, **event)
        self._hear(what, event)

    def sum_up(self, what: What, *each: Mapping[str, Any]) -> None:
        """Write down what was counted: those who listen have heard of it. Raises as `tell`."""
        if self._audit is not None:
            self._audit.tell_all(what, each)

    def of(self, persona: Persona, place: str) -> Own:
        """What a session of this persona at this place says and reads."""
        return Own(self, self._audit, persona, place)

    def _hear(self, what: What, *each: Mapping[str, Any]) -> None:
        for listener in self.listeners:
            for event in each:
                listener(what, event)


class Own:
    """What one session says to the log, and reads of it: of its own persona, and of nobody else."""

    def __init__(self, telling: Telling, audit: AuditLog | None, persona: Persona, place: str) -> None:
        """Not for callers: use `Telling.of`."""
        self._telling = telling
        self._audit = audit
        self._persona = persona
        self._place = place

    def tell(self, what: What, **detail: str | int | bool) -> None:
        """Say that this happens now to the persona at its place, with numbers and fixed words. Raises as `Telling`."""
        whom = {"subject": self._persona.subject, "persona": self._persona.name, "place": self._place}
        self._telling.tell(what, {**whom, "detail": detail})

    def events(self, limit: int) -> list[PersonaEvent]:
        """The last entries that the persona is shown of itself, the oldest first: so many at most.

        Raises:
            StoreMissingError: the store is only read, and has no log open.
        """
        if self._audit is None:
            raise no_log()
        found = self._audit.own(self._persona.subject, self._persona.name, limit)
        return [PersonaEvent(at=moment(event.at), what=event.what, place=event.place) for event in found]


def no_log() -> StoreMissingError:
    """The error for who would read the audit log of a store that is only read."""
    return StoreMissingError("the audit log is not open, since the store may not be written; allow writing")
