"""What was said is cut into pieces that can be kept."""

from __future__ import annotations

import pytest

from severance.drafts import draft_of
from severance.integrations.saying import pieces
from severance.model import MAX_TEXT_BYTES


@pytest.mark.parametrize("text", ["", " \n\t", "\0", "\u200b\u200b"])
def test_of_what_cannot_be_seen_nothing_is_left(text: str) -> None:
    assert pieces(text) == []


def test_a_short_text_is_one_piece_to_the_letter() -> None:
    assert pieces(" the file is at 96 percent \n") == [" the file is at 96 percent \n"]


def test_nul_is_left_out_and_half_a_pair_is_a_question_mark() -> None:
    assert pieces("a\0b\ud800c") == ["ab?c"]


def test_a_long_text_is_cut_at_the_end_of_a_line_that_fits() -> None:
    line = "x" * 999 + "\n"
    first, second = pieces(line * 70)
    assert (len(first), len(second)) == (65_000, 5_000)


def test_without_lines_it_is_cut_at_a_blank_and_without_blanks_anywhere() -> None:
    assert [len(piece) for piece in pieces(("x" * 999 + " ") * 70)] == [65_000, 5_000]
    assert [len(piece) for piece in pieces("x" * 70_000)] == [MAX_TEXT_BYTES, 70_000 - MAX_TEXT_BYTES]


@pytest.mark.parametrize("part", ["a", "é", "漢", "😀", "a é\n", "\0漢 ", "😀é", " a"])
@pytest.mark.parametrize("size", [1, MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES, MAX_TEXT_BYTES + 1, 200_000])
def test_every_piece_can_be_kept_and_together_they_are_the_text(part: str, size: int) -> None:
    text = part * (1 + size // len(part))
    found = pieces(text)
    assert all(draft_of(piece) for piece in found)
    assert "".join(found) == text.replace("\0", "")
