"""Faults against P1: something is shared between personas."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from kit import checks
from kit.faults.table import Patch, fault
from severance import NotFoundError, Session
from severance import session as session_module
from severance.cli import screen
from severance.cli.commands import export as export_command
from severance.crypto import envelope
from severance.disk import connection
from severance.disk.connection import Connection
from severance.mind import Mind
from severance.mind.columns import Scratch
from severance.ports import Entry
from severance.vault.sqlite import SqliteVault


@fault(checks.separate)
def recollections_are_cached_by_query_for_all_sessions(patch: Patch) -> None:
    true, caches = Session.recall, WeakKeyDictionary[Any, dict[Any, Any]]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        space: Any = self._space
        cache, asked = caches.setdefault(space and space._vault, {}), (query, repr(how))
        if asked not in cache:
            cache[asked] = true(self, query, **how)
        return cache[asked]

    patch.setattr(Session, "recall", recall)


@fault(checks.separate)
def ids_count(patch: Patch) -> None:
    numbers = itertools.count()
    true = Session.__init__

    class Counting:
        def __init__(self, entropy: Any) -> None:
            self.entropy = entropy

        def draw(self, size: int, scope: bytes) -> bytes:
            count = size // 15
            return b"".join(next(numbers).to_bytes(15, "big") for _ in range(count)) if size % 15 == 0 else b"x" * size

    def made(self: Session, *given: Any, entropy: Any, **named: Any) -> None:
        true(self, *given, entropy=Counting(entropy), **named)

    patch.setattr(Session, "__init__", made)


@fault(checks.separate)
def all_spaces_draw_from_one_stream(patch: Patch) -> None:
    true = Session.__init__

    class Shared:
        def __init__(self, entropy: Any) -> None:
            self.entropy = entropy

        def draw(self, size: int, scope: bytes) -> bytes:
            drawn: bytes = self.entropy.draw(size, b"all")
            return drawn

    def made(self: Session, *given: Any, entropy: Any, **named: Any) -> None:
        true(self, *given, entropy=Shared(entropy), **named)

    patch.setattr(Session, "__init__", made)


@fault(checks.separate)
def counts_include_every_space(patch: Patch) -> None:
    true = Session.stats

    def stats(self: Session) -> dict[str, int]:
        found = true(self)
        space: Any = self._space
        return {**found, "records": sum(space._vault.head(each).seq for each in space._vault.spaces())}

    patch.setattr(Session, "stats", stats)


@fault(checks.separate)
def a_text_that_another_persona_remembered_counts_as_a_repeat(patch: Patch) -> None:
    true, said = Session.remember, defaultdict[str, int](int)

    def remember(self: Session, text: str, **fields: Any) -> Any:
        memory = true(self, text, **fields)
        said[memory.text] += 1
        return replace(memory, repeats=max(memory.repeats, said[memory.text]))

    patch.setattr(Session, "remember", remember)


@fault(checks.separate)
def times_are_made_unique_across_the_house(patch: Patch) -> None:
    true, last = Session._write, [0]

    def write(self: Session, plan: Any) -> Any:
        clock = self._clock

        class Later:
            def now(self) -> int:
                last[0] = max(last[0] + 1, clock.now())
                return last[0]

        self._clock = Later()
        return true(self, plan)

    patch.setattr(Session, "_write", write)


@fault(checks.separate)
def one_mind_for_all_personas_of_a_subject(patch: Patch) -> None:
    minds, true = dict[str, Mind](), Session.__init__

    def made(self: Session, persona: Any, *given: Any, **named: Any) -> None:
        true(self, persona, *given, **named)
        self._following._mind = minds.setdefault(persona.subject, self._mind)

    patch.setattr(Session, "__init__", made)


@fault(checks.separate)
def statistics_of_words_are_those_of_everyone(patch: Patch) -> None:
    """As where one index is shared and filtered: scores then tell what others wrote."""
    true, everyone = Mind._remember, [0]

    def remember(self: Mind, seq: int, event: Any) -> None:
        true(self, seq, event)
        everyone[0] += 1

    patch.setattr(Mind, "_remember", remember)
    of = Mind._corpus_of
    patch.setattr(Mind, "_corpus_of", lambda self, wanted: replace(of(self, wanted), count=everyone[0]))


@fault(checks.separate)
def scores_of_all_minds_are_put_in_one_place(patch: Patch) -> None:
    """And not wiped in between: what one persona asked weighs in the answers of another."""

    class Unwiped(np.ndarray[Any, Any]):
        def fill(self, value: Any) -> None: ...

    places: dict[str, Any] = {}

    def floats(self: Scratch, name: str, count: int) -> Any:
        if name not in places or len(places[name]) < count:
            places[name] = np.zeros(max(count, 4_096), np.float32).view(Unwiped)
        return places[name][:count]

    patch.setattr(Scratch, "floats", floats)


@fault(checks.separate)
def an_error_tells_how_much_others_remember(patch: Patch) -> None:
    true = Session._check_embedder
    known: list[Session] = []

    def get(self: Session, id: str) -> Any:  # noqa: A002
        try:
            return true_get(self, id)
        except NotFoundError:
            raise NotFoundError(f"no memory with that id among {sum(len(one._mind) for one in known)}") from None

    def made(self: Session) -> None:
        known.append(self)
        true(self)

    true_get = Session.get
    patch.setattr(Session, "_check_embedder", made)
    patch.setattr(Session, "get", get)


@fault(checks.separate)
def the_vault_reads_the_records_of_every_space(patch: Patch) -> None:
    def read(self: SqliteVault, space: bytes, after: int, limit: int) -> list[Entry]:
        rows = self._reader.query(
            "SELECT seq, frame, digest, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        )
        return [Entry(*row) for row in rows]

    patch.setattr(SqliteVault, "read", read)


@fault(checks.separate)
def the_order_of_what_is_found_depends_on_how_much_others_remember(patch: Patch) -> None:
    true, everyone = Mind.recall, [0]
    remember = Mind._remember

    def remembering(self: Mind, seq: int, event: Any) -> None:
        remember(self, seq, event)
        everyone[0] += 1

    def recall(self: Mind, *given: Any, **how: Any) -> Any:
        found = true(self, *given, **how)
        first = everyone[0] % max(1, len(found))
        return found[first:] + found[:first]

    patch.setattr(Mind, "_remember", remembering)
    patch.setattr(Mind, "recall", recall)


@fault(checks.separate)
def the_embedder_s_cache_is_keyed_by_how_long_a_query_is(patch: Patch) -> None:
    true, caches = session_module.query_vector, WeakKeyDictionary[Any, dict[int, Any]]()

    def query_vector(embedder: Any, query: str, dimensions: int) -> Any:
        return caches.setdefault(embedder, {}).setdefault(len(query), true(embedder, query, dimensions))

    patch.setattr(session_module, "query_vector", query_vector)


@fault(checks.separate)
def a_call_begins_with_what_a_cancelled_one_left(patch: Patch) -> None:
    """A buffer that is emptied at the end of a call, and is not when the call was cut short."""
    true, asked = Session.recall, list[str]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        asked.append(query)
        found = true(self, asked[0], **how)
        asked.clear()
        return found

    patch.setattr(Session, "recall", recall)


@fault(checks.a_call_cut_short_leaves_nothing)
def a_connection_goes_on_where_a_cancelled_call_stopped(patch: Patch) -> None:
    def change(self: Connection, work: Any, space: bytes | None = None) -> Any:
        with self._lock:
            raw = self.live()
            try:
                if not raw.in_transaction:
                    raw.execute("BEGIN IMMEDIATE")
                self._check_layout(raw)
                result = work(raw)
                raw.execute("COMMIT")
                return result
            except connection.FAULTS as error:
                raise connection.translated(error, self._path, space) from error

    patch.setattr(Connection, "change", change)


@fault(checks.separate)
def an_error_of_one_session_is_raised_at_the_next_call_of_any(patch: Patch) -> None:
    true, pending = Session.stats, list[Exception]()
    remember = Session.remember

    def remembering(self: Session, text: str, **fields: Any) -> Any:
        try:
            return remember(self, text, **fields)
        except Exception as error:
            pending.append(error)
            raise

    def stats(self: Session) -> dict[str, int]:
        if pending:
            raise pending.pop()
        return true(self)

    patch.setattr(Session, "remember", remembering)
    patch.setattr(Session, "stats", stats)


@fault(checks.separate)
def frames_are_as_long_as_what_they_hold(patch: Patch) -> None:
    patch.setattr(envelope, "bucket", lambda length: max(256, length + 4))


@fault(checks.separate)
def a_file_is_named_after_what_it_holds(patch: Patch) -> None:
    true = Session.remember

    def remember(self: Session, text: str, **fields: Any) -> Any:
        memory = true(self, text, **fields)
        space: Any = self._space
        store = space._vault._writer._path.parent
        (store / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.lock").touch()
        return memory

    patch.setattr(Session, "remember", remember)


@fault(checks.commands_show_one_persona)
def a_command_prints_what_the_one_before_printed(patch: Patch) -> None:
    true, kept = export_command.write_jsonl, list[Any]()

    def write_jsonl(memories: Any, out: Any) -> int:
        kept.extend(memories)
        return true(kept, out)

    patch.setattr(export_command, "write_jsonl", write_jsonl)


@fault(checks.commands_show_one_persona)
def a_command_tells_how_many_memories_the_house_has(patch: Patch) -> None:
    true, told = Session.__init__, [0]

    def made(self: Session, *given: Any, **named: Any) -> None:
        true(self, *given, **named)
        told[0] += len(self._mind)

    patch.setattr(Session, "__init__", made)
    line = screen.line
    patch.setattr(screen, "line", lambda text: line(f"{text} ({told[0]} in all)"))


@fault(checks.threads_do_not_mix)
def the_session_that_called_last_answers_every_thread(patch: Patch) -> None:
    true, current = Session.recall, list[Session]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        current[:] = [self]
        time.sleep(0.001)
        return true(current[0], query, **how)

    patch.setattr(Session, "recall", recall)
