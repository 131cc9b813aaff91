"""`severance alarm` and `severance canary`, as the owner types them; and that nobody else hears of alarms."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli.conftest import Run
from kit.serving import serving
from severance.barrier.findings import Outcome, Report, Verdict
from severance.cli import barrier
from severance.cli.edge import Edge

pytestmark = pytest.mark.usefixtures("store")

HOOK = '[[sink]]\nname = "hook"\nwebhook = "{url}"\n\n[[rule]]\non = "*"\nto = ["hook", "log"]\n'
NOBODY = "http://127.0.0.1:9/"


def test_rules_are_checked_applied_shown_and_listed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    file.write_text(HOOK.format(url=NOBODY), encoding="utf-8")
    assert run("alarm", "check", str(file)).out.startswith("1 rules, all of which can be meant.")
    shown = run("alarm", "apply", str(file), "--dry-run").out
    assert shown.endswith("This is what would change; nothing has.\n")
    ran = run("alarm", "apply", str(file))
    assert (ran.code, ran.out.splitlines()[0]) == (0, "the sink hook comes: webhook http://....")
    assert run("alarm", "apply", str(file)).out == "Nothing changes.\n"
    assert run("alarm", "show").out == file.read_text(encoding="utf-8")
    listed = run("alarm", "list").out.splitlines()
    assert listed[0] == "log: the log of the program, and `severance alarm status`"
    assert listed[1] == "hook: webhook http://..."
    assert listed[2].startswith("rings: * (")


def test_a_file_without_rules_is_taken_only_when_that_is_said(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    file.write_text("", encoding="utf-8")
    assert "nobody would be told of anything" in run("alarm", "check", str(file)).out
    before = run("alarm", "show").out
    refused = run("alarm", "apply", str(file))
    assert (refused.code, refused.out, "--empty" in refused.err) == (2, "", True)
    assert run("alarm", "apply", str(file), "--dry-run").out.startswith("a rule goes: ")
    assert run("alarm", "show").out == before
    assert run("alarm", "apply", str(file), "--empty").out.startswith("a rule goes: ")
    assert run("alarm", "apply", str(file)).out == "Nothing changes.\n", "there is none already"


def test_an_error_has_file_line_and_column_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    file.write_text('[[rule]]\non = "fire"\nto = "log"\n', encoding="utf-8")
    before = run("alarm", "show").out
    for command in ("check", "apply"):
        ran = run("alarm", command, str(file))
        code, said, problem = ran.code, ran.out, ran.err
        assert (code, said) == (2, "")
        assert "alarms.toml, line 2, column 6: there is no such alarm" in problem
    assert run("alarm", "show").out == before
    assert run("alarm", "check", str(tmp_path / "nothing")).code == 2


def test_a_test_says_who_took_it_and_ends_with_1_if_one_did_not(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    with serving("200") as server:
        file.write_text(HOOK.format(url=server.url), encoding="utf-8")
        run("alarm", "apply", str(file))
        ran = run("alarm", "test")
        code, said, problem = ran.code, ran.out, ran.err
        assert (code, said) == (0, "log: took it\nhook: took it\n")
        assert problem.startswith("severance: alarm: test, once at ")
    ran = run("alarm", "test", "hook")
    code, said = ran.code, ran.out
    assert (code, said) == (1, "hook: cannot be reached: nothing listens there\n")
    assert run("alarm", "test", "nobody").code == 1


def test_a_canary_is_planted_listed_and_removed(run: Run) -> None:
    planted = run("canary", "plant", "--at", "office", "the code is 9-1-1-3").out.split()[-1]
    assert f"{planted}  irving" in run("canary", "list").out
    run("recall", "--at", "office", "code")
    assert "canary, once" in run("alarm", "status").out
    assert run("canary", "remove", planted).code == 0
    assert run("canary", "list").out == "There are no canaries.\n"
    gone = run("canary", "remove", planted)
    assert (gone.code, "see `severance canary list`" in gone.err) == (1, True)
    assert run("canary", "plant", "text").code == 2


def test_whoever_reads_a_personas_output_hears_of_no_alarm(run: Run, tmp_path: Path) -> None:
    run("canary", "plant", "--at", "office", "the code is 9-1-1-3")
    file = tmp_path / "alarms.toml"
    file.write_text(HOOK.format(url=NOBODY), encoding="utf-8")
    run("alarm", "apply", str(file))
    ran = run("recall", "--at", "office", "code")
    code, said, problem = ran.code, ran.out, ran.err
    assert (code, problem) == (0, "")
    assert "9-1-1-3" in said
    for _ in range(7):
        problem = run("recall", "--at", "nowhere", "--subject", "irving", "code").err
        assert problem == "severance: nobody of that name wakes at a place of that name here\n"
    assert "alarm" in run("status").err, "and its owner does"


def test_the_owners_commands_end_with_a_warning_if_something_waits(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    file.write_text(HOOK.format(url=NOBODY), encoding="utf-8")
    run("alarm", "apply", str(file))
    run("canary", "plant", "--at", "office", "the code is 9-1-1-3")
    run("recall", "--at", "office", "code")
    ran = run("status")
    assert ran.code == 0
    assert ran.err == "severance: 1 alarm waits, since a sink has not taken it; `severance alarm status` says why\n"
    assert "hook, which cannot be reached: nothing listens there" in run("alarm", "status").out
    quiet = run("--json", "status")
    assert quiet.json
    assert quiet.err == "", "with --json, standard error has errors as JSON, and nothing else"


def test_the_secret_of_a_webhook_is_base64(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    file.write_text(HOOK.format(url=NOBODY), encoding="utf-8")
    run("alarm", "apply", str(file))
    assert len(run("alarm", "secret", "hook").out.strip()) == 44
    assert run("alarm", "secret", "log").code == 1


def test_nothing_has_rung_at_first(run: Run) -> None:
    assert run("alarm", "status").out == "Nothing has rung, and nothing waits.\n"
    assert run("--json", "alarm", "status").json == {"told": [], "sinks": []}


def _report(**verdicts: Verdict) -> Report:
    outcomes = tuple(
        Outcome(name.replace("_", "."), "title", "P1", "looks", verdict) for name, verdict in verdicts.items()
    )
    return Report("severance", "quick", 1, 0, 1.0, False, outcomes, (), {}, "severance barrier")


@pytest.mark.parametrize(
    ("verdicts", "rings"),
    [
        ({"store_own": Verdict.HELD, "doors": Verdict.BROKEN}, True),
        ({"store_own": Verdict.BROKEN}, True),
        ({"store_own": Verdict.HELD, "doors": Verdict.HELD}, False),
        ({"store_own": Verdict.NOT_TRIED, "doors": Verdict.BROKEN}, False),
        ({"doors": Verdict.BROKEN}, False),
    ],
)
def test_a_barrier_that_failed_rings_in_the_store_that_it_has_looked_at(
    run: Run, store: Path, verdicts: dict[str, Verdict], rings: bool
) -> None:
    edge = Edge(cast(Any, SimpleNamespace(obj=None)), str(store), None, False)
    barrier._raise_alarm(_report(**verdicts), edge)
    assert ("barrier.failed, once" in run("alarm", "status").out) is rings


def test_an_alarm_that_the_barrier_cannot_raise_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edge = Edge(cast(Any, SimpleNamespace(obj=None)), str(tmp_path / "gone"), None, False)
    barrier._raise_alarm(_report(store_own=Verdict.BROKEN), edge)
    assert "severance: the alarm could not be raised: there is no store at" in capsys.readouterr().err
