"""In a very large mind cosines are guessed from signs first. What is shown must be exact all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import record
from mind.events import CHOSEN, DAY, histories, mind_of, numbers, raw, recall, remembered
from severance.embed import bundled, quantize
from severance.mind import Mind, vectors
from severance.mind.vectors import Signs, Vectors
from severance.model import Filter
from severance.records import EmbedderChosen, Forgotten

TOPICS = ["harbour boat sail", "bread oven flour", "train ticket platform", "guitar chord song", "garden seed soil"]
FILTERS: list[dict[str, Any]] = [{}, {"thread": "anna"}, {"since": DAY, "until": 3 * DAY}, {"as_of": 3 * DAY}]


@pytest.fixture
def guessing() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "EXACT_ROWS", 0)
        patch.setattr(vectors, "_LEAST_BITS", 1)
        yield patch


def texts(count: int) -> list[str]:
    drawn = np.random.default_rng(3)
    pool = " ".join(TOPICS).split() + [f"thing{i}" for i in range(60)]
    return [" ".join(drawn.choice(pool, 6)) for _ in range(count)]


def large(count: int = 3_000) -> Mind:
    """A mind with bundled vectors."""
    embedder, said = bundled(), texts(count)
    table, scales = quantize(embedder.embed(said))
    mind = Mind()
    mind.apply(1, EmbedderChosen(embedder.identity, embedder.dimensions))
    mind.apply_all(
        2,
        [
            record(
                id=raw(i),
                text=text,
                at=i,
                recorded=i,
                thread=f"t{i // 10}",
                metadata={"odd": i % 2 == 1},
                vector=table[i].tobytes(),
                scale=float(scales[i]),
            )
            for i, text in enumerate(said)
        ],
    )
    return mind


def asked(mind: Mind, question: str, limit: int = 20, **wanted: Any) -> list[tuple[str, float, tuple[str, ...]]]:
    vector = bundled().embed([mind.to_embed(question)])[0]
    hits = mind.recall(question, vector, limit=limit, filter=Filter(**wanted), now=0)
    return [(hit.memory.id, hit.score, hit.reasons) for hit in hits]


@settings(deadline=None)
@given(histories(), st.sampled_from(["deploy friday anna", "coffee", "bob running file 3.5", "café 日本語"]))
def test_with_every_row_settled_it_is_the_exact_answer(events: list[Any], question: str) -> None:
    mind = Mind()
    mind.apply_all(1, events)
    if mind.embedder != CHOSEN:
        return
    for wanted in FILTERS:
        exact = recall(mind, question, limit=20, **wanted)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vectors, "EXACT_ROWS", 0)
            patch.setattr(vectors, "_LEAST_BITS", 1)
            # Whatever the signs say, each row looks good enough to be settled.
            patch.setattr(Signs, "line", lambda _self, _signs, _slope, _level, out: out.fill(1))
            assert recall(mind, question, limit=20, **wanted) == exact


def test_what_is_guessed_finds_what_all_the_bytes_find(guessing: pytest.MonkeyPatch) -> None:
    mind = large()
    questions = [*TOPICS, "oven by the harbour", "a song about soil", "thing7 on the platform"]
    guessing.setattr(vectors, "_SETTLED", 400)
    guessed = [asked(mind, question) for question in questions]
    assert guessed == [asked(mind, question) for question in questions]
    guessing.setattr(vectors, "EXACT_ROWS", 1 << 30)
    exact = [asked(mind, question) for question in questions]
    same = [len({one[0] for one in a} & {one[0] for one in b}) / len(b) for a, b in zip(guessed, exact, strict=True)]
    assert np.mean(same) >= 0.99


def test_without_the_signs_it_would_not(guessing: pytest.MonkeyPatch) -> None:
    """The check above can fail: words alone lead elsewhere."""
    mind = large()
    guessing.setattr(vectors, "EXACT_ROWS", 1 << 30)
    exact = {one[0] for one in asked(mind, "vessel at the quay, a ship")}
    guessing.setattr(vectors, "EXACT_ROWS", 0)
    guessing.setattr(vectors, "_SETTLED", 400)
    assert len(exact & {one[0] for one in asked(mind, "vessel at the quay, a ship")}) >= 18
    guessing.setattr(Signs, "line", lambda _self, _signs, _slope, _level, out: _backwards(out))
    assert len(exact & {one[0] for one in asked(mind, "vessel at the quay, a ship")}) < 18


def _backwards(out: np.ndarray) -> None:
    out[:] = np.arange(len(out), 0, -1) / len(out)


def test_every_score_that_is_shown_is_exact(guessing: pytest.MonkeyPatch) -> None:
    """Also where few rows are settled: what comes out then is fewer good rows, never a guessed figure."""
    mind = large()
    guessing.setattr(vectors, "_SETTLED", 1)
    guessing.setattr(vectors, "_SETTLED_SHARE", 1 << 30)
    corpus = mind._whole_corpus()
    vector = bundled().embed(["bread in the oven"])[0]
    near = corpus.vectors.cosines(vector, None, len(mind), np.empty(len(mind), np.float32))
    assert near is not None
    assert near.guesses
    rows = np.array([int(one[0], 16) for one in asked(mind, "bread in the oven")])
    reasons = [reason for *_, why in asked(mind, "bread in the oven") for reason in why]
    told = [float(reason.split()[1]) for reason in reasons if reason.startswith("meaning: ")]
    assert told
    assert set(told) <= {round(float(cosine), 2) for cosine in near.exact(rows)}


@pytest.mark.parametrize("wanted", [{}, {"where": {"odd": True}}])
def test_neighbours_that_lend_credit_are_settled_too(guessing: pytest.MonkeyPatch, wanted: dict[str, Any]) -> None:
    mind, settled = large(), set[int]()
    guessing.setattr(vectors, "_SETTLED", 1)
    guessing.setattr(vectors, "_SETTLED_SHARE", 1 << 30)
    true = vectors.Cosines.settle

    def settle(near: vectors.Cosines, rows: np.ndarray) -> None:
        settled.update(rows.tolist())
        true(near, rows)

    guessing.setattr(vectors.Cosines, "settle", settle)
    shown = {int(one[0], 16) for one in asked(mind, "bread in the oven", limit=100, **wanted)}
    beside = {row + step for row in shown for step in range(-2, 3) if (row + step) // 10 == row // 10}
    assert shown < beside <= settled
    assert len(settled) < len(mind)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1_000), st.sampled_from([1, 7, 16, 64, 65, 200, 256, 300]), st.integers(1, 50))
def test_signs_are_those_of_the_vectors_whatever_happened_to_them(seed: int, dimensions: int, rows: int) -> None:
    drawn = np.random.default_rng(seed)

    def table(count: int) -> list[bytes]:
        return [drawn.integers(-127, 128, dimensions, np.int8).tobytes() for _ in range(count)]

    held = Vectors(dimensions)
    held.extend(table(rows), [1.0] * rows)
    held._signs.catch_up(held.table.view)
    held.put(int(drawn.integers(rows)), table(1)[0], 1.0)
    held.blank(int(drawn.integers(rows)))
    held.extend(table(3), [1.0] * 3)
    if seed % 2:
        held.keep(np.arange(0, rows + 3, 2))
    held._signs.catch_up(held.table.view)
    question = np.frombuffer(table(1)[0], np.int8)
    expected = ((held.table.view > 0) != (question > 0)).sum(axis=1)
    signs = held._signs.of(question)
    assert held._signs.differing(signs, np.arange(len(held))).tolist() == expected.tolist()
    out = np.empty(len(held), np.float32)
    held._signs.line(signs, -0.5, 2.0, out)
    assert out.tolist() == (2.0 - 0.5 * expected).tolist()


def test_blocks_end_where_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_BLOCK", 8)
    monkeypatch.setattr(vectors, "_GATHERED", 8)
    test_signs_are_those_of_the_vectors_whatever_happened_to_them()
    held = Vectors(16)
    held.extend([bytes([i] * 16) for i in range(1, 21)], [1.0] * 20)
    near = held.cosines(np.ones(16, np.float32), None, 20, np.empty(20, np.float32))
    assert near is not None
    assert near.exact(np.arange(20)).tolist() == near.view.tolist()


def test_cosines_of_rows_among_themselves_are_those_of_their_components() -> None:
    drawn = np.random.default_rng(1)
    table, scales = drawn.integers(-127, 128, (9, 48), np.int8), drawn.random(9).astype(np.float32)
    held = Vectors(48)
    held.extend([row.tobytes() for row in table], scales.tolist())
    rows = np.array([7, 2, 3])
    components = table[rows] * scales[rows].astype(np.float64)[:, None]
    assert held.among(rows) == pytest.approx(components @ components.T, rel=1e-5)
    assert not Vectors(0).among(rows).any()


@pytest.mark.parametrize("few", [True, False])
def test_a_filter_works_out_the_rows_that_it_lets_through(few: bool) -> None:
    held = Vectors(16)
    held.extend([bytes([i] * 16) for i in range(1, 101)], [1.0] * 100)
    seen = np.zeros(100, bool)
    seen[[3, 50] if few else slice(0, 90)] = True
    whole = held.cosines(np.ones(16, np.float32), None, 100, np.empty(100, np.float32))
    part = held.cosines(np.ones(16, np.float32), seen, int(seen.sum()), np.empty(100, np.float32))
    assert whole is not None
    assert part is not None
    assert part.view[seen].tolist() == whole.view[seen].tolist()


def test_a_new_memory_is_found_and_a_forgotten_one_is_not(guessing: pytest.MonkeyPatch) -> None:
    mind = mind_of(*(remembered(i, f"coffee w{i}") for i in range(1, 40)))
    assert 7 in numbers(recall(mind, "w7"))
    mind.apply(41, remembered(50, "bridge deploy"))
    assert numbers(recall(mind, "bridge deploy"))[0] == 50
    mind.apply(42, Forgotten([raw(50)], [41], 1))
    assert 50 not in numbers(recall(mind, "bridge deploy"))
    assert not mind._vectors._signs.differing(np.zeros(1, np.uint64), np.array([39]))[0]


def test_two_minds_share_no_place_for_scores() -> None:
    one, other = (mind_of(*(remembered(i, f"coffee {word}") for i in range(1, 9))) for word in ("anna", "bob"))
    first = recall(one, "coffee anna")
    recall(other, "coffee bob")
    assert recall(one, "coffee anna") == first
    assert one._scratch is not other._scratch
    assert one._vectors._signs is not other._vectors._signs
    for mine in one._scratch._arrays.values():
        assert not any(np.shares_memory(mine, theirs) for theirs in other._scratch._arrays.values())


def test_what_was_asked_before_leaves_no_trace_in_the_answer() -> None:
    """Scores are put in the same places again; nothing of a question may be left in them."""
    fresh, used = (mind_of(*(remembered(i, f"coffee w{i} bridge") for i in range(1, 60))) for _ in range(2))
    for question in ("w3 w9", "bridge", "coffee w1 in may 1970", "w44 said", ""):
        recall(used, question)
        recall(used, question, thread="none")
    for words_only in (False, True):
        assert recall(used, "w5 bridge", words_only=words_only) == recall(fresh, "w5 bridge", words_only=words_only)
