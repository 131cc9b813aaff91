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
        index.add([text])
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
        index.add([text])
    index.keep(np.array([0, 2]))
    assert index.find("bridge") == -1
    assert index.find("bob") == -1
    assert index.postings(index.find("file"))[0].tolist() == [0, 1]
    assert index.postings(index.find("coffee"))[0].tolist() == [1]
    index.add(["bridge again"])
    assert index.postings(index.find("bridge"))[0].tolist() == [2]


@pytest.mark.usefixtures("small_segments")
def test_texts_added_together_are_indexed_as_one_by_one() -> None:
    texts = [
        "the file of percent",
        "percent Percents déjà vu",
        "",
        "vu the bridge file",
        *(f"n{i} again" for i in range(30)),
    ]
    together, one_by_one = Lexical(), Lexical()
    together.add(texts)
    for text in texts:
        one_by_one.add([text])
    for index in (together, one_by_one):
        index.whole()
    assert together.keys.view.tolist() == one_by_one.keys.view.tolist()
    assert together.lengths.view.tolist() == one_by_one.lengths.view.tolist()
    for term in range(len(together.keys)):
        found = [[part.tolist() for part in index.postings(term)] for index in (together, one_by_one)]
        assert found[0] == found[1]


def test_words_that_layers_brought_keep_their_numbers() -> None:
    index = Lexical()
    index.add(["file percent", "bridge file"])
    (words,) = index.cut([(0, 2)])
    again = Lexical.joined([words])
    before = {word: again.find(word) for word in ("file", "percent", "bridge")}
    again.add(["coffee the file", "bridge coffee"])
    assert {word: again.find(word) for word in before} == before
    assert again.find("coffee") == len(again.keys) - 1
    assert again.postings(again.find("file"))[0].tolist() == [0, 1, 2]
    assert again.postings(again.find("the"))[0].tolist() == [2]


@pytest.mark.parametrize("alike", [0, 16, 56], ids=["random", "some alike", "alike but for eight bits"])
def test_keys_are_ordered_as_by_a_stable_sort(alike: int) -> None:
    drawn = np.random.default_rng(5)
    hashed = drawn.integers(0, 1 << (63 - alike), 2_000, np.uint64) | np.uint64(1 << 63)
    keys = drawn.permutation(np.concatenate((np.repeat(hashed, 3), drawn.integers(0, 100, 500, np.uint64))))
    assert lexical._ordered(keys).tolist() == np.argsort(keys, kind="stable").tolist()
    assert lexical._ordered(keys[:0]).tolist() == []


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
