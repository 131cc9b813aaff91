"""The file of a plan: what is in it, what may be changed by hand, and what cannot be meant."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from severance.errors import InputError
from severance.routing.plan import Decision, Plan, write

HEAD = Plan("mark", (("/x/a.jsonl", "jsonl"),), {"speaker": "Ines"}, None)
NAME = "0123456789abcdef" * 2
PERSONAS = ("work", "home")


def decision(**changes: Any) -> Decision:
    base: dict[str, Any] = {"persona": "work", "sure": 0.912345, "why": "rule 1: words", "by": "rule", "name": NAME}
    return Decision(**{**base, "source": 1, "number": 7, **changes})


def written(*decisions: Decision, head: Plan = HEAD) -> str:
    out = io.BytesIO()
    write(out, head, decisions)
    return out.getvalue().decode()


def read(tmp_path: Path, text: str | bytes) -> Plan:
    path = tmp_path / "plan.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Plan.read(path, PERSONAS)


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    found = read(tmp_path, written(decision(), decision(persona=None, name="f" * 32)))
    assert (found.subject, found.sources, found.options, found.place) == ("mark", HEAD.sources, HEAD.options, None)
    assert found.items == {NAME: "work", "f" * 32: None}


def test_a_plan_for_a_place_has_no_sources(tmp_path: Path) -> None:
    found = read(tmp_path, written(decision(), head=Plan("mark", (), {}, "floor")))
    assert (found.sources, found.place) == ((), "floor")


def test_a_line_begins_with_what_a_person_changes_and_has_no_text_of_the_item() -> None:
    line = json.loads(written(decision()).splitlines()[1])
    assert list(line) == ["persona", "sure", "why", "source", "number", "item"]
    assert line["sure"] == 0.91
    assert json.loads(written(decision(excerpt="The beg"), head=HEAD).splitlines()[1])["excerpt"] == "The beg"


def test_a_line_may_be_changed_moved_or_taken_out_by_hand(tmp_path: Path) -> None:
    head, one, two = written(decision(), decision(name="f" * 32)).splitlines()
    changed = two.replace('"work"', '"home"')
    assert read(tmp_path, f"{head}\n\n{changed}\n{one}\n{one}\n").items == {"f" * 32: "home", NAME: "work"}
    assert read(tmp_path, f"{head}\n{two}").items == {"f" * 32: "work"}
    assert read(tmp_path, f"\ufeff{head}\r\n{two}\r\n").items == {"f" * 32: "work"}


ONE = json.dumps({"persona": "work", "item": NAME})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: it is not valid JSON"),
        ("5", "line 2: it has no item"),
        ('{"persona": "work"}', "line 2: it has no item"),
        ('{"persona": "work", "item": "../x"}', "line 2: it has no item"),
        (json.dumps({"persona": 5, "item": NAME}), "line 2: the persona is a name, or null"),
        (json.dumps({"persona": "boss", "item": NAME}), "line 2: that persona is not one"),
        (ONE + "\n" + ONE.replace("work", "home"), "line 3: it sends an item elsewhere"),
        ("[" * 100_000, "line 2: it is nested too deeply"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, f"{written().strip()}\n{line}\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"severance": "x"},
        {"version": 2},
        {"subject": 5},
        {"sources": [{"path": "/x", "format": "exe"}]},
        {"sources": [{"path": 5, "format": "jsonl"}]},
        {"sources": []},
        {"from": "floor"},
        {"options": {"a": 1}},
    ],
)
def test_a_head_that_cannot_be_meant_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        read(tmp_path, json.dumps({**json.loads(written()), **changes}))


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"\n\n", b'{"text": "x"}\n', b"\xff\xfe\x00x", b"[]"):
        with pytest.raises(InputError):
            read(tmp_path, content)
