"""Witnesses: they keep the last checkpoint, and none that the one before does not lead to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.remembering import Remembering, remembering
from severance.audit import witness as witnesses
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


@pytest.fixture
def service() -> Iterator[Remembering]:
    with remembering() as server:
        yield server


@pytest.fixture(params=["file", "git", "http"])
def witness(request: pytest.FixtureRequest, tmp_path: Path) -> Witness:
    if request.param == "http":
        return witness_of(request.getfixturevalue("service").url, NAME)
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


def test_a_service_is_asked_at_its_address_and_given_the_note_as_it_is(service: Remembering) -> None:
    show(witness_of(service.url, NAME), note(5), any_leads)
    assert service.asked == ["GET /log?of=mine", "POST /log?of=mine"]
    assert service.kept == [note(5).encode()]
    show(witness_of(service.url, NAME), note(5), any_leads)
    assert service.asked[2:] == ["GET /log?of=mine"], "it has that one already"


def test_a_service_without_a_path_is_asked_at_its_root(service: Remembering) -> None:
    root = service.url.partition("/log")[0]
    for address in (f"{root}?of=mine", root):
        witness_of(address, NAME).last()
    assert service.asked == ["GET /?of=mine", "GET /"]


@pytest.mark.parametrize("status", [204, 404])
def test_a_service_says_in_two_ways_that_it_has_nothing_yet(service: Remembering, status: int) -> None:
    service.nothing = status
    assert witness_of(service.url, NAME).last() is None


@pytest.mark.parametrize("status", [302, 400, 401, 500, "closed"])
def test_a_service_that_refuses_is_told_and_nothing_of_what_it_says(service: Remembering, status: int | str) -> None:
    witness = witness_of(service.url, NAME)
    witness.keep(note(1))  # the control
    service.status = status
    for call in (witness.last, lambda: witness.keep(note(2))):
        with pytest.raises(StoreError, match=r"the witness at 127\.0\.0\.1:\d+ ") as caught:
            call()
        assert "repeated" not in str(caught.value)
    assert service.kept == [note(1).encode()]
    assert not [path for path in service.asked if "elsewhere" in path], "no redirect is followed"


def test_a_service_that_does_not_take_notes_is_told(service: Remembering) -> None:
    service.status = 404
    with pytest.raises(StoreError, match="does not take checkpoints there"):
        witness_of(service.url, NAME).keep(note(1))


@pytest.mark.parametrize("how", ["hangs", "drips"])
def test_a_service_is_waited_for_so_long_and_no_longer(
    service: Remembering, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "_HTTP_SECONDS", 0.2)
    service.status = how
    with pytest.raises(StoreError, match=r"did not answer within 0\.2 seconds"):
        witness_of(service.url, NAME).last()


def test_a_service_that_nobody_runs_is_told(service: Remembering) -> None:
    with pytest.raises(StoreError, match="nothing listens there; the log was not held against it"):
        witness_of("http://127.0.0.1:9/", NAME).last()


@pytest.mark.parametrize("content", [b"", b"\xff", b"x" * 5_000, b"x" * 200_000])
def test_a_service_that_answers_with_something_else_is_told(service: Remembering, content: bytes) -> None:
    service.kept.append(content)
    with pytest.raises(StoreError, match=r"holds no checkpoint|answered with more than"):
        witness_of(service.url, NAME).last()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("http://example.org/log", "encrypted only"),
        ("https://", "a witness is a URL"),
        ("https://name:word@example.org/", "name, password"),
        ("https://example.org/ log", "a witness is a URL"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(spec: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        witness_of(spec, NAME)


@pytest.mark.parametrize("spec", ["", "file:", "git", "ftp:x", "file:a\0b", "/tmp/x"])
def test_a_spec_that_cannot_be_meant_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="a witness is"):
        witness_of(spec, NAME)
