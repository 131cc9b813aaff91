"""`severance mcp`: one session for a client of the Model Context Protocol that starts this program."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from importlib import import_module, util
from pathlib import Path
from typing import Annotated, Any

import typer

from severance.cli import options
from severance.cli.edge import Edge, let_in
from severance.credentials import in_file, kept
from severance.entering import enter
from severance.errors import InputError, NotFoundError
from severance.session import Session

VARIABLE = "SEVERANCE_CREDENTIAL"


def run(
    ctx: typer.Context,
    place: Annotated[
        str, typer.Option("--place", metavar="NAME", help="Where the client is, and what its credential is for.")
    ],
    program: Annotated[
        str,
        typer.Option(
            "--program",
            metavar="NAME",
            help="The client's name: which credential that was kept for it is taken, and what a permit for one tool "
            "must be for. A credential that is named says itself whose it is.",
        ),
    ] = "mcp",
    credential: Annotated[
        Path | None,
        typer.Option(
            "--credential",
            metavar="FILE",
            help="A file that you alone can read, with the credential or a permit. By default SEVERANCE_CREDENTIAL if "
            "it is set, then what `severance integrate` has kept.",
            show_default=False,
        ),
    ] = None,
    store: options.Store = None,
    key: options.Key = None,
) -> None:
    """Serve MCP on standard input and output: for a client that starts this program itself.

    One session, from the beginning to the end of the process: whoever wakes at the place is who remembers. When it has
    ended, the client begins a new conversation and starts the program anew.
    """
    edge = Edge(ctx, store, key, as_json=False)
    stdio = _stdio()
    text, what = _shown(edge.store, place, program, credential)

    def entered() -> AbstractContextManager[Session]:
        return enter(edge.store, text=text, place=place, tool=program, key=edge.key, **edge.chosen)

    with stdio.wires() as (read, write), let_in(entered, what) as session:
        stdio.serve(session, read, write)


def _stdio() -> Any:
    """What needs the library, which the default installation has not."""
    if util.find_spec("mcp") is None:
        raise InputError("MCP needs an extra: pip install 'severance[mcp]'")
    return import_module("severance.mcp.stdio")


def _shown(store: Path, place: str, program: str, file: Path | None) -> tuple[str, str]:
    """What the client lets itself in with, and what that is to its user."""
    if file is not None:
        return in_file(file), "what is in the file named with --credential"
    if given := os.environ.get(VARIABLE):
        return given.strip(), f"what is in {VARIABLE}"
    found = kept(store, place, program)
    if not found:
        raise NotFoundError(
            "no credential is kept for this program at that place; `severance integrate` makes and keeps one, or name "
            "a file with --credential"
        )
    return found, "the credential that is kept for this program"
