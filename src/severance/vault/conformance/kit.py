"""What the parts of the suite share: how a backend is made, and frames to put in it."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256, shake_256
from pathlib import Path
from typing import Any, TypeVar

from severance.model import Head, Sealed
from severance.ports import Entry, Layer, NewSpace, Vault

E = TypeVar("E", bound=BaseException)

STORE = bytes(range(16))
# Ids are random bytes: a terminator, the highest byte and what is next to it must be nothing special.
SPACE = b"\x00\xff" * 8
NEIGHBOURS = (b"\x00" * 16, b"\x00\xff" * 7 + b"\x00\xfe", b"\x00\xff" * 7 + b"\xff\x00", b"\xff" * 16)
EMPTY = Head(0, sha256(b"nothing yet").digest())


class Kit:
    """How the suite gets its vaults. Override `make` and `reopen`."""

    def make(self, folder: Path) -> Vault:
        """A new vault in this empty folder, with the store id `STORE`."""
        raise NotImplementedError

    def reopen(self, vault: Vault) -> Vault:
        """A further, independent handle on what `vault` stores; `vault` may be open or closed."""
        raise NotImplementedError

    def open_copy(self, path: Path) -> Vault:
        """A handle on what `copy_to(path)` wrote."""
        raise unittest.SkipTest("this backend does not say how a copy is opened (open_copy)")

    def opener(self, vault: Vault) -> Callable[[], Vault]:
        """What opens the same vault in another process; it can be pickled."""
        raise unittest.SkipTest("this backend does not say how another process opens it (opener)")

    @contextmanager
    def vaults(self, folder: Path, count: int = 1) -> Iterator[list[Vault]]:
        """`count` handles on one new vault, which has the empty space `SPACE`; closed at the end."""
        with ExitStack() as stack:
            handles = [self.make(folder)]
            stack.callback(handles[0].close)
            handles[0].create([NewSpace(SPACE, EMPTY)])
            for _ in range(count - 1):
                handles.append(self.reopen(handles[0]))
                stack.callback(handles[-1].close)
            yield handles


def frame(number: int, size: int = 612) -> Sealed:
    """Bytes that look like a frame: no two numbers give the same, none can be compressed."""
    return Sealed(shake_256(number.to_bytes(8, "big")).digest(size))


def frames(first: int, count: int, size: int = 612) -> list[Sealed]:
    """`count` frames, numbered from `first`."""
    return [frame(number, size) for number in range(first, first + count)]


def after(head: Head, written: list[Sealed]) -> Head:
    """The head that appending these must leave."""
    for one in written:
        head = head.then(sha256(one).digest())
    return head


def entries(first: int, written: list[Sealed]) -> list[Entry]:
    """How a vault must hand these on, the first one being record `first`; those before it are `frames` from 1 on."""
    head, found = after(EMPTY, frames(1, first - 1)), list[Entry]()
    for frame in written:
        head = after(head, [frame])
        found.append(Entry(head.seq, frame, head.digest, sha256(frame).digest()))
    return found


def fill(vault: Vault, count: int, space: bytes = SPACE, size: int = 612) -> Head:
    """Append `count` frames, numbered as their records will be; returns the new head."""
    head = vault.head(space)
    return vault.append(space, head, frames(head.seq + 1, count, size))


def picture(vault: Vault, end: Head, chunks: list[Sealed], space: bytes = SPACE) -> bool:
    """Keep one layer of everything up to `end` in the place of those that are there; returns whether it was kept."""
    there = [last for _, last in vault.layers(space)]
    return vault.write_layers(space, end.seq, [Layer(EMPTY, end, tuple(chunks))], there)


def expect(holds: bool, sentence: str) -> None:
    """An assertion that `python -O` keeps."""
    if not holds:
        raise AssertionError(sentence)


def same(found: object, wanted: object, what: str) -> None:
    """An assertion that two things are equal. It does not print them: they may be megabytes."""
    expect(found == wanted, f"{what} should be equal to what was written")


def refused(kind: type[E], call: Callable[..., object], *arguments: Any) -> E:
    """The error of this kind that the call must raise."""
    try:
        call(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"{call} should have raised {kind.__name__}")
