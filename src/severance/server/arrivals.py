"""Who crosses over HTTP and waits to be let in: in two rows, so that bearers which open nothing shut nobody out."""

from __future__ import annotations

import asyncio
from functools import partial

from severance.mcp.crossing import AT_ONCE
from severance.mcp.let_in import LetIn
from severance.server.door import TOOL, Door
from severance.server.limits import Limits
from severance.server.rows import Rows
from severance.session import Session


class Arrivals(Rows):
    """Bearers that are shown to the house."""

    def __init__(self, door: Door, limits: Limits, let_in: LetIn) -> None:
        """Args: what lets in; how many threads there are, how many may wait, and for how long; who was let in."""
        at_once = max(1, min(AT_ONCE, limits.threads) // 2)
        super().__init__(let_in, at_once=at_once, waiting=limits.waiting // 2, within=limits.answered_within)
        self._door = door

    def begin(self, bearer: str, owner: bytes) -> asyncio.Task[Session]:
        """Have it shown, however long that takes. `owner` is its hash.

        Raises:
            Problem: too many wait.
        """
        return self.of(owner).start(partial(self._door.admit, bearer, tool=TOOL))
