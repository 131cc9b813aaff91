"""LangGraph's stores (`pip install langgraph langgraph-checkpoint-sqlite`), with an index of the field `text`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from langgraph.store.base import PutOp
from langgraph.store.memory import InMemoryStore

from bench.peers.port import Counted, labels
from bench.quality.corpora import Said

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore

_NAMESPACE = ("bench", "memories")


class _Store:
    """A speaker and a date are fields of the value."""

    batch: ClassVar = 5_000

    def __init__(self, store: BaseStore, embedder: Counted) -> None:
        self._store = store
        self.embedder = embedder

    def add(self, said: Said) -> None:
        self._store.put(_NAMESPACE, said.name, {"text": said.text, **labels(said)})

    def add_many(self, said: Sequence[Said]) -> None:
        self._store.batch([PutOp(_NAMESPACE, one.name, {"text": one.text, **labels(one)}) for one in said])

    def ready(self) -> None:
        """Nothing."""

    def search(self, query: str, limit: int) -> list[str]:
        return [item.key for item in self._store.search(_NAMESPACE, query=query, limit=limit)]

    def close(self) -> None:
        """Nothing is held."""


class InMemory(_Store):
    """`InMemoryStore`, which keeps nothing after it was closed."""

    def __init__(self, folder: Path, embedder: Counted) -> None:
        super().__init__(InMemoryStore(index=_index(embedder)), embedder)


class Sqlite(_Store):
    """`SqliteStore`, in a file, with vectors by sqlite-vec."""

    def __init__(self, folder: Path, embedder: Counted) -> None:
        # Imported here, since the other class does without that package.
        from langgraph.store.sqlite import SqliteStore  # noqa: PLC0415

        self._open = ExitStack()
        made = SqliteStore.from_conn_string(str(folder / "store.db"), index=_index(embedder))
        store = self._open.enter_context(made)
        store.setup()
        super().__init__(store, embedder)

    def close(self) -> None:
        self._open.close()


def _index(embedder: Counted) -> Any:
    return {"dims": embedder.dimensions, "embed": lambda texts: embedder.embed(texts).tolist(), "fields": ["text"]}
