"""A scratch house in which the pieces of a suite are written, everybody awake."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import severance
from severance.barrier.suites.cast import Piece, Who
from severance.embed import bundled
from severance.session import Session
from severance.system import SystemEntropy

KEY_BYTES = 32
ALL: Who = ("everybody", "everything")


def place_of(number: int) -> str:
    """Where the persona of that number wakes, counted in the order of the pieces."""
    return f"place {number}"


@dataclass(frozen=True)
class Stage:
    """What is awake.

    Attributes:
        folder: of the store.
        key: its root key, as base64; nobody keeps it.
        awake: the session of each persona.
        places: where each wakes.
        ids: of the pieces, in their order.
    """

    folder: Path
    key: str
    awake: Mapping[Who, Session]
    places: Mapping[Who, str]
    ids: Sequence[str]


@contextmanager
def written(folder: Path, pieces: Sequence[Piece], *, as_one: bool = False) -> Iterator[Stage]:
    """Write the pieces in a new store, each into its persona's space; `as_one`: all into one, which is the control.

    Raises:
        InputError: a piece is none that can be remembered.
        StoreError: the store cannot serve.
    """
    key = SystemEntropy().draw(KEY_BYTES, b"barrier")
    everyone = tuple(dict.fromkeys(piece.who for piece in pieces))
    homes = {who: ALL if as_one else who for who in everyone}
    with severance.open(folder, key=key, embedder=bundled()) as house:
        places, awake = {}, {}
        for number, home in enumerate(dict.fromkeys(homes.values())):
            subject, persona = home
            house.sever(subject, [persona])
            places[home] = house.place(place_of(number), {subject: persona}).name
            awake[home] = house.cross(subject, places[home])
        ids = [""] * len(pieces)
        for home, session in awake.items():
            mine = [number for number, piece in enumerate(pieces) if homes[piece.who] == home]
            kept = session.remember_many(pieces[number].draft for number in mine)
            for number, memory in zip(mine, kept, strict=True):
                ids[number] = memory.id
        sessions = {who: awake[home] for who, home in homes.items()}
        where = {who: places[home] for who, home in homes.items()}
        yield Stage(folder, base64.b64encode(key).decode(), sessions, where, ids)
