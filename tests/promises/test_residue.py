"""P3: nothing in the clear at rest, however a session ends; and the sweep that says so finds what is there.

Each ending runs in a process of its own whose home, temporary folder and SQLite's are swept together with the store,
with what it printed and with its log at DEBUG.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from barrier.planted import planted
from promises import endings
from promises.endings import EMBEDDER, ENDINGS, FAILED, KEY, NAMES, OUTER, QUAY, SENTENCES, STAIRWELL, SUBJECT
from severance.barrier.residue import ENCODINGS, Sweep, write_control
from severance.embed import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from severance import House
    from severance.barrier.residue import Report

TESTS = Path(__file__).parents[1]
FILLING = 2_000
RETURNS = {
    "exits": FAILED,
    "exits_at_once": FAILED,
    "fills_the_disk": FAILED,
    "leaves_a_thread": FAILED,
    "is_interrupted": -signal.SIGINT,
    "raises": 1,
    "loses_its_embedder": 1,
    "aborts": -signal.SIGABRT,
    "writes_a_snapshot": -signal.SIGKILL,
}


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep([*SENTENCES, *NAMES, KEY.decode()], EMBEDDER)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with every sentence in it, as text, label, metadata or part of a text that needs pages of its own."""
    store = tmp_path_factory.mktemp("template") / "store"
    with endings.enter(store) as house:
        house.sever(SUBJECT, [endings.INNER, OUTER])
        house.place(STAIRWELL, {SUBJECT: endings.INNER})
        house.place(QUAY, {SUBJECT: OUTER})
        texts, threads, sources, values, parts = (SENTENCES[start : start + 200] for start in range(0, 1_000, 200))
        with house.cross(SUBJECT, STAIRWELL) as session:
            session.remember_many(
                {"text": text, "thread": thread, "source": source, "metadata": {"note": value}}
                for text, thread, source, value in zip(texts, threads, sources, values, strict=True)
            )
            session.remember_many("\n".join(parts[start : start + 50]) for start in range(0, 200, 50))
            session.remember_many([*SENTENCES, *planted(FILLING, seed=2)])
        with house.cross(SUBJECT, QUAY) as session:
            session.remember_many(SENTENCES[:100])
    return store


@pytest.fixture
def work(tmp_path: Path, template: Path) -> Path:
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    shutil.copytree(template, tmp_path / "store")
    return tmp_path


def surroundings(work: Path) -> dict[str, str]:
    temporary = {name: str(work / "tmp") for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")}
    mine = {"HOME": str(work / "home"), "PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PYTHON", "SEVERANCE"))}
    return kept | temporary | mine


@contextlib.contextmanager
def begun(work: Path, name: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *options, str(TESTS / "promises" / "endings.py"), name, str(work)]
    with (work / "stderr").open("w") as errors:
        child = subprocess.Popen(
            command, cwd=work, env=surroundings(work), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            yield child
        finally:
            child.kill()
            (work / "stdout").write_text(child.communicate()[0])


def assert_nothing(report: Report) -> None:
    assert report.clean, report.hits[:5]
    assert report.bytes > 2_000_000, "the sweep must have seen the store"


def test_the_control_gives_away_every_sentence_in_every_encoding(tmp_path: Path, sweep: Sweep) -> None:
    write_control(tmp_path / "control", SENTENCES, EMBEDDER)
    found = sweep.paths([tmp_path]).found(whole=True)
    assert {name: len(found[name] & set(range(len(SENTENCES)))) for name in ENCODINGS} == dict.fromkeys(
        ENCODINGS, 1_000
    )


@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "waits"])
def test_nothing_is_left_when_a_session(name: str, work: Path, sweep: Sweep) -> None:
    with begun(work, name) as child:
        status = child.wait(60)
    assert status == RETURNS.get(name, 0), (work / "stderr").read_text()
    assert_nothing(sweep.paths([work]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_nothing_is_left_or_shown_by_a_process_that_is_ended_by(
    number: signal.Signals, work: Path, sweep: Sweep
) -> None:
    with begun(work, "waits") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        shown = sweep.process(child.pid)
        assert shown.clean, shown.hits[:5]
        assert_nothing(sweep.paths([work]))
        child.send_signal(number)
        assert child.wait(60) == -number
    assert_nothing(sweep.paths([work]))


def test_nothing_is_left_in_developer_mode(work: Path, sweep: Sweep) -> None:
    with begun(work, "is_collected", "-X", "dev", "-X", "tracemalloc", "-W", "always") as child:
        assert child.wait(60) == 0
    assert_nothing(sweep.paths([work]))


def test_nothing_is_left_by_the_command_line(tmp_path: Path) -> None:
    """The answers on standard output are meant to be read; everything else is swept."""
    said, imported = planted(1, seed=3)[0], planted(40, seed=4)
    sweep = Sweep([said, *imported, *NAMES], bundled())
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for directory in (work / "home", work / "tmp", elsewhere):
        directory.mkdir(parents=True)
    source = elsewhere / "notes.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in imported))
    environment = surroundings(work) | {"SEVERANCE_KEY": "A" * 43 + "=", "SEVERANCE_STORE": "store"}

    def run(*arguments: str, given: str = "") -> str:
        command = [sys.executable, "-m", "severance.cli.main", *arguments]
        with (work / "stderr").open("a") as errors:
            done = subprocess.run(
                command, input=given, env=environment, cwd=work, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert done.returncode == 0, (arguments[0], (work / "stderr").read_text())
        return done.stdout

    run("init")
    run("sever", SUBJECT, OUTER)
    run("place", QUAY, f"{SUBJECT}={OUTER}")
    run("remember", "-", "--at", QUAY, given=said)
    run("import", str(source), "--at", QUAY)
    assert imported[7] in run("recall", "-", "--at", QUAY, given=imported[7])
    run("backup", "backup.tar")
    report = sweep.paths([work])
    assert report.clean, report.hits[:5]
    assert report.files >= 4


def test_what_was_forgotten_leaves_no_frame_behind(house: House, folder: Path) -> None:
    """Also not as a stale copy from when a page was split: two personas write in turns, so that pages are."""
    vault = folder / "store" / "vault.db"
    inner, outer = house.cross("mark", "floor"), house.cross("mark", "home")
    kept: list[str] = []
    for turn, sentence in enumerate(planted(480, seed=5)):
        session = inner if turn % 3 else outer
        memory = session.remember(sentence * (1 + turn % 30), kind=str(turn))
        if session is inner:
            kept.append(memory.id)
    inner.sleep()
    inner = house.cross("mark", "floor")
    forgotten = kept[::3]
    seqs = {seq for memory in forgotten for seq in inner._mind.seqs(inner._mind.chain(memory))}
    space = inner._space.key.space
    frames = [frame for seq, frame in stored(vault, space) if seq in seqs] + snapshots(vault, space)
    assert len(frames) > len(forgotten)
    for memory in forgotten:
        inner.forget(memory)
    house.close()
    left = b"".join(file.read_bytes() for file in vault.parent.iterdir())
    # A long frame is spread over pages, so eight bytes here and there are looked for, and chance does not make them.
    # The first 84 are the header that all frames of a segment share.
    samples = {frame[at : at + 8] for frame in frames for at in range(84, len(frame) - 8, 40)}
    windows = np.ndarray((len(left) - 7,), "<u8", left, 0, (1,))
    assert not np.isin(windows, np.array([int.from_bytes(sample, "little") for sample in samples], np.uint64)).any()
    assert len(stored(vault, space)) == 1 + len(kept), "one record says so of each"


def stored(vault: Path, space: bytes) -> list[tuple[int, bytes]]:
    with contextlib.closing(sqlite3.connect(vault)) as raw:
        return raw.execute(
            "SELECT seq, frame FROM records WHERE space = ? AND frame IS NOT NULL ORDER BY seq", (space,)
        ).fetchall()


def snapshots(vault: Path, space: bytes) -> list[bytes]:
    with contextlib.closing(sqlite3.connect(vault)) as raw:
        return [frame for (frame,) in raw.execute("SELECT frame FROM chunks WHERE space = ?", (space,))]
