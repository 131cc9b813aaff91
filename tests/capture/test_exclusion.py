"""What a pattern leaves alone, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from severance.capture.exclusion import MOST_PATTERNS, Exclusion, patterns_in
from severance.errors import InputError


@pytest.mark.parametrize(
    ("pattern", "left_out", "kept"),
    [
        ("drafts", ["drafts", "a/drafts", "drafts/"], ["draft", "drafts.md", "mydrafts"]),
        ("*.txt", ["a.txt", "b/c.txt", ".txt"], ["a.txt.md", "txt"]),
        ("/todo.md", ["todo.md"], ["a/todo.md"]),
        ("archive/2019", ["archive/2019", "archive/2019/"], ["x/archive/2019", "archive/20199"]),
        ("**/private/*.md", ["private/a.md", "x/y/private/a.md"], ["private/x/a.md", "public/a.md"]),
        ("a/**", ["a/b", "a/b/c.md"], ["a", "b/a"]),
        ("old/", ["old/", "x/old/"], ["old", "old.md"]),
        ("n?te.md", ["note.md", "x/nöte.md"], ["nte.md", "n/te.md"]),
        ("[a-c]*.md", ["apple.md", "c.md"], ["date.md", "Apple.md"]),
        ("[!a]x", ["bx"], ["ax"]),
        ("a+b(c).md", ["a+b(c).md"], ["aab(c).md"]),
        ("[", ["["], ["]"]),
    ],
)
def test_a_pattern(pattern: str, left_out: list[str], kept: list[str]) -> None:
    exclusion = Exclusion([pattern])
    asked = {name: exclusion.leaves_out(name.rstrip("/"), is_folder=name.endswith("/")) for name in [*left_out, *kept]}
    assert asked == {**dict.fromkeys(left_out, True), **dict.fromkeys(kept, False)}


@pytest.mark.parametrize(
    "name",
    [".git/", ".hidden.md", "x/.obsidian/", "node_modules/", "note.md~", "#note.md#", "~$note.md", "note.md.tmp"],
)
def test_what_is_always_left_alone(name: str) -> None:
    assert Exclusion().leaves_out(name.rstrip("/"), is_folder=name.endswith("/"))
    assert not Exclusion().leaves_out("note.md", is_folder=False)


@pytest.mark.parametrize("pattern", ["", "  ", "/", "!kept.md", "a\0b"])
def test_a_pattern_that_cannot_be_meant(pattern: str) -> None:
    with pytest.raises(InputError, match="exclusion pattern"):
        Exclusion([pattern])


def test_there_is_an_end_to_patterns() -> None:
    with pytest.raises(InputError, match=f"more than {MOST_PATTERNS:,}"):
        Exclusion(["a"] * MOST_PATTERNS)


def test_a_file_of_patterns(tmp_path: Path) -> None:
    path = tmp_path / "patterns"
    path.write_bytes(b"\xef\xbb\xbf# private\ndrafts/\n\n  *.txt  \r\n")
    assert patterns_in(path) == ["drafts/", "*.txt"]
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        patterns_in(path)
