"""The command line within another program: a command's arguments in, what its user would see out."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from typer.main import get_command

from severance.cli import heard
from severance.cli.edge import Globals
from severance.cli.group import leaves
from severance.house import House


def names() -> tuple[str, ...]:
    """The names of all commands, in the order of the help; some are two words."""
    return tuple(leaves(_group()))


def invoke(
    words: Sequence[str],
    stdin: bytes,
    *,
    key: bytes,
    open_house: Callable[..., House],
    ports: Mapping[str, Any] = MappingProxyType({}),
    ticks: Callable[[], float],
) -> tuple[int, str, str]:
    """Run one command in this process, as if it stood in a pipe. Returns exit code, standard output, standard error.

    It takes the place of `sys.stdin`, `sys.stdout` and `sys.stderr` meanwhile, so one thread may do this at a time.

    Args:
        words: the arguments, without `severance`.
        stdin: what it reads on standard input.
        key: the root key, 32 bytes.
        open_house: in the place of `severance.open`; gets a path, `key` and `create`, and
            specs where the arguments have any.
        ports: `clock` and `entropy` for what is done to a store that is not open.
        ticks: seconds that pass, from any beginning.
    """
    out, err = _pipe(), _pipe()
    before, sys.stdin = sys.stdin, _pipe(stdin)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            given = Globals(key=key, open_house=open_house, ports=ports, ticks=ticks, environ={})
            _group().main(list(words), prog_name="severance", obj=given)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdin = before
        heard.quiet()  # what rings after it is not the command's to say
    return code, _content(out), _content(err)


@cache
def _group() -> Any:
    # By name, since one of the commands, `barrier`, comes here itself.
    return get_command(import_module("severance.cli.app").app)


def _pipe(content: bytes = b"") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


def _content(pipe: io.TextIOWrapper) -> str:
    pipe.flush()
    pipe.seek(0)
    return pipe.read()
