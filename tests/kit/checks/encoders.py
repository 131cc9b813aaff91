"""P1 beyond the process: what an endpoint is asked for one persona says nothing of another."""

from __future__ import annotations

from pathlib import Path

from kit import make_house
from kit.serving import serving

SAME = "both of them say this"


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
