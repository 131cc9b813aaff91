"""What leaks is noticed: in results, through ids, through vectors, on disk; and is told in a few steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from severance.barrier.traces import flaws
from severance.barrier.traces.compare import Pair, Stage, Variant, pairs
from severance.barrier.traces.drawing import trace
from severance.barrier.traces.ports import Ports
from severance.barrier.traces.shrink import shrunk
from severance.barrier.traces.steps import Step


def look(pair: Pair) -> tuple[str, ...]:
    return (*pair.crossed, *pair.seen_on_disk)


def found(folder: Path, ports: Ports, variant: Variant, seeds: int = 3) -> list[Pair]:
    stage = Stage(folder, ports)
    return [pair for seed in range(seeds) for pair in pairs(stage, trace(seed, 35), (variant,))]


@pytest.mark.parametrize("variant", [Variant.IDLE, Variant.UNBORN])
def test_one_stream_of_random_bytes_is_noticed_by_a_purge(folder: Path, variant: Variant) -> None:
    crossed = [bool(pair.crossed) for pair in found(folder, Ports(entropy=flaws.OneStream), variant)]
    assert sum(crossed) > len(crossed) / 2


def test_an_embedder_that_learns_is_noticed_by_a_substitution(folder: Path) -> None:
    assert any(pair.crossed for pair in found(folder, Ports(embedder=flaws.learning), Variant.REPLACED, 8))


def test_compressed_texts_on_disk_are_noticed_by_a_substitution_and_by_nobody_else(folder: Path) -> None:
    seen = found(folder, Ports(embedder=flaws.caching), Variant.REPLACED)
    assert any(pair.seen_on_disk for pair in seen)
    assert not any(pair.crossed for pair in seen)


@pytest.mark.parametrize("variant", list(Variant))
def test_without_a_flaw_there_is_nothing(folder: Path, variant: Variant) -> None:
    assert [look(pair) for pair in found(folder, Ports(), variant) if look(pair)] == []


def test_a_trace_is_made_short() -> None:
    long = [Step(str(number)) for number in range(40)]
    asked = list[int]()

    def shows(steps: Sequence[Step]) -> bool:
        asked.append(1)
        return Step("7") in steps and Step("31") in steps

    assert shrunk(long, shows) == [Step("7"), Step("31")]
    assert len(asked) < 60


def test_making_it_short_ends() -> None:
    long = [Step(str(number)) for number in range(40)]
    assert shrunk(long, lambda steps: False) == long
    assert len(shrunk(long, lambda steps: len(steps) >= 20, most=5)) >= 20
