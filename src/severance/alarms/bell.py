"""Hears what happens in a house, and sees to it that everybody is told who is to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from severance.alarms.kinds import EXPORT_LARGE, LOST, REPEATED, TEST, Ring, concerns, matches, rings
from severance.alarms.post import Post
from severance.alarms.queue import Queue
from severance.alarms.rules import DEFAULT, GROUP, LOG, THE_LOG
from severance.alarms.sinks import Message, Reach
from severance.alarms.state import SECOND, Batch, Group, Key, State, withheld
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.register import AlarmForm, AlarmsRow, SinkForm, WakeRow
from severance.chip.thresholds.rules import Rules
from severance.chip.thresholds.stored import rules_of
from severance.errors import DamagedError, SeveranceError
from severance.ports import Clock, Entropy

_ID_BYTES = 16
_SCOPE = b"alarms"

T = TypeVar("T")


class Tried(NamedTuple):
    """What became of a message to a sink: `why` is empty where it was taken."""

    sink: str
    why: str


class Bell:
    """The alarms of one house. Safe for any number of threads.

    Raises, from every method: StoreError when what rings cannot be kept, DamagedError when the chip is not what was
    written. A sink that fails is no error: what it was to be told waits.
    """

    def __init__(self, chip: Chip, queue: Queue, clock: Clock, entropy: Entropy, reach: Reach | None = None) -> None:
        """Nothing is told yet; see `begin`."""
        self._chip = chip
        self._queue = queue
        self._clock = clock
        self._entropy = entropy
        self._reach = reach or Reach(self.secret)
        self._post = Post(self._deliver)

    def rules(self) -> AlarmsRow:
        """What rings where."""
        return self._chip.find(AlarmsRow((), ())) or DEFAULT

    def secret(self, sink: SinkForm) -> bytes:
        """The 32 bytes by which messages to this webhook are signed: others for another name or another address."""
        return self._chip.keys.proof("webhook", sink.name, *sink.values)

    def replace(self, alarms: AlarmsRow) -> None:
        """Let these rules hold. What waits for a sink that goes is told to the log.

        What waits loses its names, unless it is for the same sink as before and a rule gives it names still.
        """
        before = self.rules()

        def withholding(state: State) -> None:
            for name in state.lanes:
                state.withhold(name, partial(_keeps_names, before, alarms, name))

        def replacing(state: State, now: int) -> None:
            withholding(state)
            state.keep_only([sink.name for sink in alarms.sinks], LOG)

        if self._queue.there():  # before they hold: whoever is new has heard nothing, also if this process ends here
            self._change(lambda state, now: withholding(state))
        self._chip.change(lambda change: change.put(alarms))
        if self._queue.there():
            self._go_on(alarms, replacing)

    def begin(self) -> None:
        """Go on with what waits since an earlier time."""
        self._resume(later=True)

    def tick(self) -> None:
        """Tell what has become due since something rang last."""
        self._resume(later=False)

    def hear(self, what: str, told: Mapping[str, Any]) -> None:
        """Something happens: what of it is an alarm is kept, durably when this returns, and told soon."""
        if concerns(what):
            rules = self._threshold(told) if what == What.REFUSED else ()
            self.ring(rings(what, told, rules, self._clock.now()))

    def ring(self, found: Sequence[Ring]) -> None:
        """These ring now."""
        alarms = self.rules()

        def ringing(state: State, now: int) -> None:
            for ring in found:
                _keep(state, alarms, ring, now)

        self._go_on(alarms, ringing)

    def flush(self, seconds: float) -> None:
        """Wait until every sink was told what it is due, or has failed; at most so long."""
        self._post.flush(seconds)

    def test(self, name: str | None = None) -> list[Tried]:
        """Tell each sink, or the one of this name, that this is a test, past the queue."""
        now, tried = self._clock.now(), list[Tried]()
        for sink in (THE_LOG, *self.rules().sinks):
            if name in (None, sink.name):
                message = self._message(self._fresh(), [Group(Key(TEST), 1, now, now, now)])
                tried.append(Tried(sink.name, self._reach.tell(sink, message, now)))
        return tried

    def state(self) -> State:
        """What waits, and what was told lately."""
        return self._queue.read(self._lost) if self._queue.there() else State()

    def close(self, seconds: float) -> int:
        """Tell what is due for at most so long, and let go of the queue. Returns how many wait since a sink failed."""
        self._post.flush(seconds)
        self._post.close()
        try:
            with suppress(SeveranceError):  # what waits is kept, whether or not it can be counted
                return self.state().failing()
        finally:
            self._queue.close()
        return 0

    def _threshold(self, told: Mapping[str, Any]) -> Rules:
        """The rules where somebody was refused, after the same work where there are none."""
        subject, place = told.get("subject") or "", told.get("place") or ""
        with suppress(DamagedError):  # of which the crossing has told
            row = self._chip.find_evenly(WakeRow(place, subject, ()))
            return () if row is None else rules_of(row)
        return ()

    def _resume(self, *, later: bool) -> None:
        if self._queue.there():
            alarms, now, state = self.rules(), self._clock.now(), self.state()
            due = [at for sink in (THE_LOG, *alarms.sinks) if (at := state.due(sink, now)) is not None]
            if due and (later or min(due) == now):
                self._go_on(alarms, lambda state, now: None)

    def _go_on(self, alarms: AlarmsRow, work: Callable[[State, int], None]) -> None:
        """Change the state; tell the log at once what it is due, and see that every other sink is told."""
        fresh, group = self._fresh(), _group(alarms, LOG)

        def changing(state: State, now: int) -> tuple[Batch | None, list[str], int]:
            work(state, now)
            batch = state.take(THE_LOG, now, fresh)
            if batch is not None:  # written down is told: the log has no other way of taking it
                state.settle(LOG, batch.id, "", now, group)
            return batch, [sink.name for sink in alarms.sinks if state.due(sink, now) is not None], now

        batch, due, now = self._change(changing)
        if batch is not None:
            self._tell(alarms, THE_LOG, batch, now)
        for name in due:
            self._post.go(name)

    def _deliver(self, name: str) -> float | None:
        """Tell a sink what it is due now. Returns the seconds until it is due something more, or None."""
        alarms, fresh = self.rules(), self._fresh()
        sink = next((sink for sink in alarms.sinks if sink.name == name), None)
        if sink is None:
            return None
        group = _group(alarms, name)
        batch, now = self._change(lambda state, now: (state.take(sink, now, fresh), now))
        if batch is not None:
            why = self._tell(alarms, sink, batch, now)
            self._change(lambda state, now: state.settle(name, batch.id, why, now, group))
        now, due = self._clock.now(), self.state().due(sink, now)
        return None if due is None else max(due - now, 0) / SECOND

    def _tell(self, alarms: AlarmsRow, sink: SinkForm, batch: Batch, now: int) -> str:
        """Tell a sink, with the names that it may hear now: it may have rung under other rules."""
        groups = withheld(batch.groups, partial(_named, alarms, sink.name))
        return self._reach.tell(sink, self._message(batch.id, groups), now)

    def _message(self, fresh: bytes, groups: list[Group]) -> Message:
        return Message(fresh.hex(), self._chip.store.hex(), tuple(groups))

    def _fresh(self) -> bytes:
        return self._entropy.draw(_ID_BYTES, _SCOPE)

    def _change(self, work: Callable[[State, int], T]) -> T:
        now = self._clock.now()
        return self._queue.change(lambda state: work(state, now), self._lost)

    def _lost(self, state: State) -> None:
        _keep(state, self.rules(), Ring(LOST), self._clock.now())


def _keep(state: State, alarms: AlarmsRow, ring: Ring, now: int) -> None:
    """Count what rings, once for each sink that a rule names, with names if one of those rules says so."""
    wanted: dict[str, tuple[int, AlarmForm]] = {}
    for number, rule in enumerate(alarms.rules):
        count = _count(state, number, rule, ring, now)
        for sink in rule.to if count else ():
            before, other = wanted.get(sink, (0, rule))
            wanted[sink] = max(before, count), other if other.names else rule
    for sink, (count, rule) in wanted.items():
        key = Key(ring.kind, ring.subject, ring.persona, ring.place) if rule.names else Key(ring.kind)
        state.add(sink, key, count, now, rule.group)


def _count(state: State, number: int, rule: AlarmForm, ring: Ring, now: int) -> int:
    """For how many alarms this one stands under a rule."""
    if not matches(rule.on, ring.kind):
        return 0
    if ring.kind == REPEATED:
        return state.repeated(str(number), ring.subject, rule.times, rule.within, now)
    return 0 if ring.kind == EXPORT_LARGE and ring.amount <= rule.above else 1


def _named(alarms: AlarmsRow, sink: str, kind: str) -> bool:
    """Whether a rule gives this sink the names of what is of this kind."""
    return any(rule.names and sink in rule.to and matches(rule.on, kind) for rule in alarms.rules)


def _keeps_names(before: AlarmsRow, after: AlarmsRow, sink: str, kind: str) -> bool:
    """Whether what waits for a sink keeps its names when other rules hold. The log gets what is for none of theirs."""
    was, now = ([(each.kind, each.values) for each in of.sinks if each.name == sink] for of in (before, after))
    return _named(after, sink, kind) and was == now if now else _named(after, LOG, kind)


def _group(alarms: AlarmsRow, sink: str) -> int:
    """For how many seconds the same is gathered for a sink: as long as the rule that says the shortest."""
    return min((rule.group for rule in alarms.rules if sink in rule.to), default=GROUP)
