"""The nouns of Severance, frozen. They hold no keys, no connections and no behaviour beyond their own invariants.

Times are aware `datetime`s in UTC at the surface and whole microseconds since 1970 below it. Ids of memories are
30 characters of lower-case hex (120 random bits): they do not count, sort or tell who made them.
"""

from __future__ import annotations

from severance.model.alarms import AlarmGroup, AlarmRules, AlarmSink, AlarmStatus, AlarmTold, AlarmTried, CanaryInfo
from severance.model.audit import AuditAccepted, AuditCheck, AuditCheckpoint, AuditEvent, ExportCheck, PersonaEvent
from severance.model.memories import (
    ID_BYTES,
    MAX_LABEL_BYTES,
    MAX_METADATA_BYTES,
    MAX_TEXT_BYTES,
    NO_METADATA,
    Draft,
    Filter,
    Head,
    Mark,
    Memory,
    Metadata,
    Plain,
    Recollection,
    Scalar,
    Sealed,
    id_bytes,
    id_text,
)
from severance.model.overrides import Notice, OverrideInfo, OverrideKeyInfo, OverrideRequest, OverrideState
from severance.model.permits import CredentialInfo, OwnerTokenInfo, PermitInfo, Right
from severance.model.personas import (
    MAX_NAME_CHARS,
    Explanation,
    Persona,
    PersonaStatus,
    Place,
    RuleSeen,
    Status,
    Subject,
)
from severance.model.times import micros, moment, parse_length, parse_time

__all__ = [
    "ID_BYTES",
    "MAX_LABEL_BYTES",
    "MAX_METADATA_BYTES",
    "MAX_NAME_CHARS",
    "MAX_TEXT_BYTES",
    "NO_METADATA",
    "AlarmGroup",
    "AlarmRules",
    "AlarmSink",
    "AlarmStatus",
    "AlarmTold",
    "AlarmTried",
    "AuditAccepted",
    "AuditCheck",
    "AuditCheckpoint",
    "AuditEvent",
    "CanaryInfo",
    "CredentialInfo",
    "Draft",
    "Explanation",
    "ExportCheck",
    "Filter",
    "Head",
    "Mark",
    "Memory",
    "Metadata",
    "Notice",
    "OverrideInfo",
    "OverrideKeyInfo",
    "OverrideRequest",
    "OverrideState",
    "OwnerTokenInfo",
    "PermitInfo",
    "Persona",
    "PersonaEvent",
    "PersonaStatus",
    "Place",
    "Plain",
    "Recollection",
    "Right",
    "RuleSeen",
    "Scalar",
    "Sealed",
    "Status",
    "Subject",
    "id_bytes",
    "id_text",
    "micros",
    "moment",
    "parse_length",
    "parse_time",
]
