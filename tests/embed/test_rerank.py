"""A re-ranker behind an endpoint."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kit import make_house
from kit.serving import Serving, serving
from severance import RerankerError
from severance.embed.endpoint import Endpoint, Patience
from severance.embed.rerank import ServedReranker

TEXTS = ["waffles on friday", "a goat", "waffles"]


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving() as made:
        yield made


def scores(server: Serving, *modes: str) -> np.ndarray:
    server.modes = list(modes)
    patience = Patience(tries=2, wait=lambda seconds: None)
    return ServedReranker("kit", Endpoint(server.url, patience=patience)).score("waffles on monday", TEXTS)


def test_scores_come_in_the_order_of_the_texts(server: Serving) -> None:
    found = scores(server, "ok")
    np.testing.assert_allclose(found, [2 / 3, 0, 1 / 3], atol=1e-6)
    assert found.dtype == np.float32
    [request] = server.asked
    assert request.path == "/v1/rerank"
    assert request.body == {"model": "kit", "query": "waffles on monday", "documents": TEXTS, "top_n": 3}


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("short", "2 scores for 3 texts"),
        ("long", "4 scores for 3 texts"),
        ("twice", "2 scores for 3 texts"),
        ("nan", "answered with NaN, with null or with an infinite number where a finite number belongs"),
        ("null", "answered with NaN, with null or with an infinite number where a finite number belongs"),
        ("immense", "answered with NaN, with null or with an infinite number where a finite number belongs"),
        ("404", "status 404"),
        ("500", "asked 2 times"),
    ],
)
def test_an_answer_that_is_none_is_an_error(server: Serving, mode: str, said: str) -> None:
    with pytest.raises(RerankerError, match=said):
        scores(server, mode)


def test_a_score_beyond_what_a_float_says_is_infinite_without_a_warning(server: Serving) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isinf(scores(server, "big")).sum() == 1


def test_a_broken_answer_leaves_the_order_as_it_was_where_that_was_allowed(folder: Path, server: Serving) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.modes, server.raw = ["raw"], [chunked + b"-5\r\n"]
    spec = f"endpoint:kit@{server.url}?on-failure=plain&tries=1"
    with make_house(folder, reranker=spec) as house, house.cross("mark", "floor") as innie:
        innie.remember_many(TEXTS)
        assert len(innie.recall("waffles")) > 1
    assert len(server.asked) == 1


def test_an_answer_is_bounded_by_what_was_asked(server: Serving) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    server.raw = [head + b" " * 2**18]
    with pytest.raises(RerankerError, match=r"answered with more than \d\d,\d{3} bytes"):
        scores(server, "raw")


def test_a_passing_failure_passes(server: Serving) -> None:
    assert len(scores(server, "503", "ok")) == 3
