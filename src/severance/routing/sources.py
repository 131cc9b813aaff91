"""What is to be routed: files and folders as `severance import` reads them, or what one persona remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from severance.session import Session
from severance.transfer import Item, Skipped, fit, jsonl, read
from severance.transfer.cleaning import Clean

MOST_SKIPPED_KEPT = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One item to be routed.

    Attributes:
        item: the item.
        name: what a plan calls it: a hash of where it is from and of its text.
        source, number: which of the sources it is in, and its number there, both from 1.
        path: folders and name of the file that was named.
    """

    item: Item
    name: str
    source: int
    number: int
    path: tuple[str, ...] = ()


class Pile(Protocol):
    """What is to be routed; can be gone through several times."""

    skipped: int
    first_skipped: list[Skipped]

    def pieces(self) -> Iterator[Piece]:
        """Each item once, in its order. Counts anew what was skipped.

        Raises:
            InputError: a source cannot be read.
        """
        ...


@dataclass(slots=True)
class Files:
    """Files and folders, each with its format (None: told by its content) and the options for all of them.

    With `clean`, which takes the secrets out of a text, what is read is without them.
    """

    paths: list[tuple[Path, str | None]]
    options: Mapping[str, str] = field(default_factory=dict)
    clean: Clean | None = None
    skipped: int = 0
    first_skipped: list[Skipped] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece]:
        """Each item once, file by file."""
        self.skipped, self.first_skipped, seen = 0, [], set[str]()
        for source, (path, format_) in enumerate(self.paths, 1):
            parts = path.absolute().parts
            with read(path, format_, self.options, self.clean) as reading:
                self.paths[source - 1] = (path, reading.format)
                for number, found in enumerate(reading, 1):
                    if isinstance(found, Skipped) or found.superseded_by is not None:
                        self._skip(found)
                    elif (name := name_of(found)) not in seen:
                        seen.add(name)
                        yield Piece(found, name, source, number, parts)

    def _skip(self, found: Skipped | Item) -> None:
        self.skipped += 1
        if len(self.first_skipped) < MOST_SKIPPED_KEPT:
            earlier = "it is an earlier version of another memory"
            self.first_skipped.append(found if isinstance(found, Skipped) else Skipped("an entry", earlier))


class Remembered:
    """What an awake persona remembers now; of amended memories, the version of now."""

    def __init__(self, session: Session) -> None:
        """The session stays awake as long as pieces are taken."""
        self._session = session
        self.skipped = 0
        self.first_skipped = list[Skipped]()

    def pieces(self) -> Iterator[Piece]:
        """Each memory once, in the order in which they happened."""
        self.skipped, self.first_skipped = 0, []
        counts = Counter(memory.metadata.get(fit.ORIGIN) for memory in self._session.memories())
        for number, memory in enumerate(self._session.memories(), 1):
            found = fit.attempt(f"memory {number}", lambda memory=memory: jsonl.item_of(memory))  # type: ignore[misc]
            if isinstance(found, Skipped):
                self.skipped += 1
                self.first_skipped = [*self.first_skipped, found][:MOST_SKIPPED_KEPT]
                continue
            if counts[found.origin] > 1:
                # Two memories that say they are one: told apart here, or the second would be taken for the first.
                found = replace(found, origin=f"{jsonl.OWN}:{memory.id}")
            yield Piece(found, name_of(found), 1, number)


def name_of(item: Item) -> str:
    """What a plan calls an item, 32 digits of hex: the same source read again gives the same names."""
    return fit.digest(f"{item.origin}\n{item.draft.text}")
