"""Severance: agent memory divided by cryptography. One subject, several personas, nothing of one in another."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from severance.crypto.rootkey import Passphrase
    from severance.errors import (
        AsleepError,
        DamagedError,
        EmbedderError,
        InputError,
        KeyMissingError,
        NewerVersionError,
        NotFoundError,
        PermitError,
        RerankerError,
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
    from severance.model import (
        CredentialInfo,
        Draft,
        Explanation,
        Memory,
        PermitInfo,
        Persona,
        PersonaStatus,
        Place,
        Recollection,
        Right,
        Status,
    )
    from severance.ports import Reranking
    from severance.session import Session
    from severance.upkeep.backup import Backup, restore
    from severance.upkeep.check import Finding
    from severance.weakening import weaken

__version__ = "0.1.0"

__all__ = [
    "AsleepError",
    "Backup",
    "CredentialInfo",
    "DamagedError",
    "Draft",
    "EmbedderError",
    "Explanation",
    "Finding",
    "House",
    "InputError",
    "KeyMissingError",
    "Memory",
    "NewerVersionError",
    "NotFoundError",
    "Passphrase",
    "PermitError",
    "PermitInfo",
    "Persona",
    "PersonaStatus",
    "Place",
    "Recollection",
    "RerankerError",
    "Reranking",
    "Right",
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
    "weaken",
]

_HOMES = {
    "AsleepError": "severance.errors",
    "Backup": "severance.upkeep.backup",
    "CredentialInfo": "severance.model",
    "DamagedError": "severance.errors",
    "Draft": "severance.model",
    "EmbedderError": "severance.errors",
    "Explanation": "severance.model",
    "Finding": "severance.upkeep.check",
    "House": "severance.house",
    "InputError": "severance.errors",
    "KeyMissingError": "severance.errors",
    "Memory": "severance.model",
    "NewerVersionError": "severance.errors",
    "NotFoundError": "severance.errors",
    "Passphrase": "severance.crypto.rootkey",
    "PermitError": "severance.errors",
    "PermitInfo": "severance.model",
    "Persona": "severance.model",
    "PersonaStatus": "severance.model",
    "Place": "severance.model",
    "Recollection": "severance.model",
    "RerankerError": "severance.errors",
    "Reranking": "severance.ports",
    "Right": "severance.model",
    "RolledBackError": "severance.errors",
    "Session": "severance.session",
    "SeveranceError": "severance.errors",
    "Status": "severance.model",
    "StoreBusyError": "severance.errors",
    "StoreError": "severance.errors",
    "StoreFullError": "severance.errors",
    "StoreMissingError": "severance.errors",
    "StoreReadOnlyError": "severance.errors",
    "WrongKeyError": "severance.errors",
    "open": "severance.house",
    "restore": "severance.upkeep.backup",
    "weaken": "severance.weakening",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for (PEP 562), so that a command says hello before numpy does."""
    if name not in _HOMES:
        raise AttributeError(f"module 'severance' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
