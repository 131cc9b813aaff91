"""P1 and P2: nothing of one persona reaches another, whatever is called, cut short or asked at the same time."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import severance
from kit import make_house, recalled, texts, vault_of
from kit.checks.base import MARKED, Check, refuses
from severance import AsleepError
from severance.barrier.findings import Tally
from severance.barrier.scene import Part, Scene
from severance.barrier.suites import parts as suites
from severance.barrier.traces.compare import Stage, Variant, pairs
from severance.barrier.traces.drawing import trace
from severance.barrier.traces.fuse import BEFORE, CANCELLED, Cut, Fuse, ending, wire
from severance.barrier.traces.people import EVERYONE, Who
from severance.barrier.traces.ports import FEW, KEY, Ports, ScopedEntropy, StillClock
from severance.barrier.traces.seats import Limits, Rule
from severance.barrier.traces.steps import Step
from severance.cli.surface import invoke
from severance.embed import Hashing

TRACES = (9, 1, 203)

RARE = (26, 32)
"""Traces with long texts, hundreds of memories at once, and wide questions."""


def by_part(part: Part, most: int, *, seed: int = 1) -> Check:
    """A part of the barrier as a check: at most so many trials, ended by the first thing found."""

    def check(folder: Path) -> None:
        tally = Tally()
        part.run(Scene(folder, seed, lambda counted: counted.tried < most and not counted.found), tally)
        assert not tally.found, tally.evidence[0]
        assert not tally.failed, tally.failed
        assert tally.control is None or tally.control.works, "the control was missed"

    check.__name__ = part.name
    return check


DOORS = by_part(suites.DOORS, 1)
PLANTED = by_part(suites.PLANTED, 230)


def separate(folder: Path) -> None:
    """What `noninterference.*` compares, for a few long traces: long enough that what seldom happens is in them."""
    _separate(folder, TRACES)


def separate_where_it_is_rare(folder: Path) -> None:
    """The same, for traces in which something is large."""
    _separate(folder, RARE)


def _separate(folder: Path, seeds: Sequence[int]) -> None:
    stage = Stage(folder, Ports(commands=invoke))
    for seed in seeds:
        for pair in pairs(stage, trace(seed, 90), tuple(Variant)):
            assert not (*pair.crossed, *pair.seen_on_disk), (*pair.crossed, *pair.seen_on_disk)[0]


def what_ends_one_ends_no_other(folder: Path) -> None:
    """Exclusive subjects, budgets, hours, sessions that were dropped: each ends sessions of its own persona alone, and
    what one was told of itself does not move.
    """
    innie, outie, helly, other = EVERYONE
    stage = Stage(folder, Ports(commands=invoke))
    for victim in (innie, helly):
        for pair in pairs(stage, _endings(innie, outie, helly, other), tuple(Variant), (victim,)):
            assert not (*pair.crossed, *pair.seen_on_disk), (*pair.crossed, *pair.seen_on_disk)[0]


def _endings(innie: Who, outie: Who, helly: Who, other: Who) -> list[Step]:
    def does(who: Who, what: str, session: int = -1, **more: Any) -> Step:
        return Step(what, who, {"session": session, "cut": None, **more})

    def crosses(subject: str, place: str) -> Step:
        return Step("cross", None, {"subject": subject, "place": place, "desk": 0})

    alone = [Step("limit", None, {"subject": s, "limits": Limits(exclusive=True)}) for s in (helly[0], other[0])]
    budget = Step("limit", None, {"subject": "mark", "limits": Limits(budgets={innie[1]: 30, outie[1]: 9})})
    hours = (Rule(innie[1], (0, 12)), Rule(outie[1], (12, 40)))
    shared = Step("govern", None, {"subject": "mark", "place": "stairwell", "rules": hours})
    says = [does(who, "remember", words=(0, n)) for n, who in enumerate((innie, outie, helly, other))]
    hear = [does(who, "events", limit=50) for who in (innie, outie, other)]
    asked = [does(who, "stats", 0) for who in (innie, outie, other, helly)]
    again = [crosses("helly", "floor"), crosses("helly", "floor"), *asked, *hear]
    return [
        *alone,
        budget,
        shared,
        *says,
        does(outie, "abandon"),
        *again,
        *again,
        Step("status"),
        Step("restart"),
        *hear,
    ]


def names_do_not_run_together(folder: Path) -> None:
    """A subject and a persona are two names: where one ends and the other begins makes a difference."""
    with make_house(folder) as house:
        for subject, persona in (("ann", "abel"), ("anna", "bel")):
            house.sever(subject, [persona])
            house.place(f"{subject}-{persona}", {subject: persona})
        with house.cross("ann", "ann-abel") as abel, house.cross("anna", "anna-bel") as bel:
            abel.remember("said by one of them")
            assert list(bel.memories()) == []


def commands_show_one_persona(folder: Path) -> None:
    """What commands print at one place is the same whether or not another persona remembers anything."""
    printed = []
    for busy in (False, True):
        with make_house(folder, entropy=ScopedEntropy()) as house:
            own = house.cross("mark", "home").remember("a goat at home").id
            if busy:
                house.cross("mark", "floor").remember_many(f"{MARKED} {n}" for n in range(5))
        commands = (["export"], ["recall", "goat"], ["context", "goat"], ["history", own], ["remember", "goats"])
        for words in commands:
            _typed(folder, [*words, "--at", "floor"])
        printed.append([_typed(folder, [*words, "--at", "home"]) for words in commands])
        shutil.rmtree(folder / "store")
    assert printed[0] == printed[1]
    assert all(code == 0 for code, _, _ in printed[0])


def _typed(folder: Path, words: list[str]) -> tuple[int, str, str]:
    def opened(path: Any, *, key: Any, create: bool = False) -> severance.House:
        ports = {"embedder": Hashing(FEW), "clock": StillClock(), "entropy": ScopedEntropy(words[-1].encode())}
        return severance.open(path, key=key, create=create, **ports)  # type: ignore[arg-type]

    store = ["--store", str(folder / "store"), "--subject", "mark"]
    return invoke([*words, *store], b"", key=KEY, open_house=opened, ticks=lambda: 0.0)


def threads_do_not_mix(folder: Path) -> None:
    """Two personas that ask at the same time, each in a thread, get their own."""
    with make_house(folder) as house, ThreadPoolExecutor(2) as pool:
        sessions = [house.cross("mark", place) for place in ("floor", "home")]
        own = [
            texts(session.remember_many(f"said at {place} {n}" for n in range(3)))
            for session, place in zip(sessions, ("floor", "home"), strict=True)
        ]
        start = Barrier(2)

        def asks(number: int) -> list[list[str]]:
            start.wait(600)
            return [recalled(sessions[number], "said") for _ in range(20)]

        for mine, found in zip(own, pool.map(asks, range(2)), strict=True):
            assert all(sorted(one) == sorted(mine) for one in found)


def a_call_cut_short_leaves_nothing(folder: Path) -> None:
    """Cancelled before any of its statements, a call is wholly done or not at all, and whoever comes next is served."""
    fuse = Fuse()
    with make_house(folder) as house:
        wire(house, fuse)
        innie, outie = house.cross("mark", "floor"), house.cross("mark", "home")
        assert innie._space is not None
        own = innie._space.key.space
        for number in range(10):
            fuse.arm(BEFORE, number, ending(CANCELLED))
            try:
                innie.remember(f"cut at {number}")
            except Cut:
                pass
            finally:
                fuse.disarm()
            outie.remember(f"after the cut at {number}")
            assert vault_of(house).head(own).seq == innie.stats()["records"] == len(vault_of(house).read(own, 0, 100))
        assert house.check() == []


def asleep_means_asleep(folder: Path) -> None:
    """After sleep no call is served, and the session holds neither key nor mind."""
    with make_house(folder) as house:
        session = house.cross("mark", "floor")
        session.remember(MARKED)
        session.sleep()
        refuses(AsleepError, lambda: session.recall("map"))
        refuses(AsleepError, lambda: session.remember("x"))
        refuses(AsleepError, session.stats)
        assert session._space is None
        assert MARKED not in repr(vars(session._following))
        assert len(session._mind) == 0
