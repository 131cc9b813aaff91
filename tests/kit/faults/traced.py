"""Faults against P1 that few calls show: in what is rare, large, long, named alike, or beside the frames on disk."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections import defaultdict
from dataclasses import replace
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import Session
from severance.crypto.envelope import Sealer
from severance.errors import StoreFullError
from severance.mind import Mind


@fault(checks.separate)
def recollections_are_cached_by_names_without_case(patch: Patch) -> None:
    true, cache = Session.recall, dict[Any, Any]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        space: Any = self._space
        asked = (space and id(space._vault), self.subject.casefold(), self.persona.casefold(), query, repr(how))
        if asked not in cache:
            cache[asked] = true(self, query, **how), space  # which keeps its id from being another's
        return cache[asked][0]

    patch.setattr(Session, "recall", recall)


@fault(checks.separate_where_it_is_rare)
def a_house_keeps_so_many_memories_and_no_more(patch: Patch) -> None:
    minds = list[Mind]()
    made, true = Session.__init__, Session.remember

    def making(self: Session, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        minds.append(self._mind)

    def remember(self: Session, text: str, **fields: Any) -> Any:
        if sum(len(mind) for mind in minds) > 280:
            raise StoreFullError("there is no room for more memories")
        return true(self, text, **fields)

    patch.setattr(Session, "__init__", making)
    patch.setattr(Session, "remember", remember)


@fault(checks.separate_where_it_is_rare)
def kinds_are_spelled_as_whoever_used_them_first(patch: Patch) -> None:
    true, used = Session.remember, defaultdict[str | None, int](int)

    def remember(self: Session, text: str, **fields: Any) -> Any:
        memory = true(self, text, **fields)
        used[memory.kind] += memory.kind is not None
        return replace(memory, repeats=memory.repeats + used[memory.kind])

    patch.setattr(Session, "remember", remember)


@fault(checks.separate_where_it_is_rare)
def a_wide_question_is_cut_by_what_others_hold(patch: Patch) -> None:
    true, everyone, remember = Session.recall, [0], Mind._remember

    def remembering(self: Mind, seq: int, event: Any) -> None:
        remember(self, seq, event)
        everyone[0] += 1

    def recall(self: Session, query: str, *, limit: int = 10, **how: Any) -> Any:
        found = true(self, query, limit=limit, **how)
        return found[everyone[0] % 3 :] if limit > 100 else found

    patch.setattr(Mind, "_remember", remembering)
    patch.setattr(Session, "recall", recall)


@fault(checks.separate_where_it_is_rare)
def long_texts_go_through_one_buffer(patch: Patch) -> None:
    true, buffer = Session.remember, list[int]()

    def remember(self: Session, text: str, **fields: Any) -> Any:
        memory = true(self, text, **fields)
        if len(text.encode()) > 48 * 1024:
            buffer.append(1)
        return replace(memory, repeats=memory.repeats + len(buffer))

    patch.setattr(Session, "remember", remember)


@fault(checks.separate)
def nonces_are_made_of_what_is_sealed(patch: Patch) -> None:
    true = Sealer.seal

    class Made:
        def __init__(self, content: bytes) -> None:
            self.content = content

        def draw(self, size: int, scope: bytes) -> bytes:
            return hashlib.sha512(self.content).digest()[:size]

    def seal(self: Sealer, where: Any, content: Any) -> Any:
        kept, self._entropy = self._entropy, Made(content)
        try:
            return true(self, where, content)
        finally:
            self._entropy = kept

    patch.setattr(Sealer, "seal", seal)


@fault(checks.separate)
def a_column_has_a_digest_of_the_last_text(patch: Patch) -> None:
    true = Session.remember

    def remember(self: Session, text: str, **fields: Any) -> Any:
        memory = true(self, text, **fields)
        space: Any = self._space
        row = ("last", hashlib.sha256(text.encode()).digest()[:4])
        space._vault._writer.change(lambda db: db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row))
        return memory

    patch.setattr(Session, "remember", remember)


@fault(checks.separate)
def a_file_is_left_where_somebody_asked(patch: Patch) -> None:
    true = Session.recall

    def recall(self: Session, query: str, **how: Any) -> Any:
        space: Any = self._space
        if space is not None:
            (space._vault._writer._path.parent / "spill").touch()
        return true(self, query, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.separate)
def a_line_about_what_all_hold_goes_straight_to_the_errors(patch: Patch) -> None:
    true, remember, everyone = Session.recall, Mind._remember, [0]

    def remembering(self: Mind, seq: int, event: Any) -> None:
        remember(self, seq, event)
        everyone[0] += 1

    def recall(self: Session, query: str, **how: Any) -> Any:
        os.write(2, b"." if everyone[0] % 2 else b"")
        return true(self, query, **how)

    patch.setattr(Mind, "_remember", remembering)
    patch.setattr(Session, "recall", recall)


@fault(checks.separate)
def c_code_says_how_long_the_last_text_was(patch: Patch) -> None:
    true, library = Session.remember, ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)

    def remember(self: Session, text: str, **fields: Any) -> Any:
        library.puts(b"%d bytes" % len(text))
        return true(self, text, **fields)

    patch.setattr(Session, "remember", remember)
