"""The JSON forms of the nouns. Field names are a contract: they are added to, never renamed."""

from __future__ import annotations

from severance.model import Memory, PersonaStatus, Place, Recollection, Status
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
    return {"place": place.name, "wakes": dict(place.wakes)}


def of_persona(persona: PersonaStatus) -> Shape:
    """A persona from outside."""
    return {
        "subject": persona.subject,
        "persona": persona.name,
        "places": list(persona.places),
        "records": persona.records,
    }


def of_status(status: Status) -> Shape:
    """A house from outside."""
    return {
        "store": status.store,
        "personas": [of_persona(persona) for persona in status.personas],
        "places": [of_place(place) for place in status.places],
    }
