"""Two rows of threads before the house: who was let in before waits for nobody who never was."""

from __future__ import annotations

from severance.mcp.let_in import LetIn
from severance.server.threads import Threads


class Rows:
    """Threads for those that were let in before, and as many for all others.

    Attributes:
        known: those of bearers that were let in before.
        others: those of all others.
        let_in: who was.
    """

    def __init__(self, let_in: LetIn, *, at_once: int, waiting: int, within: float) -> None:
        """Args: who was let in; in each row how many threads there are, how many may wait, and for how long."""
        self.let_in = let_in
        self.known, self.others = (Threads(at_once, waiting, within) for _ in range(2))

    @property
    def inside(self) -> int:
        """How many calls wait or are carried out."""
        return self.known.inside + self.others.inside

    def of(self, hashed: bytes) -> Threads:
        """The row of this bearer, by its hash."""
        return self.known if hashed in self.let_in else self.others

    async def end(self) -> None:
        """Wait for what is being carried out."""
        await self.others.end()
        await self.known.end()
