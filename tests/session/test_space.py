"""A space: records open in their place, conflicts are noticed, and damage is named and read past only by salvage."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kit import change, dump, flipped
from severance.barrier.traces.ports import ScopedEntropy
from severance.crypto.envelope import Sealer, SpaceKey, after, genesis, record_place
from severance.errors import ConflictError, DamagedError, NewerVersionError, RolledBackError
from severance.model import Head, Plain
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, decode, encode
from severance.space import CHUNK_BYTES, Space, new_key
from severance.upkeep.salvage import salvage
from severance.vault.sqlite import SqliteVault

STORE = bytes(16)


def chosen(number: int) -> Event:
    return EmbedderChosen(f"embedder {number}", 8)


def forgotten(*seqs: int) -> Event:
    return Forgotten([bytes(15)], list(seqs), 0)


@pytest.fixture
def vault(folder: Path) -> Iterator[SqliteVault]:
    with SqliteVault.new(folder / "vault.db", STORE) as made:
        yield made


@pytest.fixture
def space(vault: SqliteVault) -> Space:
    entropy = ScopedEntropy()
    made = Space(vault, new_key(entropy, b"mark/innie"), entropy)
    vault.create([made.begun()])
    return made


def write(folder: Path, statement: str, *arguments: Any) -> None:
    assert change(folder / "vault.db", statement, *arguments) > 0


def frame_of(folder: Path, seq: int) -> bytes:
    found: bytes = next(row[2] for row in dump(folder / "vault.db")["records"] if row[1] == seq)
    return found


@pytest.mark.parametrize("count", [1, 2047, 2048, 2049, 4097])
def test_what_was_appended_is_read_on_in_order(space: Space, count: int) -> None:
    space.append([chosen(n) for n in range(count)])
    assert space.again().read_on() == [(n + 1, chosen(n)) for n in range(count)]
    assert space.read_on() == []


def test_reading_on_begins_where_it_ended(space: Space) -> None:
    reader = space.again()
    space.append([chosen(1)])
    assert reader.read_on() == [(1, chosen(1))]
    space.append([chosen(2), chosen(3)])
    assert reader.read_on() == [(2, chosen(2)), (3, chosen(3))]
    assert reader.head == space.head


def test_the_second_of_two_writers_gets_a_conflict_reads_on_and_goes_on(space: Space) -> None:
    second = space.again()
    space.append([chosen(1)])
    with pytest.raises(ConflictError):
        second.append([chosen(2)])
    assert second.read_on() == [(1, chosen(1))]
    second.append([chosen(2)])
    assert space.read_on() == [(2, chosen(2))]


def test_a_writer_whose_vault_was_put_back_is_told_so_and_not_of_a_conflict(
    space: Space, vault: SqliteVault, folder: Path
) -> None:
    space.append([chosen(1)])
    write(folder, "DELETE FROM records")
    write(folder, "UPDATE spaces SET seq = 0, digest = ?", genesis(space.key.space, 1).digest)
    with pytest.raises(RolledBackError):
        space.append([chosen(2)])


def test_another_record_at_the_same_number_is_not_taken_for_a_conflict(
    space: Space, vault: SqliteVault, folder: Path
) -> None:
    vault.copy_to(folder / "fork.db")
    space.append([chosen(1)])
    with SqliteVault.open(folder / "fork.db") as fork:
        Space(fork, space.key, ScopedEntropy(b"fork")).append([chosen(1)])
    row = dump(folder / "fork.db")["records"][0]
    write(folder, "UPDATE records SET frame = ?, digest = ?, hash = ?", *row[2:])
    write(folder, "UPDATE spaces SET digest = ?", row[3])
    with pytest.raises(RolledBackError):
        space.append([chosen(2)])
    assert space.again().read_on() == [(1, chosen(1))]


def test_an_anchor_that_the_log_holds_is_accepted_wherever_it_is(space: Space) -> None:
    heads = [space.head]
    for number in range(4):
        space.append([chosen(number)])
        heads.append(space.head)
    for head in heads:
        assert len(space.again().read_on(head)) == 4


@pytest.mark.parametrize("anchor", [Head(5, bytes(32)), Head(4, bytes(32)), Head(2, bytes(32)), Head(0, bytes(32))])
def test_an_anchor_that_the_log_does_not_hold_is_refused(space: Space, anchor: Head) -> None:
    space.append([chosen(number) for number in range(4)])
    with pytest.raises(RolledBackError) as caught:
        space.again().read_on(anchor)
    assert caught.value.space == space.key.space.hex()


@pytest.mark.parametrize(
    ("statement", "seq", "problem"),
    [
        ("DELETE FROM records WHERE seq = 3", 3, "is missing"),
        ("DELETE FROM records WHERE seq = 1", 1, "is missing"),
        ("UPDATE records SET frame = NULL WHERE seq = 2", 2, "is gone, and nothing in the log says"),
        ("UPDATE records SET digest = zeroblob(32) WHERE seq = 2", 2, "is not what was written there"),
        ("UPDATE records SET seq = 9 WHERE seq = 4", 4, "is missing"),
    ],
)
def test_damage_is_named_by_space_and_record(
    space: Space, folder: Path, statement: str, seq: int, problem: str
) -> None:
    space.append([chosen(number) for number in range(5)])
    write(folder, statement)
    with pytest.raises(DamagedError, match=f"record {seq} of space {space.key.space.hex()} {problem}") as caught:
        space.again().read_on()
    assert (caught.value.space, caught.value.record) == (space.key.space.hex(), seq)
    assert type(caught.value) is DamagedError


@pytest.mark.parametrize("at", [2, 3, 8, 40, 72, 84, 200])
def test_a_flipped_bit_is_named_also_when_its_digest_was_made_to_fit(space: Space, folder: Path, at: int) -> None:
    space.append([chosen(number) for number in range(3)])
    altered = flipped(frame_of(folder, 2), at)
    write(folder, "UPDATE records SET frame = ? WHERE seq = 2", altered)
    with pytest.raises(DamagedError) as caught:
        space.again().read_on()
    assert caught.value.record == 2
    head = after(Head(1, dump(folder / "vault.db")["records"][0][3]), altered)
    write(folder, "UPDATE records SET digest = ?, hash = ? WHERE seq = 2", head.digest, sha256(altered).digest())
    with pytest.raises(DamagedError) as caught:
        space.again().read_on()
    assert caught.value.record == 2


def test_two_records_swapped_are_refused(space: Space, folder: Path) -> None:
    space.append([chosen(number) for number in range(4)])
    rows = {row[1]: row[2:] for row in dump(folder / "vault.db")["records"]}
    for seq, other in ((2, 3), (3, 2)):
        write(folder, "UPDATE records SET frame = ?, digest = ?, hash = ? WHERE seq = ?", *rows[other], seq)
    with pytest.raises(DamagedError) as caught:
        space.again().read_on()
    assert caught.value.record == 2


def test_a_record_of_another_space_is_refused(space: Space, vault: SqliteVault, folder: Path) -> None:
    entropy = ScopedEntropy(b"other")
    other = Space(vault, new_key(entropy, b"mark/outie"), entropy)
    vault.create([other.begun()])
    for each in (space, other):
        each.append([chosen(1)])
    (frame,) = (row[2] for row in dump(folder / "vault.db")["records"] if row[0] == other.key.space)
    digest, hashed = after(genesis(space.key.space, 1), frame).digest, sha256(frame).digest()
    put = "UPDATE records SET frame = ?, digest = ?, hash = ? WHERE space = ?"
    write(folder, put, frame, digest, hashed, space.key.space)
    with pytest.raises(DamagedError, match="was not sealed with this key"):
        space.again().read_on()


def test_an_erased_record_that_a_later_one_names_is_left_out(space: Space, folder: Path) -> None:
    space.append([chosen(1), chosen(2), chosen(3)])
    space.append([forgotten(2)], erase=[2])
    assert frame_of(folder, 2) is None
    assert space.again().read_on() == [(1, chosen(1)), (3, chosen(3)), (4, forgotten(2))]
    space.again().confirm()


def test_an_erased_record_that_none_or_only_another_names_is_damage(space: Space) -> None:
    space.append([chosen(1), chosen(2), chosen(3)])
    space.append([forgotten(1)], erase=[1, 2])
    with pytest.raises(DamagedError, match=r"record 2 .* is gone") as caught:
        space.again().read_on()
    assert caught.value.record == 2


def test_a_record_cannot_excuse_its_own_erasure_or_a_later_one(space: Space, folder: Path) -> None:
    space.append([chosen(1), forgotten(3), chosen(3)])
    write(folder, "UPDATE records SET frame = NULL WHERE seq = 3")
    with pytest.raises(DamagedError):
        space.again().read_on()


def test_a_named_record_that_is_still_there_is_an_older_file_and_no_damage(space: Space) -> None:
    space.append([chosen(1), chosen(2), forgotten(2)])
    assert len(space.again().read_on()) == 3


def test_the_end_of_the_log_is_confirmed_against_the_vault_s_head(space: Space, folder: Path) -> None:
    space.append([chosen(1), chosen(2)])
    reader = space.again()
    reader.read_on()
    reader.confirm()
    write(folder, "DELETE FROM records WHERE seq = 2")
    late = space.again()
    late.read_on()
    with pytest.raises(DamagedError):
        late.confirm()


def test_a_space_that_the_vault_does_not_have_is_damage(vault: SqliteVault) -> None:
    missing = Space(vault, SpaceKey(bytes(16), 1, bytes(32)), ScopedEntropy())
    for call in (missing.read_on, missing.confirm, missing.read_layers):
        with pytest.raises(DamagedError, match="is not in the vault, and the chip has its key"):
            call()


# Salvage


def numbers(space: Space) -> list[int | str]:
    """The numbers that salvage saves, and `lost N` for each that it does not."""
    return [item[0] if isinstance(item, tuple) else f"lost {item.record}" for item in salvage(space.again())]


@pytest.mark.parametrize(
    ("statement", "saved"),
    [
        ("UPDATE records SET digest = digest", [1, 2, 3, 4, 5]),
        ("DELETE FROM records WHERE seq = 3", [1, 2, "lost 3", "lost 4", 5]),
        ("UPDATE records SET frame = NULL WHERE seq = 3", [1, 2, 4, 5, "lost 3"]),
        ("UPDATE records SET frame = 'text' WHERE seq = 3", [1, 2, "lost 3", "lost 4", 5]),
        ("UPDATE records SET frame = 5 WHERE seq = 3", [1, 2, "lost 3", "lost 4", 5]),
        ("DELETE FROM records WHERE seq = 1", ["lost 1", "lost 2", 3, 4, 5]),
        ("UPDATE records SET digest = zeroblob(32) WHERE seq = 2", [1, "lost 2", 2, 3, 4, 5]),
    ],
)
def test_salvage_saves_what_is_behind_damage(
    space: Space, folder: Path, statement: str, saved: list[int | str]
) -> None:
    space.append([chosen(number) for number in range(5)])
    write(folder, statement)
    assert numbers(space) == saved


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_salvage_loses_one_record_for_one_flipped_bit(space: Space, folder: Path, seq: int) -> None:
    space.append([chosen(number) for number in range(5)])
    write(folder, "UPDATE records SET frame = ? WHERE seq = ?", flipped(frame_of(folder, seq), 100), seq)
    assert numbers(space) == [f"lost {n}" if n == seq else n for n in range(1, 6)]


def test_salvage_leaves_out_what_was_forgotten_and_calls_it_no_damage(space: Space) -> None:
    space.append([chosen(1), chosen(2)])
    space.append([forgotten(2)], erase=[2])
    assert numbers(space) == [1, 3]


def test_salvage_of_a_log_that_was_cut_gives_what_is_left(space: Space, folder: Path) -> None:
    space.append([chosen(number) for number in range(5)])
    write(folder, "DELETE FROM records WHERE seq > 3")
    assert numbers(space)[:3] == [1, 2, 3]
    assert all(isinstance(item, str) for item in numbers(space)[3:])


# Layers


def whole(space: Space, content: bytes) -> tuple[list[tuple[int, int, bytes]], list[int]]:
    """One layer of everything, in the place of those that are there."""
    return [(1, space.head.seq, content)], [last for _, last in space.layers()]


def contents_of(space: Space) -> list[bytes]:
    return [held.content for held in space.read_layers()]


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000])
def test_a_layer_of_any_size_comes_back(space: Space, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("severance.space.CHUNK_BYTES", 100)
    space.append([chosen(1)])
    content = bytes(n % 251 for n in range(size))
    assert space.write_layers(*whole(space, content))
    (held,) = space.again().read_layers()
    assert held == (space.again().head, space.head, content)


@pytest.mark.parametrize("size", [4_097, 12_000, 65_533, 150_000, CHUNK_BYTES + 1, 3_000_000])
def test_little_of_a_layer_is_padding(space: Space, folder: Path, size: int) -> None:
    space.append([chosen(1)])
    content = bytes(n % 251 for n in range(size))
    assert space.write_layers(*whole(space, content))
    assert contents_of(space.again()) == [content]
    frames = [row[3] for row in dump(folder / "vault.db")["chunks"]]
    assert sum(map(len, frames)) < 1.01 * size + 2_000


def test_layers_come_back_in_order_with_the_heads_between_them(space: Space) -> None:
    heads = [space.head]
    for number in range(5):
        space.append([chosen(number)])
        heads.append(space.head)
    assert space.write_layers([(2, 3, b"two and three"), (5, 5, b"five")])
    assert space.write_layers([(4, 4, b"four")])
    found = [(heads[1], heads[3], b"two and three"), (heads[3], heads[4], b"four"), (heads[4], heads[5], b"five")]
    assert space.again().read_layers() == found
    assert space.layers() == [(2, 3), (4, 4), (5, 5)]


def test_the_chunks_of_two_layers_of_one_range_do_not_mix(space: Space, folder: Path) -> None:
    """Two minds that were awake at once may have written them differently, under one salt or two."""
    space.append([chosen(1)])
    contents = [bytes([n]) * (2 * CHUNK_BYTES + 1) for n in range(3)]
    written = []
    for writer, content in zip((space, space, space.again()), contents, strict=True):
        writer.read_on()
        assert writer.write_layers(*whole(writer, content))
        written.append([row[3] for row in dump(folder / "vault.db")["chunks"]])
    for choice in product(range(3), repeat=3):
        for n, which in enumerate(choice):
            write(folder, "UPDATE chunks SET frame = ? WHERE n = ?", written[which][n], n)
        if len(set(choice)) == 1:
            assert contents_of(space.again()) == [contents[choice[0]]]
        else:
            with pytest.raises(DamagedError) as caught:
                space.again().read_layers()
            assert caught.value.space == space.key.space.hex()


def test_a_layer_opens_for_its_own_range_only(space: Space, folder: Path) -> None:
    """Not for a longer one, a shorter one, or the next; nor after another record."""
    for number in range(4):
        space.append([chosen(number)])
    assert space.write_layers([(1, 2, b"lower"), (3, 4, b"upper")])
    (_, last, first, before, digest, _), upper = dump(folder / "vault.db")["layers"]
    moved = "UPDATE layers SET last = ?, first = ?, before = ?, digest = ? WHERE last = 2"
    write(folder, "DELETE FROM layers WHERE last = 4")
    write(folder, "DELETE FROM chunks WHERE last = 4")
    for row in (upper[1:5], (3, first, before, digest), (last, 2, before, digest), (last, first, digest, digest)):
        write(folder, moved, *row)
        write(folder, "UPDATE chunks SET last = ?", row[0])
        with pytest.raises(DamagedError):
            space.again().read_layers()
        write(folder, moved.replace("last = 2", "last = ?"), last, first, before, digest, row[0])
        write(folder, "UPDATE chunks SET last = 2")
    assert contents_of(space.again()) == [b"lower"]


def test_without_layers_there_are_none(space: Space) -> None:
    assert space.read_layers() == []
    assert space.layers() == []


def test_a_layer_of_before_an_erasure_is_not_kept(space: Space) -> None:
    space.append([chosen(1)])
    late = space.again()
    late.read_on()
    assert space.write_layers(*whole(space, b"what is about to be forgotten"))
    space.append([forgotten(1)], erase=[1])
    assert space.read_layers() == []
    assert not late.write_layers([(1, 1, b"what was forgotten since")])


def test_a_log_that_ends_before_its_layers_was_rolled_back(space: Space, folder: Path) -> None:
    heads = []
    for number in range(3):
        space.append([chosen(number)])
        heads.append(space.head)
    space.write_layers(*whole(space, b"three"))
    write(folder, "DELETE FROM records WHERE seq = 3")
    write(folder, "UPDATE spaces SET seq = 2, digest = ?", heads[1].digest)
    with pytest.raises(RolledBackError):
        space.again().read_layers()


def test_an_erased_record_between_the_anchor_and_the_end_of_a_layer_is_to_be_explained(
    space: Space, folder: Path
) -> None:
    heads = []
    for number in range(4):
        space.append([chosen(number)])
        heads.append(space.head)
    space.append([forgotten(2)], erase=[2])
    assert space.write_layers([(3, 4, b"upper")])

    def after_the_layer() -> list[tuple[int, Event]]:
        reader = space.again()
        reader.read_to(heads[1])
        (held,) = reader.read_layers()
        reader.skip(held)
        return reader.read_on(heads[0])

    assert [seq for seq, _ in after_the_layer()] == [5]
    write(folder, "UPDATE records SET frame = NULL WHERE seq = 3")
    with pytest.raises(DamagedError, match=r"record 3 .* is gone, and nothing in the log says"):
        after_the_layer()


def test_a_layer_is_sealed_for_what_was_read_whatever_the_vault_says_by_then(space: Space, folder: Path) -> None:
    """Else who writes to the disk could have it sealed for another history."""
    space.append([chosen(number) for number in range(300)])
    reader = space.again()
    reader.read_on()
    (kept,) = (row for row in dump(folder / "vault.db")["records"] if row[1] == 200)
    for column in ("digest", "hash"):
        write(folder, f"UPDATE records SET {column} = zeroblob(32) WHERE seq = 200")
        for each in (space, reader):
            with pytest.raises(DamagedError, match="record 200"):
                each.write_layers([(1, 200, b"lower")])
        write(folder, "UPDATE records SET digest = ?, hash = ? WHERE seq = 200", *kept[3:])
        if column == "digest":
            write(folder, "UPDATE records SET hash = zeroblob(32) WHERE seq = 201")
            with pytest.raises(DamagedError, match="record 200"):
                reader.write_layers([(1, 200, b"lower")])
            write(folder, "DELETE FROM records WHERE seq = 210")
            with pytest.raises(DamagedError, match="record 200"):
                reader.write_layers([(1, 200, b"lower")])
            break
    assert reader.layers() == []
    assert reader.write_layers([(129, 256, b"between two heads that were passed")])


def test_what_lies_between_layers_is_read_from_the_log(space: Space, folder: Path) -> None:
    heads = []
    for number in range(4):
        space.append([chosen(number)])
        heads.append(space.head)
    space.append([forgotten(2)], erase=[2])
    reader = space.again()
    events, erased = reader.read_to(heads[2])
    assert ([seq for seq, _ in events], erased, reader.head) == ([1, 3], {2}, heads[2])
    with pytest.raises(DamagedError, match="record 4"):
        reader.read_to(Head(4, bytes(32)))
    with pytest.raises(DamagedError, match="record 6"):
        space.read_to(Head(6, bytes(32)))


# Records


def test_every_event_comes_back_from_its_bytes() -> None:
    remembered = Remembered(
        id=bytes(15), text="t", at=1, recorded=2, thread=None, source="s", kind="k", metadata={"a": 1.5, "b": None},
        pinned=True, echo_of=None, supersedes=bytes(15), vector=b"\1", scale=0.5,
    )  # fmt: skip
    for event in (remembered, Repeated(bytes(15), 1, 2), forgotten(1, 2), chosen(3)):
        assert decode(encode(event)) == event


def test_a_record_of_a_later_version_is_called_so(space: Space, vault: SqliteVault) -> None:
    sealer = Sealer(space.key, ScopedEntropy())
    frame = sealer.seal(record_place(space.head), Plain(b"\x92\xa1z\x01"))
    vault.append(space.key.space, space.head, [frame])
    with pytest.raises(NewerVersionError, match="record 1 of space"):
        space.again().read_on()
    assert numbers(space) == ["lost 1"]
