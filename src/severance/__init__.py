"""Severance: agent memory divided by cryptography. One subject, several personas, nothing of one in another."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from severance.approving import approve, deny, new_override_key, show_request
    from severance.crypto.rootkey import Passphrase
    from severance.errors import (
        AsleepError,
        DamagedError,
        EmbedderError,
        InputError,
        KeyMissingError,
        NewerVersionError,
        NotFoundError,
        NotUpError,
        OverrideError,
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
        AuditAccepted,
        AuditCheck,
        AuditEvent,
        CredentialInfo,
        Draft,
        Explanation,
        ExportCheck,
        Memory,
        Notice,
        OverrideInfo,
        OverrideKeyInfo,
        OverrideRequest,
        OverrideState,
        PermitInfo,
        Persona,
        PersonaEvent,
        PersonaStatus,
        Place,
        Recollection,
        Right,
        Status,
    )
    from severance.ports import Reranking
    from severance.resident.client import HouseState, ResidentHouse, connect
    from severance.session import Session
    from severance.upkeep.backup import Backup, restore
    from severance.upkeep.check import Finding
    from severance.upkeep.logs import accept_audit, verify_export
    from severance.weakening import weaken

__version__ = "0.1.0"

__all__ = [
    "AsleepError",
    "AuditAccepted",
    "AuditCheck",
    "AuditEvent",
    "Backup",
    "CredentialInfo",
    "DamagedError",
    "Draft",
    "EmbedderError",
    "Explanation",
    "ExportCheck",
    "Finding",
    "House",
    "HouseState",
    "InputError",
    "KeyMissingError",
    "Memory",
    "NewerVersionError",
    "NotFoundError",
    "NotUpError",
    "Notice",
    "OverrideError",
    "OverrideInfo",
    "OverrideKeyInfo",
    "OverrideRequest",
    "OverrideState",
    "Passphrase",
    "PermitError",
    "PermitInfo",
    "Persona",
    "PersonaEvent",
    "PersonaStatus",
    "Place",
    "Recollection",
    "RerankerError",
    "Reranking",
    "ResidentHouse",
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
    "accept_audit",
    "approve",
    "connect",
    "deny",
    "new_override_key",
    "open",
    "restore",
    "show_request",
    "verify_export",
    "weaken",
]

_HOMES = {
    "AsleepError": "severance.errors",
    "AuditAccepted": "severance.model",
    "AuditCheck": "severance.model",
    "AuditEvent": "severance.model",
    "Backup": "severance.upkeep.backup",
    "CredentialInfo": "severance.model",
    "DamagedError": "severance.errors",
    "Draft": "severance.model",
    "EmbedderError": "severance.errors",
    "Explanation": "severance.model",
    "ExportCheck": "severance.model",
    "Finding": "severance.upkeep.check",
    "House": "severance.house",
    "HouseState": "severance.resident.client",
    "InputError": "severance.errors",
    "KeyMissingError": "severance.errors",
    "Memory": "severance.model",
    "NewerVersionError": "severance.errors",
    "NotFoundError": "severance.errors",
    "NotUpError": "severance.errors",
    "Notice": "severance.model",
    "OverrideError": "severance.errors",
    "OverrideInfo": "severance.model",
    "OverrideKeyInfo": "severance.model",
    "OverrideRequest": "severance.model",
    "OverrideState": "severance.model",
    "Passphrase": "severance.crypto.rootkey",
    "PermitError": "severance.errors",
    "PermitInfo": "severance.model",
    "Persona": "severance.model",
    "PersonaEvent": "severance.model",
    "PersonaStatus": "severance.model",
    "Place": "severance.model",
    "Recollection": "severance.model",
    "RerankerError": "severance.errors",
    "Reranking": "severance.ports",
    "ResidentHouse": "severance.resident.client",
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
    "accept_audit": "severance.upkeep.logs",
    "approve": "severance.approving",
    "connect": "severance.resident.client",
    "deny": "severance.approving",
    "new_override_key": "severance.approving",
    "open": "severance.house",
    "restore": "severance.upkeep.backup",
    "show_request": "severance.approving",
    "verify_export": "severance.upkeep.logs",
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
