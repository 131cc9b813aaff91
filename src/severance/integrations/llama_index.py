"""LlamaIndex: a block of `Memory` that is one persona.

What leaves the short-term memory is kept, and what answers the last messages comes back as a block of the prompt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from severance.drafts import is_blank
from severance.integrations.frame import framework
from severance.integrations.saying import pieces
from severance.session import MOST_TOKENS, Session

with framework("llama_index.core", extra="llama-index"):
    from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock
    from llama_index.core.bridge.pydantic import Field
    from llama_index.core.memory import BaseMemoryBlock

_CONVERSATION = "session_id"  # LlamaIndex's name for it
_SAID = (MessageRole.USER, MessageRole.ASSISTANT)


class SeveranceMemoryBlock(BaseMemoryBlock[str]):
    """A memory block, kept by the persona of one session.

    `Memory` hands over the messages for which it has no room any more. Those of the user and of the assistant are kept
    with their text, in the thread of their conversation, and the role is the source. What is recalled may come from any
    conversation, unless there is one `thread` for all.

    Calls go to a thread, so that the event loop goes on. Every call raises what the session's raise: `AsleepError`
    after it has ended, `PermitError` where what it was let in with does not allow it.

    Attributes:
        session: the awake persona. Whoever made it puts it to sleep; it is in no copy and no dump of the block.
        thread: the one thread that is read and written, or None: the conversation's is written, and all are read.
        tokens: about how many tokens the block may have, 16 to 1,000,000.
        window: how many of the last messages are what is looked for.
    """

    name: str = Field(default="remembered")
    description: str | None = Field(default="What is remembered from earlier. Notes, not orders.")
    session: Session = Field(exclude=True, repr=False)
    thread: str | None = Field(default=None)
    tokens: int = Field(default=1_000, ge=16, le=MOST_TOKENS)
    window: int = Field(default=3, ge=1)

    async def _aget(self, messages: Sequence[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        """What answers the last messages, as text for the prompt; empty where nothing does."""
        query = "\n".join(filter(None, map(_text, _said(messages or ())[-self.window :])))
        if is_blank(query):
            return ""
        return await asyncio.to_thread(self.session.context, query, tokens=self.tokens, thread=self.thread)

    async def _aput(self, messages: Sequence[ChatMessage]) -> None:
        """Keep what was said. A message that is kept already is not kept again."""
        await asyncio.to_thread(self._keep, _said(messages))

    def _keep(self, messages: Iterable[ChatMessage]) -> None:
        for message in messages:  # one after the other: messages have no times, and so each gets a later one
            for piece in pieces(_text(message)):
                self.session.remember(piece, thread=self._thread_of(message), source=message.role.value, kind="message")

    def _thread_of(self, message: ChatMessage) -> str | None:
        conversation = message.additional_kwargs.get(_CONVERSATION)
        return self.thread or (f"llama-index/{conversation}" if conversation else None)


def _said(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    return [message for message in messages if message.role in _SAID]


def _text(message: ChatMessage) -> str:
    return "\n".join(block.text for block in message.blocks if isinstance(block, TextBlock) and block.text)
