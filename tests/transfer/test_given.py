"""Standard input in the place of a file, and what of a folder is left out."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

from severance.errors import InputError
from severance.transfer import Item, read
from severance.transfer import given as module
from severance.transfer.given import Given
from transfer.samples import chat, claude_chat

MAIL = (
    b"From ada@example.org Mon Jun  3 10:00:00 2024\nFrom: Ada <a@b>\nSubject: x\n"
    b"Date: Mon, 3 Jun 2024 10:00:00 +0200\n\nHi.\n"
)


def zipped(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return made.getvalue()


CONTENTS = {
    "jsonl": b'"one"\n{"text": "two"}\n',
    "chatgpt": json.dumps([chat()]).encode(),
    "claude": zipped("conversations.json", json.dumps([claude_chat()]).encode()),
    "mem0": json.dumps({"results": [{"id": "a", "memory": "Likes waffles."}]}).encode(),
    "mcp": b'{"type": "entity", "name": "Mark", "entityType": "person", "observations": ["Files"]}\n',
    "mbox": MAIL,
}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_given_is_read_as_a_file_with_the_same_bytes(name: str, tmp_path: Path) -> None:
    (tmp_path / "standard input").write_bytes(CONTENTS[name])
    with read(Given.of(CONTENTS[name])) as ours, read(tmp_path / "standard input") as theirs:
        assert ours.format == theirs.format == name
        assert ours.size == theirs.size == len(CONTENTS[name])
        found = list(ours)
        assert found == list(theirs) != []


def test_notes_that_are_given_say_no_time_but_their_own() -> None:
    (first, second) = (
        list(read(Given.of(text), "markdown")) for text in (b"# A\n\nb\n", b"---\ndate: 2024-05-31\n---\nc\n")
    )
    assert isinstance(first[0], Item)
    assert (first[0].draft.at, first[0].draft.thread) == (None, "standard input")
    assert isinstance(second[0], Item)
    assert second[0].draft.at is not None
    with pytest.raises(InputError, match="standard input is in no format that is known"):
        read(Given.of(b"only text\n"))


@pytest.mark.parametrize("format_", [None, "mem0", "langgraph"])
def test_a_database_is_not_read_from_standard_input(format_: str | None) -> None:
    with pytest.raises(InputError, match="name the file"):
        list(read(Given.of(b"SQLite format 3\0" + bytes(100)), format_))


def test_what_is_given_has_a_bound_and_is_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="standard input is empty"):
        read(Given.of(b""))
    monkeypatch.setattr(module, "MOST_BYTES", 2**20)
    assert Given.of(b"x" * 2**20).stat().st_size == 2**20
    with pytest.raises(InputError, match="more than 1 MiB"):
        Given.of(b"x" * (2**20 + 1))


def test_what_of_a_folder_is_left_out_is_counted_and_named(tmp_path: Path) -> None:
    for name in (
        "a.md",
        "b.PDF",
        "Makefile",
        ".hidden.md",
        ".git/config",
        "sub/c.pdf",
        "sub/d.markdown",
        "sub/e.averyverylongending",
        "sub/.f",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    if sys.platform != "win32":
        (tmp_path / "link.pdf").symlink_to(tmp_path / "a.md")
        (tmp_path / "out.pdf").symlink_to(tmp_path.parent)
    with read(tmp_path, "markdown") as reading:
        found = list(reading)
        left = reading.left_out
    assert len([each for each in found if isinstance(each, Item)]) == 2
    assert left.kinds == {".pdf": 2, "hidden": 3, "no ending": 1, "other": 1}
    assert set(left.names) == {
        "b.PDF",
        "Makefile",
        ".hidden.md",
        ".git/",
        "sub/c.pdf",
        "sub/e.averyverylongending",
        "sub/.f",
    }


def test_a_folder_without_anything_to_read_is_told_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(InputError, match="holds no Markdown, no text and no export that is known; name a file in it"):
        read(tmp_path)


def test_what_is_beside_an_export_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "conversations.json").write_text(json.dumps([chat()]))
    (tmp_path / "user.json").write_text("{}")
    (tmp_path / "chat.html").write_text("")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_text("")
    with read(tmp_path) as reading:
        assert reading.format == "chatgpt"
        assert [each for each in reading if isinstance(each, Item)]
        assert reading.left_out.kinds == {".json": 1, ".html": 1, "folder": 1}
        assert reading.left_out.names == ["chat.html", "images/", "user.json"]
