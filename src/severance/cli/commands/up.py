"""`severance up`: a house in a process of its own, into which others let themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from severance.cli import exits, interrupts, options, screen, shapes, streams, words
from severance.cli.commands.serve import check_installed
from severance.cli.edge import DEFAULT_STORE, Edge
from severance.disk.newfile import new_file, new_folder
from severance.errors import AlreadyUpError, InputError, NotFoundError, NotUpError, SeveranceError, StoreError
from severance.resident.address import check_platform
from severance.resident.beside import Beside
from severance.resident.client import HouseState, connect
from severance.resident.resident import MOST_SESSIONS, Habits, Resident
from severance.resident.units import Manager, Unit, unit_for
from severance.resident.watch import check_sleep_is_known
from severance.server.listening import Address, address_in, check_safe, listener, tls_of
from severance.store import path_of

_PROGRAM = (sys.executable, "-P", "-m", "severance.cli.main")
_LOOK = 0.5
_ANOTHER = 10.0
"""Seconds in which the house is up that another `up` is opening."""
_HABITS = ("locked", "lock_after", "lock_on_sleep", "most", "idle", "isolation", "http", "certificate", "private_key")
"""Parameters that a house has from its beginning to its end."""
_Length = Annotated[str | None, typer.Option("--lock-after", metavar="LENGTH", help="Lock when nobody called so long.")]
_Isolation = Literal["process", "none"]


def run(
    ctx: typer.Context,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, and end with Ctrl-C or SIGTERM.")] = False,
    locked: Annotated[bool, typer.Option("--locked", help="Begin locked: without the root key, until unlock.")] = False,
    lock_after: _Length = None,
    lock_on_sleep: Annotated[bool, typer.Option("--lock-on-sleep", help="Lock when the machine slept.")] = False,
    most: Annotated[
        int, typer.Option("--most", metavar="N", min=1, max=4_096, help="Sessions at once.")
    ] = MOST_SESSIONS,
    idle: options.Idle = "30m",
    isolation: Annotated[
        _Isolation, typer.Option("--isolation", help="Where personas wake: each in a process of its own, or in this.")
    ] = "process",
    http: Annotated[
        str | None,
        typer.Option(
            "--http", metavar="ADDRESS", help="Serve HTTP beside it, at PORT or HOST:PORT: `severance serve`."
        ),
    ] = None,
    certificate: options.Certificate = None,
    private_key: options.PrivateKey = None,
    insecure: options.Insecure = False,
    install: Annotated[
        Manager | None,
        typer.Option("--install", help="Only write a file with which the system starts it when you log in."),
    ] = None,
    uninstall: Annotated[
        Manager | None, typer.Option("--uninstall", help="Only remove that file.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write or remove the file without asking.")] = False,
    ready: Annotated[int, typer.Option("--ready", hidden=True)] = -1,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Keep the house open in a process of its own, so that programs let themselves in with a permit and no root key.

    Where one is up already, say so; options that do nothing to it are refused. It ends with `severance down`.
    """
    check_platform()
    if install is not None and uninstall is not None:
        raise InputError("--install and --uninstall are opposites; give one of them")
    edge = Edge(ctx, store, key, as_json)
    if lock_on_sleep:
        check_sleep_is_known()
    habits = Habits(
        sessions=most,
        isolation="process" if isolation == "process" else None,
        idle=words.length(idle, "--idle").total_seconds(),
        lock_after=None if lock_after is None else words.length(lock_after, "--lock-after").total_seconds(),
        lock_on_sleep=lock_on_sleep,
    )
    again = [*edge.words, "up", "--foreground", "--most", str(most), "--idle", idle, "--isolation", isolation]
    again += [] if lock_after is None else ["--lock-after", lock_after]
    again += ["--lock-on-sleep"] * lock_on_sleep + ["--locked"] * locked
    served = _served(edge, http, certificate, private_key, insecure=insecure)
    again += [] if http is None else ["--http", http, *served[served.index("--listen") + 2 :]]
    manager = install or uninstall
    if manager is not None:
        _unit(edge, manager, again, write=uninstall is None, yes=yes)
    elif foreground:
        _stay(edge, habits, served, locked=locked, ready=ready)
    else:
        at = None if http is None else _At(address_in(http), tls=certificate is not None)
        _leave(edge, again, _given(ctx), at)


def _given(ctx: typer.Context) -> list[str]:
    """The options on the command line that say how a house behaves."""
    sources = {name: ctx.get_parameter_source(name) for name in _HABITS}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    return [f"--{name.replace('_', '-')}" for name in given]


def _served(
    edge: Edge, http: str | None, certificate: Path | None, private_key: Path | None, *, insecure: bool
) -> list[str]:
    """The command that serves HTTP beside the house; nothing where it is not to be.

    Raises:
        InputError: the extra is not installed, or it may not listen there so.
    """
    files = {"--certificate": certificate, "--private-key": private_key}
    given = [word for name, path in files.items() if path is not None for word in (name, str(path.absolute()))]
    given += ["--insecure"] * insecure
    if http is None:
        if given:
            raise InputError("--certificate, --private-key and --insecure are for --http; say where to listen")
        return []
    check_installed()
    check_safe(address_in(http), tls=tls_of(certificate, private_key) is not None, insecure=insecure)
    store = ["--store", os.path.abspath(edge.store)]  # noqa: PTH100 - a link stays
    return [*_PROGRAM, *store, "serve", "--listen", http, *given]


def _stay(edge: Edge, habits: Habits, served: list[str], *, locked: bool, ready: int) -> None:
    """Be the house, until it is taken down."""
    try:
        resident = Resident(edge.store, edge.opened, habits)
    except AlreadyUpError:
        if ready >= 0:
            raise typer.Exit(exits.UP) from None  # whoever started it tells how that house is
        raise
    asked = _Asked()
    try:
        if not locked:
            resident.open()
        if ready >= 0:
            os.setsid()  # not before: a passphrase is asked for at the terminal
        resident.start()
        if served:
            beside = resident.beside = Beside([*served, "--beside"], os.environ)
            beside.start()
        with interrupts.told(asked.ask):
            if ready >= 0:
                _detached(ready)
            else:
                _tell(edge, connect(edge.store).state())
            while not asked.asked and not resident.wait(_LOOK):
                pass
            if resident.beside is not None:
                resident.beside.stop()
            resident.stop()
    finally:
        resident.stop()
        if resident.beside is not None:
            resident.beside.stop()


@dataclass(slots=True)
class _Asked:
    """Whether a signal asked to end."""

    asked: bool = False

    def ask(self) -> None:
        """It does."""
        self.asked = True


@dataclass(frozen=True, slots=True)
class _At:
    """Where HTTP is to be served."""

    address: Address
    tls: bool

    def is_where(self, url: str) -> bool:
        """Whether that is served there; with port 0, at any port of that host."""
        if self.address.port == 0:
            return url.startswith(self.address.url(tls=self.tls).removesuffix("0"))
        return url == self.address.url(tls=self.tls)


def _leave(edge: Edge, again: list[str], given: list[str], at: _At | None) -> None:
    """Start the house, wait until it listens, and leave it."""
    with suppress(NotUpError):
        return _already(edge, given, at)
    if at is not None and _is_taken(at, edge):
        return _already(edge, given, at)
    code = _started(again)
    if code == exits.DONE:
        return _tell(edge, connect(edge.store).state())
    if code != exits.UP:
        raise typer.Exit(code if code > 0 else exits.FAILED)  # it has said why
    end = time.monotonic() + _ANOTHER
    while time.monotonic() < end:
        with suppress(NotUpError):
            return _already(edge, given, at)
        time.sleep(_LOOK / 10)
    raise AlreadyUpError("another `severance up` is opening the house; see what it waits for")


def _is_taken(at: _At, edge: Edge) -> bool:
    """Whether nothing more can listen there since another `up` was quicker. Looked at before the store is opened.

    Raises:
        SeveranceError: nothing can for another reason.
    """
    try:
        listener(at.address).close()
    except SeveranceError:
        if edge.up() is None:
            raise
        return True
    return False


def _already(edge: Edge, given: list[str], at: _At | None) -> None:
    """Say how the house is that is up.

    Raises:
        NotUpError: none is.
        InputError: options were given that do nothing to it.
    """
    state = connect(edge.store).state()
    done = {"--locked": state.locked, "--http": at is not None and state.http is not None and at.is_where(state.http)}
    idle = [option for option in given if not done.get(option, False)]
    if idle:
        where = "serves no HTTP" if state.http is None else f"serves HTTP at {state.http}"
        raise InputError(
            f"the house is up already{f' and {where}' if '--http' in idle else ''}, "
            f"and what you said does nothing to it ({', '.join(idle)}); "
            "`severance down` takes it down, and then `severance up` begins it so"
        )
    _tell(edge, state, already=True)


def _started(again: list[str]) -> int:
    """Start the house, and wait until it listens. Returns its exit code where it ended before, else 0."""
    hears, says = os.pipe()
    arguments = [*_PROGRAM, *again, "--ready", str(says)]
    with subprocess.Popen(arguments, pass_fds=[says]) as started:
        os.close(says)
        with os.fdopen(hears, "rb") as pipe:
            is_up = pipe.read(1) == b"."
        if not is_up:
            return started.wait() or exits.FAILED
        started.returncode = 0  # it is not this process that waits for it
    return exits.DONE


def _detached(ready: int) -> None:
    """Let go of the terminal, and tell whoever started it that it listens."""
    streams.let_go()
    with suppress(OSError):
        os.write(ready, b".")
    os.close(ready)


def _tell(edge: Edge, state: HouseState, *, already: bool = False) -> None:
    """Say that the house is up, and how it is."""
    if edge.as_json:
        screen.document(shapes.of_house(edge.store, state))
    else:
        screen.line(f"The house is up{' already' if already else ''}: {how_it_is(state)}.")


def how_it_is(state: HouseState) -> str:
    """How a house is that is up, in words."""
    how = "locked; `severance unlock` opens it" if state.locked else f"open, {sessions(state)}"
    return how if state.http is None else f"{how}, HTTP at {state.http}"


def sessions(state: HouseState) -> str:
    """How many sessions, in words."""
    return f"{state.sessions:,} {'session' if state.sessions == 1 else 'sessions'}"


def _unit(edge: Edge, manager: Manager, again: list[str], *, write: bool, yes: bool) -> None:
    """Write the file that has the system start it, or remove it; after showing which, and asking."""
    default = edge.store == path_of(DEFAULT_STORE)
    unit = unit_for(manager, edge.store, [*_PROGRAM, *again], home=Path.home(), environ=os.environ, default=default)
    _check_changeable(unit.path, manager, write=write)
    if not edge.as_json:
        screen.line(str(unit.path), style="bold")
        if write:
            screen.line(unit.content.decode().rstrip())
    _agree(yes)
    _change(unit, write=write)
    if edge.as_json:
        screen.document({"file": str(unit.path), "written": write, "next": list(unit.begin if write else unit.end)})
        return
    screen.line("Written. To start it now and at every login:" if write else "Removed. To stop what still runs:")
    for command in unit.begin if write else unit.end:
        screen.line(f"  {command}")


def _check_changeable(path: Path, manager: Manager, *, write: bool) -> None:
    there = os.path.lexists(path)
    if write and there:
        raise StoreError(
            f"{path} is there already; `severance up --uninstall {manager}` removes it, also to install other options"
        )
    if not write and not there:
        raise NotFoundError(f"nothing is installed for this store: there is no {path}")


def _agree(yes: bool) -> None:
    if yes:
        return
    if not streams.can_ask():
        raise InputError("there is no terminal to ask at; pass --yes")
    if not streams.confirmed("Go on?"):
        exits.note("Nothing was changed.")
        raise typer.Exit(exits.FAILED)


def _change(unit: Unit, *, write: bool) -> None:
    try:
        if write:
            new_folder(unit.path.parent)
            with new_file(unit.path) as part:
                part.write_bytes(unit.content)
        else:
            unit.path.unlink()
    except OSError as problem:
        raise StoreError(f"{unit.path} cannot be changed ({problem.strerror}); see whether it is there") from None
