"""Codes and amounts that a query writes in another way than a memory."""

from __future__ import annotations

import pytest

from mind.events import mind_of, numbers, recall, remembered
from severance.mind.analysis import respelled, words


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Flight LH 1234 to Lisbon", "flight LH1234"),
        ("Flight LH1234 to Lisbon", "flight LH 1234"),
        ("we met in room 12b", "room 12 b"),
        ("we met in room 12 b", "room 12b"),
        ("the brakes were 412.50 euros", "412,50"),
        ("the brakes were 412.50 euros", "412.5"),
        ("the brakes were 412.5 euros", "412.50"),
        ("we deployed v2.13.1", "2.13.1"),
        ("we deployed 2.13.1", "v2.13.1"),
    ],
)
def test_a_code_is_found_however_it_is_spaced_and_an_amount_however_it_is_marked(text: str, query: str) -> None:
    mind = mind_of(remembered(1, "the flight and the room were late"), remembered(2, text), remembered(3, "soup"))
    assert numbers(recall(mind, query, words_only=True))[0] == 2


@pytest.mark.parametrize("query", ["where is the room", "", "1,234 apples", "we two"])
def test_a_query_without_such_is_left_as_it_is(query: str) -> None:
    assert respelled(words(query)) == []
