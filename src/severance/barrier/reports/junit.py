"""The report as JUnit XML, which CI systems show: a test case for each outcome.

Broken is a failure, inconclusive an error, not tried is skipped; held and noted are passed, with what they say in the
case's output. The form is the one that Jenkins, GitLab and GitHub's usual actions read.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from severance.barrier.findings import Outcome, Report, Verdict
from severance.barrier.reports.words import closing, controlled, counted, visible
from severance.model import moment

_RESULTS = {Verdict.BROKEN: "failure", Verdict.INCONCLUSIVE: "error", Verdict.NOT_TRIED: "skipped"}


def suite(report: Report) -> str:
    """The report as an XML document."""
    counts = {
        "tests": len(report.outcomes),
        "failures": len(report.having(Verdict.BROKEN)),
        "errors": len(report.having(Verdict.INCONCLUSIVE)) + report.stopped,
        "skipped": len(report.having(Verdict.NOT_TRIED)),
        "time": f"{report.seconds:.3f}",
    }
    if report.stopped:
        counts["tests"] = len(report.outcomes) + 1
    began = moment(report.began).strftime("%Y-%m-%dT%H:%M:%S")
    about = {"target": report.target, "mode": report.mode, "seed": report.seed, "command": report.command}
    properties = [f"      <property{_attributes({'name': name, 'value': value})}/>" for name, value in about.items()]
    said = "\n".join([closing(report), *(f"Not covered: {sentence}" for sentence in report.not_covered)])
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites{_attributes({'name': 'severance barrier', **counts})}>",
            f"  <testsuite{_attributes({'name': 'severance barrier', **counts, 'timestamp': began})}>",
            "    <properties>",
            *properties,
            "    </properties>",
            *(_case(report, outcome) for outcome in report.outcomes),
            *([_stopped(report)] if report.stopped else []),
            f"    <system-out>{_text(said)}</system-out>",
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _case(report: Report, outcome: Outcome) -> str:
    head = {"name": outcome.name, "classname": f"severance.barrier.{report.target}.{outcome.promise}"}
    result = _RESULTS.get(outcome.verdict)
    counts = "; ".join(filter(None, (counted(outcome), outcome.note)))
    lines = [outcome.title, counted(outcome), controlled(outcome), outcome.note, *outcome.told]
    if outcome.verdict is Verdict.BROKEN:
        lines.append(outcome.advice)
    body = _text("\n".join(filter(None, lines)))
    if result == "skipped":
        inside = f"<skipped{_attributes({'message': outcome.note})}>{_text(outcome.title)}</skipped>"
    elif result is not None:
        message = _attributes({"message": f"{outcome.title}: {counts}", "type": str(outcome.verdict)})
        inside = f"<{result}{message}>{body}</{result}>"
    else:
        inside = f"<system-out>{body}</system-out>"
    return f"    <testcase{_attributes({**head, 'time': f'{outcome.seconds:.3f}'})}>{inside}</testcase>"


def _stopped(report: Report) -> str:
    """A run that was cut short must not be read as one that came to its end."""
    head = {"name": "the-whole-run", "classname": f"severance.barrier.{report.target}", "time": "0"}
    message = {"message": "The run was stopped before its end.", "type": "stopped"}
    return f"    <testcase{_attributes(head)}><error{_attributes(message)}/></testcase>"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(visible(str(value)))}" for name, value in values.items())


def _text(lines: str) -> str:
    return escape("\n".join(visible(line) for line in lines.split("\n")))
