"""Chroma (`pip install chromadb`): a persistent client and one collection, with its default index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import chromadb
from chromadb.config import Settings

from bench.peers.port import Counted, labels
from bench.quality.corpora import Said


class _Bundled(chromadb.EmbeddingFunction[Any]):  # type: ignore[misc, unused-ignore]
    """The embedder, as Chroma calls one."""

    def __init__(self, embedder: Counted) -> None:
        self._embedder = embedder

    def __call__(self, input: Any) -> Any:  # noqa: A002
        return list(self._embedder.embed(input))


class Chroma:
    """A speaker and a date are metadata."""

    batch: ClassVar = 5_000

    def __init__(self, folder: Path, embedder: Counted) -> None:
        self.embedder = embedder
        self._client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        self._memories = self._client.get_or_create_collection("memories", embedding_function=_Bundled(embedder))

    def add(self, said: Said) -> None:
        self.add_many([said])

    def add_many(self, said: Sequence[Said]) -> None:
        metadatas: Any = [labels(one) or None for one in said]
        self._memories.add(ids=[one.name for one in said], documents=[one.text for one in said], metadatas=metadatas)

    def ready(self) -> None:
        """Nothing."""

    def search(self, query: str, limit: int) -> list[str]:
        found: list[str] = self._memories.query(query_texts=[query], n_results=limit)["ids"][0]
        return found

    def close(self) -> None:
        self._client.close()
