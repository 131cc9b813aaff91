"""What a client tells its hooks: at which moment, in which session, and what was said last."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from severance.errors import InputError
from severance.integrate.client import Hooks, Moment

MOST_TOLD = 4 * 2**20
"""Bytes on standard input."""
MOST_READ = 8 * 2**20
"""Bytes of a transcript, from its end."""
MOST_SAID = 200_000
"""Characters of a message that are looked at, from its end."""

_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """A moment in a session of a client.

    Attributes:
        moment: at the start of the session, or at the end of a turn.
        session: what the client calls the session; "" where it does not say.
        message: what the model said last; "" where nothing is told.
        folder: the name of the folder that the client works in; "" where it is not told.
    """

    moment: Moment
    session: str
    message: str
    folder: str


def turn_of(told: bytes, hooks: Hooks) -> Turn | None:
    """What was told; None for a moment at which there is nothing to do.

    Args:
        told: what the client wrote to standard input: a JSON object.
        hooks: how the client tells it.

    Raises:
        InputError: it is no such object, or too long; or a transcript that is named cannot be read.
    """
    if len(told) > MOST_TOLD:
        raise InputError(f"the client told its hook more than {MOST_TOLD // 2**20} MiB; nothing was remembered")
    try:
        said = json.loads(told)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InputError("the client told its hook no JSON object; nothing was remembered")
    moment = hooks.moment(said)
    if moment is None:
        return None
    message = _message(said, hooks) if moment == "end" else ""
    session = next((said[name] for name in hooks.session if isinstance(said.get(name), str)), "")
    folder = said.get("cwd")
    name = Path(folder).name if isinstance(folder, str) else ""
    return Turn(moment, session[:_LONGEST_ID], message[-MOST_SAID:], name[:_LONGEST_ID])


def _message(said: Mapping[str, Any], hooks: Hooks) -> str:
    found: Any = said
    for name in hooks.message:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found
    path = said.get("transcript_path")
    return last_message(Path(path).expanduser()) if hooks.transcript and isinstance(path, str) and path else ""


def last_message(path: Path) -> str:
    """What the model said last, by a transcript of Claude Code's: one JSON object on each line.

    A message is in several lines, one for each block of it, which have its id. Those of a sub-agent (`isSidechain`) are
    none of the conversation.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    latest: object = None
    texts: list[str] = []
    for entry in _backwards(path):
        message = entry.get("message")
        if entry.get("type") == "user" and texts:
            break
        if entry.get("type") != "assistant" or entry.get("isSidechain") or not isinstance(message, dict):
            continue
        text = _text(message.get("content"))
        if not text:
            continue
        if texts and message.get("id") != latest:
            break
        latest = message.get("id")
        texts.append(text)
    return "\n".join(reversed(texts))


def _backwards(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file's lines, the last first, without lines that are none (such as one half written)."""
    for line in reversed(_end(path).splitlines()):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            yield entry


def _end(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError("the transcript that the client named is not a file; nothing was remembered")
            file.seek(max(0, status.st_size - MOST_READ))
            return file.read(MOST_READ)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or "it is no path"
        raise InputError(f"the transcript that the client named cannot be read ({reason})") from None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    found = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in found if isinstance(text, str))
