"""The pages about HTTP say what is so."""

from __future__ import annotations

import re

import pytest

from docs.runner import ROOT
from severance.server import reference
from severance.server.bodies import QUERY
from severance.server.limits import Limits
from severance.server.parting import MOST_TAKEN, TAKEN_WITHIN
from severance.server.problems import KINDS
from severance.server.protocol import MOST_HEAD
from severance.server.said import MOST_NAMES

HOW_TO = ROOT / "docs" / "how-to" / "http.md"
REFERENCE = ROOT / "docs" / "reference" / "http.md"


def test_the_reference_is_up_to_date() -> None:
    told = "`.venv/bin/python -m severance.server.reference` writes it"
    assert REFERENCE.read_text(encoding="utf-8") == reference.page(), told


def test_the_guide_names_problems_that_there_are() -> None:
    named = set(re.findall(r"[45]\d\d `([a-z-]+)`", HOW_TO.read_text(encoding="utf-8")))
    assert len(named) >= 5
    assert named <= {kind.name for kind in KINDS}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (
            "the body of a request that writes memories, or speaks MCP",
            f"{Limits().body // 2**20} MiB, for writing only with a session's own bearer",
        ),
        ("the body of `recall` and `context`", f"{QUERY / 2**20:g} MiB"),
        ("any other body", f"{Limits().small_body // 2**10} KiB"),
        (
            "all bodies that are read or dealt with",
            f"{Limits().bodies // 2**20} MiB; those of no session here {Limits().bodies // 2**21} MiB",
        ),
        ("its head", f"{MOST_HEAD // 2**10} KiB, whole within {Limits().head_within:g} seconds"),
        ("its body", f"whole within {Limits().body_within:g} seconds"),
        (
            "what is still taken of a request that was refused",
            f"{MOST_TAKEN // 2**20} MiB, {TAKEN_WITHIN:g} seconds: so that the answer arrives",
        ),
        ("names in metadata, and in `where`", f"{MOST_NAMES:,}"),
        ("sessions at once (`--most`)", f"{Limits().sessions}; of one bearer {Limits().sessions_each}"),
        ("a session on which nothing is called (`--idle`)", f"{Limits().idle / 60:g} minutes"),
        (
            "requests of one bearer (`--rate`)",
            f"{Limits().rate:g} in a second in the long run, {Limits().burst} at once",
        ),
        ("calls that are carried out at once", f"{Limits().threads}; of one session one"),
        ("calls that wait", f"{Limits().waiting}; of one session {Limits().waiting_each}"),
        (
            "connections",
            f"{Limits().connections:,}; one without a request is closed after {Limits().keep_alive:g} seconds",
        ),
        ("an answer that nobody takes", f"{Limits().taken_within:g} seconds for each 64 KiB"),
    ],
)
def test_the_guide_has_the_limits_that_there_are(line: str, value: str) -> None:
    assert f"| {line} | {value} |" in HOW_TO.read_text(encoding="utf-8")
