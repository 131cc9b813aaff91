"""How a space becomes a mind: the newest snapshot, then the log's tail; without a snapshot, the whole log."""

from __future__ import annotations

from collections.abc import Sequence

from severance.errors import DamagedError
from severance.mind import Mind
from severance.model import Head
from severance.space import Numbered, Space


def wake(space: Space, anchor: Head | None, *, pictured: bool = True) -> tuple[Mind, int]:
    """The mind of everything that the space's log says, and the sequence number of the snapshot used (0 if none).

    Args:
        space: fresh, at the beginning of its log; afterwards it stands at the log's head.
        anchor: a head that the log must contain.
        pictured: whether a snapshot may be used.

    Raises:
        DamagedError, RolledBackError: as `Space.read_on` and `Space.confirm`.
    """
    mind = _pictured(space) if pictured else None
    if mind is None:  # not `or`: a mind that forgot everything is false, and is not a new one
        mind = Mind()
    snapshot = space.head.seq
    apply(mind, space.read_on(anchor))
    space.confirm()
    return mind, snapshot


def apply(mind: Mind, news: Sequence[Numbered]) -> None:
    """Apply records in the order of the log, in runs of consecutive numbers (erased records leave gaps)."""
    start = 0
    for index in range(1, len(news) + 1):
        if index == len(news) or news[index][0] != news[index - 1][0] + 1:
            try:
                mind.apply_all(news[start][0], [event for _, event in news[start:index]])
            except (ValueError, OverflowError):
                raise DamagedError(
                    f"the records from {news[start][0]} on contradict what came before them; run `severance check`",
                    record=news[start][0],
                ) from None
            start = index


def _pictured(space: Space) -> Mind | None:
    begin = space.head
    content = space.read_snapshot()
    if content is None:
        return None
    try:
        return Mind.restore(content)
    except ValueError:
        # Sealed by us and intact, so an encoding of another version of the mind. The log is the truth.
        space.head = begin
        return None
