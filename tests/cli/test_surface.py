"""The command line within another program: as in a pipe, with what is injected in the place of the machine's own."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import severance
from severance.barrier.traces.ports import StillClock
from severance.cli.surface import invoke, names
from severance.embed import Hashing

from .conftest import KEY


def typed(store: Path, *words: str, stdin: str = "") -> tuple[int, str, str]:
    opened: Any = partial(severance.open, embedder=Hashing(), clock=StillClock())
    given = [*words, "--store", str(store)]
    return invoke(given, stdin.encode(), key=KEY, open_house=opened, ticks=lambda: 0.0)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for words in (("init",), ("sever", "mark", "innie"), ("place", "floor", "mark=innie")):
        assert typed(tmp_path / "own", *words)[0] == 0
    return tmp_path / "own"


def test_a_command_runs_with_what_is_injected(own: Path) -> None:
    code, out, err = typed(own, "remember", "-", "--at", "floor", "--json", stdin="the file")
    assert (code, err) == (0, "")
    assert '"recorded": "2024-06-01T12:00:00+00:00"' in out


def test_an_error_is_a_code_and_a_sentence(own: Path) -> None:
    code, out, err = typed(own, "recall", "file", "--at", "nowhere")
    assert (code, out) == (1, "")
    assert err.startswith("severance: ")


def test_the_streams_of_the_program_are_its_own_again(own: Path) -> None:
    before = sys.stdin, sys.stdout, sys.stderr
    typed(own, "recall", "file", "--at", "nowhere")
    typed(own, "no such command")
    assert (sys.stdin, sys.stdout, sys.stderr) == before


def test_an_interrupt_is_an_exit_code(own: Path) -> None:
    def interrupted(*given: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    given = ["status", "--store", str(own)]
    code, out, err = invoke(given, b"", key=KEY, open_house=interrupted, ticks=lambda: 0.0)
    assert (code, out, err) == (130, "", "severance: interrupted\n")


def test_the_names_are_those_of_the_help() -> None:
    assert {"remember", "recall", "import", "check"} <= {*names()}
