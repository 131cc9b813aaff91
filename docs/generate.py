"""Write docs/reference/library.md from the docstrings: `python docs/generate.py`. A test holds it up to date."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import severance

TARGET = Path(__file__).parent / "reference" / "library.md"
_HEADER = """# The library

Made from the docstrings by `docs/generate.py`. Everything that is not here is not public, and may change.
"""
_CLASSES = (
    "House",
    "Session",
    "ResidentHouse",
    "HouseState",
    "Owner",
    "Following",
    "Draft",
    "Memory",
    "Recollection",
    "Persona",
    "Place",
    "Status",
    "PersonaStatus",
    "Explanation",
    "RuleSeen",
    "PermitInfo",
    "CredentialInfo",
    "OwnerTokenInfo",
    "Right",
    "OverrideInfo",
    "OverrideState",
    "OverrideKeyInfo",
    "OverrideRequest",
    "Notice",
    "AlarmStatus",
    "AlarmSink",
    "AlarmTold",
    "AlarmGroup",
    "AlarmRules",
    "AlarmTried",
    "CanaryInfo",
    "AuditEvent",
    "AuditCheck",
    "AuditCheckpoint",
    "AuditAccepted",
    "ExportCheck",
    "PersonaEvent",
    "Confinement",
    "Finding",
    "Backup",
    "Passphrase",
)
_FUNCTIONS = (
    *("open", "connect", "enter", "restore", "accept_audit", "verify_export"),
    *("weaken", "confined", "new_override_key", "wish_override", "sign_draft", "show_request", "approve", "deny"),
)
_VARIABLES = {
    "House": "house",
    "Session": "session",
    "ResidentHouse": "resident",
    "Owner": "owner",
    "Following": "following",
}
"""Classes whose methods are public, and what an object of each is called."""
_LIMITS = """
## Limits

| what | limit |
| --- | --- |
| text of a memory | 65,536 bytes of UTF-8 |
| metadata of a memory | 16,384 bytes as JSON; text, numbers, true, false, null |
| thread, source, kind, a metadata name | 512 bytes |
| name of a subject, persona or place | 100 characters |
| query | 1,048,576 bytes |
| recollections of one recall | 1,000 |
"""


def library() -> str:
    """The page, as Markdown."""
    parts = [_HEADER, *_functions(), *_classes(), _errors(), _LIMITS]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _functions() -> list[str]:
    return [_entry(f"severance.{name}", getattr(severance, name), "##") for name in _FUNCTIONS]


def _classes() -> list[str]:
    parts = []
    for name in _CLASSES:
        found = getattr(severance, name)
        parts.append(f"## {name}\n\n{_doc(found)}\n")
        if name in _VARIABLES:
            own = {key: value for kind in reversed(found.__mro__[:-1]) for key, value in vars(kind).items()}
            public = [(key, value) for key, value in own.items() if not key.startswith("_")]
            parts += [_entry(f"{_VARIABLES[name]}.{key}", value, "###") for key, value in public]
    return parts


def _errors() -> str:
    return f"## Errors\n\n{_doc(inspect.getmodule(severance.SeveranceError))}\n"


def _entry(title: str, found: object, level: str) -> str:
    if isinstance(found, property):
        return f"{level} {title}\n\n{_doc(found)}\n"
    signature = str(inspect.signature(found)).replace("(self, ", "(").replace("(self)", "()")  # type: ignore[arg-type]
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)
    return f"{level} {title}\n\n```text\n{title}{_folded(signature)}\n```\n\n{_doc(found)}\n"


def _folded(signature: str) -> str:
    if len(signature) < 90:
        return signature
    inside, _, returns = signature[1:].rpartition(")")
    depth, arguments, start = 0, [], 0
    for index, char in enumerate(inside):
        depth += (char in "[(") - (char in "])")
        if char == "," and depth == 0:
            arguments.append(inside[start:index].strip())
            start = index + 1
    arguments.append(inside[start:].strip())
    return "(\n    " + ",\n    ".join(arguments) + f",\n){returns}"


def _doc(found: object) -> str:
    lines = (inspect.getdoc(found) or "").splitlines()
    out, section = [], False
    for line in lines:
        if line in ("Args:", "Returns:", "Raises:", "Attributes:"):
            section = True
            out.append(f"*{line[:-1]}*\n")
        elif section and line.startswith("    ") and not line.startswith("     "):
            name, colon, rest = line.strip().partition(": ")
            out.append(f"- `{name}`: {rest}" if colon else f"- {line.strip()}")
        elif line.startswith("    ") and not section:
            out.append(line)
        else:
            section = section and line.startswith(" ")
            out.append(f"  {line.strip()}" if section else line)
    return "\n".join(out)


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(library(), encoding="utf-8")
