"""A bar on standard error while something takes long, if a person is there to see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from severance.cli import screen

Tick = Callable[[int, int | None], None]
"""Called with how much is done and how much there is (None where nobody knows)."""

_AFTER_SECONDS = 0.5


@contextmanager
def bar(label: str, *, quiet: bool) -> Iterator[Tick]:
    """What to call as work goes on. The bar shows only once half a second has passed, and leaves nothing behind."""
    console = screen.console(errors=True)
    if quiet or not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    shown = Progress(*columns, console=console, transient=True)
    task = shown.add_task(label, total=None)
    begun = time.monotonic()

    def tick(done: int, total: int | None) -> None:
        shown.update(task, completed=done, total=total)
        if not shown.live.is_started and time.monotonic() - begun >= _AFTER_SECONDS:
            shown.start()

    try:
        yield tick
    finally:
        shown.stop()


@contextmanager
def spinner(label: str, *, quiet: bool) -> Iterator[None]:
    """The same for work that does not say how far it has come."""
    console = screen.console(errors=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(label):
        yield


@contextmanager
def telling(label: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What to call with one line of what is going on, which stands in the place of the line before."""
    console = screen.console(errors=True)
    if quiet or not console.is_terminal:
        yield lambda line: None
        return
    with console.status(label) as status:

        def tell(line: str) -> None:
            room = max(8, console.width - 4)
            status.update(line if len(line) <= room else f"{line[: room - 3]}...")

        yield tell
