"""Whatever an adapter does, there is an outcome in one sentence, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from barrier.peers import bad_adapters
from kit.processes import is_there, none_outlives, until
from severance.barrier.causes import GIVEN
from severance.barrier.findings import Control, Tally, Verdict
from severance.barrier.peers import remote
from severance.barrier.peers.classes import LEAKS
from severance.barrier.peers.remote import Limits
from severance.barrier.peers.run import Health, attempt
from severance.barrier.peers.targets import Target
from severance.barrier.run import verdict_of
from severance.barrier.scene import Scene

FILE = Path(__file__).with_name("bad_adapters.py")
PATIENT = Limits()
HASTY = Limits(start=120, call=0.5)
"""For those that never answer. The start takes as long as it takes."""

SILENT = "the adapter failed to answer 3 times; the last time, "


def tried(name: str, folder: Path, *slugs: str, limits: Limits = PATIENT) -> Tally:
    """What the last of these classes counted, tried one after the other in the same run, without their controls."""
    health = Health(limits.silences)
    for slug in slugs:
        [leak] = [leak for leak in LEAKS if leak.slug == slug]
        tally = Tally(control=Control("of another test", 1, 1))
        scene = Scene(folder / slug, 5, lambda _: True)
        attempt(leak, Target(name, str(FILE), name), limits, health, scene, tally)
    return tally


def pids_in(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def parent_of(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Hangs", f"{SILENT}it gave no answer within 0.5 seconds to search("),
        ("HangsAtTheEnd", f"{SILENT}it gave no answer within 0.5 seconds to close()"),
        ("IgnoresBeingAsked", f"{SILENT}it gave no answer within 0.5 seconds to search("),
    ],
)
def test_one_that_hangs_is_given_up_after_three_times(name: str, said: str, tmp_path: Path) -> None:
    tally = tried(name, tmp_path, "filter", limits=HASTY)
    assert tally.failed.startswith(said)
    assert verdict_of(tally) is Verdict.INCONCLUSIVE


def test_one_that_hangs_at_the_start_is_given_up_too(tmp_path: Path) -> None:
    # Importing takes some time, being made takes for ever: only the second may run into the limit.
    tally = tried("HangsAtTheStart", tmp_path, "id", limits=Limits(start=5))
    assert tally.failed == f"{SILENT}it gave no answer within 5 seconds to being made"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Exits", f"{SILENT}it ended its process (exit code 3) in search("),
        ("Segfaults", f"{SILENT}it was killed by signal 11 in get("),
        ("ReturnsNone", f"{SILENT}add returned None where a str was expected, in add("),
        ("ReturnsNumbers", f"{SILENT}add returned an object of type int where a str was expected, in add("),
        (
            "ReturnsText",
            f"{SILENT}search returned an object of type str where a list of Found was expected, in search(",
        ),
        (
            "ReturnsDictionaries",
            f"{SILENT}search returned an object of type dict among its results where Found was expected, in search(",
        ),
        ("ReturnsObjects", f"{SILENT}get returned an object of type object where a str was expected, in get("),
        ("ReturnsMillions", f"{SILENT}list returned more than 10,000 memories, in list("),
        ("NeverEnds", f"{SILENT}list returned more than 10,000 memories, in list("),
        ("ReturnsTenMegabytes", f"{SILENT}get returned a text of more than 1,000,000 characters, in get("),
        ("ReturnsHalfCharacters", f"{SILENT}get returned a text that is not Unicode, in get("),
        ("ScoresInWords", f"{SILENT}search returned an object of type str as a score, in search("),
        (
            "CannotBeMade",
            "nothing could be tried with the adapter: it cannot be made: PermissionError: the server wants",
        ),
        ("RaisesAlways", "the adapter refuses to remember for the tenant '"),
        ("RaisesWhatCannotBeSaid", "the adapter refuses to remember for the tenant '"),
        ("LeavesPolitely", "the adapter does not find what it was given: search("),
        ("Forgets", "the adapter does not find what it was given: search("),
        ("Lies", "the adapter does not find what it was given: list("),
    ],
)
def test_one_that_cannot_answer_allows_no_conclusion(name: str, said: str, tmp_path: Path) -> None:
    if name == "Segfaults" and sys.platform == "win32":
        pytest.skip("Windows has no signals")
    tally = tried(name, tmp_path, "id")
    assert tally.failed.startswith(said)
    assert "\n" not in tally.failed
    assert verdict_of(tally) is Verdict.INCONCLUSIVE


def test_what_a_refusal_was_is_told(tmp_path: Path) -> None:
    assert tried("RaisesAlways", tmp_path, "id").failed.endswith("': it raised RuntimeError: no never")
    assert tried("RaisesWhatCannotBeSaid", tmp_path, "prefix").failed.endswith("': it raised Mute")


def test_one_that_cannot_be_opened_again_is_given_up(tmp_path: Path) -> None:
    tally = tried("CannotBeMadeTwice", tmp_path, "filter")
    assert tally.failed == f"{SILENT}it cannot be made: BlockingIOError: the folder is taken"
    assert tally.tried


def test_a_round_that_was_cut_short_is_told_and_a_whole_one_counts(tmp_path: Path) -> None:
    tally = tried("HangsOnce", tmp_path, "id", limits=Limits(start=120, call=5))
    assert tally.note.startswith("1 of the rounds ended early: it gave no answer within 5 seconds to search(")
    assert verdict_of(tally) is Verdict.HELD


def test_without_a_whole_round_there_is_no_conclusion(tmp_path: Path) -> None:
    tally, [leak] = Tally(control=Control("of another test", 1, 1)), [leak for leak in LEAKS if leak.slug == "filter"]
    scene = Scene(tmp_path / "scratch", 5, lambda _: False)
    attempt(leak, Target("", str(FILE), "CannotBeMadeTwice"), PATIENT, Health(3), scene, tally)
    assert tally.failed == "no round came to its end: it cannot be made: BlockingIOError: the folder is taken"
    assert verdict_of(tally) is Verdict.INCONCLUSIVE


def test_what_is_known_of_an_adapter_is_not_waited_for_again(tmp_path: Path) -> None:
    first = tried("Hangs", tmp_path, "filter", limits=HASTY)
    both = tried("Hangs", tmp_path / "again", "filter", "id", limits=HASTY)
    assert both.failed.partition(" to ")[0] == first.failed.partition(" to ")[0]
    assert both.tried == 0


@pytest.mark.parametrize("name", ["Yields", "Talks", "StartsThreads", "ForksAndComesBack"])
def test_one_that_only_looks_bad_is_tried_like_any_other(name: str, tmp_path: Path) -> None:
    tally = tried(name, tmp_path, "id")
    assert verdict_of(tally) is Verdict.HELD, tally


@pytest.mark.parametrize("name", ["ByCrc", "ByAdler", "ByFnv", "ByJava"])
def test_one_that_knows_tenants_by_a_checksum_is_found(name: str, tmp_path: Path) -> None:
    tally = tried(name, tmp_path, "delimiter")
    assert verdict_of(tally) is Verdict.BROKEN, tally
    assert ("search", GIVEN) in tally.ways


def test_one_that_leaks_only_when_it_is_full_is_found(tmp_path: Path) -> None:
    tally = tried("Full", tmp_path, "filter")
    assert verdict_of(tally) is Verdict.BROKEN, tally
    assert all("search(" in line for line in tally.evidence)


def test_what_is_not_there_is_not_tried(tmp_path: Path) -> None:
    tally = tried("Few", tmp_path, "prefix")
    assert verdict_of(tally) is Verdict.HELD
    assert tally.tried


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("name", "verdict"), [("StartsProcesses", Verdict.HELD), ("ExitsWithChildren", Verdict.INCONCLUSIVE)]
)
def test_no_process_is_left(name: str, verdict: Verdict, tmp_path: Path) -> None:
    tally = tried(name, tmp_path, "id")
    assert verdict_of(tally) is verdict, tally
    started = pids_in(tmp_path / "id" / "worker" / "home" / bad_adapters.PIDS)
    assert len(started) >= 3
    until(lambda: not any(map(is_there, started)))  # a killed process is gone a moment after


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_one_that_began_while_the_others_were_looked_for_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    around = {**os.environ, "BARRIER_WORKER": "of this test"}
    command = [sys.executable, "-c", "import time; time.sleep(10_000)"]
    with subprocess.Popen(command, env=around) as first, subprocess.Popen(command, env=around) as second:
        true, looks = remote._marked, list[str]()

        def late(mark: str) -> Iterable[int]:
            looks.append(mark)
            return [pid for pid in true(mark) if pid == first.pid or len(looks) > 1]

        monkeypatch.setattr(remote, "_marked", late)
        try:
            remote._end_marked("of this test")
            assert (first.wait(600), second.wait(60)) == (-signal.SIGKILL, -signal.SIGKILL)
        finally:
            first.kill()
            second.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot tell")
def test_a_worker_ends_with_a_barrier_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from severance.barrier.peers.remote import *\n"
        "peer = Remote(sys.argv[1], 'HangsOnce', Path(sys.argv[2]), Limits()); peer.open(Path(sys.argv[2], 'store'))\n"
        "print(peer._process.pid, flush=True); peer.call(Call('search', ['ann', 'one', 1]))\n"
    )
    command = [sys.executable, "-c", script, str(FILE), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as barrier:
        assert barrier.stdout is not None
        worker = int(barrier.stdout.readline())
        try:
            until((tmp_path / "home" / "has-hung").exists)
            none_outlives(barrier, [worker])
        finally:
            barrier.kill()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_no_worker_is_left(tmp_path: Path) -> None:
    tried("Yields", tmp_path, "id")
    tried("Forgets", tmp_path, "prefix")
    mine = [entry for entry in Path("/proc").glob("[0-9]*") if parent_of(entry) == os.getpid()]
    assert not [entry for entry in mine if b"severance.barrier.peers.worker" in (entry / "cmdline").read_bytes()]
