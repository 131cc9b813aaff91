"""Endings of a house that is up, in this process, with a program that was let in over its socket."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from severance.barrier.residue.lives import live, refused
from severance.barrier.residue.stores import STAIRWELL, SUBJECT, enter
from severance.model import Right
from severance.resident.client import connect
from severance.resident.resident import Habits, Resident

if TYPE_CHECKING:
    from severance.house import House
    from severance.session import Session

_STORE = Path("store")


def is_killed_while_up(house: House, session: Session, said: Sequence[str]) -> None:
    """With the socket, and the directory of a worker. Says the permit."""
    _lives_there(house, said)
    os.kill(os.getpid(), signal.SIGKILL)


def goes_down(house: House, session: Session, said: Sequence[str]) -> None:
    _lives_there(house, said).stop()


def _lives_there(house: House, said: Sequence[str]) -> Resident:
    permit = house.permit(SUBJECT, STAIRWELL, rights=list(Right), until=timedelta(hours=8))
    house.close()
    resident = Resident(_STORE, lambda key: enter(_STORE), Habits())
    resident.open()
    resident.start()
    there = connect(_STORE)
    with there.admit(permit, place=STAIRWELL) as first:
        live(first, said, 60)
        refused(partial(first.get, said[3]))
    live(there.admit(permit, place=STAIRWELL), said, 120)
    for text in (said[4], permit[:-5]):
        refused(partial(there.admit, text, place=said[5][:50]))
    print(permit, flush=True)  # noqa: T201 - to the parent
    return resident
