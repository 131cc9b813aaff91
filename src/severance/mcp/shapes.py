"""What tools answer, as JSON, and the schema of it. Field names are a contract: they are added to, never renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from severance.mcp.words import CROSSING, NOTE
from severance.model import Memory, Notice, Recollection
from severance.session import Session

MOST_TEXT = 4_000
"""Characters of one memory that a recollection carries; the memory as a resource has them all."""

Shape = dict[str, Any]


def of_memory(memory: Memory) -> Shape:
    """A memory as a recollection has it."""
    return {
        "id": memory.id,
        "text": memory.text[:MOST_TEXT],
        "cut": len(memory.text) > MOST_TEXT,
        "at": memory.at.isoformat(),
        "thread": memory.thread,
        "source": memory.source,
        "pinned": memory.pinned,
    }


def of_found(hits: list[Recollection]) -> Shape:
    """What recall answers."""
    return {"memories": [of_memory(hit.memory) | {"score": round(hit.score, 4)} for hit in hits], "note": NOTE}


def of_kept(memories: list[Memory]) -> Shape:
    """What remembering answers, in the order of the texts."""
    kept = [{"id": memory.id, "at": memory.at.isoformat(), "repeats": memory.repeats} for memory in memories]
    return {"kept": kept}


def of_amended(memory: Memory) -> Shape:
    """What amending answers."""
    return {"id": memory.id, "at": memory.at.isoformat(), "supersedes": memory.supersedes}


def of_status(session: Session, counts: Mapping[str, int], notices: tuple[Notice, ...]) -> Shape:
    """Who is awake, where, and how much is remembered."""
    return {
        "subject": session.subject,
        "persona": session.persona,
        "place": session.place,
        **{name: counts[name] for name in ("memories", "versions", "threads")},
        "notices": [_of_notice(notice) for notice in notices],
        "note": CROSSING,
    }


def _of_notice(notice: Notice) -> Shape:
    return {
        "at": notice.at.isoformat(),
        "requester": notice.requester,
        "reason": notice.reason,
        "ended": None if notice.ended is None else notice.ended.isoformat(),
    }


def _said(**properties: Shape) -> Shape:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(of: Shape) -> Shape:
    return {"type": "array", "items": of}


_TEXT: Shape = {"type": "string"}
_MAYBE: Shape = {"type": ["string", "null"]}
_COUNT: Shape = {"type": "integer", "minimum": 0}
_TRUTH: Shape = {"type": "boolean"}
_TIME: Shape = {"type": "string", "description": "ISO 8601, in UTC."}
_ID: Shape = {"type": "string", "description": "What amend and forget take."}

KEPT = _said(
    kept=_list(
        _said(
            id=_ID,
            at=_TIME,
            repeats={**_COUNT, "description": "How often exactly this was remembered; it is kept once."},
        )
    )
)
FOUND = _said(
    memories=_list(
        _said(
            id=_ID,
            text=_TEXT,
            cut={**_TRUTH, "description": "Whether there is more; the resource severance://memory/ID has all of it."},
            at=_TIME,
            thread=_MAYBE,
            source=_MAYBE,
            pinned=_TRUTH,
            score={"type": "number", "description": "Higher is better; comparable within one answer only."},
        )
    ),
    note=_TEXT,
)
AMENDED = _said(id=_ID, at=_TIME, supersedes={**_MAYBE, "description": "The id of the version before."})
FORGOTTEN = _said(forgotten={**_COUNT, "description": "How many versions of the memory were forgotten."})
STATUS = _said(
    subject=_TEXT,
    persona=_TEXT,
    place=_TEXT,
    memories=_COUNT,
    versions=_COUNT,
    threads=_COUNT,
    notices=_list(_said(at=_TIME, requester=_TEXT, reason=_TEXT, ended=_MAYBE)),
    note=_TEXT,
)
