"""What a client may read without a tool: context, the newest memories, one memory; and a prompt for a day's start."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import unquote

from mcp_types import Annotations, Prompt, PromptArgument, Resource, ResourceTemplate

from severance.asking import check_query
from severance.context import HEADING, estimate_tokens
from severance.drafts import is_blank
from severance.errors import InputError, NotFoundError
from severance.mcp.words import CROSSING, NOTE
from severance.model import Memory, moment
from severance.ports import Clock
from severance.session import Session
from severance.transfer.jsonl import as_json

CONTEXT = "severance://context"
RECENT = "severance://recent"
MEMORY = "severance://memory/"
MOST_RECENT = 20
MOST_ADDRESS = 6_000
TOKENS = 1_000
_MOST_LINE = 600

_DAYS = (2, 14, 100)
"""Spans in which the newest memories are looked for, before all are read."""

_TEXT, _JSON = "text/plain", "application/json"
_FOR_MODELS = Annotations(audience=["assistant"])

RESOURCES = (
    Resource(
        uri=CONTEXT,
        name="context",
        title="What is remembered",
        description=f"The newest memories of this persona, the pinned ones first, as text for a prompt. {NOTE}",
        mime_type=_TEXT,
        annotations=_FOR_MODELS,
    ),
    Resource(
        uri=RECENT,
        name="recent",
        title="Newest memories",
        description=f"The {MOST_RECENT} memories that happened last, as JSON, the newest first. {NOTE}",
        mime_type=_JSON,
        annotations=_FOR_MODELS,
    ),
)
TEMPLATES = (
    ResourceTemplate(
        uri_template=f"{CONTEXT}/{{query}}",
        name="context-for",
        title="What is remembered of something",
        description=f"What answers the query, as text for a prompt; the query is percent-encoded. {NOTE}",
        mime_type=_TEXT,
        annotations=_FOR_MODELS,
    ),
    ResourceTemplate(
        uri_template=f"{MEMORY}{{id}}",
        name="memory",
        title="One memory",
        description=f"One memory with all that is known of it, as JSON. {NOTE}",
        mime_type=_JSON,
        annotations=_FOR_MODELS,
    ),
)
START = Prompt(
    name="start-of-day",
    title="Start of the day",
    description="Begin with what is remembered, and say what is open.",
    arguments=[PromptArgument(name="about", description="What today is about, in a few words.", required=False)],
)


def read(address: str, session: Session, clock: Clock) -> tuple[str, str]:
    """What stands at an address: its text, and of what kind it is.

    Raises:
        NotFoundError: nothing has this address, or no memory has this id.
        InputError: the query cannot be looked for.
    """
    if len(address) > MOST_ADDRESS:
        raise InputError(f"the address is longer than {MOST_ADDRESS:,} characters; ask in fewer words")
    if address == CONTEXT:
        return _beginning(session, clock), _TEXT
    if address == RECENT:
        return json.dumps({"memories": [as_json(memory) for memory in _recent(session, clock)], "note": NOTE}), _JSON
    if address.startswith(f"{CONTEXT}/"):
        return _answering(session, unquote(address.removeprefix(f"{CONTEXT}/"))), _TEXT
    if address.startswith(MEMORY):
        return json.dumps(as_json(session.get(address.removeprefix(MEMORY)))), _JSON
    raise NotFoundError("nothing has that address; list the resources and their templates for those that there are")


def day(given: Mapping[str, str], session: Session, clock: Clock) -> str:
    """The text of the prompt for the start of a day.

    Raises:
        InputError: an argument is unknown, or cannot be looked for.
    """
    if set(given) - {"about"}:
        raise InputError("the prompt takes `about`, and nothing else; leave the rest out")
    about = given.get("about", "")
    remembered = _beginning(session, clock) if is_blank(about) else _answering(session, about)
    asked = "" if is_blank(about) else f"Today is about: {about}\n"
    return (
        "A new conversation begins. Say in a few sentences what is open according to these notes, and ask what to do "
        f"first.\n{asked}\n{remembered}\n\n{CROSSING}"
    )


def _answering(session: Session, query: str) -> str:
    check_query(query)
    found = session.context(query, tokens=TOKENS)
    return f"{found}\n{NOTE}" if found else "Nothing is remembered of it."


def _beginning(session: Session, clock: Clock) -> str:
    """As many of the newest memories as fit, oldest first; those that are pinned are the first to be taken."""
    recent = _recent(session, clock)
    left, chosen = TOKENS, []
    for memory in [*filter(_is_pinned, recent), *(memory for memory in recent if not memory.pinned)]:
        cost = estimate_tokens(_line(memory))
        if cost <= left:
            chosen.append(memory)
            left -= cost
    if not chosen:
        return "Nothing is remembered yet."
    return "\n".join([HEADING, *map(_line, sorted(chosen, key=_when)), NOTE])


def _recent(session: Session, clock: Clock) -> list[Memory]:
    """The memories that happened last, the newest first."""
    for days in _DAYS:
        found = _last(session.memories(since=moment(clock.now()) - timedelta(days=days)))
        if len(found) == MOST_RECENT:
            return found
    return _last(session.memories())


def _last(memories: Iterable[Memory]) -> list[Memory]:
    return [*deque(memories, maxlen=MOST_RECENT)][::-1]


def _is_pinned(memory: Memory) -> bool:
    return memory.pinned


def _when(memory: Memory) -> tuple[object, ...]:
    return memory.at, memory.recorded, memory.id


def _line(memory: Memory) -> str:
    text = memory.text if len(memory.text) <= _MOST_LINE else f"{memory.text[:_MOST_LINE]}…"
    # Later lines are indented, so that no text can pass for the next memory or for the note at the end.
    return "\n  ".join(f"- [{memory.at.date().isoformat()}] {text}".splitlines())
