"""What happens in a house is told before it does: to the audit log first, and then to whoever else listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from severance.audit.auditlog import AuditLog
from severance.audit.events import What

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
        for listener in self.listeners:
            for event in each:
                listener(what, event)
