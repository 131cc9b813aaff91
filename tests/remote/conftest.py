"""Clients of both kinds, for a server and a house in processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from remote.both import Awaited
from server.conftest import Shared, permit, served, shared, store, up  # noqa: F401 - fixtures
from severance.remote import AsyncClient, Client

Dial = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def dial(request: pytest.FixtureRequest) -> Iterator[Dial]:
    """Makes a client of either kind, with the methods of the synchronous one."""
    with ExitStack() as stack:
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)

        def dialling(url: str, credential: str, **options: Any) -> Any:
            if request.param == "sync":
                return stack.enter_context(Client(url, credential, **options))
            return stack.enter_context(Awaited(AsyncClient(url, credential, **options), loop))

        yield dialling


@pytest.fixture
def inside(shared: Shared, dial: Dial) -> Iterator[Any]:  # noqa: F811
    """A session of the innie, in the server that a module's tests share."""
    with dial(shared.server.url, shared.permit()).cross() as session:
        yield session
