"""What `severance barrier` does, once its options are read."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import typer
from rich.text import Text

from severance.barrier import own, parts, reports
from severance.barrier.findings import Report, Tally, Verdict
from severance.barrier.reports.words import verdict
from severance.barrier.run import NEVER_COVERED, Plan, Stop, perform
from severance.barrier.scene import Part
from severance.barrier.scratch import scratch
from severance.cli import exits, interrupts, progress, screen, surface, words
from severance.cli.edge import Edge
from severance.cli.newfile import new_file, replaceable
from severance.errors import InputError, SeveranceError, StoreMissingError
from severance.system import SystemEntropy

_QUICK_SECONDS = 45.0
_FULL_SECONDS = 30 * 60.0
_TIME = re.compile(r"([0-9]{1,6})([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_Rendered = Callable[[Report], str]
_CODES = {Verdict.HELD: exits.DONE, Verdict.BROKEN: exits.CROSSED, Verdict.INCONCLUSIVE: exits.UNCLEAR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command, as they were written."""

    quick: bool
    full: bool
    lasting: str | None
    against: str | None
    data: Sequence[str] | None
    only: Sequence[str] | None
    listing: bool
    seed: int | None
    jobs: int | None
    html: str | None
    junit: str | None
    report: str | None
    where: str | None
    no_store: bool


def run(edge: Edge, options: Options) -> None:
    """Run the barrier and report.

    Raises:
        InputError: the options cannot be meant, or not together.
        StoreMissingError: there is no store where one was named.
        typer.Exit: with the code that the outcome asks for.
    """
    if options.quick and options.full:
        raise InputError("--quick and --full exclude one another; name one")
    seconds = _seconds(options.lasting, _FULL_SECONDS if options.full else _QUICK_SECONDS)
    files = {kind: Path(file) for kind, file in words.pairs(options.data, "KIND=FILE").items()}
    _refuse_ignored(edge, options.against, options.no_store)
    folder = _path("--scratch", options.where, "folder")
    named = {"--html": options.html, "--junit": options.junit, "--report": options.report}
    targets = {} if options.listing else _targets(named)
    asked = _Asked(edge, options, files)
    available, versions = asked.parts()
    asked.refuse_left_out(available)
    tried = parts.chosen(available, asked.only)
    if options.listing:
        _list(tried, as_json=edge.as_json)
        return
    asked.check_store()
    _carry_out(asked.plan(available, tried, versions, seconds), folder, targets, edge)


def _carry_out(plan: Plan, folder: Path | None, targets: Mapping[Path, _Rendered], edge: Edge) -> None:
    """Try what was planned, write and show the reports, and end with the code that the outcome asks for."""
    stop = Stop()
    with interrupts.told(stop.ask) as ended:
        done = _perform(plan, folder, stop, quiet=edge.as_json)
        failure = _write(done, targets)
        if edge.as_json:
            screen.document(reports.document(done))
        else:
            reports.show(done, screen.console())
        _raise_alarm(done, edge)
    if ended.signal not in (None, signal.SIGINT):
        raise typer.Exit(128 + ended.signal)
    if stop.asked:
        raise exits.Interrupted
    if failure is not None:
        raise failure
    raise typer.Exit(_CODES[verdict(done)])


def _raise_alarm(done: Report, edge: Edge) -> None:
    """Tell the user's own store of a crossing, where the run has looked at it, and so has had its key."""
    broken = sum(outcome.verdict is Verdict.BROKEN for outcome in done.outcomes)
    looked = [
        each for each in done.outcomes if each.name == own.NAME and each.verdict in (Verdict.HELD, Verdict.BROKEN)
    ]
    if broken and looked:
        try:
            with edge.opened(None) as house:
                house.barrier_failed(broken)
        except SeveranceError as problem:
            screen.console(errors=True).print(Text(f"severance: the alarm could not be raised: {problem}"))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for, and what follows from it.

    Attributes:
        edge, options: as they were written.
        data: kinds of data sets, and their files.
    """

    edge: Edge
    options: Options
    data: Mapping[str, Path]

    @property
    def against(self) -> str | None:
        return self.options.against

    @property
    def own(self) -> bool:
        """Whether the user's own store is looked at."""
        return not self.options.no_store

    @property
    def only(self) -> Sequence[str]:
        return self.options.only or ()

    @property
    def target(self) -> str:
        return "severance" if self.against is None else _without_path(self.against)

    @property
    def named(self) -> bool:
        """Whether somebody named a store or a key. A key in the environment, set for everything, names no store."""
        return self.edge.named or (own.key_is_set() and own.is_there(self.edge.store))

    @property
    def mode(self) -> str:
        return "full" if self.options.full else "quick"

    @property
    def not_covered(self) -> tuple[str, ...]:
        return NEVER_COVERED if self.against is None else ()

    def parts(self) -> tuple[list[Part], dict[str, str]]:
        """All the parts that this run could have, and the versions of the memory that is tried, if it is another."""
        if self.against is not None:
            if self.data:
                raise InputError("--data is for Severance itself; leave it out, or --against")
            return parts.against(self.against)
        edge = self.edge
        mine = [own.part(edge.store, edge.key, embedder=edge.embedder, named=self.named)] if self.own else []
        return [*mine, *parts.of_severance(surface.invoke), *parts.over(self.data)], {}

    def refuse_left_out(self, available: Sequence[Part]) -> None:
        """Refuse to look for the part that `--no-store` left out.

        Raises:
            InputError: `--only` names that one.
        """
        there = [part.name for part in available]
        left_out = [name for name in self.only if name and own.NAME.startswith(name)]
        if not self.own and self.against is None and any(not _begins(name, there) for name in left_out):
            raise InputError(f"--only names {own.NAME}, which --no-store leaves out; leave out one of the two options")

    def check_store(self) -> None:
        """Find out now, and not after the run, that there is no store where one was named, whatever is tried.

        Raises:
            StoreMissingError: there is none.
        """
        if self.own and self.against is None and self.named and not own.is_there(self.edge.store):
            raise StoreMissingError(
                f"there is no store at {self.edge.store}; name another with --store, or leave it out with --no-store"
            )

    def plan(self, available: Sequence[Part], tried: Sequence[Part], versions: dict[str, str], seconds: float) -> Plan:
        """What is to be tried of what there is. A seed that nobody has named is drawn."""
        given = self.options.seed
        seed = int.from_bytes(SystemEntropy().draw(4, b"barrier")) if given is None else given
        return Plan(
            parts=tried,
            seconds=seconds,
            target=self.target,
            mode=self.mode,
            seed=seed,
            jobs=self.options.jobs or os.cpu_count() or 1,
            deep=self.options.full,
            not_covered=(*_left_out(available, tried), *self.not_covered),
            versions=_versions() | versions,
            command=self.command(seed),
        )

    def command(self, seed: int) -> str:
        """What repeats the run, without the path of any file."""
        lasting = self.options.lasting
        said = ["severance barrier", f"--{self.mode}", *([f"--for {lasting}"] if lasting else [])]
        said += [f"--against {self.target}"] if self.against is not None else []
        said += [f"--data {kind}=FILE" for kind in self.data]
        said += [f"--only {name}" for name in self.only]
        said += ["--no-store"] if not self.own else []
        return " ".join([*said, f"--seed {seed}"])


def _begins(beginning: str, names: Sequence[str]) -> bool:
    return any(name.startswith(beginning) for name in names)


def _refuse_ignored(edge: Edge, against: str | None, no_store: bool) -> None:
    for option in edge.written:
        if against is not None:
            raise InputError(f"{option} is for Severance itself; leave it out, or --against")
        if no_store:
            raise InputError(f"--no-store and {option} exclude one another; name one")


def _path(option: str, name: str | None, kind: str) -> Path | None:
    if name == "":
        raise InputError(f"{option} is empty; name a {kind}")
    return None if name is None else Path(name)


def _without_path(against: str) -> str:
    """`FILE.py:CLASS` without the folder that the file is in."""
    return re.split(r"[\\/]", against)[-1]


def _seconds(text: str | None, default: float) -> float:
    if text is None:
        return default
    found = _TIME.fullmatch(text)
    if found is None or not int(found[1]):
        raise InputError("--for takes a time such as 90s, 30m or 2h, of at most six digits")
    return float(int(found[1]) * _UNITS[found[2]])


def _left_out(available: Sequence[Part], tried: Sequence[Part]) -> list[str]:
    count = len(available) - len(tried)
    return [f"{count} of {len(available)} parts, which --only left out."] if count else []


def _versions() -> dict[str, str]:
    names = ("severance", "cryptography", "numpy")
    return {name: version(name) for name in names} | {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _perform(plan: Plan, where: Path | None, stop: Stop, *, quiet: bool) -> Report:
    with progress.telling("The barrier", quiet=quiet) as tell, scratch(where) as folder:
        places = {part.name: number for number, part in enumerate(plan.parts, 1)}

        def watch(part: Part, tally: Tally) -> None:
            tell(f"{places[part.name]}/{len(plan.parts)} {part.name}: {tally.tried:,} {part.unit}")

        return perform(plan, folder, watch=watch, stop=stop)


_RENDERERS: Mapping[str, _Rendered] = {
    "--html": reports.page,
    "--junit": reports.suite,
    "--report": lambda report: json.dumps(reports.document(report), ensure_ascii=False, indent=2) + "\n",
}


def _targets(named: Mapping[str, str | None]) -> dict[Path, _Rendered]:
    """The files to be written, and how; refused now if they cannot be, and not after an hour. Earlier reports
    are gone from here on: one that stands after a run that failed before it could report would be taken for its own.

    Args:
        named: option to file.

    Raises:
        InputError: one was named twice, cannot be written, or is something other than an earlier report.
    """
    targets: dict[Path, _Rendered] = {}
    for option, name in named.items():
        path = _path(option, name, "file")
        if path is None:
            continue
        target = replaceable(path, reports.is_report)
        if target in targets:
            raise InputError("two of the reports have the same file; name another for one of them")
        targets[target] = _RENDERERS[option]
    for target in targets:
        target.unlink(missing_ok=True)
    return targets


def _write(report: Report, targets: Mapping[Path, _Rendered]) -> SeveranceError | None:
    """Write every file that can be written; returns what was wrong with the first that could not."""
    failure: SeveranceError | None = None
    for path, rendered in targets.items():
        try:
            with new_file(path, force=True, ours=reports.is_report) as out:
                out.write(rendered(report).encode())
        except SeveranceError as error:
            failure = failure or error
    return failure


def _list(tried: Sequence[Part], *, as_json: bool) -> None:
    if as_json:
        fields = [{"name": part.name, "title": part.title, "promise": part.promise} for part in tried]
        screen.document({"parts": fields})
        return
    table = screen.table("name", "what is looked for")
    for part in tried:
        table.add_row(part.name, Text(part.title))
    screen.console().print(table)
