"""Routing at the command line: a proposal, a yes, and a process that is killed in between."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from severance.cli import streams

from .conftest import Run, command

GUIDE = """
[examples]
work = ["The quarterly report for the office is due.", "The printer on the office floor is broken."]
home = ["Water the tomatoes in the garden.", "The cat has to see the vet."]
[[rule]]
persona = "work"
source = "slack"
[[rule]]
persona = "home"
words = "beans"
"""
SLACK = {"text": "See you at nine.", "source": "slack"}
SECRET = "Xylophone marmalade"


@pytest.fixture
def guide(tmp_path: Path) -> str:
    path = tmp_path / "guide.toml"
    path.write_text(GUIDE)
    return str(path)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return tmp_path / "plan.jsonl"


def source(tmp_path: Path, *entries: object) -> str:
    path = tmp_path / "memories.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return str(path)


def exported(run: Run, place: str) -> list[str]:
    lines = run("export", "--at", place, "--subject", "irving").out.splitlines()
    return [json.loads(line)["text"] for line in lines]


def test_a_proposal_moves_nothing_and_says_so(run: Run, store: Path, tmp_path: Path, guide: str, plan: Path) -> None:
    path = source(tmp_path, SLACK, "The beans grow.", SECRET, {"no": "text"})
    ended = run("route", path, "--subject", "irving", "--examples", guide, "--plan", str(plan))
    assert ended.code == 0
    assert [line.split()[:2] for line in ended.out.splitlines()[1:4]] == [
        ["home", "1"],
        ["work", "1"],
        ["(unsure)", "1"],
    ]
    assert "skipped line 4: it has no text" in ended.out
    assert "Nothing was moved." in ended.out
    assert len(exported(run, "office")) == 2
    assert SECRET not in plan.read_text() + ended.out + ended.err
    assert [json.loads(line)["persona"] for line in plan.read_text().splitlines()[1:]] == ["work", "home", None]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_the_owner_can_read_a_plan(run: Run, store: Path, tmp_path: Path, guide: str, plan: Path) -> None:
    words = ("route", source(tmp_path, SLACK), "--subject", "irving", "--examples", guide, "--plan", str(plan))
    run(*words)
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    taken = run(*words)
    assert (taken.code, taken.err.count("\n")) == (1, 1)
    plan.chmod(0o644)
    assert run(*words, "--force").code == 0
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600


def test_excerpts_are_in_the_plan_where_they_are_asked_for(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path
) -> None:
    words = ("--subject", "irving", "--examples", guide, "--plan", str(plan), "--excerpts")
    assert run("route", source(tmp_path, SECRET), *words).code == 0
    assert json.loads(plan.read_text().splitlines()[1])["excerpt"] == SECRET


def test_a_plan_is_done_only_after_a_yes(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source(tmp_path, SLACK, "The beans grow.")
    run("route", path, "--subject", "irving", "--examples", guide, "--plan", str(plan))
    nobody = run("route", "--apply", str(plan))
    assert (nobody.code, nobody.out) == (2, "")
    monkeypatch.setattr(streams, "can_ask", lambda: True)
    for answer in ("\n", "n\n", "sure\n"):
        refused = run("route", "--apply", str(plan), input=answer)
        assert refused.code == 1
        assert f"Import 1 to home, 1 to work, for irving, from {path}? [y/N]" in refused.err
        assert "Nothing was moved." in refused.err
    assert len(exported(run, "office")) == 2
    assert run("route", "--apply", str(plan), input="y\n").code == 0
    assert "See you at nine." in exported(run, "office")
    assert exported(run, "house") == ["The beans grow."]


def test_the_question_names_what_a_changed_plan_would_read(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = source(tmp_path, SLACK), tmp_path / "o\x1bther.jsonl"
    other.write_text(Path(path).read_text())
    run("route", path, str(other), "--subject", "irving", "--examples", guide, "--plan", str(plan))
    monkeypatch.setattr(streams, "can_ask", lambda: True)
    refused = run("route", "--apply", str(plan), input="n\n")
    assert f"Import 1 to work, for irving, from {path}, {tmp_path}/o" in refused.err
    assert "\x1b" not in refused.err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_plan_that_others_can_write_is_refused(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("route", source(tmp_path, SLACK), "--subject", "irving", "--examples", guide, "--plan", str(plan))
    before = exported(run, "office")
    for mode in (0o666, 0o620, 0o602):
        plan.chmod(mode)
        refused = run("route", "--apply", str(plan), "--yes")
        assert (refused.code, refused.out) == (2, "")
        assert f"others than you can write {plan}; read it" in " ".join(refused.err.split())
    plan.chmod(0o644)
    with monkeypatch.context() as patched:
        if os.geteuid() == 0:
            os.chown(plan, 12345, -1)
        else:
            patched.setattr(os, "geteuid", lambda: 12345)
        assert "others than you can write" in run("route", "--apply", str(plan), "--yes").err
    assert exported(run, "office") == before
    if os.geteuid() == 0:
        os.chown(plan, 0, -1)
    assert run("route", "--apply", str(plan), "--yes").code == 0


def test_a_plan_changed_by_hand_is_done_as_it_stands(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path
) -> None:
    run("route", source(tmp_path, SLACK, SECRET), "--subject", "irving", "--examples", guide, "--plan", str(plan))
    plan.write_text(plan.read_text().replace('null, "sure"', '"home", "sure"').replace('"work"', '"home"'))
    ended = run("route", "--apply", str(plan), "--yes", "--json").json
    assert ended["personas"] == [{"persona": "home", "planned": 2, "moved": 2, "already_there": 0}]
    assert sorted(exported(run, "house")) == ["See you at nine.", SECRET]


def test_what_was_not_moved_is_told(run: Run, store: Path, tmp_path: Path, guide: str, plan: Path) -> None:
    run("route", source(tmp_path, SLACK, SECRET), "--subject", "irving", "--examples", guide, "--plan", str(plan))
    source(tmp_path, SECRET, "something new")
    ended = run("route", "--apply", str(plan), "--yes")
    assert ended.code == 0
    assert "Not moved: 1 that are in the plan without a persona." in ended.out
    assert "Not moved: 1 that are in the plan, and not in the sources any more." in ended.out
    assert "Not moved: 1 that are in the sources, and not in the plan." in ended.out
    assert "changed since the plan was made" in ended.out


def test_what_a_plan_needs_and_was_not_given_is_named(run: Run, store: Path, tmp_path: Path, guide: str) -> None:
    path = source(tmp_path, SLACK)
    assert "without --examples FILE and --plan FILE;" in run("route", path).err
    assert "without --plan FILE;" in run("route", path, "--examples", guide).err
    assert "without what to route;" in run("route", "--plan", "p", "--examples", guide).err


@pytest.mark.parametrize("keep", [False, True])
def test_secrets_are_taken_out_of_files_that_are_routed(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path, keep: bool
) -> None:
    path = source(tmp_path, {**SLACK, "text": "The staging password: correct-horse-7"})
    words = ("--subject", "irving", "--examples", guide, "--plan", str(plan), "--excerpts")
    assert run("route", path, *words, *(("--keep-secrets",) if keep else ())).code == 0
    assert ("horse" in plan.read_text()) is keep
    assert "1 moved" in run("route", "--apply", str(plan), "--yes").out
    assert ("The staging password: correct-horse-7" in exported(run, "office")) is keep
    assert ("The staging password: [secret removed: password]" in exported(run, "office")) is not keep


def test_from_one_persona_to_another(run: Run, store: Path, guide: str, plan: Path) -> None:
    ended = run("route", "--from", "office", "--examples", guide, "--plan", str(plan))
    assert ended.code == 0
    text = plan.read_text()
    plan.write_text(
        text.replace('{"persona": null', '{"persona": "home"').replace('{"persona": "work"', '{"persona": "home"')
    )
    moved = run("route", "--apply", str(plan), "--yes")
    assert "2 forgotten by the persona that had them." in moved.out
    assert exported(run, "office") == []
    assert sorted(exported(run, "house")) == ["Dylan likes waffles.", "The printer is on the second floor."]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("x.jsonl",),
        ("x.jsonl", "--plan", "p"),
        ("--plan", "p", "--examples", "e"),
        ("x.jsonl", "--from", "office", "--plan", "p", "--examples", "e"),
        ("--from", "office", "--format", "jsonl", "--plan", "p", "--examples", "e"),
        ("x.jsonl", "--plan", "p", "--examples", "e", "--yes"),
        ("--apply", "p", "--plan", "q"),
        ("--apply", "p", "x.jsonl", "--yes"),
        ("--apply", "missing", "--yes"),
        ("x.jsonl", "--plan", "p", "--examples", "e", "--sure", "2"),
    ],
)
def test_words_that_do_not_go_together_are_one_sentence(run: Run, store: Path, words: tuple[str, ...]) -> None:
    ended = run("route", *words)
    assert (ended.code, ended.out) == (2, "")
    assert "severance:" in ended.err


def test_a_plan_that_is_not_there_is_told_before_a_yes_is_asked_for(run: Run, store: Path, tmp_path: Path) -> None:
    ended = run("route", "--apply", str(tmp_path / "missing"), env={"SEVERANCE_KEY": ""})
    assert (ended.code, ended.out, "missing" in ended.err, "--yes" in ended.err) == (2, "", True, False)


def test_a_plan_is_not_put_into_the_store(run: Run, store: Path, tmp_path: Path, guide: str) -> None:
    words = ("route", source(tmp_path, SLACK), "--subject", "irving", "--examples", guide, "--plan")
    ended = run(*words, str(store / "plan.jsonl"))
    assert ended.code == 2
    assert "no place in the store" in ended.err


def test_a_subject_must_be_named_where_there_are_several(
    run: Run, store: Path, tmp_path: Path, guide: str, plan: Path
) -> None:
    words = ("route", source(tmp_path, SLACK), "--examples", guide, "--plan", str(plan))
    assert run(*words).code == 2
    assert run(*words, "--subject", "nobody").code == 1
    assert not plan.exists()
    run(*words, "--subject", "irving")
    assert run("route", "--apply", str(plan), "--subject", "mark", "--yes").code == 2


def test_a_persona_that_wakes_nowhere_is_told_before_and_moves_nothing(
    run: Run, store: Path, tmp_path: Path, plan: Path
) -> None:
    run("sever", "irving", "painter")
    rules = tmp_path / "rules.toml"
    rules.write_text('rule = [{persona = "painter", words = "paint"}, {persona = "work", words = "report"}]')
    path = source(tmp_path, "Black paint.", "The report.")
    made = run("route", path, "--subject", "irving", "--examples", str(rules), "--plan", str(plan))
    assert "painter wakes at no place" in made.out
    ended = run("route", "--apply", str(plan), "--yes")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "painter wakes at no place" in ended.err
    assert len(exported(run, "office")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_plan_that_was_killed_is_gone_on_with_and_doubles_nothing(
    run: Run, store: Path, tmp_path: Path, plan: Path
) -> None:
    total = 12_000
    rules = tmp_path / "rules.toml"
    rules.write_text('rule = [{persona = "work", words = "odd"}, {persona = "home", words = "even"}]')
    path = source(tmp_path, *(f"fact number {n} is {'odd' if n % 2 else 'even'}" for n in range(total)))
    run("route", path, "--subject", "irving", "--examples", str(rules), "--plan", str(plan))
    began = _size(store)
    process = subprocess.Popen(
        command("route", "--apply", str(plan), "--yes"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    patience = time.monotonic() + 300
    while _size(store) < began + 300_000 and process.poll() is None and time.monotonic() < patience:
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = len(exported(run, "house")) + len(exported(run, "office")) - 2
    assert 0 < before < total
    done = run("route", "--apply", str(plan), "--yes", "--json").json
    assert sum(each["already_there"] for each in done["personas"]) == before
    for place, word in (("house", "even"), ("office", "odd")):
        found = [text for text in exported(run, place) if text.startswith("fact")]
        assert len(found) == len(set(found)) == total // 2
        assert all(text.endswith(word) for text in found)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
