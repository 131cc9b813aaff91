"""Severance: agent memory divided by cryptography. One subject, several personas, nothing of one in another."""

from severance.crypto.rootkey import Passphrase
from severance.errors import (
    AsleepError,
    DamagedError,
    EmbedderError,
    InputError,
    KeyMissingError,
    NewerVersionError,
    NotFoundError,
    RolledBackError,
    SeveranceError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreMissingError,
    StoreReadOnlyError,
    WrongKeyError,
)
from severance.house import House, open  # noqa: A004 - `severance.open` is the name people will use
from severance.model import Draft, Memory, Persona, PersonaStatus, Place, Recollection, Status
from severance.session import Session
from severance.upkeep.backup import Backup, restore
from severance.upkeep.check import Finding

__version__ = "0.1.0"

__all__ = [
    "AsleepError",
    "Backup",
    "DamagedError",
    "Draft",
    "EmbedderError",
    "Finding",
    "House",
    "InputError",
    "KeyMissingError",
    "Memory",
    "NewerVersionError",
    "NotFoundError",
    "Passphrase",
    "Persona",
    "PersonaStatus",
    "Place",
    "Recollection",
    "RolledBackError",
    "Session",
    "SeveranceError",
    "Status",
    "StoreBusyError",
    "StoreError",
    "StoreFullError",
    "StoreMissingError",
    "StoreReadOnlyError",
    "WrongKeyError",
    "open",
    "restore",
]
