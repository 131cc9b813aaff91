"""Which files of a folder are notes, and what becomes of those that cannot be read."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from capture.drawn import TOKENS, pem
from severance.capture import notes
from severance.capture.exclusion import Exclusion
from severance.errors import InputError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="its links and permissions are POSIX's")


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_notes_are_known_by_their_endings_and_hidden_ones_are_not_looked_for(tmp_path: Path) -> None:
    kept = dict.fromkeys(("a.md", "B.MD", "c.txt", "sub/deep/d.markdown"), "text")
    left = dict.fromkeys(("e.py", ".f.md", ".git/g.md", "node_modules/h.md", "i.md~", "drafts/j.md"), "text")
    write(tmp_path, {**kept, **left})
    found = notes.listing(tmp_path, Exclusion(["drafts"]))
    assert {*found.stamps} == {*kept}
    assert found.is_there
    assert found.skipped == ()


def test_an_empty_folder_and_one_that_is_not_there_are_alike(tmp_path: Path) -> None:
    assert not notes.listing(tmp_path, Exclusion()).is_there
    assert not notes.listing(tmp_path / "none", Exclusion()).is_there
    write(tmp_path, {"x.py": ""})
    assert notes.listing(tmp_path, Exclusion()).is_there


@POSIX
def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, {"secret.md": "of somebody else"})
    root = tmp_path / "notes"
    write(root, {"a.md": "text"})
    (root / "inside.md").symlink_to(root / "a.md")
    (root / "out.md").symlink_to(outside / "secret.md")
    (root / "folder").symlink_to(outside)
    (root / "loop.md").symlink_to(root / "loop.md")
    found = notes.listing(root, Exclusion())
    assert {*found.stamps} == {"a.md"}
    assert ("out.md", "it is a link that leads out of the folder") in {(each.where, each.why) for each in found.skipped}
    note = notes.read(root, "out.md")
    assert note is not None
    assert note.items == ()
    assert "somebody" not in repr(note)


@POSIX
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    found = notes.listing(tmp_path, Exclusion())
    assert not found.stamps
    assert [each.why for each in found.skipped] == ["it is not a file"]
    assert notes.read(tmp_path, "pipe.md") is not None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a\0b", "it is a binary file"),
        ("text".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (b"caf\xe9", "it is not UTF-8"),
        (b"x" * (notes.MOST_BYTES + 1), "it is longer than 2 MiB"),
        (b"---\ndate: soon\n---\ntext", "its date cannot be read"),
    ],
)
def test_what_cannot_be_taken_is_told_without_its_content(tmp_path: Path, content: bytes, why: str) -> None:
    write(tmp_path, {"a.md": content})
    note = notes.read(tmp_path, "a.md")
    assert note is not None
    assert note.items == ()
    assert [(each.where, each.why) for each in note.skipped] == [("a.md", why)]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "text"})
    (tmp_path / "a.md").chmod(0)
    note = notes.read(tmp_path, "a.md")
    assert note is not None
    assert "permissions" in note.skipped[0].why


def test_a_note_that_has_gone_is_no_note(tmp_path: Path) -> None:
    assert notes.read(tmp_path, "a.md") is None


def test_secrets_are_taken_out_before_a_file_is_cut(tmp_path: Path) -> None:
    token = TOKENS["google-key"][0]
    long = "\n\n".join(f"A paragraph, number {number}, of some length. " * 8 for number in range(30))
    write(tmp_path, {"a.md": f"# Keys\n\n{long}\n\n{pem()}\n\n{long}\n\n## Of {token}\n\n{token}\n"})
    note = notes.read(tmp_path, "a.md")
    assert note is not None
    assert len(note.items) > 5
    assert note.secrets == {"google-key": 2, "private-key": 1}
    assert token not in repr(note)
    assert not any(line in repr(note) for line in pem().splitlines())


def test_a_secret_in_a_files_name_is_none_of_the_memory(tmp_path: Path) -> None:
    token = TOKENS["npm-token"][0]
    write(tmp_path, {f"{token}.md": "text"})
    note = notes.read(tmp_path, f"{token}.md")
    assert note is not None
    assert note.items[0].draft.thread == notes.thread_of(f"{token}.md")
    assert token not in repr(note.items)


def test_the_same_section_twice_is_one(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "# A\n\nsame\n\n# A\n\nsame\n\n# A\n\nother\n"})
    note = notes.read(tmp_path, "a.md")
    assert note is not None
    assert [each.draft.text for each in note.items] == ["# A\n\nsame", "# A\n\nother"]


def test_there_is_an_end_to_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST_FILES", 2)
    write(tmp_path, {f"{name}.md": "text" for name in "abc"})
    with pytest.raises(InputError, match="has more than"):
        notes.listing(tmp_path, Exclusion())


@POSIX
@pytest.mark.parametrize("in_steps", [True, False], ids=["from folder to folder", "by its path"])
def test_a_folder_that_becomes_a_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_steps: bool
) -> None:
    monkeypatch.setattr(notes, "_IN_STEPS", in_steps)
    root, away = tmp_path / "root", tmp_path / "away"
    write(root, {"sub/deep/diary.md": "inside", "a.md": "inside"})
    write(away, {"deep/diary.md": "outside", "other.md": "outside"})
    found = notes.listing(root, Exclusion())
    assert {*found.stamps} == {"sub/deep/diary.md", "a.md"}
    there = notes.read(root, "sub/deep/diary.md")
    assert there is not None
    assert [item.draft.text for item in there.items] == ["inside"]
    (root / "sub").rename(root / ".sub")
    (root / "sub").symlink_to(away)
    swapped = notes.read(root, "sub/deep/diary.md")
    assert swapped is not None
    assert (swapped.items, [each.why for each in swapped.skipped]) == ((), ["it cannot be read"])


@POSIX
@pytest.mark.parametrize("in_steps", [True, False], ids=["from folder to folder", "by its path"])
def test_a_folder_that_becomes_a_link_while_it_is_listed_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_steps: bool
) -> None:
    monkeypatch.setattr(notes, "_IN_STEPS", in_steps)
    root, away = tmp_path / "root", tmp_path / "away"
    write(root, {"a.md": "inside", "sub/b.md": "inside"})
    write(away, {"b.md": "outside"})
    look = notes._look

    def swap(*given: Any) -> None:
        look(*given)
        if not (root / "sub").is_symlink():
            (root / "sub").rename(root / ".sub")
            (root / "sub").symlink_to(away)

    monkeypatch.setattr(notes, "_look", swap)
    found = notes.listing(root, Exclusion())
    assert ({*found.stamps}, found.unknown) == ({"a.md"}, ("sub",))
