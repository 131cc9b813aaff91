"""P5: layers of a snapshot that are older, of another space, or not whole are refused, or change nothing."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

from promises.damage.logs import Log, assert_saved, refusal
from severance.barrier.endurance.alterations import Edit, answers_after, rows
from severance.barrier.endurance.damage import Bench, restore

Layer = tuple[tuple[Any, ...], list[bytes]]
"""What stands beside a layer's space (last, first, before, digest), and its chunks."""


def layers_of(file: Path, space: bytes) -> list[Layer]:
    found = rows(file, "SELECT space, last, first, before, digest FROM layers ORDER BY last")
    chunks = rows(file, "SELECT space, last, frame FROM chunks ORDER BY last, n")
    return [(row[1:], [frame for *of, frame in chunks if of == [space, row[1]]]) for row in found if row[0] == space]


def put_layers(space: bytes, *layers: Layer, over: bool = True) -> list[Edit]:
    """These layers in the place of all of the space's (or of none)."""
    edits: list[Edit] = []
    if over:
        edits += [("DELETE FROM chunks WHERE space = ?", space), ("DELETE FROM layers WHERE space = ?", space)]
    for row, chunks in layers:
        edits.append(("INSERT INTO layers VALUES (?, ?, ?, ?, ?, ?)", space, *row, len(chunks)))
        edits += [("INSERT INTO chunks VALUES (?, ?, ?, ?)", space, row[0], n, c) for n, c in enumerate(chunks)]
    return edits


def test_older_layers_bring_nothing_back(bench: Bench, logs: dict[str, Log]) -> None:
    space = logs["floor"].space
    newer = layers_of(bench.store / "vault.db", space)
    restore(bench.store, bench.built.earlier)
    older = layers_of(bench.store / "vault.db", space)
    bench.reset()
    stale = [layer for layer in older if layer not in newer]
    assert stale
    outcome, _ = answers_after(bench, put_layers(space, *older))
    assert outcome.kind == "harmless", "the log since then says what was forgotten"
    for row, chunks in stale:
        above = [layer for layer in newer if layer[0][1] > row[0]]
        outcome, _ = answers_after(bench, put_layers(space, (row, chunks), *above))
        assert outcome.kind == "harmless", "nor beside newer ones"
    outcome, _ = answers_after(bench, put_layers(space, (newer[-1][0], stale[-1][1])))
    assert outcome.kind == "refused", "and for other records it does not open"


def test_layers_of_another_space_are_refused(bench: Bench, logs: dict[str, Log]) -> None:
    row, chunks = layers_of(bench.store / "vault.db", logs["floor"].space)[0]
    home = logs["home"]
    for to in ((*row[:3], row[3]), (5, 1, home.digest(0), home.digest(5)), (7, 3, home.digest(2), home.digest(7))):
        outcome, answers = answers_after(bench, put_layers(home.space, (to, chunks), over=False))
        assert outcome.kind == "refused"
        assert refusal(answers, "cross home").space == home.space.hex()
        assert {memory.id for memory in answers["salvage"]} >= home.intact(set()), "the log is whole"


def test_a_layer_is_whole_or_refused(bench: Bench, logs: dict[str, Log]) -> None:
    log = logs["floor"]
    layers = layers_of(bench.store / "vault.db", log.space)
    assert len(layers) > 1
    (last, first, before, digest), chunks = next(layer for layer in layers if len(layer[1]) > 2)
    others = [layer for layer in layers if layer[0][0] != last]
    swaps = []
    for one, other in combinations(range(len(chunks)), 2):
        swapped = list(chunks)
        swapped[one], swapped[other] = chunks[other], chunks[one]
        swaps.append(swapped)
    altered = [
        ((last, first, before, digest), found)
        for found in (*swaps, chunks[:-1], chunks[1:], [*chunks, chunks[-1]], others[0][1])
    ]
    altered += [
        (row, chunks)
        for row in (
            (last - 1, first, before, log.digest(last - 1)),
            (last, first + 1, log.digest(first), digest),
            (last, first + 1, before, digest),
            (last, first, before, log.digest(last - 1)),
            (last, first, log.digest(first), digest),
            (last - 1, first, before, digest),
            (99, first, before, digest),
            (first - 1, first, before, digest),
        )
    ]
    for row, found in altered:
        beside = [other for other in others if other[0][1] > row[0] or other[0][0] < row[1]]
        _assert_refused(bench, logs, put_layers(log.space, *beside, (row, found)))
    for edits in (
        [("DELETE FROM chunks WHERE n = 1",)],
        [("DELETE FROM chunks WHERE space = ?", log.space)],
        [("UPDATE layers SET chunks = 0",), ("DELETE FROM chunks WHERE space = ?", log.space)],
    ):
        _assert_refused(bench, logs, edits)


def test_layers_that_are_gone_are_done_without(bench: Bench, logs: dict[str, Log]) -> None:
    """Each is a cache by itself."""
    space = logs["floor"].space
    layers = layers_of(bench.store / "vault.db", space)
    for number in range(len(layers) + 1):
        for chosen in combinations(layers, number):
            assert answers_after(bench, put_layers(space, *chosen))[0].kind == "harmless"


def _assert_refused(bench: Bench, logs: dict[str, Log], edits: list[Edit]) -> None:
    space = logs["floor"].space.hex()
    outcome, answers = answers_after(bench, edits)
    assert outcome.kind == "refused", edits
    assert refusal(answers, "cross floor").space == space
    assert any(found.space == space for found in answers["check"])
    assert_saved(answers, logs, "floor", set())
