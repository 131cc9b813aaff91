"""Surroundings that a test says, and texts of thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from severance.chip.thresholds.deciding import Circumstances
from severance.chip.thresholds.document import read
from severance.chip.thresholds.rules import Thresholds
from severance.chip.thresholds.surroundings import Address
from severance.drafts import name_of
from severance.model import micros


@dataclass
class Told:
    """Surroundings as they are told; `ran` has the commands that were asked for, in order."""

    name: str | None = "laptop"
    here: Path | None = None
    root: Path | None = None
    own: Sequence[str] | None = ("127.0.0.1",)
    ends: dict[str, bool | str | None] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def host(self) -> str | None:
        return self.name

    def directory(self) -> Path | None:
        return self.here

    def path(self, written: str) -> Path | None:
        return Path(written.replace("~", "/home/mark", 1))

    def repository(self) -> Path | None:
        return self.root

    def addresses(self) -> Sequence[Address] | None:
        return None if self.own is None else [ip_address(text) for text in self.own]

    def succeeds(self, argv: Sequence[str]) -> bool | str | None:
        self.ran.append(tuple(argv))
        return self.ends.get(argv[0])


def parsed(text: str) -> Thresholds:
    return read(text, name_of)


def when(text: str, world: Told | None = None, application: str | None = None) -> Circumstances:
    """Circumstances at this time (ISO 8601 with an offset)."""
    return Circumstances(micros(datetime.fromisoformat(text)), world or Told(), application)


LAPTOP = """
[[subject]]
name = "mark"
exclusive = true
zone = "Europe/Berlin"
budget = { work = "8h", home = "1h30m" }

[[rule]]
subject = "mark"
place = "laptop"
persona = "work"
hours = "Mon-Fri 09:00-18:00 Europe/Berlin"

[[rule]]
subject = "mark"
place = "laptop"
persona = "home"
hours = ["Mon-Fri 18:00-24:00 Europe/Berlin", "Sat,Sun 00:00-24:00 Europe/Berlin"]
"""
