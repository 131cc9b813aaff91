"""Recall with a re-ranker over its best candidates."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit import make_house, open_house, recalled, texts
from kit.serving import serving
from severance import InputError, RerankerError, Reranking, Session

SAID = [f"the goat was seen {number} times on the floor" for number in range(8)]


class Scores:
    """Scores each text by what a function makes of it; keeps what it was asked."""

    def __init__(self, of: Callable[[str], Any] = len) -> None:
        self.of = of
        self.asked: list[tuple[str, list[str]]] = []

    def score(self, query: str, texts: Sequence[str]) -> Any:
        self.asked.append((query, list(texts)))
        return np.array([self.of(text) for text in texts], np.float32)


class Broken:
    def score(self, query: str, texts: Sequence[str]) -> Any:
        raise RerankerError("it is on holiday")


class Returns:
    def __init__(self, value: Any) -> None:
        self.value = value

    def score(self, query: str, texts: Sequence[str]) -> Any:
        return self.value


def times(text: str) -> float:
    return float(text.split()[4])


@pytest.fixture
def awake(folder: Path) -> Iterator[Callable[[Any], Session]]:
    """Makes the innie of a house with this re-ranker, with eight memories."""
    with ExitStack() as last:

        def make(reranker: Any) -> Session:
            house = last.enter_context(make_house(folder, reranker=reranker))
            innie = house.cross("mark", "floor")
            innie.remember_many(SAID)
            return innie

        yield make


Awake = Callable[[Any], Session]


def test_recall_is_in_the_order_of_the_re_ranker(awake: Awake) -> None:
    scores = Scores(times)
    innie = awake(scores)
    assert recalled(innie, "goat", limit=3) == SAID[:-4:-1]
    [(query, given)] = scores.asked
    assert query == "goat"
    assert sorted(given) == SAID


def test_every_reason_says_so(awake: Awake) -> None:
    hits = awake(Scores(times)).recall("goat", limit=2)
    assert [hit.score for hit in hits] == [7.0, 6.0]
    for hit in hits:
        *others, last = hit.reasons
        assert others
        assert re.fullmatch(rf"re-ranked: {hit.score:.2f}, number [1-8] before", last)


def test_equals_stay_in_the_order_they_had(folder: Path, awake: Awake) -> None:
    assert recalled(awake(Scores(lambda text: 1.0)), "goat seen 3 times") == plain(folder, "goat seen 3 times")


def test_only_the_best_candidates_are_read(folder: Path, awake: Awake) -> None:
    scores = Scores(lambda text: -times(text))
    hits = awake(Reranking(scores, candidates=3)).recall("goat")
    before = plain(folder, "goat")
    [(_, given)] = scores.asked
    assert given == before[:3]
    assert texts(hits) == sorted(before[:3]) + before[3:]
    found = [hit.score for hit in hits]
    assert found == sorted(found, reverse=True)
    assert not any("re-ranked" in reason for hit in hits[3:] for reason in hit.reasons)


@pytest.mark.parametrize("query", ["goat", "nothing of this kind"])
def test_nothing_is_asked_where_there_is_no_order_to_find(awake: Awake, query: str) -> None:
    scores = Scores()
    innie = awake(scores)
    innie.recall(query, thread="nowhere")
    assert scores.asked == []


def test_filters_and_limits_hold(awake: Awake) -> None:
    innie = awake(Scores(times))
    innie.remember("the goat was seen 100 times elsewhere", thread="elsewhere")
    innie.remember("the goat was seen 101 times elsewhere", thread="elsewhere")
    found = recalled(innie, "goat", thread="elsewhere", limit=1)
    assert found == ["the goat was seen 101 times elsewhere"]


def test_a_context_is_chosen_by_it_too(awake: Awake) -> None:
    assert SAID[7] in awake(Scores(times)).context("goat", tokens=40)


def test_a_re_ranker_that_fails_fails_recall_with_one_sentence(awake: Awake) -> None:
    innie = awake(Broken())
    with pytest.raises(RerankerError) as caught:
        innie.recall("goat")
    assert str(caught.value) == "re-ranking failed: it is on holiday; recall without the re-ranker"


@pytest.mark.parametrize(
    ("mode", "again"), [("503", True), ("401", False), ("403", False), ("redirect:/v1/x", False), ("nan", False)]
)
def test_to_try_again_is_said_where_it_could_help(folder: Path, mode: str, again: bool) -> None:
    with serving(mode) as server, make_house(folder, reranker=f"endpoint:kit@{server.url}?tries=1") as house:
        innie = house.cross("mark", "floor")
        innie.remember_many(SAID)
        with pytest.raises(RerankerError) as caught:
            innie.recall("goat")
    assert str(caught.value).endswith("recall without the re-ranker" + (", or try again" if again else ""))
    assert caught.value.again is again


def test_where_it_was_chosen_recall_goes_on_and_says_so(folder: Path, awake: Awake) -> None:
    hits = awake(Reranking(Broken(), plain_on_failure=True)).recall("goat")
    assert texts(hits) == plain(folder, "goat")
    assert all(hit.reasons[-1] == "not re-ranked: the re-ranker failed" for hit in hits)
    assert all(len(hit.reasons) > 1 for hit in hits)


@pytest.mark.parametrize(
    "value",
    [
        np.ones(7, np.float32),
        np.ones((8, 1), np.float32),
        np.full(8, np.nan, np.float32),
        np.full(8, np.inf, np.float32),
        np.ones(8, int),
        ["a"] * 8,
        [[1.0], [1.0, 2.0]],
        None,
    ],
    ids=repr,
)
def test_scores_that_are_none_are_refused(awake: Awake, value: Any) -> None:
    innie = awake(Returns(value))
    with pytest.raises(RerankerError, match="one finite score for each of 8 texts"):
        innie.recall("goat")


@pytest.mark.parametrize("candidates", [0, 1, 1_001, 2.5, "50"])
def test_candidates_have_bounds(candidates: Any) -> None:
    with pytest.raises(InputError, match="2 to 1,000 candidates"):
        Reranking(Scores(), candidates=candidates)


def test_a_spec_will_do(folder: Path) -> None:
    with serving() as server, make_house(folder, reranker=f"endpoint:kit@{server.url}") as house:
        innie = house.cross("mark", "floor")
        innie.remember_many(["waffles on friday", "waffles", "a goat"])
        assert recalled(innie, "waffles friday")[:2] == ["waffles on friday", "waffles"]
        assert [request.path for request in server.asked] == ["/v1/rerank"]


def test_so_does_one_in_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving("404") as server:
        monkeypatch.setenv("SEVERANCE_RERANKER", f"endpoint:kit@{server.url}?on-failure=plain")
        with make_house(folder) as house:
            innie = house.cross("mark", "floor")
            innie.remember_many(SAID)
            assert all(hit.reasons[-1].startswith("not re-ranked") for hit in innie.recall("goat"))


def test_one_that_is_missing_stops_recall_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with make_house(folder, reranker="sentence-transformers:m") as house:
        innie = house.cross("mark", "floor")
        innie.remember_many(SAID)
        with pytest.raises(RerankerError, match=r"pip install severance\[sentence-transformers\]"):
            innie.recall("goat")
        assert len(list(innie.memories())) == 8


def plain(folder: Path, query: str) -> list[str]:
    """What recall finds without a re-ranker."""
    with open_house(folder / "store") as house, house.cross("mark", "floor") as innie:
        return recalled(innie, query)
