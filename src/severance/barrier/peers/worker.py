"""The process in which an adapter runs: `python -m severance.barrier.peers.worker`.

It reads requests from what was its standard input and writes answers to what was its standard output. The adapter gets
neither: what it prints goes nowhere, and what it reads is empty.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

import msgspec

from severance.barrier.paths import base_names
from severance.barrier.peers.fitness import PAGE, UnusableError, check
from severance.barrier.peers.port import Found
from severance.barrier.peers.wire import (
    METHODS,
    MOST_CHARS,
    MOST_FOUND,
    Answer,
    Call,
    Close,
    Load,
    One,
    Open,
    Race,
    Request,
    Row,
    Share,
)

if sys.platform != "win32":
    import resource

_NOTE_CHARS = 300
_SAID_CHARS = 3_000  # of what was raised, before its paths are cut
_MOST_BYTES = 2**31  # in one file; a memory that was given a few sentences needs less
_FOLLOW = 1.0  # seconds between looks at whether the barrier is still there


class _WrongError(Exception):
    """What a method returned is not what it should return."""


class Host:
    """Holds the adapter, and answers for it."""

    def __init__(self) -> None:
        self._kind: Any = None
        self._adapter: Any = None

    def answer(self, request: Request) -> list[Answer]:
        """Do what is asked. Nothing that the adapter raises gets out of here."""
        match request:
            case One(call):
                return [self._called(call)]
            case Race(lanes):
                return self._race(lanes)
            case Share(first, second, text):
                return self._share(first, second, text)
            case Load() | Open() | Close():
                return [self._guarded(request)]

    def _guarded(self, request: Load | Open | Close) -> Answer:
        try:
            if isinstance(request, Load):
                self._kind = _load(request)
                return Answer("ok", calls=_calls(self._kind))
            if isinstance(request, Open):
                self._adapter = None
                self._adapter = self._kind(Path(request.folder))
            elif self._adapter is not None:
                adapter, self._adapter = self._adapter, None
                if hasattr(adapter, "close"):
                    adapter.close()
        except UnusableError as problem:
            return Answer("raised", note=str(problem))
        except BaseException as problem:  # noqa: BLE001 - whatever foreign code raises is an answer here
            return Answer("raised", note=_said(problem))
        return Answer("ok")

    def _called(self, call: Call) -> Answer:
        answer, _ = self._outcome(call)
        return answer

    def _outcome(self, call: Call) -> tuple[Answer, Any]:
        """The answer, and the object itself that was returned."""
        method = getattr(self._adapter, call.method, None) if call.method in METHODS else None
        if method is None:
            return Answer("missing"), None
        try:
            raw = method(*call.args)
            return _answered(call.method, raw), raw
        except NotImplementedError:
            return Answer("missing"), None
        except _WrongError as problem:
            return Answer("wrong", note=str(problem)), None
        except BaseException as problem:  # noqa: BLE001 - as above
            return Answer("raised", note=_said(problem)), None

    def _race(self, lanes: list[list[Call]]) -> list[Answer]:
        answers: list[list[Answer]] = [[] for _ in lanes]

        def run(number: int) -> None:
            answers[number].extend(self._called(call) for call in lanes[number])

        threads = [Thread(target=run, args=(number,), daemon=True) for number in range(len(lanes))]
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)  # seconds; the shortest turns give the most interleavings
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
        return [answer for lane in answers for answer in lane]

    def _share(self, first: Call, second: Call, text: str) -> list[Answer]:
        kept, raw = self._outcome(first)
        answers = [self._called(second)]
        if kept.kind != "ok":
            return [*answers, kept, kept]
        try:
            answers.append(_answered(first.method, raw))
        except Exception as problem:  # noqa: BLE001 - as above; a generator is used up, a cursor is gone
            answers.append(Answer("raised", note=_said(problem)))
        _tamper(raw, text)
        return [*answers, self._called(second)]


def _load(request: Load) -> Any:
    if request.where.endswith(".py"):
        path = Path(request.where)
        sys.path.append(str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError("it cannot be read as Python")
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(path.stem, module)
        spec.loader.exec_module(module)
    else:
        sys.path.extend(request.paths)
        module = importlib.import_module(request.where)
    kind = getattr(module, request.name, None)
    if kind is None:
        raise UnusableError(f"there is no class {request.name} in it; {PAGE} says what an adapter is")
    try:
        check(kind)
    except UnusableError as problem:
        raise UnusableError(f"{problem}; {PAGE} says what an adapter has") from None
    return kind


def _calls(kind: Any) -> dict[str, str]:
    given = getattr(kind, "calls", {})
    return {str(name): str(call)[:_NOTE_CHARS] for name, call in given.items()} if isinstance(given, dict) else {}


def _answered(method: str, raw: Any) -> Answer:
    """Raises `_WrongError` for what the method must not return."""
    if method in ("add", "add_with"):
        return Answer("ok", text=_text(raw, f"{method} returned"))
    if method == "get":
        return Answer("ok", text=None if raw is None else _text(raw, "get returned"))
    if method in ("search", "list"):
        return Answer("ok", rows=_rows(method, raw))
    return Answer("ok")


def _rows(method: str, raw: Any) -> list[Row]:
    if not isinstance(raw, Iterable) or isinstance(raw, str | bytes | dict):
        raise _WrongError(f"{method} returned {_a(raw)} where a list of Found was expected")
    rows: list[Row] = []
    for each in raw:
        if len(rows) == MOST_FOUND:
            raise _WrongError(f"{method} returned more than {MOST_FOUND:,} memories")
        if not (hasattr(each, "id") and hasattr(each, "text")):
            raise _WrongError(f"{method} returned {_a(each)} among its results where Found was expected")
        score = getattr(each, "score", None)
        if score is not None and not isinstance(score, int | float):
            raise _WrongError(f"{method} returned {_a(score)} as a score")
        rows.append(
            Row(_text(each.id, f"{method} returned as an id"), _text(each.text, f"{method} returned as a text"), score)
        )
    return rows


def _text(raw: Any, what: str) -> str:
    if not isinstance(raw, str):
        raise _WrongError(f"{what} {_a(raw)} where a str was expected")
    if len(raw) > MOST_CHARS:
        raise _WrongError(f"{what} a text of more than {MOST_CHARS:,} characters")
    try:
        raw.encode()
    except UnicodeEncodeError:
        raise _WrongError(f"{what} a text that is not Unicode") from None
    return str(raw)


def _a(raw: Any) -> str:
    return "None" if raw is None else f"an object of type {type(raw).__name__[:60]}"


def _tamper(raw: Any, text: str) -> None:
    """Write into a returned list and the objects in it, as a careless caller may."""
    with suppress(Exception):
        for each in raw:
            object.__setattr__(each, "text", text)
    with suppress(Exception):
        raw.append(Found("tampered", text))


def _said(problem: BaseException) -> str:
    try:
        said = base_names(" ".join(str(problem)[:_SAID_CHARS].split()))
    except Exception:  # noqa: BLE001 - a foreign error may fail at saying what it is
        said = ""
    name = type(problem).__name__
    return (f"{name}: {said}" if said else name).encode("utf-8", "replace").decode()[:_NOTE_CHARS]


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """The two ends of the conversation, out of the reach of what prints, reads or forks."""
    here, there = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)
    if hasattr(os, "register_at_fork"):
        # A child that comes back from the adapter's call would otherwise go on here, and answer as well.
        for end in (here, there):
            os.register_at_fork(after_in_child=partial(os.close, end))
    return os.fdopen(here, "rb"), os.fdopen(there, "wb")


def _limit() -> None:
    """No core dump and no endless file. Memory has no limit: numerical libraries reserve far more than they use."""
    if sys.platform != "win32":
        for what, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _MOST_BYTES)):
            hard = resource.getrlimit(what)[1]
            lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
            with suppress(OSError, ValueError):
                resource.setrlimit(what, (lowest, lowest))


def _follow(parent: int) -> None:
    """End with the barrier, also when that was killed while the adapter hangs."""
    while sys.platform != "win32":
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)
        time.sleep(_FOLLOW)


def main() -> None:
    """Answer until there are no more requests."""
    _limit()
    Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    requests, answers = _streams()
    host, decoder, encoder = Host(), msgspec.json.Decoder(Request), msgspec.json.Encoder()
    for line in requests:
        answers.write(encoder.encode(host.answer(decoder.decode(line))) + b"\n")
        answers.flush()
    os._exit(0)  # threads that the adapter left running must not keep the process alive


if __name__ == "__main__":
    main()
