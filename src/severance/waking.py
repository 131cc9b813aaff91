"""How a space becomes a mind: its layers, what they leave out from the log, then the log's tail.

Layers are used if what they leave out was forgotten in this log; else the whole log is read. The log is the truth: what
has no layer, for whatever reason, is read there, and only takes longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from severance.errors import DamagedError
from severance.mind import Mind
from severance.mind.layer import Layer, decode
from severance.mind.stack import of_events
from severance.model import Head
from severance.records import EmbedderChosen, Forgotten
from severance.space import Numbered, Pictured, Space

NO_LABEL = -1
"""Of layers that cannot be used."""


class _UnusableError(Exception):
    """The layers cannot be used; the log is the truth."""


class _ForeignError(_UnusableError):
    """They are of another history: what they leave out was not forgotten in this one."""


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
    held = space.read_layers() if pictured else []
    if held:
        with suppress(_UnusableError):
            return _layered(space, held, anchor)
        space.restart()
    mind = Mind()
    _read_on(space, anchor, mind, set())
    return mind, NO_LABEL if held or not pictured else mind.chosen


def confirm_layers(space: Space) -> None:
    """Check that the layers in the vault, where they can be used, give the mind that the whole log gives.

    Args:
        space: fresh, at the beginning of its log; it stays there.

    Raises:
        DamagedError: they do not; and the errors of `wake`.
    """
    log, layered = space.again(), space.again()
    mind, _ = wake(log, None, pictured=False)
    held = layered.read_layers()
    try:
        other, _ = _layered(layered, held, None) if held else (mind, NO_LABEL)
    except _ForeignError:
        raise space.unlike() from None
    except _UnusableError:
        return
    apply(mind, log.read_on())  # what was written since
    if held and log.head == layered.head and _whole(mind, log) != _whole(other, log):
        raise space.unlike()


def _whole(mind: Mind, space: Space) -> bytes:
    """Everything that a mind says, as one layer."""
    (buffers,) = mind.layers([(1, space.head.seq)])
    return b"".join(buffers)


def _layered(space: Space, held: Sequence[Pictured], anchor: Head | None) -> tuple[Mind, int]:
    """What `wake` returns, of layers and what they leave out.

    Raises:
        _UnusableError: they cannot be used.
    """
    mind, layers, erased = _joined(space, held)
    embedder, chosen = layers[-1].embedder, layers[-1].chosen
    end = space.head.seq
    news = _read_on(space, anchor, mind, erased, layered=True)
    # In the log of another history other things were forgotten, and another embedder may have been chosen.
    if not mind.bears_out(layers) or (chosen > end and news.get(chosen) != embedder):
        raise _ForeignError
    if erased:
        raise space.unexplained(erased)
    return mind, chosen


def _read_on(
    space: Space, anchor: Head | None, mind: Mind, erased: set[int], *, layered: bool = False
) -> dict[int, EmbedderChosen]:
    """Have the mind take in the log from the space's head on, and take out of `erased` what that says was forgotten.

    Returns:
        The embedders chosen there, by the numbers of those records.
    """
    chosen = dict[int, EmbedderChosen]()
    pages = space.pages(anchor)
    for news in pages:  # one at a time: a long log as events takes several times what its mind does
        for seq, event in news:
            if type(event) is Forgotten:
                erased.difference_update(event.seqs)
            elif type(event) is EmbedderChosen:
                chosen[seq] = event
        try:
            apply(mind, news)
        except DamagedError as problem:
            for _ in pages:  # what is wrong with the log as a whole comes first: it says why they contradict
                pass
            # If it is the log that contradicts itself, and not its layers, reading all of it says so.
            raise (_ForeignError() if layered else problem) from None
    space.confirm()
    return chosen


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


def _joined(space: Space, held: Sequence[Pictured]) -> tuple[Mind, list[Layer], set[int]]:
    """The mind of the layers and what lies between them, the layers, and the numbers of erased records that they do not
    explain; `space` then stands at the end of the last.
    """
    try:
        layers = [decode(picture.content) for picture in held]
        embedder, chosen = layers[-1].embedder, layers[-1].chosen
        whole, erased = list[Layer](), set[int]()
        for picture, layer in zip(held, layers, strict=True):
            if (layer.first, layer.last) != (picture.begin.seq + 1, picture.end.seq):
                raise _UnusableError
            if space.head.seq < picture.begin.seq:
                first = space.head.seq + 1
                events, gone = space.read_to(picture.begin)
                whole.append(of_events(first, picture.begin.seq, events, embedder, chosen))
                erased |= gone
            whole.append(layer)
            space.skip(picture)
        mind = Mind.restore(whole)
    except (ValueError, OverflowError):
        # Sealed by us and intact, so of another version of the mind, or of before a change of embedder or something
        # forgotten, put back. The log is the truth.
        raise _UnusableError from None
    for layer in whole:
        erased.difference_update(layer.erased.tolist())
    return mind, layers, erased
