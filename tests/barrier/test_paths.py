"""Paths in what is told lose their folders, and nothing else does."""

from __future__ import annotations

import pytest

from severance.barrier.paths import base_names


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[Errno 2] No such file: '/home/jane doe/x/notes.db'", "[Errno 2] No such file: 'notes.db'"),
        ("'/home/jane doe/cut off in the mid", "'cut off in the mid"),
        ("cannot open /home/jane/a.db: no", "cannot open a.db: no"),
        ("(/home/jane/y.py, line 3)", "(y.py, line 3)"),
        ("path=/home/jane/x and path:/home/jane/x", "path=x and path:x"),
        ("file:///home/jane/x", "file://x"),
        ("sqlite:////home/jane/x.db", "sqlite:///x.db"),
        (r"C:\Users\jane\x.txt is bad", "x.txt is bad"),
        (repr(r"C:\Users\jane doe\x.txt"), "'x.txt'"),
    ],
)
def test_a_path_is_told_by_its_last_part(said: str, told: str) -> None:
    assert base_names(said) == told
    assert "jane" not in told


@pytest.mark.parametrize(
    "said",
    ["search('/', '*')", "'/a'", "http://host/x/y", "0/is_killed/store/notes", "in /proc at byte 3", "1/2/3", "a / b"],
)
def test_what_is_no_path_of_a_user_stays(said: str) -> None:
    assert base_names(said) == said


def test_a_long_text_takes_no_long_time() -> None:
    for said in ("'/" * 200_000, "/a" * 200_000, " /a/" * 100_000, "'" + "/a" * 200_000 + '"'):
        assert len(base_names(said)) <= len(said)
