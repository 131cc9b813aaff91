"""Traces over HTTP and MCP: sessions are really reached over them, and what an edge shares between personas is seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest

from severance.barrier.findings import Tally, Verdict
from severance.barrier.run import verdict_of
from severance.barrier.scene import Part, Scene, Skipped
from severance.barrier.traces import edges
from severance.barrier.traces.compare import Stage, Variant, pairs
from severance.barrier.traces.drawing import apart
from severance.barrier.traces.edges import EDGES
from severance.barrier.traces.parts import parts
from severance.barrier.traces.people import EVERYONE
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.steps import Step
from severance.mcp.awake import Awake
from severance.server.rooms import Rooms

MINE = {"session": -1, "cut": None}
PARTS = {part.name: part for part in parts()}


def asked(folder: Path, edge: str) -> dict[str, Any]:
    """What one persona observed of one call of each kind, by kind."""
    who = EVERYONE[0]
    calls = {
        "remember": {"words": (0, 1)},
        "recall": {"words": (0,), "limit": 3},
        "context": {"words": (0,), "tokens": 50},
        "memories": {},
        "get": {"id": ("own", 0)},
        "amend": {"id": ("own", 0), "words": (2,)},
        "stats": {},
        "forget": {"id": ("other", 0)},
    }
    steps = [Step(name, who, {**MINE, **given}) for name, given in calls.items()]
    run = Stage(folder, Ports(edge=edge)).run(steps)
    return {what: view for _, what, view in run.of(who)}


def test_what_is_observed_over_http_is_the_whole_answer(folder: Path) -> None:
    views = asked(folder, "http")
    assert "new_context" in str(views["cross"])
    for name in ("remember", "recall", "memories", "get", "amend"):
        _, (_, (status, headers, body)) = views[name] if name != "memories" else views[name][0]
        assert status in (200, 201)
        assert dict(headers)["content-type"] == "application/json"
        assert (b"Helly" if name == "amend" else b"file waffle") in body
    assert views["forget"][:1] == ("RefusedError",)
    assert views["forget"][2][0] == 404


def test_what_is_observed_over_mcp_is_the_whole_answer(folder: Path) -> None:
    views = asked(folder, "mcp")
    assert "instructions" in str(views["cross"])
    for name in ("remember", "recall", "get", "amend"):
        answer = views[name][1][1][-1]
        assert answer.startswith(b'{"jsonrpc":"2.0"')
        assert b"file waffle" in answer or name in ("remember", "amend")
    assert views["forget"][0] == "RefusedError"
    assert b"isError" in views["forget"][2][0][-1]


@pytest.mark.parametrize("edge", EDGES)
def test_a_trace_over_an_edge_is_the_same_twice(edge: str, folder: Path) -> None:
    stage, steps = Stage(folder, Ports(edge=edge)), apart(Random(3), 12, left_out="carry")
    one, other = stage.run(steps), stage.run(steps)
    assert {who: one.of(who) for who in (None, *EVERYONE)} == {who: other.of(who) for who in (None, *EVERYONE)}
    assert one.shapes == other.shapes


def tried(part: Part, folder: Path) -> Tally:
    tally, often = Tally(), count(1)
    part.run(Scene(folder, 11, lambda tally: next(often) < 1), tally)
    return tally


@pytest.mark.slow
@pytest.mark.parametrize("edge", EDGES)
def test_the_part_holds_and_its_control_is_found(edge: str, folder: Path) -> None:
    part = PARTS[f"noninterference.{edge}"]
    tally = tried(part, folder)
    assert tally.control is not None
    assert tally.control.works
    assert (verdict_of(tally), tally.tried) == (Verdict.HELD, part.least)


def of_the_last(true: Callable[..., Any]) -> Callable[..., Any]:
    """What is asked is done on the session that was asked before it, whoever's that is."""
    before: list[Any] = []

    async def doing(self: Any, *given: Any) -> Any:
        before.append((self, *given[:-1]))
        return await true(*before[-2 if len(before) > 1 else -1], given[-1])

    return doing


@pytest.mark.parametrize(("edge", "kind", "name"), [("http", Rooms, "call"), ("mcp", Awake, "do")])
def test_an_edge_that_takes_one_session_for_another_is_seen(edge: str, kind: Any, name: str, folder: Path) -> None:
    steps = [
        Step(what, who, {**MINE, "words": (0, 1), "limit": 3}) for what in ("remember", "recall") for who in EVERYONE
    ]
    stage = Stage(folder, Ports(edge=edge))
    sound = list(pairs(stage, steps, (Variant.IDLE,)))
    assert not any(pair.crossed for pair in sound)
    with mock.patch.object(kind, name, of_the_last(getattr(kind, name))):
        assert any(pair.crossed for pair in pairs(stage, steps, (Variant.IDLE,)))


@pytest.mark.parametrize("edge", EDGES)
def test_without_its_library_the_part_says_what_to_install(edge: str, folder: Path) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    part = PARTS[f"noninterference.{edge}"]
    assert isinstance(part.run, partial)
    with (
        mock.patch.object(edges, "import_module", absent),
        pytest.raises(Skipped, match=rf"pip install 'severance\[{EDGES[edge]}\]'"),
    ):
        part.run(Scene(folder, 1, lambda tally: False), Tally())
