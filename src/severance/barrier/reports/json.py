"""The report as JSON. Field names are a contract: they are added to, never renamed."""

from __future__ import annotations

from severance.barrier.findings import Outcome, Report
from severance.barrier.reports.words import verdict, visible
from severance.model import moment

VERSION = 1


def document(report: Report) -> dict[str, object]:
    """The report as one JSON object; texts are as `words.visible` leaves them, so that they can be shown."""
    return {
        "severance_barrier": VERSION,
        "target": visible(report.target),
        "mode": report.mode,
        "verdict": str(verdict(report)),
        "seed": report.seed,
        "began": moment(report.began).isoformat(),
        "seconds": round(report.seconds, 3),
        "stopped": report.stopped,
        "outcomes": [_of_outcome(outcome) for outcome in report.outcomes],
        "not_covered": [visible(sentence) for sentence in report.not_covered],
        "versions": {visible(name): visible(version) for name, version in report.versions.items()},
        "command": visible(report.command),
    }


def _of_outcome(outcome: Outcome) -> dict[str, object]:
    control = outcome.control
    return {
        "name": outcome.name,
        "title": visible(outcome.title),
        "promise": outcome.promise,
        "verdict": str(outcome.verdict),
        "unit": outcome.unit,
        "tried": outcome.tried,
        "found": outcome.found,
        "at_most": outcome.at_most,
        "control": None
        if control is None
        else {"what": visible(control.what), "tried": control.tried, "found": control.found},
        "evidence": [visible(line) for line in outcome.evidence],
        "times": list(outcome.times),
        "follows_from": outcome.follows or None,
        "note": visible(outcome.note),
        "advice": visible(outcome.advice),
        "seconds": round(outcome.seconds, 3),
        "stopped": outcome.stopped,
    }
