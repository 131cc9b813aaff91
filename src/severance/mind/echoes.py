"""Whether a text merely says again what recall has just returned."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from severance.mind.analysis import STOP_WORDS, words

if TYPE_CHECKING:
    from collections.abc import Callable

LEAST_WORDS = 3
CONTAINED = 0.9
IN_ORDER = 0.6

_DENIALS = frozenset(
    {
        "no",
        "not",
        "never",
        "nor",
        "neither",
        "nobody",
        "nothing",
        "none",
        "without",
        "cannot",
    }
)
# Words that speak of speaking: "as you said earlier, ..." adds nothing to what was said.
_REPORTING = frozenset(
    {
        "according",
        "already",
        "earlier",
        "mention",
        "mentioned",
        "noted",
        "previously",
        "recall",
        "recalled",
        "remember",
        "remembered",
        "remind",
        "reminder",
        "said",
        "saying",
        "say",
        "says",
        "stated",
        "told",
        "tell",
        "memory",
        "memories",
        "note",
        "notes",
    }
)
_IGNORED = (frozenset(STOP_WORDS) | _REPORTING) - _DENIALS


class Saying:
    """A text as far as echoes go: its content in order, and whether it denies."""

    def __init__(self, text: str, term: Callable[[str], str]) -> None:
        found = words(text)
        self.denials = sum(word in _DENIALS or word.endswith("n't") for word in found)
        content = [term(word) for word in found if word not in _IGNORED and not word.endswith("n't")]
        self.content = Counter(content)
        self.pairs = Counter(pairwise(content))

    def echoes(self, original: Saying) -> bool:
        """Whether nearly all of this is in `original`, in the same order, and denied as often."""
        if self.content.total() < LEAST_WORDS or self.denials != original.denials:
            return False
        return _share(self.content, original.content) >= CONTAINED and _share(self.pairs, original.pairs) >= IN_ORDER


def _share(part: Counter[str] | Counter[tuple[str, str]], whole: Counter[str] | Counter[tuple[str, str]]) -> float:
    return (part & whole).total() / max(part.total(), 1)  # type: ignore[operator]
