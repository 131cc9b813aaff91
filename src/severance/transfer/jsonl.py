"""`jsonl`: Severance's own export, one JSON object a line; also lines and JSON arrays made by hand.

What is written: every field of `Memory`, times in ISO 8601, metadata sorted by name. A memory that was never imported
gets the metadata `origin: severance:<id>`, so that a second import of it adds nothing.

What round-trips. Read back, `Item.draft` has the text to the letter, at, thread, source, kind, metadata (but for
`origin`, which is `Item.origin`) and pinned; `Item` has repeats, and, informational, id, recorded, echo_of, supersedes
and superseded_by, in which ids are those of the file. An importer that stores `Item.origin` as metadata, repeats as
often, and amends along `supersedes` ends with a persona whose export has the same lines, in which only `recorded` and
the ids (consistently) differ; `transfer.ingest` takes the latest versions only. Exceptions: a blank thread or source
comes back as none; an `origin` that somebody chose himself moves to `their_origin`; numbers that are not finite, and
those beyond 64 bits, come back as text; metadata so long that the origin finds no room is skipped on reading.

By hand: a line may be an object with a `text` and any of those fields, or only a string. Fields by other names
become metadata. An `origin` that no reader of this package has made is the author's own word for something, kept as
`their_origin`; what identifies a hand-made line is the hash of its content. Of equal keys in an object the last counts.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from severance.errors import InputError, StoreError, StoreFullError
from severance.model import Draft, Memory, id_bytes
from severance.transfer import files, fit, lines
from severance.transfer.fit import Unfit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped

OWN = "severance"
KINDS = (
    *(OWN, "jsonl", "markdown", "chatgpt", "claude", "mem0", "mcp", "langgraph", "letta", "compartment"),
    *("locomo", "mbox"),
)
_MAX_REPEATS = 1_000_000_000
_FIELDS = frozenset(field.name for field in fields(Memory))


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each line, or for each element of an array; lines are streamed. See `Reader`."""
    first = files.head(path, 4096)
    files.refuse_utf16(first[:4], str(path))
    if first.removeprefix(lines.BOM).lstrip().startswith(b"["):
        yield from _array(path, progress)
    else:
        yield from _lines(path, progress)


def write_jsonl(memories: Iterable[Memory], out: TextIO | BinaryIO) -> int:
    """Write one line for each memory, in the order given; returns how many. Leaves `out` open.

    Bytes and UTF-8 text streams get UTF-8; other text streams get ASCII with escapes, which every code page can carry.

    Raises:
        StoreError: `out` could not be written (`StoreFullError`: the disk is full). The `OSError` is its cause.
    """
    encoding = getattr(out, "encoding", None)
    binary = not hasattr(out, "encoding")
    plain = binary or encoding is None or encoding.lower().replace("-", "") == "utf8"
    count = 0
    try:
        for memory in memories:
            line = json.dumps(_exported(memory), ensure_ascii=not plain, separators=(",", ":")) + "\n"
            out.write(line.encode() if binary else line)  # type: ignore[arg-type]
            count += 1
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreFullError(f"the disk is full after {count:,} memories were exported") from error
        reason = error.strerror or "I/O error"
        raise StoreError(f"the export could not be written after {count:,} memories ({reason})") from error
    return count


def as_json(memory: Memory) -> dict[str, object]:
    """Every field of a memory as JSON can carry it, times in ISO 8601."""
    return {
        "id": memory.id,
        "text": memory.text,
        "at": memory.at.isoformat(),
        "recorded": memory.recorded.isoformat(),
        "thread": memory.thread,
        "source": memory.source,
        "kind": memory.kind,
        "metadata": dict(memory.metadata),
        "pinned": memory.pinned,
        "repeats": memory.repeats,
        "echo_of": memory.echo_of,
        "supersedes": memory.supersedes,
        "superseded_by": memory.superseded_by,
    }


def item_of(memory: Memory) -> Item:
    """A memory as its own export would be read.

    Raises:
        Unfit: there is no room for its origin in its metadata.
    """
    return _item(_exported(memory))


def _exported(memory: Memory) -> dict[str, object]:
    metadata = fit.metadata({fit.ORIGIN: f"{OWN}:{memory.id}", **memory.metadata}, reserve=False)
    return as_json(memory) | {"metadata": dict(sorted(metadata.items()))}


def _array(path: Path, progress: Progress) -> Iterator[Found]:
    document = files.read_document(path)
    if not isinstance(document, list):
        raise InputError(f"{path} begins like a JSON array and is none; write one memory a line")
    for index, value in enumerate(document):
        yield _entry(f"entry {index + 1}", value)
        progress.share(index + 1, len(document))


def _lines(path: Path, progress: Progress) -> Iterator[Found]:
    for where, value in lines.objects(path, progress):
        yield value if isinstance(value, Skipped) else _entry(where, value)


def _line(where: str, raw: bytes) -> Found:
    value = lines.value_of(where, raw)
    return value if isinstance(value, Skipped) else _entry(where, value)


def _entry(where: str, value: object) -> Found:
    return fit.attempt(where, lambda: _item(value))


def _item(value: object) -> Item:
    if isinstance(value, str):
        return fit.item(Draft(text=fit.text(value)), _hash(value))
    if not isinstance(value, dict):
        raise Unfit("it is neither an object nor a string")
    text = fit.text(value.get("text"))
    origin, metadata = _origin_and_metadata(value)
    draft = Draft(
        text=text,
        at=fit.when(value.get("at")),
        thread=fit.label(value.get("thread")),
        source=fit.label(value.get("source")),
        kind=fit.label(value.get("kind")) or "note",
        metadata=metadata,
        pinned=_pinned(value.get("pinned")),
    )
    return replace(
        fit.item(draft, origin),
        as_is=value.keys() >= _FIELDS,  # as no line made by hand has them
        repeats=_repeats(value.get("repeats")),
        id=_id(value, "id"),
        recorded=fit.when(value.get("recorded")),
        echo_of=_id(value, "echo_of"),
        supersedes=_id(value, "supersedes"),
        superseded_by=_id(value, "superseded_by"),
    )


def _origin_and_metadata(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    given = value.get("metadata")
    if given is not None and not isinstance(given, dict):
        raise Unfit("its metadata is not an object")
    merged = {name: entry for name, entry in value.items() if name not in _FIELDS} | (given or {})
    known = merged.get(fit.ORIGIN)
    if isinstance(known, str) and _is_ours(known):
        del merged[fit.ORIGIN]
        return known, fit.metadata(merged)
    own = _id(value, "id")
    is_own = own is not None and id_bytes(own) is not None
    return (f"{OWN}:{own}" if is_own else _hash(value)), fit.metadata(merged)


def _is_ours(origin: str) -> bool:
    """Whether a reader of this package made this origin. Two memories may share any other word without being one."""
    kind, colon, rest = origin.partition(":")
    return (
        kind in KINDS and bool(colon and rest) and origin.isprintable() and len(origin.encode()) <= fit.MAX_ORIGIN_BYTES
    )


def _hash(value: object) -> str:
    try:
        return fit.origin("jsonl", fit.digest(json.dumps(value, sort_keys=True, separators=(",", ":"))))
    except ValueError:  # a loop cannot come out of JSON, a depth that only writing minds can
        raise Unfit("it is nested too deeply") from None


def _pinned(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Unfit("its pinned is neither true nor false")


def _repeats(value: object) -> int:
    if value is None:
        return 1
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_REPEATS:
        return value
    raise Unfit("its repeats is not a whole number from 1")


def _id(value: dict[str, Any], name: str) -> str | None:
    given = value.get(name)
    return (
        given
        if isinstance(given, str) and given.isprintable() and given and len(given) <= fit.MAX_ORIGIN_BYTES
        else None
    )


FORMAT = Format("jsonl", 'JSON Lines: Severance\'s own export, or one {"text": ...} or string a line', read)
