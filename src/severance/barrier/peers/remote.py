"""The barrier's end of the conversation with an adapter: a time for each answer, and nothing left running after it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import msgspec

from severance.barrier.children import command, environment
from severance.barrier.peers.wire import Answer, Call, Close, Load, One, Open, Race, Request, Share

_POLL = 0.2  # seconds between looks at whether the process still lives
_LEAVE = 2.0  # seconds for what has to end by itself
_MOMENT = 0.01  # seconds in which a program that is being loaded is there
_LINE = 2**28  # bytes; what the worker sends is bounded, this is for one that was subverted
_MARK = "BARRIER_WORKER"
_MOST_LINES = 4  # that are not read yet; one is an answer, and more were not asked for
_OURS = "severance."

QUIET = {
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "MEM0_TELEMETRY": "False",
    "OTEL_SDK_DISABLED": "true",
    "TRANSFORMERS_OFFLINE": "1",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an adapter may take, in seconds, and how often it may fail to answer in one run.

    Attributes:
        start: for importing it, and for making one.
        call: for each call; a race of several gets three times that.
        silences: after so many calls without an answer, nothing more is tried.
    """

    start: float = 60.0
    call: float = 10.0
    silences: int = 3


class NoAnswerError(Exception):
    """The adapter hung, ended its process, or returned something else; the message is one sentence about it."""


class NotMadeError(NoAnswerError):
    """No adapter could be made in a folder; the message says what it raised."""


class _StrayError(Exception):
    """What came is not the answer to what was asked."""


class Remote:
    """An adapter in a process of its own. Use it in a `with` block: afterwards that process is gone.

    After `NoAnswerError` the process has been ended; the next `open` starts another.

    Attributes:
        calls: by which of the memory's own calls each method is done, as the adapter tells.
    """

    def __init__(self, where: str, name: str, scratch: Path, limits: Limits) -> None:
        """`where` is a module or the path of a Python file, `name` a class in it; `scratch` is an empty folder that
        becomes its home and working directory. A module of the user's own is looked for in the current folder, too.
        """
        self._load = Load(where, name, [] if where.startswith(_OURS) else [str(Path.cwd())])
        self._scratch = scratch
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None
        self._lines: queue.Queue[bytes] = queue.Queue(_MOST_LINES)
        self._answers = msgspec.json.Decoder(list[Answer])
        self._mark = ""
        self.calls: dict[str, str] = {}

    def load(self) -> str:
        """Start the process and import the adapter. Returns what went wrong with the import, or an empty text.

        Raises:
            NoAnswerError: it took too long, or ended the process.
        """
        self.kill()
        self._start()
        [answer] = self._ask(self._load, 1, self._limits.start, "its import")
        self.calls = answer.calls
        return answer.note

    def open(self, folder: Path) -> None:
        """Make an adapter in this folder.

        Raises:
            NotMadeError: it could not be made.
            NoAnswerError: it hung or crashed meanwhile.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if self._process is None and (problem := self.load()):
            raise NotMadeError(f"it cannot be imported: {problem}")
        [answer] = self._ask(Open(str(folder)), 1, self._limits.start, "being made")
        if answer.kind != "ok":
            raise NotMadeError(f"it cannot be made: {answer.note}")

    def call(self, call: Call) -> Answer:
        """Make one call. A refusal and a missing method are answers.

        Raises:
            NoAnswerError: it hung, crashed, or returned something else.
        """
        return self._ask(One(call), 1, self._limits.call, str(call))[0]

    def race(self, lanes: list[list[Call]]) -> list[list[Answer]]:
        """Make the calls of each lane in order, all lanes at the same time. Errors as for `call`."""
        count = sum(map(len, lanes))
        answers = iter(self._ask(Race(lanes), count, 3 * self._limits.call, f"{len(lanes)} threads of calls"))
        return [[next(answers) for _ in lane] for lane in lanes]

    def share(self, first: Call, second: Call, text: str) -> list[Answer]:
        """See `wire.Share`. Errors as for `call`."""
        return self._ask(Share(first, second, text), 3, 3 * self._limits.call, f"{first}, {second}")

    def close(self) -> None:
        """Close the adapter. An error in it is not one of ours; one that hangs is.

        Raises:
            NoAnswerError: it hung or crashed.
        """
        if self._process is not None:
            self._ask(Close(), 1, self._limits.call, "close()")

    def kill(self) -> None:
        """End the process, and everything that it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        _end(process, self._mark)
        with suppress(OSError):
            assert process.stdin is not None  # noqa: S101 - for the type checker
            process.stdin.close()
        if self._reader is not None:
            self._reader.join(_LEAVE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with suppress(NoAnswerError):
                if kind is None:
                    self.close()
        finally:
            self.kill()

    def _start(self) -> None:
        around = environment(self._scratch) | QUIET
        self._mark = tempfile.mkdtemp(dir=around["TMPDIR"])  # a name that no other process has
        self._lines = queue.Queue(_MOST_LINES)
        self._process = subprocess.Popen(
            command("severance.barrier.peers.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._scratch,
            env=around | {_MARK: self._mark},
            start_new_session=True,
        )
        self._reader = Thread(target=_read, args=(self._process, self._lines), daemon=True)
        self._reader.start()

    def _ask(self, request: Request, count: int, seconds: float, what: str) -> list[Answer]:
        """So many answers to a request. Errors as for `call`."""
        if self._process is None or self._process.stdin is None:
            raise NoAnswerError("it is not running")
        try:
            if not self._lines.empty() and self._process.poll() is None:
                raise _StrayError
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
            answers = self._decoded(self._line(seconds), count)
        except _StrayError:
            self.kill()
            raise NoAnswerError(f"something other than one answer came from its process in {_short(what)}") from None
        except (BrokenPipeError, EOFError):
            raise NoAnswerError(f"it {self._ended()} in {_short(what)}") from None
        except TimeoutError:
            self.kill()
            raise NoAnswerError(f"it gave no answer within {seconds:g} seconds to {_short(what)}") from None
        for answer in answers:
            if answer.kind == "wrong":
                raise NoAnswerError(f"{answer.note}, in {_short(what)}")
        return answers

    def _decoded(self, line: bytes, count: int) -> list[Answer]:
        """Raises `_StrayError` for what is not so many answers. What writes it may be the adapter, past the worker."""
        try:
            answers = self._answers.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _StrayError from None
        if len(answers) != count:
            raise _StrayError
        return answers

    def _line(self, seconds: float) -> bytes:
        """Raises `TimeoutError`, or `EOFError` when the process has ended."""
        assert self._process is not None  # noqa: S101 - for the type checker
        left = seconds
        while True:
            try:
                line = self._lines.get(timeout=min(_POLL, max(left, 0.001)))
            except queue.Empty:
                left -= _POLL
                if self._process.poll() is not None and self._lines.empty():
                    raise EOFError from None
                if left <= 0:
                    raise TimeoutError from None
                continue
            if not line.endswith(b"\n"):
                raise EOFError
            return line

    def _ended(self) -> str:
        process = self._process
        assert process is not None  # noqa: S101 - for the type checker
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVE)
        code = process.returncode
        self.kill()
        if code is None:
            return "closed its connection"
        return f"ended its process (exit code {code})" if code >= 0 else f"was killed by signal {-code}"


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes]) -> None:
    """Until the process ends, or says so much that was not asked for that nobody needs the rest."""
    assert process.stdout is not None  # noqa: S101 - for the type checker
    with suppress(OSError, ValueError, queue.Full), process.stdout as stream:
        while line := stream.readline(_LINE):
            lines.put_nowait(line)
    with suppress(queue.Full):
        lines.put_nowait(b"")


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kill the process with its group, and whatever left the group but still carries the mark in its environment."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        _end_marked(mark)
    process.wait()


def _end_marked(mark: str) -> None:
    """Look again until nothing is found twice: one that is killed may have forked while the list was read.

    And one whose program is just being loaded shows no environment.
    """
    end, found, before = time.monotonic() + _LEAVE, True, True
    while (found or before) and time.monotonic() < end:
        pids, before = list(_marked(mark)), found
        found = bool(pids)
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            time.sleep(_MOMENT)


def _marked(mark: str) -> Iterable[int]:
    """The processes with the mark in their environment; none where there is no /proc."""
    wanted = f"{_MARK}={mark}\0".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes():
                yield int(entry.name)


def _short(what: str) -> str:
    return what if len(what) <= 120 else f"{what[:120]}..."
