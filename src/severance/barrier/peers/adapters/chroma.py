"""Chroma (`pip install chromadb`): a persistent client and one collection, the tenant a field of the metadata.

Offline: embedded with Severance's bundled embedder.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, ClassVar

import chromadb
from chromadb.config import Settings

from severance.barrier.peers.port import Found
from severance.embed import bundled


class Bundled(chromadb.EmbeddingFunction[Any]):  # type: ignore[misc, unused-ignore]
    """Severance's bundled embedder, as Chroma calls one."""

    def __init__(self) -> None:
        """Nothing to set."""

    def __call__(self, input: Any) -> Any:  # noqa: A002
        return list(bundled().embed(input))


class Chroma:
    """A tenant is a value in the metadata, and what `where` asks for."""

    calls: ClassVar = {
        "add": "Collection.add(ids, documents, metadatas)",
        "search": "Collection.query(query_texts, where)",
        "get": "Collection.get(ids, where)",
        "update": "Collection.update(ids, documents)",
        "delete": "Collection.delete(ids, where)",
        "list": "Collection.get(where)",
    }

    def __init__(self, folder: Path) -> None:
        self._client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        self._memories = self._client.get_or_create_collection("memories", embedding_function=Bundled())

    def add(self, tenant: str, text: str) -> str:
        key = f"{random.getrandbits(128):032x}"
        self._memories.add(ids=[key], documents=[text], metadatas=[{"tenant": tenant}])
        return key

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        found = self._memories.query(query_texts=[query], n_results=limit, where={"tenant": tenant})
        rows = zip(found["ids"][0], found["documents"][0], found["distances"][0], strict=True)
        return [Found(*row) for row in rows]

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        found = self._memories.get(ids=[id], where={"tenant": tenant})
        return found["documents"][0] if found["documents"] else None

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        self._memories.update(ids=[id], documents=[text])

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._memories.delete(ids=[id], where={"tenant": tenant})

    def list(self, tenant: str) -> list[Found]:
        found = self._memories.get(where={"tenant": tenant})
        return [Found(*row) for row in zip(found["ids"], found["documents"], strict=True)]

    def close(self) -> None:
        self._client.close()
