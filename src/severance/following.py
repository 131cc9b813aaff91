"""A mind that follows its log: what its own session has just written waits until somebody asks.

Taking in one memory takes half as long as all else that `remember` does, but for waiting for the disk; several together
take less. Nothing can be seen of it: whoever reads, by whatever call, gets a mind that has taken in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from severance.errors import SeveranceError
from severance.mind import Mind
from severance.model import Head
from severance.records import Event, Remembered
from severance.space import Numbered, Space
from severance.waking import NO_LABEL, apply, wake

MOST_LATE = 64
"""So many memories wait at most: then the one who writes takes them in, in some milliseconds."""


class Following:
    """A mind, and the records after those that it has taken in. Not for use by two threads at once.

    Attributes:
        seq: the number of the last record that was taken in or waits.
        label: what the layers in the vault are good for beside it; see `waking.wake`.
        whole: whether the mind may be asked, and written down: not in the middle of a call that may change it, and
            never again where such a call was cut short.
    """

    def __init__(self) -> None:
        """An empty mind, of nothing."""
        self.seq = 0
        self.label = NO_LABEL
        self.whole = True
        self._mind = Mind()
        self._late: list[Event] = []
        self._texts: set[str] = set()

    @classmethod
    def woken(cls, space: Space, anchor: Head | None) -> Following:
        """The mind of a space, with the arguments and errors of `waking.wake`."""
        following = cls()
        following._mind, following.label = wake(space, anchor)
        following.seq = space.head.seq
        return following

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Around whatever may change the mind, as reading does too: it takes in what waits, and sorts what it indexed.

        Such a change is many steps. What cuts it short between two (Ctrl-C, a signal, no more memory) leaves `whole`
        false; a SeveranceError does not, since it comes before the first step, or leaves `seq` behind the log.
        """
        before, self.whole = self.whole, False
        try:
            yield
        except SeveranceError:
            self.whole = before
            raise
        self.whole = before

    def mind(self) -> Mind:
        """The mind, with everything taken in."""
        if self._late:
            late, self._late, self._texts = self._late, [], set()
            self._mind.apply_all(self.seq - len(late) + 1, late)
        return self._mind

    def mind_for(self, texts: Iterable[str]) -> Mind:
        """The mind, good for telling whether one of these texts is known, and not for what is asked else."""
        return self._mind if self._texts.isdisjoint(texts) else self.mind()

    def read(self, news: Sequence[Numbered], to: int) -> bool:
        """These were read after what is here, up to record `to`. Returns whether there was anything.

        Raises:
            DamagedError: they contradict what came before.
        """
        apply(self.mind(), news)
        before, self.seq = self.seq, to
        return before != to

    def wrote(self, events: Sequence[Event]) -> None:
        """These are the log's next records. Only what adds may wait: what is forgotten is gone at once."""
        self._late += events
        self.seq += len(events)
        if len(self._late) > MOST_LATE or not all(type(event) is Remembered for event in events):
            self.mind()
        else:
            self._texts.update(event.text for event in events if type(event) is Remembered)
