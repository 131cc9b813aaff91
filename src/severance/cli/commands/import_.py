"""`severance import`."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from severance.cli import cleaning, exits, interrupts, options, progress, screen, streams, words
from severance.cli.edge import Edge
from severance.session import Session
from severance.transfer import FORMATS, Reading, read
from severance.transfer.given import MOST_BYTES, Given
from severance.transfer.ingest import Report, ingest

_MOST_KINDS_TOLD = 8
_KINDS = {"folder": ("folder", "folders"), "no ending": ("without an ending",) * 2, "other": ("of other kinds",) * 2}


def run(
    ctx: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A file or folder, or - for standard input.", show_default=False, readable=False
        ),
    ],
    at: options.At = None,
    subject: options.Who = None,
    format: Annotated[  # noqa: A002 - the word that people know
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"By default told by its content. One of: {', '.join(FORMATS)}.",
            show_default=False,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="For the format; can be repeated.", show_default=False),
    ] = None,
    keep_secrets: cleaning.Keep = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Remember what is in a file or folder. A second import of the same source adds nothing.

    Keys and passwords are taken out before; of what `severance export` wrote, nothing is. Ctrl-C keeps what was
    imported until then. What was forgotten since an import comes back with the next one. Of a folder, files of other
    kinds and hidden ones are left out; how many is said, and --json names them.
    """
    edge = Edge(ctx, store, key, as_json)
    begun = edge.ticks()
    source = Given.of(streams.bytes_from_input("what to import", MOST_BYTES)) if str(path) == "-" else path
    with read(source, format, words.pairs(option, "NAME=VALUE"), cleaning.chosen(edge, keep=keep_secrets)) as reading:
        report = Report(reading.format)
        with edge.session(at, subject) as session:
            try:
                finished = _ingest(session, reading, report, quiet=edge.as_json)
            except BaseException:
                # What was imported before stays imported; say so, and then what went wrong.
                _tell(report, finished=False, seconds=edge.ticks() - begun, as_json=edge.as_json)
                raise
    _tell(report, finished=finished, seconds=edge.ticks() - begun, as_json=edge.as_json)
    if not finished:
        raise exits.Interrupted
    if report.nothing_read:
        raise typer.Exit(exits.FAILED)


def _ingest(session: Session, reading: Reading, report: Report, *, quiet: bool) -> bool:
    """Import, and say whether it came to its end."""
    with (
        progress.bar("Importing", quiet=quiet) as tick,
        interrupts.held() as wish,
        closing(ingest(session, reading, report)) as steps,
    ):
        for _ in steps:
            tick(reading.done, reading.size)
            if wish.stop:
                return False
    return True


def _tell(report: Report, *, finished: bool, seconds: float, as_json: bool) -> None:
    if as_json:
        screen.document(
            {
                "format": report.format,
                "imported": report.imported,
                "already_there": report.already_there,
                "skipped": report.skipped,
                "first_skipped": [{"where": each.where, "why": each.why} for each in report.first_skipped],
                "secrets": None if report.secrets is None else dict(sorted(report.secrets.items())),
                "left_out": dict(sorted(report.left_out.kinds.items())),
                "first_left_out": report.left_out.names,
                "finished": finished,
                "seconds": round(seconds, 3),
            }
        )
        return
    begin = "Imported" if finished else "Before it ended, imported"
    screen.line(
        f"{begin} {report.imported:,} from {report.format}; {report.already_there:,} were there already;"
        f" {report.skipped:,} skipped; {seconds:.1f} s."
    )
    if not finished:
        screen.line("  Import it again to go on: what is remembered already does not come twice.")
    if report.secrets:
        screen.line(f"  taken out before: {words.kinds(report.secrets)}")
    for each in report.first_skipped:
        screen.line(f"  skipped {screen.on_one_line(each.where)}: {each.why}")
    if report.skipped > len(report.first_skipped):
        screen.line(f"  and {report.skipped - len(report.first_skipped):,} more")
    if report.left_out.kinds:
        screen.line(f"  left out: {_by_kind(report.left_out.kinds)}; --json names them")


def _by_kind(kinds: Counter[str]) -> str:
    """How many of each kind, the most first."""
    counts = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))
    told = [f"{count:,} {_KINDS.get(kind, (kind, kind))[count > 1]}" for kind, count in counts[:_MOST_KINDS_TOLD]]
    rest = sum(count for _, count in counts[_MOST_KINDS_TOLD:])
    return ", ".join([*told, f"{rest:,} of other kinds"] if rest else told)
