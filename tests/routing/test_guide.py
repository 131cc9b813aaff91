"""The owner's rules and examples: what they hold for, and files that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from severance.errors import InputError
from severance.model import Draft
from severance.routing.guide import MOST_BYTES, MOST_RULES, Guide

PERSONAS = ("work", "home")


def guide(tmp_path: Path, text: str | bytes) -> Guide:
    path = tmp_path / "guide.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Guide.read(path, PERSONAS)


def holds(tmp_path: Path, rule: str, draft: Draft, path: str = "/") -> bool:
    made = guide(tmp_path, f"[[rule]]\npersona = 'work'\n{rule}\n")
    return made.rules[0].holds(draft, Path(path).parts)


def test_examples_and_rules_are_read_in_their_order(tmp_path: Path) -> None:
    made = guide(
        tmp_path,
        """
        [examples]
        work = ["The printer."]
        home = "The beans."
        [[rule]]
        persona = "home"
        words = "beans"
        [[rule]]
        persona = "work"
        source = ["slack", "Boss"]
        folder = "office"
        """,
    )
    assert made.examples == (("work", "The printer."), ("home", "The beans."))
    assert [rule.persona for rule in made.rules] == ["home", "work"]
    assert made.rules[1].why() == "the source and the folder"


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("source = 'Slack'", Draft(text="x", source="slack"), Draft(text="slack")),
        ("thread = ['mdr', 'o-and-d']", Draft(text="x", thread="O-and-D"), Draft(text="x", thread="mdr 2")),
        ("words = 'waffle party'", Draft(text="A Waffle\n Party!"), Draft(text="a waffle partying")),
        ("words = 'beans'", Draft(text="x", thread="Beans"), Draft(text="x", source="beans")),
        ("person = 'Ms. Cobel'", Draft(text="x", source="ms. cobel"), Draft(text="ms. cobelvig")),
        ("metadata = {user_id = 'mark'}", Draft(text="x", metadata={"user_id": "mark"}), Draft(text="mark")),
        ("metadata = {desk = 3, dry = true}", Draft(text="x", metadata={"desk": 3, "dry": True}), Draft(text="x")),
        ("folder = 'a/b'", Draft(text="x", thread="a/b/c.md"), Draft(text="x", thread="a/c/b.md")),
        ("words = '.*'", Draft(text="a .* b"), Draft(text="anything")),
    ],
)
def test_what_a_rule_holds_for(tmp_path: Path, rule: str, good: Draft, bad: Draft) -> None:
    assert holds(tmp_path, rule, good)
    assert not holds(tmp_path, rule, bad)


def test_a_folder_may_be_that_of_the_file_that_was_named(tmp_path: Path) -> None:
    assert holds(tmp_path, "folder = 'office/'", Draft(text="x"), "/home/mark/office/slack.jsonl")
    assert not holds(tmp_path, "folder = 'office'", Draft(text="x"), "/home/mark/offices/slack.jsonl")


def test_a_rule_holds_when_all_of_it_holds(tmp_path: Path) -> None:
    both = "source = 'slack'\nwords = 'printer'"
    assert holds(tmp_path, both, Draft(text="the printer", source="slack"))
    assert not holds(tmp_path, both, Draft(text="the beans", source="slack"))
    assert not holds(tmp_path, both, Draft(text="the printer", source="mail"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is empty"),
        ("# nothing\n", "no rule and no example"),
        ("[examples]\nwork = nothing\n", r"not valid TOML \(at line 2\)"),
        (b"[examples]\nwork = '\xff'", "not UTF-8"),
        ("[examples]\nnobody = ['secret text']\n", "not one of this subject's"),
        ("[[rule]]\npersona = 'nobody'\nwords = 'x'\n", "rule 1: that persona is not"),
        ("[[rule]]\npersona = 'work'\n", "rule 1: a rule has a persona and some of"),
        ("[[rule]]\npersona = 'work'\nword = 'x'\n", "rule 1: a rule has"),
        ("[[rule]]\npersona = 'work'\nwords = ['']\n", "none of them empty"),
        ("[[rule]]\npersona = 'work'\nwords = 5\n", "none of them empty"),
        ("[[rule]]\npersona = 'work'\nmetadata = {a = [1]}\n", "names and values"),
        ("rule = 5\n", "under"),
        ("[other]\nwork = 'x'\n", "nothing else to say"),
        ("[examples]\nwork = []\n", "none of them empty"),
        ("x = " + "[" * 5_000, "not valid TOML"),
        ("[[rule]]\npersona = 'work'\nwords = 'x'\n" * (MOST_RULES + 1), "more than"),
        (b"#" * (MOST_BYTES + 1), "longer than"),
    ],
)
def test_a_guide_that_cannot_be_meant_is_one_sentence_without_its_texts(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        guide(tmp_path, text)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
