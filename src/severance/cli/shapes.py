"""The JSON forms of the nouns. Field names are a contract: they are added to, never renamed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from severance.model import (
    AlarmGroup,
    AlarmStatus,
    AuditAccepted,
    AuditCheck,
    AuditEvent,
    CredentialInfo,
    Explanation,
    ExportCheck,
    Memory,
    Notice,
    OverrideInfo,
    OverrideKeyInfo,
    OverrideRequest,
    OwnerTokenInfo,
    PermitInfo,
    PersonaEvent,
    PersonaStatus,
    Place,
    Recollection,
    Status,
)
from severance.resident.client import HouseState
from severance.transfer.jsonl import as_json
from severance.weakening import Shown

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
        "zone": found.zone,
        "spent": found.spent,
        "budget": found.budget,
        "awake": found.awake,
        "free": None if found.free is None else found.free.isoformat(),
    }


def of_persona(persona: PersonaStatus) -> Shape:
    """A persona from outside."""
    return {
        "subject": persona.subject,
        "persona": persona.name,
        "places": list(persona.places),
        "records": persona.records,
        "writes": persona.writes,
        "awake": persona.awake,
        "budget": persona.budget,
    }


def of_status(status: Status, state: HouseState | None) -> Shape:
    """A house from outside, and how it is if it is up."""
    return {
        "store": status.store,
        "house": None if state is None else _of_state(state),
        "personas": [of_persona(persona) for persona in status.personas],
        "places": [of_place(place) for place in status.places],
        "overrides": [of_override(info) for info in status.overrides],
    }


def of_house(store: Path, state: HouseState, *, up: bool = True) -> Shape:
    """A house that is up, or was."""
    return {"store": str(store), "up": up, **_of_state(state)}


def _of_state(state: HouseState) -> Shape:
    return {"locked": state.locked, "sessions": state.sessions, "http": state.http}


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


def of_shown(shown: Shown) -> Shape:
    """What a permit says."""
    return {
        "id": shown.id,
        "rights": sorted(shown.rights),
        "until": shown.until.isoformat(),
        "threads": None if shown.threads is None else list(shown.threads),
        "tool": shown.tool,
        "weakened": shown.weakened,
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


def of_own_event(event: PersonaEvent) -> Shape:
    """An event of a persona, as it is shown to it."""
    return {"at": event.at.isoformat(), "what": event.what, "place": event.place}


def of_export_check(found: ExportCheck) -> Shape:
    """An export of an audit log that was verified."""
    return {
        "entries": found.entries,
        "size": found.size,
        "root": found.root,
        "at": found.at.isoformat(),
        "verifier": found.verifier,
        "known": found.known,
    }


def of_audit_accepted(found: AuditAccepted) -> Shape:
    """What became of an audit log that was accepted as it is."""
    return {
        "entries": found.entries,
        "remembered": found.remembered,
        "begun": found.begun,
        "aside": found.aside,
        "changed": found.changed,
    }


def of_audit_check(found: AuditCheck) -> Shape:
    """An audit log that was verified."""
    return {
        "entries": found.size,
        "root": found.root,
        "at": found.at.isoformat(),
        "verifier": found.verifier,
        "witnesses": list(found.witnesses),
        "new": list(found.new),
    }


def of_override(info: OverrideInfo) -> Shape:
    """An override."""
    return {
        "id": info.id,
        "state": info.state.value,
        "subject": info.subject,
        "persona": info.persona,
        "requester": info.requester,
        "reason": info.reason,
        "rights": sorted(info.rights),
        "threads": None if info.threads is None else list(info.threads),
        "made": info.made.isoformat(),
        "approve_by": info.approve_by.isoformat(),
        "use_by": info.use_by.isoformat(),
        "seconds": info.length.total_seconds(),
        "approved": list(info.approved),
        "denied": info.denied,
        "used": None if info.used is None else info.used.isoformat(),
        "until": None if info.until is None else info.until.isoformat(),
        "ended": None if info.ended is None else info.ended.isoformat(),
        "why": info.why,
    }


def of_override_request(found: OverrideRequest) -> Shape:
    """A request for an override."""
    return {
        "id": found.id,
        "subject": found.subject,
        "persona": found.persona,
        "requester": found.requester,
        "key": found.key,
        "reason": found.reason,
        "rights": sorted(found.rights),
        "threads": None if found.threads is None else list(found.threads),
        "made": found.made.isoformat(),
        "approve_by": found.approve_by.isoformat(),
        "use_by": found.use_by.isoformat(),
        "seconds": found.length.total_seconds(),
        "digest": found.digest,
    }


def of_override_key(info: OverrideKeyInfo) -> Shape:
    """An override key that is registered."""
    return {"name": info.name, "id": info.id, "public": info.public, "made": info.made.isoformat()}


def of_notice(notice: Notice) -> Shape:
    """What a persona is told of an override that woke it."""
    return {
        "at": notice.at.isoformat(),
        "what": notice.what,
        "requester": notice.requester,
        "reason": notice.reason,
        "until": notice.until.isoformat(),
        "ended": None if notice.ended is None else notice.ended.isoformat(),
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


def of_owner_token(info: OwnerTokenInfo) -> Shape:
    """An owner token, without its secret."""
    return {
        "id": info.id,
        "label": info.label,
        "made": info.made.isoformat(),
        "until": info.until.isoformat(),
        "ended": None if info.ended is None else info.ended.isoformat(),
    }


def of_alarm(group: AlarmGroup) -> Shape:
    """Something that rang."""
    return {
        "kind": group.kind,
        "count": group.count,
        "first": group.first.isoformat(),
        "last": group.last.isoformat(),
        "subject": group.subject,
        "persona": group.persona,
        "place": group.place,
    }


def of_alarm_status(status: AlarmStatus) -> Shape:
    """What waits, and what was told."""
    sinks = [
        {
            "sink": each.sink,
            "why": each.why,
            "tries": each.tries,
            "due": None if each.due is None else each.due.isoformat(),
            "waiting": [of_alarm(group) for group in each.waiting],
        }
        for each in status.sinks
    ]
    told = [{"at": each.at.isoformat(), "sink": each.sink, "alarm": of_alarm(each.alarm)} for each in status.told]
    return {"told": told, "sinks": sinks}


def short(time: datetime) -> str:
    """A time for people, to the second."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
