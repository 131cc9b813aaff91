"""Markdown: sections, front matter, dates, folders."""

from __future__ import annotations

import os
import sys
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from severance.errors import InputError
from severance.model import MAX_TEXT_BYTES
from severance.transfer import read
from severance.transfer.sections import TARGET_CHARS
from severance.transfer.split import pieces
from transfer.samples import NOTES, both, put


def texts(tmp_path: Path, content: str) -> list[str]:
    items, skipped = both(put(tmp_path / "n.md", content.encode()))
    assert not skipped
    return [item.draft.text for item in items]


def test_sections_front_matter_and_headings(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "garden.md", NOTES))
    assert not skipped
    assert [item.draft.text for item in items] == [
        "Before any heading.",
        "# Beds\n\nBeans in the first.",
        "## Paths\n\n```\n# not a heading\n\nstill code\n```",
        "# Later",
    ]
    assert {item.draft.at for item in items} == {datetime(2024, 5, 31, 16, tzinfo=UTC)}
    assert {item.draft.thread for item in items} == {"garden.md"}
    assert items[2].draft.metadata == {"title": "Garden", "tags": "green, wet", "heading": "Beds > Paths"}


def test_underlined_headings_and_tag_lists(tmp_path: Path) -> None:
    content = b"---\ntags:\n  - a\n  - 'b c'\n---\nTitle\n=====\n\none\n\nSub\n---\ntwo\n\n---\n\nthree\n"
    items, _ = both(put(tmp_path / "n.md", content))
    assert [item.draft.metadata["heading"] for item in items] == ["Title", "Title > Sub"]
    assert items[0].draft.metadata["tags"] == "a, b c"
    assert items[1].draft.text == "## Sub\n\ntwo\n\n---\n\nthree"


def test_unclosed_front_matter_is_text(tmp_path: Path) -> None:
    assert texts(tmp_path, "---\ndate: 2024-01-01\n\nbody") == ["---\ndate: 2024-01-01\n\nbody"]


def test_a_long_section_is_cut_between_paragraphs(tmp_path: Path) -> None:
    paragraph = "A sentence about beans. " * 20
    found = texts(tmp_path, "# Beans\n\n" + "\n\n".join([paragraph] * 12))
    assert len(found) > 2
    assert all(text.startswith("# Beans\n\n") for text in found)
    assert all(len(text) < 2 * TARGET_CHARS for text in found)


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    found = texts(tmp_path, "é" * 300_000)
    assert sum(text.count("é") for text in found) == 300_000
    assert all(len(text.encode()) <= MAX_TEXT_BYTES for text in found)


@pytest.mark.parametrize(
    ("name", "day"), [("2024-02-03 walk.md", 3), ("20240204.md", 4), ("x_2024_02_05.md", 5), ("2024-13-45.md", None)]
)
def test_date_in_the_name_else_time_of_change(tmp_path: Path, name: str, day: int | None) -> None:
    path = put(tmp_path / name, b"text")
    os.utime(path, (86_400, 86_400))
    items, _ = both(path)
    assert items[0].draft.at == (datetime(2024, 2, day, tzinfo=UTC) if day else datetime(1970, 1, 2, tzinfo=UTC))


def test_date_in_the_folders(tmp_path: Path) -> None:
    (tmp_path / "2024" / "02").mkdir(parents=True)
    put(tmp_path / "2024" / "02" / "06.md", b"text")
    items, _ = both(tmp_path)
    assert items[0].draft.at == datetime(2024, 2, 6, tzinfo=UTC)
    assert items[0].draft.thread == "2024/02/06.md"


def test_a_bad_date_skips_the_file(tmp_path: Path) -> None:
    put(tmp_path / "a.md", b"---\ndate: last week\n---\ntext")
    put(tmp_path / "b.md", b"---\ndate:\n---\ntext")
    items, skipped = both(tmp_path)
    assert [item.draft.thread for item in items] == ["b.md"]
    assert [(s.where, s.why) for s in skipped] == [("a.md", "its date cannot be read")]


def test_folder_order_hidden_and_odd_files(tmp_path: Path) -> None:
    for folder in (".git", "sub", "sub/deep"):
        (tmp_path / folder).mkdir()
    for name in ("b.md", "a.MD", "sub/c.markdown", "sub/deep/d.md", ".git/x.md", ".hidden.md", "photo.jpg"):
        put(tmp_path / name, name.encode())
    put(tmp_path / "empty.md", b"")
    put(tmp_path / "binary.md", b"a\0b")
    put(tmp_path / "wide.md", "text".encode("utf-16"))
    put(tmp_path / "z.md", b"good\n\nbad \xff\n\ngood too\n")
    items, skipped = both(tmp_path)
    assert [item.draft.thread for item in items] == ["a.MD", "b.md", "z.md", "sub/c.markdown", "sub/deep/d.md"]
    assert items[2].draft.text == "good\n\n\n\ngood too".replace("\n\n\n\n", "\n\n")
    assert {s.where for s in skipped} == {"empty.md", "binary.md", "wide.md", "z.md line 3"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_are_not_followed(tmp_path: Path) -> None:
    outside, home = tmp_path / "outside", tmp_path / "home"
    outside.mkdir()
    home.mkdir()
    put(outside / "secret.md", b"secret")
    put(home / "a.md", b"mine")
    (home / "out.md").symlink_to(outside / "secret.md")
    (home / "dir").symlink_to(outside)
    (home / "in.md").symlink_to(home / "a.md")
    (home / "loop.md").symlink_to(home / "loop.md")
    os.mkfifo(home / "pipe.md")
    items, skipped = both(home)
    assert [item.draft.text for item in items] == ["mine"]
    assert {"out.md", "dir", "pipe.md"} <= {s.where for s in skipped}


def test_origins_outlive_changes_elsewhere(tmp_path: Path) -> None:
    path = put(tmp_path / "n.md", b"# A\n\none\n\n# B\n\ntwo\n")
    before = {item.draft.text: item.origin for item in both(path)[0]}
    put(path, b"# New\n\nzero\n\n# A\n\none more\n\n# B\n\ntwo\n")
    after = {item.draft.text: item.origin for item in both(path)[0]}
    assert before["# B\n\ntwo"] == after["# B\n\ntwo"]
    assert len(set(after.values())) == len(after)
    assert all(len(origin.encode()) <= 200 for origin in after.values())


def test_single_files_that_are_no_text(tmp_path: Path) -> None:
    for content in (b"a\0b", "text".encode("utf-16")):
        with pytest.raises(InputError):
            list(read(put(tmp_path / "n.md", content), "markdown"))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.md"
    with path.open("wb") as out:
        for number in range(3_000):
            out.write(b"# Part %d\n\n" % number + b"words and words " * 250 + b"\n\n")
    tracemalloc.start()
    count = sum(1 for _ in read(path, "markdown"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 3_000
    assert peak < 2_000_000


def test_pieces_lose_no_word() -> None:
    text = "one two. three\nfour\n\nfive " * 500
    found = list(pieces(text, 100))
    assert " ".join(found).split() == text.split()
    assert max(map(len, found)) <= 100
