"""Faults against P3: something is in the clear, or stays when it was forgotten or amended."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import zlib
from dataclasses import replace
from typing import Any

import numpy as np

from kit import checks
from kit.faults.table import Patch, fault
from severance import House, NotFoundError, Session, SeveranceError, drafts, waking
from severance import session as session_module
from severance.chip.register import Keys
from severance.crypto import envelope
from severance.errors import InputError
from severance.mind import Mind, views
from severance.mind.lexical import Lexical, Words
from severance.mind.memories import GONE, Memories
from severance.model import Sealed
from severance.space import Space
from severance.vault import erasing, sqlite


@fault(checks.nothing_in_the_clear)
def a_text_is_logged(patch: Patch) -> None:
    true = Session.remember

    def remember(self: Session, text: str, **fields: Any) -> Any:
        logging.getLogger("severance.session").debug("remembering %s", text)
        return true(self, text, **fields)

    patch.setattr(Session, "remember", remember)


@fault(checks.nothing_in_the_clear)
def an_error_quotes_the_text(patch: Patch) -> None:
    true = drafts.check_text

    def check_text(text: Any, what: str, most: int, *limit: str) -> str:
        try:
            return true(text, what, most, *limit)
        except InputError as problem:
            raise InputError(f"{problem}: {text!r:.40}") from None

    patch.setattr(drafts, "check_text", check_text)


@fault(checks.nothing_in_the_clear)
def an_unknown_id_is_repeated_in_the_error(patch: Patch) -> None:
    patch.setattr("severance.session.found", lambda memory: memory)
    true = Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        found = true(self, id)
        if found is None:
            raise NotFoundError(f"no memory has the id {id}")
        return found

    patch.setattr(Session, "get", get)


@fault(checks.nothing_in_the_clear)
def a_query_goes_through_a_temporary_file(patch: Patch) -> None:
    true = Session.recall

    def recall(self: Session, query: str, **how: Any) -> Any:
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(query)
        return true(self, query, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.nothing_in_the_clear)
def frames_are_not_encrypted(patch: Patch) -> None:
    class Nothing:
        def __init__(self, key: bytes) -> None:
            pass

        def encrypt(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
            return plain + bytes(16)

        def decrypt(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
            return bytes(sealed)[:-16]

    patch.setattr(envelope, "AESGCM", Nothing)


@fault(checks.nothing_in_the_clear)
def snapshots_are_written_as_they_are(patch: Patch) -> None:
    true = Space.write_layers

    def write(self: Space, contents: Any, drop: Any = ()) -> bool:
        sealer = self._sealer
        self._sealer = type("Open", (), {"seal": lambda self, where, plain: Sealed(b"\1\1\2" + plain)})()
        try:
            return true(self, contents, drop)
        finally:
            self._sealer = sealer

    patch.setattr(Space, "write_layers", write)


@fault(checks.nothing_in_the_clear)
def rows_of_the_chip_are_found_by_name(patch: Patch) -> None:
    def row_id(self: Keys, kind: str, *parts: str | bytes) -> bytes:
        raw = b"".join(part.encode() if isinstance(part, str) else part[:8] for part in (kind[:2], *parts))
        return raw[:16].ljust(16, b".")

    patch.setattr(Keys, "row_id", row_id)


@fault(checks.nothing_in_the_clear)
def a_session_shows_its_persona(patch: Patch) -> None:
    patch.setattr(Session, "__repr__", lambda self: f"<Session with {[m.text for m in self._mind.memories()]}>")


@fault(checks.forgotten_is_erased)
def the_frame_of_a_forgotten_memory_stays(patch: Patch) -> None:
    true = Space.append
    patch.setattr(Space, "append", lambda self, events, erase=(): true(self, events))


@fault(checks.forgotten_is_erased)
def the_snapshot_outlives_what_was_forgotten(patch: Patch) -> None:
    patch.setattr(erasing, "drop_holding", lambda db, where, space, seq: [])


@fault(checks.forgotten_is_erased)
def only_the_layer_of_the_first_record_is_dropped(patch: Patch) -> None:
    true, last = erasing.drop_holding, list[object]()

    def drop_holding(db: Any, where: str, space: bytes, seq: int) -> list[bytes]:
        known = bool(last)
        last.append(seq)
        return [] if known else true(db, where, space, seq)

    patch.setattr(erasing, "drop_holding", drop_holding)


@fault(checks.layers_do_not_outlive_a_forgetting)
def the_vault_does_not_mark_what_was_erased(patch: Patch) -> None:
    true = erasing.erase

    def erase(db: Any, where: str, space: bytes, seqs: set[int], last: int) -> list[bytes]:
        gone = true(db, where, space, seqs, last)
        db.execute("UPDATE spaces SET erased = 0 WHERE id = ?", (space,))
        return gone

    patch.setattr(erasing, "erase", erase)


@fault(checks.layers_do_not_outlive_a_forgetting)
def a_layer_has_the_terms_of_all_that_the_mind_ever_held(patch: Patch) -> None:
    keep, cut = Lexical.keep, Lexical._words

    def kept(self: Any, rows: Any) -> None:
        self.ever = self.keys.view.copy()
        keep(self, rows)

    def words(self: Any, *of: Any) -> Words:
        found = cut(self, *of)
        keys = np.union1d(found.keys, getattr(self, "ever", found.keys))
        starts = np.zeros(len(keys) + 1, np.int64)
        starts[keys.searchsorted(found.keys) + 1] = np.diff(found.starts)
        return replace(found, keys=keys, starts=starts.cumsum())

    patch.setattr(Lexical, "keep", kept)
    patch.setattr(Lexical, "_words", words)


@fault(checks.layers_do_not_outlive_a_forgetting)
def a_layer_is_dropped_after_the_record_that_says_why(patch: Patch) -> None:
    """By whoever closes the vault: between, and after a crash, it is there."""
    patch.setattr(erasing, "drop_holding", lambda db, where, space, seq: [])
    true = sqlite.SqliteVault.close

    def close(self: Any) -> None:
        for space in self.spaces() if self._mode == "mode=rw" else []:
            self._writer.change(lambda db, of=space: db.execute("DELETE FROM layers WHERE space = ?", (of,)), space)
        true(self)

    patch.setattr(sqlite.SqliteVault, "close", close)


@fault(checks.forgotten_is_erased)
def only_the_version_named_is_forgotten(patch: Patch) -> None:
    true = Mind.chain
    patch.setattr(Mind, "chain", lambda self, memory: true(self, memory)[-1:])


@fault(checks.forgotten_is_erased)
def repeats_of_a_forgotten_memory_are_not_erased(patch: Patch) -> None:
    patch.setattr(Memories, "tell", lambda self, seq, row, kind: None)


@fault(checks.forgotten_is_erased)
def a_forgotten_memory_is_still_recalled(patch: Patch) -> None:
    patch.setattr(Mind, "_forget", lambda self, ids: None)


@fault(checks.forgotten_is_erased)
def a_mind_that_forgot_everything_is_taken_for_none(patch: Patch) -> None:
    true = waking._layered

    def layered(space: Space, held: Any, anchor: Any) -> Any:
        mind, label = true(space, held, anchor)
        return mind or Mind(), label

    patch.setattr(waking, "_layered", layered)


@fault(checks.only_the_current_version)
def a_superseded_version_is_recalled(patch: Patch) -> None:
    patch.setattr(views, "current", lambda memories: (memories.flags.view & GONE) == 0)


@fault(checks.only_the_current_version)
def as_of_is_ignored(patch: Patch) -> None:
    patch.setattr(views, "of_time", lambda memories, as_of: views.current(memories))


@fault(checks.only_the_current_version)
def amending_writes_over_the_version_before(patch: Patch) -> None:
    patch.setattr(Memories, "versions", lambda self, row: [row])


@fault(checks.nothing_in_the_clear)
def a_query_is_left_in_the_environment(patch: Patch) -> None:
    true = Session.recall
    patch.setenv("SEVERANCE_LAST", "")

    def recall(self: Session, query: str, **how: Any) -> Any:
        os.environ["SEVERANCE_LAST"] = query
        return true(self, query, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.nothing_in_the_clear)
def a_snapshot_goes_through_a_temporary_file(patch: Patch) -> None:
    true = Space.write_layers

    def write(self: Space, contents: Any, drop: Any = ()) -> bool:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(b"".join(content for _, _, content in contents))
        return true(self, contents, drop)

    patch.setattr(Space, "write_layers", write)


@fault(checks.nothing_in_the_clear)
def the_vector_of_a_query_is_kept_in_a_file(patch: Patch) -> None:
    true = session_module.query_vector

    def query_vector(embedder: Any, query: str, dimensions: int) -> Any:
        found = true(embedder, query, dimensions)
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(found.tobytes())
        return found

    patch.setattr(session_module, "query_vector", query_vector)


@fault(checks.nothing_in_the_clear)
def what_is_deleted_was_there_compressed(patch: Patch) -> None:
    true = Session.remember

    def remember(self: Session, text: str, **fields: Any) -> Any:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(zlib.compress(text.encode()))
        return true(self, text, **fields)

    patch.setattr(Session, "remember", remember)


@fault(checks.nothing_in_the_clear)
def a_log_line_has_the_query_in_hexadecimal(patch: Patch) -> None:
    true = Session.recall

    def recall(self: Session, query: str, **how: Any) -> Any:
        logging.getLogger("severance.session").debug("recalling %s", query.encode().hex())
        return true(self, query, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.nothing_in_the_clear)
def an_error_has_the_text_as_a_note(patch: Patch) -> None:
    true = Session.remember

    def remember(self: Session, text: str, **fields: Any) -> Any:
        try:
            return true(self, text, **fields)
        except SeveranceError as error:
            error.add_note(f"while remembering {text[:40]}")
            raise

    patch.setattr(Session, "remember", remember)


@fault(checks.nothing_in_the_clear)
def a_file_beside_the_store_names_who_is_severed(patch: Patch) -> None:
    true = House.sever

    def sever(self: House, subject: str, personas: Any) -> Any:
        found = true(self, subject, personas)
        (self._directory / "personas.txt").write_text(" ".join([subject, *personas]))
        return found

    patch.setattr(House, "sever", sever)


@fault(checks.nothing_in_the_clear)
def a_house_shows_who_lives_there(patch: Patch) -> None:
    def shown(self: House) -> str:
        return f"<House with {[memory.text for one in self._sessions.values() for memory in one.memories()]}>"

    patch.setattr(House, "__repr__", shown)


@fault(checks.nothing_in_the_clear)
def a_log_line_has_a_digest_of_the_query(patch: Patch) -> None:
    true = Session.recall

    def recall(self: Session, query: str, **how: Any) -> Any:
        digest = hashlib.sha256(query.encode()).hexdigest()[:16]
        logging.getLogger("severance.session").debug("recalling %s", digest)
        return true(self, query, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.nothing_in_the_clear)
def the_vector_of_a_query_is_logged_as_numbers(patch: Patch) -> None:
    true = session_module.query_vector

    def query_vector(embedder: Any, query: str, dimensions: int) -> Any:
        found = true(embedder, query, dimensions)
        logging.getLogger("severance.session").debug("near %s", [round(float(one), 6) for one in found.ravel()])
        return found

    patch.setattr(session_module, "query_vector", query_vector)


@fault(checks.nothing_in_the_clear)
def a_vector_is_kept_in_half_precision(patch: Patch) -> None:
    true = session_module.query_vector

    def query_vector(embedder: Any, query: str, dimensions: int) -> Any:
        found = true(embedder, query, dimensions)
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(found.astype("<f2").tobytes())
        return found

    patch.setattr(session_module, "query_vector", query_vector)
