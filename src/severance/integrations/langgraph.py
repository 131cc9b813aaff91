"""LangGraph: its long-term store, and what a conversation says, kept by one persona.

An item of the store is one memory. Namespaces and keys are labels within the persona; none of them reaches another.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from severance.drafts import draft_of
from severance.errors import InputError, NotFoundError
from severance.integrations.frame import framework
from severance.integrations.saying import pieces
from severance.integrations.values import BESIDE, is_long, readable, words, written
from severance.model import MAX_LABEL_BYTES, Draft, Memory
from severance.session import MOST_RECALLED, Session

with framework("langgraph", extra="langgraph"):
    from langgraph.config import get_config
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        MatchCondition,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        get_text_at_path,
        validate_op_namespace,
    )

_STORE, _KEY, _DEPTH, _FOUND, _VALUE = "langgraph", "key", "depth", "found", "value"
_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda one, other: one == other,
    "$ne": lambda one, other: one != other,
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
}
_SAID = ("human", "ai")


class SeveranceStore(BaseStore):
    """A `BaseStore` in the space of one persona.

    Items are found by meaning and by words without any index configuration: by the texts and numbers in the whole
    value, by the fields that the store or the item names, or not at all (`index=False`). A value is JSON of at most
    65,536 bytes; of 12,000 where it is found by some of its fields. Items do not expire (`supports_ttl` is false).

    Several threads and processes may use stores of one persona. Putting an item that is there makes a new version of
    its memory; two that put it at once leave the later one. `delete` forgets it with all its versions.
    """

    def __init__(self, session: Session, *, fields: Sequence[str] | None = None, thread: str | None = None) -> None:
        """
        Args:
            session: an awake persona.
            fields: paths of the fields that items are found by, as in LangGraph's `IndexConfig`; None for all.
            thread: the one thread that is read and written, which a permit that is for some threads needs. Its items
                are a store of their own. None for a store in which each item has a thread for itself.
        """
        self._session = session
        self._thread = thread
        self._fields = None if fields is None else list(fields)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do many operations: first whatever reads, then the puts, of which the last for an item counts.

        Raises:
            InputError: a value cannot be kept, or a filter has an operator that is none.
            SeveranceError: as the session's methods.
        """
        asked = list(ops)
        for op in asked:
            validate_op_namespace(op)
        results = [self._answer(op) for op in asked]
        self._put({(op.namespace, op.key): op for op in asked if isinstance(op, PutOp)}.values())
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """As `batch`, in a thread."""
        return await asyncio.to_thread(self.batch, list(ops))

    def _answer(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            read = [parts for memory in self._find(op.namespace, op.key) for parts in _read(memory)]
            return Item(**read[-1]) if read else None
        if isinstance(op, SearchOp):
            return self._search(op)
        return self._namespaces(op) if isinstance(op, ListNamespacesOp) else None

    def _find(self, namespace: tuple[str, ...], key: str) -> list[Memory]:
        """The memories of this item, the newest last: more than one where two have put it at the same time."""
        if self._thread is None:
            found = self._session.memories(thread=_address(namespace, key), where={_STORE: True})
        else:
            found = self._session.memories(thread=self._thread, where={_KEY: key, **self._within(namespace)})
        return sorted((memory for memory in found if _name(memory) == (tuple(namespace), key)), key=_written)

    def _each(self, namespace: tuple[str, ...]) -> list[Memory]:
        """The items at and below a namespace, those first that were put last."""
        found = sorted(self._session.memories(thread=self._thread, where=self._within(namespace)), key=_written)
        return list({_name(memory): memory for memory in found}.values())[::-1]

    def _search(self, op: SearchOp) -> list[SearchItem]:
        if op.limit <= 0:
            return []
        hits = self._ranked(op) if op.query else iter(())
        return list(islice(hits if op.query else self._plain(op), op.offset, op.offset + op.limit))

    def _plain(self, op: SearchOp) -> Iterator[SearchItem]:
        read = (parts for memory in self._each(op.namespace_prefix) for parts in _read(memory))
        return (SearchItem(**parts, score=None) for parts in read if _fits(parts["value"], op.filter))

    def _ranked(self, op: SearchOp) -> Iterator[SearchItem]:
        """What answers the query, best first, and then whatever else fits, without a score."""
        most = MOST_RECALLED if op.filter else min(op.offset + op.limit, MOST_RECALLED)
        wanted = {**self._within(op.namespace_prefix), _FOUND: True}
        hits = self._session.recall(op.query or "", limit=most, thread=self._thread, where=wanted)
        newest = {_name(each): each.id for each in sorted((hit.memory for hit in hits), key=_written)}
        found = (
            (parts, hit.score)
            for hit in hits
            if newest[_name(hit.memory)] == hit.memory.id
            for parts in _read(hit.memory)
        )
        yield from (SearchItem(**parts, score=score) for parts, score in found if _fits(parts["value"], op.filter))
        yield from (item for item in self._plain(op) if (item.namespace, item.key) not in newest)

    def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        rules = op.match_conditions or ()
        named = {_namespace(memory) for memory in self._session.memories(thread=self._thread, where=self._within(()))}
        found = [each for each in named if each is not None]
        chosen = {each[: op.max_depth] for each in found if all(_matches(each, rule) for rule in rules)}
        return sorted(chosen)[op.offset : op.offset + op.limit]

    def _put(self, ops: Iterable[PutOp]) -> None:
        drafts = [(op, None if op.value is None else self._draft(op)) for op in ops]  # all are checked first
        fresh = []
        for op, draft in drafts:
            found = self._find(op.namespace, op.key)
            self._forget(found if draft is None else found[:-1])
            if draft is not None and not (found and self._amended(found[-1], draft)):
                fresh.append((op, draft))
        self._session.remember_many([draft for _, draft in fresh])
        for op, _ in fresh:  # another may have put the same item since it was looked for: the later one stays
            self._forget(self._find(op.namespace, op.key)[:-1])

    def _amended(self, memory: Memory, draft: Draft) -> bool:
        try:
            self._session.amend(memory.id, draft.text, metadata=draft.metadata)
        except NotFoundError:  # another has deleted it by now
            return False
        return True

    def _forget(self, memories: Iterable[Memory]) -> None:
        for memory in memories:
            with suppress(NotFoundError):  # another was first
                self._session.forget(memory.id)

    def _draft(self, op: PutOp) -> Draft:
        value = written(dict(op.value or {}))
        labels = {str(depth): label for depth, label in enumerate(op.namespace)}
        item = {_KEY: op.key, _DEPTH: len(op.namespace), _FOUND: op.index is not False, **labels}
        metadata: dict[str, Any] = {**self._mine, **item}
        fields = self._fields if op.index is None else op.index
        if is_long(value):
            if fields:
                raise InputError(f"a value that is found by some of its fields has at most {BESIDE:,} bytes as JSON")
            text = value
        else:
            text, metadata[_VALUE] = readable(_text(dict(op.value or {}), fields or None), value), value
        thread = _address(op.namespace, op.key) if self._thread is None else self._thread
        return draft_of({"text": text, "thread": thread, "kind": "item", "metadata": metadata})

    def _within(self, namespace: tuple[str, ...]) -> dict[str, Any]:
        """The metadata of whatever is at or below a namespace; first what says most, since that is looked for first."""
        return {**{str(depth): namespace[depth] for depth in reversed(range(len(namespace)))}, **self._mine}

    @property
    def _mine(self) -> dict[str, Any]:
        """The metadata of whatever is in this store: one that is of one thread names it."""
        return {_STORE: True if self._thread is None else self._thread}


def capturing(session: Session, *, thread: str | None = None) -> Callable[[Any], dict[str, Any]]:
    """A node, or a `post_model_hook`, that remembers what people and models have said.

    It reads `messages` of the graph's state, remembers each of theirs once, and changes nothing in the state. Calls of
    tools, and what they return, are left out.

    Args:
        session: an awake persona.
        thread: the conversation; None for the run's `thread_id`, where it has one.
    """

    def capture(state: Any) -> dict[str, Any]:
        told = thread or str(get_config().get("configurable", {}).get("thread_id") or "") or None
        known = {memory.metadata.get("message") for memory in session.memories(thread=told)}
        fresh = [
            {"text": piece, "thread": told, "source": message.type, "kind": "message", "metadata": {"message": name}}
            for place, message in enumerate(_messages(state))
            if message.type in _SAID and (name := message.id or str(place)) not in known
            for piece in pieces(message.text)
        ]
        if fresh:
            session.remember_many(fresh)
        return {}

    return capture


def _messages(state: Any) -> list[Any]:
    return list(state["messages"] if isinstance(state, dict) else state.messages)


def _address(namespace: tuple[str, ...], key: str) -> str:
    """The thread of an item: each has one for itself, since a thread is found without looking at every memory."""
    address = f"{_STORE}{json.dumps([*namespace, key], ensure_ascii=False)}"
    if len(address.encode("utf-8", "surrogatepass")) <= MAX_LABEL_BYTES:
        return address
    return f"{_STORE}:{hashlib.sha256(address.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _namespace(memory: Memory) -> tuple[str, ...] | None:
    """The namespace of an item; None where another program wrote what looks like one."""
    depth, labels = memory.metadata.get(_DEPTH), memory.metadata
    if not isinstance(depth, int) or any(str(each) not in labels for each in range(depth)):
        return None
    return tuple(str(labels[str(each)]) for each in range(depth))


def _name(memory: Memory) -> tuple[object, object]:
    """Which item this memory is of."""
    return _namespace(memory), memory.metadata.get(_KEY)


def _written(memory: Memory) -> datetime:
    return memory.recorded


def _read(memory: Memory) -> list[dict[str, Any]]:
    """What the item is made of; nothing where another program, or an `amend`, made something else of the memory."""
    namespace, key = _namespace(memory), memory.metadata.get(_KEY)
    try:
        value = json.loads(str(memory.metadata.get(_VALUE, memory.text)))
    except (ValueError, RecursionError):
        return []
    if namespace is None or not isinstance(key, str) or not isinstance(value, dict):
        return []
    times = {"created_at": memory.at, "updated_at": memory.recorded}
    return [{"namespace": namespace, "key": key, "value": value, **times}]


def _text(value: dict[str, Any], fields: list[str] | None) -> str:
    if fields is None:
        return words(value)
    return "\n".join(text for path in fields for text in get_text_at_path(value, path))


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value is as a filter says: equal, compared by operators, or so in every field that is named."""
    if not isinstance(wanted, dict):
        return wanted is None or bool(value == wanted)
    return all(_field_fits(value.get(name), each) for name, each in wanted.items())


def _field_fits(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(value == (list(wanted) if isinstance(wanted, tuple) else wanted))
    if any(name.startswith("$") for name in wanted):
        return all(_compared(value, name, other) for name, other in wanted.items())
    return isinstance(value, dict) and all(_field_fits(value.get(name), each) for name, each in wanted.items())


def _compared(value: Any, operator: str, other: Any) -> bool:
    if operator not in _COMPARES:
        raise InputError(f"a filter has no operator of that name; there are {', '.join(_COMPARES)}")
    try:
        return _COMPARES[operator](value, other)
    except TypeError:  # one is not there, or they have no order
        return False


def _matches(namespace: tuple[str, ...], rule: MatchCondition) -> bool:
    if rule.match_type not in ("prefix", "suffix"):
        raise InputError("a namespace is matched by its prefix or its suffix")
    path = tuple(rule.path)
    part = namespace[: len(path)] if rule.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return len(namespace) >= len(path) and all(want in ("*", label) for label, want in zip(part, path, strict=True))
