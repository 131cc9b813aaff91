"""Which sources (speakers, places read) a query names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from severance.mind.analysis import STOP_WORDS, words

if TYPE_CHECKING:
    from severance.mind.columns import Values

_STOP_WORDS = frozenset(STOP_WORDS)
_MOST_NAMED = 64


class Sources:
    """From folded words to the numbers of the sources whose name has them."""

    def __init__(self) -> None:
        self._of_word: dict[str, list[int]] = {}
        self._read = 0

    def renumbered(self) -> None:
        """The sources have other numbers: read them all again at the next look."""
        self._of_word.clear()
        self._read = 0

    def drop(self, number: int, source: bytes) -> None:
        """Nothing has this source any more."""
        for word in dict.fromkeys(words(source.decode())) if number < self._read else ():
            numbers = self._of_word.get(word, [])
            if number in numbers:
                numbers.remove(number)
            if not numbers:
                self._of_word.pop(word, None)

    def _learn(self, table: Values) -> None:
        for number in range(self._read, len(table.values)):
            for word in dict.fromkeys(words(table.values[number].decode())):
                if word not in _STOP_WORDS:
                    self._of_word.setdefault(word, []).append(number)
        self._read = len(table.values)

    def without_names(self, text: str, table: Values) -> str:
        """The text without words that name a source; the whole text when nothing else is in it."""
        self._learn(table)
        parts = text.split()
        if text.isascii():  # then a text's words are those of its parts, and one look at all of them tells
            found = words(text)
            if not any(map(self._numbers, found)):
                return " ".join(parts) if found else text
        kept = [part for part in parts if not self._is_name(part)]
        return " ".join(kept) if any(map(words, kept)) else text

    def _is_name(self, part: str) -> bool:
        found = words(part)
        return bool(found) and all(map(self._numbers, found))

    def _numbers(self, word: str) -> list[int]:
        """The sources that a word names; a word of very many sources (the `md` of a thousand files) names none."""
        numbers = self._of_word.get(word.removesuffix("'s"), [])
        return numbers if len(numbers) <= _MOST_NAMED else []

    def named(self, query: list[str], table: Values) -> dict[int, str]:
        """The numbers of sources that these words name, each with the words that name it."""
        self._learn(table)
        found: dict[int, str] = {}
        for word in dict.fromkeys(word.removesuffix("'s") for word in query):
            for number in self._numbers(word):
                found[number] = f"{found[number]} {word}" if number in found else word
        return found
