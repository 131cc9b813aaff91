"""How a space becomes a mind: its layers, what they leave out from the log, then the log's tail.

Without layers that can be used, the whole log. The log is the truth: what has no layer, for whatever reason, is read
there, and only takes longer.
"""

from __future__ import annotations

from collections.abc import Sequence

from severance.errors import DamagedError
from severance.mind import Mind
from severance.mind.layer import Layer, decode
from severance.mind.stack import of_events
from severance.model import Head
from severance.records import Forgotten
from severance.space import Numbered, Pictured, Space

NO_LABEL = -1
"""Of layers that cannot be used."""


def wake(space: Space, anchor: Head | None, *, pictured: bool = True) -> tuple[Mind, int]:
    """The mind of everything that the space's log says, and what the layers in the vault are good for.

    Args:
        space: fresh, at the beginning of its log; afterwards it stands at the log's head.
        anchor: a head that the log must contain.
        pictured: whether layers may be used.

    Returns:
        The mind, and the number of the record that chose the embedder of the layers: they are of use beside the mind as
        long as that one is in force. NO_LABEL where they are of none.

    Raises:
        DamagedError, RolledBackError: as `Space.read_layers`, `Space.read_on` and `Space.confirm`.
    """
    begin = space.head
    held = space.read_layers() if pictured else []
    found = _joined(space, held) if held else (Mind(), set[int]())
    mind, erased = found or (Mind(), set[int]())
    if found is None:
        space.head = begin
    label = NO_LABEL if found is None or not pictured else mind.chosen
    pages = space.pages(anchor)
    for news in pages:  # one at a time: a long log as events takes several times what its mind does
        erased.difference_update(seq for _, event in news if isinstance(event, Forgotten) for seq in event.seqs)
        try:
            apply(mind, news)
        except DamagedError:
            for _ in pages:  # what is wrong with the log as a whole comes first: it says why they contradict
                pass
            raise
    if erased:
        raise space.unexplained(erased)
    space.confirm()
    return mind, mind.chosen if not held and pictured else label


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


def _joined(space: Space, held: Sequence[Pictured]) -> tuple[Mind, set[int]] | None:
    """The mind of the layers and what lies between them, with the numbers of erased records that they do not explain;
    `space` then stands at the end of the last. None where they cannot be used.
    """
    try:
        layers = [decode(picture.content) for picture in held]
        embedder, chosen = layers[-1].embedder, layers[-1].chosen
        whole, erased = list[Layer](), set[int]()
        for picture, layer in zip(held, layers, strict=True):
            if (layer.first, layer.last) != (picture.begin.seq + 1, picture.end.seq):
                return None
            if space.head.seq < picture.begin.seq:
                first = space.head.seq + 1
                events, gone = space.read_to(picture.begin)
                whole.append(of_events(first, picture.begin.seq, events, embedder, chosen))
                erased |= gone
            whole.append(layer)
            space.head = picture.end
        mind = Mind.restore(whole)
    except (ValueError, OverflowError):
        # Sealed by us and intact, so of another version of the mind, or of before a change of embedder or something
        # forgotten, put back. The log is the truth.
        return None
    for layer in whole:
        erased.difference_update(layer.erased.tolist())
    return mind, erased
