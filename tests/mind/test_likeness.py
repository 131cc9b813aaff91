"""Memories that say nearly the same: the newest first where they contradict one another, copies behind."""

from __future__ import annotations

from typing import Any

import pytest

from mind.events import DAY, mind_of, name, raw
from severance.embed import bundled, quantize
from severance.mind import Mind
from severance.mind.copies import COPY, NEWER, THEN
from severance.model import Filter, Recollection
from severance.records import EmbedderChosen, Remembered


def said(number: int, text: str, **changes: Any) -> Remembered:
    vectors, scales = quantize(bundled().embed([text]))
    fields: dict[str, Any] = {
        "id": raw(number),
        "text": text,
        "at": number * DAY,
        "recorded": number * DAY,
        "thread": None,
        "source": None,
        "kind": "note",
        "metadata": {},
        "pinned": False,
        "echo_of": None,
        "supersedes": None,
        "vector": vectors[0].tobytes(),
        "scale": float(scales[0]),
    }
    return Remembered(**{**fields, **changes})


def told(*events: Remembered) -> Mind:
    return mind_of(EmbedderChosen(bundled().identity, 256), *events)  # type: ignore[arg-type]


def asked(mind: Mind, text: str, *, limit: int = 10, **wanted: Any) -> list[Recollection]:
    vector = bundled().embed([mind.to_embed(text)])[0]
    return mind.recall(text, vector, limit=limit, filter=Filter(**wanted), now=400 * DAY)


def found(mind: Mind, text: str, **wanted: Any) -> list[int]:
    return [int(hit.memory.id, 16) for hit in asked(mind, text, **wanted)]


UNSEEN = [
    ("I live in Bergen", "I moved to Oslo", "Where do I live?"),
    ("I am vegan", "I had a steak and will again", "What do I eat?"),
    ("My boss is Harmony", "I report to Seth from now on", "who is my boss?"),
    ("我住在北京", "我住在上海", "我住在哪里?"),
]


@pytest.mark.parametrize(("old", "new", "query"), UNSEEN)
def test_facts_that_change_unseen_are_ranked_as_any_two_unless_they_are_amended(old: str, new: str, query: str) -> None:
    """As docs/design/ranking.md says: where that gets better, say so there."""
    assert all(NEWER not in hit.reasons for hit in asked(told(said(1, old), said(2, new)), query))
    assert found(told(said(1, old), said(2, new, supersedes=raw(1))), query) == [2]


OTHERS = [
    said(90, "The printer on the third floor is out of paper"),
    said(91, "Lunch was soup and bread in the canteen"),
    said(92, "The train to the coast was late again"),
]


@pytest.mark.parametrize(
    ("old", "new", "query"),
    [
        ("I live in Rome.", "I live in Oslo.", "where do I live?"),
        ("The deploy is on Friday", "The deploy is on Monday", "when is the deploy?"),
        ("My favourite colour is blue", "My favourite colour is now green", "what is my favourite colour?"),
        ("The door code is 4711", "The door code is 8150", "what is the door code?"),
        ("My boss is Harmony", "My boss is Seth", "who is my boss?"),
        ("I live in Oslo", "I live in Bergen", "Where do I live?"),
        ("My phone is a Pixel", "My phone is an iPhone now", "Which phone do I have?"),
        ("Ich wohne in Oslo", "Ich wohne in Bergen", "Wo wohne ich?"),
        ("Я живу в Осло", "Я живу в Бергене", "Где я живу?"),
    ],
)
def test_the_newest_of_contradicting_facts_comes_first_and_the_old_one_next(old: str, new: str, query: str) -> None:
    mind = told(said(1, old), said(2, new), *OTHERS)
    hits = asked(mind, query)
    assert [hit.memory.id for hit in hits[:2]] == [name(2), name(1)]
    other_way_round = told(said(1, new), said(2, old), *OTHERS)
    assert found(other_way_round, query)[:2] == [2, 1]
    assert found(mind, query, as_of=DAY) == [1], "what was known then is still to be had"


def test_what_went_up_because_it_is_newer_says_so() -> None:
    pairs = [("I live in Rome.", "I live in Oslo."), ("I live in Oslo.", "I live in Rome.")]
    risen = []
    for old, new in pairs:
        hits = asked(told(said(1, old), said(2, new), *OTHERS), "where do I live?")
        risen += [reason for hit in hits for reason in hit.reasons if reason == NEWER]
    assert risen


def test_what_another_says_of_himself_contradicts_nothing() -> None:
    mind = told(said(1, "I live in Rome.", source="anna"), said(2, "I live in Oslo.", source="bob"), *OTHERS)
    assert found(mind, "where does Anna live?")[0] == 1


def test_a_pinned_fact_is_not_overtaken() -> None:
    mind = told(said(1, "The deploy is on Friday", pinned=True), said(2, "The deploy is on Monday"), *OTHERS)
    assert all(NEWER not in hit.reasons for hit in asked(mind, "when is the deploy?"))


def test_a_better_answer_is_not_overtaken_by_a_newer_one() -> None:
    mind = told(said(1, "The deploy of the web shop is on Friday"), said(2, "We talked about the deploy"), *OTHERS)
    assert found(mind, "when is the deploy of the web shop?")[0] == 1


def test_ten_copies_do_not_fill_ten_places() -> None:
    words = ["The backup runs on Tuesday night", "the backup runs on tuesday night!", "Backup runs on Tuesday night"]
    copies = [said(i, words[i % 3], thread=f"t{i}") for i in range(1, 13)]
    other = [said(30 + i, f"The backup of the {what} was moved") for i, what in enumerate(["shop", "wiki", "mail"])]
    hits = asked(told(*copies, *other), "when does the backup run?")
    ids = [int(hit.memory.id, 16) for hit in hits]
    assert set(ids[:5]) >= {30, 31, 32}
    assert sum(i < 13 for i in ids[:5]) == 2, "the second copy counts half, the third a quarter"
    behind = [hit for hit in hits if int(hit.memory.id, 16) < 13][1:]
    assert behind
    assert all(COPY in hit.reasons for hit in behind)


def test_the_same_text_again_counts_half_as_much_each_time_and_no_less() -> None:
    mind = told(
        *(said(number, "the cat sleeps on the red sofa") for number in (1, 2, 3)), said(4, "it rains in Bergen")
    )
    scores = [hit.score for hit in asked(mind, "where does the cat sleep") if "cat" in hit.memory.text]
    assert scores == pytest.approx([scores[0], scores[0] / 2, scores[0] / 4])


def test_copies_are_moved_and_not_dropped() -> None:
    mind = told(*(said(i, "The backup runs on Tuesday night", kind=str(i)) for i in range(1, 80)))
    assert sorted(found(mind, "backup", limit=100)) == list(range(1, 80))


def test_another_number_or_a_denial_is_no_copy() -> None:
    first = "The backup of the wiki runs on Tuesday night at 5"
    for other in (
        "The backup of the wiki runs on Tuesday night at 6",
        "The backup of the wiki never runs on Tuesday night at 5",
    ):
        hits = asked(told(said(1, first), said(2, other), *OTHERS), "when does the backup of the wiki run?")
        assert all(COPY not in hit.reasons for hit in hits)


def test_an_answer_follows_its_question() -> None:
    talk = [
        said(1, "Which bridge did you cross?", thread="t", at=1),
        said(2, "The red one", thread="t", at=2),
        said(3, "We crossed some bridge.", thread="u", at=1),
        said(4, "The blue one", thread="u", at=2),
    ]
    places = found(told(*talk), "bridge")
    assert places.index(2) < places.index(4)


VALUES = [
    ("The rent is 1200 euros.", "The rent is 1350 euros.", "How much is the rent?"),
    ("The rent is 1,200 euros a month.", "The rent is 1350 euros a month from January.", "How much is the rent?"),
    ("The door code is 4711.", "New door code: 8823", "What's the door code?"),
    ("My weight is 82 kg.", "My weight is 79 kg.", "my weight"),
    ("The meeting is at 3 pm on Tuesday.", "The meeting is at 4 pm on Wednesday.", "When is the meeting?"),
    ("The deadline is 1 March.", "The deadline was moved to 15 March.", "When is the deadline?"),
    ("I work at Siemens.", "I work at Bosch since June.", "Where do I work?"),
    ("I take 20 mg of lisinopril.", "I take 10 mg of lisinopril.", "How much lisinopril do I take?"),
]


@pytest.mark.parametrize(("old", "new", "query"), VALUES)
def test_of_two_values_in_one_place_the_newer_comes_first_in_either_order(old: str, new: str, query: str) -> None:
    assert found(told(said(1, old), said(2, new), *OTHERS), query)[:2] == [2, 1]
    assert found(told(said(1, new), said(2, old), *OTHERS), query)[:2] == [2, 1]


@pytest.mark.parametrize(
    "query", ["Is invoice 4009 paid?", "Are invoices 4009 and 4011 paid?", "Which invoices are paid?"]
)
def test_a_number_that_names_a_thing_is_no_value_of_it(query: str) -> None:
    rows = [said(1, "Invoice 4009 is paid."), said(2, "Invoice 4011 is paid."), said(3, "Paid invoice 5009.")]
    assert all(NEWER not in hit.reasons for hit in asked(told(*rows, *OTHERS), query))


def test_a_question_about_the_past_gets_what_held_then() -> None:
    rows = [said(100, "I live in Bergen"), said(380, "I live in Oslo"), *OTHERS]
    bergen, oslo = 100, 380  # 11 April 1970 and 16 January 1971
    for mind in (told(*rows), told(said(100, "I live in Oslo"), said(380, "I live in Bergen"), *OTHERS)):
        assert found(mind, "Where do I live?")[0] == oslo
        assert found(mind, "Where did I live in 1970?")[0] == bergen
        assert found(mind, "Where did I live in November 1970?")[0] == bergen, "said in April, and true until January"
        assert found(mind, "Where did I live before May 1970?")[0] == bergen


def test_what_went_up_because_it_held_then_says_so() -> None:
    pairs = [("I live in Rome", "I live in Oslo"), ("I live in Oslo", "I live in Rome")]
    minds = [told(said(100, old), said(380, new), *OTHERS) for old, new in pairs]
    why = [hit.reasons for mind in minds for hit in asked(mind, "Where did I live in November 1970?")]
    assert sum(THEN in reasons for reasons in why) == 1
    assert all(NEWER not in reasons for reasons in why)
