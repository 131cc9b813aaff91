"""What routes memories keeps to its plan: nothing is in it that need not be, and nothing moves but what it says."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from kit import KEY, make_house, open_house, texts
from kit.checks.base import MARKED
from severance.barrier.residue import Sweep
from severance.barrier.traces.ports import FEW
from severance.cli import surface
from severance.embed import Hashing

_SAID = [MARKED, "The goats are fed at nine.", "Ricken reads on Sunday.", "The file is at 96 percent."]
_WORK = {_SAID[0], _SAID[3]}


def a_plan_is_kept_to(folder: Path) -> None:
    """It has no content; before a yes nothing moves; and then each memory is where the plan has it, and only there."""
    with make_house(folder) as house, house.cross("mark", "home") as outie:
        outie.remember_many(_SAID)
    rules, plan = folder / "rules.toml", folder / "plan.jsonl"
    rules.write_text('rule = [{persona = "innie", words = ["severed", "percent"]}]', encoding="utf-8")
    shown = _typed(folder, "route", "--from", "home", "--examples", str(rules), "--plan", str(plan))
    assert shown[0] == 0, shown[2]
    sweep = Sweep(_SAID, Hashing(FEW))
    assert sweep.content("the plan", plan.read_bytes()).clean, "content in the plan"
    assert sweep.content("shown", "".join(shown[1:]).encode()).clean, "content in what is shown"
    if sys.platform != "win32":
        assert stat.S_IMODE(plan.stat().st_mode) == 0o600, "others can read the plan"
    assert _remembered(folder) == (set(), set(_SAID)), "moved before anybody asked for it"
    assert _typed(folder, "route", "--apply", str(plan))[0] != 0, "moved without a yes"
    assert _remembered(folder) == (set(), set(_SAID)), "moved without a yes"
    for _ in range(2):
        done = _typed(folder, "route", "--apply", str(plan), "--yes")
        assert done[0] == 0, done[2]
        assert _remembered(folder) == (_WORK, set(_SAID) - _WORK), "not as the plan says"


def _typed(folder: Path, *words: str) -> tuple[int, str, str]:
    given = ["--store", str(folder / "store"), *words]
    return surface.invoke(given, b"", key=KEY, open_house=open_house, ticks=lambda: 0.0)


def _remembered(folder: Path) -> tuple[set[str], set[str]]:
    """What innie and outie remember."""
    with open_house(folder / "store") as house:
        with house.cross("mark", "floor") as innie:
            work = texts(innie.memories())
        with house.cross("mark", "home") as outie:
            home = texts(outie.memories())
    assert len(work) == len(set(work)), "a memory is there twice"
    return set(work), set(home)
