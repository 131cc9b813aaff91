"""P3: nothing in the clear at rest, however a session ends; and the sweep that says so finds what is there.

Each ending runs in a process of its own whose home, temporary folder and SQLite's are swept together with the store,
with what it printed and with its log at DEBUG.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from severance.barrier.children import environment
from severance.barrier.residue import ENCODINGS, Sweep, endings, places, shown, stores, write_control
from severance.barrier.residue.endings import ENDINGS
from severance.barrier.residue.planted import beside, drafts, planted
from severance.barrier.residue.stores import EMBEDDER, KEY, NAMES, OUTER, QUAY, SUBJECT
from severance.embed import bundled

if TYPE_CHECKING:
    from severance import House
    from severance.barrier.residue import Report

SENTENCES = planted(1_000)
BESIDE = beside(SENTENCES)
"""Labels, and unusual texts, which `stores.prepare` and every ending remember beside the sentences."""

FILLING = 2_000


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep([*SENTENCES, *BESIDE, *NAMES, KEY.decode()], EMBEDDER)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with every sentence in it, as text, label, metadata or part of a text that needs pages of its own."""
    store = tmp_path_factory.mktemp("template") / "store"
    stores.prepare(store, SENTENCES, planted(FILLING, seed=2))
    return store


@pytest.fixture
def work(tmp_path: Path, template: Path) -> Path:
    shutil.copytree(template, tmp_path / "store")
    return tmp_path


def begun(work: Path, name: str, *options: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    arguments = [*options, "-m", endings.__name__, name, str(work)]
    return places.begun(work, arguments, kept=name not in endings.TELLING)  # which say what is secret


def assert_nothing(report: Report) -> None:
    assert report.clean, report.hits[:5]
    assert report.bytes > 2_000_000, "the sweep must have seen the store"


def test_the_control_gives_away_every_sentence_in_every_encoding(tmp_path: Path, sweep: Sweep) -> None:
    write_control(tmp_path / "control", SENTENCES, EMBEDDER)
    found = sweep.paths([tmp_path]).found(whole=True)
    assert {name: len(found[name] & set(range(len(SENTENCES)))) for name in ENCODINGS} == dict.fromkeys(
        ENCODINGS, 1_000
    )


def test_the_control_gives_away_what_is_remembered_beside_them(tmp_path: Path, sweep: Sweep) -> None:
    write_control(tmp_path / "control", BESIDE, EMBEDDER)
    found = sweep.paths([tmp_path]).found(whole=True)
    those = set(range(len(SENTENCES), len(SENTENCES) + len(BESIDE)))
    assert {name: len(found[name] & those) for name in ENCODINGS} == dict.fromkeys(ENCODINGS, len(BESIDE))


def test_what_is_remembered_beside_them_is_found_in_a_store_that_leaks_it(work: Path, sweep: Sweep) -> None:
    (work / "store" / "labels").write_text("\n".join(draft["thread"] for draft in drafts(SENTENCES)[:8]))
    hits = sweep.paths([work]).hits
    assert {hit.sentence for hit in hits} == {len(SENTENCES) + 5 * number for number in range(8)}
    assert {Path(hit.path).name for hit in hits} == {"labels"}


@pytest.mark.parametrize("name", ENDINGS)
def test_nothing_is_left_when_a_session(name: str, work: Path, sweep: Sweep) -> None:
    with begun(work, name) as child:
        status = child.wait(600)
    assert status == endings.returns(name), (work / "stderr").read_text()
    assert_nothing(sweep.paths([work]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_nothing_is_left_or_shown_by_a_process_that_is_ended_by(
    number: signal.Signals, work: Path, sweep: Sweep
) -> None:
    with begun(work, "waits") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        found = shown(sweep, child.pid)
        assert found.clean, found.hits[:5]
        assert_nothing(sweep.paths([work]))
        child.send_signal(number)
        assert child.wait(600) == -number
    assert_nothing(sweep.paths([work]))


def test_nothing_is_left_in_developer_mode(work: Path, sweep: Sweep) -> None:
    with begun(work, "is_collected", "-X", "dev", "-X", "tracemalloc", "-W", "always") as child:
        assert child.wait(600) == 0
    assert_nothing(sweep.paths([work]))


def test_nothing_is_left_by_the_command_line(tmp_path: Path) -> None:
    """The answers on standard output are meant to be read; everything else is swept."""
    said, imported = planted(1, seed=3)[0], planted(40, seed=4)
    sweep = Sweep([said, *imported, *NAMES], bundled())
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for directory in (work, elsewhere):
        directory.mkdir()
    source = elsewhere / "notes.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in imported))
    around = environment(work) | {"SEVERANCE_KEY": "A" * 43 + "=", "SEVERANCE_STORE": "store"}

    def run(*arguments: str, given: str = "") -> str:
        command = [sys.executable, "-m", "severance.cli.main", *arguments]
        with (work / "stderr").open("a") as errors:
            done = subprocess.run(
                command, input=given, env=around, cwd=work, stdout=subprocess.PIPE, stderr=errors, text=True
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
