"""`severance serve`: the house that is up, over HTTP, from a process that has no key."""

from __future__ import annotations

import socket
import sys
from importlib import import_module, util
from pathlib import Path
from typing import Annotated, Any

import typer

from severance.cli import exits, options, screen, streams, words
from severance.cli.edge import Edge
from severance.errors import InputError, SeveranceError
from severance.resident.beside import REFUSED
from severance.resident.client import ResidentHouse
from severance.server.listening import Address, address_in, check_safe, listener, tls_of
from severance.system import allow_files

_EXTRA = "HTTP needs an extra: pip install 'severance[server]'"
_NEEDED = ("fastapi", "uvicorn", "prometheus_client", "opentelemetry", "mcp")
_MOST_TOKEN = 4_096
_LEAST_TOKEN = 16
_FILES = 256


def run(  # one argument for each option
    ctx: typer.Context,
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS", help="Where to listen: PORT, HOST:PORT or [HOST]:PORT.")
    ] = "127.0.0.1:8420",
    certificate: options.Certificate = None,
    private_key: options.PrivateKey = None,
    insecure: options.Insecure = False,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", metavar="HOST", help="A name by which it is reached, beside addresses; can be repeated."
        ),
    ] = None,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, max=4_096, help="HTTP sessions at once.")] = 200,
    idle: options.Idle = "30m",
    rate: Annotated[
        int,
        typer.Option(
            "--rate",
            metavar="N",
            min=0,
            max=1_000_000,
            help="Requests of one permit or credential in a second; 0 for any number.",
        ),
    ] = 100,
    metrics: Annotated[
        Path | None,
        typer.Option("--metrics-token-file", metavar="FILE", help="A file with the token that /metrics asks for."),
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help="A line of JSON on standard error for each request, without content.")
    ] = False,
    beside: Annotated[int, typer.Option("--beside", hidden=True)] = -1,
    store: options.Store = None,
    as_json: options.AsJson = False,
) -> None:
    """Serve the house that is up over HTTP, until Ctrl-C or SIGTERM. This process needs no root key, and never has one.

    It may begin before the house is up, and goes on when that is locked or taken down; sessions are refused meanwhile.
    """
    check_installed()
    edge = Edge(ctx, store, None, as_json)
    address, tls = address_in(listen), tls_of(certificate, private_key)
    check_safe(address, tls=tls is not None, insecure=insecure)
    token = _token(metrics)
    other = None if beside < 0 else socket.socket(fileno=beside)
    with _listener(address, other) as opened:  # before what is slow to load: that it cannot be is told at once
        serving = import_module("severance.server.serving")
        outside = _outside(edge.store, most, idle, rate, frozenset(name or ()), token, log=log)
        at = Address(address.host, opened.getsockname()[1]).url(tls=tls is not None)
        serving.serve(outside, opened, tls=tls, beside=other, ready=lambda: _tell(edge, at, other))


def check_installed() -> None:
    """Refuse where the extra is not installed.

    Raises:
        InputError: it is not.
    """
    if any(util.find_spec(name) is None for name in _NEEDED):
        raise InputError(_EXTRA)


def _outside(
    store: Path, most: int, idle: str, rate: int, names: frozenset[str], token: str | None, *, log: bool
) -> Any:
    parts = import_module("severance.server.parts")
    limits = import_module("severance.server.limits").Limits(
        sessions=most,
        idle=words.length(idle, "--idle").total_seconds(),
        rate=float(rate),
        burst=2 * rate,
    )
    allow_files(2 * limits.connections + 2 * limits.sessions + _FILES)
    return parts.Outside(ResidentHouse(store), limits, names=names, metrics_token=token, log=_write if log else None)


def _listener(address: Address, other: socket.socket | None) -> socket.socket:
    """A socket that listens there. Where none can, whoever started this process beside a house is told, and tells."""
    try:
        return listener(address)
    except SeveranceError as problem:
        if other is None:
            raise
        with other:
            other.sendall(f"{REFUSED}{problem}\n".encode())
        raise typer.Exit(exits.FAILED) from None


def _tell(edge: Edge, at: str, other: socket.socket | None) -> None:
    if other is not None:
        streams.let_go()
        other.sendall(f"{at}\n".encode())
    elif edge.as_json:
        screen.document({"url": at})
    else:
        screen.line(f"Serving at {at}, until Ctrl-C.")
        if not edge.store.is_dir():
            screen.line(f"There is no store at {edge.store} yet; until a house is up for it, sessions are refused.")
        elif edge.up() is None:
            screen.line("No house is up for it yet; until `severance up` begins one, sessions are refused.")
    sys.stdout.flush()


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _token(path: Path | None) -> str | None:
    """What is in the file.

    Raises:
        InputError: it can't be read, or is no token.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            token = file.read(_MOST_TOKEN + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError("the file of --metrics-token-file cannot be read, or is not a token") from None
    if not _LEAST_TOKEN <= len(token) <= _MOST_TOKEN or not token.isprintable() or " " in token:
        raise InputError(f"a token for the metrics has {_LEAST_TOKEN} to {_MOST_TOKEN:,} characters, without blanks")
    return token
