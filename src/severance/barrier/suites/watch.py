"""Looking for what belongs to another persona in whatever came out: results, errors, log lines, exports."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass

from severance.barrier.suites.cast import Piece, Who

_ID = re.compile(r"[0-9a-f]{30}")
_DEEPEST = 12
_GRAM = 12


def strings(value: object, depth: int = 0) -> Iterator[str]:
    """Every string in a result, however nested; of an error all that it carries and a traceback would show.

    Read out rather than printed, since `repr` escapes what it prints.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif value is not None and depth <= _DEEPEST:
        parts = _parts(value)
        if parts is None:
            yield repr(value)
        else:
            for part in parts:
                yield from strings(part, depth + 1)


def _parts(value: object) -> Iterable[object] | None:
    if isinstance(value, BaseException):
        # A context that was suppressed is not shown: it holds what the caller gave, and nothing else.
        context = None if value.__suppress_context__ else value.__context__
        return (str(value), value.args, vars(value), value.__cause__, context)
    if isinstance(value, Mapping):
        return value.items()
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    return value if isinstance(value, Iterable) else None


class Watch:
    """Knows what belongs to whom, and finds it again.

    Canaries are compared with all white space made one blank, so that a line broken for printing is still found. What
    a persona has itself is no leak, also where another has the same.
    """

    def __init__(self, pieces: Sequence[Piece], ids: Sequence[str]) -> None:
        everyone = dict.fromkeys(piece.who for piece in pieces)
        self._owners: dict[str, set[Who]] = defaultdict(set)
        for piece, name in zip(pieces, ids, strict=True):
            self._owners[name].add(piece.who)
        self._foreign: dict[Who | None, _Canaries] = {who: _foreign(pieces, who) for who in (None, *everyone)}

    def leaks(self, who: Who | None, value: object) -> int:
        """How many different ids and canaries of others than `who` are in it (None: of anybody)."""
        said = "\n".join(strings(value))
        ids = {found for found in _ID.findall(said) if found in self._owners and who not in self._owners[found]}
        return len(ids) + len(self._foreign[who].found(_plain(said)))


class _Canaries:
    """Many strings, found in one pass: by a few letters of the text in every so many, and then in full.

    Wherever one stands, one of its first `_size` grams begins at a multiple of `_size`.
    """

    def __init__(self, canaries: Iterable[str]) -> None:
        every = [canary for canary in dict.fromkeys(canaries) if canary]
        long = [canary for canary in every if len(canary) >= _GRAM]
        self._short = [canary for canary in every if len(canary) < _GRAM]
        self._size = min([_GRAM, *((len(canary) + 1) // 2 for canary in long)])
        self._by_gram: dict[str, list[str]] = defaultdict(list)
        for canary in long:
            for at in range(self._size):
                self._by_gram[canary[at : at + self._size]].append(canary)

    def found(self, text: str) -> list[str]:
        """Those that are in the text."""
        grams = {text[at : at + self._size] for at in range(0, len(text), self._size)}
        candidates = {canary: None for gram in grams & self._by_gram.keys() for canary in self._by_gram[gram]}
        return [canary for canary in (*candidates, *self._short) if canary in text]


def _foreign(pieces: Sequence[Piece], who: Who | None) -> _Canaries:
    own = _plain("\n".join(said for piece in pieces if piece.who == who for said in strings(piece.draft)))
    canaries = [_plain(canary) for piece in pieces if piece.who != who for canary in piece.canaries]
    mine = set(_Canaries(canaries).found(own))
    return _Canaries(canary for canary in canaries if canary not in mine)


def _plain(text: str) -> str:
    return " ".join(text.split())


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what would be printed, and what it was made of."""
        error = record.exc_info[1] if record.exc_info else None
        self.heard.append((record.getMessage(), record.args, error, record.stack_info))


@contextmanager
def listening() -> Iterator[list[object]]:
    """What is logged meanwhile, by anybody, at any level; the caller may clear the list as it reads on."""
    root, listener = logging.getLogger(), _Listener()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield listener.heard
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
