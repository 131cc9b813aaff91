"""What a client is: a program in which a model works, that starts servers of the Model Context Protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from severance.errors import InputError
from severance.integrate.machine import Machine

ENTRY = "severance"
"""What the server is called in every configuration. There is one in each, so that no model gets two personas."""

Form = Literal["json", "jsonc", "toml"]
"""How a file is written: JSON, JSON with comments, or TOML."""
Moment = Literal["start", "end"]
"""When a hook is called: at the start of a session, or at the end of a turn."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a client's.

    Attributes:
        of_user: where it is for all that the user does.
        in_project: its path in a project's folder; None where the client reads none there.
        form: how it is written.
    """

    of_user: Callable[[Machine], Path]
    in_project: str | None
    form: Form


@dataclass(frozen=True, slots=True)
class Hooks:
    """Commands that a client runs.

    Attributes:
        file: where they are written.
        end: the name of the event at the end of a turn.
        start: that of the one at the start of a session; None where what is printed then does not reach the model.
        grouped: whether commands stand in groups, in a list called `hooks`.
        more: what stands beside a command.
        whole: what stands beside the hooks in a new file.
        session: the names under which the session is told, the first that is there counts.
        message: where the text of the turn's last message is told: names, from the outside in.
        transcript: whether it is looked for in the transcript where it is not told.
        answer: what is printed for the model, from a text.
        silent: what is printed where there is nothing to say.
        next: what the person has to do for them to be run; "" for nothing.
    """

    file: File
    end: str
    start: str | None
    message: tuple[str, ...]
    grouped: bool = True
    more: Mapping[str, object] = field(default_factory=dict)
    whole: Mapping[str, object] = field(default_factory=dict)
    session: tuple[str, ...] = ("session_id",)
    transcript: bool = False
    answer: Callable[[str], str] = lambda text: _as_context(text)
    silent: str = ""
    next: str = ""

    def element(self, command: str) -> dict[str, object]:
        """What is written for a command."""
        handler = {"command": command, **self.more}
        return {"hooks": [{"type": "command", **handler}]} if self.grouped else handler

    def moment(self, said: Mapping[str, Any]) -> Moment | None:
        """When it was called, by what it was told; None for a moment at which there is nothing to do."""
        event = said.get("hook_event_name", said.get("agent_action_name"))
        if event is None:
            return None
        return "end" if event == self.end else "start" if event == self.start else None


@dataclass(frozen=True, slots=True)
class Client:
    """A client that can be integrated.

    Attributes:
        name: in commands, and as the program that thresholds can ask for.
        title: for people.
        file: where its servers are configured.
        container: the names from the root of that file to what holds the servers.
        more: what stands before command and arguments of a server.
        check: how to see that it works, in one sentence.
        hooks: its hooks, or why it has none.
    """

    name: str
    title: str
    file: File
    container: tuple[str, ...]
    check: str
    hooks: Hooks | str
    more: Mapping[str, object] = field(default_factory=dict)

    def server(self, words: Sequence[str]) -> dict[str, object]:
        """What is written for a server that is this program with these arguments."""
        return {**self.more, "command": words[0], "args": [*words[1:]]}

    def where(self, file: File, machine: Machine, project: Path | None) -> Path:
        """The path of one of its files.

        Raises:
            InputError: it has none in a project.
        """
        if project is None:
            return file.of_user(machine)
        if file.in_project is None:
            raise InputError(f"{self.title} reads nothing of this kind in a project; leave --project out")
        return project / file.in_project


def _as_context(text: str) -> str:
    return json.dumps({"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": text}})
