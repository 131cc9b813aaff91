"""Sentences that nobody would write by chance: the same for the same seed, in every process."""

from __future__ import annotations

import random

_SYLLABLES = [
    f"{start}{end}" for start in ("b", "d", "g", "k", "l", "n", "p", "t", "v") for end in ("a", "é", "o", "ui")
]
_MARKS = ("Ω", "„", "雪", "ж", '"', "ï")


def word(source: random.Random) -> str:
    """A word of three to five syllables."""
    return "".join(source.choice(_SYLLABLES) for _ in range(source.randint(3, 5)))


def planted(count: int, seed: int | str = 1) -> list[str]:
    """`count` sentences of 80 to 140 characters, each with something that JSON has to escape.

    What all of them have in common is so short that no sentence is ever taken for a leftover of another. None has a
    character of more than 16 bits: Python would hold the string as UTF-32, which is none of the eight encodings.
    """
    source = random.Random(f"planted/{seed}")
    found = []
    for _ in range(count):
        words = [word(source) for _ in range(9)]
        words[source.randint(1, 7)] += source.choice(_MARKS)
        found.append(
            f"{words[0].capitalize()} {' '.join(words[1:5])} — "
            f"{words[5]} №{source.randint(1_000, 999_999)} {' '.join(words[6:])}."
        )
    return found
