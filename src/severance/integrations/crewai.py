"""CrewAI: a storage backend of its memory that is one persona.

Scopes, categories and sources are CrewAI's own order within the persona; none of them reaches another.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np

from severance.drafts import is_blank
from severance.embed import bundled
from severance.errors import InputError, NotFoundError, PermitError
from severance.integrations.frame import framework
from severance.integrations.values import written
from severance.model import Draft, Memory, Metadata
from severance.session import MOST_RECALLED, Session
from severance.writing import unknown_memory

with framework("crewai", extra="crewai"):
    from crewai import LLM, BaseLLM
    from crewai.memory.types import MemoryRecord, ScopeInfo
    from crewai.memory.unified_memory import Memory as CrewMemory
    from crewai.memory.utils import normalize_scope_path

_OURS = "crewai."
_ID, _SCOPE, _REST, _UNDER = f"{_OURS}id", f"{_OURS}scope", f"{_OURS}rest", f"{_OURS}under "
_KEPT_BESIDE = ("categories", "metadata", "importance", "private")
_MOST_TEXTS = 10_000
_MEANT = 0.96
"""How much of a vector is what its text means. The rest tells apart texts that are pooled to the same, as those of the
same words in another order are: of what is nearer than 0.98 CrewAI keeps one in a batch."""
_MARKS = 64


class _Label(NamedTuple):
    scope: str
    categories: tuple[str, ...]
    at: datetime


def memory_of(session: Session, llm: str | LLM | BaseLLM, *, thread: str | None = None, **options: Any) -> CrewMemory:
    """CrewAI's `Memory`, kept by the persona of this session: for `Crew(memory=...)` and `Agent(memory=...)`.

    Args:
        session: the awake persona. Whoever made it puts it to sleep, after the crew's work is done.
        llm: the model with which CrewAI takes memories from what was said.
        thread: as for `SeveranceStorage`.
        options: other fields of `Memory`, such as `root_scope` or `read_only`.
    """
    storage = SeveranceStorage(session, thread=thread)
    return CrewMemory(llm=llm, storage=storage, embedder=storage.embed, **options)


class SeveranceStorage:
    """A `StorageBackend` of CrewAI in the space of one persona.

    CrewAI searches with a vector alone, and Severance with words and meaning. So `embed` has to be the embedder of the
    same `Memory`: it makes vectors on this machine and knows again which text each is of. `memory_of` puts both in one.

    What other programs of this persona remember is found, too, at the scope `/`. Where no id is named, `delete` and
    `reset` forget only what came from CrewAI.

    Calls raise what the session's raise: `AsleepError` after it has ended, `PermitError` where what it was let in with
    does not allow it. CrewAI turns most of these into events and goes on without memory.
    """

    def __init__(self, session: Session, *, thread: str | None = None) -> None:
        """Over this session.

        Args:
            session: the awake persona.
            thread: the one thread that is read and written; None reads all, and writes in none.
        """
        self._session = session
        self._thread = thread
        self._texts: OrderedDict[tuple[float, ...], str] = OrderedDict()
        self._turn = Lock()
        self._read: tuple[int | None, list[_Label]] = (None, [])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, of unit length; texts that differ are never quite alike.

        Raises:
            EmbedderError: the bundled embedder failed.
        """
        meant = (bundled().embed(texts) * math.sqrt(_MEANT)).tolist()
        vectors = [[*vector, *_marks(text)] for vector, text in zip(meant, texts, strict=True)]
        with self._turn:
            for vector, text in zip(vectors, texts, strict=True):
                self._texts[tuple(vector)] = text
                self._texts.move_to_end(tuple(vector))
            while len(self._texts) > max(_MOST_TEXTS, len(texts)):
                self._texts.popitem(last=False)
        return vectors

    def save(self, records: list[MemoryRecord]) -> None:
        """Keep these records.

        Raises:
            InputError: one cannot be kept, or has another embedder's vector; nothing was kept.
        """
        for record in records:
            if record.embedding and len(record.embedding) != bundled().dimensions + _MARKS:
                raise _not_ours()
        self._session.remember_many(
            Draft(
                text=record.content,
                at=record.created_at,
                thread=self._thread,
                source=record.source,
                kind="fact",
                metadata=_metadata(record),
            )
            for record in records
        )

    def search(
        self,
        query_embedding: list[float],
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        metadata_filter: dict[str, Any] | None = None,
        limit: int = 10,
        min_score: float = 0.0,
    ) -> list[tuple[MemoryRecord, float]]:
        """What answers the text of which this is the vector, in the order of `Session.recall`.

        A score is the greatest cosine, 0 to 1, of the record and of those after it: so the first one's is that of the
        most similar record, and CrewAI keeps the order.

        Raises:
            InputError: the vector is not of `embed`.
        """
        with self._turn:
            text = self._texts.get(tuple(query_embedding))
        if text is None:
            raise _not_ours()
        if is_blank(text) or limit < 1:
            return []
        most = MOST_RECALLED if categories or metadata_filter else min(limit, MOST_RECALLED)
        hits = self._session.recall(text, limit=most, thread=self._thread, where=_under(scope_prefix))
        records = [
            record
            for record in map(_record, (hit.memory for hit in hits))
            if _fits(record, categories, metadata_filter)
        ]
        found = list(zip(records[:limit], self._scores(query_embedding, records[:limit]), strict=True))
        return [(record, score) for record, score in found if score >= min_score]

    def delete(
        self,
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        record_ids: list[str] | None = None,
        older_than: datetime | None = None,
        metadata_filter: dict[str, Any] | None = None,
    ) -> int:
        """Forget the records for which all of this holds, for good; returns how many. Unknown ids are passed over."""
        if record_ids:
            named = {memory.id: memory for memory in map(self._found, record_ids) if memory}
            scope = _path(scope_prefix)
            chosen = [memory for memory in named.values() if scope == "/" or f"{_UNDER}{scope}" in memory.metadata]
        else:
            chosen = [memory for memory in self._memories(scope_prefix) if _ID in memory.metadata]
        before = None if older_than is None else _utc(older_than)
        return sum(
            self._forgotten(memory)
            for memory in chosen
            if _fits(_record(memory), categories, metadata_filter) and (before is None or memory.at < before)
        )

    def update(self, record: MemoryRecord) -> None:
        """Put a new version in the place of the record with this id. A source that is not given stays as it was.

        Raises:
            NotFoundError: none has this id.
            InputError: it cannot be kept.
        """
        memory = self._found(record.id)
        if memory is None:
            raise unknown_memory()
        beside = {name: value for name, value in memory.metadata.items() if not name.startswith(_OURS)}
        self._session.amend(
            memory.id,
            record.content,
            at=record.created_at,
            source=record.source,
            metadata=beside | dict(_metadata(record)),
        )

    def get_record(self, record_id: str) -> MemoryRecord | None:
        """The record with this id, or None."""
        memory = self._found(record_id)
        return None if memory is None else _record(memory)

    def list_records(self, scope_prefix: str | None = None, limit: int = 200, offset: int = 0) -> list[MemoryRecord]:
        """Records in a scope and those below it, the newest first."""
        newest = [*self._memories(scope_prefix)][::-1]
        return [_record(memory) for memory in newest[offset : offset + limit]]

    def get_scope_info(self, scope: str) -> ScopeInfo:
        """How many records are in a scope and below it, from when to when, and what is below it."""
        found = self._labels(scope)
        return ScopeInfo(
            path=_path(scope),
            record_count=len(found),
            categories=sorted({category for each in found for category in each.categories}),
            oldest_record=found[0].at if found else None,
            newest_record=found[-1].at if found else None,
            child_scopes=sorted(_children({each.scope for each in found}, scope)),
        )

    def list_scopes(self, parent: str = "/") -> list[str]:
        """The scopes right below one; and itself, where it has records: CrewAI's recall searches what is named."""
        scopes = {each.scope for each in self._labels(parent)}
        return sorted(_children(scopes, parent) | scopes & {_path(parent)})

    def list_categories(self, scope_prefix: str | None = None) -> dict[str, int]:
        """The categories in a scope and below it, and how many records each has."""
        return dict(Counter(category for each in self._labels(scope_prefix) for category in each.categories))

    def count(self, scope_prefix: str | None = None) -> int:
        """How many records are in a scope and below it."""
        return len(self._labels(scope_prefix))

    def reset(self, scope_prefix: str | None = None) -> None:
        """Forget what came from CrewAI in a scope and below it, for good."""
        self.delete(scope_prefix)

    async def asave(self, records: list[MemoryRecord]) -> None:
        """As `save`."""
        await asyncio.to_thread(self.save, records)

    async def asearch(
        self,
        query_embedding: list[float],
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        metadata_filter: dict[str, Any] | None = None,
        limit: int = 10,
        min_score: float = 0.0,
    ) -> list[tuple[MemoryRecord, float]]:
        """As `search`."""
        asked = (query_embedding, scope_prefix, categories, metadata_filter, limit, min_score)
        return await asyncio.to_thread(self.search, *asked)

    async def adelete(
        self,
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        record_ids: list[str] | None = None,
        older_than: datetime | None = None,
        metadata_filter: dict[str, Any] | None = None,
    ) -> int:
        """As `delete`."""
        asked = (scope_prefix, categories, record_ids, older_than, metadata_filter)
        return await asyncio.to_thread(self.delete, *asked)

    def __deepcopy__(self, memo: object) -> Self:
        """Itself: CrewAI copies crews with their memory, and the copy is to remember in the same persona."""
        return self

    def _labels(self, scope: str | None) -> list[_Label]:
        """What is said of each record in a scope and below it, the oldest first. Read anew where the log has grown."""
        try:
            records = self._session.stats()["records"]
        except PermitError:  # whoever is let in to some threads only is told no number
            records = None
        if records is None or self._read[0] != records:
            self._read = records, [_label(memory) for memory in self._memories(None)]
        above = _path(scope).rstrip("/")
        return [each for each in self._read[1] if f"{each.scope}/".startswith(f"{above}/")]

    def _memories(self, scope: str | None) -> Iterator[Memory]:
        return self._session.memories(thread=self._thread, where=_under(scope))

    def _found(self, record_id: str) -> Memory | None:
        """The memory with CrewAI's id or, where another program kept it, with Severance's."""
        with suppress(InputError, NotFoundError):  # a model may have made up the id
            for memory in self._session.memories(thread=self._thread, where={_ID: record_id}):
                return memory
            memory = self._session.get(record_id)
            return memory if self._thread in (None, memory.thread) else None
        return None

    def _forgotten(self, memory: Memory) -> bool:
        with suppress(NotFoundError):  # another process was first
            return bool(self._session.forget(memory.id))
        return False

    def _scores(self, query: Sequence[float], records: Sequence[MemoryRecord]) -> list[float]:
        if not records:
            return []
        asked = np.array(query[:-_MARKS], np.float32) / math.sqrt(_MEANT)
        cosines = (bundled().embed([record.content for record in records]) @ asked).tolist()
        return [*accumulate((min(max(cosine, 0.0), 1.0) for cosine in reversed(cosines)), max)][::-1]


def _marks(text: str) -> list[float]:
    """Components by which a text is known again: the signs are 64 bits of its SHA-256."""
    bits = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[: _MARKS // 8])
    size = math.sqrt((1 - _MEANT) / _MARKS)
    return [size if bits >> place & 1 else -size for place in range(_MARKS)]


def _not_ours() -> InputError:
    return InputError("that vector is of another embedder; give Memory the one of its storage: embedder=storage.embed")


def _path(scope: str | None) -> str:
    path: str = normalize_scope_path(scope or "/")
    return path


def _under(scope: str | None) -> Metadata | None:
    path = _path(scope)
    return None if path == "/" else {f"{_UNDER}{path}": True}


def _metadata(record: MemoryRecord) -> Metadata:
    """What CrewAI says of a record, and by name every scope that it is in, so that recall can be asked for one."""
    scope = _path(record.scope)
    rest = {name: getattr(record, name) for name in _KEPT_BESIDE}
    above = accumulate(scope.strip("/").split("/"), lambda path, part: f"{path}/{part}", initial="")
    return {_ID: record.id, _SCOPE: scope, _REST: written(rest)} | {f"{_UNDER}{path}": True for path in above if path}


def _record(memory: Memory) -> MemoryRecord:
    """The record that this memory was; of what another program kept, one at the scope `/`."""
    plain = MemoryRecord(
        id=memory.id,
        content=memory.text,
        created_at=_naive(memory.at),
        last_accessed=_naive(memory.recorded),
        source=memory.source,
    )
    if _ID not in memory.metadata:
        return plain
    try:
        rest = json.loads(str(memory.metadata[_REST]))
        told = {"id": memory.metadata[_ID], "scope": memory.metadata[_SCOPE]} | {
            name: rest[name] for name in _KEPT_BESIDE
        }
        return MemoryRecord(**plain.model_dump() | told)
    except (KeyError, TypeError, ValueError):
        return plain  # another program wrote that


def _fits(record: MemoryRecord, categories: Iterable[str] | None, wanted: Mapping[str, Any] | None) -> bool:
    in_category = not categories or not set(categories).isdisjoint(record.categories)
    return in_category and all(record.metadata.get(name) == value for name, value in (wanted or {}).items())


def _label(memory: Memory) -> _Label:
    record = _record(memory)
    return _Label(record.scope, tuple(record.categories), record.created_at)


def _children(scopes: Iterable[str], parent: str) -> set[str]:
    above = _path(parent).rstrip("/") + "/"
    below = (scope.removeprefix(above) for scope in scopes if scope.startswith(above))
    return {above + scope.split("/")[0] for scope in below if scope}


def _naive(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(tzinfo=None)  # as CrewAI has times


def _utc(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
