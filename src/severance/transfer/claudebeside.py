"""What an export of Claude.ai holds beside what was said: memories, projects, and the text of attachments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from severance.model import Draft
from severance.transfer import fit
from severance.transfer.items import Found, Item, Skipped
from severance.transfer.longtext import parts as cut

MEMORIES = frozenset({"conversations_memory", "project_memories"})
PROJECT = frozenset({"prompt_template", "docs"})


def is_one(entry: dict[str, Any]) -> bool:
    """Whether an entry is a memory or a project."""
    return bool(MEMORIES & entry.keys()) or entry.keys() >= PROJECT


def entry(where: str, entry: dict[str, Any]) -> Iterator[Found]:
    """One memory for each part of the texts in it."""
    yield from _memories(where, entry) if MEMORIES & entry.keys() else _project(where, entry)


def attachments(message: dict[str, Any]) -> list[tuple[str, str]]:
    """The name and the text of each attachment that has one."""
    listed = message.get("attachments")
    found = []
    for each in listed if isinstance(listed, list) else []:
        text = each.get("extracted_content") if isinstance(each, dict) else None
        if isinstance(text, str) and text.strip():
            name = each.get("file_name")
            found.append((name if isinstance(name, str) else "", text))
    return found


def parts(
    where: str, text: str, kind: str, known: dict[str, Any], time: object, source: str | None = None
) -> Iterator[Found]:
    """One memory for each part of a text; `known` becomes metadata, and its first value the thread."""
    known = {name: value for name, value in known.items() if value not in (None, "")}
    thread = next(iter(known.values()), None)

    def make(part: str) -> Item:
        draft = Draft(
            text=fit.text(part),
            at=fit.when(time),
            thread=fit.label(thread),
            source=source or "claude",
            kind=kind,
            metadata=fit.metadata(known),
        )
        return fit.item(draft, fit.origin("claude", kind, fit.digest(f"{thread}\n{part}")))

    for number, part in enumerate(cut(text), 1):
        yield fit.attempt(f"{where} part {number}", lambda part=part: make(part))  # type: ignore[misc]


def _memories(where: str, entry: dict[str, Any]) -> Iterator[Found]:
    whole, projects = entry.get("conversations_memory"), entry.get("project_memories")
    time = entry.get("updated_at") or entry.get("created_at")
    if isinstance(whole, str):
        yield from parts(where, whole, "memory", {}, time)
    elif whole is not None:
        yield Skipped(where, "it has no text")
    for number, (project, text) in enumerate(projects.items() if isinstance(projects, dict) else (), 1):
        place = f"{where} project {number}"
        if isinstance(text, str):
            yield from parts(place, text, "memory", {"project": project}, time)
        else:
            yield Skipped(place, "it has no text")


def _project(where: str, entry: dict[str, Any]) -> Iterator[Found]:
    name, time = entry.get("name") or entry.get("uuid"), entry.get("created_at")
    known = {"project": name if isinstance(name, str) else None}
    for field in ("description", "prompt_template"):
        if isinstance(entry.get(field), str):
            yield from parts(where, entry[field], field.partition("_")[0], known, time)
    docs = entry.get("docs")
    for number, doc in enumerate(docs if isinstance(docs, list) else [], 1):
        place = f"{where} file {number}"
        if isinstance(doc, dict) and isinstance(doc.get("content"), str):
            file = doc.get("filename")
            told = {**known, "file": file if isinstance(file, str) else None}
            yield from parts(place, doc["content"], "file", told, doc.get("created_at") or time)
        else:
            yield Skipped(place, "it has no text")
