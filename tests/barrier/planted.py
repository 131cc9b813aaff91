"""Sentences that nobody would write by chance: the same for the same number, in every process."""

from __future__ import annotations

import random

_SYLLABLES = [
    f"{start}{end}" for start in ("b", "d", "g", "k", "l", "n", "p", "t", "v") for end in ("a", "é", "o", "ui")
]
_SCRIPTS = ("Ω-Schacht", "„Kreide“", "雪の部屋", "коридор", 'a "quoted" aside', "naïve résumé", "🗝 under the mat")


def word(source: random.Random) -> str:
    return "".join(source.choice(_SYLLABLES) for _ in range(source.randint(3, 5)))


def planted(count: int, seed: int = 1) -> list[str]:
    """`count` sentences of 80 to 140 characters, each with something that JSON has to escape."""
    source = random.Random(f"planted/{seed}")
    found = []
    for number in range(count):
        words = [word(source) for _ in range(9)]
        found.append(
            f"{words[0].capitalize()} {' '.join(words[1:5])} — {source.choice(_SCRIPTS)}, "
            f"{words[5]} №{number * 7919 + 13} {' '.join(words[6:])}."
        )
    return found
