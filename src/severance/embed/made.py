"""Encoders and re-rankers, made as a spec says: see `severance.embed.specs`, which imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from severance.embed import local, rerank
from severance.embed.bundled import bundled
from severance.embed.encoder import MOST_DIMENSIONS
from severance.embed.endpoint import Endpoint, Patience
from severance.embed.served import Served
from severance.embed.specs import BUNDLED, EMBEDDERS, KIND, RERANKERS, Spec, parsed
from severance.errors import InputError
from severance.ports import MOST_CANDIDATES, Embedder, Reranker, Reranking

_HOSTED = "https://api.openai.com/v1"
_HOSTED_KEY = "OPENAI_API_KEY"
_SUCH_EMBEDDERS = (
    f"{BUNDLED}, openai:MODEL@URL, openai:MODEL, fastembed:MODEL, model2vec:MODEL or sentence-transformers:MODEL"
)
_SUCH_RERANKERS = "endpoint:MODEL@URL, sentence-transformers:MODEL or fastembed:MODEL"


def embedder_of(text: str, secret: Collection[str] = ()) -> Callable[[], Embedder]:
    """What makes the embedder that a spec means. The spec is checked now, and the model loaded when it is called.

    Args:
        text: the spec.
        secret: names of variables that are never read for an API key, since they hold the root key.

    Raises:
        InputError: the spec cannot be meant.
    """
    if text == BUNDLED:
        return bundled
    spec = parsed(text, "embedder", EMBEDDERS, _SUCH_EMBEDDERS)
    words = spec.given("query", "document")
    if spec.kind == KIND:
        how = words | spec.given("version")
        batch, dimensions = spec.whole("batch", 1, 2_048), spec.whole("dimensions", 1, MOST_DIMENSIONS)
        served = Served(spec.model, _endpoint(spec, secret), batch=batch or 64, dimensions=dimensions, **how)
        return lambda: served
    if spec.kind == "fastembed":
        return lambda: local.FastEmbed(spec.model, **words, **spec.given("path"))
    kind = local.Model2Vec if spec.kind == "model2vec" else local.SentenceTransformers
    return lambda: kind(spec.model, **words)


def reranker_of(text: str, secret: Collection[str] = ()) -> Callable[[], Reranking]:
    """What makes the re-ranker that a spec means, as `embedder_of`.

    Raises:
        InputError: the spec cannot be meant.
    """
    spec = parsed(text, "re-ranker", RERANKERS, _SUCH_RERANKERS)
    candidates = spec.whole("candidates", 2, MOST_CANDIDATES)
    how: dict[str, Any] = {} if candidates is None else {"candidates": candidates}
    how["plain_on_failure"] = spec.one_of("on-failure", ("error", "plain")) == "plain"
    make: Callable[[], Reranker]
    if spec.kind == "endpoint":
        served = rerank.ServedReranker(spec.model, _endpoint(spec, secret))
        make = lambda: served  # noqa: E731
    elif spec.kind == "fastembed":
        make = lambda: rerank.FastEmbedReranker(spec.model, **spec.given("path"))  # noqa: E731
    else:
        make = lambda: rerank.SentenceTransformersReranker(spec.model)  # noqa: E731
    return lambda: Reranking(make(), **how)


def _endpoint(spec: Spec, secret: Collection[str]) -> Endpoint:
    key, url = spec.options.get("key"), spec.url
    if key in secret:
        raise InputError(f"{key} is for the root key, which no endpoint gets; put the API key in another variable")
    if url is None:
        if spec.kind != KIND:
            raise InputError("say where the re-ranker is, as endpoint:MODEL@http://127.0.0.1:8080/v1")
        key, url = key or _HOSTED_KEY, _HOSTED
    usual = Patience()
    seconds, tries = spec.whole("seconds", 1, 86_400), spec.whole("tries", 1, 100)
    patience = replace(usual, seconds=seconds or usual.seconds, tries=tries or usual.tries)
    plain_http = spec.one_of("plain-http", ("allowed",)) is not None
    return Endpoint(url, key=key, plain_http=plain_http, patience=patience)
