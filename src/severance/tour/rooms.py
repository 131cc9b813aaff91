"""The story's house: severed, its places declared, everybody's memories given to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import severance
from severance.embed import bundled
from severance.house import House
from severance.system import SystemEntropy
from severance.tour.story import LIVES, WAY_OUT

KEY_BYTES = 32
_FIRST_DAY = datetime(2024, 3, 4, 9, tzinfo=UTC)


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """A new store in `folder`, under a random key that nobody keeps."""
    key = SystemEntropy().draw(KEY_BYTES, b"tour")
    with severance.open(folder, key=key, embedder=bundled()) as house:
        yield house


def furnish(house: House) -> None:
    """Sever the subjects, declare the places, and let each persona remember its life, a day for each memory."""
    for subject in dict.fromkeys(life.subject for life in LIVES):
        house.sever(subject, [life.persona for life in LIVES if life.subject == subject])
    for life in LIVES:
        house.place(life.place, {life.subject: life.persona})
    for place, wakes in WAY_OUT:
        house.place(place, wakes)
    for life in LIVES:
        with house.cross(life.subject, life.place) as session:
            session.remember_many(
                {"text": text, "at": _FIRST_DAY + timedelta(days=day)} for day, text in enumerate(life.memories)
            )
