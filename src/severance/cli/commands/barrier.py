"""`severance barrier`: its options. What it does is in `severance.cli.barrier`."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from severance.cli import options
from severance.cli.edge import Edge

_MOST_SEED = 2**53  # what every reader of JSON keeps whole
_MOST_JOBS = 64


def run(  # one argument for each option
    ctx: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="In about a minute, on two processors. This is the default.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="As long as --for says, and deeper.")] = False,
    lasting: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TIME",
            help="How long to go on, such as 90s, 30m or 2h. By default 45s, and with --full 30m.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="MEMORY",
            help="Try another memory in place of Severance: one that has an adapter here, by NAME, or an adapter of "
            "your own, as FILE.py:CLASS or package.module:CLASS.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="KIND=FILE",
            help="Attack with the content of a data set as well; can be repeated. "
            "KIND is agentleak, cimemories or locomo.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME",
            help="Only the parts whose name begins so; can be repeated.",
            show_default=False,
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show the parts and their names, and try nothing.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            min=0,
            max=_MOST_SEED,
            help="What the trials are drawn from: the same seed tries the same. By default a random one.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            max=_MOST_JOBS,
            help="How many processes to use at once. By default one for each processor.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write the report as one page to be filed.", show_default=False),
    ] = None,
    junit: Annotated[
        str | None,
        typer.Option("--junit", metavar="FILE", help="Write the report as JUnit XML, for CI.", show_default=False),
    ] = None,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Write the report as JSON.", show_default=False),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--scratch",
            metavar="DIR",
            help="Where to make the folder for scratch data. By default the system's temporary directory.",
            show_default=False,
        ),
    ] = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Leave your own store out of it.")] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Try to get something across the wall between personas, and report what was tried and what was found.

    It works on scratch data of its own, and looks at a sealed copy of your store if there is one. Nothing that you have
    stored is changed. Ends with code 5 if something crossed, and with 6 if the run allows no conclusion.

    Ctrl-C ends it, and what was counted until then is reported.
    """
    edge = Edge(ctx, store, key, as_json)
    # By name, since loading the barrier takes longer than most commands, which would all pay for it.
    barrier = import_module("severance.cli.barrier")
    given = barrier.Options(
        quick=quick,
        full=full,
        lasting=lasting,
        against=against,
        data=data,
        only=only,
        listing=listing,
        seed=seed,
        jobs=jobs,
        html=html,
        junit=junit,
        report=report,
        where=where,
        no_store=no_store,
    )
    barrier.run(edge, given)
