"""What a person reads is shown, and nothing in it is obeyed by a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.text import Text

from cli.conftest import Run
from severance import House
from severance.cli import screen
from severance.model import AuditEvent

HOSTILE = "a\x1b[2Jb\x1b]0;c\x07d\n99  2026-01-01  crossed\u202ee\x9bf\rg"
SAFE = ("a\\x1b[2Jb\\x1b]0;c", "crossed\\u202ee\\x9bf")


def is_safe(printed: str) -> bool:
    return all(part in printed for part in SAFE) and all(char == "\n" or char.isprintable() for char in printed)


def test_a_line_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    screen.line(HOSTILE)
    assert is_safe(capsys.readouterr().out)
    screen.line("two\nlines, and [bold]no markup[/bold] \u00e9")
    assert capsys.readouterr().out == "two\nlines, and [bold]no markup[/bold] \u00e9\n"


@pytest.mark.parametrize("cell", [HOSTILE, Text(HOSTILE), Text(HOSTILE, style="red")], ids=["text", "Text", "red"])
def test_a_cell_is_safe_and_on_one_line(cell: str | Text, capsys: pytest.CaptureFixture[str]) -> None:
    table = screen.table("n", "what")
    table.add_row("1", cell)
    table.add_row("2", Text("as it is", style="red"))
    screen.console().print(table)
    printed = capsys.readouterr().out
    assert is_safe(printed)
    assert [line.split()[0] for line in printed.splitlines()] == ["n", "1", "2"]


def test_what_an_entry_says_is_safe(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    entry = AuditEvent(
        number=0, at=at, what="exported", subject=None, persona=None, place=None, id=None, detail={"n\x1b[2J": HOSTILE}
    )
    monkeypatch.setattr(House, "events", lambda house, **asked: [entry])
    printed = run("audit", "show").out
    assert is_safe(printed)
    assert "n\\x1b[2J=" in printed
    assert len(printed.splitlines()) == 2
