"""One session for a program that has something to show, wherever the store is open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from severance.crypto.rootkey import Key
from severance.errors import NotUpError
from severance.house import open as open_house
from severance.ports import Embedder, Reranker, Reranking
from severance.resident.client import ResidentHouse, connect
from severance.session import Session


@contextmanager
def enter(
    path: str | os.PathLike[str] = "~/.severance",
    *,
    text: str,
    place: str | None = None,
    tool: str | None = None,
    key: Key = None,
    embedder: str | Embedder | None = None,
    reranker: str | Reranker | Reranking | None = None,
) -> Iterator[Session]:
    """Cross with a permit or a place credential, and stay as long as the `with` lasts.

    Where a house is up for the store, it lets the program in, which then needs no root key, and never has one. Where
    none is, the store is opened here: the persona is awake in a process of its own, but the root key is in this one.

    Args:
        path: the store's directory.
        text: the permit or the credential.
        place, tool: as in `House.admit`.
        key, embedder, reranker: as in `severance.open`; a house that is up has its own.

    Raises:
        NotFoundError, InputError: the text opens nothing, or an argument cannot be meant; as `House.admit`.
        AsleepError: the house that is up is locked.
        StoreBusyError: as many sessions are open in it as may be.
        SeveranceError: none is up, and the store cannot be opened; as `severance.open`.
    """
    up = _up(path)
    if up is not None:
        with up.admit(text, place=place, tool=tool) as session:
            yield session
        return
    with (
        open_house(path, key=key, create=False, embedder=embedder, reranker=reranker) as house,
        house.admit(text, place=place, tool=tool, isolation="process") as session,
    ):
        yield session


def _up(path: str | os.PathLike[str]) -> ResidentHouse | None:
    try:
        return connect(path)
    except NotUpError:
        return None
