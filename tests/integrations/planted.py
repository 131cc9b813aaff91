"""Faults of adapters, planted on purpose. `test_reach.py` must find each of them.

A fault takes what it patches with, and the session that it makes reachable where it should not be.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from severance import NotFoundError

if TYPE_CHECKING:
    from severance import Session

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch, "Session"], None]


def _of(adapter: str) -> Any:
    return import_module(f"severance.integrations.{adapter}")


def _shared(patch: Patch, kind: Any, name: str = "_session") -> None:
    """The session of whichever was made last is that of all of this kind."""
    latest: list[Session] = []
    held = property(lambda self: latest[-1], lambda self, session: latest.append(session))
    patch.setattr(kind, name, held, raising=False)


def the_latest_session_is_that_of_all_files(patch: Patch, other: Session) -> None:
    _shared(patch, _of("anthropic_memory").Files)


def the_latest_session_is_that_of_all_storages(patch: Patch, other: Session) -> None:
    _shared(patch, _of("crewai").SeveranceStorage)


def the_latest_session_is_that_of_all_services(patch: Patch, other: Session) -> None:
    _shared(patch, _of("google_adk").SeveranceMemoryService)


def the_latest_session_is_that_of_all_stores(patch: Patch, other: Session) -> None:
    _shared(patch, _of("langgraph").SeveranceStore)


def the_latest_session_is_that_of_all_tools(patch: Patch, other: Session) -> None:
    _shared(patch, _of("tools").Tools)


def the_latest_session_is_that_of_all_agents(patch: Patch, other: Session) -> None:
    _shared(patch, _of("pydantic_ai").Remembering, "session")


def the_latest_session_is_that_of_all_blocks(patch: Patch, other: Session) -> None:
    kind, latest = _of("llama_index").SeveranceMemoryBlock, list[Any]()
    true = kind.__init__

    def init(self: Any, **given: Any) -> None:
        true(self, **given)
        latest.append(given["session"])

    patch.setattr(kind, "__init__", init)
    patch.setattr(kind, "session", property(lambda self: latest[-1]), raising=False)


def a_user_is_a_persona(patch: Patch, other: Session) -> None:
    kind = _of("google_adk").SeveranceMemoryService
    true = kind.search_memory

    async def search_memory(self: Any, *, user_id: str, **asked: Any) -> Any:
        service = kind(other, whole=True) if user_id == other.persona else self
        return await true(service, user_id=user_id, **asked)

    patch.setattr(kind, "search_memory", search_memory)


def an_argument_of_a_block_is_a_persona(patch: Patch, other: Session) -> None:
    kind = _of("llama_index").SeveranceMemoryBlock
    true = kind._aget

    async def aget(self: Any, messages: Any = None, **given: Any) -> Any:
        return await true(kind(session=other) if given.get("persona") == other.persona else self, messages, **given)

    patch.setattr(kind, "_aget", aget)


def a_scope_is_a_persona(patch: Patch, other: Session) -> None:
    kind = _of("crewai").SeveranceStorage
    true = kind.search

    def search(self: Any, asked: Any, scope_prefix: str | None = None, **more: Any) -> Any:
        if scope_prefix != other.persona:
            return true(self, asked, scope_prefix, **more)
        elsewhere = kind(other)
        vars(elsewhere).update(vars(self) | {"_session": other})  # it knows the vectors that this one has given out
        return true(elsewhere, asked, **more)

    patch.setattr(kind, "search", search)


def an_item_is_known_by_its_namespace_alone(patch: Patch, other: Session) -> None:
    kind, items = _of("langgraph").SeveranceStore, dict[Any, Any]()
    put, search = kind._put, kind._search

    def keep(self: Any, ops: Any) -> None:
        asked = list(ops)
        put(self, asked)
        for op in asked:
            items.setdefault(op.namespace, []).extend(search(self, _search_in(op.namespace)))

    patch.setattr(kind, "_put", keep)
    patch.setattr(kind, "_search", lambda self, op: items.get(op.namespace_prefix) or search(self, op))


def a_conversation_is_known_by_its_id_alone(patch: Patch, other: Session) -> None:
    kind, kept = _of("openai_agents").SeveranceSession, dict[str, list[Any]]()
    add, get = kind._add, kind._get

    def keep(self: Any, items: list[Any]) -> None:
        kept.setdefault(self.session_id, []).extend(items)
        add(self, items)

    patch.setattr(kind, "_add", keep)
    patch.setattr(kind, "_get", lambda self, limit: kept.get(self.session_id) or get(self, limit))


def a_file_is_known_by_its_path_alone(patch: Patch, other: Session) -> None:
    kind, kept = _of("anthropic_memory").Files, dict[str, str]()
    create, (view, arguments) = kind.create, _of("anthropic_memory")._COMMANDS["view"]

    def keep(self: Any, path: str, file_text: str) -> str:
        kept.setdefault(path, file_text)
        return str(create(self, path, file_text))

    def viewed(self: Any, path: str, lines: Any) -> Any:
        return kept.get(path) or view(self, path, lines)

    patch.setattr(kind, "create", keep)
    patch.setitem(_of("anthropic_memory")._COMMANDS, "view", (viewed, arguments))


def an_id_that_is_not_here_is_looked_for_elsewhere(patch: Patch, other: Session) -> None:
    kind = _of("tools").Tools
    true = kind.amend

    def amend(self: Any, id: str, text: str) -> Any:  # noqa: A002 - as it is called
        try:
            return true(self, id, text)
        except NotFoundError:
            return {"id": other.amend(id, text).id}

    patch.setattr(kind, "amend", amend)


def _search_in(namespace: tuple[str, ...]) -> Any:
    return import_module("langgraph.store.base").SearchOp(namespace)


PLANTED: dict[str, tuple[Plant, ...]] = {
    "anthropic_memory": (the_latest_session_is_that_of_all_files, a_file_is_known_by_its_path_alone),
    "crewai": (the_latest_session_is_that_of_all_storages, a_scope_is_a_persona),
    "google_adk": (the_latest_session_is_that_of_all_services, a_user_is_a_persona),
    "langgraph": (the_latest_session_is_that_of_all_stores, an_item_is_known_by_its_namespace_alone),
    "llama_index": (the_latest_session_is_that_of_all_blocks, an_argument_of_a_block_is_a_persona),
    "openai_agents": (
        the_latest_session_is_that_of_all_tools,
        a_conversation_is_known_by_its_id_alone,
        an_id_that_is_not_here_is_looked_for_elsewhere,
    ),
    "pydantic_ai": (
        the_latest_session_is_that_of_all_agents,
        the_latest_session_is_that_of_all_tools,
        an_id_that_is_not_here_is_looked_for_elsewhere,
    ),
}
"""By adapter."""
