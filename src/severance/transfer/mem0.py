"""`mem0`: what mem0's `get_all`, its REST API or its export job returned, saved as JSON; or its own history.db, or the
folder that it is in.

Read: a list of memories, `{"results": [...]}` (API, open source), `{"memories": [...]}` (export job), and pages of
those in a list. A memory is `{id, memory, created_at, updated_at, metadata, user_id, agent_id, run_id, ...}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files, fit, mem0store
from severance.transfer.items import Format, Found, Item, Options, Progress

_LISTS = ("results", "memories")
_TEXTS = ("memory", "data", "text", "content")
_KEPT = ("user_id", "agent_id", "app_id", "actor_id", "role", "categories", "updated_at", "expiration_date")


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each entry; see `Reader`."""
    own = mem0store.file_of(path)
    if own is not None:
        yield from mem0store.entries(own, progress)
        return
    entries = list(_entries(files.read_document(path), "memories"))
    if not entries:
        raise InputError(f"{path} holds no list of mem0 memories; save what get_all() returned")
    for number, (where, entry) in enumerate(entries, 1):
        yield fit.attempt(where, lambda entry=entry: _item(entry))  # type: ignore[misc]
        progress.share(number, len(entries))


def _entries(document: object, where: str) -> Iterator[tuple[str, object]]:
    """Every memory with its place. One level of pages is looked into, and no deeper."""
    listed = document if isinstance(document, list) else _inner(document)
    for index, entry in enumerate(listed or []):
        page = _inner(entry)
        if page is None:
            yield f"{where}[{index}]", entry
        else:
            yield from ((f"{where}[{index}][{at}]", inner) for at, inner in enumerate(page))


def _inner(document: object) -> list[object] | None:
    if isinstance(document, dict) and not any(isinstance(document.get(name), str) for name in _TEXTS):
        for name in _LISTS:
            if isinstance(document.get(name), list):
                inner: list[object] = document[name]
                return inner
    return None


def _item(entry: object) -> Item:
    if isinstance(entry, str):
        return fit.item(Draft(text=fit.text(entry), kind="fact"), fit.origin("mem0", fit.digest(entry)))
    if not isinstance(entry, dict):
        raise fit.Unfit("it is not a memory")
    text = fit.text(next((entry[name] for name in _TEXTS if isinstance(entry.get(name), str)), None))
    draft = Draft(
        text=text,
        at=fit.when(entry.get("created_at")) or fit.when(entry.get("updated_at")),
        thread=fit.label(_name(entry, "run_id", "session_id")),
        source=fit.label(_name(entry, "actor_id", "user_id", "agent_id")),
        kind="fact",
        metadata=_metadata(entry),
    )
    # mem0 rewrites a memory under its id when it learns better: with its text in the origin, that comes in as new.
    return fit.item(draft, fit.origin("mem0", str(_name(entry, "id") or ""), fit.digest(text, 16)))


def _metadata(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {name: entry[name] for name in _KEPT if entry.get(name) not in (None, "", [])}
    return fit.metadata(kept) | fit.metadata(entry.get("metadata"))


def _name(entry: dict[str, Any], *names: str) -> str | int | None:
    return next((entry[name] for name in names if isinstance(entry.get(name), (str, int)) and entry[name] != ""), None)


FORMAT = Format(
    "mem0", "memories of mem0: what get_all() or an export job returned, or its own history.db", read, folder=True
)
