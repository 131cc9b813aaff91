"""`severance integrate`: what makes an agent's program remember here, written into its configuration."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from severance.capture import secrets
from severance.cli import exits, screen, streams, words
from severance.cli import options as shared
from severance.cli.edge import Edge, only_subject
from severance.drafts import name_of
from severance.errors import InputError
from severance.integrate.client import Client, Hooks
from severance.integrate.clients import CLIENTS
from severance.integrate.joining import Joining, Work, files
from severance.integrate.lines import MODULE
from severance.integrate.machine import Machine
from severance.integrate.plan import Program
from severance.integrate.trial import tried

_FORM = "SUBJECT=PERSONA"
_NAMES = ", ".join(CLIENTS)
_CROSSING = (
    "A crossing must start a new model context: begin a new session of it now, and after every change of place. What a",
    "model still holds of another persona is out of Severance's reach.",
)


def run(
    ctx: typer.Context,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help=f"One of: {_NAMES}.", show_default=False)],
    place: Annotated[
        str | None, typer.Option("--place", metavar="NAME", help="Where its agent is.", show_default=False)
    ] = None,
    wakes: Annotated[
        str | None,
        typer.Option(
            "--wakes", metavar=_FORM, help="Who wakes there; made where they are not there yet.", show_default=False
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="SUBJECT",
            help="Whose personas wake for it; needed where the place holds more than one subject.",
            show_default=False,
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", metavar="FOLDER", help="Only in this project, and not in all.", show_default=False),
    ] = None,
    hooks: Annotated[bool, typer.Option("--hooks", help="Also record decisions at the end of every turn.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take out what was written, and revoke.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only try it: start the server as the client would, and ask for its tools.")
    ] = False,
    store: shared.Store = None,
    key: shared.Key = None,
    as_json: shared.AsJson = False,
) -> None:
    """Let a client's agent remember at a place: write it into the client's configuration, and make its credential.

    What will be written is shown first, and a copy of each file is kept beside it. Doing it again changes nothing, and
    --remove takes it out.
    """
    edge = Edge(ctx, store, key, as_json)
    if client not in CLIENTS:
        raise InputError(f"there is no client of this name; it is one of: {_NAMES}")
    chosen = CLIENTS[client]
    given = {"--remove": remove, "--hooks": hooks, "--wakes": wakes, "--subject": subject, "--dry-run": dry_run}
    _check_together(given, check=check)
    joining = Joining(chosen, edge.words[1], Machine.here(), _program(), _folder(project))
    named = None if place is None else name_of(place, "the place")
    if check:
        return _try(edge, joining, named)
    if remove:
        work = joining.removing(edge.house, named)
        if _done(edge, chosen, work, yes=yes, dry_run=dry_run):
            _tell(work, "Taken out.")
        return None
    if named is None:
        raise InputError("say where its agent is, with --place NAME")
    _check_installed(hooks=hooks)
    pair = _pair(wakes, subject)
    program = Program((*joining.runs, *_absolute(edge.words)), named)
    with edge.house() as house:
        whose = pair[0] if pair else name_of(subject, "the subject") if subject else only_subject(house, named)
        work = joining.adding(house, program, whose, pair[1] if pair else None, hooks=hooks)
        done = _done(edge, chosen, work, yes=yes, dry_run=dry_run)
    if done:
        _tell(work, "Written.")
        _say_next(edge, joining, hooks=hooks)
    return None


def _check_together(given: Mapping[str, object], *, check: bool) -> None:
    """Refuse options of which one would be passed over."""
    named = [option for option, value in given.items() if value not in (None, False)]
    if check and named:
        raise InputError(f"--check only tries what is written, and {named[0]} is not for that; leave one of them out")
    wrong = [option for option in named if option in ("--hooks", "--wakes", "--subject")]
    if given["--remove"] and wrong:
        raise InputError(f"--remove takes out all that was written, and {wrong[0]} is not for that; leave it out")


def _try(edge: Edge, joining: Joining, place: str | None) -> None:
    tools = tried(joining.server(_absolute(edge.words), place))
    if edge.as_json:
        _document(joining.client, Work([]), done=False, tools=tools)
    else:
        screen.line(f"It answers, with the tools {', '.join(tools)}.")


def _check_installed(*, hooks: bool) -> None:
    if find_spec("mcp") is None:
        raise InputError("clients need a server that is not installed; `pip install 'severance[mcp]'` does that")
    if hooks:
        secrets.ready()


def _folder(project: Path | None) -> Path | None:
    if project is None:
        return None
    folder = project.expanduser().absolute()
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name the project's own")
    return folder


def _pair(wakes: str | None, subject: str | None) -> tuple[str, str] | None:
    if wakes is None:
        return None
    ((whose, persona),) = words.pairs([wakes], _FORM).items()
    found = name_of(whose, "the subject"), name_of(persona, "the persona")
    if subject and name_of(subject, "the subject") != found[0]:
        raise InputError("--subject and --wakes name different subjects; leave --subject out")
    return found


def _program() -> tuple[str, ...]:
    """How this program is run from anywhere: by its own path (a link stays one), or by the interpreter's."""
    for path in (Path(sys.argv[0]), Path(sys.executable).with_name("severance")):
        if path.stem == "severance" and path.is_file():
            return (str(path.absolute()),)
    return (sys.executable, *MODULE)


def _absolute(option: list[str]) -> list[str]:
    """Options before the command, with the path of a key file as it is from everywhere."""
    return [_whole(word) if before == "--key" else word for before, word in zip(["", *option], option, strict=False)]


def _whole(spec: str) -> str:
    kind, colon, path = spec.partition(":")
    is_relative = kind == "file" and colon and path and not path.startswith("~")
    return f"file:{Path(path).absolute()}" if is_relative else spec


def _done(edge: Edge, client: Client, work: Work, *, yes: bool, dry_run: bool) -> bool:
    """Show what will be done, ask, and do it. Returns whether the person is still to be told of it."""
    if not edge.as_json:
        _show(work)
    doing = not work.is_nothing and not dry_run
    if doing:
        _agree(yes)
        work.carry_out()
    if edge.as_json:
        _document(client, work, done=doing)
        return False
    if not doing:
        screen.line("There is nothing to change." if work.is_nothing else "Nothing was changed.")
    return doing


def _document(client: Client, work: Work, *, done: bool, tools: Sequence[str] = ()) -> None:
    found = {"client": client.name, "done": done, "steps": work.steps, "files": files(work.changes)}
    screen.document({**found, "tools": list(tools)})


def _show(work: Work) -> None:
    for step in work.steps:
        screen.line(step)
    for change in work.writes:
        screen.line(str(change.path), style="bold")
        for line in change.lines():
            screen.line(line)


def _agree(yes: bool) -> None:
    if yes:
        return
    if not streams.can_ask():
        raise InputError("there is no terminal to ask at; pass --yes")
    if not streams.confirmed("Go on?"):
        exits.note("Nothing was changed.")
        raise typer.Exit(exits.FAILED)


def _tell(work: Work, what: str) -> None:
    screen.line(what)
    for change in work.writes:
        if change.backup is not None:
            screen.line(f"What was there before is in {change.copy}.")


def _say_next(edge: Edge, joining: Joining, *, hooks: bool) -> None:
    client = joining.client
    options = _absolute(edge.words) if edge.named or edge.chosen else []
    project = [] if joining.project is None else ["--project", str(joining.project)]
    words = ["severance", *options, "integrate", client.name, *project, "--check"]
    screen.line(f"To check it: {shlex.join(words)}. {client.check}")
    if hooks and isinstance(client.hooks, Hooks) and client.hooks.next:
        screen.line(client.hooks.next)
    for line in _CROSSING:
        screen.line(line)
