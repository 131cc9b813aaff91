"""What the barrier reports: for each thing that was tried, how often, what was found, and what that is worth.

A part of the barrier counts in a `Tally` while it works, so that what was counted is kept when it is interrupted. When
it is done, or was stopped, the tally becomes an `Outcome`, and the outcomes become a `Report`. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import exp, fsum, lgamma, log, log1p

MOST_EVIDENCE = 20
"""Pieces of evidence kept for one outcome; more are counted and not kept."""

MOST_CHARS = 500
"""Characters in one line of a report; of a longer one the middle is left out."""

Way = tuple[str, str]
"""Through which operation something crossed, and how."""

_ENDING = 100  # characters that are kept of its end, where the seed is


class Verdict(StrEnum):
    """What an outcome says. It never says that something is proven."""

    HELD = "held"  # tried, nothing found, and the control was found
    BROKEN = "broken"  # something crossed
    INCONCLUSIVE = "inconclusive"  # tried, but the control was missed, or what was tried did not answer
    NOT_TRIED = "not tried"  # with the reason in `note`
    NOTED = "noted"  # a measurement without a threshold, such as an effect size


@dataclass(frozen=True, slots=True)
class Control:
    """The same look where something is there to be found. A look whose control finds nothing says nothing.

    Attributes:
        what: what was planted, or broken on purpose.
        tried: how many were planted.
        found: how many of them were found.
    """

    what: str
    tried: int
    found: int

    @property
    def works(self) -> bool:
        """Whether everything that was planted was found."""
        return 0 < self.tried == self.found


@dataclass(slots=True)
class Tally:
    """What one part has counted so far. Only the part's own thread writes to it.

    Attributes:
        tried: trials made, in the part's unit.
        found: trials in which something crossed.
        evidence: one line for each of the first `MOST_EVIDENCE` different ones: what, where, how to see it again (a
            seed).
        times: how often each of these was found.
        ways: through which operations it crossed, and how; for parts of which one may be the cause of another.
        control: the control, once it was run.
        failed: why what was tried could not answer (it hung, crashed, returned something else), or empty.
        note: one sentence of measurement or context, or empty.
        measured: whether this part has no threshold: unless something crossed, its outcome is `NOTED`, with the note.
    """

    tried: int = 0
    found: int = 0
    evidence: list[str] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    ways: set[Way] = field(default_factory=set)
    control: Control | None = None
    failed: str = ""
    note: str = ""
    measured: bool = False

    def held(self, count: int = 1) -> None:
        """So many trials more, in which nothing crossed."""
        self.tried += count

    def broke(self, evidence: str) -> None:
        """One trial more, in which something crossed."""
        self.tried += 1
        self.found += 1
        if evidence in self.evidence:
            self.times[self.evidence.index(evidence)] += 1
        elif len(self.evidence) < MOST_EVIDENCE:
            self.evidence.append(evidence)
            self.times.append(1)

    def copy(self) -> Tally:
        """The same, of which nothing changes when this one counts on."""
        return replace(self, evidence=list(self.evidence), times=list(self.times), ways=set(self.ways))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the report.

    Attributes:
        name: of the part, such as `noninterference.purge`; stays the same between versions.
        title: what was looked for, in words that need no knowledge of Severance.
        promise: `P1` ... `P8`, or the class of leak for another memory.
        unit: what was counted, in the plural, such as `trace pairs`.
        verdict: what came of it.
        tried, found, evidence, times, ways, control, note: as in `Tally`; without `times`, each was found once.
        advice: what to do when it is broken.
        follows: the name of the part whose leak this one follows from, as far as can be seen, or empty.
        seconds: how long it took.
        stopped: whether it was interrupted before it was done.
        bounded: whether its trials are drawn, so that their number says something about those that were not made.
    """

    name: str
    title: str
    promise: str
    unit: str
    verdict: Verdict
    tried: int = 0
    found: int = 0
    evidence: tuple[str, ...] = ()
    times: tuple[int, ...] = ()
    ways: frozenset[Way] = frozenset()
    control: Control | None = None
    note: str = ""
    advice: str = ""
    follows: str = ""
    seconds: float = 0.0
    stopped: bool = False
    bounded: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", tuple(map(_short, self.evidence)))
        object.__setattr__(self, "times", self.times or (1,) * len(self.evidence))
        object.__setattr__(self, "note", _short(self.note))

    @property
    def told(self) -> tuple[str, ...]:
        """The evidence, with how often it was found where that was more than once."""
        said = zip(self.evidence, self.times, strict=True)
        return tuple(line if count == 1 else f"{line} ({count:,} times)" for line, count in said)

    @property
    def untold(self) -> int:
        """How many of what was found has no evidence here, though some has."""
        return max(0, self.found - sum(self.times)) if self.evidence else 0

    @property
    def at_most(self) -> float | None:
        """The upper end of the 95 % interval for the share of trials in which something crosses, for trials drawn as
        these were; None where nothing was tried, where trials are not drawn, and where it did not hold.
        """
        held = self.bounded and self.tried and self.verdict is Verdict.HELD
        return upper_bound(self.found, self.tried) if held else None


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the barrier.

    Attributes:
        target: what was tried: `severance`, or the name of another memory.
        mode: `quick`, `full` or `against`.
        seed: what the run was drawn from; the same seed on the same version tries the same.
        began: microseconds since 1970, UTC.
        seconds: how long it took.
        stopped: whether it was interrupted; what was counted until then is here.
        outcomes: in the order in which they were tried.
        not_covered: what this run says nothing about, one sentence each.
        versions: name to version, of all that was involved.
        command: what repeats the run; where it takes a file, the word FILE stands for it.
    """

    target: str
    mode: str
    seed: int
    began: int
    seconds: float
    stopped: bool
    outcomes: tuple[Outcome, ...]
    not_covered: tuple[str, ...]
    versions: dict[str, str]
    command: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", _short(self.target))
        object.__setattr__(self, "not_covered", tuple(map(_short, self.not_covered)))
        object.__setattr__(self, "versions", {_short(name): _short(each) for name, each in self.versions.items()})

    def having(self, verdict: Verdict) -> Sequence[Outcome]:
        """The outcomes with this verdict."""
        return [outcome for outcome in self.outcomes if outcome.verdict is verdict]

    @property
    def broken(self) -> bool:
        """Whether anything crossed."""
        return bool(self.having(Verdict.BROKEN))

    @property
    def conclusive(self) -> bool:
        """Whether something was tried, all of it answered, and nothing was cut short."""
        tried = [outcome for outcome in self.outcomes if outcome.verdict is not Verdict.NOT_TRIED]
        return bool(tried) and not self.stopped and not self.having(Verdict.INCONCLUSIVE)


def _short(line: str) -> str:
    """`line`, of which a memory that is tried may have made a part, in at most `MOST_CHARS` characters."""
    if len(line) <= MOST_CHARS:
        return line
    gap = " ... "
    return line[: MOST_CHARS - _ENDING - len(gap)] + gap + line[-_ENDING:]


def upper_bound(found: int, tried: int, confidence: float = 0.95) -> float:
    """The upper Clopper-Pearson bound, one-sided, for a share of which `found` of `tried` were seen.

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934). For 0 of n it is 1 - 0.05^(1/n), close to 3/n.
    """
    if found >= tried:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):  # halvings: more than a float can tell apart
        middle = (low + high) / 2
        if _at_most(found, tried, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(found: int, tried: int, share: float) -> float:
    """The chance of `found` or fewer in so many trials when each has this chance."""
    logs = [
        lgamma(tried + 1) - lgamma(k + 1) - lgamma(tried - k + 1) + k * log(share) + (tried - k) * log1p(-share)
        for k in range(found + 1)
    ]
    return fsum(exp(one) for one in logs)
