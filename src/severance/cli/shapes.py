"""The JSON forms of the nouns. Field names are a contract: they are added to, never renamed."""

from __future__ import annotations

from datetime import datetime

from severance.model import (
    AuditCheck,
    AuditEvent,
    CredentialInfo,
    Explanation,
    Memory,
    PermitInfo,
    PersonaStatus,
    Place,
    Recollection,
    Status,
)
from severance.transfer.jsonl import as_json

Shape = dict[str, object]


def of_memory(memory: Memory) -> Shape:
    """A memory, with the fields and names that an export has; times in ISO 8601."""
    return as_json(memory)


def of_recollection(hit: Recollection) -> Shape:
    """A recollection."""
    return {"score": hit.score, "reasons": list(hit.reasons), "memory": of_memory(hit.memory)}


def of_place(place: Place) -> Shape:
    """A place."""
    depends = {subject: list(names) for subject, names in place.depends.items()}
    return {"place": place.name, "wakes": dict(place.wakes), "depends": depends}


def of_explanation(found: Explanation) -> Shape:
    """Who wakes at a place, and why."""
    rules = [
        {
            "persona": rule.persona,
            "holds": rule.holds,
            "conditions": [{"holds": holds, "why": why} for holds, why in rule.conditions],
        }
        for rule in found.rules
    ]
    return {
        "subject": found.subject,
        "place": found.place,
        "wakes": found.persona,
        "until": None if found.until is None else found.until.isoformat(),
        "rules": rules,
        "later": {persona: at.isoformat() for persona, at in found.later.items()},
    }


def of_persona(persona: PersonaStatus) -> Shape:
    """A persona from outside."""
    return {
        "subject": persona.subject,
        "persona": persona.name,
        "places": list(persona.places),
        "records": persona.records,
        "awake": persona.awake,
        "budget": persona.budget,
    }


def of_status(status: Status) -> Shape:
    """A house from outside."""
    return {
        "store": status.store,
        "personas": [of_persona(persona) for persona in status.personas],
        "places": [of_place(place) for place in status.places],
    }


def of_permit(info: PermitInfo) -> Shape:
    """A permit, without its text."""
    return {
        "id": info.id,
        "subject": info.subject,
        "persona": info.persona,
        "place": info.place,
        "rights": sorted(info.rights),
        "made": info.made.isoformat(),
        "until": info.until.isoformat(),
        "ended": None if info.ended is None else info.ended.isoformat(),
    }


def of_event(event: AuditEvent) -> Shape:
    """An entry of the audit log."""
    return {
        "number": event.number,
        "at": event.at.isoformat(),
        "what": event.what,
        "subject": event.subject,
        "persona": event.persona,
        "place": event.place,
        "id": event.id,
        "detail": dict(event.detail),
    }


def of_audit_check(found: AuditCheck) -> Shape:
    """An audit log that was verified."""
    return {
        "entries": found.size,
        "root": found.root,
        "at": found.at.isoformat(),
        "verifier": found.verifier,
        "witnesses": list(found.witnesses),
    }


def of_credential(info: CredentialInfo) -> Shape:
    """A place credential, without its secret."""
    return {
        "id": info.id,
        "subject": info.subject,
        "place": info.place,
        "program": info.program,
        "rights": sorted(info.rights),
        "made": info.made.isoformat(),
        "revoked": None if info.revoked is None else info.revoked.isoformat(),
    }


def short(time: datetime) -> str:
    """A time for people, to the second."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
