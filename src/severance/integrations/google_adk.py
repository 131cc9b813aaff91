"""Google's Agent Development Kit: a memory service over one persona, and a plugin that keeps what was said.

The names of app and user that ADK hands on choose a thread inside the persona, and reach nothing beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from severance.asking import check_whole
from severance.context import in_block
from severance.drafts import is_blank
from severance.errors import PermitError
from severance.integrations.frame import framework
from severance.integrations.saying import pieces
from severance.model import Draft, Memory, Scalar
from severance.session import MOST_TOKENS, Session
from severance.writing import unknown_memory

with framework("google.adk", extra="google-adk"):
    from google.adk.agents.invocation_context import InvocationContext
    from google.adk.events.event import Event
    from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
    from google.adk.memory.memory_entry import MemoryEntry
    from google.adk.plugins.base_plugin import BasePlugin
    from google.adk.sessions.session import Session as Conversation
    from google.genai import types

_MOST_FOUND = 50
_OURS = "adk."
_SESSION, _EVENT = f"{_OURS}session", f"{_OURS}event"


def thread_of(app_name: str, user_id: str) -> str:
    """The thread in which the memories of this user of this app are: what a permit is weakened to.

    Two pairs of names never give the same thread.
    """
    return f"adk/{quote(app_name, safe='')}/{quote(user_id, safe='')}"


class SeveranceMemoryService(BaseMemoryService):
    """ADK's memory, kept by the persona of one session.

    Calls go to a thread, so that the event loop goes on. Every call raises what the session's raise: `AsleepError`
    after it has ended, `PermitError` where what it was let in with does not allow it.
    """

    def __init__(self, session: Session, *, whole: bool = False, tokens: int = 2_000) -> None:
        """Over this session.

        Args:
            session: the awake persona. Whoever made it puts it to sleep.
            whole: search everything that the persona remembers, from wherever it came, and let any of it be deleted;
                else only what this user of this app has said.
            tokens: about how many tokens the memories that a search finds may have together, 16 to 1,000,000.

        Raises:
            InputError: the number of tokens is none.
        """
        check_whole(tokens, "the number of tokens", 16, MOST_TOKENS)
        self._session = session
        self._whole = whole
        self._tokens = tokens
        self._deleted: set[str] = set()  # events, so that adding their conversation again does not bring them back

    async def add_session_to_memory(self, session: Conversation) -> None:
        """Keep what was said in a conversation, as far as it is not kept yet. May be said again at any time."""
        await self.add_events_to_memory(
            app_name=session.app_name, user_id=session.user_id, events=session.events, session_id=session.id
        )

    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Keep what was said in these events, each as a memory of its own. One that is kept already is left as it is.

        The text is kept; calls of tools, their answers, thoughts, files and parts of a stream are not.

        Args:
            app_name, user_id: choose the thread.
            events: as ADK has them; the author becomes the source.
            session_id: the conversation, which becomes metadata.
            custom_metadata: names to scalars, kept with each.

        Raises:
            InputError: the metadata is more than that; nothing was kept.
        """
        more = {**(custom_metadata or {}), **({_SESSION: session_id} if session_id else {})}
        await asyncio.to_thread(self._keep, thread_of(app_name, user_id), events, more)

    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Keep these memories. Their ids are not kept: each gets one of its own, which `search_memory` returns.

        Raises:
            InputError: a time is none, or metadata is more than names to scalars; nothing was kept.
        """
        thread = thread_of(app_name, user_id)
        drafts = [
            {"text": piece, "at": entry.timestamp, "thread": thread, "source": entry.author, "metadata": metadata}
            for entry in memories
            for metadata in [{**(custom_metadata or {}), **entry.custom_metadata}]
            for piece in pieces(_text(entry.content))
        ]
        await asyncio.to_thread(self._session.remember_many, drafts)

    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """What answers the query, best first, within the tokens that were given.

        Raises:
            InputError: the query is larger than 1,048,576 bytes.
        """
        if is_blank(query):
            return SearchMemoryResponse()
        thread = None if self._whole else thread_of(app_name, user_id)
        hits = await asyncio.to_thread(self._session.recall, query, limit=_MOST_FOUND, thread=thread)
        fitting = {memory.id for memory in in_block(hits, self._tokens)}
        return SearchMemoryResponse(memories=[_entry(hit.memory) for hit in hits if hit.memory.id in fitting])

    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Forget a memory of this user of this app for good, with all its versions. Without an id nothing is done.

        Raises:
            NotFoundError: none of theirs has this id.
        """
        if memory_id:
            await asyncio.to_thread(self._forget, thread_of(app_name, user_id), memory_id)

    def _keep(self, thread: str, events: Sequence[Event], more: Mapping[str, Any]) -> None:
        known = self._deleted | self._kept(thread, more.get(_SESSION))
        self._session.remember_many(
            Draft(
                text=piece,
                at=datetime.fromtimestamp(event.timestamp, UTC),
                thread=thread,
                source=event.author or None,
                kind="message",
                metadata={**more, _EVENT: event.id},
            )
            for event in events
            if not event.partial and event.id not in known
            for piece in pieces(_text(event.content))
        )

    def _kept(self, thread: str, conversation: Scalar) -> set[Scalar]:
        """The events of a conversation that are kept already."""
        where = {_SESSION: conversation} if conversation else None
        try:
            return {memory.metadata.get(_EVENT) for memory in self._session.memories(thread=thread, where=where)}
        except PermitError:
            return set()  # whoever may only write: what is exactly the same is not kept twice anyway

    def _forget(self, thread: str, id: str) -> None:  # noqa: A002 - the word that callers know
        memory = self._session.get(id)
        if memory.thread != thread and not self._whole:
            raise unknown_memory()
        self._session.forget(id)
        if isinstance(event := memory.metadata.get(_EVENT), str):
            self._deleted.add(event)


class SeverancePlugin(BasePlugin):
    """Keeps what was said in every run, at its end, for all agents of an app."""

    def __init__(self, service: SeveranceMemoryService, name: str = "severance") -> None:
        """Kept by this service."""
        super().__init__(name=name)
        self._service = service

    async def after_run_callback(self, *, invocation_context: InvocationContext) -> None:
        """Keep the events of the run that has ended. An error ends the run's call, too: what was said is not kept."""
        conversation, run = invocation_context.session, invocation_context.invocation_id
        await self._service.add_events_to_memory(
            app_name=conversation.app_name,
            user_id=conversation.user_id,
            events=[event for event in conversation.events if event.invocation_id == run],
            session_id=conversation.id,
        )


def _text(content: types.Content | None) -> str:
    parts = (content.parts or []) if content else []
    return "\n".join(part.text for part in parts if part.text and not part.thought)


def _entry(memory: Memory) -> MemoryEntry:
    role = "user" if memory.source in (None, "user") else "model"
    return MemoryEntry(
        id=memory.id,
        content=types.Content(role=role, parts=[types.Part(text=memory.text)]),
        author=memory.source,
        timestamp=memory.at.isoformat(),
        custom_metadata={name: value for name, value in memory.metadata.items() if not name.startswith(_OURS)},
    )
