"""What waits to be told to which sink: grouped, rate-limited, tried again. Pure; times are microseconds since 1970.

Every sink has a lane. What is rung is counted in a group of the same kind and the same names; when the lane's turn
comes, all its groups go out together as one batch, which stays until the sink has taken it. Nothing is dropped: where
there are too many groups, names are, and what remains is the kind and the count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from severance.alarms.kinds import OVERRIDE
from severance.chip.register import SinkForm

SECOND = 1_000_000
MINUTE = 60 * SECOND
MOST_GROUPS = 200
MOST_TALLIES = 200
MOST_TOLD = 200
LEASE = 120 * SECOND
"""How long one process may take over a batch before another tries it."""

FIRST_PAUSE, LONGEST_PAUSE = 5 * SECOND, 3_600 * SECOND
OTHERS = ""
"""The subject of a tally of subjects of which there are too many."""


class Key(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What is counted together."""

    kind: str
    subject: str | None = None
    persona: str | None = None
    place: str | None = None


class Group(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """How often something rang, from when to when, and when that may be told."""

    key: Key
    count: int
    first: int
    last: int
    due: int


class Batch(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What goes out together: tried so often, not before `after`, being tried until `leased`, and why it failed."""

    id: bytes
    groups: list[Group]
    tried: int = 0
    after: int = 0
    leased: int = 0
    why: str = ""


class Lane(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What waits for one sink, when it was told something in the last minute, and what it must not hear until when."""

    pending: list[Group] = []
    batch: Batch | None = None
    sent: list[int] = []
    quiet: list[tuple[Key, int]] = []


class Tally(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The times of what rings only where it comes again and again."""

    rule: str
    subject: str
    times: list[int]


class Told(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A group that a sink has taken."""

    at: int
    sink: str
    group: Group


class State(msgspec.Struct, array_like=True, tag="alarms", forbid_unknown_fields=True):
    """Everything about alarms that outlives a process."""

    lanes: dict[str, Lane] = {}
    tallies: list[Tally] = []
    told: list[Told] = []

    def add(self, sink: str, key: Key, count: int, now: int, group: int) -> None:
        """Count something that rang now for a sink; `group` is for how long the same is gathered.

        Overrides are never held back.
        """
        lane = self.lanes.setdefault(sink, Lane())
        found = _of_key(lane.pending, key)
        if found is None and len(lane.pending) >= MOST_GROUPS:
            key = Key(key.kind)
            found = _of_key(lane.pending, key)
        if found is not None:
            found.count += count
            found.first, found.last = min(found.first, now), max(found.last, now)
            return
        until = next((at for each, at in lane.quiet if each == key), 0)
        held = until if now < until <= now + group * SECOND and not key.kind.startswith(OVERRIDE) else now
        lane.pending.append(Group(key, count, now, now, held))

    def repeated(self, rule: str, subject: str | None, times: int, within: int, now: int) -> int:
        """Count one of what rings when it has come `times` within so many seconds. Returns how many ring now."""
        tally = self._tally(rule, subject or OTHERS)
        tally.times = [at for at in tally.times if 0 <= now - at <= within * SECOND]
        tally.times.append(now)
        if len(tally.times) < times:
            return 0
        self.tallies.remove(tally)
        return len(tally.times)

    def _tally(self, rule: str, subject: str) -> Tally:
        known = [each for each in self.tallies if each.rule == rule]
        found = next((each for each in known if each.subject == subject), None)
        if found is None and len(self.tallies) >= MOST_TALLIES:
            # Somebody tries one name after the other: that is repeated as well.
            found = next((each for each in known if each.subject == OTHERS), None)
            subject = OTHERS
        if found is None:
            found = Tally(rule, subject, [])
            self.tallies.append(found)
        return found

    def take(self, sink: SinkForm, now: int, fresh: bytes) -> Batch | None:
        """What this sink should be told now; None where that is nothing. `fresh` becomes the id of a new batch."""
        lane = self.lanes.get(sink.name)
        if lane is None or self.due(sink, now) != now:
            return None
        if lane.batch is None:
            lane.batch, lane.pending = Batch(fresh, lane.pending), []
        lane.batch.leased = now + LEASE
        lane.batch.tried += 1
        return lane.batch

    def due(self, sink: SinkForm, now: int) -> int | None:
        """When this sink has to be told something: `now` or later; None where nothing waits for it."""
        lane = self.lanes.get(sink.name)
        if lane is None:
            return None
        if lane.batch is not None:
            # What is further off than it can be was set by a clock that was wrong.
            leased = lane.batch.leased if lane.batch.leased <= now + LEASE else now
            after = lane.batch.after if lane.batch.after <= now + LONGEST_PAUSE else now
            return max(now, leased, after)
        if not lane.pending:
            return None
        recent = sorted(at for at in lane.sent if 0 <= now - at < MINUTE)
        room = recent[-sink.most] + MINUTE if len(recent) >= sink.most else now
        return max(now, room, min(group.due for group in lane.pending))

    def settle(self, sink: str, batch: bytes, why: str, now: int, group: int) -> None:
        """The sink has taken a batch, or has not, because of `why`."""
        lane = self.lanes.get(sink)
        if lane is None or lane.batch is None or lane.batch.id != batch:
            return  # another process was faster
        if why:
            pause = min(FIRST_PAUSE << min(lane.batch.tried - 1, 20), LONGEST_PAUSE)
            lane.batch.leased, lane.batch.after, lane.batch.why = 0, now + pause, why
            return
        keys = [each.key for each in lane.batch.groups]
        self.told += [Told(now, sink, each) for each in lane.batch.groups]
        del self.told[:-MOST_TOLD]
        lane.sent = [*(at for at in lane.sent if 0 <= now - at < MINUTE), now]
        lane.quiet = [(key, at) for key, at in lane.quiet if at > now and key not in keys]
        lane.quiet = [*lane.quiet, *((key, now + group * SECOND) for key in keys)][-MOST_GROUPS:]
        lane.batch = None

    def keep_only(self, sinks: Iterable[str], otherwise: str) -> None:
        """What waits for sinks that are none of these waits for `otherwise` from now on."""
        there = {*sinks, otherwise}
        for name in [name for name in self.lanes if name not in there]:
            lane = self.lanes.pop(name)
            for group in (*(lane.batch.groups if lane.batch is not None else ()), *lane.pending):
                _gather(self.lanes.setdefault(otherwise, Lane()).pending, group)

    def withhold(self, sink: str, named: Callable[[str], bool]) -> None:
        """What waits for a sink keeps its names only where it is of a kind of which `named` says so."""
        lane = self.lanes.get(sink)
        if lane is not None:
            lane.pending = withheld(lane.pending, named)
            if lane.batch is not None:
                lane.batch.groups = withheld(lane.batch.groups, named)

    def waiting(self) -> int:
        """How many alarms have not been told to a sink that they are for."""
        return sum(_count(lane) for lane in self.lanes.values())

    def failing(self) -> int:
        """How many of them wait because their sink failed."""
        return sum(_count(lane) for lane in self.lanes.values() if lane.batch is not None and lane.batch.why)


def withheld(groups: Iterable[Group], named: Callable[[str], bool]) -> list[Group]:
    """The same without names, but for the kinds of which `named` says that they may be told; every count is kept."""
    found = list[Group]()
    for group in groups:
        key = group.key if named(group.key.kind) else Key(group.key.kind)
        _gather(found, Group(key, group.count, group.first, group.last, group.due))
    return found


def _gather(groups: list[Group], group: Group) -> None:
    """Count a group in with the one of the same key, if there is one."""
    same = _of_key(groups, group.key)
    if same is None:
        groups.append(group)
    else:
        same.count += group.count
        same.first, same.last = min(same.first, group.first), max(same.last, group.last)
        same.due = min(same.due, group.due)


def _count(lane: Lane) -> int:
    groups = [*lane.pending, *(lane.batch.groups if lane.batch is not None else ())]
    return sum(group.count for group in groups)


def _of_key(groups: Sequence[Group], key: Key) -> Group | None:
    return next((group for group in groups if group.key == key), None)
