"""Faults in what is captured from notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance.capture import notes, secrets, watching
from severance.capture.exclusion import Exclusion
from severance.capture.secrets import Cleaned
from severance.errors import AsleepError
from severance.transfer.items import Item, Skipped


@fault(checks.secrets_in_notes_are_not_remembered)
def a_secret_in_a_note_is_kept(patch: Patch) -> None:
    patch.setattr(notes, "clean", lambda text: Cleaned(text, {}))


@fault(checks.secrets_in_notes_are_not_remembered)
def a_note_is_cleaned_only_after_it_was_cut(patch: Patch) -> None:
    cut = notes._items

    def items(text: str, name: str, changed: datetime) -> Iterator[Item | Skipped]:
        for each in cut(text, name, changed):
            if isinstance(each, Item):
                yield replace(each, draft=replace(each.draft, text=secrets.clean(each.draft.text).text))

    patch.setattr(notes, "clean", lambda text: secrets.clean(text) if len(text) < 100 else Cleaned(text, {}))
    patch.setattr(notes, "_items", items)


@fault(checks.secrets_in_notes_are_not_remembered)
def only_the_beginning_of_a_token_is_taken_out(patch: Patch) -> None:
    true = secrets._place
    patch.setattr(secrets._Words, "end", lambda self, place: place)
    patch.setattr(secrets, "_place", lambda match, kind: match.span(1) if match.re.groups else true(match, kind))


@fault(checks.what_is_left_out_is_not_remembered)
def a_file_that_was_left_out_is_remembered(patch: Patch) -> None:
    patch.setattr(Exclusion, "leaves_out", lambda self, path, *, is_folder: is_folder and path.startswith("."))


@fault(checks.what_is_left_out_is_not_remembered)
def a_folder_that_was_left_out_is_looked_into(patch: Patch) -> None:
    true = Exclusion.leaves_out
    patch.setattr(
        Exclusion, "leaves_out", lambda self, path, *, is_folder: not is_folder and true(self, path, is_folder=False)
    )


@fault(checks.notes_go_to_the_persona_they_were_meant_for)
def whoever_wakes_next_is_given_the_notes(patch: Patch) -> None:
    class Anybody(watching._Held):
        def calling(self, look: Any) -> Any:
            self._who = (self._session.subject, self._session.persona)
            try:
                return look(self._session)
            except AsleepError:
                self._stack.close()
                self._session = self._stack.enter_context(self._enter())
                return look(self._session)

    patch.setattr(watching, "_Held", Anybody)
