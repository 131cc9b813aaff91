"""A plain fuzzer: mutations from a seed, no coverage, the same inputs in every run and on every machine.

For `make test`, and for machines without atheris. What finds faults behind several conditions is the coverage-guided
run of `tools/fuzz.py`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from random import Random

from fuzzing.target import Target

_ODD = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\n",
    b" ",
    b'"',
    b"-1",
)
_POOL = 512
SLOW = 2.0
"""Processor seconds that one input may take."""


@dataclass(slots=True)
class Finding:
    """An input for which a property does not hold.

    Attributes:
        target: the name of the target.
        kind: the exception's name, or "hang", "memory" or "crash".
        place: the innermost line of ours that the exception came through.
        message: what it said.
        data: the input.
    """

    target: str
    kind: str
    place: str
    message: str
    data: bytes

    @property
    def signature(self) -> tuple[str, str, str]:
        """Equal for findings that are most likely one fault."""
        return self.target, self.kind, self.place


@dataclass(slots=True)
class Judge:
    """Runs a target and keeps the shortest input of each fault.

    Attributes:
        slow: how many processor seconds an input may take; None where no clock may decide.
        heard: told of each fault, and of each shorter input for it.
        counted: told after each input how many there were, and the most seconds that one took.
    """

    target: Target
    slow: float | None = SLOW
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    executions: int = 0
    slowest: float = 0.0
    heard: Callable[[Finding], None] = lambda _: None
    counted: Callable[[int, float], None] = lambda *_: None

    def __call__(self, data: bytes) -> Finding | None:
        """Run one input; what was found with it, or None."""
        self.executions += 1
        started = time.process_time() if self.slow is not None else 0.0
        found = tried(self.target, data)
        if self.slow is not None:
            taken = time.process_time() - started
            self.slowest = max(self.slowest, taken)
            if found is None and taken > self.slow:
                found = Finding(self.target.name, "hang", "", f"{len(data):,} bytes took {taken:.1f} s", data)
        if found is not None:
            self._keep(found)
        self.counted(self.executions, self.slowest)
        return found

    def _keep(self, found: Finding) -> None:
        known = self.findings.get(found.signature)
        if known is None or len(found.data) < len(known.data):
            self.findings[found.signature] = found
            self.heard(found)


def tried(target: Target, data: bytes) -> Finding | None:
    """Whether the target's property fails for this input, and how."""
    try:
        target.run(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever comes out is what is looked for
        return Finding(target.name, type(error).__name__, _place(error), str(error)[:300], data)
    return None


def _place(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    ours = [frame for frame in frames if {"severance", "fuzzing"} & set(PurePath(frame.filename).parts)]
    inside = [frame for frame in ours if "severance" in PurePath(frame.filename).parts[:-1] and frame.lineno]
    last = (inside or ours or frames)[-1]
    return f"{PurePath(last.filename).name}:{last.lineno}"


def search(judge: Judge, executions: int, seed: int) -> None:
    """Try the seeds and then mutations of them, so many inputs in all."""
    for _, data in zip(range(executions), inputs(judge.target, seed), strict=False):
        judge(data)


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """The seeds, then mutations without end. Now and then a mutation is kept to start from."""
    random = Random(f"{target.name} {seed}")
    pool = [seed[: target.longest] for seed in target.seeds()] or [b""]
    yield from list(pool)
    while True:
        data = mutated(random, random.choice(pool), pool, target)
        if random.randrange(50) == 0:
            pool[random.randrange(len(pool)) if len(pool) >= _POOL else len(pool) :] = [data]
        yield data


def mutated(random: Random, data: bytes, pool: Sequence[bytes], target: Target) -> bytes:
    """One to eight small changes."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 4, 8))):
        data = random.choice(_CHANGES)(random, data, pool, target.tokens or _ODD)
    return data[: target.longest]


def _flip(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    if not data:
        return bytes([random.randrange(256)])
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def _set(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice((*_ODD, bytes([random.randrange(256)]))) + data[at + 1 :]


def _insert(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + (random.choice(tokens) if random.randrange(2) else random.choice(_ODD)) + data[at:]


def _overwrite(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    at, token = random.randrange(len(data) + 1), random.choice(tokens)
    return data[:at] + token + data[at + len(token) :]


def _cut(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    begin, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return data[:begin] + data[end:]


def _repeat(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    begin = random.randrange(len(data) + 1)
    piece = data[begin : begin + random.randrange(1, 33)]
    return data[:begin] + piece * random.choice((2, 3, 10, 100)) + data[begin:]


def _join(random: Random, data: bytes, pool: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    other = random.choice(pool)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


_CHANGES = (_flip, _flip, _set, _set, _insert, _overwrite, _cut, _repeat, _join)


def minimised(target: Target, found: Finding, tries: int = 5_000) -> Finding:
    """The same fault with a shorter and plainer input, where one is found in so many tries. Not for hangs."""
    best, left = found, tries
    size = max(len(best.data) // 2, 1)
    while size and left > 0:
        shorter = None
        for candidate in _shorter(best.data, size):
            left -= 1
            again = tried(target, candidate)
            if again is not None and again.signature == found.signature:
                shorter = again
                break
            if left <= 0:
                break
        if shorter is None:
            size //= 2
        else:
            best, size = shorter, min(size, max(len(shorter.data), 1))
    return best


def _shorter(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[:at] + data[at + size :]
    for at in range(0, len(data), size):
        plain = data[:at] + bytes(len(data[at : at + size])) + data[at + size :]
        if plain != data and size <= 8:
            yield plain
