"""The two vocabularies have one shape: whatever follows from sizes, counts and rankings is the same for both."""

from __future__ import annotations

import numpy as np
import pytest

from severance.barrier.traces.content import DISLIKED, FIRST_WORDS, SECOND_WORDS, Content
from severance.barrier.traces.ports import FEW, Mirrored
from severance.errors import EmbedderError
from severance.mind.analysis import STOP_WORDS, Stems, words

PAIRS = list(zip(FIRST_WORDS, SECOND_WORDS, strict=True))


def terms(vocabulary: tuple[str, ...]) -> list[str]:
    stems = Stems()
    return [stems.term(word) for text in vocabulary for word in words(text)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_counterparts_have_the_same_size_and_a_stem_of_the_same_size(first: str, second: str) -> None:
    assert len(first.encode()) == len(second.encode())
    assert first != second
    assert [len(term) for term in terms((first,))] == [len(term) for term in terms((second,))]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_function_word_stands_where_a_function_word_stood(first: str, second: str) -> None:
    assert (words(first)[0] in STOP_WORDS) == (words(second)[0] in STOP_WORDS)


def test_counterparts_have_the_same_place_in_the_alphabet() -> None:
    for one, other in ((FIRST_WORDS, SECOND_WORDS), (terms(FIRST_WORDS), terms(SECOND_WORDS))):
        assert sorted(range(len(one)), key=one.__getitem__) == sorted(range(len(other)), key=other.__getitem__)


def test_no_word_is_in_both() -> None:
    assert not {*terms(FIRST_WORDS)} & {*terms(SECOND_WORDS)}
    assert len({*FIRST_WORDS, *SECOND_WORDS}) == 2 * len(FIRST_WORDS)


def test_texts_of_counterparts_have_mirrored_vectors() -> None:
    texts = [Content(each).text((0, 4, 8, 11)) for each in (FIRST_WORDS, SECOND_WORDS)]
    first, second = Mirrored(FEW).embed(texts)
    assert np.array_equal(first, -second)
    assert np.any(first)


def test_the_embedder_fails_for_the_disliked_word_of_either() -> None:
    for vocabulary in (FIRST_WORDS, SECOND_WORDS):
        content = Content(vocabulary)
        Mirrored(FEW).embed([content.text((DISLIKED, DISLIKED))])
        with pytest.raises(EmbedderError):
            Mirrored(FEW).embed(["fine", content.text((DISLIKED, DISLIKED, DISLIKED))])


@pytest.mark.parametrize("size", [1_000, 50_000, 65_536])
def test_a_long_text_is_as_long_as_it_says_in_either(size: int) -> None:
    first, second = (Content(each).text((1, 8, -size)) for each in (FIRST_WORDS, SECOND_WORDS))
    assert size - 20 < len(first.encode()) == len(second.encode()) <= size
    assert first.startswith(f"{FIRST_WORDS[1]} {FIRST_WORDS[8]} {FIRST_WORDS[1]} ")


def test_short_notes_are_all_different_and_liked_by_the_embedder() -> None:
    first, second = (Content(each).notes(150, 300) for each in (FIRST_WORDS, SECOND_WORDS))
    assert len({*first}) == len({*second}) == 300
    assert [len(text.encode()) for text in first] == [len(text.encode()) for text in second]
    assert np.array_equal(Mirrored(FEW).embed(first), -Mirrored(FEW).embed(second))


def test_there_is_a_word_beyond_the_first_plane() -> None:
    assert any(ord(letter) > 0xFFFF for word in FIRST_WORDS for letter in word)
