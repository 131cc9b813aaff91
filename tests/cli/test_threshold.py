"""`severance threshold`: what a user sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import severance
from cli.conftest import KEY, Run
from severance.chip.thresholds.awake import day_of
from severance.model import Persona

pytestmark = pytest.mark.usefixtures("store")

RULES = """
[[rule]]
subject = "irving"
place = "office"
persona = "work"
hours = "Mon-Fri 09:00-18:00 Europe/Berlin"

[[rule]]
subject = "irving"
place = "office"
persona = "home"
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_rules_are_applied_shown_and_applied_again(run: Run, rules: Path, tmp_path: Path) -> None:
    assert (
        "work wakes on hours Mon-Fri 09:00-18:00 Europe/Berlin, else home wakes"
        in run("threshold", "apply", str(rules)).out
    )
    shown = tmp_path / "shown.toml"
    shown.write_text(run("threshold", "show").out, encoding="utf-8")
    assert run("threshold", "apply", str(shown)).out == "Nothing changes.\n"
    assert run("threshold", "show", "--json").json == {"toml": shown.read_text(encoding="utf-8")}


def test_a_dry_run_only_tells(run: Run, rules: Path) -> None:
    before = run("threshold", "show").out
    assert "nothing has" in run("threshold", "apply", str(rules), "--dry-run").out
    assert run("threshold", "show").out == before


def test_why_somebody_wakes_is_told_in_sentences(run: Run, rules: Path) -> None:
    run("threshold", "apply", str(rules))
    at_ten = run("threshold", "explain", "irving", "--at", "office", "--when", "2026-06-05T10:00+02:00").out
    assert at_ten.startswith(
        "work wakes, because it is Fri 10:00 in Europe/Berlin, within Mon-Fri 09:00-18:00 Europe/Berlin.\n"
        "home would, were no rule before it.\nhome would wake after 2026-06-05 "
    )
    at_eight = run("threshold", "explain", "irving", "--at", "office", "--when", "2026-06-05T20:00+02:00").out
    assert at_eight.startswith("home wakes, because its rule has no conditions.\nwork does not: it is Fri 20:00")
    assert "no rule names both" in run("threshold", "explain", "irving", "--at", "roof").out


def test_a_place_with_conditions_wakes_the_one_subject_that_it_names(run: Run, rules: Path) -> None:
    run("threshold", "apply", str(rules))
    assert run("remember", "a lamp", "--at", "office").code == 0
    assert "home or work" not in run("status").out
    assert "office" in run("status").out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            b"[[rule]]\nsubject = 'irving'\nplace = 'office'\npersona = 'nobody'\n",
            "line 4, column 11: there is no such persona",
        ),
        (b"[[rule]\n", "line 1, column 7: this is no TOML"),
        (b"[[rule]]\nsubject = '\xff'\n", "line 2, column 12: this is not UTF-8"),
    ],
)
def test_an_error_names_file_line_and_column_and_changes_nothing(
    run: Run, tmp_path: Path, text: bytes, says: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text)
    before = run("threshold", "show").out
    ran = run("threshold", "apply", str(file))
    assert (ran.code, ran.out) == (2, "")
    assert f"{file}, {says}" in ran.err
    assert ran.err.count("\n") == 1
    assert run("threshold", "show").out == before


def test_a_file_is_checked_without_a_key(run: Run, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEVERANCE_KEY", raising=False)
    assert run("threshold", "check", str(rules)).out.startswith("2 rules")
    missing = run("threshold", "check", str(rules) + "x")
    assert (missing.code, missing.err.count("\n"), missing.err.count(str(rules))) == (2, 1, 1)


def test_rules_come_from_standard_input_and_may_begin_with_a_byte_order_mark(run: Run) -> None:
    assert run("threshold", "check", "-", input=RULES).out.startswith("2 rules")
    assert run("threshold", "apply", "-", input=b"\xef\xbb\xbf" + RULES.encode()).code == 0
    wrong = run("threshold", "check", "-", input="[[rule]\n")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("severance: standard input, line 1, column 7: this is no TOML")


@pytest.mark.parametrize("text", ["x = " + "9" * 5_000, "x = " + "[" * 5_000, "#" * 5_000_000, "#" * 2_000_000])
def test_what_no_reader_takes_is_refused_in_a_sentence(run: Run, text: str) -> None:
    ran = run("threshold", "check", "-", input=text)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "bug" not in ran.err


def test_an_empty_file_is_applied_only_when_that_is_said(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "empty.toml"
    file.write_text("", encoding="utf-8")
    refused = run("threshold", "apply", str(file))
    assert (refused.code, refused.out) == (2, "")
    assert "--empty" in refused.err
    applied = run("threshold", "apply", str(file), "--empty")
    assert "(before: work wakes, as `severance place` makes it)" in applied.out
    assert run("threshold", "show").out.strip() == ""


def test_a_place_prints_the_rules_with_conditions_that_it_replaces(run: Run, rules: Path) -> None:
    assert "replaced" not in run("place", "office", "irving=home").out
    run("threshold", "apply", str(rules))
    told = run("place", "office", "irving=home").out
    assert 'hours = "Mon-Fri 09:00-18:00 Europe/Berlin"' in told
    run("threshold", "apply", str(rules))
    assert "09:00-18:00" in run("--json", "place", "office", "irving=home").json["replaced"]
    assert run("--json", "place", "office", "irving=home").json["replaced"] is None


def test_a_budget_that_is_used_up_is_explained(run: Run, rules: Path, store: Path) -> None:
    limits = '[[subject]]\nname = "irving"\nzone = "Asia/Tokyo"\nbudget = { home = "1m30s" }\n'
    rules.write_text(limits + RULES, encoding="utf-8")
    run("threshold", "apply", str(rules))
    words = ("threshold", "explain", "irving", "--at", "office", "--when", "2026-06-05T20:00+02:00")
    assert "Of the 1 min that it may be awake on that day, 0 min are used up." in run(*words).out
    space = 1_780_682_400_000_000  # that time
    with severance.open(store, key=KEY) as house:
        key = house._chip.key(Persona("irving", "home"))
        house._book.add_awake(key.space, [(day_of(space, "Asia/Tokyo"), 90_000_000)])
    told = run(*words).out
    assert told.startswith("Nobody of irving wakes at office: home would, but the 1 min")
    assert "It may wake again from 2026-06-06 17:00 Europe/Berlin." in told
    assert "from 2026-06-07 00:00 Asia/Tokyo." in run(*words, "--zone", "Asia/Tokyo").out
    found = run("--json", *words).json
    assert (found["wakes"], found["spent"], found["budget"], found["awake"]) == (None, "home", 90, 90)
    assert found["free"] == "2026-06-06T15:00:00+00:00"
    assert run(*words, "--zone", "localtime").code == 2


def test_a_first_word_alone_is_a_usage_error_that_names_the_help(run: Run) -> None:
    ran = run("threshold")
    assert ran.code == 2
    assert "`severance threshold --help`" in ran.err
    assert "apply" in run("threshold", "--help").out
