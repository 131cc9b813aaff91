"""`severance threshold`: what a user sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run

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
            "line 4, column 1: there is no such persona",
        ),
        (b"[[rule]\n", "line 1, column 7: this is no TOML"),
        (b"[[rule]]\nsubject = '\xff'\n", "line 2: this is not UTF-8"),
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
    assert (missing.code, missing.err.count("\n")) == (2, 1)


def test_a_first_word_alone_is_a_usage_error_that_names_the_help(run: Run) -> None:
    ran = run("threshold")
    assert ran.code == 2
    assert "`severance threshold --help`" in ran.err
    assert "apply" in run("threshold", "--help").out
