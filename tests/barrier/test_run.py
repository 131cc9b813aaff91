"""The runner: every part has its turn and its time, and what one of them meets stays with that one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from kit import StillClock
from severance.barrier.findings import Control, Report, Tally, Verdict
from severance.barrier.run import Plan, Stop, perform, verdict_of
from severance.barrier.scene import Part, Scene, Skipped
from severance.errors import DamagedError, StoreError

SECRET = "xylophone-marmalade"
GOOD = Control("planted", 2, 2)

Work = Callable[[Scene, Tally], None]


class Ticks:
    """Time that passes only when somebody lets it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _holds(scene: Scene, tally: Tally) -> None:
    tally.held()
    tally.control = GOOD


def _part(run: Work, name: str = "toy", share: float = 1.0, not_covered: tuple[str, ...] = ()) -> Part:
    return Part(name, "A toy", "P1", "trials", "Mend it.", run, share, not_covered)


def _perform(
    folder: Path, *works: Work | Part, seconds: float = 10, stop: Stop | None = None, ticks: Ticks | None = None
) -> Report:
    parts = [work if isinstance(work, Part) else _part(work) for work in works]
    plan = Plan(parts, seconds, "severance", "quick", 7, not_covered=("The moon.",), versions={"a": "1"}, command="c")
    return perform(plan, folder, stop=stop, clock=StillClock(), ticks=ticks or Ticks())


def test_no_part_sees_the_encoders_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SEVERANCE_EMBEDDER": "openai:m", "SEVERANCE_RERANKER": "fastembed:m", "SEVERANCE_KEY": "env:KIT"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    seen = []

    def looks(scene: Scene, tally: Tally) -> None:
        seen.append({name for name in given if name in os.environ})
        raise StoreError("nothing more")

    _perform(folder, looks)
    assert seen == [{"SEVERANCE_KEY"}]
    assert {name: os.environ[name] for name in given} == given


@pytest.mark.parametrize(
    ("tally", "verdict"),
    [
        (Tally(tried=5, control=GOOD), Verdict.HELD),
        (Tally(tried=5, found=1, control=GOOD), Verdict.BROKEN),
        (Tally(tried=5, found=1, failed="it hung"), Verdict.BROKEN),
        (Tally(tried=5, found=1, measured=True), Verdict.BROKEN),
        (Tally(tried=5, failed="it hung", control=GOOD), Verdict.INCONCLUSIVE),
        (Tally(tried=5, control=Control("planted", 2, 1)), Verdict.INCONCLUSIVE),
        (Tally(tried=5, control=Control("planted", 0, 0)), Verdict.INCONCLUSIVE),
        (Tally(tried=5), Verdict.INCONCLUSIVE),
        (Tally(control=GOOD), Verdict.INCONCLUSIVE),
        (Tally(tried=5, measured=True), Verdict.NOTED),
        (Tally(tried=5, measured=True, control=Control("planted", 2, 1)), Verdict.INCONCLUSIVE),
        (Tally(measured=True), Verdict.INCONCLUSIVE),
    ],
)
def test_what_a_tally_comes_to(tally: Tally, verdict: Verdict) -> None:
    assert verdict_of(tally) is verdict


def test_a_report_has_what_every_part_counted(folder: Path) -> None:
    def breaks(scene: Scene, tally: Tally) -> None:
        tally.held(3)
        tally.broke("there")
        tally.control, tally.note = GOOD, "it was warm"

    report = _perform(folder, _holds, breaks)
    held, broken = report.outcomes
    assert (held.verdict, held.tried, held.found, held.evidence, held.note) == (Verdict.HELD, 1, 0, (), "")
    assert (broken.verdict, broken.tried, broken.found, broken.evidence) == (Verdict.BROKEN, 4, 1, ("there",))
    assert (broken.note, broken.control, broken.advice) == ("It was warm.", GOOD, "Mend it.")
    assert (report.began, report.seed, report.versions, report.command) == (StillClock().now(), 7, {"a": "1"}, "c")


def test_what_is_not_covered_is_said_once(folder: Path) -> None:
    parts = [_part(_holds, name, not_covered=("Timing.", f"What {name} leaves.")) for name in ("a", "b")]
    assert _perform(folder, *parts).not_covered == ("Timing.", "What a leaves.", "What b leaves.", "The moon.")


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (StoreError("the vault is gone"), "The vault is gone."),
        (DamagedError("record 7 is not what was written"), "Record 7 is not what was written."),
        (
            PermissionError(13, "Permission denied", f"/home/{SECRET}"),
            "The system could not read or write something (Permission denied).",
        ),
        (OSError(SECRET), "The system could not read or write something (I/O error)."),
        (KeyError(SECRET), "It ended with an unexpected KeyError, which is a bug in the barrier."),
        (AssertionError(SECRET), "It ended with an unexpected AssertionError, which is a bug in the barrier."),
        (MemoryError(), "It ended with an unexpected MemoryError, which is a bug in the barrier."),
        (RecursionError(), "It ended with an unexpected RecursionError, which is a bug in the barrier."),
    ],
)
def test_an_error_stays_with_the_part_that_met_it(folder: Path, error: Exception, note: str) -> None:
    def fails(scene: Scene, tally: Tally) -> None:
        tally.held()
        tally.control = GOOD
        raise error

    report = _perform(folder, fails, _holds)
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.INCONCLUSIVE, Verdict.HELD]
    assert (report.outcomes[0].note, report.outcomes[0].tried) == (note, 1)
    assert not report.conclusive


def test_what_crossed_before_an_error_is_still_a_crossing(folder: Path) -> None:
    def fails(scene: Scene, tally: Tally) -> None:
        tally.broke("there")
        raise StoreError("then it stopped")

    [outcome] = _perform(folder, fails).outcomes
    assert (outcome.verdict, outcome.note) == (Verdict.BROKEN, "Then it stopped.")


def test_what_cannot_be_tried_here_says_why(folder: Path) -> None:
    def skips(scene: Scene, tally: Tally) -> None:
        raise Skipped("there is no store")

    [outcome] = _perform(folder, skips).outcomes
    assert (outcome.verdict, outcome.note, outcome.tried) == (Verdict.NOT_TRIED, "There is no store.", 0)


@pytest.mark.parametrize(
    ("tally", "note"),
    [
        (Tally(tried=1, control=Control("x", 3, 2)), "The control was missed, so finding nothing says nothing."),
        (Tally(tried=1), "The control was not run."),
        (Tally(), "Nothing was tried."),
    ],
)
def test_what_is_inconclusive_says_why(folder: Path, tally: Tally, note: str) -> None:
    def counts(scene: Scene, mine: Tally) -> None:
        mine.tried, mine.control = tally.tried, tally.control

    assert _perform(folder, counts).outcomes[0].note == note


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("vault.db is not in the store", "vault.db is not in the store."),
        ("chip.db-journal grows", "chip.db-journal grows."),
        ("mem0 did not answer", "mem0 did not answer."),
        ("notes/a is odd", "notes/a is odd."),
        ("--key is wrong", "--key is wrong."),
        ("it's late", "It's late."),
        ("recall: 3 of 4", "Recall: 3 of 4."),
        ("write-ahead logs differ", "Write-ahead logs differ."),
        ("élan is missing", "Élan is missing."),
    ],
)
def test_a_sentence_begins_large_and_the_name_of_a_file_stays(folder: Path, said: str, shown: str) -> None:
    def work(scene: Scene, tally: Tally) -> None:
        _holds(scene, tally)
        tally.note = said

    assert _perform(folder, work).outcomes[0].note == shown


def test_a_part_that_samples_nothing_has_no_bound(folder: Path) -> None:
    sampled = _part(_holds)
    one, other = _perform(folder, sampled, replace(sampled, bounded=False)).outcomes
    assert (one.at_most is None, other.at_most is None) == (False, True)


def test_every_part_has_an_empty_folder_that_is_gone_afterwards(folder: Path) -> None:
    seen = []

    def writes(scene: Scene, tally: Tally) -> None:
        seen.append((scene.folder, list(scene.folder.iterdir())))
        (scene.folder / "deep").mkdir()
        (scene.folder / "deep" / "file").write_text("x")
        _holds(scene, tally)

    _perform(folder, writes, writes)
    assert len({path for path, _ in seen}) == 2
    assert [content for _, content in seen] == [[], []]
    assert list(folder.iterdir()) == []


def test_the_path_of_the_scratch_is_in_no_report(folder: Path) -> None:
    def tells(scene: Scene, tally: Tally) -> None:
        tally.broke(f"{scene.folder}/file has it")
        tally.note = f"see {scene.folder}"
        raise StoreError(f"{scene.folder} is full")

    [outcome] = _perform(folder, tells).outcomes
    assert str(folder) not in repr(outcome)
    assert outcome.evidence == ("its scratch folder/file has it",)


def test_the_path_of_no_other_file_is_in_a_report_either(folder: Path) -> None:
    def work(scene: Scene, tally: Tally) -> None:
        tally.broke("it wrote to '/home/jane doe/notes.db'")
        tally.note = "see /home/jane/log"
        raise StoreError("/home/jane/store is full")

    [outcome] = _perform(folder, work).outcomes
    assert outcome.evidence == ("it wrote to 'notes.db'",)
    assert outcome.note == "Store is full. See log."


def test_time_is_shared_by_share_and_what_is_left_over_goes_on(folder: Path) -> None:
    ticks = Ticks()
    took = {}

    def takes(least: float) -> Work:
        def work(scene: Scene, tally: Tally) -> None:
            begun = ticks.now
            while True:
                ticks.now += least
                _holds(scene, tally)
                if not scene.more(tally):
                    break
            took[least] = round(ticks.now - begun, 3)

        return work

    def at_once(scene: Scene, tally: Tally) -> None:
        _holds(scene, tally)

    parts = [_part(takes(0.5), "a", share=1), _part(at_once, "b", share=2), _part(takes(0.25), "c", share=1)]
    report = _perform(folder, *parts, seconds=8, ticks=ticks)
    assert took == {0.5: 2.0, 0.25: 6.0}, "a quarter first; then all that the second did not need"
    assert report.seconds == 8.0


def test_without_any_time_left_every_part_has_a_first_trial(folder: Path) -> None:
    ticks = Ticks()

    def slow(scene: Scene, tally: Tally) -> None:
        while True:
            ticks.now += 60
            _holds(scene, tally)
            if not scene.more(tally):
                break

    report = _perform(folder, slow, slow, slow, seconds=1, ticks=ticks)
    assert [outcome.tried for outcome in report.outcomes] == [1, 1, 1]
    assert [outcome.seconds for outcome in report.outcomes] == [60, 60, 60]


def _at_least(run: Work, least: int) -> Part:
    return Part("toy", "A toy", "P1", "trials", "Mend it.", run, least=least)


def test_a_part_makes_its_least_trials_whatever_the_time(folder: Path) -> None:
    ticks = Ticks()

    def slow(scene: Scene, tally: Tally) -> None:
        while True:
            ticks.now += 60
            _holds(scene, tally)
            if not scene.more(tally):
                break

    report = _perform(folder, _at_least(slow, 7), slow, seconds=1, ticks=ticks)
    assert [(outcome.tried, outcome.verdict) for outcome in report.outcomes] == [
        (7, Verdict.HELD),
        (1, Verdict.HELD),
    ]


@pytest.mark.parametrize("measured", [False, True])
def test_after_fewer_than_its_least_trials_a_part_says_nothing(folder: Path, measured: bool) -> None:
    def ends(scene: Scene, tally: Tally) -> None:
        tally.held(6)
        tally.control, tally.measured = GOOD, measured

    few, enough = _perform(folder, _at_least(ends, 7), _at_least(ends, 6)).outcomes
    assert few.verdict is Verdict.INCONCLUSIVE
    assert few.note == "Of the 7 trials that it takes to say anything, 6 were tried."
    assert enough.verdict is (Verdict.NOTED if measured else Verdict.HELD)


def test_what_crossed_in_fewer_than_its_least_trials_has_crossed(folder: Path) -> None:
    def breaks(scene: Scene, tally: Tally) -> None:
        tally.broke("there")
        tally.control = GOOD

    assert _perform(folder, _at_least(breaks, 7)).outcomes[0].verdict is Verdict.BROKEN


def test_stopped_before_its_least_trials_a_part_says_nothing(folder: Path) -> None:
    def interrupted(scene: Scene, tally: Tally) -> None:
        _holds(scene, tally)
        raise KeyboardInterrupt

    [outcome] = _perform(folder, _at_least(interrupted, 2)).outcomes
    assert (outcome.verdict, outcome.note) == (Verdict.INCONCLUSIVE, "It was stopped before it could say anything.")


def test_somebody_who_watches_hears_what_was_counted(folder: Path) -> None:
    heard = []

    def work(scene: Scene, tally: Tally) -> None:
        for _ in range(3):
            _holds(scene, tally)
            scene.more(tally)

    plan = Plan([_part(work)], 10, "severance", "quick", 7)
    perform(plan, folder, watch=lambda part, tally: heard.append((part.name, tally.tried)), ticks=Ticks())
    assert heard == [("toy", 1), ("toy", 2), ("toy", 3)]


def test_ctrl_c_ends_the_run_and_keeps_what_was_counted(folder: Path) -> None:
    def interrupted(scene: Scene, tally: Tally) -> None:
        tally.held(4)
        tally.control = GOOD
        raise KeyboardInterrupt

    report = _perform(folder, _holds, interrupted, _holds)
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.HELD, Verdict.HELD, Verdict.NOT_TRIED]
    assert [outcome.stopped for outcome in report.outcomes] == [False, True, False]
    assert report.outcomes[1].tried == 4
    assert report.stopped
    assert not report.conclusive
    assert list(folder.iterdir()) == []


def test_stopped_before_its_control_a_part_says_nothing(folder: Path) -> None:
    def interrupted(scene: Scene, tally: Tally) -> None:
        tally.held(4)
        raise KeyboardInterrupt

    [outcome] = _perform(folder, interrupted).outcomes
    assert (outcome.verdict, outcome.note) == (Verdict.INCONCLUSIVE, "It was stopped before it could say anything.")


def test_a_wish_to_stop_reaches_the_part_at_work(folder: Path) -> None:
    stop = Stop()

    def asked(scene: Scene, tally: Tally) -> None:
        tally.held()
        stop.ask()
        raise AssertionError("it went on")

    report = _perform(folder, asked, _holds, stop=stop)
    assert [outcome.stopped for outcome in report.outcomes] == [True, False]
    assert report.outcomes[1].verdict is Verdict.NOT_TRIED


def test_who_takes_the_interrupt_for_their_own_is_ended_all_the_same(folder: Path) -> None:
    """Such as a command that is run within a part, and ends with code 130; what then differs has not crossed."""
    stop = Stop()

    def swallows(scene: Scene, tally: Tally) -> None:
        _holds(scene, tally)
        with suppress(KeyboardInterrupt):
            stop.ask()
        tally.broke("it answered otherwise")
        scene.more(tally)
        raise AssertionError("it went on")

    def swallows_at_the_end(scene: Scene, tally: Tally) -> None:
        _holds(scene, tally)
        with suppress(KeyboardInterrupt):
            stop.ask()
        tally.broke("it answered otherwise")

    for work in (swallows, swallows_at_the_end):
        stop = Stop()
        [outcome] = _perform(folder, work, stop=stop).outcomes
        assert (outcome.verdict, outcome.stopped, outcome.tried, outcome.found) == (Verdict.HELD, True, 1, 0)


def test_a_wish_to_stop_is_kept_while_no_part_is_at_work(folder: Path) -> None:
    stop = Stop()
    stop.ask()  # while the scratch is made: nothing is raised
    report = _perform(folder, _holds, stop=stop)
    assert report.stopped
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.NOT_TRIED]
    with pytest.raises(KeyboardInterrupt):
        stop.ask()  # who asks twice means it
