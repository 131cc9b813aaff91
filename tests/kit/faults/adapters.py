"""Faults in what the adapters of frameworks share. Those of one framework are in `tests/integrations/planted.py`."""

from __future__ import annotations

from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import AsleepError
from severance.integrations import frame, saying
from severance.integrations.tools import Tools
from severance.session import Session


@fault(checks.tools_keep_to_their_session)
def the_tools_that_were_made_last_are_everybodys(patch: Patch) -> None:
    latest: list[Session] = []
    held = property(lambda self: latest[-1], lambda self, session: latest.append(session))
    patch.setattr(Tools, "_session", held, raising=False)


@fault(checks.tools_keep_to_their_session)
def what_tools_recalled_is_known_by_its_query(patch: Patch) -> None:
    answers: dict[str, Any] = {}
    recall, remember = Tools.recall, Tools.remember

    def keep(self: Tools, text: str) -> dict[str, str]:
        kept = remember(self, text)
        answers.setdefault(text, recall(self, text))
        return kept

    patch.setattr(Tools, "remember", keep)
    patch.setattr(Tools, "recall", lambda self, query: answers.get(query) or recall(self, query))


@fault(checks.tools_keep_to_their_thread)
def tools_read_every_thread(patch: Patch) -> None:
    true = Session.recall
    patch.setattr(
        Tools,
        "recall",
        lambda self, query: [{"text": hit.memory.text} for hit in true(self._session, query, limit=8)],
    )


@fault(checks.tools_keep_to_their_thread)
def tools_write_in_no_thread(patch: Patch) -> None:
    patch.setattr(Tools, "remember", lambda self, text: {"id": self._session.remember(text).id})


@fault(checks.a_model_writes_no_name)
def a_model_says_in_which_thread(patch: Patch) -> None:
    def recall(self: Tools, query: str, thread: str | None = None) -> Any:
        return [{"text": hit.memory.text} for hit in self._session.recall(query, thread=thread)]

    patch.setattr(Tools, "recall", recall)


@fault(checks.a_session_that_ended_is_no_answer)
def a_model_is_told_that_its_session_ended(patch: Patch) -> None:
    patch.setattr(frame, "MENDABLE", (*frame.MENDABLE, AsleepError))


@fault(checks.what_was_said_is_kept_whole)
def a_long_answer_is_cut_off(patch: Patch) -> None:
    true = saying.pieces
    patch.setattr(saying, "pieces", lambda text: true(text)[:1])
