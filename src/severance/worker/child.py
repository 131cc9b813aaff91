"""A worker as its parent sees it: a process, the pipe to it, and a thread that speaks through the pipe.

The thread is there so that Ctrl-C never cuts a message in two: whoever calls waits, and can be interrupted; what is
being said is said to its end.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, RLock, Thread, Timer
from weakref import WeakSet

from severance.errors import AsleepError, SeveranceError
from severance.worker.messages import (
    Answer,
    Failed,
    GarbledError,
    Question,
    Reply,
    Request,
    Sleep,
    encode,
    error_in,
    failed,
    for_parent,
)
from severance.worker.pipes import Pipe
from severance.worker.scratch import Scratch

_PASSED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Variables that an interpreter may need to find its own libraries."""
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
_LAST = 10.0  # seconds for what a worker does after its last answer: letting go of the vault
_AT_EXIT = 5.0  # seconds for all workers together
_SLICE = 0.2 if sys.platform == "win32" else -1.0  # seconds; there, Ctrl-C does not wake who waits for a lock


def command() -> list[str]:
    """What is executed: this interpreter, which looks at no variable, no user's folder and not the current one."""
    return [sys.executable, "-I", "-B", "-X", "utf8", "-m", "severance.worker"]


class _Job:
    """A request, and later what came of it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Answer | None = None
        self.dropped = False
        self.done = Lock()
        self.done.acquire()


class Child:
    """A worker. Any number of threads may call it; calls take turns.

    Attributes:
        patience: seconds that it has to fall asleep, before it is killed. The snapshot of 100,000 memories takes about
            one; one that is not written costs the next waking time, and no memory.
    """

    patience = 20.0

    def __init__(self) -> None:
        """Start one, with a scratch directory of its own. It has no key, and nobody's.

        Raises:
            SeveranceError: the process or its directory cannot be made.
        """
        self.reply: Callable[[Question], Reply] = _nothing
        """Answers what the worker asks while it works; called in a thread of this object."""
        self._owner = os.getpid()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._state = Lock()  # over the next three
        self._ended = False
        self._current: _Job | None = None
        self.scratch = Path()
        self._folder = Scratch()
        try:
            self.scratch = self._folder.make()
            self._process, self._pipe = _started(self.scratch)
        except OSError as problem:
            self._clear()
            raise SeveranceError(
                f"a process for the persona cannot be started ({problem.strerror}); cross without one of its own"
            ) from None
        self._thread = Thread(target=self._work, name="severance-worker", daemon=True)
        self._thread.start()
        _LIVING.add(self)

    @property
    def process(self) -> int:
        """The id of the process."""
        return self._process.pid

    def call(self, request: Request) -> Answer:
        """Send a request, and wait for the answer to it.

        Interrupted, it interrupts the worker; what the worker has done of it by then is done. A worker that does not
        fall asleep in time when it is asked to is killed: whoever runs in it, it has the key no longer.

        Raises:
            AsleepError: the process has ended, before or during the call.
            SeveranceError: what the worker says that it raised.
        """
        if os.getpid() != self._owner:
            raise AsleepError("this session belongs to the process that crossed; cross again in this one")
        job = _Job(request)
        with self._state:
            if self._ended:
                raise self.gone()
            self._jobs.put(job)
        try:
            self._await(job)
        except BaseException:
            self._interrupt(job)
            raise
        if job.answer is None:
            raise self.gone()
        if isinstance(job.answer, Failed):
            raise error_in(job.answer)
        return job.answer

    def begin(self, request: Request) -> None:
        """Send a request, the first, and do not wait for the answer."""
        self._jobs.put(_Job(request))

    @contextmanager
    def last(self, turn: RLock) -> Iterator[None]:
        """Have the turn in here. Who does not leave it in time waits for a worker, which is killed then."""
        if not turn.acquire(timeout=self.patience):
            self.kill()
            turn.acquire()
        try:
            yield
        finally:
            turn.release()

    def end(self) -> None:
        """Say nothing more: the worker ends when it has answered what it was asked. Does not wait for that.

        For what nobody waits for any more, and is not answered in time, it is killed.
        """
        self._jobs.put(None)
        if self._current is not None:  # without the lock: garbage is collected anywhere, and this is called then
            later = Timer(self.patience, self.kill)
            later.daemon = True
            try:
                later.start()
            except RuntimeError:  # this program is ending
                self.kill()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until the process has ended and its directory is gone; whether it came to that."""
        if os.getpid() != self._owner:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def kill(self) -> None:
        """End the process at once, whatever it is doing. Nothing in a program that was forked: it is not its."""
        if os.getpid() == self._owner:
            self._process.kill()

    def gone(self) -> AsleepError:
        """The one error for a worker that is not there any more."""
        return AsleepError("the process of this session has ended; cross again to wake the persona")

    def _await(self, job: _Job) -> None:
        """Wait until this is answered, or nobody is there to answer it; for the answer to `Sleep` not for long."""
        ending = isinstance(job.request, Sleep)
        end = time.monotonic() + self.patience
        while not job.done.acquire(timeout=self.patience if ending and _SLICE < 0 else _SLICE):
            if ending and time.monotonic() >= end:
                self.kill()
                with self._state:
                    self._ended = True
                return

    def _interrupt(self, job: _Job) -> None:
        with self._state:
            job.dropped = True
            # Under the lock, so that it never reaches a request that comes after.
            if self._current is job and sys.platform != "win32":
                self._process.send_signal(signal.SIGINT)

    def _work(self) -> None:
        kind = True
        while kind and (job := self._jobs.get()) is not None:
            kind = self._do(job)
        self._pipe.close()
        if not kind:
            self._process.kill()
        with self._state:
            self._ended = True
        while not self._jobs.empty():
            left = self._jobs.get()
            if left is not None:
                left.done.release()
        try:
            self._process.wait(_LAST)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._clear()

    def _do(self, job: _Job) -> bool:
        """Whether the worker is still one to talk to."""
        with self._state:
            if job.dropped:
                return True
            self._current = job
        answer = None
        with suppress(OSError, GarbledError):
            answer = self._exchange(job.request)
        with self._state:
            self._current = None
            self._ended |= answer is None  # before the caller can ask again
        job.answer = answer
        job.done.release()
        return answer is not None

    def _exchange(self, request: Request) -> Answer | None:
        self._pipe.send(encode(request))
        while (raw := self._pipe.receive()) is not None:
            said = for_parent(raw)
            if not isinstance(said, Question):
                return said
            self._pipe.send(encode(self._answered(said)))
        return None

    def _answered(self, question: Question) -> Reply:
        try:
            return self.reply(question)
        except GarbledError:
            raise
        except Exception as problem:  # noqa: BLE001 - an embedder or re-ranker of the caller's may raise what it likes
            return failed(problem)

    def _clear(self) -> None:
        self._folder.remove()


_LIVING: WeakSet[Child] = WeakSet()


@atexit.register
def _end_all() -> None:
    """Workers that nobody put to sleep end with the program, and leave no directory."""
    living = list(_LIVING)
    for child in living:
        child.end()
    wait_for(living, _AT_EXIT)


def wait_for(children: Iterable[Child], seconds: float) -> None:
    """Wait until these have ended, which were told to. Whichever has not when the time is over is killed."""
    end = time.monotonic() + seconds
    for child in children:
        if not child.join(max(0.0, end - time.monotonic())):
            child.kill()
            child.join(_AT_EXIT)


def _nothing(question: Question) -> Reply:
    raise GarbledError(f"{type(question).__name__} before there is a persona")


def _started(scratch: Path) -> tuple[subprocess.Popen[bytes], Pipe]:
    """The process, in a session of its own, with nothing open but its end of the pipe."""
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
    environment |= dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(scratch)) | dict.fromkeys(_ONE_THREAD, "1")
    if sys.platform == "win32":
        process = subprocess.Popen(
            command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=scratch,
            env=environment,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
        )
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        ends = os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno())
        process.stdin.close()
        process.stdout.close()
        return process, Pipe(*ends)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            command(),
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
            cwd=scratch,
            env=environment,
            start_new_session=True,
        )
        end = ours.detach()
    return process, Pipe(end, end)
