"""Several lanes of work, each in a process of its own from its first item to its last."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing import forkserver, get_context, resource_tracker
from pathlib import Path
from tempfile import gettempdir
from typing import TypeVar

from severance.barrier.children import end_with_parent, sheltered
from severance.barrier.traces.overhearing import pointed

A = TypeVar("A")
R = TypeVar("R")

_AHEAD = 3  # items that are begun before the first of them is done everywhere
_LONGEST_FOLDER = 70  # bytes; the server's socket is in the temporary folder, and a longer path has none
_PRELOADED = ["severance.barrier.traces.trials", "severance.cli.surface"]


def lanes(works: Sequence[Callable[[A], R]], items: Iterable[A], jobs: int) -> Generator[tuple[A, list[R]]]:
    """Give every item to every work, in order, and yield it with what each made of it, in order.

    What a process keeps from one item to the next stays in its lane. A few items are taken ahead of what is asked.
    Close it to stop early: what is being worked on is finished, and thrown away. Ctrl-C is for the caller alone.

    Args:
        works: one for each lane. Works and items are of a kind that can be sent to another process.
        items: what is to be worked on.
        jobs: how many processes may work at once.
    """
    rest = iter(items)
    queue: deque[tuple[A, list[Future[R] | None]]] = deque()
    with ExitStack() as last:
        pools = [last.enter_context(_pool()) for _ in works]
        last.callback(lambda: [future.cancel() for _, futures in queue for future in futures if future is not None])
        while True:
            queue.extend((item, [None] * len(works)) for item in islice(rest, _AHEAD - len(queue)))
            if not queue:
                return
            running = _start(queue, pools, works, jobs)
            item, futures = queue[0]
            made = [future.result() for future in futures if future is not None and future.done()]
            if len(made) == len(works):
                queue.popleft()
                yield item, made
            else:
                wait(running, return_when=FIRST_COMPLETED)


def _start(
    queue: Iterable[tuple[A, list[Future[R] | None]]],
    pools: Sequence[ProcessPoolExecutor],
    works: Sequence[Callable[[A], R]],
    jobs: int,
) -> list[Future[R]]:
    """Start what may be started: as many as there are jobs, one in each lane. Returns what is running."""
    running = [(lane, f) for _, futures in queue for lane, f in enumerate(futures) if f is not None and not f.done()]
    busy = {lane for lane, _ in running}
    started = [future for _, future in running]
    for item, futures in queue:
        for lane, future in enumerate(futures):
            if future is None and lane not in busy and len(started) < jobs:
                busy.add(lane)
                futures[lane] = begun = pools[lane].submit(works[lane], item)
                started.append(begun)
    return started


def _pool() -> ProcessPoolExecutor:
    if sys.platform == "win32":
        with sheltered():
            return _spawned()
    if len(os.fsencode(gettempdir())) > _LONGEST_FOLDER:
        with sheltered(), _apart():
            return _spawned()
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    with sheltered(), _apart():
        resource_tracker.ensure_running()
        forkserver.ensure_running()
    return ProcessPoolExecutor(1, mp_context=context, initializer=_begin)


def _spawned() -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)
    pool.submit(int)  # the first piece of work starts the process
    return pool


@contextmanager
def _apart() -> Iterator[None]:
    """The server that is started within, from which the lanes are forked, hears no Ctrl-C and says nothing, and so do
    they: one whose caller is gone before it has begun would show a traceback. What fails in a lane is raised here.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with Path(os.devnull).open("wb") as nothing, pointed((2,), nothing):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Ctrl-C is for the caller alone, and the lane ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what was imported stays; looking through it again and again costs a twentieth of the time
    end_with_parent()
