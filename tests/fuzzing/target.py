"""What a target is, and how a decoder that wants structure makes it out of the engine's bytes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from severance.barrier.traces.ports import MEMORY

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One decoder with its property.

    Attributes:
        name: how it is called on the command line.
        decoder: which of the product's decoders it is about.
        run: returns when the property holds, and raises anything at all when it does not.
        seeds: inputs to begin with, made by code.
        longest: how many bytes an input has at most.
        tokens: byte strings that the decoder looks for.
        weight: its share of a long run; about how many executions it does in a millisecond.
        short: how many executions `make test` gives it.
    """

    name: str
    decoder: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    longest: int = 4_096
    tokens: tuple[bytes, ...] = ()
    weight: float = 1.0
    short: int = 400


class Choices:
    """Decisions read out of an input, one after the other; zeros when it has come to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, end: int) -> int:
        """A whole number from 0, less than `end`."""
        number = self.byte()
        return (number if end <= 256 else number << 8 | self.byte()) % end

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]

    def number(self, size: int = 8) -> int:
        """A signed whole number of so many bytes."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))


@cache
def scratch() -> Path:
    """A folder for the inputs of decoders that read files; gone with the process."""
    return Path(_folder().name)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # Under libFuzzer a process ends without tidying; the tool then removes what is in its own folder.
    return tempfile.TemporaryDirectory(prefix="fuzz-", dir=os.environ.get("FUZZ_FOLDER", MEMORY))


def text_of(data: bytes) -> str:
    """Bytes as text in which lone surrogates can be."""
    return data.decode("utf-8", "surrogateescape")
