"""Faults against P2: a name or an id is a door, or tells."""

from __future__ import annotations

import logging
from fnmatch import fnmatch
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import AsleepError, NotFoundError, Session
from severance.barrier.suites import attack
from severance.chip import chip as chip_module
from severance.chip.chip import Chip
from severance.chip.register import Keys
from severance.errors import InputError
from severance.model import Recollection


@fault(checks.DOORS)
def an_id_of_another_persona_is_forbidden_and_not_unknown(patch: Patch) -> None:
    true, given = Session.get, set[str]()
    remember = Session.remember

    def remembering(self: Session, text: str, **fields: Any) -> Any:
        memory = remember(self, text, **fields)
        given.add(memory.id)
        return memory

    def get(self: Session, id: str) -> Any:  # noqa: A002
        try:
            return true(self, id)
        except NotFoundError:
            raise NotFoundError("that memory is another persona's" if id in given else "no such memory") from None

    patch.setattr(Session, "remember", remembering)
    patch.setattr(Session, "get", get)


@fault(checks.DOORS)
def a_forgotten_id_is_called_forgotten(patch: Patch) -> None:
    true, forgotten = Session.forget, set[str]()
    history = Session.history

    def forget(self: Session, id: str) -> int:  # noqa: A002
        count = true(self, id)
        forgotten.add(id)
        return count

    def told(self: Session, id: str) -> Any:  # noqa: A002
        if id in forgotten:
            raise NotFoundError("that memory was forgotten")
        return history(self, id)

    patch.setattr(Session, "forget", forget)
    patch.setattr(Session, "history", told)


@fault(checks.DOORS)
def a_malformed_id_is_an_input_error(patch: Patch) -> None:
    true = Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        if len(id) != 30:
            raise InputError("that is not an id")
        return true(self, id)

    patch.setattr(Session, "get", get)


@fault(checks.DOORS)
def the_cause_of_the_error_stays_on_it(patch: Patch) -> None:
    true = Session.forget

    def forget(self: Session, id: str) -> int:  # noqa: A002
        try:
            return true(self, id)
        except NotFoundError as error:
            raise NotFoundError(*error.args) from KeyError(id)

    patch.setattr(Session, "forget", forget)


@fault(checks.DOORS)
def an_unknown_place_wakes_the_first_persona(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        try:
            return true(self, subject, place, at)
        except NotFoundError:
            return self.personas(subject)[0]

    patch.setattr(Chip, "waking", waking)


@fault(checks.DOORS)
def a_place_is_found_by_how_it_begins(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        found = [each.name for each in self.places() if each.name.startswith(place)]
        return true(self, subject, found[0] if found else place, at)

    patch.setattr(Chip, "waking", waking)


@fault(checks.DOORS)
def case_makes_no_difference_to_a_place(patch: Patch) -> None:
    true = Chip.waking
    patch.setattr(Chip, "waking", lambda self, subject, place, at=None: true(self, subject, place.casefold(), at))


@fault(checks.DOORS)
def the_place_alone_decides_who_wakes(patch: Patch) -> None:
    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        wakes = self.place(place).wakes
        return chip_module.Persona(subject, next(iter(wakes.values())))

    patch.setattr(Chip, "waking", waking)


@fault(checks.asleep_means_asleep)
def a_session_goes_on_after_sleep(patch: Patch) -> None:
    patch.setattr(Session, "sleep", lambda self: None)


@fault(checks.asleep_means_asleep)
def a_sleeping_session_keeps_its_mind(patch: Patch) -> None:
    true = Session.sleep

    def sleep(self: Session) -> None:
        mind = self._mind
        true(self)
        self._following._mind = mind

    patch.setattr(Session, "sleep", sleep)


@fault(checks.asleep_means_asleep)
def a_sleeping_session_keeps_what_its_mind_had_yet_to_take_in(patch: Patch) -> None:
    true = Session.sleep

    def sleep(self: Session) -> None:
        late = list(self._following._late)
        true(self)
        self._following._late = late

    patch.setattr(Session, "sleep", sleep)


@fault(checks.asleep_means_asleep)
def a_sleeping_session_still_answers_from_what_it_has(patch: Patch) -> None:
    true, answers = Session.recall, list[Any]()

    def recall(self: Session, query: str, **how: Any) -> Any:
        try:
            answers.append(true(self, query, **how))
        except AsleepError:
            return answers[-1:] or []
        return answers[-1]

    patch.setattr(Session, "recall", recall)


@fault(checks.DOORS)
def an_id_is_found_by_how_it_begins(patch: Patch) -> None:
    true = Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        found = [memory.id for memory in self._mind.memories() if isinstance(id, str) and memory.id.startswith(id)]
        return true(self, found[0] if found else id)

    patch.setattr(Session, "get", get)


@fault(checks.DOORS)
def a_percent_sign_stands_for_any_id(patch: Patch) -> None:
    true = Session.history

    def history(self: Session, id: str) -> Any:  # noqa: A002
        return true(self, next(self._mind.memories()).id if id == "%" else id)

    patch.setattr(Session, "history", history)


@fault(checks.DOORS)
def an_error_carries_whose_id_it_is(patch: Patch) -> None:
    true, owners = Session.amend, dict[str, str]()
    remember = Session.remember

    def remembering(self: Session, text: str, **fields: Any) -> Any:
        memory = remember(self, text, **fields)
        owners[memory.id] = self.persona
        return memory

    def amend(self: Session, id: str, *given: Any, **named: Any) -> Any:  # noqa: A002
        try:
            return true(self, id, *given, **named)
        except NotFoundError as error:
            if isinstance(id, str) and id in owners:
                error.owner = owners[id]  # type: ignore[attr-defined]
            raise

    patch.setattr(Session, "remember", remembering)
    patch.setattr(Session, "amend", amend)


@fault(checks.DOORS)
def a_note_on_the_error_says_that_the_id_was_malformed(patch: Patch) -> None:
    true = Session.forget

    def forget(self: Session, id: str) -> int:  # noqa: A002
        try:
            return true(self, id)
        except NotFoundError as error:
            if id == "":
                error.add_note("it was empty")
            raise

    patch.setattr(Session, "forget", forget)


@fault(checks.DOORS)
def a_star_stands_for_the_rest_of_a_place(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        found = [each.name for each in self.places() if fnmatch(each.name, place)]
        return true(self, subject, found[0] if found else place, at)

    patch.setattr(Chip, "waking", waking)


@fault(checks.DOORS)
def half_the_name_of_a_subject_is_enough(patch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        found = [each.name for each in self.subjects() if each.name.startswith(subject)]
        return true(self, found[0] if found else subject, place, at)

    patch.setattr(Chip, "waking", waking)


@fault(checks.DOORS)
def who_woke_last_still_wakes_where_nobody_should(patch: Patch) -> None:
    true, wakes = Chip.set_place, dict[tuple[str, str], str]()
    waking = Chip.waking

    def set_place(self: Chip, name: str, given: Any) -> None:
        wakes.update({(subject, name): persona for subject, persona in given.items() if persona is not None})
        true(self, name, given)

    def woken(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        last = wakes.get((subject, place))
        return chip_module.Persona(subject, last) if last else waking(self, subject, place, at)

    patch.setattr(Chip, "set_place", set_place)
    patch.setattr(Chip, "waking", woken)


@fault(checks.names_do_not_run_together)
def subject_and_persona_are_one_word(patch: Patch) -> None:
    true = Keys.row_id

    def row_id(self: Keys, kind: str, *parts: Any) -> bytes:
        return (
            true(self, kind, "".join(parts))
            if all(isinstance(part, str) for part in parts)
            else true(self, kind, *parts)
        )

    patch.setattr(Keys, "row_id", row_id)


# What is asked is a door


def _everybody(patch: Patch) -> list[Session]:
    """All sessions from now on, those that are awake."""
    known, true = list[Session](), Session.__init__

    def made(self: Session, *given: Any, **named: Any) -> None:
        true(self, *given, **named)
        known.append(self)

    patch.setattr(Session, "__init__", made)
    return known


def _awake(known: list[Session]) -> list[Session]:
    return [session for session in known if session._space is not None]


@fault(checks.PLANTED)
def a_star_recalls_from_everybody(patch: Patch) -> None:
    known, true = _everybody(patch), Session.recall

    def recall(self: Session, query: str, **how: Any) -> Any:
        if query != "*":
            return true(self, query, **how)
        return [Recollection(memory, 1.0, ("all",)) for session in _awake(known) for memory in session.memories()]

    patch.setattr(Session, "recall", recall)


@fault(checks.PLANTED)
def metadata_that_names_a_persona_chooses_it(patch: Patch) -> None:
    known, true = _everybody(patch), Session.recall

    def recall(self: Session, query: str, *, where: Any = None, **how: Any) -> Any:
        named = [session for session in _awake(known) if session.persona == (where or {}).get("persona")]
        return true(named[0], query, **how) if named else true(self, query, where=where, **how)

    patch.setattr(Session, "recall", recall)


@fault(checks.PLANTED)
def a_thread_is_looked_for_in_every_persona(patch: Patch) -> None:
    known, true = _everybody(patch), Session.memories

    def memories(self: Session, **how: Any) -> Any:
        asked = _awake(known) if how.get("thread") else [self]
        return (memory for session in asked for memory in true(session, **how))

    patch.setattr(Session, "memories", memories)


@fault(checks.PLANTED)
def an_order_to_ignore_all_instructions_is_followed(patch: Patch) -> None:
    known, true = _everybody(patch), Session.context

    def context(self: Session, query: str, **how: Any) -> Any:
        asked = _awake(known)[0] if "administrator" in query or "Ignore" in query else self
        return true(asked, query, **how)

    patch.setattr(Session, "context", context)


@fault(checks.PLANTED)
def get_looks_in_every_mind(patch: Patch) -> None:
    known, true = _everybody(patch), Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        found = [memory for session in _awake(known) if (memory := session._mind.get(id)) is not None]
        return found[0] if found else true(self, id)

    patch.setattr(Session, "get", get)


@fault(checks.PLANTED)
def a_refused_id_is_logged_with_what_it_stands_for(patch: Patch) -> None:
    known, true = _everybody(patch), Session.history

    def history(self: Session, id: str) -> Any:  # noqa: A002
        for session in _awake(known):
            if session is not self and session._mind.get(id) is not None:
                logging.getLogger("severance").warning("refused: %s", session._mind.get(id))
        return true(self, id)

    patch.setattr(Session, "history", history)


@fault(checks.PLANTED)
def a_refusal_quotes_what_was_refused(patch: Patch) -> None:
    known, true = _everybody(patch), Session.forget

    def forget(self: Session, id: str) -> int:  # noqa: A002
        for session in _awake(known):
            found = session._mind.get(id)
            if session is not self and found is not None:
                raise NotFoundError(f"not yours to forget: {found.text}")
        return true(self, id)

    patch.setattr(Session, "forget", forget)


@fault(checks.PLANTED)
def an_export_has_what_the_one_before_had(patch: Patch) -> None:
    true, kept = attack.write_jsonl, list[Any]()

    def write_jsonl(memories: Any, out: Any) -> int:
        kept.extend(memories)
        return true(kept, out)

    patch.setattr(attack, "write_jsonl", write_jsonl)
