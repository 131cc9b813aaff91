"""`severance route`."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from severance.capture import secrets
from severance.cli import cleaning, exits, interrupts, options, progress, routed, streams, words
from severance.cli.edge import Edge, only_subject
from severance.cli.newfile import new_file
from severance.embed import bundled
from severance.errors import InputError
from severance.house import House
from severance.routing import Carried, Files, Guide, Plan, Remembered, applying, carry_out, propose
from severance.routing import plan as plans
from severance.routing.sources import Pile
from severance.transfer.cleaning import Clean
from severance.transfer.outgoing import exporting

_WAYS = "name files, or --from PLACE, with --plan and --examples; or --apply PLAN alone"


def run(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Files and folders, as `import` reads them.", show_default=False, readable=False
        ),
    ] = None,
    subject: options.Who = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="PLACE", help="In the place of files: the persona that wakes there.", show_default=False
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            "--examples", metavar="FILE", help="Examples and rules, in TOML.", show_default=False, readable=False
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="A new file for the plan.", show_default=False, readable=False),
    ] = None,
    apply: Annotated[
        Path | None,
        typer.Option("--apply", metavar="PLAN", help="Do what this plan says.", show_default=False, readable=False),
    ] = None,
    sure: Annotated[
        float, typer.Option("--sure", metavar="SHARE", min=0.5, max=1.0, help="How sure examples must be.")
    ] = 0.8,
    excerpts: Annotated[
        bool, typer.Option("--excerpts", help="Put the beginning of each text in the plan, in the clear.")
    ] = False,
    format: Annotated[  # noqa: A002 - the word that people know
        str | None, typer.Option("--format", metavar="FORMAT", help="As for `import`.", show_default=False)
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="As for `import`.", show_default=False),
    ] = None,
    keep_secrets: cleaning.Keep = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --apply: do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the plan if it is there.")] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Propose which persona each memory belongs to, from files or from one persona; and move them when you say so.

    The plan is a file in the clear, for you to read and change. Nothing is moved before --apply, and a yes. Keys and
    passwords are taken out of files, as by `import`.
    """
    edge = Edge(ctx, store, key, as_json)
    proposing = (paths, source, examples, plan, format, option)
    if apply is not None:
        if any(proposing) or excerpts or force or keep_secrets:
            raise InputError(f"--apply stands alone; {_WAYS}")
        _apply(edge, apply, subject, yes=yes)
        return
    if yes:
        raise InputError(f"--yes is for --apply; {_WAYS}")
    if paths and source:
        raise InputError(f"files and --from exclude one another; {_WAYS}")
    if plan is None or examples is None or not (paths or source):
        needed = {"what to route": paths or source, "--examples FILE": examples, "--plan FILE": plan}
        missing = [name for name, given in needed.items() if not given]
        raise InputError(f"a plan cannot be made without {' and '.join(missing)}; {_WAYS}")
    if source is not None and (format is not None or option):
        raise InputError("--format and --option are for files, not for --from")
    _outside(edge, plan)
    clean = None if source is not None else cleaning.chosen(edge, keep=keep_secrets)
    given = words.pairs(option, "NAME=VALUE")
    asked = _Asked([(path, format) for path in paths or ()], given, source, sure, excerpts, clean)
    _propose(edge, asked, subject, examples, plan, force=force)


class _Asked:
    """What a plan is asked for."""

    def __init__(
        self,
        paths: list[tuple[Path, str | None]],
        given: dict[str, str],
        place: str | None,
        sure: float,
        excerpts: bool,
        clean: Clean | None,
    ) -> None:
        self.files = Files([(Path(os.path.abspath(path)), name) for path, name in paths], given, clean)  # noqa: PTH100 - a link stays
        self.place, self.sure, self.excerpts = place, sure, excerpts

    def pile(self, house: House, subject: str, last: ExitStack) -> Pile:
        if self.place is None:
            return self.files
        session = last.enter_context(house.cross(subject, self.place))
        if self.excerpts:
            exporting(session, session.stats()["memories"])
        return Remembered(session)

    def plan(self, subject: str) -> Plan:
        sources = tuple((str(path), str(name)) for path, name in self.files.paths)
        return Plan(subject, sources, self.files.options, self.place, keeps_secrets=self.files.clean is None)


def _propose(edge: Edge, asked: _Asked, subject: str | None, examples: Path, plan: Path, *, force: bool) -> None:
    with edge.house() as house, ExitStack() as last:
        subject = _subject(house, subject, asked.place)
        known = applying.places(house, subject)
        guide = Guide.read(examples, known)
        with new_file(plan, force=force) as out:
            with progress.bar("Reading", quiet=edge.as_json) as tick:
                found = propose(
                    pile := asked.pile(house, subject, last),
                    guide,
                    bundled(),
                    sure=asked.sure,
                    excerpts=asked.excerpts,
                    step=lambda done: tick(done, None),
                )
            plans.write(out, asked.plan(subject), found.decisions)
    routed.show_proposal(edge, plan, subject, found, pile, known)


def _apply(edge: Edge, path: Path, subject: str | None, *, yes: bool) -> None:
    plan = Plan.read(path)  # first of all: a plan that is not there needs no key, and no yes
    if not plan.keeps_secrets:
        secrets.ready()
    if not yes and not streams.can_ask():
        raise InputError("memories are moved only after a yes, and there is no terminal to ask at; pass --yes")
    with edge.house() as house:
        if subject is not None and subject != plan.subject:
            raise InputError(f"{path} is a plan for another subject")
        known = applying.places(house, plan.subject)
        plan = Plan.read(path, known)
        applying.check_places({name for name in plan.items.values() if name is not None}, known)
        if not yes and not streams.confirmed(routed.question(plan)):
            exits.note("Nothing was moved.")
            raise typer.Exit(exits.FAILED)
        carried = Carried()
        try:
            finished = _carry_out(house, plan, carried, quiet=edge.as_json)
        except BaseException:
            routed.show_carried(edge, path, plan, carried)
            raise
    routed.show_carried(edge, path, plan, carried)
    if not finished:
        raise exits.Interrupted


def _carry_out(house: House, plan: Plan, carried: Carried, *, quiet: bool) -> bool:
    """Move, and say whether it came to its end."""
    with (
        progress.bar("Moving", quiet=quiet) as tick,
        interrupts.held() as wish,
        closing(carry_out(house, plan, carried, None if plan.keeps_secrets else secrets.clean)) as steps,
    ):
        for _ in steps:
            tick(sum(carried.moved.values()), len(plan.items))
            if wish.stop:
                return False
    return True


def _subject(house: House, given: str | None, place: str | None) -> str:
    if given is not None:
        return given
    if place is not None:
        return only_subject(house, place)
    subjects = sorted({each.subject for each in house.status().personas})
    if len(subjects) != 1:
        raise InputError("say whose memories these are, with --subject")
    return subjects[0]


def _outside(edge: Edge, plan: Path) -> None:
    """A plan is in the clear, and what is in the store's directory is taken along in the belief that it is not."""
    if edge.store.resolve() in plan.absolute().resolve().parents:
        raise InputError("a plan is not sealed, and so has no place in the store's directory; name another")
