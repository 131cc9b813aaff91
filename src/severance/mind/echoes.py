"""Whether a text merely says again what recall has just returned."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from severance.mind.analysis import STOP_WORDS, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


class Heard:
    """What recall returned lately, the latest last, ready to be held against many texts at once.

    Texts are read at the first comparison and not at recall, which has no time for it. Not part of the log: a mind that
    wakes has heard nothing.
    """

    def __init__(self, most: int) -> None:
        """Remembers the last `most` memories."""
        self._most = most
        self._known: dict[str, Saying | None] = {}
        self._places: dict[str, list[tuple[str, int]]] | None = None

    def add(self, ids: Iterable[str]) -> None:
        """These were returned just now."""
        self._places = None
        for memory in ids:
            self._known[memory] = self._known.pop(memory, None)
        for memory in list(self._known)[: -self._most]:
            del self._known[memory]

    def drop(self, ids: Iterable[str]) -> None:
        """These are forgotten, and with them what was read of them."""
        self._places = None
        for memory in ids:
            self._known.pop(memory, None)

    def clear(self) -> None:
        """Nothing was returned."""
        self._known.clear()
        self._places = None

    def original(self, text: str, term: Callable[[str], str], read: Callable[[str], str | None]) -> str | None:
        """The id of the memory that the text merely says again, the earliest heard first; None when it is news.

        Args:
            text: what is about to be remembered.
            term: brings a word to its term.
            read: the text of a memory, or None when it is not there any more.
        """
        if not self._known:
            return None
        saying = Saying(text, term)
        total = saying.content.total()
        if total < LEAST_WORDS:
            return None
        places = self._listen(term, read)
        shared: Counter[str] = Counter()
        for word, count in saying.content.items():
            for memory, there in places.get(word, ()):
                shared[memory] += min(count, there)
        for memory, known in self._known.items():
            near = known is not None and shared[memory] >= CONTAINED * total
            if near and known is not None and read(memory) is not None and saying.echoes(known):
                return memory
        return None

    def _listen(
        self, term: Callable[[str], str], read: Callable[[str], str | None]
    ) -> dict[str, list[tuple[str, int]]]:
        """Where each word was heard, and how often."""
        if self._places is None:
            places: dict[str, list[tuple[str, int]]] = {}
            for memory, known in self._known.items():
                text = read(memory) if known is None else None
                saying = known if text is None else Saying(text, term)
                self._known[memory] = saying
                for word, count in saying.content.items() if saying is not None else ():
                    places.setdefault(word, []).append((memory, count))
            self._places = places  # when it is whole: a call may be cut short
        return self._places


def _share(part: Counter[str] | Counter[tuple[str, str]], whole: Counter[str] | Counter[tuple[str, str]]) -> float:
    return (part & whole).total() / max(part.total(), 1)  # type: ignore[operator]
