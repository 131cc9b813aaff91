"""Examples: alike texts are told, odd ones are not guessed, and the same texts always get the same judgement."""

from __future__ import annotations

import numpy as np
import pytest

from severance.embed import bundled
from severance.routing.judging import Judge
from severance.routing.wordweights import Shared, Weights

WORK = [
    "The quarterly report for the office is due on Friday.",
    "The meeting with the manager about the budget was moved.",
    "The printer on the office floor needs a new toner.",
    "My colleague wants the spreadsheet with the sales figures.",
    "The client signed the contract for the new project.",
]
HOME = [
    "Water the tomatoes in the garden on Sunday.",
    "My sister comes for dinner and brings the children.",
    "The cat has to see the vet about her paw.",
    "We want to paint the bedroom in a light blue.",
    "The kids have swimming lessons after school.",
]
EXAMPLES = [("work", text) for text in WORK] + [("home", text) for text in HOME]
ASKED = [
    ("The manager wants the report about the budget by Friday.", "work"),
    ("The office printer is out of toner again.", "work"),
    ("Feed the cat and water the garden, please.", "home"),
    ("The children stay for dinner with my sister.", "home"),
]


def judge(examples: list[tuple[str, str]] = EXAMPLES) -> Judge:
    weights = Weights()
    for _, text in examples:
        weights.count(text)
    for text, _ in ASKED:
        weights.count(text)
    mean = np.asarray(bundled().embed([text for _, text in examples]), np.float64).mean(0) / 2
    return Judge(examples, bundled(), mean, weights)


def test_what_is_like_the_examples_is_told_and_sure() -> None:
    for (text, persona), said in zip(ASKED, judge().judge([text for text, _ in ASKED]), strict=True):
        assert said.persona == persona, text
        assert said.known, text
        assert said.sure > 0.8, text
        assert EXAMPLES[said.example - 1][0] == persona


ODD = [
    "Xylophone.",
    "xqzt",
    "...",
    "The treaty of Westphalia was signed in 1648.",
    "Neutron stars spin very fast.",
    "A sonnet has fourteen lines.",
    "The goalkeeper saved the penalty.",
    "Iron rusts in salt water.",
    "He tuned the violin by ear.",
    "The glacier lost a third of its ice.",
]


def test_what_is_like_neither_is_seldom_decided() -> None:
    decided = [text for text, said in zip(ODD, judge().judge(ODD), strict=True) if said.known and said.sure >= 0.8]
    assert len(decided) <= 2, decided


def test_a_judgement_does_not_depend_on_what_is_asked_beside_it() -> None:
    texts = [text for text, _ in ASKED]
    ready = judge()
    assert ready.judge(texts) == [one for text in texts for one in ready.judge([text])]
    assert ready.judge([]) == []
    assert judge().judge(texts) == ready.judge(texts)


def test_examples_that_say_nothing_make_nothing_sure() -> None:
    same = [("work", "The same words."), ("home", "The same words.")] * 3
    for said in judge(same).judge([text for text, _ in ASKED] + ["The same words."]):
        assert said.sure < 0.8


def test_rare_words_count_more_than_common_ones() -> None:
    weights = Weights()
    for text in ("report printer", "report goats", "report waffles", "report beans"):
        weights.count(text)
    vector = weights.vector("The report about the printer")
    assert vector["printer"] > vector["report"] > 0
    assert "the" not in vector
    assert sum(weight**2 for weight in vector.values()) == pytest.approx(1)


def test_shared_words_are_a_cosine() -> None:
    weights = Weights()
    for text in ("goats graze", "waffles taste"):
        weights.count(text)
    table = Shared(weights, ["goats graze", "waffles"]).of(["goats graze", "waffles", "nothing of it", ""])
    assert table == pytest.approx(np.array([[1, 0], [0, 1], [0, 0], [0, 0]]))
