"""The one place where whatever goes wrong becomes a sentence and an exit code."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from severance.cli import exits, streams
from severance.cli.exits import Failure, Interrupted, Unread
from severance.errors import InputError, SeveranceError

DEBUG_VARIABLE = "SEVERANCE_DEBUG"

_OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9-]*")


class SeveranceCommand(TyperCommand):
    """A command that does not repeat stray arguments: they are often a text that was not put in quotes."""

    allow_extra_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, and refuse what is left over."""
        left = super().parse_args(ctx, args)
        if left and not ctx.resilient_parsing:
            ctx.fail("there are more arguments than this command takes; put a text with blanks in quotes")
        return left


class SeveranceGroup(TyperGroup):
    """All commands. Every way out of them leads through `main`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. What the framework would end in its own way gets past it to `main` under another name."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None
        except BrokenPipeError:
            raise Unread from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = False,
        **extra: Any,
    ) -> NoReturn:
        """Run, tell what went wrong, and exit. Never a traceback, unless SEVERANCE_DEBUG asks for one."""
        words = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in (words[: words.index("--")] if "--" in words else words)
        try:
            streams.prepare()
            self._look(streams.has_reader_at_terminal())
            _refuse_undecodable(words)
            # On Windows the framework would expand `*` in arguments, and with it in what somebody wants remembered.
            result = super().main(
                words, prog_name, complete_var, standalone_mode=False, windows_expand_args=windows_expand_args, **extra
            )
            if result == exits.INTERRUPTED:
                raise Interrupted  # before the command began, which the framework tells by its code only
            streams.finish()
            code = result if isinstance(result, int) else exits.DONE
        except KeyboardInterrupt:
            code = _told(Interrupted(), as_json=as_json)
        except Exception as error:  # noqa: BLE001 - the edge: nothing may get past it
            code = _told(error, as_json=as_json)
        sys.exit(code)

    def _look(self, at_terminal: bool) -> None:
        # Help in boxes for a person; in a pipe, plain.
        groups = [group for group in self.commands.values() if isinstance(group, TyperGroup)]
        for command in (self, *groups, *leaves(self).values()):
            command.rich_markup_mode = "markdown" if at_terminal else None


class SeveranceSubgroup(TyperGroup):
    """Commands of two words that begin alike."""


def leaves(group: TyperGroup) -> dict[str, Any]:
    """Every command that does something, by the words that it is called with, in the order of the help."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            found |= {f"{name} {action}": each for action, each in leaves(command).items()}
        else:
            found[name] = command
    return found


def _refuse_undecodable(words: Sequence[str]) -> None:
    if any("\ud800" <= char <= "\udfff" for word in words if not word.isascii() for char in word):
        raise InputError("an argument is not valid UTF-8; correct it, or pass - and give it on standard input")


def _told(error: Exception, *, as_json: bool) -> int:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        exits.note("".join(traceback.format_exception(error)))
    code = exits.FAILED
    if not _is_unread(error):
        failure = _failure(error)
        code = failure.code
        exits.tell(failure, as_json=as_json)
    try:
        streams.finish()
    except (OSError, ValueError):
        streams.abandon()
    return code


def _failure(error: Exception) -> Failure:
    if isinstance(error, SeveranceError):
        return exits.failure_of(error)
    if isinstance(error, Interrupted | typer.Abort):
        return Failure("Interrupted", "interrupted", exits.INTERRUPTED)
    # Typer brings its own copy of Click, and used Click's before: known by what they can do, not by name.
    if hasattr(error, "format_message"):
        return Failure("UsageError", _usage(error), exits.USAGE)
    if isinstance(error, OSError):
        reason = error.strerror or "I/O error"
        return Failure("OSError", f"the system could not read or write something ({reason})", exits.FAILED)
    return exits.bug(error)


def _usage(error: Any) -> str:
    message: str = error.format_message()
    option = getattr(error, "option_name", None)
    if option is not None and not _OPTION.fullmatch(option):
        message = "an argument that begins with - is taken for an option; put -- before it"
    ctx = getattr(error, "ctx", None)
    if ctx is None:
        return message
    sentence = message[:1].lower() + message[1:].rstrip(".")
    return f"{sentence}{' See' if sentence.endswith('?') else '; see'} `{ctx.command_path} --help`"


def _is_unread(error: BaseException) -> bool:
    """Whether it only says that whoever read the output has stopped."""
    return isinstance(error, Unread | BrokenPipeError) or isinstance(error.__cause__, BrokenPipeError)
