"""LanceDB (`pip install lancedb`): a table with an embedding function, searched by vectors, or by vectors and words.

Its documentation advises an index of vectors from some 100,000 rows on; the exact search of fewer needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import lancedb
from lancedb.embeddings import TextEmbeddingFunction, get_registry, register
from lancedb.pydantic import LanceModel, Vector

from bench.peers.port import Counted, labels
from bench.quality.corpora import Said

_INDEX_FROM = 100_000
_EMBEDDER: list[Counted] = []
"""The one of this process: the registry makes embedding functions by name, with nothing but their options."""


@register("bench-bundled")
class _Bundled(TextEmbeddingFunction):  # type: ignore[misc, unused-ignore]
    """The embedder, as LanceDB calls one."""

    def ndims(self) -> int:
        return _EMBEDDER[-1].dimensions

    def generate_embeddings(self, texts: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return list(_EMBEDDER[-1].embed(list(texts)))


class Vectors:
    """A speaker and a date are columns."""

    batch: ClassVar = 20_000
    query_type: ClassVar = "vector"

    def __init__(self, folder: Path, embedder: Counted) -> None:
        self.embedder = embedder
        _EMBEDDER.append(embedder)
        made = get_registry().get("bench-bundled").create()

        class Memory(LanceModel):  # type: ignore[misc, unused-ignore]
            name: str
            text: str = made.SourceField()
            vector: Vector(embedder.dimensions) = made.VectorField()  # type: ignore[valid-type]
            speaker: str = ""
            date: str = ""

        self._table = lancedb.connect(str(folder)).create_table("memories", schema=Memory, exist_ok=True)

    def add(self, said: Said) -> None:
        self.add_many([said])

    def add_many(self, said: Sequence[Said]) -> None:
        self._table.add(
            [{"name": one.name, "text": one.text, "speaker": "", "date": "", **labels(one)} for one in said]
        )

    def ready(self) -> None:
        if self._table.count_rows() >= _INDEX_FROM:
            self._table.create_index(metric="cosine", index_type="IVF_HNSW_SQ")
        self._table.optimize()

    def search(self, query: str, limit: int) -> list[str]:
        found = self._table.search(query, query_type=self.query_type).select(["name", "text"]).limit(limit)
        return [row["name"] for row in found.to_list()]

    def close(self) -> None:
        """Nothing is held."""


class Hybrid(Vectors):
    """With an index of words, and both rankings put together by their places."""

    query_type: ClassVar = "hybrid"

    def ready(self) -> None:
        self._table.create_fts_index("text", replace=True)
        super().ready()
