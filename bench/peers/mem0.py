"""mem0 (`pip install mem0ai langchain`): `Memory` with its default vector store, local Qdrant on disk.

Texts are kept as they are (`infer=False`), so that no language model is called. Its keyword search downloads a model,
so it does without. There is no call that adds many with metadata of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from langchain_core.embeddings import Embeddings
from mem0 import Memory

from bench.peers.port import Counted, labels
from bench.quality.corpora import Said

_USER = "bench"


class _Bundled(Embeddings):  # type: ignore[misc, unused-ignore]
    """The embedder, as LangChain calls one."""

    def __init__(self, embedder: Counted) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self._embedder.embed(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class Mem0:
    """A speaker and a date are metadata."""

    batch: ClassVar = 500

    def __init__(self, folder: Path, embedder: Counted) -> None:
        self.embedder = embedder
        dimensions = embedder.dimensions
        store = {"path": str(folder / "qdrant"), "on_disk": True, "embedding_model_dims": dimensions}
        self._memory = Memory.from_config(
            {
                "vector_store": {"provider": "qdrant", "config": store},
                "embedder": {"provider": "langchain", "config": {"model": _Bundled(embedder)}},
                "llm": {"provider": "openai", "config": {"api_key": "never called"}},
                "history_db_path": str(folder / "history.db"),
            }
        )

    def add(self, said: Said) -> None:
        self._memory.add(said.text, user_id=_USER, infer=False, metadata={"name": said.name, **labels(said)})

    def add_many(self, said: Sequence[Said]) -> None:
        for one in said:
            self.add(one)

    def ready(self) -> None:
        """Nothing."""

    def search(self, query: str, limit: int) -> list[str]:
        found = self._memory.search(query, filters={"user_id": _USER}, top_k=limit, threshold=0.0)
        return [str(each["metadata"]["name"]) for each in found["results"]]

    def close(self) -> None:
        self._memory.vector_store.client.close()
        self._memory.close()
