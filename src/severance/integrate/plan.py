"""What integrating a client changes in its files, and what taking it out again does; found out before it is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from severance.errors import InputError
from severance.integrate.client import Client, File, Hooks
from severance.integrate.edits import BrokenError
from severance.integrate.files import Change, Found, read, text_of
from severance.integrate.lines import line_of
from severance.integrate.machine import Machine
from severance.integrate.parts import Command, Part, Server, option


@dataclass(frozen=True, slots=True)
class Program:
    """How Severance is run from outside.

    Attributes:
        words: the program, and its options before the command: absolute, so that they mean the same from everywhere.
        place: the name of the place.
    """

    words: tuple[str, ...]
    place: str

    def server(self, client: Client) -> tuple[str, ...]:
        """The command that is a server for a client."""
        return (*self.words, "mcp", "--place", self.place, "--program", client.name)

    def hook(self, client: Client, platform: str = sys.platform) -> str:
        """The line of a shell that is a hook for a client."""
        words = [*self.words, "hook", client.name, "--place", self.place]
        return line_of(words, platform)


@dataclass(frozen=True, slots=True)
class There:
    """What a client's configuration has of Severance's.

    Attributes:
        store: the directory of the store that its server opens.
        place: where its server is.
    """

    store: str
    place: str


def there(client: Client, machine: Machine, project: Path | None) -> There | None:
    """What is there now.

    Raises:
        InputError: the configuration is broken, or has another server of this name.
    """
    words = command(client, machine, project) or []
    store, place = option(words, "--store"), option(words, "--place")
    return There(store, place) if store is not None and place is not None else None


def command(client: Client, machine: Machine, project: Path | None, *, anyones: bool = False) -> list[str] | None:
    """The command of the server that is there now; None where none is.

    Args:
        client, machine, project: as for `adding`.
        anyones: whether another one of this name is told, too, and not an error.

    Raises:
        InputError: as `there`.
    """
    found, server = read(client.where(client.file, machine, project)), Server(client)
    with _broken_at(found):
        if not anyones:
            server.read(found.text)
        return server.command(found.text)


def adding(client: Client, program: Program, machine: Machine, project: Path | None, *, hooks: bool) -> list[Change]:
    """The changes that integrate a client; those that change nothing are among them.

    Args:
        client: which.
        program: what it will run.
        machine: where its files are.
        project: the project's folder; None for all that the user does.
        hooks: whether its hooks are wanted. Those that are there already follow the server in any case.

    Raises:
        InputError: a configuration is broken, the client has no hooks, or nothing of the kind in a project.
    """
    if hooks and isinstance(client.hooks, str):
        raise InputError(client.hooks)
    changes = []
    for found, parts in _files(client, machine, project):
        with _broken_at(found):
            text = found.text
            for part in parts:
                if isinstance(part, Server):
                    text = part.put(text, client.server(program.server(client)))
                elif hooks or part.read(text) is not None:
                    text = part.put(text, part.hooks.element(program.hook(client, machine.platform)))
            changes.append(_changed(found, text, parts))
    return changes


def removing(client: Client, machine: Machine, project: Path | None) -> list[Change]:
    """The changes that take a client out again. What its user changed since stays, and no folder that is left empty.

    Raises:
        InputError: a configuration is broken, or there is nothing of the kind in a project.
    """
    changes = []
    for found, parts in _files(client, machine, project):
        with _broken_at(found):
            changes.append(replace(_taken(found, parts), within=project or machine.home))
    return changes


def _files(client: Client, machine: Machine, project: Path | None) -> list[tuple[Found, list[Server | Command]]]:
    """Each file of a client's once, with what may be in it."""
    found: dict[Path, tuple[Found, list[Server | Command]]] = {}

    def note(file: File, parts: Sequence[Server | Command]) -> None:
        each = read(client.where(file, machine, project))
        found.setdefault(each.path, (each, []))[1].extend(parts)

    note(client.file, [Server(client)])
    hooks = client.hooks
    if isinstance(hooks, Hooks):
        events = [event for event in (hooks.end, hooks.start) if event is not None]
        note(hooks.file, [Command(client, hooks, event) for event in events])
    return list(found.values())


def _changed(found: Found, text: str, parts: Sequence[Part]) -> Change:
    if text == found.text:
        return Change(found, found.content, found.backup)
    first = found.content is not None and _is_none(found.text, parts)  # a copy is of what was there before Severance
    return Change(found, found.written(text), found.content if first else found.backup)


def _is_none(text: str, parts: Sequence[Part]) -> bool:
    return all(part.read(text) is None for part in parts)


def _taken(found: Found, parts: Sequence[Part]) -> Change:
    text = found.text
    there = [part.read(text) for part in parts]
    if not any(there):
        return Change(found, found.content, found.backup)
    before = None if found.backup is None else text_of(found.backup, found.path)
    for base, whole in ((before, found.backup), ("", None)):
        if base is not None and _again(base, parts, there) == text:
            return Change(found, whole, None if base is before else found.backup)
    for part in parts:
        text = part.take(text, before)
    after = found.written(text)
    return Change(found, after, None if after == found.backup else found.backup)


def _again(text: str, parts: Sequence[Part], there: Sequence[dict[str, Any] | None]) -> str | None:
    """A text from before with what is there put into it again; None where it cannot be, or is not from before."""
    try:
        if not _is_none(text, parts):
            return None
        for part, wanted in zip(parts, there, strict=True):
            text = text if wanted is None else part.put(text, wanted)
    except BrokenError:
        return None
    return text


@contextmanager
def _broken_at(found: Found) -> Iterator[None]:
    """Tells of a configuration that is broken where it is."""
    try:
        yield
    except BrokenError as error:
        where = f"{found.path}, line {error.line}, column {error.column}"
        raise InputError(f"{where}: {error.why}; nothing was changed") from None
