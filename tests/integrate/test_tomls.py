"""TOML: one table added, changed or taken out, and nothing else touched."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from severance.integrate import tomls
from severance.integrate.edits import BrokenError

PATH = ("mcp_servers", "severance")
ENTRY = {"command": "/bin/severance", "args": ["mcp", "--place", "laptop"]}
NAMES = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
LINES = st.one_of(
    st.just(""),
    st.text("ab [=\"'", max_size=8).map(lambda text: f"# {text}"),
    st.integers().map(lambda number: f"k{abs(number)} = {number}"),
    st.just('list = [\n  "[mcp_servers.severance]",\n  # a note\n]'),
    st.just("text = '''\n[mcp_servers.severance]\n'''"),
)


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """A TOML file: lines at the top, then tables, with both kinds of line ends."""
    parts = [*draw(st.lists(LINES, max_size=4, unique=True))]
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        parts += [f"[{name}.x]", *draw(st.lists(LINES, max_size=3, unique=True))]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return newline.join([*parts, *([""] if draw(st.booleans()) else [])])


@given(configurations())
def test_what_is_added_is_there_and_taken_out_leaves_what_was(text: str) -> None:
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a name was drawn twice
        return
    after = tomls.added(text, PATH, ENTRY)
    assert after.startswith(text)
    assert tomllib.loads(after) == {**before, "mcp_servers": {**before.get("mcp_servers", {}), "severance": ENTRY}}
    left = tomls.without(after, PATH)
    assert tomllib.loads(left) == before
    assert left in (text, f"{text}\n", f"{text}\r\n")


TABLE = """\
model = "o"

[mcp_servers.severance] # mine
startup = 20
args = [
  "old", # note
]
command = "/old"

[mcp_servers.severance.env]
A = "b"

# for y
[y]
z = 1
"""


def test_values_change_and_others_stay() -> None:
    assert tomls.changed(TABLE, PATH, ENTRY) == TABLE.replace(
        'args = [\n  "old", # note\n]\ncommand = "/old"',
        'args = ["mcp", "--place", "laptop"]\ncommand = "/bin/severance"',
    )


def test_values_that_are_not_there_come_first() -> None:
    assert tomls.changed("[mcp_servers.severance]\nx = 1\n", PATH, {"command": "a"}) == (
        '[mcp_servers.severance]\ncommand = "a"\nx = 1\n'
    )


def test_tables_within_go_with_it_and_comments_of_the_next_stay() -> None:
    assert tomls.without(TABLE, PATH) == 'model = "o"\n\n# for y\n[y]\nz = 1\n'


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a = \n", 1, 5), ("a = 1\nb\n", 2, 2), ("a = 1\na = 2\n", 2, 6), ('a = "', 1, 6), ("[x", 1, 3)],
)
def test_what_is_broken_is_told_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(BrokenError) as refused:
        tomls.data(text)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert not re.search(r"\(at|[A-Z]", refused.value.why[:1] + refused.value.why[-8:])


def test_a_table_is_found_by_its_line() -> None:
    assert tomls.line_of(TABLE, PATH) == 3
    assert tomls.line_of("mcp_servers.severance.command = 'x'", PATH) == 1


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]))), st.text())
def test_any_words_are_written_so_that_they_are_read_again(words: list[str], program: str) -> None:
    program = program.encode("utf-8", "replace").decode()
    entry = {"command": program, "args": words}
    assert tomls.data(tomls.added("", PATH, entry)) == {"mcp_servers": {"severance": entry}}
