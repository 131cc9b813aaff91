"""How a command ends: one exit code for each kind of error, and one sentence (or one JSON object) on standard error."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from types import MappingProxyType

from severance.cli.screen import shown
from severance.errors import AlreadyUpError, DamagedError, InputError, KeyMissingError, SeveranceError, WrongKeyError

DONE = 0
FAILED = 1
USAGE = 2
NO_KEY = 3
DAMAGED = 4
CROSSED = 5
UNCLEAR = 6
UP = 7
INTERRUPTED = 130

EXPLAINED = MappingProxyType(
    {
        DONE: "done",
        FAILED: "refused or failed (also: whoever read the output stopped reading)",
        USAGE: "the command cannot be meant as it was written",
        NO_KEY: "the root key is missing or wrong",
        DAMAGED: "damage was found",
        CROSSED: "the barrier found a crossing",
        UNCLEAR: "the barrier came to no conclusion",
        UP: "a house is up for the store already",
        INTERRUPTED: "interrupted with Ctrl-C",
    }
)

_CODES: dict[type[BaseException], int] = {
    SeveranceError: FAILED,
    InputError: USAGE,
    KeyMissingError: NO_KEY,
    WrongKeyError: NO_KEY,
    DamagedError: DAMAGED,
    AlreadyUpError: UP,
}


class Interrupted(Exception):  # noqa: N818 - not an error: somebody pressed Ctrl-C
    """Ctrl-C, as an exception that the command framework does not handle in its own way."""


class Unread(Exception):  # noqa: N818 - not an error either: `... | head` has seen enough
    """Nobody reads standard output any more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as it is told.

    Attributes:
        kind: the name of the error's class, or `UsageError`, `Interrupted`, `OSError` or `Bug`.
        message: one sentence without content of memories.
        code: the exit code.
        details: more fields of the JSON object.
    """

    kind: str
    message: str
    code: int
    details: dict[str, object] = field(default_factory=dict)


def code_of(error: SeveranceError) -> int:
    """The exit code for an error: that of the nearest class in the tree."""
    return next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)


def failure_of(error: SeveranceError) -> Failure:
    """An error of Severance as it is told."""
    details: dict[str, object] = {}
    if isinstance(error, DamagedError):
        details = {"space": error.space, "record": error.record}
    return Failure(type(error).__name__, str(error), code_of(error), details)


def bug(error: Exception) -> Failure:
    """An exception that nobody expected. Its own message may hold anything, so only its type is told."""
    kind = type(error).__name__
    return Failure("Bug", f"this is a bug in Severance: {kind}; nothing of your memories is in this message", FAILED)


def tell(failure: Failure, *, as_json: bool) -> None:
    """Write a failure to standard error. A standard error that is closed is nothing to fail about."""
    if as_json:
        error = {"kind": failure.kind, "message": failure.message, "exit_code": failure.code, **failure.details}
        line = json.dumps({"error": error})
    else:
        line = f"severance: {shown(failure.message)}"  # a path in it may hold anything
    note(line)


def note(line: str) -> None:
    """Write a line to standard error, if there is one."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
    except (OSError, ValueError):  # closed, full or gone; the exit code still tells
        return
