"""A long trace made short: steps are left out as long as what was seen is still to be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from severance.barrier.traces.steps import Step


def shrunk(trace: Sequence[Step], shows: Callable[[Sequence[Step]], bool], most: int = 150) -> list[Step]:
    """A part of the trace that still shows it, and in which (unless `most` was reached) every step is needed.

    Pieces are left out, half of the trace at first, then half of that (after A. Zeller, R. Hildebrandt, "Simplifying
    and Isolating Failure-Inducing Input", IEEE Transactions on Software Engineering 28, 2002).

    Args:
        trace: shows it.
        shows: whether a trace does.
        most: how often that may be asked.
    """
    kept, asked, size = list(trace), 0, max(1, len(trace) // 2)
    while asked < most:
        start, shorter = 0, False
        while start < len(kept) and asked < most:
            rest = kept[:start] + kept[start + size :]
            asked += 1
            if shows(rest):
                kept, shorter = rest, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return kept
