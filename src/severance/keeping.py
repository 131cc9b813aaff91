"""The part of a house that looks after what is stored: checks it, saves it, copies it, embeds it anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from severance.alarming import Damages
from severance.audit.auditlog import AuditLog
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.errors import EmbedderError
from severance.model import Memory, Persona
from severance.ports import Embedder, Entropy, Vault
from severance.space import Space
from severance.store import path_of
from severance.telling import Telling
from severance.upkeep.backup import Backup, back_up
from severance.upkeep.check import UNREADABLE, Finding, examine, found_by, salvaged
from severance.upkeep.reembed import reembed

Progress = Callable[[int, int], None]
"""Called now and then with how much is done and how much there is."""


class Keeping:
    """What a house does for the store as a whole."""

    _vault: Vault
    _chip: Chip
    _entropy: Entropy
    _embedder: Callable[[], Embedder]
    _telling: Telling
    _audit: AuditLog | None
    _damages: Damages

    def check(self, progress: Progress | None = None) -> list[Finding]:
        """Read everything, the audit log included, and say what is not as it was written; an empty list when all is."""
        found = examine(self._vault, self._chip, self._entropy, self._chip.everyone, progress)
        if self._audit is not None:  # a store that is only read has none open
            found += found_by(self._audit.verified)
        if found:
            self._damages.tell({"detail": {"findings": len(found)}})
        return found

    def salvage(self) -> Iterator[tuple[Persona, Iterator[Memory]]]:
        """Of each persona that can still be read, every memory that can still be read, in its current version."""
        for persona in self._chip.survivors():
            yield persona, self._salvaged(persona)

    def reembed(self, progress: Progress | None = None) -> int:
        """Embed every memory of every persona with this house's embedder. Returns how many were embedded.

        Can be interrupted and run again; personas that use this embedder already are left alone.
        """
        self._chip.verify()  # as for `status`
        self._telling.tell(What.REEMBEDDED, {})
        spaces = [Space(self._vault, self._chip.key(persona), self._entropy) for persona in self._chip.everyone()]
        done = 0
        for number, space in enumerate(spaces):
            try:
                done += reembed(space, self._chip.anchor(space.key), self._embedder(), progress)
            except EmbedderError as error:
                raise EmbedderError(
                    f"{error}; {number:,} of {len(spaces):,} personas have the new embedder, run it again",
                    again=error.again,
                ) from None
        return done

    def backup(self, path: str | os.PathLike[str], *, chip: bool = True) -> Backup:
        """Write a consistent copy of the store to a new file while others may go on writing; sealed as it is.

        Without the chip, the copy cannot be opened without this store's chip, and what is retired later stays retired.

        Raises:
            StoreError: the file exists or cannot be written.
        """
        self._telling.tell(What.BACKED_UP, {"detail": {"chip": chip}})
        return back_up(self._vault, self._chip if chip else None, self._audit, path_of(path))

    def _salvaged(self, persona: Persona) -> Iterator[Memory]:
        # When it is asked for, and empty where nothing can be read, so that the others still have their turn.
        with suppress(*UNREADABLE):
            yield from salvaged(Space(self._vault, self._chip.key(persona), self._entropy))
