"""Frames: what is sealed at a place opens there, to the byte, and nothing else opens anywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import checks, flipped
from severance.barrier.traces.ports import ScopedEntropy
from severance.crypto import envelope
from severance.crypto.envelope import (
    CommitmentError,
    Kind,
    Opener,
    Sealer,
    SpaceKey,
    Where,
    after,
    bucket,
    chunk_place,
    genesis,
    record_place,
    row_place,
)
from severance.errors import DamagedError, InputError, NewerVersionError
from severance.model import Head, Plain

KEY = SpaceKey(bytes(range(16)), 1, bytes(range(32)))
PLACE = Where(Kind.RECORD, 7, bytes(range(32)))
HEADER, TAG = 84, 16

places = st.builds(Where, st.sampled_from(Kind), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))


def seal(content: bytes = b"the file", where: Where = PLACE, key: SpaceKey = KEY) -> bytes:
    return Sealer(key, ScopedEntropy()).seal(where, Plain(content))


@given(content=st.binary(max_size=5000), where=places)
def test_what_is_sealed_at_a_place_opens_there(content: bytes, where: Where) -> None:
    assert Opener(KEY).open(where, seal(content, where)) == content


@given(content=st.binary(max_size=300), where=places, other=places)
def test_it_opens_at_no_other_place(content: bytes, where: Where, other: Where) -> None:
    if where != other:
        with pytest.raises(DamagedError):
            Opener(KEY).open(other, seal(content, where))


@given(content=st.binary(max_size=600), data=st.data())
def test_no_flipped_bit_opens(content: bytes, data: st.DataObject) -> None:
    frame = seal(content)
    at, bit = data.draw(st.integers(0, len(frame) - 1)), data.draw(st.integers(0, 7))
    altered = frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
    with pytest.raises((DamagedError, NewerVersionError)):
        Opener(KEY).open(PLACE, altered)


@given(length=st.integers(0, 9_000_000))
def test_a_bucket_is_the_smallest_of_the_format_s_that_holds_the_content(length: int) -> None:
    halves = [size for power in range(8, 17) for size in (2**power, 2**power * 3 // 2)]
    sizes = itertools.chain(sorted(size for size in halves if size <= 65_536), itertools.count(131_072, 65_536))
    assert bucket(length) == next(size for size in sizes if size >= length + 4)


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 256), (252, 256), (253, 384), (380, 384), (381, 512), (65_532, 65_536), (65_533, 131_072)],
)
def test_a_bucket_begins_and_ends_where_the_format_says(length: int, size: int) -> None:
    assert bucket(length) == size
    assert len(seal(b"x" * length)) == HEADER + size + TAG


@given(length=st.one_of(st.integers(252, 200_000), st.integers(252, 2**23 - 4)))
def test_what_fills_a_bucket_is_the_most_that_does(length: int) -> None:
    found = envelope.filled(length)
    assert found <= length
    assert bucket(found) == found + 4
    assert all(bucket(more) == bucket(found + 1) != more + 4 for more in {found + 1, length} if found < more <= length)


@pytest.mark.parametrize(
    ("at", "error"),
    [(0, NewerVersionError), (1, NewerVersionError)]
    + [(at, DamagedError) for at in (2, 3, 4, 5, 6, 7)]
    + [(at, CommitmentError) for at in (8, 39, 40, 71)]
    + [(at, DamagedError) for at in (72, 83, 84, -1)],
)
def test_each_field_of_the_header_is_refused_by_its_own_error(at: int, error: type[Exception]) -> None:
    frame = seal()
    with pytest.raises(error) as caught:
        Opener(KEY).open(PLACE, flipped(frame, at % len(frame)))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "key",
    [
        dataclasses.replace(KEY, secret=bytes(32)),
        dataclasses.replace(KEY, space=bytes(16)),
        dataclasses.replace(KEY, epoch=2),
    ],
    ids=["secret", "space", "epoch"],
)
def test_another_key_space_or_epoch_opens_nothing(key: SpaceKey) -> None:
    with pytest.raises(DamagedError):
        Opener(key).open(PLACE, seal())


@pytest.mark.parametrize(
    "check",
    [
        checks.a_frame_opens_in_its_place_only,
        checks.a_frame_is_as_the_format_says,
        checks.a_chunk_opens_at_its_index_only,
        checks.a_segment_ends,
    ],
)
def test_the_promise_of_a_frame(check: checks.Check, folder: Path) -> None:
    check(folder)


@pytest.mark.parametrize("length", [0, 1, 84, 84 + 16, 84 + 255 + 16])
def test_a_frame_cut_short_is_refused(length: int) -> None:
    with pytest.raises(DamagedError, match="cut short"):
        Opener(KEY).open(PLACE, seal()[:length])


def test_a_frame_with_something_after_it_is_refused() -> None:
    with pytest.raises(DamagedError):
        Opener(KEY).open(PLACE, seal() + b"\0")


def test_more_than_a_frame_holds_is_refused() -> None:
    largest = envelope.MAX_PADDED - 4
    assert len(seal(bytes(largest))) == HEADER + envelope.MAX_PADDED + TAG
    with pytest.raises(InputError):
        seal(bytes(largest + 1))


def test_a_later_version_is_named_in_the_error() -> None:
    frame = seal()
    with pytest.raises(NewerVersionError, match="format 2, suite 1"):
        Opener(KEY).open(PLACE, b"\2" + frame[1:])


def test_the_error_names_the_space_and_the_record() -> None:
    with pytest.raises(DamagedError) as caught:
        Opener(KEY).open(PLACE, flipped(seal(), 90))
    assert (caught.value.space, caught.value.record) == (KEY.space.hex(), 7)
    assert KEY.space.hex() in str(caught.value)


def test_damage_in_the_chip_names_no_space() -> None:
    where = row_place(bytes(16), None)
    with pytest.raises(DamagedError, match="a row of the chip") as caught:
        Opener(KEY).open(where, flipped(seal(b"", where), 90))
    assert (caught.value.space, caught.value.record) == (None, None)


def test_two_frames_of_the_same_content_share_nothing_but_the_segment() -> None:
    sealer = Sealer(KEY, ScopedEntropy())
    first, second = sealer.seal(PLACE, Plain(b"same")), sealer.seal(PLACE, Plain(b"same"))
    assert first[:72] == second[:72]
    assert first[72:84] != second[72:84]
    assert first[84:] != second[84:]


def test_two_sealers_never_share_a_segment() -> None:
    entropy = ScopedEntropy()
    first, second = (Sealer(KEY, entropy).seal(PLACE, Plain(b"")) for _ in range(2))
    assert first[8:72] != second[8:72]


def test_a_segment_ends_after_so_many_frames_and_all_of_them_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert envelope.FRAMES_PER_SEGMENT == 2**20
    monkeypatch.setattr(envelope, "FRAMES_PER_SEGMENT", 3)
    sealer, opener = Sealer(KEY, ScopedEntropy()), Opener(KEY)
    frames = [sealer.seal(PLACE, Plain(bytes([n]))) for n in range(8)]
    assert len({frame[8:40] for frame in frames}) == 3
    assert [opener.open(PLACE, frame) for frame in frames] == [bytes([n]) for n in range(8)]


def test_more_segments_than_are_remembered_still_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "_SEGMENTS_REMEMBERED", 2)
    entropy, opener = ScopedEntropy(), Opener(KEY)
    frames = [Sealer(KEY, entropy).seal(PLACE, Plain(bytes([n]))) for n in range(5)]
    assert [opener.open(PLACE, frame) for frame in frames * 2] == [bytes([n]) for n in range(5)] * 2
    assert len(opener._segments) == 2


def test_places_are_all_different() -> None:
    begin, head, other = Head(1, b"\2" * 32), Head(3, bytes(32)), Head(3, bytes(31) + b"\1")
    found = [
        record_place(head),
        record_place(other),
        chunk_place(begin, head, 0, b"", last=False),
        chunk_place(begin, head, 0, b"", last=True),
        chunk_place(begin, head, 1, b"", last=False),
        chunk_place(begin, head, 1, b"frame", last=False),
        chunk_place(begin, head, 1, b"frame", last=True),
        chunk_place(begin, head, 1, b"another", last=False),
        chunk_place(begin, head, 2, b"frame", last=False),
        chunk_place(begin, other, 0, b"", last=False),
        chunk_place(begin, other, 1, b"frame", last=False),
        chunk_place(Head(0, begin.digest), head, 0, b"", last=False),
        chunk_place(Head(1, head.digest), head, 0, b"", last=False),
        row_place(bytes(16), None),
        row_place(bytes(15) + b"\1", None),
        row_place(bytes(16), bytes(15) + b"\1"),
    ]
    assert len(set(found)) == len(found)


def test_a_chunk_is_bound_as_the_format_says() -> None:
    begin, end = Head(258, bytes(range(32))), Head(772, bytes(range(32, 64)))
    heads = (258).to_bytes(8, "big") + begin.digest + end.digest
    for before, previous in ((b"", bytes(32)), (b"frame", hashlib.sha256(b"frame").digest())):
        for index, last in ((0, False), (1, True), (2**32 - 1, False)):
            said = b"severance/chunk/v1" + heads + previous + index.to_bytes(4, "big") + bytes([last])
            expected = Where(Kind.CHUNK, 772, hashlib.sha256(said).digest())
            assert chunk_place(begin, end, index, before, last=last) == expected


def test_the_log_of_another_space_or_epoch_begins_with_another_digest() -> None:
    heads = {genesis(bytes(16), 1), genesis(bytes(16), 2), genesis(b"\1" * 16, 1)}
    assert len(heads) == 3
    assert {head.seq for head in heads} == {0}
    assert after(genesis(bytes(16), 1), b"frame").seq == 1


def test_the_repr_of_a_key_does_not_show_it() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)
