"""Endings of sessions whose persona is awake in a worker, or that somebody was let in to."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from severance.barrier.residue.lives import live, refused, wait
from severance.barrier.residue.stores import QUAY, STAIRWELL, SUBJECT
from severance.errors import AsleepError
from severance.model import Right
from severance.weakening import weaken
from severance.worker.away import WorkerSession

if TYPE_CHECKING:
    from severance.house import House
    from severance.session import Session


def waits_elsewhere(house: House, session: Session, said: Sequence[str]) -> None:
    """With a worker of each persona; says which processes they are, the one that has it all first."""
    workers = [house.cross(SUBJECT, place, isolation="process") for place in (STAIRWELL, QUAY)]
    for worker in workers:
        worker.recall("who")
    live(workers[0], said, 60)
    wait(*(worker.process for worker in workers if isinstance(worker, WorkerSession)))


def wakes_elsewhere(house: House, session: Session, said: Sequence[str]) -> None:
    with house.cross(SUBJECT, STAIRWELL, isolation="process") as worker:
        live(worker, said, 60)


def loses_its_worker(house: House, session: Session, said: Sequence[str]) -> None:
    worker = house.cross(SUBJECT, STAIRWELL, isolation="process")
    live(worker, said, 60)
    os.kill(_process(worker), signal.SIGKILL)
    try:
        worker.recall(said[3])
    except AsleepError:
        logging.exception("gone")
    else:
        os._exit(1)


def is_killed_with_a_worker(house: House, session: Session, said: Sequence[str]) -> None:
    """Nobody is left to remove the worker's directory."""
    worker = house.cross(SUBJECT, STAIRWELL, isolation="process")
    live(worker, said, 60)
    os.kill(os.getpid(), signal.SIGKILL)


def _process(worker: Session) -> int:
    assert isinstance(worker, WorkerSession)  # noqa: S101 - for the type checker
    return worker.process


def is_let_in(house: House, session: Session, said: Sequence[str]) -> None:
    """By permits and a credential, which are shown, altered, weakened and revoked. Says which they were."""
    permit = house.permit(SUBJECT, STAIRWELL, rights=list(Right), until=timedelta(hours=8))
    weaker = weaken(permit, threads=[said[0][:60]], tool="a tool")
    credential = house.register(SUBJECT, STAIRWELL, "a program")
    for text in (permit, credential):
        with house.admit(text) as let_in:
            live(let_in, said, 60)
    for text in (permit[:-9] + permit[:9], credential[:-1], weaker, f"{permit} {credential}", said[1]):
        refused(partial(house.admit, text, tool=said[2][:50]))
    for made in [each.id for each in house.permits()] + [each.id for each in house.credentials()]:
        house.revoke(made)
    for text in (permit, credential):
        refused(partial(house.admit, text))
    print(permit, weaker, credential, sep="\n", flush=True)  # noqa: T201 - to the parent
