"""Override keys: what is in their files, and what is not taken for one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.override.keys import PrivateKey, public_of, read, written
from severance.errors import InputError, KeyMissingError, StoreError


def test_a_key_is_read_from_the_file_that_it_was_made_in(folder: Path, entropy: ScopedEntropy) -> None:
    made = PrivateKey.make(folder / "a.key", entropy)
    again = PrivateKey.load(folder / "a.key")
    assert again.public == made.public == public_of(made.public.text())
    assert made.public.signed(b"this", again.sign(b"this"))
    assert not made.public.signed(b"that", again.sign(b"this"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_file_is_for_its_owner_alone(folder: Path, entropy: ScopedEntropy) -> None:
    path = folder / "a.key"
    PrivateKey.make(path, entropy)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(KeyMissingError, match="can be reached by others"):
            PrivateKey.load(path)


def test_a_file_that_is_there_is_not_written_over(folder: Path, entropy: ScopedEntropy) -> None:
    (folder / "a.key").write_text("mine")
    with pytest.raises(StoreError):
        PrivateKey.make(folder / "a.key", entropy)
    assert (folder / "a.key").read_text() == "mine"


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(KeyMissingError, match=r"the override key .*a\.key.* --as"):
        PrivateKey.load(folder / "a.key")


@pytest.mark.parametrize("content", ["", "# nothing\n", "sevs1.\n", "sevk1.AAAA\n", "sevs1.AAAA\n", "\xe9", "a\nb\n"])
def test_a_file_that_holds_no_key_is_refused_without_its_content(folder: Path, content: str) -> None:
    path = folder / "a.key"
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(content)
    with pytest.raises(InputError, match="holds no private override key"):
        PrivateKey.load(path)


def test_a_private_key_shows_nothing_of_itself(folder: Path, entropy: ScopedEntropy) -> None:
    assert repr(PrivateKey.make(folder / "a.key", entropy)) == "PrivateKey()"


def test_a_private_key_is_no_public_one(folder: Path, entropy: ScopedEntropy) -> None:
    PrivateKey.make(folder / "a.key", entropy)
    private = (folder / "a.key").read_text().splitlines()[-1]
    for text in (private, "", "sevk1", "sevk1.", "sevk1.AAAA", written("sevk1", bytes(64)), "sevk2." + "A" * 86):
        with pytest.raises(InputError, match="no public override key"):
            public_of(text)


def test_there_is_one_way_to_write_bytes() -> None:
    text = written("sevk1", b"\xff" * 64)
    assert read("sevk1", text, 64) == b"\xff" * 64
    assert read("sevk1", f"{text}=", 64) is None
    assert read("sevk1", text[:-1] + "x", 64) is None  # bits that no byte has
    assert read("sevr1", text, 64) is None
    assert read("sevk1", text, 63) is None
    assert read("sevk1", "sevk1.\u00e9", None) is None
