"""`severance check`."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from severance.cli import exits, options, progress, screen
from severance.cli.edge import Edge
from severance.cli.newfile import new_file
from severance.errors import DamagedError, NotFoundError
from severance.house import House
from severance.model import Persona
from severance.transfer import write_jsonl
from severance.upkeep.check import Finding

# What some file system or unpacker gives a meaning: separators, drive letters, wildcards, our own escape.
_UNSAFE = re.compile(r'[\\/:*?"<>|%]|^\.+|\.+$')


def run(
    ctx: typer.Context,
    salvage: Annotated[
        Path | None,
        typer.Option(
            "--salvage",
            metavar="FILE",
            help="Write what can still be read to a new .zip file (not sealed), with SUBJECT/PERSONA.jsonl for each.",
            show_default=False,
        ),
    ] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Read everything, and say what is not as it was written. Ends with code 4 if anything is not."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        with progress.bar("Checking", quiet=edge.as_json) as tick:
            findings = house.check(tick)
        saved = None if salvage is None else _salvage(house, salvage, quiet=edge.as_json)
    if edge.as_json:
        _document(findings, salvage, saved)
    else:
        _show(findings, salvage, saved)
    if findings:
        raise typer.Exit(exits.DAMAGED)


def _salvage(house: House, path: Path, *, quiet: bool) -> dict[Persona, int]:
    saved: dict[Persona, int] = {}
    with (
        progress.spinner("Salvaging", quiet=quiet),
        new_file(path) as out,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        try:
            for persona, memories in house.salvage():
                entry = zipfile.ZipInfo(f"{_safe(persona.subject)}/{_safe(persona.name)}.jsonl")
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
                with archive.open(entry, "w", force_zip64=True) as lines:
                    saved[persona] = write_jsonl(memories, cast(BinaryIO, lines))
        except (DamagedError, NotFoundError):
            # The chip itself is damaged here; `check` has said so, and what was saved before is worth keeping.
            pass
    return saved


def _safe(name: str) -> str:
    return _UNSAFE.sub(lambda found: "".join(f"%{ord(char):02X}" for char in found[0]), name)


def _document(findings: Sequence[Finding], path: Path | None, saved: dict[Persona, int] | None) -> None:
    content: dict[str, object] = {"intact": not findings, "findings": [_told(finding) for finding in findings]}
    if saved is not None:
        counts = [
            {"subject": persona.subject, "persona": persona.name, "memories": count} for persona, count in saved.items()
        ]
        content["salvaged"] = {"file": str(path), "personas": counts}
    screen.document(content)


def _told(finding: Finding) -> dict[str, object]:
    subject, persona = (None, None) if finding.persona is None else (finding.persona.subject, finding.persona.name)
    return {
        "what": finding.what,
        "space": finding.space,
        "record": finding.record,
        "subject": subject,
        "persona": persona,
    }


def _show(findings: Sequence[Finding], path: Path | None, saved: dict[Persona, int] | None) -> None:
    if not findings:
        screen.line("Everything is as it was written.", style="green")
    for finding in findings:
        screen.line(f"- {finding.what}{_whereabouts(finding)}", style="red")
    if saved is not None:
        memories = sum(saved.values())
        screen.line(f"Saved {memories:,} memories of {len(saved):,} personas to {path}. They are not sealed there.")
    elif findings:
        screen.line("What is intact can be saved with `severance check --salvage FILE`.")


def _whereabouts(finding: Finding) -> str:
    """Where it is and whose, unless the sentence says so itself."""
    parts = [] if finding.persona is None else [f"{finding.persona.name} of {finding.persona.subject}"]
    parts += [f"space {finding.space}"] if finding.space is not None else []
    parts += [f"record {finding.record}"] if finding.record is not None else []
    missing = [part for part in parts if part not in finding.what]
    return f" ({', '.join(missing)})" if missing else ""
