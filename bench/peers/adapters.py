"""The peers by name: where their adapters are, and what has to be installed for them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.peers.port import Peer


@dataclass(frozen=True, slots=True)
class Adapter:
    """One peer.

    Attributes:
        title: what tables call it.
        module, name: its adapter.
        packages: what it is installed as.
        kept: whether it keeps anything on disk.
        fields: whether it has fields for speaker and day that recall searches.
        own_embedder: whether it embeds with a model of its own and not with that of all others.
    """

    title: str
    module: str
    name: str
    packages: tuple[str, ...]
    kept: bool = True
    fields: bool = False
    own_embedder: bool = False

    def load(self) -> type[Peer]:
        """The adapter's class.

        Raises:
            ImportError: the peer is not installed.
        """
        found: type[Peer] = getattr(import_module(f"bench.peers.{self.module}"), self.name)
        return found


OURS = "severance"

KNOWN = {
    OURS: Adapter("Severance", "ours", "Severance", ("severance",), fields=True),
    "mem0": Adapter("mem0, local Qdrant", "mem0", "Mem0", ("mem0ai", "qdrant-client")),
    "langgraph": Adapter("LangGraph InMemoryStore", "langgraph", "InMemory", ("langgraph",), kept=False),
    "langgraph-sqlite": Adapter("LangGraph SqliteStore", "langgraph", "Sqlite", ("langgraph-checkpoint-sqlite",)),
    "chroma": Adapter("Chroma", "chroma", "Chroma", ("chromadb",)),
    "lancedb": Adapter("LanceDB", "lancedb", "Vectors", ("lancedb",)),
    "lancedb-hybrid": Adapter("LanceDB, hybrid", "lancedb", "Hybrid", ("lancedb",)),
    "compartment": Adapter(
        "Compartment, its own embedder",
        "compartment",
        "Compartment",
        ("compartment",),
        fields=True,
        own_embedder=True,
    ),
}
