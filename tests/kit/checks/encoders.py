"""What endpoints are asked: for one persona nothing that tells of another, and nothing because a store says so."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

from kit import make_house, open_house
from kit.serving import serving
from severance.embed import Hashing
from severance.errors import EmbedderError

SAME = "both of them say this"
VARIABLE = "KIT_ANOTHER_SERVICE"


def endpoints_are_asked_apart(folder: Path) -> None:
    """Each session's texts are in requests of their own, on connections of their own, and asked for each time."""
    with serving() as server:
        encoders = {"embedder": f"openai:kit@{server.url}", "reranker": f"endpoint:kit@{server.url}"}
        with make_house(folder, **encoders) as house:
            sessions = [house.cross("mark", place) for place in ("floor", "home")]
            server.asked.clear()
            for session in sessions:
                session.remember_many([SAME, "something else"])
                session.recall(SAME)
        half = len(server.asked) // 2
        first, second = ([(r.path, r.body) for r in part] for part in (server.asked[:half], server.asked[half:]))
        assert first == second, "what the one persona had said changed what was asked for the other"
        assert [path.rpartition("/")[2] for path, _ in first] == ["embeddings", "embeddings", "rerank"]
        assert len({request.port for request in server.asked}) == len(server.asked), "a connection was shared"


class Named(Hashing):
    """Has the identity that somebody wants to be read in the store."""

    def __init__(self, identity: str) -> None:
        super().__init__()
        self._identity = identity

    @property
    def identity(self) -> str:
        return self._identity


def a_store_chooses_no_embedder(folder: Path) -> None:
    """What a store says of its embedder sends no text and no key, and is not told as a spec to be copied."""
    with serving() as server:
        named = f"openai:kit@{server.url}?key={VARIABLE}"
        with make_house(folder, embedder=Named(named)) as house, house.cross("mark", "floor") as innie:
            innie.remember(SAME)
        with patch.dict(os.environ, {VARIABLE: "a-secret"}), open_house(folder / "store") as house:
            try:
                house.cross("mark", "floor").recall(SAME)
            except EmbedderError as problem:
                told = str(problem)
            else:
                told = ""
        assert not server.asked, "the store chose who gets a query, and whose key"
        assert told.startswith("these memories were embedded by "), "another embedder than theirs was used"
        assert "--embedder" not in told, "a spec was given that names a server and a key"
