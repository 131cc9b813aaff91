"""JSON with comments: read with where everything stands, and changed in one place only."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.integrate import jsonc
from severance.integrate.edits import BrokenError, Edit, edited

ENTRY = {"command": "/bin/severance", "args": ["mcp", "--place", "laptop"]}

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
BLANKS = st.text(" \t\n\r", max_size=3)
COMMENTS = st.one_of(
    BLANKS,
    st.text("ab {}[],:\"'/", max_size=6).map(lambda text: f"// {text}\n"),
    st.text("ab {}[],:\"'\n", max_size=6).map(lambda text: f"/* {text} */"),
)


@st.composite
def written(draw: st.DrawFn, lenient: bool, value: st.SearchStrategy[Any] = VALUES) -> str:
    """A value as some person would write it: with blanks anywhere, and comments and commas if they may be there."""
    gap = COMMENTS if lenient else BLANKS

    def one(found: object) -> str:
        if isinstance(found, dict):
            items = [f"{json.dumps(key)}{draw(gap)}:{draw(gap)}{one(each)}" for key, each in found.items()]
            return many("{", items, "}")
        if isinstance(found, list):
            return many("[", [one(each) for each in found], "]")
        return json.dumps(found, ensure_ascii=draw(st.booleans()))

    def many(opening: str, items: list[str], closing: str) -> str:
        comma = "," if lenient and items and draw(st.booleans()) else ""
        inner = ",".join(f"{draw(gap)}{item}{draw(gap)}" for item in items)
        return f"{opening}{inner}{comma}{draw(gap)}{closing}"

    return f"{draw(gap)}{one(draw(value))}{draw(gap)}"


def plain(text: str) -> Any:
    """What a text means, by another way: comments and commas taken out, and the standard library."""
    bare = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda found: found[1] or " ", text, flags=re.DOTALL)
    return json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda found: found[1] or "", bare))


@given(st.booleans().flatmap(lambda lenient: st.tuples(written(lenient), st.just(lenient))))
def test_a_text_means_what_it_means_to_other_readers(given: tuple[str, bool]) -> None:
    text, lenient = given
    assert jsonc.parse(text, lenient=lenient).data() == plain(text)


@given(written(lenient=True, value=st.dictionaries(KEYS, VALUES, max_size=4)))
def test_what_is_added_is_there_and_nothing_else_is_touched(text: str) -> None:
    before = plain(text)
    if "mcpServers" in before:
        return
    after = jsonc.added(text, ["mcpServers"], "severance", ENTRY, lenient=True)
    assert plain(after) == {**before, "mcpServers": {"severance": ENTRY}}
    assert _only_inserted(text, after)


@given(
    written(lenient=True, value=st.fixed_dictionaries({"a": VALUES, "m": st.dictionaries(KEYS, VALUES, max_size=3)})),
    VALUES,
)
def test_what_was_added_and_is_taken_out_leaves_the_rest(text: str, value: object) -> None:
    before = plain(text)
    if "severance" in before["m"]:
        return
    after = jsonc.added(text, ["m"], "severance", value, lenient=True)
    node = jsonc.parse(after, lenient=True).get("m")
    assert node is not None
    assert node.items is not None
    index = next(index for index, item in enumerate(node.items) if item.key == "severance")
    left = jsonc.without(after, node, index)
    assert plain(left) == before
    assert _comments(left) == _comments(text)


@given(written(lenient=True, value=st.lists(VALUES, min_size=1, max_size=5)), st.data())
def test_any_item_can_be_taken_out(text: str, data: st.DataObject) -> None:
    before = plain(text)
    index = data.draw(st.integers(0, len(before) - 1))
    left = jsonc.without(text, jsonc.parse(text, lenient=True), index)
    assert plain(left) == [*before[:index], *before[index + 1 :]]


@given(written(lenient=True, value=st.fixed_dictionaries({"a": VALUES, "b": VALUES})), VALUES)
def test_a_value_can_be_replaced(text: str, value: object) -> None:
    node = jsonc.parse(text, lenient=True).get("a")
    assert node is not None
    after = jsonc.replaced(text, node, value)
    assert plain(after) == {**plain(text), "a": value}
    assert after.startswith(text[: node.start])
    assert after.endswith(text[node.end :])


@given(st.text('{}[]",:/*\\ \n\tabu01e+-.truefalsn', max_size=40))
@settings(max_examples=400)
def test_any_text_is_read_or_refused_as_the_standard_library_does(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(BrokenError) as refused:
            jsonc.parse(text, lenient=False)
        lines = text.split("\n")
        assert 1 <= refused.value.line <= len(lines)
        assert 1 <= refused.value.column <= len(lines[refused.value.line - 1]) + 1
    else:
        assert jsonc.parse(text, lenient=False).data() == expected


@pytest.mark.parametrize(
    ("text", "line", "column", "why"),
    [
        ('{"a": 1,}', 1, 8, "a comma too many"),
        ('{"a": 1 "b": 2}', 1, 9, "a comma or }"),
        ('{\n  "a": tru\n}', 2, 8, "a value"),
        ("{\n  // note\n}", 2, 3, "a name in quotes"),
        ("{'a': 1}", 1, 2, "a name in quotes"),
        ('{"a" 1}', 1, 6, "a colon"),
        ('{"a": 1} x', 1, 10, "more behind the end"),
        ('{"a": "b', 1, 7, "a value"),
        ('{"a": [1, 2', 1, 12, "a comma or ]"),
        ('{"a": ', 1, 7, "too early"),
        ('{"a": NaN}', 1, 7, "a value"),
        ("[" * 300, 1, 202, "too deeply"),
    ],
)
def test_what_is_broken_is_told_with_its_place(text: str, line: int, column: int, why: str) -> None:
    with pytest.raises(BrokenError, match=re.escape(why)) as refused:
        jsonc.parse(text, lenient=False)
    assert (refused.value.line, refused.value.column) == (line, column)


def test_a_comment_that_does_not_end_is_told() -> None:
    with pytest.raises(BrokenError, match="does not end"):
        jsonc.parse("{ /* }", lenient=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "m": {\n    "s": 1\n  }\n}\n'),
        ("{}", '{\n  "m": {\n    "s": 1\n  }\n}'),
        ('{"a":1}', '{"a":1, "m": {"s": 1}}'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"m": {\n\t\t"s": 1\n\t}\n}\n'),
        ('{\n    "a": 1, // one\n}', '{\n    "a": 1, // one\n    "m": {\n        "s": 1\n    },\n}'),
        ('{\n  "m": {\n    "o": 1 // note\n  }\n}', '{\n  "m": {\n    "o": 1, // note\n    "s": 1\n  }\n}'),
        ('{\r\n  "m": {}\r\n}\r\n', '{\r\n  "m": {\r\n    "s": 1\r\n  }\r\n}\r\n'),
        ("// only this", '// only this\n{\n  "m": {\n    "s": 1\n  }\n}\n'),
    ],
)
def test_it_is_written_as_the_rest_is(before: str, after: str) -> None:
    assert jsonc.added(before, ["m"], "s", 1, lenient=True) == after


@pytest.mark.parametrize("text", ["[]", '{"m": []}', '{"m": 3}', "7"])
def test_what_is_of_another_kind_is_not_written_into(text: str) -> None:
    with pytest.raises(BrokenError, match="should be an object"):
        jsonc.added(text, ["m"], "s", 1, lenient=True)


def test_elements_are_added_to_lists() -> None:
    assert jsonc.added('{"h": {"Stop": [1]}}', ["h", "Stop"], "", 2, lenient=True) == '{"h": {"Stop": [1, 2]}}'
    with pytest.raises(BrokenError, match="should be an array"):
        jsonc.added('{"h": {}}', ["h"], "", 2, lenient=True)


@pytest.mark.parametrize("text", ['"' + "a" * 300_000, '{"a": ' + " " * 300_000 + "x", '"' + "\\\\" * 150_000])
def test_long_texts_take_time_in_proportion(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(BrokenError):
        jsonc.parse(text, lenient=True)
    whole = time.process_time() - begun
    begun = time.process_time()
    json.loads(json.dumps("a" * 300_000))
    assert whole < 1_000 * max(time.process_time() - begun, 0.001)


def test_edits_do_not_touch_what_is_between() -> None:
    assert edited("abcdef", [Edit(4, 5, ""), Edit(1, 1, "X"), Edit(1, 2, "Y")]) == "aXYcdf"


def _comments(text: str) -> list[str]:
    found = re.findall(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', text, re.DOTALL)
    return [each for each in found if not each.startswith('"')]


def _only_inserted(before: str, after: str) -> bool:
    """Whether the one came from the other by insertions alone: all its signs but blanks at a bracket are there."""
    left = iter(after)
    return all(sign in left for sign in re.sub(r"[ \t\r\n]+(?=})", "", before))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": 1, "s": 2}', '{"a": 1}'),
        ('{"s": 2, "a": 1}', '{ "a": 1}'),
        ('{"s": 2 }', "{}"),
        ('{\n  "a": 1,\n  "s": 2\n}', '{\n  "a": 1\n}'),
        ('{\n  "s": 2, // mine\n  "a": 1\n}', '{\n // mine\n  "a": 1\n}'),
        ('{\n  "a": 1, // note\n  "s": 2 }', '{\n  "a": 1 // note\n }'),
    ],
)
def test_what_is_taken_out_leaves_no_gap(text: str, left: str) -> None:
    node = jsonc.parse(text, lenient=True)
    index = next(index for index, item in enumerate(node.items or ()) if item.key == "s")
    assert jsonc.without(text, node, index) == left
