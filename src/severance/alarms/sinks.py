"""How alarms are told: to the program's log, to a command, to a webhook, or through `apprise`.

What a sink gets is one message with some groups of alarms: kinds, counts and times, and names where the rule allows
them. There is nothing in it that anybody remembered or asked.
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from severance.alarms.rules import COMMAND, LOG, WEBHOOK
from severance.alarms.state import SECOND, Group
from severance.chip.register import SinkForm
from severance.chip.thresholds.surroundings import PASSED_ON
from severance.crypto.primitives import hmac_sha256
from severance.crypto.rootkey.allowed import is_allowed
from severance.crypto.rootkey.source import home
from severance.errors import KeyMissingError
from severance.model import moment
from severance.net import Asked, Unanswered, checked_url, exchange, target_of
from severance.programs import status

LOGGER = logging.getLogger("severance.alarms")
# Nothing is printed unless the program says where its log goes: whoever reads the errors of a process may be a persona.
LOGGER.addHandler(logging.NullHandler())

VERSION = 1
SECONDS = 10.0
"""How long a sink may take over one message."""

SIGNATURE = "Severance-Signature"
_MOST_REPLY = 65_536


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one sink.

    Attributes:
        id: 32 characters of hex; the same where a message is sent again, since whether it arrived was not to be known.
        house: the store id, in hex.
        groups: what rang.
    """

    id: str
    house: str
    groups: tuple[Group, ...]

    def json(self) -> bytes:
        """The message as commands and webhooks get it: UTF-8."""
        alarms = [_shape(group) for group in self.groups]
        document = {"severance_alarms": VERSION, "id": self.id, "house": self.house, "alarms": alarms}
        return json.dumps(document, ensure_ascii=False).encode()

    def lines(self) -> list[str]:
        """The message for people: a sentence for each group."""
        return [sentence(group) for group in self.groups]


@dataclass(frozen=True)
class Reach:
    """What sinks need of this machine.

    Attributes:
        secret: the key by which messages to a webhook are signed.
        environ: where commands find their few variables, and the list of those that are allowed.
        seconds: how long a sink may take.
        ticks: seconds that pass, from any beginning.
    """

    secret: Callable[[SinkForm], bytes]
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    seconds: float = SECONDS
    ticks: Callable[[], float] = time.monotonic

    def tell(self, sink: SinkForm, message: Message, now: int) -> str:
        """Tell a sink. Returns an empty text, or why it has not taken the message, as half a sentence.

        Args:
            sink: whom to tell.
            message: what.
            now: the time, in microseconds since 1970.
        """
        if sink.kind == LOG:
            for line in message.lines():
                LOGGER.warning("%s", line)
            return ""
        if sink.kind == COMMAND:
            return self._command(sink.values, message)
        if sink.kind == WEBHOOK:
            return self._webhook(sink, message, now)
        return _apprise(sink.values[0], message)

    def _command(self, argv: tuple[str, ...], message: Message) -> str:
        own = home(self.environ)
        program = Path(argv[0])
        if argv[0].startswith("~/") and own is not None:
            program = own / argv[0][2:]
        try:
            if not is_allowed(argv, self.environ):
                return "is not allowed on this machine for this user; `severance alarm apply` allows it"
            env = {name: self.environ[name] for name in PASSED_ON if name in self.environ}
            cwd, given = own or program.parent, message.json()
            found = status([str(program), *argv[1:]], seconds=self.seconds, cwd=cwd, env=env, given=given)
        except TimeoutError:
            return f"did not end within {self.seconds:g} seconds"
        except KeyMissingError:
            return "is not run, since others could have written the list of what is allowed"
        except (OSError, ValueError):
            return "could not be started"
        return "" if found == 0 else f"ended with status {found}"

    def _webhook(self, sink: SinkForm, message: Message, now: int) -> str:
        parts = checked_url(sink.values[0], "a webhook", "https://alarms.example.org/severance", query=True)
        body, at = message.json(), now // SECOND
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "severance",
            SIGNATURE: f"t={at},v1={signature(self.secret(sink), at, body)}",
        }
        deadline = self.ticks() + self.seconds
        asked = Asked("POST", target_of(parts), body, headers)
        try:
            exchange(parts, asked, _taken, deadline=deadline, ticks=self.ticks, most=_MOST_REPLY)
        except TimeoutError:
            return f"did not answer within {self.seconds:g} seconds"
        except Unanswered as problem:
            return str(problem)
        return ""


def signature(secret: bytes, at: int, body: bytes) -> str:
    """HMAC-SHA-256 over the time in seconds since 1970, a full stop and the body, in hex.

    The time is signed with the body, so that whoever receives it can refuse a message that is sent again later.
    """
    return hmac_sha256(secret, b"%d." % at + body).hex()


def sentence(group: Group) -> str:
    """A group of alarms in words."""
    key, first, last = group.key, _short(group.first), _short(group.last)
    named = [f"{what} {name}" for what, name in _names(group) if name is not None]
    often = f"{group.count:,} times from {first} to {last}" if group.count > 1 else f"once at {last}"
    return f"alarm: {key.kind}, {often}{''.join(f', {each}' for each in named)}"


def _shape(group: Group) -> Mapping[str, object]:
    times = {"first": moment(group.first).isoformat(), "last": moment(group.last).isoformat()}
    names = {what: name for what, name in _names(group) if name is not None}
    return {"kind": group.key.kind, "count": group.count, **times, **names}


def _names(group: Group) -> Iterable[tuple[str, str | None]]:
    key = group.key
    return ("subject", key.subject), ("persona", key.persona), ("place", key.place)


def _short(at: int) -> str:
    return f"{moment(at):%Y-%m-%d %H:%M:%S} UTC"


def _taken(response: http.client.HTTPResponse) -> None:
    if not 200 <= response.status < 300:
        raise Unanswered(f"answered with status {response.status}")


def _apprise(address: str, message: Message) -> str:
    try:
        apprise: Any = importlib.import_module("apprise")
    except ImportError:
        return "needs the extra: pip install 'severance[alarms]'"
    try:
        told = apprise.Apprise()
        if not told.add(address):
            return "has an address that apprise does not know"
        taken = told.notify(title="Severance", body="\n".join(message.lines()))
    except Exception:  # noqa: BLE001 - a library with some hundred services raises what it likes, with addresses in it
        return "failed in a way that apprise did not foresee"
    return "" if taken else "did not take it, says apprise"
