"""mem0 (`pip install mem0ai langchain`): `Memory` with its default vector store on disk, a user id for each tenant.

Offline: texts are kept as they are (`infer=False`), so that no language model is called, and embedded with Severance's
bundled embedder through the provider for LangChain embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.embeddings import Embeddings
from mem0 import Memory

from severance.barrier.peers.port import Found
from severance.embed import bundled

_ALL = 100_000


class Bundled(Embeddings):  # type: ignore[misc, unused-ignore]
    """Severance's bundled embedder, as LangChain calls one."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = bundled().embed(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class Mem0:
    """A tenant is a user id."""

    calls: ClassVar = {
        "add": "Memory.add(messages, user_id)",
        "add_with": "Memory.add(messages, user_id, metadata)",
        "search": "Memory.search(query, filters)",
        "get": "Memory.get(memory_id)",
        "update": "Memory.update(memory_id, text)",
        "delete": "Memory.delete(memory_id)",
        "list": "Memory.get_all(filters)",
    }

    def __init__(self, folder: Path) -> None:
        self._memory = Memory.from_config(
            {
                "vector_store": {
                    "provider": "qdrant",
                    "config": {
                        "path": str(folder / "qdrant"),
                        "on_disk": True,
                        "embedding_model_dims": bundled().dimensions,
                    },
                },
                "embedder": {"provider": "langchain", "config": {"model": Bundled()}},
                "llm": {"provider": "openai", "config": {"api_key": "never called"}},
                "history_db_path": str(folder / "history.db"),
            }
        )

    def add(self, tenant: str, text: str) -> str:
        return str(self._memory.add(text, user_id=tenant, infer=False)["results"][0]["id"])

    def add_with(self, tenant: str, text: str, metadata: Mapping[str, str]) -> str:
        added = self._memory.add(text, user_id=tenant, infer=False, metadata=dict(metadata))
        return str(added["results"][0]["id"])

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _found(self._memory.search(query, filters={"user_id": tenant}, top_k=limit))

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        found = self._memory.get(id)
        return None if found is None else str(found["memory"])

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        self._memory.update(id, text)

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._memory.delete(id)

    def list(self, tenant: str) -> list[Found]:
        return _found(self._memory.get_all(filters={"user_id": tenant}, top_k=_ALL))

    def close(self) -> None:
        self._memory.vector_store.client.close()
        self._memory.close()


def _found(answer: dict[str, Any]) -> list[Found]:
    return [Found(str(each["id"]), each["memory"], each.get("score")) for each in answer["results"]]
