"""Faults in what ends sessions, and in what lets in: one persona's end is seen by another, a secret is kept."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance.chip.gate import Gate
from severance.chip.register import TurnRow
from severance.chip.thresholds import book
from severance.chip.thresholds.book import Book
from severance.crossing import Crossing
from severance.worker import child
from severance.worker.scratch import Scratch


@fault(checks.what_ends_one_ends_no_other)
def an_exclusive_subject_ends_the_sessions_of_all_that_are(patch: Patch) -> None:
    turn, of = Book.take_turn, book._of
    patch.setattr(Book, "take_turn", lambda self, subject: turn(self, "everybody"))
    patch.setattr(book, "_of", lambda subject, place: (*of(subject, place)[:2], TurnRow("everybody", 0)))


@fault(checks.what_ends_one_ends_no_other)
def a_budget_is_used_up_by_all_personas(patch: Patch) -> None:
    true = Book.awake

    def awake(self: Book, space: bytes) -> dict[int, int]:
        found: dict[int, int] = {}
        for who in self._chip.everyone():
            for day, span in true(self, self._chip.key(who).space).items():
                found[day] = found.get(day, 0) + span
        return found

    patch.setattr(Book, "awake", awake)


@fault(checks.what_ends_one_ends_no_other)
def what_was_dropped_is_written_down_when_anybody_crosses(patch: Patch) -> None:
    true = Crossing._write_dropped
    patch.setattr(Crossing, "_write_dropped", lambda self, *personas: true(self))


@fault(checks.nothing_in_the_clear)
def a_permit_is_logged_when_it_is_made(patch: Patch) -> None:
    true = Gate.permit

    def permit(self: Gate, *given: Any, **named: Any) -> str:
        text = true(self, *given, **named)
        logging.getLogger("severance").debug("made %s", text)
        return text

    patch.setattr(Gate, "permit", permit)


@fault(checks.nothing_in_the_clear)
def a_credential_that_was_shown_is_kept_in_a_file(patch: Patch) -> None:
    true = Gate.read

    def read(self: Gate, text: str, *given: Any) -> Any:
        path: Path = self._chip._rows._connection._path
        with path.with_name("shown").open("a") as file:
            file.write(text)
        return true(self, text, *given)

    patch.setattr(Gate, "read", read)


if sys.platform != "win32":

    @fault(checks.a_worker_shows_nothing)
    def two_workers_have_one_directory(patch: Patch) -> None:
        true, made = Scratch.make, list[Path]()

        def make(self: Scratch) -> Path:
            made.append(true(self))
            return made[0]

        patch.setattr(Scratch, "make", make)


if sys.platform == "linux":

    @fault(checks.a_worker_shows_nothing)
    def a_worker_s_arguments_say_whose_it_is(patch: Patch) -> None:
        true = child.command
        patch.setattr(child, "command", lambda: [*true(), "mark"])
