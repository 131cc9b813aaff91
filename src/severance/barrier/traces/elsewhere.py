"""Workers for a trace: every persona in a process of its own, with the trace's clock and entropy in it.

A house refuses workers where its clock is not the machine's, since a worker would have another one. Here it has the
same: `still` is started in the place of `severance.worker`, and is told the time before each call.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from severance.barrier.traces import still
from severance.barrier.traces.ports import StillClock
from severance.house import House
from severance.session import Session
from severance.worker import child as children
from severance.worker.away import WorkerSession
from severance.worker.messages import Answer, Request, Wake

_COMMAND = (sys.executable, "-I", "-B", "-X", "utf8", "-m", still.__name__)


@contextmanager
def still_workers(clock: StillClock) -> Iterator[None]:
    """Within, the workers of this process have this clock, and entropy that follows from whom they are for and how
    often somebody was woken for that persona before.
    """
    command, true, woken = children.command, children.Child.call, Counter[tuple[str, str]]()

    def call(self: children.Child, request: Request) -> Answer:
        with suppress(FileNotFoundError):  # it is gone, as the call itself will say
            (self.scratch / still.NOW).write_text(str(clock.at))
            if isinstance(request, Wake):
                who = request.subject, request.persona
                woken[who] += 1
                (self.scratch / still.SEED).write_text(f"{'/'.join(who)}/{woken[who]}")
        return true(self, request)

    changed = cast(Any, children)
    changed.command, changed.Child.call = lambda: list(_COMMAND), call
    try:
        yield
    finally:
        changed.command, changed.Child.call = command, true


def in_workers(house: House) -> House:
    """Everybody who crosses in this house wakes in a worker. Returns the house."""
    cast(Any, house)._waking = lambda isolation: house._wake_elsewhere
    return house


def end_workers(house: House) -> None:
    """All workers of this house are killed in the middle of whatever they do, and are gone when this returns."""
    for worker in list(house._workers._living):
        worker.kill()
        worker.end()
        worker.join()


def kill(session: Session) -> None:
    """Kill the worker of a session, if it has one."""
    if isinstance(session, WorkerSession):
        with suppress(ProcessLookupError):
            os.kill(session.process, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
