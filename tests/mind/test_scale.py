"""The index when it is large enough to have segments, and the candidates when there are many."""

from __future__ import annotations

import numpy as np
import pytest

from mind.events import mind_of, numbers, recall, remembered
from severance.mind import Mind, lexical, matching, ranking
from severance.mind.lexical import Lexical


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "_TAIL", 8)


@pytest.mark.usefixtures("small_segments")
def test_segments_hold_what_one_list_would() -> None:
    words = ["file", "percent", "bridge", "coffee", "anna", "bob", "deploy"]
    texts = [f"{words[i % 7]} {words[i * i % 7]} {words[i * 3 % 5]} n{i % 11}" for i in range(200)]
    index = Lexical()
    for i, text in enumerate(texts):
        index.add(text)
        if i % 3 == 0:
            index.flush()
    index.flush()
    assert len(index.segments) > 1
    for word in [*words, *(f"n{i}" for i in range(11))]:
        rows, counts = index.postings(index.find(word))
        expected = [(row, text.split().count(word)) for row, text in enumerate(texts) if word in text.split()]
        assert list(zip(rows.tolist(), counts.tolist(), strict=True)) == expected
    whole = index.whole()
    assert len(index.segments) == 1
    assert len(whole.starts) == len(index.keys) + 1
    for word in words:
        rows, _ = index.postings(index.find(word))
        assert rows.tolist() == [row for row, text in enumerate(texts) if word in text.split()]


@pytest.mark.usefixtures("small_segments")
def test_dropping_rows_drops_their_words() -> None:
    index = Lexical()
    for text in ("file percent", "bridge", "file coffee", "anna bob deploy friday", "percent percent"):
        index.add(text)
    index.keep(np.array([0, 2]))
    assert index.find("bridge") == -1
    assert index.find("bob") == -1
    assert index.postings(index.find("file"))[0].tolist() == [0, 1]
    assert index.postings(index.find("coffee"))[0].tolist() == [1]
    index.add("bridge again")
    assert index.postings(index.find("bridge"))[0].tolist() == [2]


def many(count: int) -> Mind:
    return mind_of(*(remembered(i, f"coffee number w{i} w{i % 50}", thread=f"t{i // 10}") for i in range(1, count + 1)))


def test_the_best_are_found_among_many() -> None:
    mind = many(1500)
    assert numbers(recall(mind, "w777 coffee"))[0] == 777
    assert numbers(recall(mind, "w1499", words_only=True))[0] == 1499


def test_more_equals_than_candidates_are_all_looked_at_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of many equals partition happens to take must not decide: the first in order wins."""
    mind = mind_of(*(remembered(i, "coffee", kind=str(i)) for i in range(1, 901)))
    assert numbers(recall(mind, "coffee", limit=3)) == [1, 2, 3]
    assert numbers(recall(mind, "coffee", limit=500)) == list(range(1, 501))


def test_a_budget_bounds_common_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "POSTING_BUDGET", 100)
    mind = many(500)
    assert numbers(recall(mind, "coffee number w321", words_only=True))[0] == 321
    assert recall(mind, "coffee", words_only=True)


def test_weights_are_one_set() -> None:
    assert ranking.Weights() == ranking.WEIGHTS
