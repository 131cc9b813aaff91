"""Faults in what a call leaves that was cut short: by Ctrl-C, a signal, or where there is no more memory."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import Session
from severance import session as session_module
from severance.following import Following
from severance.sleeping import write_layers


def _unmarked(following: Following) -> AbstractContextManager[None]:
    return nullcontext()


@fault(checks.a_mind_that_was_cut_short_is_thrown_away)
def a_session_goes_on_with_a_mind_that_was_cut_short(patch: Patch) -> None:
    patch.setattr(Following, "changing", _unmarked)


@fault(checks.a_mind_that_was_cut_short_is_thrown_away)
def layers_are_made_of_a_mind_that_was_cut_short(patch: Patch) -> None:
    patch.setattr(session_module, "_write_layers", lambda space, late: write_layers(space, late.mind(), late.label))


@fault(checks.a_repeat_after_a_cut_is_a_repeat)
def a_write_that_was_cut_short_leaves_the_mind_in_use(patch: Patch) -> None:
    true = Session._remember

    def remember(self: Session, drafts: Any) -> Any:
        with patch.context() as within:
            within.setattr(Following, "changing", _unmarked)
            return true(self, drafts)

    patch.setattr(Session, "_remember", remember)
