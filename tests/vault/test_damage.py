"""A damaged file: what comes out is what was written, or whoever reads can tell; never another exception.

The reader here knows what a real one knows from its anchor and its key: the head, what was forgotten, and that each
frame names the digest of the log before it.
"""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import pytest

from severance.errors import SeveranceError
from severance.model import Head, Sealed
from severance.ports import NewSpace
from severance.vault.conformance import STORE
from severance.vault.conformance.kit import EMPTY, frame, picture
from severance.vault.layout import PAGE_SIZE
from severance.vault.sqlite import SqliteVault

if TYPE_CHECKING:
    from pathlib import Path

    from severance.ports import Entry

SPACES = {b"\x01" * 16: (356, 612, 868, 1124), b"\xfe\x00" * 8: (1636, 612, 70_000, 356)}
FORGOTTEN = frozenset({3, 5})
FLIPS = 400


class NoticedError(Exception):
    """The reader can tell that something is wrong."""


class Seen(NamedTuple):
    """What a reader gets of one space."""

    head: Head
    log: list[Entry]


def chained(before: Head, size: int) -> Sealed:
    return Sealed(before.digest + frame(before.seq, size - 32))


def chunk(at: Head, index: int, count: int) -> Sealed:
    body = frame(index, 3000)
    return Sealed(sha256(b"%d %b %d %d" % (at.seq, at.digest, index, count) + body).digest() + body)


def furnish(vault: SqliteVault) -> dict[bytes, Seen]:
    seen = {}
    for space, sizes in SPACES.items():
        vault.create([NewSpace(space, EMPTY)])
        head = EMPTY
        for number in range(15):
            head = vault.append(space, head, [chained(head, sizes[number % 4])])
        head = vault.append(space, head, [chained(head, 612)], sorted(FORGOTTEN))
        picture(vault, head, [chunk(head, index, 4) for index in range(4)], space)
        seen[space] = Seen(head, vault.read(space, 0, 100))
    return seen


def notice(wrong: bool) -> None:
    if wrong:
        raise NoticedError


def read_as_a_key_holder(vault: SqliteVault, space: bytes, anchor: Head) -> Seen:
    head, log, at = vault.head(space), vault.read(space, 0, 100), EMPTY
    notice(head != anchor)
    for entry in log:
        notice(entry.seq != at.seq + 1)
        if entry.frame is None:
            notice(entry.seq not in FORGOTTEN)
        else:
            notice(sha256(entry.frame).digest() != entry.hash or entry.frame[:32] != at.digest)
        at = at.then(entry.hash)
        notice(at.digest != entry.digest)
    notice(at != head)
    for layer in vault.read_layers(space):
        count = len(layer.chunks)
        notice(layer.chunks != tuple(chunk(layer.end, index, count) for index in range(count)))
        notice((layer.begin, layer.end) != (EMPTY, head))
    return Seen(head, log)


def try_everything(path: Path, wanted: dict[bytes, Seen], *, writing: bool = True) -> int:
    """How many spaces came out whole; the others were noticed. Anything else raises."""
    whole = 0
    try:
        with SqliteVault.open(path) as vault:
            for space, seen in wanted.items():
                try:
                    found = read_as_a_key_holder(vault, space, seen.head)
                except (SeveranceError, NoticedError):
                    continue
                assert found == seen, "damage went unnoticed"
                whole += 1
            vault.verify()
            with suppress(SeveranceError):
                vault.spaces()
            if writing:
                write_everything(vault, path.with_name("copy.db"), wanted)
    except SeveranceError:
        pass
    return whole


def write_everything(vault: SqliteVault, copy: Path, wanted: dict[bytes, Seen]) -> None:
    with suppress(SeveranceError):
        vault.copy_to(copy)
    for space, seen in wanted.items():
        with suppress(SeveranceError):
            vault.append(space, seen.head, [chained(seen.head, 612)], [7])
            vault.drop(space)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[bytes, Seen]]:
    """A vault that was closed, and what is in it."""
    path = tmp_path_factory.mktemp("sound") / "vault.db"
    with SqliteVault.new(path, STORE) as vault:
        return path, furnish(vault)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[bytes, Seen]]:
    """A vault as a crash leaves it: everything is in the write-ahead log, nothing in the file."""
    folder = tmp_path_factory.mktemp("logged")
    with SqliteVault.new(folder / "vault.db", STORE) as vault:
        seen = furnish(vault)
        for space in SPACES:  # furnishing ends with an erasure, which empties the log
            head = vault.append(space, seen[space].head, [chained(seen[space].head, 868)])
            picture(vault, head, [chunk(head, index, 4) for index in range(4)], space)
            seen[space] = Seen(head, vault.read(space, 0, 100))
        (folder / "crash").mkdir()
        for name in ("vault.db", "vault.db-wal"):
            shutil.copy(folder / name, folder / "crash" / name)
    return folder / "crash" / "vault.db", seen


def lay(folder: Path, content: bytes, log: bytes = b"") -> Path:
    path = folder / "vault.db"
    for file in folder.iterdir():
        file.unlink()
    path.write_bytes(content)
    if log:
        path.with_name("vault.db-wal").write_bytes(log)
    return path


def test_undamaged(sound: tuple[Path, dict[bytes, Seen]], tmp_path: Path) -> None:
    path, seen = sound
    assert try_everything(lay(tmp_path, path.read_bytes()), seen) == 2


def test_flipped_bits(sound: tuple[Path, dict[bytes, Seen]], tmp_path: Path) -> None:
    path, seen = sound
    content = path.read_bytes()
    pages = len(content) // PAGE_SIZE
    chance = random.Random(20)
    whole = []
    for turn in range(FLIPS):
        # Half of them anywhere, half in the heads of pages, where the structure is.
        place = chance.randrange(pages) * PAGE_SIZE + chance.randrange(120)
        place = place if turn % 2 else chance.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.randrange(8)
        # Writing syncs a dozen times, so only now and then.
        whole.append(try_everything(lay(tmp_path, bytes(flipped)), seen, writing=turn % 8 < 2))
    assert sum(count < 2 for count in whole) > FLIPS // 10, "the flips did not reach much"
    assert whole.count(1) > FLIPS // 4, "damage in one space should leave the other readable"


def test_truncated(sound: tuple[Path, dict[bytes, Seen]], tmp_path: Path) -> None:
    path, seen = sound
    content = path.read_bytes()
    borders = [page * PAGE_SIZE + by for page in range(len(content) // PAGE_SIZE) for by in (0, 1, -1, 100)]
    for length in [99, 512, *borders]:
        if 0 <= length < len(content):
            whole = try_everything(lay(tmp_path, content[:length]), seen)
            assert whole == 0 or length % PAGE_SIZE, "a page that is missing is noticed by everyone"


def test_a_page_of_zeros_or_of_another_place(sound: tuple[Path, dict[bytes, Seen]], tmp_path: Path) -> None:
    path, seen = sound
    content = path.read_bytes()
    pages = [content[start : start + PAGE_SIZE] for start in range(0, len(content), PAGE_SIZE)]
    for number in range(len(pages)):
        for instead in (bytes(PAGE_SIZE), pages[(number + 1) % len(pages)], bytes(frame(1, PAGE_SIZE))):
            altered = b"".join([*pages[:number], instead, *pages[number + 1 :]])
            try_everything(lay(tmp_path, altered), seen, writing=number % 4 == 0)


def test_after_a_crash_nothing_is_lost(logged: tuple[Path, dict[bytes, Seen]], tmp_path: Path) -> None:
    path, seen = logged
    log = path.with_name("vault.db-wal").read_bytes()
    assert try_everything(lay(tmp_path, path.read_bytes(), log), seen) == 2


def test_damage_in_the_write_ahead_log(logged: tuple[Path, dict[bytes, Seen]], tmp_path: Path) -> None:
    """SQLite takes the log up to the first frame that does not add up: an older state, which the anchor tells."""
    path, seen = logged
    content, log = path.read_bytes(), path.with_name("vault.db-wal").read_bytes()
    chance = random.Random(21)
    for _ in range(60):
        flipped = bytearray(log)
        flipped[chance.randrange(len(log))] ^= 1 << chance.randrange(8)
        try_everything(lay(tmp_path, content, bytes(flipped)), seen, writing=False)
        try_everything(lay(tmp_path, content, log[: chance.randrange(len(log))]), seen, writing=False)
