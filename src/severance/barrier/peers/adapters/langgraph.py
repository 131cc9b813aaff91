"""LangGraph's stores (`pip install langgraph langgraph-checkpoint-sqlite`): the namespace (tenant, "memories").

Offline: searched by the vectors of Severance's bundled embedder.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from langgraph.store.memory import InMemoryStore

from severance.barrier.peers.port import Found
from severance.embed import bundled

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore

_ALL = 100_000


class _Store:
    """A tenant is the first part of the namespace; the key in it is the memory's id."""

    calls: ClassVar = {
        "add": "BaseStore.put(namespace, key, value)",
        "add_with": "BaseStore.put(namespace, key, value)",
        "search": "BaseStore.search(namespace_prefix, query)",
        "get": "BaseStore.get(namespace, key)",
        "update": "BaseStore.put(namespace, key, value)",
        "delete": "BaseStore.delete(namespace, key)",
        "list": "BaseStore.search(namespace_prefix)",
    }

    def __init__(self, store: BaseStore) -> None:
        self._store = store

    def add(self, tenant: str, text: str) -> str:
        return self.add_with(tenant, text, {})

    def add_with(self, tenant: str, text: str, metadata: Mapping[str, str]) -> str:
        key = f"{random.getrandbits(128):032x}"
        self._store.put((tenant, "memories"), key, {**metadata, "text": text})
        return key

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _found(self._store.search((tenant, "memories"), query=query, limit=limit))

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        item = self._store.get((tenant, "memories"), id)
        return None if item is None else str(item.value["text"])

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        self._store.put((tenant, "memories"), id, {"text": text})

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._store.delete((tenant, "memories"), id)

    def list(self, tenant: str) -> list[Found]:
        return _found(self._store.search((tenant, "memories"), limit=_ALL))

    def close(self) -> None:
        """Nothing is held."""


class InMemory(_Store):
    """`InMemoryStore`, which keeps nothing after it was closed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(InMemoryStore(index=_index()))


class Sqlite(_Store):
    """`SqliteStore`, in a file."""

    def __init__(self, folder: Path) -> None:
        # Imported here, since the other class does without that package.
        from langgraph.store.sqlite import SqliteStore  # noqa: PLC0415

        self._open = ExitStack()
        store = self._open.enter_context(SqliteStore.from_conn_string(str(folder / "store.db"), index=_index()))
        store.setup()
        super().__init__(store)

    def close(self) -> None:
        self._open.close()


def _index() -> Any:
    return {"dims": bundled().dimensions, "embed": lambda texts: bundled().embed(texts).tolist(), "fields": ["text"]}


def _found(items: Any) -> list[Found]:
    return [Found(item.key, str(item.value["text"]), item.score) for item in items]
