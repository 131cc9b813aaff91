"""The tour: what Severance does, shown in a minute in a store of its own that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import perf_counter

from rich.console import Console

from severance.barrier.residue import Sweep, shown
from severance.tour import acts, rooms
from severance.tour.conversations import show_conversations
from severance.tour.stage import Stage
from severance.tour.story import OPENING

__all__ = ["run"]


def run(data: Path | None, console: Console) -> int:
    """Show the story, or with `data` (LoCoMo as JSON) the same promises on its conversations.

    Returns:
        0 when everything was as promised, 1 when something was not.

    Raises:
        InputError: `data` cannot be used.
    """
    begun = perf_counter()
    stage = Stage(console)
    with tempfile.TemporaryDirectory(prefix="severance-tour-") as folder:
        if data is not None:
            return show_conversations(data, Path(folder), stage)
        broken = _story(Path(folder), stage)
    stage.put()
    if broken:
        stage.say(f"{broken} of 4 promises did not hold on this machine. Please report it, with the output above.")
    else:
        stage.say(f"Everything held, in {perf_counter() - begun:.1f} s. The store and its key are gone.")
        stage.say("Next: severance init, and docs/tutorial.md.", "dim")
    return 1 if broken else 0


def _story(folder: Path, stage: Stage) -> int:
    """The four acts; returns how many of them went wrong."""
    stage.say(OPENING)
    store, backup = folder / "store", folder / "backup.tar"
    with rooms.opened(store) as house:
        rooms.furnish(house)
        good = [act(house, stage) for act in (acts.one_question, acts.the_way_out, acts.recall_by_persona)]
        sweep = Sweep(acts.planted(), house.embedder)
        # While it is open there are journals, and a process that shows something of itself.
        swept = sweep.paths([store]) + shown(sweep, os.getpid())
        house.backup(backup)
    swept += sweep.paths([store, backup])
    good.append(acts.nothing_in_the_clear(sweep, swept, folder / "unsealed", stage))
    return good.count(False)
