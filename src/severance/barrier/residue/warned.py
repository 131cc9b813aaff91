"""Endings of sessions that somebody hears of: overrides, alarms, canaries."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from severance.approving import approve, deny, new_override_key
from severance.barrier.residue.lives import live, refused
from severance.barrier.residue.stores import INNER, STAIRWELL, SUBJECT

if TYPE_CHECKING:
    from severance.house import House
    from severance.session import Session

_NOBODY = "http://127.0.0.1:9/"
"""Where nothing listens: what is to be told there waits."""

_ALARMS = """
sink = [{{ name = "nobody", webhook = "{}" }}]
rule = [{{ on = "*", to = "nobody", names = true }}, {{ on = "*", to = "log" }}]
"""
"""Names are for the webhook, and not for the log."""

_REFUSALS = 12


def is_overridden(house: House, session: Session, said: Sequence[str]) -> None:
    """With a reason and a thread that are content. Says the keys, the requests and the answers."""
    told = []
    with tempfile.TemporaryDirectory(dir="..") as elsewhere:  # a holder keeps a key where the store is not
        files = [Path(elsewhere, name) for name in ("first", "second", "third")]
        for file in files:
            house.register_override_key(file.name, new_override_key(file))
            told.append(file.read_text(encoding="ascii").splitlines()[-1])
        for approves in (True, False):
            request = house.request_override(
                SUBJECT, INNER, key=files[0], reason=said[4], rights=["recall"], length=timedelta(minutes=5)
            )
            answers = [approve(request, files[1]), (approve if approves else deny)(request, files[2])]
            found = [house.answer_override(answer) for answer in answers][-1]
            told += [request, *answers]
            if approves:
                with house.use_override(found.id, key=files[0]) as overridden:
                    overridden.recall(said[5])
                    refused(partial(overridden.remember, said[6]))
            refused(partial(house.use_override, found.id, key=files[0]))
    session.notices()
    print(*told, sep="\n", flush=True)  # noqa: T201 - to the parent


def rings(house: House, session: Session, said: Sequence[str]) -> None:
    """A canary, refusals, and a webhook at which nobody is, so that much waits; then it is killed. Says its secrets."""
    address = f"{_NOBODY}{said[7].encode().hex()}"
    house.apply_alarms(_ALARMS.format(address))
    house.plant_canary(SUBJECT, STAIRWELL, said[1])
    live(session, said, 60)
    for number in range(_REFUSALS):
        refused(partial(house.cross, SUBJECT, said[number][:50]))
        refused(partial(house.admit, f"sevc.{said[number].encode().hex()}"))
    logging.debug("%r %r", len(house.alarm_status().told), len(house.alarm_rules().rules))
    print(address, house.alarm_secret("nobody"), sep="\n", flush=True)  # noqa: T201 - to the parent
    os.kill(os.getpid(), signal.SIGKILL)
