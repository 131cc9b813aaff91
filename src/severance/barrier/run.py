"""The runner: parts in order, each within its time, and whatever one of them meets stays with that one."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from severance.barrier.causes import traced
from severance.barrier.children import without
from severance.barrier.findings import Outcome, Report, Tally, Verdict
from severance.barrier.paths import base_names
from severance.barrier.scene import Part, Scene, Skipped
from severance.errors import SeveranceError
from severance.house import EMBEDDER_VARIABLE, RERANKER_VARIABLE
from severance.ports import Clock
from severance.system import SystemClock

Watch = Callable[[Part, Tally], None]
"""Called now and then with the part that is being tried, and what it has counted."""

_WORD = re.compile(r"[^\W\d_]+(['’-][^\W\d_]+)*[.,:;?]?(\s|$)")
_NOT_BEGUN = "the run was stopped before it"

NEVER_COVERED = (
    "What a model does with what it legitimately read: a crossing must start a new model context.",
    "The logs and prompt caches of a model's provider, and people who tell in one room what they heard in another.",
    "Root on the machine, and code that runs inside the process of an awake persona.",
)
"""What no run says anything about, whatever was tried of Severance (docs/design/threat-model.md)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be tried.

    Attributes:
        parts: in order.
        seconds: how long it may take in all. Each part makes its `least` trials, whatever the time.
        target, mode, seed, versions, command: as in `Report`.
        jobs, deep: as in `Scene`.
        not_covered: what this run says nothing about, besides what each part says of itself.
    """

    parts: Sequence[Part]
    seconds: float
    target: str
    mode: str
    seed: int
    jobs: int = 1
    deep: bool = False
    not_covered: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""


@dataclass(slots=True)
class Stop:
    """Somebody's wish to end the run, heard while a part works and not while its result is put away.

    Attributes:
        asked: whether it was uttered.
        working: what a part has counted that is at work, which a KeyboardInterrupt ends.
        counted: the same at the moment of the wish: what the part still counts while it is being interrupted may come
            of the interruption.
    """

    asked: bool = False
    working: Tally | None = None
    counted: Tally | None = None

    def ask(self) -> None:
        """To be called from a signal's handler. The second wish is always heard.

        Raises:
            KeyboardInterrupt: to the part that is at work.
        """
        interrupt, self.asked = self.working is not None or self.asked, True
        if self.working is not None:
            self.counted = self.working.copy()
            self.working = None
        if interrupt:
            raise KeyboardInterrupt

    @contextmanager
    def heard(self, tally: Tally) -> Iterator[None]:
        """A part works within, and counts in this tally."""
        self.working = tally
        try:
            self.heed()
            yield
            self.heed()
        finally:
            self.working = None

    def heed(self) -> None:
        """End here if that was asked, whoever took the interrupt for their own.

        Raises:
            KeyboardInterrupt: it was.
        """
        if self.asked:
            raise KeyboardInterrupt


def perform(
    plan: Plan,
    folder: Path,
    *,
    watch: Watch | None = None,
    stop: Stop | None = None,
    clock: Clock | None = None,
    ticks: Callable[[], float] = time.monotonic,
) -> Report:
    """Try every part of the plan, and report.

    An error ends the part that met it. A KeyboardInterrupt ends the run; what was counted until then is in the report.

    Args:
        plan: what to try.
        folder: the scratch; each part gets a folder of its own in it.
        watch: hears how it goes.
        stop: through which the run can be ended without losing a result.
        clock: says when the run began.
        ticks: seconds that pass, from any beginning.
    """
    began, first = (clock or SystemClock()).now(), ticks()
    stop = stop or Stop()
    outcomes: list[Outcome] = []
    for number, part in enumerate(plan.parts):
        if stop.asked:
            outcomes.append(_of(part, Verdict.NOT_TRIED, Tally(note=_NOT_BEGUN)))
            continue
        left = max(0.0, plan.seconds - (ticks() - first))
        share = part.share / (sum(later.share for later in plan.parts[number:]) or 1.0)
        scene = _scene(plan, folder / f"{number:02}", part, ticks, ticks() + left * share, watch, stop)
        outcomes.append(_tried(part, scene, stop, ticks))
    return Report(
        target=plan.target,
        mode=plan.mode,
        seed=plan.seed,
        began=began,
        seconds=ticks() - first,
        stopped=stop.asked,
        outcomes=tuple(traced(outcomes)),
        not_covered=_not_covered(plan),
        versions=plan.versions,
        command=plan.command,
    )


def verdict_of(tally: Tally, least: int = 1) -> Verdict:
    """What a tally comes to, of a part that makes so many trials at least. This is the only place that decides it."""
    if tally.found:
        return Verdict.BROKEN
    if tally.failed or tally.tried < max(1, least):
        return Verdict.INCONCLUSIVE
    if tally.control is not None and not tally.control.works:
        return Verdict.INCONCLUSIVE
    if tally.measured:
        return Verdict.NOTED
    return Verdict.HELD if tally.control is not None else Verdict.INCONCLUSIVE


def _scene(
    plan: Plan, folder: Path, part: Part, ticks: Callable[[], float], until: float, watch: Watch | None, stop: Stop
) -> Scene:
    def more(tally: Tally) -> bool:
        stop.heed()
        if watch is not None:
            watch(part, tally)
        return tally.tried < part.least or ticks() < until

    return Scene(folder, plan.seed, more, plan.jobs, plan.deep)


def _tried(part: Part, scene: Scene, stop: Stop, ticks: Callable[[], float]) -> Outcome:
    """One part, tried; its folder is gone afterwards."""
    tally, begun, stopped = Tally(), ticks(), False
    verdict: Verdict | None = None
    try:
        # What is planted is for nobody's encoder, and what is measured has none but its own.
        with stop.heard(tally), without(EMBEDDER_VARIABLE, RERANKER_VARIABLE):
            scene.folder.mkdir(mode=0o700)
            part.run(scene, tally)
    except KeyboardInterrupt:
        stop.asked = stopped = True
        tally = stop.counted or tally
    except Skipped as reason:
        verdict, tally.note = Verdict.NOT_TRIED, str(reason)
    except SeveranceError as error:
        tally.failed = str(error)
    except OSError as error:
        # Without the name of the file: the report may be shown to others.
        tally.failed = f"the system could not read or write something ({error.strerror or 'I/O error'})"
    except Exception as error:  # noqa: BLE001 - its message may hold anything, and the other parts have their turn
        tally.failed = f"it ended with an unexpected {type(error).__name__}, which is a bug in the barrier"
    shutil.rmtree(scene.folder, ignore_errors=True)
    _hide(tally, scene.folder)
    return _of(part, verdict or verdict_of(tally, part.least), tally, seconds=ticks() - begun, stopped=stopped)


def _hide(tally: Tally, folder: Path) -> None:
    """The path of the scratch, or of any other file, may name the user, and is no part of what was found."""
    said = (tally.failed, tally.note, *tally.evidence)
    tally.failed, tally.note, *tally.evidence = (
        base_names(line.replace(str(folder), "its scratch folder")) for line in said
    )


def _of(part: Part, verdict: Verdict, tally: Tally, *, seconds: float = 0.0, stopped: bool = False) -> Outcome:
    return Outcome(
        name=part.name,
        title=part.title,
        promise=part.promise,
        unit=part.unit,
        verdict=verdict,
        tried=tally.tried,
        found=tally.found,
        evidence=tuple(tally.evidence),
        times=tuple(tally.times),
        ways=frozenset(tally.ways),
        control=tally.control,
        note=" ".join(_sentence(text) for text in (_why(part, verdict, tally, stopped), tally.note) if text),
        advice=part.advice,
        seconds=seconds,
        stopped=stopped,
        bounded=part.bounded,
    )


def _why(part: Part, verdict: Verdict, tally: Tally, stopped: bool) -> str:
    """What an inconclusive outcome lacks, or what went wrong beside what was found."""
    if tally.failed:
        return tally.failed
    if verdict is not Verdict.INCONCLUSIVE:
        return ""
    if tally.control is not None and not tally.control.works:
        return "The control was missed, so finding nothing says nothing."
    if stopped:
        return "It was stopped before it could say anything."
    if 0 < tally.tried < part.least:
        return f"Of the {part.least:,} {part.unit} that it takes to say anything, {tally.tried:,} were tried."
    return "The control was not run." if tally.tried else "Nothing was tried."


def _sentence(text: str) -> str:
    text = text.strip()
    first = text[:1].upper() if _WORD.match(text) else text[:1]  # the name of a file stays as it is
    return f"{first}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"


def _not_covered(plan: Plan) -> tuple[str, ...]:
    said = [sentence for part in plan.parts for sentence in part.not_covered]
    return tuple(dict.fromkeys([*said, *plan.not_covered]))
