"""The frameworks that the adapters are for. They are installed in environments of their own: `make test-frameworks`.

Where one is not, what needs it is skipped, with the reason. `FRAMEWORKS` names the file of pins that an environment was
made from: what it pins has to be there.
"""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PINS = Path(__file__).parents[1] / "integrations" / "frameworks"

in_workers = pytest.mark.parametrize("isolation", [None, "process"], ids=["here", "in workers"])
"""For tests of `tests/integrations` that are to run once more with every persona awake in a process of its own, as
`severance.enter` has it."""


@dataclass(frozen=True, slots=True)
class Framework:
    """The module that is imported, the distribution that brings it, and the extra of Severance's that asks for it."""

    module: str
    distribution: str
    extra: str


ADAPTERS = {
    "anthropic_memory": Framework("anthropic", "anthropic", "anthropic"),
    "crewai": Framework("crewai", "crewai", "crewai"),
    "google_adk": Framework("google.adk", "google-adk", "google-adk"),
    "langgraph": Framework("langgraph", "langgraph", "langgraph"),
    "llama_index": Framework("llama_index.core", "llama-index-core", "llama-index"),
    "openai_agents": Framework("agents", "openai-agents", "openai-agents"),
    "pydantic_ai": Framework("pydantic_ai", "pydantic-ai-slim", "pydantic-ai"),
}


def installed(adapter: str) -> bool:
    """Whether the framework that the adapter is for is here. Fails where it is pinned and is not."""
    wanted = ADAPTERS[adapter]
    try:
        found = find_spec(wanted.module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        found = False
    assert found or wanted.distribution not in pinned(), f"{wanted.distribution} is pinned, and not installed"
    return found


def missing(adapter: str) -> str:
    """Why a test is skipped."""
    return f"{ADAPTERS[adapter].distribution} is not installed here; `make test-frameworks` has it"


def pinned(name: str | None = None) -> set[str]:
    """The distributions that a file of pins has; without a name, the one that this environment was made from."""
    name = name or os.environ.get("FRAMEWORKS")
    if name is None:
        return set()
    lines = (PINS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line}


@contextmanager
def framework(adapter: str) -> Iterator[None]:
    """Around a test file's imports of a framework and its adapter: skips the file where the framework is not here."""
    if not installed(adapter):
        pytest.skip(missing(adapter), allow_module_level=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what frameworks warn of is their own affair
        yield
