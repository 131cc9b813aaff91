"""What falling asleep writes: layers for what has none yet, each record once among few and once among many.

Small layers are merged into one of `BLOCK` records, which is not merged further: what a forgotten memory takes with it
is one of those, and it is made again from the mind. A log-structured merge with two levels (O'Neil et al., 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from severance.mind import Mind
from severance.space import Space

BLOCK = 256
"""Records. Smaller layers cost less to make again when something in them is forgotten; fewer larger ones are joined."""

_MANY = 4_096
"""Where there are so many memories, a block has twice as many records."""

_LOOSE, _MOST_LOOSE = 32, 512
_LOOSE_SHARE = 128
"""So many records, and one for so many memories, may be without a layer: waking reads them from the log."""

Span = tuple[int, int]
"""The first and the last record that a layer stands for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Layers to make, ascending, and those to drop for them."""

    make: list[Span]
    drop: list[Span]


def write_layers(space: Space, mind: Mind, label: int) -> bool:
    """Bring the layers in the vault up to the mind, which has applied everything up to the space's head.

    Args:
        space: where.
        mind: of which it is the log.
        label: what `wake` said of the layers there.

    Returns:
        Whether anything was written.
    """
    there = space.layers()
    good = there if label == mind.chosen else []
    plan = planned(good, space.head.seq, len(mind))
    drop = plan.drop if good else there
    if not plan.make or (there and there[-1][1] > space.head.seq):
        return False
    contents = zip(plan.make, mind.layers(plan.make), strict=True)
    layers = [(first, last, b"".join(buffers)) for (first, last), buffers in contents]
    return space.write_layers(layers, [last for _, last in drop])


def planned(there: Sequence[Span], end: int, memories: int) -> Plan:
    """What to write beside the layers that are there, for a log that ends at `end`.

    Nothing while few records are without a layer. Else those get one; where they and small layers beside them come to a
    block, these are made anew as blocks and what is left over.
    """
    loose = _gaps(there, end)
    if sum(map(_length, loose)) <= min(_LOOSE + memories // _LOOSE_SHARE, _MOST_LOOSE):
        return Plan([], [])
    block = BLOCK if memories < _MANY else 2 * BLOCK
    pieces = sorted([(span, True) for span in loose] + [(span, False) for span in there])
    plan = Plan([], [])
    for small, group in groupby(pieces, key=lambda piece: piece[1] or _length(piece[0]) < BLOCK):
        if not small:
            continue
        run = list(group)
        first, last = run[0][0][0], run[-1][0][1]
        if last - first + 1 < BLOCK:
            plan.make.extend(span for span, new in run if new)
        else:
            plan.make.extend((begin, min(begin + block - 1, last)) for begin in range(first, last + 1, block))
            plan.drop.extend(span for span, new in run if not new)
    return plan


def _gaps(there: Sequence[Span], end: int) -> list[Span]:
    before, found = 0, []
    for first, last in [*there, (end + 1, end + 1)]:
        if first > before + 1:
            found.append((before + 1, first - 1))
        before = last
    return found


def _length(span: Span) -> int:
    return span[1] - span[0] + 1
