"""Which sources (speakers, places read) a query names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from severance.mind.analysis import words

if TYPE_CHECKING:
    from severance.mind.columns import Values


class Sources:
    """From folded words to the numbers of the sources whose name has them."""

    def __init__(self) -> None:
        self._of_word: dict[str, list[int]] = {}
        self._read = 0

    def forget(self) -> None:
        """A source may be gone, or numbered anew: read them all again at the next look."""
        self._of_word.clear()
        self._read = 0

    def named(self, query: list[str], table: Values) -> dict[int, str]:
        """The numbers of sources that these words name, each with the words that name it."""
        for number in range(self._read, len(table.values)):
            for word in set(words(table.values[number].decode())):
                self._of_word.setdefault(word, []).append(number)
        self._read = len(table.values)
        found: dict[int, str] = {}
        for word in dict.fromkeys(word.removesuffix("'s") for word in query):
            for number in self._of_word.get(word, ()):
                found[number] = f"{found[number]} {word}" if number in found else word
        return found
