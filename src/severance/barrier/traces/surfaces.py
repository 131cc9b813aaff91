"""Every way in which a caller reaches memory, and whether some trace goes it.

A surface has a name: `Session.recall`, `severance.open`, `transfer.read`, `severance remember` (a command), later
`GET /...` (a route). Steps register the surfaces that they call (`steps.CALLED`). A test compares: a surface that has
neither a step nor a reason here fails the build.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pkgutil import iter_modules
from types import ModuleType

import severance
from severance import integrations, transfer
from severance.barrier.traces import by_command, by_owner, by_session, by_warden  # noqa: F401 - importing registers the steps
from severance.barrier.traces.steps import CALLED
from severance.house import House
from severance.session import Session
from severance.transfer import ingest
from severance.worker.away import WorkerSession

_ADAPTERS = ("anthropic_memory", "crewai", "google_adk", "langgraph", "llama_index", "openai_agents", "pydantic_ai")
_OF_ADAPTERS = (
    "its framework is not where traces run; a contract of imports lets it reach a session alone; tests/integrations "
    "looks in one persona for what was given to another"
)
NOT_CALLED = {
    "severance version": "it opens no store",
    "severance threshold check": "it opens no store",
    "severance permit weaken": "it opens no store",
    "severance override sign": "it opens no store",
    "severance permit show": "it opens no store",
    "severance tour": "it works in a store of its own, which is gone afterwards",
    "Session.confinement": "it tells of the platform, and of no persona",
    "WorkerSession.confinement": "it tells of the platform, and of no persona",
    "severance.confined": "it tells of the platform, and of no persona",
    "WorkerSession.process": "the system's number for a process",
    **dict.fromkeys(
        (
            "severance.new_override_key",
            "severance.wish_override",
            "severance.sign_draft",
            "severance.show_request",
            "severance.approve",
            "severance.deny",
        ),
        "it opens no store; the commands of these names do the same",
    ),
    **dict.fromkeys(
        ("severance up", "severance down", "severance lock", "severance unlock", "severance.connect"),
        "a house that is up has the machine's clock; tests/resident holds its sessions to the same answers",
    ),
    "severance route": "it imports and forgets as those commands do; tests/routing holds it to its plan",
    "severance watch": "it remembers, amends and forgets through a session; tests/capture holds it to that",
    "severance integrate": "it severs, declares and registers as those commands do, and writes files of other programs",
    "severance serve": "it serves sessions of a house that is up; the trace `http` calls what it serves, and "
    "tests/server the process",
    "severance mcp": "it serves one session; the trace `mcp` calls what it serves, and tests/mcp_server the process",
    "severance hook": "it remembers, and asks for a context, through a session; tests/integrate holds it to that",
    "severance.enter": "it lets in as `House.admit` does, here or in a house that is up",
    "severance barrier": "it works in stores of its own, which are gone afterwards",
    **dict.fromkeys((f"integrations.{name}" for name in _ADAPTERS), _OF_ADAPTERS),
    **dict.fromkeys(
        (f"integrations.{name}" for name in ("frame", "saying", "tools", "values")),
        "adapters share it; it opens nothing",
    ),
}
"""Surfaces that no trace calls, each with the reason."""


def of_library() -> set[str]:
    """The methods and properties of session and house, and the functions of the public modules."""
    found = {f"{kind.__name__}.{name}" for kind in (Session, House) for name in dir(kind) if not name.startswith("_")}
    # What the session of a worker has beside; `tests/worker/test_sessions.py` holds the rest to the same answers.
    beside = {*dir(WorkerSession)} - {*dir(Session)}
    found |= {f"WorkerSession.{name}" for name in beside if not name.startswith("_")}
    found |= {f"severance.{name}" for name in _functions(severance, severance.__all__)}
    found |= {f"transfer.{name}" for name in _functions(transfer, transfer.__all__)}
    return found | {f"transfer.ingest.{ingest.ingest.__name__}"}


def of_commands(names: Iterable[str]) -> set[str]:
    """The surfaces that are commands of these names."""
    return {f"severance {name}" for name in names}


def of_adapters() -> set[str]:
    """The files of the adapters for other people's frameworks."""
    return {f"integrations.{found.name}" for found in iter_modules(integrations.__path__)}


def uncovered(surfaces: Iterable[str]) -> set[str]:
    """Those that no step calls, and that have no reason not to be called."""
    return {*surfaces} - CALLED.keys() - NOT_CALLED.keys()


def gone(surfaces: Iterable[str]) -> set[str]:
    """What steps say that they call, and is no surface."""
    return CALLED.keys() - {*surfaces}


def _functions(module: ModuleType, names: Iterable[str]) -> list[str]:
    return [name for name in names if inspect.isfunction(getattr(module, name))]
