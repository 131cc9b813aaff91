"""Faults against P1 and P3 in what routes memories: a plan tells what they say, or is not kept to."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance.cli import newfile, streams
from severance.cli.commands import route
from severance.routing import applying


@fault(checks.a_plan_is_kept_to)
def a_plan_has_excerpts_by_itself(patch: Patch) -> None:
    true = route.propose
    patch.setattr(route, "propose", lambda *given, **more: true(*given, **{**more, "excerpts": True}))


@fault(checks.a_plan_is_kept_to)
def others_can_read_a_plan(patch: Patch) -> None:
    true = newfile._take_name

    def take(part: Any, path: Any, *, force: bool) -> None:
        part.chmod(0o644)
        true(part, path, force=force)

    patch.setattr(newfile, "_take_name", take)


@fault(checks.a_plan_is_kept_to)
def an_item_goes_to_whoever_wakes_first(patch: Patch) -> None:
    patch.setattr(applying, "_first", lambda house, subject, name, where: house.cross(subject, "home"))


@fault(checks.a_plan_is_kept_to)
def memories_are_moved_without_a_yes(patch: Patch) -> None:
    patch.setattr(streams, "can_ask", lambda: True)
    patch.setattr(streams, "confirmed", lambda question: True)


@fault(checks.a_plan_is_kept_to)
def what_was_moved_stays_where_it_was(patch: Patch) -> None:
    patch.setattr(applying, "_kept_as", lambda piece: None)


@fault(checks.a_plan_is_kept_to)
def a_persona_forgets_what_the_other_was_not_given(patch: Patch) -> None:
    def nothing(session: Any, reading: Any, report: Any) -> Generator[None]:
        report.imported += sum(1 for _ in reading)
        yield

    class All(set[Any]):
        def __contains__(self, thing: object) -> bool:
            return True

    patch.setattr(applying, "ingest", nothing)
    patch.setattr(applying, "_held", lambda session: All())
