"""Witnesses: they keep the last checkpoint, and none that the one before does not lead to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from severance.audit.notes import Checkpoint, origin_of, signed
from severance.audit.proofs import EMPTY_ROOT
from severance.audit.witness import FileWitness, GitWitness, Witness, show, witness_of
from severance.errors import DamagedError, InputError, StoreError

NAME = bytes(16).hex()


def note(size: int) -> str:
    return signed(Checkpoint(origin_of(bytes(16)), size, EMPTY_ROOT, 5), bytes(32))


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed here")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "Witness")
    git(tmp_path, "config", "user.email", "witness@example.org")
    return tmp_path


@pytest.fixture(params=["file", "git"])
def witness(request: pytest.FixtureRequest, tmp_path: Path) -> Witness:
    where = request.getfixturevalue("repository") if request.param == "git" else tmp_path / "seen"
    return witness_of(f"{request.param}:{where}", NAME)


def any_leads(last: str) -> None:
    """The control: everything goes on from everything."""


def test_it_keeps_the_last_note(witness: Witness) -> None:
    assert witness.last() is None
    for size in range(3):
        witness.keep(note(size))
        assert witness.last() == note(size)


def test_a_note_that_its_last_does_not_lead_to_is_not_kept(witness: Witness) -> None:
    show(witness, note(5), any_leads)

    def cut(last: str) -> None:
        assert last == note(5)
        raise DamagedError("cut")

    with pytest.raises(DamagedError):
        show(witness, note(4), cut)
    assert witness.last() == note(5)
    show(witness, note(6), any_leads)
    assert witness.last() == note(6)


def test_the_same_note_again_is_not_written_again(repository: Path) -> None:
    witness = witness_of(f"git:{repository}", NAME)
    for _ in range(3):
        show(witness, note(5), any_leads)
    assert git(repository, "log", "--format=%s").split("\n")[:-1] == [f"severance/{NAME} at 5"]


def test_a_repository_keeps_every_checkpoint_and_nothing_else_is_committed(repository: Path) -> None:
    witness = GitWitness(repository, "seen")
    (repository / "mine").write_text("not yet committed")
    git(repository, "add", "mine")
    for size in range(3):
        witness.keep(note(size))
    assert git(repository, "show", "HEAD~1:seen") == note(1)
    assert git(repository, "ls-tree", "--name-only", "HEAD").split() == ["seen"]
    (repository / "seen").write_text("altered in the work tree only")
    assert witness.last() == note(2)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    witness = FileWitness(tmp_path / "seen")
    witness.keep(note(1))
    before = (tmp_path / "seen").stat().st_ino
    witness.keep(note(2))
    assert (tmp_path / "seen").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["seen"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"x" * 5_000])
def test_a_file_that_holds_something_else_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seen").write_bytes(content)
    with pytest.raises(StoreError, match="holds no checkpoint"):
        FileWitness(tmp_path / "seen").last()


def test_a_witness_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not there"):
        FileWitness(tmp_path / "gone" / "seen").last()
    with pytest.raises(StoreError):
        FileWitness(tmp_path / "gone" / "seen").keep(note(1))
    with pytest.raises(StoreError, match="git"):
        GitWitness(tmp_path / "gone", "seen").last()


@pytest.mark.parametrize("spec", ["", "file:", "git", "ftp:x", "file:a\0b", "/tmp/x"])
def test_a_spec_that_cannot_be_meant_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="a witness is"):
        witness_of(spec, NAME)
