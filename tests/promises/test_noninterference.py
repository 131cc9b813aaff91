"""P1: take all that one persona did out of a trace, and every other persona observes the same, byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from severance.barrier.traces import drawing, surfaces
from severance.barrier.traces.compare import Run, Stage, differences
from severance.barrier.traces.people import EVERYONE, Who
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.steps import Step
from severance.cli.surface import invoke, names

ROUNDS = int(os.environ.get("SEVERANCE_ROUNDS", "15"))
"""How many traces hypothesis tries. They are the same in each run, unless this was set."""

PORTS = Ports(commands=invoke)

steps = st.randoms(use_true_random=False).map(drawing.step)
wakings = [
    Step("cross", None, {"subject": s, "place": p, "desk": 0}) for s, p in (("mark", "home"), ("helly", "floor"))
]


@settings(
    max_examples=ROUNDS,
    deadline=None,
    database=None,
    derandomize="SEVERANCE_ROUNDS" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(trace=st.lists(steps, min_size=35, max_size=50), victim=st.sampled_from(EVERYONE))
def test_what_one_persona_does_is_not_observed_by_any_other(trace: list[Step], victim: Who) -> None:
    assert differences(wakings + trace, victim, PORTS) == []


@pytest.mark.parametrize("number", range(5))
def test_long_traces_of_a_busy_house_show_nothing_of_another_persona(number: int) -> None:
    assert differences(drawing.trace(number, 120), EVERYONE[number % 4], PORTS) == []


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    stage = Stage(tmp_path_factory.mktemp("busy"), PORTS)
    return [stage.run(drawing.trace(number, 120)) for number in range(30)]


def observed(runs: list[Run]) -> Iterator[tuple[str, object]]:
    for run in runs:
        for who in (None, *EVERYONE):
            yield from ((what, view) for _, what, view in run.of(who))


def test_the_long_traces_do_what_they_are_for(busy: list[Run]) -> None:
    """Else the test above would pass for a trace in which nobody is awake."""
    succeeded = {what for what, view in observed(busy) if not _is_error(view)}
    silent = {"restart", "crash"}
    assert succeeded >= {*drawing.BY_OWNER, *drawing.BY_SESSION, *drawing.BY_COMMAND} - silent
    assert sum(what == "recall" and len(view) > 1 and not _is_error(view) for what, view in observed(busy)) > 10  # type: ignore[arg-type]


def test_the_long_traces_meet_every_kind_of_trouble(busy: list[Run]) -> None:
    refused = {view[0] for _, view in observed(busy) if _is_error(view)}  # type: ignore[index]
    assert refused >= {"NotFoundError", "InputError", "AsleepError", "EmbedderError", "Cut"}
    assert refused >= {"StoreError", "StoreFullError", "StoreBusyError"}


def test_commands_in_the_long_traces_end_in_every_way(busy: list[Run]) -> None:
    typed = {view[0] for what, view in observed(busy) if what in drawing.BY_COMMAND}  # type: ignore[index]
    assert typed >= {0, 1, 2, 130}


def test_every_public_method_and_function_is_called_by_a_step() -> None:
    assert surfaces.uncovered(surfaces.of_library()) == set()


def test_every_command_is_typed_in_a_step_or_has_a_reason_not_to_be() -> None:
    assert surfaces.uncovered(surfaces.of_commands(names())) == set()


def test_every_adapter_has_a_reason_not_to_be_called() -> None:
    assert surfaces.of_adapters()
    assert surfaces.uncovered(surfaces.of_adapters()) == set()


def test_no_step_says_that_it_calls_what_is_not_there() -> None:
    assert surfaces.gone(surfaces.of_library() | surfaces.of_commands(names())) == set()


@pytest.mark.parametrize(
    "new", ["Session.consolidate", "severance.merge", "severance retire", "GET /memories", "integrations.new"]
)
def test_a_new_surface_without_a_step_is_named(new: str) -> None:
    assert surfaces.uncovered({*surfaces.of_library(), new}) == {new}


def _is_error(view: object) -> bool:
    """Whether this is an error, or that a call was cut short."""
    return isinstance(view, tuple) and bool(view) and isinstance(view[0], str) and view[0].endswith(("Error", "Cut"))
