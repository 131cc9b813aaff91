"""`severance watch`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from severance.capture import watching
from severance.capture.exclusion import Exclusion, patterns_in
from severance.capture.keeping import Folder, Round
from severance.cli import interrupts, options, screen, words
from severance.cli.edge import Edge, let_in
from severance.credentials import kept
from severance.entering import enter
from severance.errors import InputError, NotFoundError
from severance.session import Session


def run(
    ctx: typer.Context,
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER", help="Folders of notes: Markdown and text.", show_default=False, readable=False
        ),
    ],
    at: options.At = None,
    subject: options.Who = None,
    program: Annotated[
        str | None,
        typer.Option(
            "--program",
            metavar="NAME",
            help="Show the place credential that is kept here for this program and place, and need no root key.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            help="Leave these alone, as a .gitignore would: drafts, *.txt, archive/2019; can be repeated.",
            show_default=False,
        ),
    ] = None,
    exclude_from: Annotated[
        Path | None,
        typer.Option(
            "--exclude-from",
            metavar="FILE",
            help="A file of such patterns, one to a line.",
            show_default=False,
            readable=False,
        ),
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget what is not in the notes any more; for good, without it kept.")
    ] = False,
    just_once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look once, and only say what would be remembered, amended or forgotten.")
    ] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Keep a persona's memory in step with folders of notes, until Ctrl-C.

    What is new is remembered, what changed is amended, and keys and passwords are taken out before. Hidden files are
    left alone, and so is node_modules. Starting it again adds nothing.
    """
    edge = Edge(ctx, store, key, as_json)
    roots = watching.checked(folders)
    exclusion = Exclusion([*(exclude or ()), *(patterns_in(exclude_from) if exclude_from else ())])
    watched = [Folder(root, exclusion, forget=forget, dry_run=dry_run) for root in roots]
    crossing = _crossing(edge, at, subject, program)
    if just_once or dry_run:
        with crossing() as session:
            _tell(watching.once(watched, session), dry_run=dry_run, as_json=edge.as_json)
        return
    stop = Event()
    with interrupts.told(stop.set), closing(watching.watch(watched, crossing, stop)) as rounds:
        for number, done in enumerate(rounds):
            if not number or done.is_news or done.missing:
                _tell(done, as_json=edge.as_json)
            if not number and not edge.as_json:
                screen.line("Watching; Ctrl-C ends it.")


def _crossing(
    edge: Edge, at: str | None, subject: str | None, program: str | None
) -> Callable[[], AbstractContextManager[Session]]:
    """What lets in: the credential that is kept for the program, else what the command line has."""
    if program is None:
        return lambda: edge.session(at, subject)
    if not at:
        raise InputError("say where, with --at PLACE or SEVERANCE_PLACE; a credential is kept for a place")
    if subject:
        raise InputError("--subject and --program exclude one another; a credential is for one subject")
    text = kept(edge.store, at, program)
    if text is None:
        raise NotFoundError("no credential is kept here for that program and place; `severance integrate` keeps one")
    shown = "the credential that is kept for this program"
    return lambda: let_in(lambda: enter(edge.store, text=text, place=at, key=edge.key), shown)


def _tell(done: Round, *, dry_run: bool = False, as_json: bool) -> None:
    if as_json:
        screen.document({**asdict(done), "secrets": dict(sorted(done.secrets.items()))})
        return
    verbs = "would remember {}, amend {}, forget {}" if dry_run else "remembered {}, amended {}, forgot {}"
    counts = (f"{each:,}" for each in (done.remembered, done.amended, done.forgotten))
    screen.line(f"{done.files:,} {'note' if done.files == 1 else 'notes'}: {verbs.format(*counts)}.")
    if done.secrets:
        screen.line(f"  taken out before: {words.kinds(done.secrets)}")
    if done.gone:
        screen.line(f"  {done.gone:,} are of what is not in the notes any more; --forget would forget them")
    if done.missing:
        screen.line("  a folder is not there, or has no note any more; nothing is forgotten because of that")
    for each in done.first_skipped:
        screen.line(f"  skipped {screen.on_one_line(each.where)}: {each.why}")
    if done.skipped > len(done.first_skipped):
        screen.line(f"  and {done.skipped - len(done.first_skipped):,} more")
