"""What a persona does in the processes that the residue of is looked for, and how such a process waits."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from severance.barrier.residue.planted import drafts
from severance.errors import SeveranceError

if TYPE_CHECKING:
    from severance.session import Session

_TURN = 60


def live(session: Session, said: Sequence[str], first: int = 0) -> list[str]:
    """An ordinary while awake: asks, remembers, amends."""
    again = [said[(first + number) % len(said)] for number in range(_TURN)]
    session.recall(again[0], limit=3)
    session.context(again[1], tokens=64)
    labelled = drafts(said)
    session.remember_many(labelled)
    session.recall(again[2], thread=labelled[0]["thread"], where=labelled[1]["metadata"])
    kept = session.remember_many([{"text": text, "kind": f"again {first}", "thread": again[0]} for text in again])
    session.remember("\n".join(again) * 4, kind=f"long {first}")
    session.amend(kept[0].id, f"{again[1]} {again[2]}")
    return [memory.id for memory in kept[1:]]


def wait(*processes: int) -> None:
    """Say so, and then nothing more until a signal comes, or until nobody is there to send one."""
    print("ready", *processes, flush=True)  # noqa: T201 - to the parent
    sys.stdin.read()


def refused(ask: Callable[[], object]) -> None:
    try:
        ask()
    except SeveranceError:
        logging.exception("refused")
    else:
        os._exit(1)
