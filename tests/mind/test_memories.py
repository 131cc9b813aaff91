"""What a mind knows: versions, repeats, forgetting, filters, stats."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mind.events import (
    CHOSEN,
    DAY,
    everything,
    histories,
    mind_of,
    name,
    numbers,
    pictured,
    raw,
    recall,
    remembered,
    texts,
)
from severance.mind import Mind
from severance.model import Draft, Filter
from severance.records import EmbedderChosen, Forgotten, Remembered, Repeated, Revectored


def test_a_new_mind_knows_nothing() -> None:
    mind = Mind()
    assert len(mind) == 0
    assert mind.embedder is None
    assert mind.get(name(1)) is None
    assert mind.get("no id at all") is None
    assert mind.history(name(1)) == []
    assert list(mind.memories(Filter())) == []
    assert mind.recall("anything", None, limit=5, filter=Filter(), now=0) == []
    assert set(mind.stats()) == {"memories", "versions", "threads", "repeats", "echoes", "words", "bytes"}


def test_a_memory_comes_back_to_the_letter() -> None:
    text = "Naïve café — 日本 👩‍👩‍👧 \N{COMBINING ACUTE ACCENT}\ttab\nline"
    mind = mind_of(
        remembered(1, text, thread="t", source="Ann", kind="fact", metadata={"a": 1, "b": None}, pinned=True)
    )
    memory = mind.get(name(1))
    assert memory is not None
    assert (memory.text, memory.thread, memory.source, memory.kind) == (text, "t", "Ann", "fact")
    assert dict(memory.metadata) == {"a": 1, "b": None}
    assert memory.pinned
    assert memory.repeats == 1
    assert memory.at.isoformat() == "1970-01-02T00:00:00+00:00"


def test_a_new_version_takes_the_place_of_the_old() -> None:
    mind = mind_of(remembered(1, "deploy on friday"), remembered(2, "deploy on monday", supersedes=raw(1)))
    assert len(mind) == 1
    assert numbers(recall(mind, "deploy")) == [2]
    assert [memory.id for memory in mind.history(name(1))] == [name(1), name(2)]
    assert mind.chain(name(2)) == [raw(1), raw(2)]
    old, new = mind.get(name(1)), mind.get(name(2))
    assert old is not None
    assert new is not None
    assert old.superseded_by == name(2)
    assert new.supersedes == name(1)


def test_as_of_shows_what_was_current_then() -> None:
    mind = mind_of(
        remembered(1, "deploy on friday"),
        remembered(2, "deploy on monday", supersedes=raw(1)),
        remembered(3, "deploy was cancelled"),
    )
    assert numbers(recall(mind, "deploy", as_of=DAY)) == [1]
    assert set(numbers(recall(mind, "deploy", as_of=2 * DAY))) == {2}
    assert set(numbers(recall(mind, "deploy", as_of=3 * DAY))) == {2, 3}
    assert recall(mind, "deploy", as_of=DAY - 1) == []
    assert [memory.id for memory in mind.memories(Filter(as_of=DAY))] == [name(1)]


def test_as_of_holds_one_version_also_when_the_clock_went_back() -> None:
    mind = mind_of(
        remembered(1, "one", recorded=3),
        remembered(2, "two", recorded=9, supersedes=raw(1)),
        remembered(3, "three", recorded=4, supersedes=raw(2)),
    )
    assert [memory.id for memory in mind.memories(Filter(as_of=5))] == [name(3)]


@settings(deadline=None)
@given(histories(), st.integers(0, 13))
def test_as_of_is_what_a_mind_that_heard_no_more_would_say(events: list[object], day: int) -> None:
    kept = [e for e in events if isinstance(e, (Remembered, EmbedderChosen)) and e != EmbedderChosen("another", 8)]
    then = [e for e in kept if not isinstance(e, Remembered) or e.recorded <= day * DAY]
    now_mind, then_mind = Mind(), Mind()
    now_mind.apply_all(1, kept)
    then_mind.apply_all(1, then)
    for query in ("deploy friday", "anna bob coffee"):
        now = [
            (hit.memory.id, hit.score, hit.reasons) for hit in recall(now_mind, query, words_only=True, as_of=day * DAY)
        ]
        assert now == [(hit.memory.id, hit.score, hit.reasons) for hit in recall(then_mind, query, words_only=True)]


def test_repeats_are_counted() -> None:
    mind = mind_of(remembered(1, "one"), Repeated(raw(1), 5, 5), Repeated(raw(9), 6, 6))
    memory = mind.get(name(1))
    assert memory is not None
    assert memory.repeats == 2
    assert mind.stats()["repeats"] == 1
    assert mind.seqs([name(1)]) == [2, 3]


def test_every_record_that_tells_of_a_memory_is_named() -> None:
    mind = mind_of(remembered(1, "one"), remembered(2, "two"), Repeated(raw(1), 5, 5))
    mind.apply(5, Revectored("another", raw(1), b"\x01" * 8, 1.0))
    assert mind.seqs([raw(1)]) == [2, 4, 5]
    assert mind.seqs([name(2), raw(1), name(7), "nonsense"]) == [2, 3, 4, 5]


def test_exactly_the_same_is_a_repeat() -> None:
    mind = mind_of(remembered(1, "one", thread="t", source="s", metadata={"a": 1, "b": 2}))
    same = Draft(text="one", thread="t", source="s", metadata={"b": 2, "a": 1})
    found = mind.find_repeat(same)
    assert found is not None
    assert found.id == name(1)
    for change in ({"text": "One"}, {"thread": None}, {"source": "t"}, {"kind": "fact"}, {"metadata": {"a": 1}}):
        other = {"text": "one", "thread": "t", "source": "s", "metadata": {"a": 1, "b": 2}, **change}
        assert mind.find_repeat(Draft(**other)) is None


def test_only_what_is_current_can_be_repeated() -> None:
    mind = mind_of(remembered(1, "one"), remembered(2, "two", supersedes=raw(1)))
    assert mind.find_repeat(Draft(text="one")) is None
    assert mind.find_repeat(Draft(text="two")) is not None
    mind.apply(4, Forgotten([raw(2)], [], 0))
    assert mind.find_repeat(Draft(text="two")) is None
    assert mind.find_repeat(Draft(text="one")) is not None


def test_what_is_forgotten_is_nowhere() -> None:
    secret = "xylophone"
    mind = mind_of(
        remembered(1, f"the {secret} plan", thread=secret, source=secret, kind=secret, metadata={secret: secret}),
        remembered(2, "something else"),
        remembered(3, f"the {secret} again", supersedes=raw(1)),
    )
    assert recall(mind, secret)
    mind.apply(5, Forgotten(mind.chain(name(3)), [2, 4], 0))
    assert mind.get(name(1)) is None
    assert mind.get(name(3)) is None
    assert mind.history(name(3)) == []
    assert recall(mind, secret, words_only=True) == []
    assert recall(mind, secret, words_only=True, as_of=DAY) == []
    assert [memory.id for memory in mind.memories(Filter())] == [name(2)]
    assert mind.stats()["words"] == 2
    assert mind.seqs([name(1)]) == []
    # The text itself is gone from the columns at once, and from everything else in the picture that is kept.
    assert secret.encode() not in mind._memories.texts.data.view.tobytes()
    assert secret.encode() not in pictured(mind)[0]


@settings(deadline=None)
@given(histories())
def test_forgetting_is_as_if_it_had_never_been(events: list[object]) -> None:
    """A log whose records were erased, replayed, gives the same answers as the mind that forgot."""
    gone = {raw_id for e in events if isinstance(e, Forgotten) for raw_id in e.ids}
    erased = {i for i, e in enumerate(events) if not isinstance(e, (Forgotten, EmbedderChosen)) and e.id in gone}
    mind, replayed = Mind(), Mind()
    mind.apply_all(1, events)
    for seq, event in enumerate(events):
        if seq not in erased:
            replayed.apply(seq + 1, event)
    queries = ["deploy friday coffee", "anna", "of the", "日本"]
    assert everything(mind, queries) == everything(replayed, queries)


def test_memories_are_in_order_and_bear_changes_meanwhile() -> None:
    mind = mind_of(
        remembered(1, "a", at=9), remembered(2, "b", at=3), remembered(3, "c", at=3), remembered(4, "d", at=1)
    )
    reading = mind.memories(Filter())
    assert next(reading).id == name(4)
    mind.apply(6, Forgotten([raw(2)], [], 0))
    pictured(mind)
    mind.apply(7, remembered(5, "e", at=2))
    assert [memory.id for memory in reading] == [name(3), name(1)]


def test_filters_are_exact() -> None:
    mind = mind_of(
        remembered(1, "deploy a", thread="t", metadata={"n": 1}),
        remembered(2, "deploy b", thread="u", metadata={"n": True}),
        remembered(3, "deploy c", metadata={"n": "1", "m": None}),
        remembered(4, "deploy d", metadata={"n": 1.0}),
    )
    expected = [
        ({"thread": "t"}, {1}),
        ({"thread": "no such"}, set()),
        ({"thread": "\ud800"}, set()),
        ({"since": 2 * DAY}, {2, 3, 4}),
        ({"until": 2 * DAY}, {1, 2}),
        ({"since": 2 * DAY, "until": 2 * DAY}, {2}),
        ({"where": {"n": 1}}, {1, 4}),
        ({"where": {"n": True}}, {2}),
        ({"where": {"n": "1", "m": None}}, {3}),
        ({"where": {"m": None}}, {3}),
        ({"where": {"x": None}}, set()),
    ]
    for wanted, found in expected:
        assert set(numbers(recall(mind, "deploy", **wanted))) == found, wanted
        assert {int(memory.id, 16) for memory in mind.memories(Filter(**wanted))} == found, wanted


def test_new_vectors_come_into_force_together() -> None:
    mind = mind_of(remembered(1, "one"), remembered(2, "two"))
    assert [raw_id for raw_id, _ in mind.unembedded("another")] == [raw(1), raw(2)]
    mind.apply(4, Revectored("another", raw(1), bytes([127, 0, 0, 0]), 1 / 127))
    assert mind.unembedded("another") == [(raw(2), "two")]
    assert mind.embedder == CHOSEN
    mind.apply(5, Revectored("another", raw(2), bytes([0, 127, 0, 0]), 1 / 127))
    mind.apply(6, EmbedderChosen("another", 4))
    assert mind.unembedded("another") == []
    vector = mind._vectors.table.view[1] / 127
    found = mind.recall("elsewhere", vector.astype("float32"), limit=5, filter=Filter(), now=0)
    assert [hit.memory.id for hit in found] == [name(2)]


def test_a_memory_without_a_new_vector_is_still_found_by_its_words() -> None:
    mind = mind_of(remembered(1, "coffee"), EmbedderChosen("another", 4))
    assert numbers(recall(mind, "coffee", words_only=True)) == [1]


@pytest.mark.parametrize(
    "event",
    [
        remembered(1, "the id is taken"),
        remembered(3, "superseded twice", supersedes=raw(1)),
        remembered(3, "a vector of another size", vector=b"\x01\x02"),
        remembered(3, "an id of another size", id=b"short"),
    ],
)
def test_contradictions_are_refused(event: Remembered) -> None:
    mind = mind_of(remembered(1, "one"), remembered(2, "two", supersedes=raw(1)))
    with pytest.raises(ValueError):
        mind.apply(4, event)


def test_a_space_without_an_embedder_works_by_words() -> None:
    mind = Mind()
    mind.apply(1, remembered(1, "my name is Mark", vector=b"", scale=0.0))
    vector = mind_of()._vectors
    assert vector.dimensions == 16
    assert [hit.memory.id for hit in mind.recall("name", None, limit=5, filter=Filter(), now=0)] == [name(1)]


@settings(deadline=None)
@given(st.lists(texts, max_size=10))
def test_one_by_one_and_all_at_once_are_the_same_bytes(said: list[str]) -> None:
    events = [CHOSEN, *(remembered(i + 1, text, thread=text[:1]) for i, text in enumerate(said))]
    one, many = Mind(), Mind()
    for seq, event in enumerate(events, 1):
        one.apply(seq, event)
    many.apply_all(1, events)
    assert pictured(one) == pictured(many)


scalars = st.sampled_from(
    [0, 1, -1, 1.0, 0.5, True, False, None, "", "1", "x\ud800", 1 << 70, 2.0**70, float("inf"), -0.0]
)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "aa"]), scalars, max_size=3), max_size=8), scalars, scalars)
def test_metadata_are_compared_as_python_does_but_for_truth(
    stored: list[dict[str, object]], a: object, b: object
) -> None:
    kept = [{k: v for k, v in each.items() if v not in ("x\ud800", 1 << 70)} for each in stored]
    mind = mind_of(*(remembered(i, "x", metadata=each) for i, each in enumerate(kept, 1)))

    def equal(x: object, y: object) -> bool:
        return isinstance(x, bool) == isinstance(y, bool) and x == y

    for where in ({"a": a}, {"a": a, "b": b}):
        expected = [
            i for i, each in enumerate(kept, 1) if all(k in each and equal(each[k], v) for k, v in where.items())
        ]
        assert [int(memory.id, 16) for memory in mind.memories(Filter(where=where))] == expected
