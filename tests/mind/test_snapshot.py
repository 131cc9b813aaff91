"""A mind as bytes: the same after waking, and no bytes that hurt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mind.events import CHOSEN, EMBEDDER, WORDS, everything, histories, mind_of, pictured, raw, remembered, woken
from severance.mind import Heard, Mind, layer, snapshot
from severance.mind.layer import decode
from severance.mind.stack import of_events
from severance.model import Filter
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, Revectored

QUERIES = [*WORDS[:6], "anna likes coffee on friday", "of the", "日本", ""]


def restored(data: bytes) -> Mind:
    return Mind.restore([decode(data)])


@settings(deadline=None)
@given(histories())
def test_what_wakes_is_what_slept(events: list[Event]) -> None:
    mind = Mind()
    mind.apply_all(1, events)
    before = everything(mind, QUERIES)
    again = woken(mind)
    assert everything(again, QUERIES) == before
    assert everything(mind, QUERIES) == before
    assert pictured(again) == pictured(mind)


@settings(deadline=None)
@given(histories(), st.sets(st.integers(1, 30), max_size=4))
def test_however_it_is_cut(events: list[Event], ends: set[int]) -> None:
    mind = Mind()
    mind.apply_all(1, events)
    before = everything(mind, QUERIES)
    again = woken(mind, *sorted(ends))
    assert everything(again, QUERIES) == before
    assert pictured(again, *sorted(ends)) == pictured(mind, *sorted(ends))
    assert pictured(again) == pictured(mind)


@settings(deadline=None)
@given(histories(), st.sets(st.integers(1, 30), min_size=1, max_size=4), st.data())
def test_a_layer_that_is_missing_is_made_from_the_log(events: list[Event], ends: set[int], data: st.DataObject) -> None:
    """Wherever it can be: not where the embedder was chosen after its records. Else it is refused."""
    mind = Mind()
    mind.apply_all(1, events)
    gone = {raw for event in events if isinstance(event, Forgotten) for raw in event.ids}
    log = [(seq, event) for seq, event in enumerate(events, 1) if getattr(event, "id", None) not in gone]
    layers = [decode(each) for each in pictured(mind, *sorted(ends))]
    number = data.draw(st.integers(0, len(layers) - 1))
    first, last = layers[number].first, layers[number].last
    among = [(seq, event) for seq, event in log if first <= seq <= last]
    if any(isinstance(event, Remembered) and seq < mind.chosen for seq, event in among):
        with pytest.raises(ValueError, match="fit together"):
            of_events(first, last, among, mind.embedder, mind.chosen)
        return
    layers[number] = of_events(first, last, among, mind.embedder, mind.chosen)
    again = Mind.restore(layers)
    assert everything(again, QUERIES) == everything(mind, QUERIES)
    assert pictured(again, *sorted(ends)) == pictured(mind, *sorted(ends))
    brought = [(event.identity, event.id) for event in events if isinstance(event, Revectored)]
    twice = len(set(brought)) != len(brought)  # a mind knows the later vector only, and a layer of the first names it
    if not gone and not twice:  # where something is gone, it may name, as its record does, what an echo in it repeated
        assert b"".join(layer.encode(layers[number])) == pictured(mind, *sorted(ends))[number]


def test_an_echo_of_what_was_forgotten_is_one_of_nothing_whichever_way_its_layer_was_made() -> None:
    events: list[Event] = [
        remembered(1, "anna"),
        remembered(2, "anna said", echo_of=raw(1)),
        Forgotten([raw(1)], [2], 4),
    ]
    mind = mind_of(*events)
    kept, made = decode(pictured(mind)[0]), of_events(1, 4, [(1, CHOSEN), (3, events[1]), (4, events[2])], CHOSEN, 1)
    assert (len(kept.origin.ids), made.origin.ids.tobytes()) == (0, raw(1))
    for each in (kept, made):
        again = Mind.restore([each])
        assert everything(again, QUERIES) == everything(mind, QUERIES)
        assert pictured(again) == pictured(mind)


@settings(deadline=None)
@given(histories(), st.data())
def test_sleeping_in_between_makes_no_difference(events: list[Event], data: st.DataObject) -> None:
    straight, interrupted = Mind(), Mind()
    for seq, event in enumerate(events, 1):
        straight.apply(seq, event)
        interrupted.apply(seq, event)
        if data.draw(st.booleans()):
            interrupted = woken(interrupted)
    assert everything(interrupted, QUERIES) == everything(straight, QUERIES)


def test_layers_are_read_from_any_kind_of_bytes() -> None:
    mind = mind_of(remembered(1, "coffee"))
    assert Mind.restore([decode(memoryview(pictured(mind)[0]))]).stats() == mind.stats()


def test_a_layer_holds_nothing_of_the_others() -> None:
    mind = mind_of(remembered(1, "naïveté"), remembered(2, "deploy on friday", thread="t"), Repeated(raw(1), 1, 1))
    lower, upper, last = pictured(mind, 2, 3)
    assert "naïveté".encode() in lower
    assert "naïveté".encode() not in upper + last
    assert b"deploy on friday" in upper
    assert b"deploy" not in lower + last


def test_a_layer_after_a_change_of_embedder_does_not_join_one_from_before() -> None:
    mind = mind_of(remembered(1, "coffee"), remembered(2, "deploy"))
    before = [decode(data) for data in pictured(mind, 2)]
    for seq, event in enumerate(
        [Revectored("b/1", raw(number), bytes(EMBEDDER.dimensions), 0.5) for number in (1, 2)], 4
    ):
        mind.apply(seq, event)
    mind.apply(6, EmbedderChosen("b/1", EMBEDDER.dimensions))
    after = [decode(data) for data in pictured(mind, 2)]
    assert Mind.restore(after).stats() == mind.stats()
    for mixed in ([before[0], after[1]], [after[0], before[1]]):
        with pytest.raises(ValueError, match="fit together"):
            Mind.restore(mixed)


def test_a_layer_of_before_a_forgetting_does_not_join_those_of_after() -> None:
    mind = mind_of(remembered(1, "coffee"), remembered(2, "deploy"), remembered(3, "gone"))
    before = [decode(data) for data in pictured(mind, 3)]
    mind.apply(5, Forgotten([raw(3)], [4], 0))
    after = [decode(data) for data in pictured(mind, 3)]
    assert Mind.restore(after).stats() == mind.stats()
    again = decode(pictured(mind, 3, 4)[2])
    with pytest.raises(ValueError, match="fit together"):
        Mind.restore([before[0], decode(pictured(mind_of(*[remembered(n, "x") for n in (1, 2, 3)]), 3, 4)[1]), again])


def test_layers_that_overlap_or_are_in_no_order_are_refused() -> None:
    mind = mind_of(remembered(1, "coffee"), remembered(2, "deploy"))
    lower, upper = (decode(data) for data in pictured(mind, 2))
    for wrong in ([upper, lower], [lower, lower], [lower, upper, upper]):
        with pytest.raises(ValueError, match="fit together"):
            Mind.restore(wrong)


def test_an_empty_mind_sleeps_too() -> None:
    assert woken(Mind()).stats() == Mind().stats()


def sample() -> bytes:
    mind = mind_of(
        remembered(1, "coffee with Ann — naïve", thread="t", source="Ann", metadata={"a": 1}),
        remembered(2, "deploy on friday", thread="t"),
        remembered(3, "deploy on monday", supersedes=raw(2), thread="t"),
        remembered(4, "deploy on monday, you said", echo_of=raw(3)),
        remembered(5, "gone"),
        Repeated(raw(1), 1, 1),
        Forgotten([raw(5)], [], 0),
    )
    return pictured(mind)[0]


SAMPLE = sample()


def use(data: bytes) -> None:
    """Wake from these bytes and ask all there is to ask, or be refused."""
    try:
        mind = restored(data)
    except ValueError:
        return
    mind.stats()
    mind.recall("deploy coffee friday", None, limit=5, filter=Filter(), now=0)
    for memory in mind.memories(Filter()):
        mind.history(memory.id)
        mind.find_repeat(memory)
        heard = Heard(1)
        heard.add([memory.id])
        mind.echo_of("deploy on monday you know", heard)
    pictured(mind)


@pytest.mark.parametrize("size", [0, 1, 8, 12, 13, 64, len(SAMPLE) // 2, len(SAMPLE) - 1])
def test_a_cut_snapshot_is_refused(size: int) -> None:
    with pytest.raises(ValueError):
        restored(SAMPLE[:size])


def test_a_longer_snapshot_is_refused() -> None:
    with pytest.raises(ValueError):
        restored(SAMPLE + b"\x00")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_bytes_never_hurt(data: st.DataObject) -> None:
    """They are refused with ValueError, or change what is remembered; nothing else happens, and it ends."""
    damaged = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    use(bytes(damaged))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        restored(data)


def test_every_single_byte_may_be_wrong() -> None:
    for place in range(len(SAMPLE)):
        for value in (0, 0xFF):
            if SAMPLE[place] != value:
                use(SAMPLE[:place] + bytes([value]) + SAMPLE[place + 1 :])


def test_a_snapshot_whose_vectors_are_not_of_its_embedder_is_refused() -> None:
    arrays, extra = snapshot.unpack(layer.VERSION, sample())
    small = msgspec.msgpack.decode(extra)
    for embedder in (["e", "another/1", 17], ["e", EMBEDDER.identity, 15]):
        with pytest.raises(ValueError, match="fit together"):
            restored(b"".join(snapshot.pack(layer.VERSION, arrays, {**small, "embedder": embedder})))


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0, 2.0**41])
def test_a_snapshot_with_a_scale_that_no_record_has_is_refused(scale: float) -> None:
    arrays, extra = snapshot.unpack(layer.VERSION, sample())
    scales = arrays[-1].copy()
    scales[0] = scale
    with pytest.raises(ValueError, match="fit together"):
        restored(b"".join(snapshot.pack(layer.VERSION, [*arrays[:-1], scales], msgspec.msgpack.decode(extra))))


def test_a_snapshot_in_which_two_memories_have_one_id_is_refused() -> None:
    with pytest.raises(ValueError, match="fit together"):
        restored(_altered("ids", lambda ids: ids.__setitem__(1, ids[0])))


def test_a_snapshot_in_which_a_word_stands_twice_in_one_memory_is_refused() -> None:
    def doubled(rows: Any) -> None:
        sizes = snapshot.unpack(layer.VERSION, sample())[0][-6]
        first = next(int(sizes[:number].sum()) for number, size in enumerate(sizes) if size > 1)
        rows[first + 1] = rows[first]

    with pytest.raises(ValueError, match="fit together"):
        restored(_altered("posted rows", doubled))


def _altered(what: str, alter: Callable[[Any], None]) -> bytes:
    """The sample with one of its arrays altered."""
    arrays, extra = snapshot.unpack(layer.VERSION, sample())
    number = {"ids": 1, "posted rows": -5}[what]
    arrays = list(arrays)
    arrays[number] = arrays[number].copy()
    alter(arrays[number])
    return b"".join(snapshot.pack(layer.VERSION, arrays, msgspec.msgpack.decode(extra)))
