"""A mind as bytes: the same after waking, and no bytes that hurt."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mind.events import EMBEDDER, WORDS, everything, histories, mind_of, raw, remembered
from severance.mind import Heard, Mind, portrait, snapshot
from severance.model import Filter
from severance.records import Event, Forgotten, Repeated

QUERIES = [*WORDS[:6], "anna likes coffee on friday", "of the", "日本", ""]


def woken(mind: Mind) -> Mind:
    return Mind.restore(b"".join(mind.snapshot()))


@settings(deadline=None)
@given(histories())
def test_what_wakes_is_what_slept(events: list[Event]) -> None:
    mind = Mind()
    mind.apply_all(1, events)
    before = everything(mind, QUERIES)
    again = woken(mind)
    assert everything(again, QUERIES) == before
    assert everything(mind, QUERIES) == before
    assert b"".join(again.snapshot()) == b"".join(mind.snapshot())


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


def test_sections_and_joined_bytes_are_both_read() -> None:
    mind = mind_of(remembered(1, "coffee"))
    sections = mind.snapshot()
    assert Mind.restore(sections).stats() == Mind.restore(b"".join(sections)).stats() == mind.stats()
    assert Mind.restore(memoryview(b"".join(sections))).stats() == mind.stats()


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
    return b"".join(mind.snapshot())


SAMPLE = sample()


def use(data: bytes) -> None:
    """Wake from these bytes and ask all there is to ask, or be refused."""
    try:
        mind = Mind.restore(data)
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
    mind.snapshot()


@pytest.mark.parametrize("size", [0, 1, 8, 12, 13, 64, len(SAMPLE) // 2, len(SAMPLE) - 1])
def test_a_cut_snapshot_is_refused(size: int) -> None:
    with pytest.raises(ValueError):
        Mind.restore(SAMPLE[:size])


def test_a_longer_snapshot_is_refused() -> None:
    with pytest.raises(ValueError):
        Mind.restore(SAMPLE + b"\x00")


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
        Mind.restore(data)


def test_every_single_byte_may_be_wrong() -> None:
    for place in range(len(SAMPLE)):
        for value in (0, 0xFF):
            if SAMPLE[place] != value:
                use(SAMPLE[:place] + bytes([value]) + SAMPLE[place + 1 :])


def test_a_snapshot_whose_vectors_are_not_of_its_embedder_is_refused() -> None:
    arrays, extra = snapshot.unpack(portrait.VERSION, sample())
    small = msgspec.msgpack.decode(extra)
    for embedder in (["e", "another/1", 17], ["e", EMBEDDER.identity, 15]):
        with pytest.raises(ValueError, match="fit together"):
            Mind.restore(b"".join(snapshot.pack(portrait.VERSION, arrays, {**small, "embedder": embedder})))


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0, 2.0**41])
def test_a_snapshot_with_a_scale_that_no_record_has_is_refused(scale: float) -> None:
    arrays, extra = snapshot.unpack(portrait.VERSION, sample())
    scales = arrays[-1].copy()
    scales[0] = scale
    with pytest.raises(ValueError, match="fit together"):
        Mind.restore(b"".join(snapshot.pack(portrait.VERSION, [*arrays[:-1], scales], msgspec.msgpack.decode(extra))))


def test_a_snapshot_in_which_two_memories_have_one_id_is_refused() -> None:
    with pytest.raises(ValueError, match="fit together"):
        Mind.restore(_altered("ids", lambda ids: ids.__setitem__(1, ids[0])))


def test_a_snapshot_in_which_a_word_stands_twice_in_one_memory_is_refused() -> None:
    def doubled(rows: Any) -> None:
        starts = snapshot.unpack(portrait.VERSION, sample())[0][-5]
        first = next(int(start) for start, end in pairwise(starts) if end - start > 1)
        rows[first + 1] = rows[first]

    with pytest.raises(ValueError, match="fit together"):
        Mind.restore(_altered("posted rows", doubled))


def _altered(what: str, alter: Callable[[Any], None]) -> bytes:
    """The sample with one of its arrays altered."""
    arrays, extra = snapshot.unpack(portrait.VERSION, sample())
    number = {"ids": 0, "posted rows": -4}[what]
    arrays = list(arrays)
    arrays[number] = arrays[number].copy()
    alter(arrays[number])
    return b"".join(snapshot.pack(portrait.VERSION, arrays, msgspec.msgpack.decode(extra)))
