"""`langgraph`: what a LangGraph store holds: the database of langgraph-checkpoint-sqlite's `SqliteStore`, or its items
as JSON.

The database has a table `store (prefix, key, value, created_at, updated_at)`: the namespace joined with dots, and a
JSON object. A dump is a list of items as `Item.dict()` gives them, `{namespace: [...], key, value, created_at,
updated_at}`, alone or under `items`.

What is remembered of a value is the text in it, under one of the names by which agents keep it; a value without one is
remembered as it is, as JSON. Checkpoints, which are the states of runs, are no memories and are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import database, files, fit, lines
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped

TABLE, COLUMNS = "store", ("prefix", "key", "value", "created_at", "updated_at")
_TEXTS = ("text", "content", "memory", "data", "value", "fact", "summary")
_DEEPEST = 3


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each item of the store; see `Reader`."""
    if files.head(path, len(database.MAGIC)) == database.MAGIC:
        yield from _rows(path)
        return
    document = files.read_document(path)
    listed = document.get("items") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise InputError(f"{path} holds no list of items; save the dict() of each item that store.search() gives")
    for index, entry in enumerate(listed):
        yield _entry(f"items[{index}]", entry)
        progress.share(index + 1, len(listed))


def is_store(tables: dict[str, frozenset[str]]) -> bool:
    """Whether a database with these tables is a store."""
    return frozenset(COLUMNS) <= tables.get(TABLE, frozenset())


def _rows(path: Path) -> Iterator[Found]:
    with database.opened(path) as db:
        if not is_store(db.tables()):
            raise InputError(f"{path} has no table of a LangGraph store; name the database that SqliteStore was given")
        for number, row in enumerate(db.rows(TABLE, COLUMNS), 1):
            where = f"row {number}"
            if isinstance(row[2], bytes) and len(row[2]) > lines.MAX_LINE_BYTES:
                yield Skipped(where, f"its value is longer than {lines.MAX_LINE_BYTES:,} bytes")
                continue
            prefix, key, raw, created, updated = (database.text_of(value) for value in row)
            if prefix is None or key is None or raw is None:
                yield Skipped(where, "it is not text in UTF-8")
                continue
            try:
                value = files.parse(raw)
            except (ValueError, RecursionError):
                yield Skipped(where, "its value is not valid JSON")
                continue
            yield fit.attempt(where, lambda given=(prefix, key, value, created, updated): _item(*given))  # type: ignore[misc]


def _entry(where: str, entry: object) -> Found:
    if not isinstance(entry, dict) or "value" not in entry:
        return Skipped(where, "it is not an item of a store")
    namespace = entry.get("namespace")
    parts = [part for part in namespace if isinstance(part, str)] if isinstance(namespace, list) else [namespace]
    prefix = ".".join(part for part in parts if isinstance(part, str))
    key = entry.get("key")
    times = entry.get("created_at"), entry.get("updated_at")
    return fit.attempt(where, lambda: _item(prefix, key if isinstance(key, str) else "", entry["value"], *times))


def _item(prefix: str, key: str, value: object, created: object, updated: object) -> Item:
    words, rest = _words(value)
    text = fit.text(words)
    draft = Draft(
        text=text,
        at=fit.when(created) or fit.when(updated),
        thread=fit.label(prefix),
        source=fit.label(prefix.partition(".")[0]),
        kind="fact",
        metadata=fit.metadata({"key": key, "updated_at": updated} if updated else {"key": key}) | fit.metadata(rest),
    )
    # An item is rewritten under its key: with its text in the origin, that comes in as new.
    return fit.item(draft, fit.origin("langgraph", prefix, key, fit.digest(text, 16)))


def _words(value: object) -> tuple[object, dict[str, object]]:
    """The text in a value, and the fields beside it."""
    if not isinstance(value, (str, dict)):
        raise fit.Unfit("its value is not an object")
    rest: dict[str, object] = {}
    inner: object = value
    for _ in range(_DEEPEST):
        if isinstance(inner, str):
            return inner, rest
        if not isinstance(inner, dict):
            break
        name = next((name for name in _TEXTS if isinstance(inner.get(name), (str, dict))), None)
        if name is None:
            break
        rest |= {other: entry for other, entry in inner.items() if other != name}
        inner = inner[name]
    if isinstance(inner, str):
        return inner, rest
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True), {}
    except (RecursionError, ValueError):
        raise fit.Unfit("it is nested too deeply") from None


FORMAT = Format("langgraph", "a LangGraph store: the database of SqliteStore, or its items as JSON", read)
