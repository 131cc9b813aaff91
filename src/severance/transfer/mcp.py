"""`mcp`: the file of the MCP reference memory server (memory.jsonl, before that memory.json), or what its `read_graph`
returned.

Lines are `{"type": "entity", "name", "entityType", "observations": [...]}` and `{"type": "relation", "from", "to",
"relationType"}`; a graph is `{"entities": [...], "relations": [...]}` of the same. The server keeps no times and no
sources. An observation rarely says of whom it is, so the name of the entity stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files, fit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped
from severance.transfer.lines import objects

# All that was observed of an entity is one line.
_MAX_LINE_BYTES = 1 << 24
_NO_ENTRY = "it is neither an entity nor a relation"


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each observation and each relation; lines are streamed. See `Reader`."""
    graph = _graph(path)
    if graph is None:
        for where, entry in objects(path, progress, _MAX_LINE_BYTES):
            yield from [entry] if isinstance(entry, Skipped) else _entry(where, entry)
        return
    for name, read_one in (("entities", _entity), ("relations", _relation)):
        listed = graph.get(name)
        for index, entry in enumerate(listed if isinstance(listed, list) else []):
            where = f"{name}[{index}]"
            yield from read_one(where, entry) if isinstance(entry, dict) else [Skipped(where, _NO_ENTRY)]


def _graph(path: Path) -> dict[str, Any] | None:
    """The whole file as one graph, or None where it is lines."""
    if b'"type"' in files.head(path, 4096).split(b"\n", 1)[0]:
        return None
    try:
        document = files.read_document(path)
    except InputError:
        return None
    is_graph = isinstance(document, dict) and isinstance(document.get("entities"), list)
    return document if is_graph else None  # type: ignore[return-value]


def _entry(where: str, entry: object) -> Iterator[Found]:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if kind == "entity":
        yield from _entity(where, entry)  # type: ignore[arg-type]
    elif kind == "relation":
        yield from _relation(where, entry)  # type: ignore[arg-type]
    else:
        yield Skipped(where, _NO_ENTRY)


def _entity(where: str, entry: dict[str, Any]) -> Iterator[Found]:
    name, kind, observations = entry.get("name"), entry.get("entityType"), entry.get("observations")
    if not isinstance(name, str) or not isinstance(observations, list):
        yield Skipped(where, "it has no name or no observations")
        return
    # An entity of which nothing was observed is still known to be what it is.
    said = observations or ([kind] if isinstance(kind, str) else [])
    for number, observation in enumerate(said, 1):
        place = where if len(said) == 1 else f"{where} observation {number}"
        yield fit.attempt(place, lambda text=observation: _observed(name, kind, text))  # type: ignore[misc]


def _observed(name: str, kind: object, observation: object) -> Item:
    words = fit.text(observation)
    draft = Draft(
        text=fit.text(f"{name}: {words}"),
        thread=fit.label(name),
        kind="fact",
        metadata=fit.metadata({"entity": name, "entity_type": kind}),
    )
    return fit.item(draft, fit.origin("mcp", fit.digest(f"{name}\n{words}")))


def _relation(where: str, entry: dict[str, Any]) -> Iterator[Found]:
    ends = [entry.get(part) for part in ("from", "relationType", "to")]

    def make() -> Item:
        if not all(isinstance(end, str) and end.strip() for end in ends):
            raise fit.Unfit("it has no ends or no type")
        start, relation, end = map(str, ends)
        draft = Draft(
            text=fit.text(f"{start} {relation.replace('_', ' ')} {end}"),
            thread=fit.label(start),
            kind="relation",
            metadata=fit.metadata({"from": start, "relation": relation, "to": end}),
        )
        return fit.item(draft, fit.origin("mcp", fit.digest("\n".join(["relation", start, relation, end]))))

    yield fit.attempt(where, make)


FORMAT = Format("mcp", "the file of the MCP reference memory server: entities, observations and relations", read)
