"""Faults against P1: what encoders are asked for one persona tells of another, or is asked because a store says so."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from kit import checks
from kit.faults.table import Patch, fault
from severance import net
from severance import session as session_module
from severance import writing as writing_module
from severance.embed.encoder import Encoder
from severance.embed.endpoint import Endpoint
from severance.embed.made import embedder_of


@fault(checks.separate)
def vectors_are_cached_by_text_for_all_personas(patch: Patch) -> None:
    true, cache = writing_module.embedded, dict[Any, Any]()

    def embedded(embedder: Any, texts: Sequence[str]) -> list[Any]:
        missing = [text for text in dict.fromkeys(texts) if (embedder.identity, text) not in cache]
        if missing:
            keys = [(embedder.identity, text) for text in missing]
            cache.update(zip(keys, true(embedder, missing), strict=True))
        return [cache[embedder.identity, text] for text in texts]

    patch.setattr(writing_module, "embedded", embedded)
    patch.setattr(session_module, "embedded", embedded)


@fault(checks.separate)
def a_request_takes_along_what_another_session_said_last(patch: Patch) -> None:
    true, last = writing_module.embedded, dict[Any, list[str]]()

    def embedded(embedder: Any, texts: Sequence[str]) -> list[Any]:
        batch = [*texts, *last.get(embedder.identity, ())]
        last[embedder.identity] = [text for text in texts if len(text) < 100][:1]
        return list(true(embedder, batch)[: len(texts)])

    patch.setattr(session_module, "embedded", embedded)


@fault(checks.separate)
def a_query_is_embedded_once_for_all_personas(patch: Patch) -> None:
    true, cache = writing_module.query_vector, dict[Any, Any]()

    def query_vector(embedder: Any, query: str, dimensions: int) -> Any:
        asked = embedder.identity, query
        if asked not in cache:
            cache[asked] = true(embedder, query, dimensions)
        return cache[asked]

    patch.setattr(session_module, "query_vector", query_vector)


@fault(checks.separate)
def candidates_are_scored_together_with_those_of_the_recall_before(patch: Patch) -> None:
    true, before = session_module.reranked, list[str]()

    def reranked(reranking: Any, query: str, hits: Any, limit: int) -> Any:
        class Along:
            def score(self, query: str, texts: Sequence[str]) -> Any:
                scores = reranking.reranker.score(query, [*texts, *before])[: len(texts)]
                before[:] = texts[:1]
                return scores

        return true(type(reranking)(Along(), candidates=reranking.candidates), query, hits, limit)

    patch.setattr(session_module, "reranked", reranked)


@fault(checks.endpoints_are_asked_apart)
def an_encoder_keeps_vectors_by_text(patch: Patch) -> None:
    true, cache = Encoder._embedded, dict[Any, Any]()

    def kept(self: Encoder, texts: Sequence[str], *, asking: bool) -> Any:
        missing = [text for text in dict.fromkeys(texts) if text not in cache]
        if missing:
            cache.update(zip(missing, true(self, missing, asking=asking), strict=True))
        return np.array([cache[text] for text in texts])

    patch.setattr(Encoder, "_embedded", kept)


@fault(checks.endpoints_are_asked_apart)
def a_request_says_how_many_went_before_it(patch: Patch) -> None:
    true, count = Endpoint.ask, [0]

    def ask(self: Endpoint, path: str, question: dict[str, Any], *given: Any) -> Any:
        count[0] += 1
        return true(self, path, {**question, "user": str(count[0])}, *given)

    patch.setattr(Endpoint, "ask", ask)


@fault(checks.endpoints_are_asked_apart)
def one_connection_serves_everybody(patch: Patch) -> None:
    true, pool = http.client.HTTPConnection.connect, dict[Any, Any]()

    def connect(self: http.client.HTTPConnection) -> None:
        if self.port not in pool:
            true(self)
            pool[self.port] = self.sock
        self.sock = pool[self.port]

    patch.setattr(http.client.HTTPConnection, "connect", connect)
    patch.setattr(net, "closing", nullcontext)


@fault(checks.a_store_chooses_no_embedder)
def a_session_uses_the_embedder_that_its_memories_name(patch: Patch) -> None:
    def obey(self: Any) -> None:
        self._embedder = embedder_of(self._mind.embedder.identity)()

    patch.setattr(session_module.Session, "_check_embedder", obey)


@fault(checks.a_store_chooses_no_embedder)
def an_error_gives_what_the_memories_name_as_a_spec(patch: Patch) -> None:
    patch.setattr(writing_module, "spec_of", lambda identity: identity)
