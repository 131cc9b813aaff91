"""Peers: what a worker measures, how it ends, and what is made of it. The peer here is a list in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.peers import run, worker
from bench.peers.adapters import KNOWN, OURS, Adapter
from bench.peers.port import Counted
from bench.settings import AbsentError, Settings
from bench.table import Row, Skipped, Versions
from benchmark.made_up import conversations, peer_rows
from severance.embed import Hashing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.quality.corpora import Said


class Listed:
    """Keeps everything as JSON, and finds what shares the most words."""

    batch = 50

    def __init__(self, folder: Path, embedder: Counted) -> None:
        self.embedder = embedder
        self._file = folder / "all.json"
        self._texts: dict[str, str] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}

    def add(self, said: Said) -> None:
        self.add_many([said])

    def add_many(self, said: Sequence[Said]) -> None:
        self._texts |= {one.name: one.text for one in said}
        self._file.write_text(json.dumps(self._texts), encoding="utf-8")

    def ready(self) -> None: ...

    def search(self, query: str, limit: int) -> list[str]:
        self.embedder.embed([query])
        asked = set(query.lower().split())
        order = sorted(self._texts, key=lambda name: -len(asked & set(self._texts[name].lower().split())))
        return order[:limit]

    def close(self) -> None: ...


def _done(task: str, folder: Path, **more: Any) -> dict[str, dict[str, Any]]:
    steps: dict[str, dict[str, Any]] = {}
    job = worker.Job(task, OURS, str(folder / "store"), **more)
    worker.TASKS[task](job, Listed, lambda step, **found: steps.update({step: found}))
    return steps


def test_a_worker_writes_many_and_then_some_one_by_one(tmp_path: Path) -> None:
    steps = _done("write", tmp_path, size=120)
    assert steps["bulk"]["count"] == 120
    assert len(steps["single"]["seconds"]) == worker.SINGLES
    assert steps["closed"]["bytes"] >= (tmp_path / "store" / "all.json").stat().st_size > 10_000


def test_a_worker_stops_when_its_time_is_up(tmp_path: Path) -> None:
    steps = _done("write", tmp_path, size=120, seconds=0.0)
    assert steps["bulk"]["count"] == Listed.batch
    assert "single" not in steps


def test_a_worker_asks_and_takes_the_embedding_apart(tmp_path: Path) -> None:
    _done("write", tmp_path, size=20)
    steps = _done("ask", tmp_path, size=20)
    asked = steps["asked"]
    assert len(asked["seconds"]) == len(asked["embedding"]) == worker.ASKED
    assert all(0 < part < whole for part, whole in zip(asked["embedding"], asked["seconds"], strict=True))


@pytest.mark.parametrize("labelled", [False, True])
def test_a_worker_scores_what_is_found_on_locomo(labelled: bool, tmp_path: Path) -> None:
    file = conversations(tmp_path / "some.json")
    [figure, *_] = _done("quality", tmp_path, locomo=str(file), labelled=labelled)["recall"]["figures"]
    assert (figure["measure"], figure["questions"], figure["mean"]) == ("R@10", 4, 1.0)


def test_what_lies_open_on_disk_is_found(tmp_path: Path) -> None:
    """The control of the residue: a peer that seals nothing."""
    found = _done("residue", tmp_path)["residue"]
    assert (found["planted"], found["sentences"]) == (worker.PLANTED, worker.PLANTED)
    assert found["found"]["utf-8"]


def test_severance_and_its_peers_are_compared() -> None:
    rows = [row for name, took, r10 in _TOOK for row in peer_rows(name, took, r10, 0)]
    names = [name for name, _, _ in _TOOK]
    at_1k, at_10k = run.faster(rows, names)
    assert (at_1k.key, at_10k.key) == ("peers.faster.1000", "peers.faster.10000")
    assert (at_10k.figure, at_10k.verdict) == (8.0, "met")
    assert at_1k.goal is None
    assert "Chroma" in at_10k.what
    [found] = run.better(rows, names)
    assert found.figure == pytest.approx(10.0)
    assert "mem0" in found.what


_TOOK = (
    ("severance", 0.5, 80.0),
    ("chroma", 4.0, 60.0),
    ("mem0", 9.0, 70.0),
    ("compartment", 0.1, 99.0),  # has another embedder, so it does not count
)


def test_nothing_is_compared_with_nobody() -> None:
    alone = peer_rows("severance", 0.5, 80.0, 0)
    assert [*run.faster(alone, ["severance"]), *run.better(alone, ["severance"])] == []


def test_what_a_process_said_last_is_told_without_folders() -> None:
    said = "Traceback\n  File x\nOSError: no space at /home/somebody/stores/a.db left.\n\n"
    assert run.reason(said) == "OSError: no space at ... left"
    assert run.reason("") == ""


@pytest.mark.slow
def test_severance_is_measured_and_a_missing_peer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "absent", Adapter("Absent", "absent", "Absent", ("no-such-package-anywhere",)))
    file = conversations(tmp_path / "some.json")
    settings = Settings(tmp_path / "here", sizes=(20, 200_000), peers=("absent",), locomo=file, seconds=30.0)
    found = [one for measure in (run.speed, run.recall, run.residue) for one in measure(settings)]
    rows = {row.key: row.figure for row in found if isinstance(row, Row)}
    assert set(rows) >= {f"peers.{OURS}.{one}.20" for one in ("write.bulk", "recall.p50", "recall.bare", "disk")}
    assert rows[f"peers.{OURS}.r10"] == 100.0
    assert rows[f"peers.{OURS}.unsealed"] == 0
    absent = "Absent is not installed; run `make peers`."
    assert {one.sentence for one in found if isinstance(one, Skipped)} == {absent}
    assert {tuple(one.of) for one in found if isinstance(one, Versions)} == {("severance",)}
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.slow
def test_a_peer_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "broken", Adapter("Broken", "no_such_module", "Broken", ("severance",)))
    found = list(run.residue(Settings(tmp_path / "here", sizes=(), peers=("broken",))))
    told = [one.sentence for one in found if isinstance(one, Skipped)]
    assert told == ["Broken, residue: KeyError: 'broken'."]


def test_an_interpreter_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match="--peers-python"):
        list(run.residue(Settings(tmp_path, peers_python=str(tmp_path / "python"))))


def test_an_embedder_knows_how_long_it_worked() -> None:
    counted = Counted(Hashing(16))
    assert (counted.spent, counted.dimensions, counted.identity) == (0.0, 16, Hashing(16).identity)
    assert counted.embed(["one"]).shape == (1, 16)
    assert counted.spent > 0


def test_every_adapter_has_a_file_and_names_its_packages() -> None:
    for adapter in KNOWN.values():
        assert (Path(run.__file__).parent / f"{adapter.module}.py").is_file()
        assert adapter.packages
    pinned = {
        line.partition("==")[0] for line in (Path(run.__file__).parents[1] / "peers.txt").read_text("utf-8").split()
    }
    assert {package for name, adapter in KNOWN.items() if name != OURS for package in adapter.packages} <= pinned
    assert sys.version_info >= (3, 11)
