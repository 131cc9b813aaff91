"""The reference page says what the command line is."""

from __future__ import annotations

import re
from pathlib import Path

from cli.conftest import Run
from severance.cli import exits
from severance.cli.app import app
from severance.cli.reference import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "run: python -m severance.cli.reference > docs/reference/cli.md"


def test_every_variable_that_is_read_is_on_the_page() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (PAGE.parents[2] / "src").rglob("*.py"))
    read = set(re.findall(r"\bSEVERANCE_[A-Z_]+\b", sources))
    assert {"SEVERANCE_EMBEDDER", "SEVERANCE_RERANKER"} <= read
    assert set(re.findall(r"^\| `(SEVERANCE_\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == read


def test_every_command_and_exit_code_is_on_the_page() -> None:
    written = PAGE.read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert f"## severance {command.name}\n" in written
    for code in exits.EXPLAINED:
        assert f"| {code} |" in written
    assert "A crossing must start a new model context" in written


def test_what_can_be_repeated_has_its_dots_once(run: Run) -> None:
    written = PAGE.read_text(encoding="utf-8")
    for command, argument in (("watch", "FOLDER"), ("sever", "PERSONA"), ("route", "PATH")):
        usage = run(command, "--help").out.splitlines()[0]
        assert usage.count("...") == 1
        assert f"{argument}..." in re.findall(rf"^severance {command} .*$", written, re.MULTILINE)[0]
