"""Every peer in turn, Severance first: recall, writing, disk, memory, what is found, what lies open on disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.peers.adapters import KNOWN, OURS
from bench.peers.worker import PLANTED, Job
from bench.settings import AbsentError, Settings
from bench.table import Found, Row, Skipped, Versions
from severance.barrier.children import environment
from severance.barrier.peers.remote import QUIET

MOST = 100_000
"""Peers are measured to this size."""

FASTER = 5
"""How many times faster than the fastest peer recall is to be, from 10,000 memories on."""

_GOAL_FROM = 10_000
_GRACE = 240.0
_ROOT = Path(__file__).parents[2]
_VERSIONS = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
_ALONE = {"COMPARTMENT_EMBED_DAEMON": "0", "COMPARTMENT_ASSERT_OFFLINE": "1"}

Steps = Mapping[str, dict[str, Any]]
"""What a worker found, by step."""


class _FailedError(Exception):
    """A worker did not do its job; the message says why, in one clause."""


def speed(settings: Settings) -> Iterator[Found]:
    """Writing, recall, disk and memory at each size, then the fastest peer against Severance.

    Raises:
        AbsentError: as all measures here, when the interpreter for peers is not there, or has not even Severance.
    """
    peers = yield from _present(settings)
    rows: list[Row] = []
    for size in (size for size in settings.sizes if size <= MOST):
        ours = None
        for name in peers:
            for found in _guarded(_speed, name, size, settings):
                if isinstance(found, Row):
                    rows.append(found)
                    if found.key == f"peers.{OURS}.recall.p50.{size}":
                        ours = found.figure
                yield _beside(found, ours)
    yield from faster(rows, peers)


def recall(settings: Settings) -> Iterator[Found]:
    """R@10 on LoCoMo, then Severance's against the best of the peers'."""
    settings.need("locomo")
    peers = yield from _present(settings)
    rows: list[Row] = []
    for name in peers:
        for found in _guarded(_quality, name, 0, settings):
            if isinstance(found, Row):
                rows.append(found)
            yield found
    yield from better(rows, peers)


def residue(settings: Settings) -> Iterator[Found]:
    """What lies unsealed on disk."""
    peers = yield from _present(settings)
    for name in peers:
        yield from _guarded(_residue, name, 0, settings)


def faster(rows: Sequence[Row], peers: Iterable[str]) -> Iterator[Row]:
    """At each size, the fastest of the peers that have the same embedder against Severance.

    Args:
        rows: what was measured.
        peers: the names of those that were.
    """
    took = {row.key: row.figure for row in rows}
    for key, ours in took.items():
        if not key.startswith(f"peers.{OURS}.recall.p50."):
            continue
        size = int(key.rsplit(".", 1)[1])
        others = {name: at for name in _same(peers) if (at := took.get(f"peers.{name}.recall.p50.{size}"))}
        if others:
            fastest = min(others, key=others.__getitem__)
            yield Row(
                f"recall p50 at {size:,}: {KNOWN[fastest].title}, fastest with the same embedder, against Severance",
                others[fastest] / ours,
                "times",
                FASTER if size >= _GOAL_FROM else None,
                at_least=True,
                key=f"peers.faster.{size}",
            )


def better(rows: Sequence[Row], peers: Iterable[str]) -> Iterator[Row]:
    """Severance against the peer that finds most with the same embedder. Args as in `faster`."""
    recalled = {row.key: row.figure for row in rows}
    others = {name: r10 for name in _same(peers) if (r10 := recalled.get(f"peers.{name}.r10")) is not None}
    ours = recalled.get(f"peers.{OURS}.r10")
    if others and ours is not None:
        best = max(others, key=others.__getitem__)
        yield Row(
            f"R@10 on LoCoMo: Severance's above that of {KNOWN[best].title}, the best with the same embedder",
            ours - others[best],
            "points",
            0,
            at_least=True,
            key="peers.better",
        )


def _same(peers: Iterable[str]) -> list[str]:
    return [name for name in peers if name != OURS and not KNOWN[name].own_embedder]


def _present(settings: Settings) -> Generator[Found, None, list[str]]:
    """The names of the peers that are installed, Severance first; says their versions, and which are not."""
    installed = _installed(settings.peers_python)
    names = []
    for name in dict.fromkeys((OURS, *(settings.peers or KNOWN))):
        adapter = KNOWN[name]
        if any(package not in installed for package in adapter.packages):
            yield Skipped(f"{adapter.title} is not installed; run `make peers`.")
        else:
            names.append(name)
            yield Versions({package: installed[package] for package in adapter.packages})
    return names


def _guarded(task: Any, name: str, size: int, settings: Settings) -> Iterator[Found]:
    """What the task gives, as far as it comes, then why no more came; the peer's folder is removed."""
    folder = settings.folder / f"peer-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield from task(name, size, settings, folder)
    except _FailedError as failed:
        at = f" at {size:,}" if size else ""
        yield Skipped(f"{KNOWN[name].title}{at}, {task.__name__.strip('_')}: {failed}.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _speed(name: str, size: int, settings: Settings, folder: Path) -> Iterator[Found]:
    job = Job("write", name, str(folder / "store"), size, settings.seed, settings.seconds)
    written = _worked(job, settings, folder)
    bulk = written["bulk"]
    yield _row(name, "write.bulk", size, bulk["count"] / bulk["seconds"], "per second")
    if bulk["count"] < size:
        raise _FailedError(f"{bulk['count']:,} were written in {settings.seconds:.0f} s, and it was not asked")
    yield _row(name, "write.single", size, 1 / median(written["single"]["seconds"]), "per second")
    if KNOWN[name].kept:
        yield _row(name, "disk", size, written["closed"]["bytes"] / 1e6, "MB")
    asked = _worked(Job("ask", name, job.folder, size, settings.seed, settings.seconds), settings, folder)
    took, embedding = asked["asked"]["seconds"], asked["asked"]["embedding"]
    yield _row(name, "recall.p50", size, median(took) * 1e3, "ms")
    yield _row(name, "recall.p95", size, sorted(took)[int(len(took) * 0.95)] * 1e3, "ms")
    bare = [whole - part for whole, part in zip(took, embedding, strict=True)]
    yield _row(name, "recall.bare", size, median(bare) * 1e3, "ms")
    if asked["memory"]["bytes"] is not None:
        yield _row(name, "memory", size, asked["memory"]["bytes"] / 1e6, "MB")


def _quality(name: str, size: int, settings: Settings, folder: Path) -> Iterator[Found]:
    """The better of two ways to write a turn, where speaker and day have no fields that are searched."""
    path = str(settings.need("locomo").resolve())
    tried = {}
    for labelled in (False,) if KNOWN[name].fields else (False, True):
        job = Job("quality", name, str(folder / f"store-{labelled}"), locomo=path, labelled=labelled)
        [figure, *_] = _worked(job, settings, folder)["recall"]["figures"]
        tried[labelled] = figure
    best = max(tried, key=lambda labelled: tried[labelled]["mean"])
    figure = tried[best]
    yield Row(
        f"{KNOWN[name].title}: R@10 on LoCoMo{', speaker and day before the text' if best else ''}",
        100 * figure["mean"],
        "%",
        key=f"peers.{name}.r10",
        low=100 * figure["low"],
        high=100 * figure["high"],
    )


def _residue(name: str, size: int, settings: Settings, folder: Path) -> Iterator[Found]:
    job = Job("residue", name, str(folder / "store"), seed=settings.seed)
    found = _worked(job, settings, folder)["residue"]
    forms = ", ".join(found["found"])
    if not KNOWN[name].kept:
        forms = "it keeps nothing on disk"
    yield Row(
        f"{KNOWN[name].title}: sentences found unsealed on disk{f' ({forms})' if forms else ''}",
        found["sentences"],
        f"of {PLANTED}",
        key=f"peers.{name}.unsealed",
    )


_WORDS = {
    "write.bulk": "bulk write of {size}, embedding included",
    "write.single": "one write after another at {size}",
    "disk": "on disk with {size}",
    "recall.p50": "recall p50 at {size}, query embedding included",
    "recall.p95": "recall p95 at {size}",
    "recall.bare": "recall p50 at {size} without the embedding",
    "memory": "memory of the process, grown by opening and recall, at {size}",
}


def _row(name: str, what: str, size: int, figure: float, unit: str) -> Row:
    words = _WORDS[what].format(size=f"{size:,}")
    return Row(f"{KNOWN[name].title}: {words}", figure, unit, key=f"peers.{name}.{what}.{size}")


def _beside(found: Found, ours: float | None) -> Found:
    """The row of a peer's recall with Severance's beside it."""
    if not isinstance(found, Row) or ours is None or ".recall.p50." not in found.key or f".{OURS}." in found.key:
        return found
    return Row(found.what, found.figure, found.unit, key=found.key, base=ours, against="Severance")


def _worked(job: Job, settings: Settings, folder: Path) -> Steps:
    """What a worker found. Raises `_FailedError`."""
    folder.mkdir(parents=True, exist_ok=True)
    out, errors = folder / "out.jsonl", folder / "errors.txt"
    out.write_text("", encoding="utf-8")
    around = (
        environment(folder)
        | QUIET
        | _ALONE
        | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    )
    command = [settings.peers_python, "-P", "-m", "bench.peers.worker", str(out)]
    with errors.open("w", encoding="utf-8") as written:
        try:
            done = subprocess.run(
                command,
                input=json.dumps(asdict(job)),
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=written,
                cwd=folder,
                env=around,
                timeout=2 * settings.seconds + _GRACE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _FailedError(f"it was not done after {2 * settings.seconds + _GRACE:.0f} s") from None
    if done.returncode:
        raise _FailedError(reason(errors.read_text("utf-8", "replace")) or f"it ended with status {done.returncode}")
    return {step.pop("step"): step for step in map(json.loads, out.read_text("utf-8").splitlines())}


def reason(errors: str) -> str:
    """The last line of what a process said, short and without the names of folders."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    said = re.sub(r"(?:/[\w.@+-]+){2,}", "...", lines[-1]) if lines else ""
    return said[:160].rstrip(".")


def _installed(python: str) -> dict[str, str]:
    """Versions of all that this interpreter has, by the name it is installed as. Raises `AbsentError`."""
    asked = [python, "-P", "-c", _VERSIONS]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=_GRACE)
    except (OSError, subprocess.SubprocessError):
        raise AbsentError(f"There is no Python at {python}; name one with --peers-python.") from None
    installed: dict[str, str] = json.loads(done.stdout)
    if KNOWN[OURS].packages[0] not in installed:
        raise AbsentError(f"Severance is not installed for {python}; run `pip install -e . -r bench/peers.txt` there.")
    return installed
