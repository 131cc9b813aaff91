"""What is told of memories before they are written out."""

from __future__ import annotations

from severance.session import Session


def exporting(session: Session, memories: int) -> None:
    """Write into the audit log that so many memories of this persona are written out now, not sealed.

    A program that reads them and writes them where it likes does not say so; the command line does.

    Raises:
        AsleepError: the session has ended.
        StoreError, DamagedError: it cannot be written down, and so they must not be written out.
    """
    session._exporting(memories)
