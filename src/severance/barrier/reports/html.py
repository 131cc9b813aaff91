"""The report as one HTML page that stands alone: no script, no picture, nothing fetched; to be filed or printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files

from severance.barrier.findings import Outcome, Report, Verdict
from severance.barrier.reports.words import (
    MEANING,
    PROMISES,
    bound,
    controlled,
    counted,
    lasted,
    summary,
    verdict,
    visible,
    when,
)

_HEADS = ("Verdict", "What was looked for", "Tried", "Found", "95 % bound", "Control")
_FAVICON = "data:,"  # an empty one, so that no browser asks a server for it


def page(report: Report) -> str:
    """The report as a whole HTML document."""
    title = f"Barrier: {report.target}, {when(report)}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<link rel="icon" href="{_FAVICON}">',
            f"<title>{_text(title)}</title>",
            f"<style>\n{_style()}</style>",
            "</head>",
            "<body>",
            "<main>",
            *_summary(report),
            *_table(report),
            *_findings(report),
            *_not_covered(report),
            *_run(report),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _style() -> str:
    return files(__package__).joinpath("style.css").read_text(encoding="utf-8")


def _summary(report: Report) -> Iterator[str]:
    yield f"<h1>Severance barrier: {_text(report.target)}</h1>"
    head, _, rest = summary(report)
    yield f'<div class="band {_class(verdict(report))}"><strong>{_text(head)}</strong>'
    yield f"<p>{_text(rest[:1].upper() + rest[1:])}</p></div>"
    yield '<dl class="counts">'
    for each in Verdict:
        count = len(report.having(each))
        if count or each in (Verdict.HELD, Verdict.BROKEN):
            yield f"<div><dt>{_text(each)}</dt><dd>{count}</dd></div>"
    trials = sum(outcome.tried for outcome in report.outcomes)
    yield f"<div><dt>trials</dt><dd>{trials:,}</dd></div>"
    yield f"<div><dt>time</dt><dd>{_text(lasted(report.seconds))}</dd></div>"
    yield "</dl>"


def _table(report: Report) -> Iterator[str]:
    yield "<h2>Outcomes</h2>"
    yield '<table class="outcomes">'
    numbers = ("Tried", "Found")
    heads = "".join(f'<th scope="col"{_number(name in numbers)}>{_text(name)}</th>' for name in _HEADS)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for outcome in report.outcomes:
        yield from _row(outcome)
    yield "</tbody></table>"
    named = sorted({outcome.promise for outcome in report.outcomes} & PROMISES.keys())
    if named:
        yield "<h3>The promises</h3>"
        yield from _list("ul", (f"{promise}: {PROMISES[promise]}." for promise in named))


def _row(outcome: Outcome) -> Iterator[str]:
    name = f'<span class="name">{_text(outcome.name)} · {_text(outcome.promise)}</span>'
    said = (f"Counted: {outcome.unit}." if outcome.tried else "", outcome.note)
    note = "".join(f'<span class="note">{_text(each)}</span>' for each in said if each)
    noted = outcome.verdict is Verdict.NOTED
    tried, found = (f"{outcome.tried:,}", f"{outcome.found:,}") if outcome.tried else ("", "")
    yield f'<tr>{_verdict(outcome)}<th scope="row">{_text(outcome.title)}{name}{note}</th>'
    yield _cell("Tried", tried, "number")
    yield _cell("Found", "" if noted else found, "number")
    yield _cell("Bound:", "" if noted else bound(outcome), "bound")
    yield f"{_cell('Control:', controlled(outcome), 'control')}</tr>"


def _cell(name: str, content: str, kind: str) -> str:
    if not content:
        return f'<td class="{kind} empty">–</td>'
    return f'<td class="{kind}" data-name="{name}">{_text(content)}</td>'


def _verdict(outcome: Outcome) -> str:
    meaning = MEANING[outcome.verdict] + ("; stopped before its time" if outcome.stopped else "")
    cut = '<span class="note">stopped</span>' if outcome.stopped else ""
    return (
        f'<td><span class="verdict {_class(outcome.verdict)}" title="{_text(meaning)}">{_text(outcome.verdict)}</span>'
        f"{cut}</td>"
    )


def _findings(report: Report) -> Iterator[str]:
    shown = [*report.having(Verdict.BROKEN), *report.having(Verdict.INCONCLUSIVE)]
    yield "<h2>Evidence</h2>"
    if not shown:
        yield "<p>Nothing crossed, so there is none.</p>"
    for outcome in shown:
        yield f'<section class="finding {_class(outcome.verdict)}">'
        yield f"<h3>{_text(outcome.title)}</h3>"
        yield f'<span class="name">{_text(outcome.name)} · {_text(outcome.verdict)}</span>'
        yield from _paragraphs(counted(outcome), outcome.note)
        if outcome.evidence:
            yield from _list("ol", outcome.told, ' class="evidence"')
        if outcome.untold:
            yield f"<p>And {outcome.untold:,} more.</p>"
        if outcome.verdict is Verdict.BROKEN and outcome.advice:
            yield f"<p><strong>What to do:</strong> {_text(outcome.advice)}</p>"
        yield "</section>"


def _not_covered(report: Report) -> Iterator[str]:
    if report.not_covered:
        yield "<h2>What this run does not cover</h2>"
        yield from _list("ul", report.not_covered)


def _run(report: Report) -> Iterator[str]:
    yield "<h2>The run</h2>"
    facts = {"Began": when(report), "Took": lasted(report.seconds), "Mode": report.mode, "Seed": str(report.seed)}
    facts |= {f"Version of {name}": version for name, version in report.versions.items()}
    yield '<table class="facts"><tbody>'
    for name, value in facts.items():
        yield f'<tr><th scope="row">{_text(name)}</th><td>{_text(value)}</td></tr>'
    yield "</tbody></table>"
    if report.command:
        yield "<h3>The command that repeats it</h3>"
        yield f"<pre><code>{_text(report.command)}</code></pre>"
    yield "<h2>How to read this</h2>"
    yield from _list("ul", (f"{each}: {meaning}." for each, meaning in MEANING.items()))
    yield from _paragraphs(
        "The bound is the upper end of the one-sided 95 % interval (Clopper and Pearson, 1934) for the share of trials "
        "in which something crosses, for trials drawn as these were. It says nothing about trials of another kind. "
        "There is none where nothing was drawn, where something crossed, and where there is no conclusion.",
        "A control is the same look at something that was planted, or broken on purpose. Where it is missed, finding "
        "nothing says nothing, and the outcome is inconclusive.",
    )


def _paragraphs(*texts: str) -> Iterator[str]:
    for text in filter(None, texts):
        yield f"<p>{_text(text)}</p>"


def _list(kind: str, items: Iterable[str], attributes: str = "") -> Iterator[str]:
    yield f"<{kind}{attributes}>"
    for item in items:
        yield f"<li>{_text(item)}</li>"
    yield f"</{kind}>"


def _number(yes: bool) -> str:
    return ' class="number"' if yes else ""


def _class(each: Verdict) -> str:
    return each.replace(" ", "-")


def _text(text: str) -> str:
    return escape(visible(text))
