"""Whether two short texts say different things of the same thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from severance.mind.slots import Form

SAME = [
    ("The rent is 1200 euros", "The rent was 1350 euros"),
    ("Bob's number is 0171 1234", "Bob's number is 0172 9876"),
    ("Rex weighs 30 kg", "Rex weighs 32 kg"),
    ("The standup is on Monday", "The standup is on Friday"),
    ("The rent is 1200 euros", "The rent is now 1350 euros from January"),
    ("My favourite colour is green", "My favourite colour is dark blue"),
    ("I work at Siemens", "I work at Bosch since June"),
]
OTHER = [
    ("Invoice 4009 is paid", "Invoice 4011 is paid"),
    ("Paid invoice 4009", "Paid invoice 4011"),
    ("Paid invoice 4009", "Invoice 4011 is paid"),
    ("Room 12 is free", "Room 14 is free"),
    ("Code no 12 is used up", "Code no 14 is used up"),
]
UNKNOWN = [
    ("The car is blue", "The car is in the garage"),
    ("My dog is called Rex", "My dog is ill"),
    ("The rent is 1200 euros for the flat", "The rent is 80 euros for the garage"),
    ("The meeting with Ann is at 3", "The meeting with Bob is at 4"),
    ("Your weight is 82 kg", "My weight is 82 kg"),
    ("The rent is high", "The rent is high and rising"),
    ("I like coffee", "I like tea"),
]
PAIRS = [
    *((pair, "same") for pair in SAME),
    *((pair, "other") for pair in OTHER),
    *((pair, "unknown") for pair in UNKNOWN),
]


@pytest.mark.parametrize(("pair", "verdict"), PAIRS)
def test_the_form_of_two_sentences_tells_whether_they_are_about_one_thing(pair: tuple[str, str], verdict: str) -> None:
    one, other = map(Form, pair)
    assert one.compare(other) == verdict
    assert other.compare(one) == verdict


WORDS = "the rent is was : at 12 1,350 euros monday new moved to invoice = not"
words = st.sampled_from(WORDS.split())
texts = st.lists(words, max_size=8).map(" ".join) | st.text(max_size=20)


@given(texts, texts)
def test_any_two_texts_are_compared_alike_from_either_side(one: str, other: str) -> None:
    assert Form(one).compare(Form(other)) == Form(other).compare(Form(one))
    assert Form(one).compare(Form(one)) == "unknown"
