"""Recollections as a block of text for a prompt."""

from __future__ import annotations

import pytest

from mind.events import DAY
from mind.test_likeness import OTHERS, asked, said, told
from severance.context import HEADING, context_block, estimate_tokens

NUMBERS = [
    said(1, "Bob: my new number is +49 151 2345678 and the old one is off", source="Bob", at=30 * DAY),
    said(2, "Number nine", source="Ann", at=20 * DAY),
    *OTHERS,
]


def test_what_nothing_answers_gives_no_block() -> None:
    mind = told(*NUMBERS)
    assert asked(mind, "quantum chromodynamics"), "something comes to mind, by its meaning alone"
    assert context_block(asked(mind, "quantum chromodynamics"), 1_000) == ""
    assert "+49" in context_block(asked(mind, "what is the new number?"), 1_000)


def test_what_is_near_in_meaning_answers_without_a_word_in_common() -> None:
    mind = told(said(1, "my doctor prescribed tablets"), *OTHERS)
    hits = asked(mind, "physician medication")
    assert not any(reason.startswith("words") for reason in hits[0].reasons)
    assert "tablets" in context_block(hits, 1_000)


def test_what_only_fills_the_block_is_left_out_of_it() -> None:
    hits = asked(told(*NUMBERS), "what is the new number of Bob?")
    assert "canteen" in " ".join(hit.memory.text for hit in hits)
    assert "canteen" not in context_block(hits, 1_000)


def test_the_thread_of_what_answers_may_stand_beside_it() -> None:
    mind = told(said(1, "where is the spare key?", thread="keys"), said(2, "Under a flowerpot", thread="keys"), *OTHERS)
    assert "flowerpot" in context_block(asked(mind, "spare key"), 1_000)


@pytest.mark.parametrize("tokens", range(16, 80))
def test_the_best_is_cut_to_fit_and_no_worse_one_takes_its_place(tokens: int) -> None:
    block = context_block(asked(told(*NUMBERS), "what is Bob's new number?"), tokens)
    if block:
        assert block.startswith(HEADING)
        assert "Bob: my new" in block, "the best, and at least a few words of it"
        assert estimate_tokens(block) <= tokens
    else:
        assert tokens < 40
