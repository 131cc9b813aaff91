"""The commands, in the order in which the help lists them, and the options that come before them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, NoReturn

import typer
from typer.main import get_command

from severance import __version__
from severance.cli import exits, screen
from severance.cli import options as before
from severance.cli.commands import (
    alarm,
    amend,
    audit,
    backup,
    barrier,
    canary,
    check,
    clock,
    context,
    credential,
    down,
    events,
    export,
    forget,
    history,
    hook,
    import_,
    init,
    integrate,
    lock,
    mcp,
    override,
    owner,
    permit,
    place,
    recall,
    reembed,
    remember,
    restore,
    route,
    serve,
    sever,
    status,
    threshold,
    tour,
    unlock,
    up,
    version,
    watch,
)
from severance.cli.edge import Globals
from severance.cli.group import SeveranceCommand, SeveranceGroup, SeveranceSubgroup

EXIT_CODES = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in exits.EXPLAINED.items()) + "."

_MEMORIES = "Memories of the persona that wakes at a place"
_HOUSE = "Subjects, personas and places"
_CARE = "Care of the store"
_UP = "A house that is up"
_PROGRAMS = "Agents and other programs"

app = typer.Typer(
    cls=SeveranceGroup,
    help="Agent memory divided by cryptography: one subject, several personas, nothing of one in another.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    # Tracebacks with the values of variables would print memories.
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _panel, _commands in {
    _HOUSE: {"init": init, "sever": sever, "place": place, "status": status},
    _MEMORIES: {
        "remember": remember,
        "recall": recall,
        "context": context,
        "forget": forget,
        "amend": amend,
        "history": history,
        "import": import_,
        "route": route,
        "watch": watch,
        "export": export,
        "events": events,
    },
    _CARE: {"check": check, "backup": backup, "restore": restore, "reembed": reembed},
    _UP: {"up": up, "down": down, "lock": lock, "unlock": unlock, "serve": serve},
    _PROGRAMS: {"integrate": integrate, "mcp": mcp, "hook": hook},
    "More": {"tour": tour, "barrier": barrier, "version": version},
}.items():
    for _name, _module in _commands.items():
        _kind = hook.HookCommand if _module is hook else SeveranceCommand
        app.command(_name, cls=_kind, rich_help_panel=_panel)(_module.run)


_GROUPS: Mapping[tuple[str, str, str], Mapping[str, Callable[..., None]]] = {
    (_HOUSE, "threshold", threshold.HELP): {
        "apply": threshold.apply,
        "show": threshold.show,
        "check": threshold.check,
        "explain": threshold.explain,
    },
    (_HOUSE, "permit", permit.HELP): {
        "make": permit.make,
        "list": permit.listed,
        "revoke": permit.revoke,
        "weaken": permit.weaken,
        "show": permit.show,
    },
    (_HOUSE, "credential", credential.HELP): {
        "make": credential.make,
        "list": credential.listed,
        "revoke": credential.revoke,
    },
    (_HOUSE, "owner", owner.HELP): {"token": owner.token, "list": owner.listed, "revoke": owner.revoke},
    (_HOUSE, "override", override.HELP): {
        "keygen": override.keygen,
        "register": override.register,
        "unregister": override.unregister,
        "keys": override.keys,
        "request": override.request,
        "sign": override.sign,
        "show": override.show,
        "approve": override.approve,
        "deny": override.deny,
        "submit": override.submit,
        "use": override.use,
        "end": override.end,
        "list": override.listed,
    },
    (_HOUSE, "clock", clock.HELP): {"show": clock.show, "accept": clock.accept},
    (_HOUSE, "audit", audit.HELP): {
        "show": audit.show,
        "verify": audit.verify,
        "export": audit.export,
        "accept": audit.accept,
    },
    (_HOUSE, "alarm", alarm.HELP): {
        "apply": alarm.apply,
        "show": alarm.show,
        "check": alarm.check,
        "list": alarm.listed,
        "status": alarm.status,
        "test": alarm.tried,
        "secret": alarm.secret,
    },
    (_HOUSE, "canary", canary.HELP): {"plant": canary.plant, "list": canary.listed, "remove": canary.remove},
}
"""Commands of two words, by panel, first word and help."""

for (_panel, _name, _help), _actions in _GROUPS.items():
    _group = typer.Typer(cls=SeveranceSubgroup, help=_help)
    for _action, _run in _actions.items():
        _group.command(_action, cls=SeveranceCommand)(_run)
    app.add_typer(_group, name=_name, rich_help_panel=_panel)


def _print_version(wanted: bool) -> None:
    if wanted:
        screen.line(f"severance {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="PATH",
            envvar="SEVERANCE_STORE",
            help="The store's directory; by default ~/.severance.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="SPEC",
            help="Where the root key comes from: file:PATH, passphrase, keychain, env, env:NAME or command:... "
            "(never the key itself). By default SEVERANCE_KEY if it is set, then what the store was made with.",
            show_default=False,
        ),
    ] = None,
    embedder: before.Embedder = None,
    reranker: before.Reranker = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and errors as JSON on standard error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Keep the options before the command for the command."""
    given = ctx.obj if isinstance(ctx.obj, Globals) else Globals()
    given = replace(given, store=store, key=key if key is not None else given.key, as_json=as_json)
    given = replace(given, embedder=embedder, reranker=reranker)
    sources = {f"--{name}": ctx.get_parameter_source(name) for name in ("store", "key")}
    written = tuple(option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE")
    ctx.obj = replace(given, written=written)
    if ctx.invoked_subcommand is None:
        if as_json:
            ctx.fail("a command is missing")
        typer.echo(ctx.get_help())
        raise typer.Exit(exits.USAGE)


def run() -> NoReturn:
    """Run `severance` with the arguments of this process, and exit."""
    sys.exit(get_command(app).main(prog_name="severance"))
