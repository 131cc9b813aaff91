"""The OpenAI Agents SDK: its conversations, tools to remember with, and what was said, kept by one persona."""

from __future__ import annotations

import asyncio
import json
from threading import RLock
from typing import Any

from severance.drafts import draft_of
from severance.errors import InputError, SeveranceError
from severance.integrations.frame import MENDABLE, framework
from severance.integrations.saying import pieces
from severance.integrations.tools import Tools
from severance.integrations.values import is_long, readable, words, written
from severance.model import Memory
from severance.ports import Entropy
from severance.session import Session
from severance.system import SystemEntropy

with framework("agents", extra="openai-agents"):
    from agents import FunctionTool, RunHooks, SessionSettings, default_tool_error_function, function_tool

_ITEM, _TURN, _BY, _PLACE, _PART = "openai-agents", "turn", "by", "place", "part"
_PIECE = 15_000
"""Characters of a long item's JSON in one memory, so that it has room in any script."""
_UNREAD = frozenset(
    {
        "id",
        "call_id",
        "type",
        "status",
        "role",
        "encrypted_content",
        "annotations",
        "logprobs",
        "image_url",
        "file_data",
    }
)
"""Names in an item below which nothing is that a person would read."""


class SeveranceSession:
    """A conversation, as the SDK's `Session` protocol has it: the items of one thread of one persona.

    Items come back as they were given, in their order. What is said in them is remembered: `recall` finds it, in this
    conversation and in others of the persona.

    Several processes may add to one conversation; what was added in one call stays together.
    """

    def __init__(
        self,
        session_id: str,
        session: Session,
        *,
        session_settings: SessionSettings | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        """
        Args:
            session_id: the conversation, a thread of the persona.
            session: an awake persona.
            session_settings: the SDK's; of these, `limit` counts where a call gives none.
            entropy: where the mark comes from by which what two writers add at once is told apart.

        Raises:
            InputError: the id is no name for a thread.
        """
        thread = draft_of({"text": "a check of the thread alone", "thread": session_id}).thread
        if thread is None:
            raise InputError("the conversation needs an id")
        self.session_id = thread
        self.session_settings = session_settings or SessionSettings()
        self._session = session
        self._mark = (entropy or SystemEntropy()).draw(8, _ITEM.encode()).hex()
        self._changing = RLock()

    async def get_items(self, limit: int | None = None) -> list[Any]:
        """The items in their order; with a limit, the last ones."""
        return await asyncio.to_thread(self._get, limit)

    async def add_items(self, items: list[Any]) -> None:
        """Add items behind those that are there. They are all kept, or none: up to 2,048 memories.

        Raises:
            InputError: an item is not JSON.
        """
        await asyncio.to_thread(self._add, list(items))

    async def pop_item(self) -> Any | None:
        """Take the last item out, for good, and return it; None where there is none."""
        return await asyncio.to_thread(self._pop)

    async def clear_session(self) -> None:
        """Take all items out, for good."""
        await asyncio.to_thread(self._clear)

    def _get(self, limit: int | None) -> list[Any]:
        limit = self.session_settings.limit if limit is None else limit
        kept = self._kept()
        chosen = kept if limit is None or limit < 0 else kept[len(kept) - min(limit, len(kept)) :]
        return [item for memories in chosen for item in _read(memories)]

    def _add(self, items: list[Any]) -> None:
        if not items:
            return
        with self._changing:
            turn = 1 + max((_turn(memory) for memory in self._memories()), default=0)
            drafts = (each for place, item in enumerate(items) for each in _drafts(item, self._numbers(turn, place)))
            self._session.remember_many([draft | {"thread": self.session_id} for draft in drafts])

    def _numbers(self, turn: int, place: int) -> dict[str, Any]:
        return {_ITEM: True, _TURN: turn, _BY: self._mark, _PLACE: place}

    def _pop(self) -> Any | None:
        with self._changing:
            for memories in reversed(self._kept()):
                for memory in memories:
                    self._session.forget(memory.id)
                for item in _read(memories):
                    return item
            return None

    def _clear(self) -> None:
        with self._changing:
            for memory in self._memories():
                self._session.forget(memory.id)

    def _memories(self) -> list[Memory]:
        """What is kept of the conversation, in order.

        Memories come in the order of time, and those of one moment as they were written. The turn goes before it: a
        clock may go back.
        """
        found = (memory for memory in self._session.memories(thread=self.session_id) if _ITEM in memory.metadata)
        return sorted(found, key=_turn)

    def _kept(self) -> list[list[Memory]]:
        """The items, each as the memories that it is in. Of one that was only half taken out, nothing is left."""
        kept: list[list[Memory]] = []
        for memory in self._memories():
            part = memory.metadata.get(_PART, 0)
            if part == 0:
                kept.append([memory])
            elif kept and part == len(kept[-1]) and _whose(memory) == _whose(kept[-1][0]):
                kept[-1].append(memory)
        return kept


class Capturing(RunHooks[Any]):
    """Hooks that remember what a run was asked and what it answered, where the SDK's conversation is kept elsewhere."""

    def __init__(self, session: Session, *, thread: str | None = None) -> None:
        """
        Args:
            session: an awake persona.
            thread: the conversation that it is remembered in.
        """
        self._session = session
        self._thread = thread

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        """Remember what the user said in this run, and the final answer."""
        asked = [item for item in context.turn_input if _is_dict(item) and item.get("role") == "user"]
        said = [("user", words(item, _UNREAD)) for item in asked[-1:]] + [("assistant", words(output))]
        kind = {"thread": self._thread, "kind": "message"}
        drafts = [{"text": piece, "source": who, **kind} for who, text in said for piece in pieces(text)]
        if drafts:
            await asyncio.to_thread(self._session.remember_many, drafts)


def tools(session: Session, *, thread: str | None = None) -> list[FunctionTool]:
    """Tools to remember, recall and amend with. What the model can mend, it is told; any other error ends the run.

    Args:
        session: an awake persona.
        thread: the one thread that is read and written; None reads all, and writes in none.
    """
    made = Tools(session, thread=thread)
    return [function_tool(each, failure_error_function=_told) for each in (made.remember, made.recall, made.amend)]


def _told(context: Any, error: Exception) -> str:
    if isinstance(error, MENDABLE):
        return str(error)
    if isinstance(error, SeveranceError):
        raise error
    return str(default_tool_error_function(context, error))


def _drafts(item: Any, numbers: dict[str, Any]) -> list[dict[str, Any]]:
    value = written(item)
    role = item.get("role") if _is_dict(item) else None
    shared = {"kind": "message", "source": role if isinstance(role, str) and role else None}
    if not is_long(value):
        return [{"text": readable(words(item, _UNREAD), value), "metadata": numbers | {"value": value}, **shared}]
    cut = [value[start : start + _PIECE] for start in range(0, len(value), _PIECE)]
    return [
        {"text": f"{part} {piece}", "metadata": numbers | {_PART: part}, **shared} for part, piece in enumerate(cut)
    ]


def _read(memories: list[Memory]) -> list[Any]:
    """The item; nothing where another program, or an `amend`, made something else of its memories."""
    whole = memories[0].metadata.get("value")
    try:
        return [
            json.loads(str(whole) if whole is not None else "".join(each.text.partition(" ")[2] for each in memories))
        ]
    except (ValueError, RecursionError):
        return []


def _turn(memory: Memory) -> int:
    turn = memory.metadata.get(_TURN)
    return turn if isinstance(turn, int) else 0


def _whose(memory: Memory) -> tuple[Any, ...]:
    return tuple(memory.metadata.get(name) for name in (_TURN, _BY, _PLACE))


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)
