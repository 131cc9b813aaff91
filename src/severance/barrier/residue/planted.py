"""Sentences that nobody would write by chance: the same for the same seed, in every process."""

from __future__ import annotations

import functools
import random
import unicodedata
from collections.abc import Sequence
from typing import Any

from severance.model import MAX_TEXT_BYTES

_SYLLABLES = [
    f"{start}{end}" for start in ("b", "d", "g", "k", "l", "n", "p", "t", "v") for end in ("a", "é", "o", "ui")
]
_LABELLED = 8
_ABOVE = "𐍈𝄞🜂𓂀"
_MARKS = ("Ω", "„", "雪", "ж", '"', "ï")


def word(source: random.Random) -> str:
    """A word of three to five syllables."""
    return "".join(source.choice(_SYLLABLES) for _ in range(source.randint(3, 5)))


def _long(source: random.Random) -> str:
    return "".join(source.choice(_SYLLABLES[::4]) + source.choice("rszm") for _ in range(9))


def planted(count: int, seed: int | str = 1) -> list[str]:
    """`count` sentences of 110 to 190 characters, each with something that JSON has to escape.

    What all of them have in common is so short that no sentence is ever taken for a leftover of another. Each has a
    word of 24 small letters or more, which a list of the words in use gives away.
    """
    source = random.Random(f"planted/{seed}")
    found = []
    for _ in range(count):
        words = [word(source) for _ in range(9)]
        words[source.randint(1, 7)] += source.choice(_MARKS)
        found.append(
            f"{words[0].capitalize()} {' '.join(words[1:5])} — "
            f"{words[5]} №{source.randint(1_000, 999_999)} {_long(source)} {' '.join(words[6:])}."
        )
    return found


def drafts(said: Sequence[str]) -> list[dict[str, Any]]:
    """What is remembered beside these sentences: the first of them with labels of their own, and unusual texts.

    The texts are one of nearly the greatest length, one with characters of more than 16 bits, and one with marks that
    combine with the letter before. Everything follows from the sentences.
    """
    source = random.Random(f"beside/{said[0]}")
    labelled = []
    for text in said[:_LABELLED]:
        labels = {name: _long(source) for name in ("thread", "source", "kind")}
        labelled.append({"text": text, **labels, "metadata": {_long(source): _long(source)}})
    return labelled + [{"text": text} for text in (_longest(said[0]), *_unusual(source))]


def beside(said: Sequence[str]) -> list[str]:
    """What to look for beside the sentences: every label of `drafts`, and of its texts a part or all."""
    found = []
    for draft in drafts(said)[:_LABELLED]:
        ((name, value),) = draft["metadata"].items()
        found += [draft["thread"], draft["source"], draft["kind"], name, value]
    lines = _longest(said[0]).split("\n")
    *_, above, marked = (draft["text"] for draft in drafts(said))
    return [*found, lines[0], lines[len(lines) // 2], lines[-1], above, marked, unicodedata.normalize("NFC", marked)]


@functools.cache
def _longest(seed: str) -> str:
    lines, size = [], 0
    for line in planted(MAX_TEXT_BYTES // 120, f"longest/{seed}"):
        size += len(line.encode()) + 1
        if size > MAX_TEXT_BYTES:
            break
        lines.append(line)
    return "\n".join(lines)


def _unusual(source: random.Random) -> tuple[str, str]:
    above, marked = (" ".join(word(source) for _ in range(12)) for _ in range(2))
    # One to a word: what is the same in the texts of two runs must stay short.
    above = " ".join(f"{each}{source.choice(_ABOVE)}" for each in above.split())
    return above, unicodedata.normalize("NFD", f"é{marked}é")
