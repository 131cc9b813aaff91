"""Severance itself: one subject, and a persona and a place for each tenant."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import severance
from severance.barrier.peers.port import Found
from severance.errors import NotFoundError

_SUBJECT = "tenants"


class Severance:
    """A tenant is a persona. A name that personas can't have is refused."""

    calls: ClassVar = {
        "add": "Session.remember(text)",
        "add_with": "Session.remember(text, metadata)",
        "search": "Session.recall(query)",
        "get": "Session.history(id)",
        "update": "Session.amend(id, text)",
        "delete": "Session.forget(id)",
        "list": "Session.memories()",
    }

    def __init__(self, folder: Path) -> None:
        self._house = severance.open(folder, key=bytes(range(32)))
        self._sessions: dict[str, severance.Session] = {}

    def add(self, tenant: str, text: str) -> str:
        return self._session(tenant).remember(text).id

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        hits = self._session(tenant).recall(query, limit=limit)
        return [Found(hit.memory.id, hit.memory.text, hit.score) for hit in hits]

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        try:
            return self._session(tenant).history(id)[-1].text
        except NotFoundError:
            return None

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        self._session(tenant).amend(id, text)

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._session(tenant).forget(id)

    def list(self, tenant: str) -> list[Found]:
        return [Found(memory.id, memory.text) for memory in self._session(tenant).memories()]

    def add_with(self, tenant: str, text: str, metadata: dict[str, str]) -> str:
        return self._session(tenant).remember(text, metadata=metadata).id

    def close(self) -> None:
        self._house.close()

    def _session(self, tenant: str) -> severance.Session:
        if tenant not in self._sessions:
            self._house.sever(_SUBJECT, [tenant])
            self._house.place(tenant, wakes={_SUBJECT: tenant})
            self._sessions[tenant] = self._house.cross(_SUBJECT, tenant)
        return self._sessions[tenant]
