"""What personas say: numbers turned into words, in either of two vocabularies of one shape.

The second vocabulary is what one persona says instead when its content is substituted. Word by word it has the same
number of bytes, a stem of the same length, the same place in the alphabet, and it stands where a function word stood;
its vectors are those of the first, mirrored (`ports.Mirrored`). So whatever follows from sizes, counts, repeats and
rankings is the same for both, and all that differs is what is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_PAIRS = (
    ("file", "foil"),
    ("waffle", "wobble"),
    ("Helly", "Hurry"),
    ("garden", "gibbon"),
    ("elevator", "emanator"),
    ("paint", "plank"),
    ("music", "mural"),
    ("melon", "mocha"),
    ("café", "cône"),
    ("goat", "gust"),
    ("Irving", "Isking"),
    ("no", "of"),
    ("𐐨𐐬", "𐐩𐐭"),  # beyond U+FFFF: two units in UTF-16, four bytes in UTF-8
)
FIRST_WORDS = tuple(first for first, _ in _PAIRS)
SECOND_WORDS = tuple(second for _, second in _PAIRS)
DISLIKED = 7
"""The number of the word that, said three times, the embedder fails for."""


class Content:
    """Words for numbers. Every persona has the same words, so that one's would be found by another if they could be."""

    def __init__(self, words: Sequence[str] = FIRST_WORDS) -> None:
        self._words = words

    def text(self, numbers: Sequence[int]) -> str:
        """A text of these words. A negative number at the end: again and again, up to so many bytes."""
        if numbers and numbers[-1] < 0:
            once = f"{self.text(numbers[:-1])} "
            return (once * (-numbers[-1] // len(once.encode()))).rstrip()
        return " ".join(self._words[n % len(self._words)] for n in numbers)

    def notes(self, first: int, count: int) -> list[str]:
        """So many short texts, all different."""
        return [f"{self.text((n, n + 3, n // 5))} {n}" for n in range(first, first + count)]

    def label(self, number: int | None) -> str | None:
        """A thread, a source or a kind."""
        return None if number is None else f"about {self._words[number % len(self._words)]}"

    def metadata(self, pairs: Sequence[tuple[int, Any]] | None) -> dict[str, Any] | None:
        """Metadata with these values."""
        if pairs is None:
            return None
        return {self._words[name % 3]: self._words[v] if type(v) is int and v < 3 else v for name, v in pairs}
