"""The report for a terminal; plain lines, one for each outcome, where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from severance.barrier.findings import Outcome, Report, Verdict
from severance.barrier.reports.words import closing, controlled, counted, lasted, verdict, visible, when

_WIDEST = 100
_STYLES = {
    Verdict.HELD: "green",
    Verdict.BROKEN: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_TRIED: "dim",
    Verdict.NOTED: "cyan",
}


def show(report: Report, console: Console) -> None:
    """Print the report."""
    framed = console.is_terminal
    width = min(console.width, _WIDEST) if framed else console.width

    def put(thing: Text | Table) -> None:
        console.print(thing, width=width)

    put(Text(f"Barrier: {visible(report.target)}, {report.mode}, seed {report.seed}, {when(report)}", style="bold"))
    for outcome in report.outcomes:
        put(_entry(outcome) if framed else Text(_line(outcome)))
        for line in _details(outcome):
            put(_hanging("", line) if framed else Text(f"  {line}"))
    if report.not_covered:
        put(Text("\nWhat this run does not cover", style="bold"))
    for sentence in report.not_covered:
        put(_hanging("-", visible(sentence)) if framed else Text(f"- {visible(sentence)}"))
    put(Text(f"\n{closing(report)} ({lasted(report.seconds)})", style=_STYLES[verdict(report)]))


def _entry(outcome: Outcome) -> Table:
    # What was counted stands back behind what it was about.
    title = Text.assemble(visible(outcome.title), (f" ({outcome.name})", "dim"))
    lines = [title, *(Text(line, style="dim") for line in _lines(outcome))]
    return _hanging(Text(outcome.verdict, style=_STYLES[outcome.verdict]), Text("\n").join(lines), 12)


def _hanging(mark: str | Text, content: str | Text, width: int = 1) -> Table:
    row = Table.grid(padding=(0, 1, 0, 0))
    row.add_column(width=width)
    row.add_column(overflow="fold")
    row.add_row(mark, Text(content) if isinstance(content, str) else content)
    return row


def _line(outcome: Outcome) -> str:
    head = f"{outcome.verdict:<12}  {outcome.name}: {visible(outcome.title)}"
    return ": ".join(filter(None, (head, "; ".join(_lines(outcome)))))


def _lines(outcome: Outcome) -> Iterator[str]:
    control = controlled(outcome)
    cut = "stopped before its time" if outcome.stopped and outcome.tried else ""
    yield from filter(None, (counted(outcome), f"control: {control}" if control else "", visible(outcome.note), cut))


def _details(outcome: Outcome) -> Iterator[str]:
    if outcome.verdict is not Verdict.BROKEN:
        return
    for line in outcome.told:
        yield f"- {visible(line)}"
    if outcome.untold:
        yield f"- and {outcome.untold:,} more"
    if outcome.advice:
        yield f"What to do: {visible(outcome.advice)}"
