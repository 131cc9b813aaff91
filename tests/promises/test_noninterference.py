"""P1: take all that one persona did out of a trace, and every other persona observes the same, byte for byte."""

from __future__ import annotations

import inspect
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import severance
from kit import drawing, traces
from kit.traces import EVERYONE, Step, differences, run

ROUNDS = int(os.environ.get("SEVERANCE_ROUNDS", "15"))
"""How many traces hypothesis tries. They are the same in each run, unless this was set."""

NOT_A_STEP: dict[str, str] = {}
"""Public methods that no trace calls, each with the reason."""

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
def test_what_one_persona_does_is_not_observed_by_any_other(trace: list[Step], victim: traces.Who) -> None:
    assert differences(wakings + trace, victim) == []


@pytest.mark.parametrize("number", range(5))
def test_long_traces_of_a_busy_house_show_nothing_of_another_persona(number: int) -> None:
    assert differences(drawing.trace(number, 120), EVERYONE[number % 3]) == []


def test_the_long_traces_do_what_they_are_for() -> None:
    """Else the test above would pass for a trace in which nobody is awake."""
    results = [item for number in range(5) for who in EVERYONE for item in run(drawing.trace(number, 120)).of(who)]
    succeeded = {what for _, what, view in results if view != "nobody is awake" and not _is_error(view)}
    refused = {view[0] for _, _, view in results if _is_error(view)}
    assert succeeded >= set(drawing.BY_SESSION) | {"cross", "salvage", "status"}
    assert refused >= {"NotFoundError", "InputError", "AsleepError", "EmbedderError"}
    assert sum(what == "recall" and len(view) > 1 and not _is_error(view) for _, what, view in results) > 10


@pytest.mark.parametrize("surface", [severance.Session, severance.House])
def test_every_public_method_is_a_step_of_the_traces(surface: type) -> None:
    public = {f"{surface.__name__}.{name}" for name, _ in inspect.getmembers(surface) if not name.startswith("_")}
    assert public - set(traces.CALLED) - set(NOT_A_STEP) == set()
    assert {name for name in traces.CALLED if name.startswith(surface.__name__)} <= public


def _is_error(view: object) -> bool:
    return isinstance(view, tuple) and bool(view) and isinstance(view[0], str) and view[0].endswith("Error")
