"""What can go wrong, as one tree.

    SeveranceError
    ├── InputError               what was asked cannot be meant          exit 2 at the command line
    ├── NotFoundError            nothing here by that id or name         1
    ├── AsleepError              the session has ended                   1
    ├── PermitError              the session's permit does not allow it  1
    ├── OverrideError            the override does not go on so          1
    ├── EmbedderError            the embedder failed or is another one   1
    ├── RerankerError            the re-ranker failed                    1
    ├── StoreError               the store cannot serve                  1
    │   ├── StoreMissingError    there is no store, or no chip
    │   ├── NotUpError           no house is up for it
    │   ├── AlreadyUpError       one is, and there is one at most            7
    │   ├── StoreBusyError       another process held it for too long
    │   ├── StoreFullError       the disk is full
    │   ├── StoreReadOnlyError   it may not be written
    │   ├── NewerVersionError    a later Severance wrote it
    │   └── ConflictError        another writer was first
    ├── KeyMissingError          no root key could be had                3
    ├── WrongKeyError            the root key opens another chip         3
    └── DamagedError             sealed bytes are not what was written   4
        └── RolledBackError      they are older than the chip's anchor

Every message is one sentence for a person: what, where, what to do. No message holds the content of a memory, a
query, or a name that its reader did not supply. Absent, asleep, retired and forbidden are all `NotFoundError`, with the
same words, so that an error is not a window into another persona.
"""

from __future__ import annotations


class SeveranceError(Exception):
    """The root: catch this to catch everything that Severance raises on purpose."""


class InputError(SeveranceError, ValueError):
    """An argument cannot be meant: empty, too long, not a date, not UTF-8."""


class NotFoundError(SeveranceError, LookupError):
    """Nothing by that id or name can be had from here; whether it exists elsewhere is not said."""


class AsleepError(SeveranceError):
    """The session has ended; cross again to wake the persona."""


class PermitError(SeveranceError):
    """The session was let in with a permit or a credential, and that does not allow this call."""


class OverrideError(SeveranceError):
    """A step of an override that may not be taken: too late, too early, by the wrong key, or for another request.

    Attributes:
        why: the same in one fixed word, as the audit log has it.
    """

    def __init__(self, message: str, *, why: str = "refused") -> None:
        super().__init__(message)
        self.why = why


class EmbedderError(SeveranceError):
    """The embedder failed, returned something unusable, or is not the one this space was written with.

    Attributes:
        again: whether the same call could go well at another time, as where an endpoint is down or busy.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


class RerankerError(SeveranceError):
    """The re-ranker failed, or returned something unusable; recall without it would have worked.

    Attributes:
        again: as `EmbedderError.again`.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


class StoreError(SeveranceError):
    """The vault or the chip cannot serve this call; nothing was lost."""


class StoreMissingError(StoreError):
    """There is no store at this path, or its chip or vault is not beside it."""


class NotUpError(StoreError):
    """No house is up for this store; it can be opened with the root key."""


class AlreadyUpError(StoreError):
    """A house is up for this store, or is just being opened for it; there is one at most."""


class StoreBusyError(StoreError):
    """Another process held the store for longer than the wait allows."""


class StoreFullError(StoreError):
    """The disk is full; the write did not happen."""


class StoreReadOnlyError(StoreError):
    """The store may not be written; the write did not happen."""


class NewerVersionError(StoreError):
    """The store was written in a format that this version does not know."""


class ConflictError(StoreError):
    """The log's head is not the one that the writer expected: another writer was first. Catch up and try again."""


class KeyMissingError(SeveranceError):
    """No root key could be had from the source that applies."""


class WrongKeyError(SeveranceError):
    """A root key was given, and it is not the one this chip was made with."""


class DamagedError(SeveranceError):
    """Stored bytes are not what was written: altered, swapped, moved, missing or truncated.

    Attributes:
        space: the space's id in hex, or None where the damage is not in one space.
        record: the sequence number in the space's log, or None where it is not in one record.
    """

    def __init__(self, message: str, *, space: str | None = None, record: int | None = None) -> None:
        super().__init__(message)
        self.space = space
        self.record = record


class RolledBackError(DamagedError):
    """The space is older than the chip's last anchor of it: somebody put back an earlier state."""
