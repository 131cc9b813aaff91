"""The pages about HTTP say what is so."""

from __future__ import annotations

import re

import pytest

from docs.runner import ROOT
from severance.mcp.awake import MOST_CALLS
from severance.mcp.crossing import AT_ONCE, MOST_COMING
from severance.server import reference
from severance.server.bodies import MOST_VALUES, QUERY, STRANGERS
from severance.server.gate import FREE
from severance.server.limits import Limits
from severance.server.parting import MOST_TAKEN, TAKEN_WITHIN
from severance.server.parts import OWNERS_AT_ONCE, OWNERS_WAITING
from severance.server.problems import KINDS
from severance.server.protocol import MOST_HEAD, MOST_UNKNOWN
from severance.server.said import MOST_NAMES
from severance.server.shapes import MOST_AT_ONCE

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
            f"{Limits().body // 2**20} MiB with a session's own bearer; else {Limits().stranger_body // 2**10} KiB",
        ),
        ("the body of `recall` and `context`", f"{QUERY / 2**20:g} MiB"),
        ("any other body", f"{Limits().small_body // 2**10} KiB"),
        (
            "all bodies that are read or dealt with",
            f"{Limits().bodies // 2**20} MiB; of bearers that were never let in, "
            f"{Limits().bodies // STRANGERS // 2**20} MiB of their own",
        ),
        ("values in a body", f"{MOST_VALUES:,}, about: commas and opening brackets that are in no text"),
        ("its head", f"{MOST_HEAD // 2**10} KiB, whole within {Limits().head_within:g} seconds"),
        ("its body", f"whole within {Limits().body_within:g} seconds"),
        (
            "what is still taken of a request that was refused",
            f"{MOST_TAKEN // 2**20} MiB, {TAKEN_WITHIN:g} seconds: so that the answer arrives",
        ),
        ("names in metadata, and in `where`", f"{MOST_NAMES:,}"),
        (
            "sessions at once (`--most`)",
            f"{Limits().sessions}; of one permit, however weakened, or credential {Limits().sessions_each}; as many "
            "again over MCP",
        ),
        ("a session on which nothing is called (`--idle`)", f"{Limits().idle / 60:g} minutes"),
        (
            "requests of one permit or credential (`--rate`)",
            f"{Limits().rate:g} in a second in the long run, {Limits().burst} at once; as many of all who show none, "
            "but for " + " and ".join(f"`{path}`" for path in sorted(FREE)),
        ),
        (
            "crossings at once",
            f"{AT_ONCE // 2} of bearers that were let in before, and {AT_ONCE // 2} of others; {Limits().waiting // 2} "
            f"wait in each row; as many at once over MCP, where {MOST_COMING:,} wait in each",
        ),
        ("memories of one request", f"{MOST_AT_ONCE:,}: all are kept, or none"),
        (
            "requests of owners that are carried out at once",
            f"{OWNERS_AT_ONCE} of tokens that were taken before, and {OWNERS_AT_ONCE} of others; {OWNERS_WAITING} wait "
            "in each row",
        ),
        (
            "answers on one connection to whoever shows nothing that was let in before",
            f"{MOST_UNKNOWN}, then it is closed",
        ),
        ("streams of the owner's events at once", f"{Limits().streams}"),
        ("calls that are carried out at once", f"{Limits().threads}; of one session one; as many again over MCP"),
        ("calls that wait", f"{Limits().waiting}; of one session {Limits().waiting_each}; over MCP {MOST_CALLS}"),
        (
            "connections",
            f"{Limits().connections:,}; one without a request is closed after {Limits().keep_alive:g} seconds",
        ),
        (
            "an answer that nobody takes",
            f"{Limits().taken_within:g} seconds for each 64 KiB; the next request on its connection waits",
        ),
    ],
)
def test_the_guide_has_the_limits_that_there_are(line: str, value: str) -> None:
    assert f"| {line} | {value} |" in HOW_TO.read_text(encoding="utf-8")
