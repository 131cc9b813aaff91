"""Every class finds the memory that leaks in its way, and none finds anything in one that does not leak."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from severance.barrier.findings import Control, Tally, Verdict
from severance.barrier.peers import leaky
from severance.barrier.peers.classes import LEAKS
from severance.barrier.peers.classes.derived import _same
from severance.barrier.peers.ground import Ground
from severance.barrier.peers.leak import Leak
from severance.barrier.peers.remote import Limits, NoAnswerError, Remote
from severance.barrier.peers.run import CROWDS, DEEP_CROWDS, MOST_MEMORIES, MOST_TENANTS, Health, attempt
from severance.barrier.peers.targets import KNOWN, Target
from severance.barrier.peers.wire import Answer, Argument, Call
from severance.barrier.run import verdict_of
from severance.barrier.scene import Scene

TOYS = [(leak, toy) for leak in LEAKS for toy in leak.toys]
SEEDS = (1, 2)


def tried(leak: Leak, target: Target, folder: Path, *, seed: int = 1, rounds: int = 1) -> Tally:
    tally, left = Tally(control=Control("of another test", 1, 1)), rounds

    def more(_: Tally) -> bool:
        nonlocal left
        left -= 1
        return left > 0

    attempt(leak, target, Limits(), Health(1), Scene(folder, seed, more), tally)
    return tally


def toy_called(name: str) -> Target:
    return Target(name, leaky.__name__, name)


@pytest.mark.parametrize(("leak", "toy"), TOYS, ids=[f"{leak.slug}-{toy}" for leak, toy in TOYS])
def test_a_memory_that_leaks_in_one_way_is_found_by_the_class_of_that_way(leak: Leak, toy: str, tmp_path: Path) -> None:
    tally = tried(leak, toy_called(toy), tmp_path, rounds=3)
    assert not tally.failed
    assert verdict_of(tally) is Verdict.BROKEN
    assert all("(seed 1, round " in line for line in tally.evidence)


@pytest.mark.parametrize(("leak", "seed"), list(product(LEAKS, SEEDS)), ids=lambda one: getattr(one, "slug", str(one)))
def test_a_memory_that_leaks_nothing_holds_in_every_class(leak: Leak, seed: int, tmp_path: Path) -> None:
    tally = tried(leak, toy_called("Strict"), tmp_path, seed=seed)
    assert verdict_of(tally) is Verdict.HELD, tally.evidence
    assert tally.tried >= 15


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("filter", "RefusesOddLimits"),
        ("claim", "FiltersItsOwn"),
        ("delimiter", "EncodesNames"),
        ("delimiter", "HashesNamesWell"),
    ],
)
def test_a_sound_memory_that_answers_such_a_probe_in_its_own_way_holds(slug: str, name: str, tmp_path: Path) -> None:
    [leak] = [leak for leak in LEAKS if leak.slug == slug]
    tally = tried(leak, Target(name, str(Path(__file__).with_name("sound_adapters.py")), name), tmp_path)
    assert verdict_of(tally) is Verdict.HELD, tally


def test_no_store_has_more_memories_and_tenants_than_the_report_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: dict[Path, list[Argument]] = defaultdict(list)
    call, race, here = Remote.call, Remote.race, [tmp_path]

    def opened(self: Remote, folder: Path) -> None:
        here[0] = folder
        true(self, folder)

    def called(self: Remote, one: Call) -> Answer:
        added[here[0]] += one.args[:1] if one.method.startswith("add") else []
        return call(self, one)

    def raced(self: Remote, lanes: list[list[Call]]) -> list[list[Answer]]:
        added[here[0]] += [one.args[0] for lane in lanes for one in lane if one.method == "add"]
        return race(self, lanes)

    true = Remote.open
    for method, counting in (("open", opened), ("call", called), ("race", raced)):
        monkeypatch.setattr(Remote, method, counting)
    for leak in LEAKS:
        tried(leak, toy_called("Strict"), tmp_path / leak.slug)
    crowd = max(added, key=lambda store: len(added[store]))
    assert len(added.pop(crowd)) == CROWDS[0]
    assert max(map(len, added.values())) == MOST_MEMORIES
    assert max(len(set(map(str, tenants))) for tenants in added.values()) == MOST_TENANTS


def test_a_leak_that_begins_at_a_size_is_found_there_whatever_the_time(tmp_path: Path) -> None:
    [filters] = [leak for leak in LEAKS if leak.crowd is not None]
    tally = tried(filters, toy_called("OpensWhenFull"), tmp_path)
    assert tally.found
    assert tally.note == f"the fullest store was given {CROWDS[0]} memories"
    small = replace(filters, crowd=None)
    assert not tried(small, toy_called("OpensWhenFull"), tmp_path / "small", rounds=3).found


def test_stores_are_filled_further_as_time_allows(tmp_path: Path) -> None:
    asked = []

    def fill(ground: Ground, size: int) -> None:
        asked.append(size)
        ground.tally.held()

    filters = replace(LEAKS[0], crowd=fill, probe=lambda ground: ground.tally.held())
    tally = tried(filters, toy_called("Strict"), tmp_path, rounds=100)
    assert asked == list(CROWDS)
    assert tally.note == "the fullest store was given 1,000 memories"
    asked.clear()
    scene = Scene(tmp_path / "deep", 1, lambda counted: counted.tried < 1_000, deep=True)
    attempt(filters, toy_called("Strict"), Limits(), Health(1), scene, Tally())
    assert asked == list(DEEP_CROWDS)


def test_a_store_that_was_filled_is_no_round(tmp_path: Path) -> None:
    def silent(ground: Ground) -> None:
        raise NoAnswerError("it hung")

    filters = replace(LEAKS[0], crowd=lambda ground, size: ground.tally.held(), probe=silent)
    tally = Tally()
    attempt(filters, toy_called("Strict"), Limits(), Health(9), Scene(tmp_path, 1, lambda _: True), tally)
    assert tally.failed == "no round came to its end: it hung"


def test_one_that_takes_no_more_is_not_at_fault(tmp_path: Path) -> None:
    file = Path(__file__).with_name("sound_adapters.py")
    tally = tried(LEAKS[0], Target("", str(file), "HasRoomForAHundred"), tmp_path)
    assert verdict_of(tally) is Verdict.HELD, tally


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.slug)
def test_severance_holds_in_every_class(leak: Leak, tmp_path: Path) -> None:
    tally = tried(leak, KNOWN["severance"], tmp_path)
    assert verdict_of(tally) is Verdict.HELD, tally.evidence
    assert tally.tried >= 15


def test_every_toy_is_the_control_of_a_class() -> None:
    toys = {name for name, kind in vars(leaky).items() if isinstance(kind, type) and issubclass(kind, leaky.Strict)}
    assert {toy for _, toy in TOYS} == toys - {"Strict", "_Matching"}


def test_the_classes_are_ten_and_each_tells_what_to_do_in_two_sentences() -> None:
    assert len({leak.slug for leak in LEAKS}) == len(LEAKS) == 10
    assert [leak.slug for leak in LEAKS if leak.advice.count(". ") != 1 or not leak.advice.endswith(".")] == []


def test_the_same_seed_tries_the_same(tmp_path: Path) -> None:
    runs = [
        tried(LEAKS[1], toy_called("UpdateByAnyone"), tmp_path / str(number), seed=seed).evidence[0].split("'")[1::4]
        for number, seed in enumerate((3, 3, 4))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_what_is_left_tells_where_it_was_found_and_how(tmp_path: Path) -> None:
    residue = next(leak for leak in LEAKS if leak.slug == "residue")
    [on_disk, *_] = tried(residue, toy_called("KeepsOnDisk"), tmp_path / "disk").evidence
    assert on_disk.startswith("still on disk: memories.log holds (utf-8) a memory that was deleted: ")
    [by_search, *_] = tried(residue, toy_called("KeepsInIndex"), tmp_path / "index").evidence
    assert by_search.startswith("still found: search(")


def test_scores_that_differ_by_rounding_are_the_same() -> None:
    assert _same([0.1 + 0.2, "a"], [0.3, "a"])
    assert not _same([0.3], [0.301])
    assert not _same([0.3, 0.2], [0.3])
