"""What every data set is brought to: things said, and questions that say which of them they want."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """One memory to be: its name in the data set, and what an engine may know of it (`at` in microseconds)."""

    name: str
    text: str
    at: int = 0
    thread: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked at `now` (microseconds), the names of what should be found, and the group that it is told under.

    `unwanted` marks a question whose `wanted` belongs to another persona: whatever is found of it is a leak.
    """

    text: str
    group: str
    wanted: frozenset[str]
    now: int = 0
    unwanted: bool = False


@dataclass(frozen=True, slots=True)
class Corpus:
    """All that one persona remembers, and what is asked of it."""

    name: str
    said: tuple[Said, ...]
    questions: tuple[Question, ...]
