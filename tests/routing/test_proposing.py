"""What is proposed: rules before examples, examples before the conversation, and nothing where it is not clear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from routing.test_judging import EXAMPLES
from severance.embed import bundled
from severance.routing import Files, Guide, Proposal, propose
from severance.routing.guide import Rule
from severance.routing.sources import name_of
from severance.transfer import read


def rule(tmp_path: Path, text: str) -> Rule:
    path = tmp_path / "rule.toml"
    path.write_text(f"[[rule]]\n{text}\n")
    return Guide.read(path, ("work", "home")).rules[0]


def lines(tmp_path: Path, *entries: Any) -> Path:
    path = tmp_path / "memories.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def proposed(tmp_path: Path, *entries: Any, rules: tuple[Rule, ...] = (), **how: Any) -> Proposal:
    pile = Files([(lines(tmp_path, *entries), None)])
    return propose(pile, Guide(rules, tuple(how.pop("examples", EXAMPLES))), bundled(), **how)


CLEAR = "The manager wants the report about the budget by Friday."


def test_each_item_once_in_its_order_and_under_its_name(tmp_path: Path) -> None:
    entries = [CLEAR, "Feed the cat and water the garden.", CLEAR, {"no": "text"}]
    found = proposed(tmp_path, *entries).decisions
    assert [(each.persona, each.number) for each in found] == [("work", 1), ("home", 2)]
    with read(tmp_path / "memories.jsonl") as reading:
        assert found[0].name == name_of(next(reading))  # type: ignore[arg-type]


def test_a_rule_goes_before_what_examples_say(tmp_path: Path) -> None:
    rules = (rule(tmp_path, "persona = 'home'\nwords = 'report'"),)
    found = proposed(tmp_path, CLEAR, rules=rules).decisions[0]
    assert (found.persona, found.sure, found.why, found.by) == ("home", 1.0, "rule 1: words", "rule")


def test_rules_that_disagree_decide_nothing_and_examples_do_not_decide_for_them(tmp_path: Path) -> None:
    rules = (rule(tmp_path, "persona='home'\nwords='report'"), rule(tmp_path, "persona='work'\nwords='budget'"))
    found = proposed(tmp_path, *[CLEAR] * 1, rules=rules).decisions[0]
    assert (found.persona, found.why) == (None, "rules 1 and 2 disagree")
    agreed = (rules[0], rule(tmp_path, "persona='home'\nwords='budget'"))
    assert proposed(tmp_path, CLEAR, rules=agreed).decisions[0].why == "rule 1: words"


def test_what_is_not_clear_is_left_open(tmp_path: Path) -> None:
    found = proposed(tmp_path, "Xylophone.", CLEAR)
    assert (found.decisions[0].persona, found.decisions[0].by) == (None, "nothing")
    assert found.unsure == 1
    assert found.counts() == {"work": {"examples": 1}}


def test_how_sure_it_must_be_can_be_said(tmp_path: Path) -> None:
    sure = proposed(tmp_path, CLEAR).decisions[0].sure
    assert proposed(tmp_path, CLEAR, sure=min(1.0, sure + 0.01)).decisions[0].persona is None


def test_rules_alone_need_no_examples(tmp_path: Path) -> None:
    rules = (rule(tmp_path, "persona = 'home'\nwords = 'report'"),)
    for examples in ((), EXAMPLES[:2]):  # those of one persona cannot tell it from another
        found = proposed(tmp_path, CLEAR, "The cat sleeps.", rules=rules, examples=examples).decisions
        assert [(each.persona, each.why) for each in found] == [("home", "rule 1: words"), (None, "no rule holds")]


def test_what_says_too_little_goes_with_its_conversation(tmp_path: Path) -> None:
    talk = [{"text": text, "thread": "t1"} for text in (CLEAR, f"{CLEAR} Again.", f"{CLEAR} Now.", "ok", "Xylophone.")]
    rules = (rule(tmp_path, "persona = 'work'\nwords = 'manager'"),)
    found = proposed(tmp_path, *talk, {"text": "ok", "thread": "t2"}, {"text": "ok then"}, rules=rules).decisions
    assert [each.by for each in found[3:]] == ["conversation", "conversation", "nothing", "nothing"]
    assert (found[3].persona, found[3].sure, found[3].why) == ("work", 1.0, "as its conversation")


def test_a_few_of_a_long_conversation_do_not_speak_for_the_rest(tmp_path: Path) -> None:
    rules = (rule(tmp_path, "persona = 'work'\nwords = 'manager'"),)
    talk = [f"The manager, {n}." for n in range(4)] + [f"xqzt {n}" for n in range(13)]
    found = proposed(tmp_path, *({"text": text, "thread": "t1"} for text in talk), rules=rules).decisions
    assert {each.persona for each in found[4:]} == {None}
    found = proposed(tmp_path, *({"text": text, "thread": "t1"} for text in talk[:16]), rules=rules).decisions
    assert {each.by for each in found[4:]} == {"conversation"}


def test_a_conversation_of_both_decides_nothing(tmp_path: Path) -> None:
    texts = [
        CLEAR,
        f"{CLEAR} Again.",
        f"{CLEAR} Now.",
        "Feed the cat and water the garden.",
        "Paint the bedroom.",
        "ok",
    ]
    rules = (rule(tmp_path, "persona='home'\nwords=['cat', 'bedroom']"),)
    found = proposed(tmp_path, *({"text": text, "thread": "t1"} for text in texts), rules=rules).decisions
    assert found[-1].persona is None


def test_a_decision_has_no_text_of_the_item_unless_it_is_asked_for(tmp_path: Path) -> None:
    texts = [CLEAR, "Blue marmalade\nxylophone", "Feed the cat and water the garden."]
    for each in proposed(tmp_path, *texts).decisions:
        assert each.excerpt is None
        assert not any(word in each.why.lower() for text in texts for word in text.lower().split() if len(word) > 3)
    found = proposed(tmp_path, *texts, "x" * 500, excerpts=True).decisions
    assert found[1].excerpt == "Blue marmalade xylophone"
    assert len(found[3].excerpt or "") == 80


def test_the_same_pile_is_proposed_the_same(tmp_path: Path) -> None:
    texts = [f"{text} Number {number}." for number, (_, text) in enumerate(EXAMPLES * 70)]
    assert proposed(tmp_path, *texts) == proposed(tmp_path, *texts)


@pytest.mark.parametrize("count", [0, 1])
def test_a_pile_of_nearly_nothing(tmp_path: Path, count: int) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text("{}\n" + f'"{CLEAR}"\n' * count)
    pile = Files([(path, "jsonl")])
    assert [each.persona for each in propose(pile, Guide((), tuple(EXAMPLES)), bundled()).decisions] == ["work"] * count
    assert pile.skipped == 1
