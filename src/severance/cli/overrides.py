"""Overrides on the screen: in a table, in one sentence, or all that a text says."""

from __future__ import annotations

from collections.abc import Sequence

from severance import approving
from severance.cli import screen, shapes
from severance.cli.edge import Edge
from severance.model import OverrideInfo, OverrideRequest, OverrideState

_KINDS = {
    "wish": "a wish, and no request yet; `severance override submit` answers it with a draft",
    "draft": "a draft, and no request yet; `severance override sign` makes one of it",
    "request": "a request, to be approved or refused",
}


def show_overrides(found: Sequence[OverrideInfo]) -> None:
    """A table of overrides."""
    table = screen.table("id", "state", "subject", "persona", "asked by", "approved by", "until", "reason")
    for info in found:
        until = info.until or (info.use_by if info.state is OverrideState.APPROVED else info.approve_by)
        table.add_row(
            info.id,
            info.state.value + (f" ({info.why})" if info.state is OverrideState.ENDED else ""),
            info.subject,
            info.persona,
            info.requester,
            ", ".join(info.approved),
            shapes.short(until),
            screen.on_one_line(info.reason),
        )
    screen.console().print(table)


def say_times(text: str, edge: Edge) -> None:
    """Say on standard error until when what was signed holds."""
    if not edge.as_json:
        _, found = approving.read_over(text)
        screen.console(errors=True).print(
            f"It can be approved until {shapes.short(found.approve_by)}, and used until {shapes.short(found.use_by)}.",
            soft_wrap=True,
        )


def state(found: OverrideInfo, edge: Edge) -> None:
    """How far it is."""
    if edge.as_json:
        screen.document(shapes.of_override(found))
        return
    screen.line(
        {
            OverrideState.REQUESTED: f"It has {'one' if found.approved else 'none'} of two approvals.",
            OverrideState.APPROVED: f"It is approved, and can be used until {shapes.short(found.use_by)}.",
            OverrideState.DENIED: "It is refused, for good.",
        }.get(found.state, "It is over.")
    )


def tell(kind: str, found: OverrideRequest) -> None:
    """What a text of this kind says."""
    lines = {
        "this is": _KINDS[kind],
        "wakes": f"{found.persona} of {found.subject}",
        "because": found.reason,
        "asked by": f"key {found.key}, which says that it is {found.requester}'s",
        "rights": ", ".join(sorted(found.rights)),
        "threads": "all" if found.threads is None else ", ".join(found.threads),
        "for": str(found.length),
        "approve by": shapes.short(found.approve_by),
        "use by": shapes.short(found.use_by),
        "id": found.id,
        "digest": found.digest,
    }
    for name, text in lines.items():
        if text:
            screen.line(f"{name}: {screen.on_one_line(text)}")
