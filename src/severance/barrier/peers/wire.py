"""What goes between the barrier and the process in which an adapter runs: one JSON object for each line."""

from __future__ import annotations

from typing import Literal

import msgspec

METHODS = ("add", "add_with", "search", "get", "update", "delete", "list")

MOST_FOUND = 10_000
"""More memories than this in one answer are not read on."""

MOST_CHARS = 1_000_000
"""A longer text or id is not passed on."""

Argument = str | int | dict[str, str]


class Call(msgspec.Struct, frozen=True):
    """One method of the adapter, with its arguments."""

    method: str
    args: list[Argument]

    def __str__(self) -> str:
        return f"{self.method}({', '.join(repr(each) for each in self.args)})"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A `Found` on its way."""

    id: str
    text: str
    score: float | None


class Answer(msgspec.Struct, frozen=True):
    """What came of a call.

    Attributes:
        kind: `ok`; `raised`, a refusal; `missing`, where the memory has no such method; or `wrong`, where something
            came back that is not what the method returns.
        text: for `add` the id, for `get` the text; otherwise None.
        rows: for `search` and `list`.
        note: what was raised, or what is wrong, in one line.
        calls: for `Load`, the adapter's attribute of this name.
    """

    kind: Literal["ok", "raised", "missing", "wrong"]
    text: str | None = None
    rows: list[Row] = []
    note: str = ""
    calls: dict[str, str] = {}


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Import the adapter: a class in a module, or in the file at that path; `paths` are where modules may be, too."""

    where: str
    name: str
    paths: list[str]


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Make an adapter in this folder; the one before is dropped."""

    folder: str


class One(msgspec.Struct, frozen=True, tag="one"):
    """Make one call."""

    call: Call


class Race(msgspec.Struct, frozen=True, tag="race"):
    """Make the calls of each lane in order, every lane in a thread of its own; answered lane by lane."""

    lanes: list[list[Call]]


class Share(msgspec.Struct, frozen=True, tag="share"):
    """Make the first call and keep what it returned, then the second. Then write `text` into what was kept, and make
    the second again. Answered: the second, the first as it is by then, and the second once more.
    """

    first: Call
    second: Call
    text: str


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Close the adapter."""


Request = Load | Open | One | Race | Share | Close
