"""Reading everything, to find what is not as it was written, and to save the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from msgspec.structs import replace

from severance.chip.chip import Chip, Verified
from severance.crypto.envelope import SpaceKey
from severance.errors import DamagedError, NewerVersionError, NotFoundError
from severance.mind import Mind
from severance.model import Filter, Memory, Persona
from severance.ports import Entropy, Vault
from severance.records import EmbedderChosen, Remembered
from severance.space import Space
from severance.upkeep.salvage import salvage
from severance.waking import confirm_layers, wake

Progress = Callable[[int, int], None]

UNREADABLE = (DamagedError, NewerVersionError, NotFoundError)
"""What damage looks like from here: a flipped bit can make a version later, or a row one that is not there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written.

    Attributes:
        what: one sentence.
        space: the space's id in hex, where the damage is in one.
        record: the sequence number, where the damage is in one record.
        persona: whose memories it concerns, where that can be told.
    """

    what: str
    space: str | None = None
    record: int | None = None
    persona: Persona | None = None


def examine(
    vault: Vault,
    chip: Chip,
    entropy: Entropy,
    everyone: Callable[[], Sequence[Persona]],
    progress: Progress | None = None,
) -> list[Finding]:
    """Read the vault's structure, the chip's rows, and every record and snapshot of every space.

    Args:
        vault, chip, entropy: the store.
        everyone: lists the personas; asked after the chip's rows were checked.
        progress: called with personas done and personas in all.
    """
    findings = [Finding(problem.split("; run `severance check`")[0]) for problem in vault.verify()]
    rows: Verified | None = None
    try:
        rows = chip.verify()
    except UNREADABLE as problem:
        findings.append(_finding(problem))
    personas: Sequence[Persona] = ()
    try:
        personas = everyone()
    except UNREADABLE as problem:
        findings.append(_finding(problem))
        with suppress(*UNREADABLE):
            personas = chip.survivors()
    keys = dict[Persona, tuple[SpaceKey, Verified | None]]()
    found = {persona: list[Finding]() for persona in personas}
    for persona in personas:
        try:
            keys[persona] = _key(chip, persona, rows)
        except UNREADABLE as problem:
            found[persona].append(_finding(problem))
    # In the order of the file: of many personas, each page is then read once.
    for done, persona in enumerate(sorted(keys, key=lambda each: keys[each][0].space)):
        if progress is not None:
            progress(done, len(keys))
        key, known = keys[persona]
        found[persona] += _examine_space(Space(vault, key, entropy), chip, known)
    findings += [dataclasses.replace(each, persona=persona) for persona, its in found.items() for each in its]
    if not findings:
        orphans = _orphans(vault, chip, everyone, {key.space for key, _ in keys.values()})
        if orphans:
            findings.append(Finding(f"spaces that the chip has no key for: {orphans}; is it an older chip?"))
    return _once(findings)


def salvaged(space: Space) -> Iterator[Memory]:
    """Every memory of a space that can still be read, in its current version, in the order of what happened."""
    mind = Mind()
    for item in salvage(space):
        if isinstance(item, DamagedError):
            continue
        seq, event = item
        if isinstance(event, Remembered):  # without its vector, which is of no use where its embedder was lost
            event = replace(event, vector=b"", scale=0.0)
        if not isinstance(event, EmbedderChosen):
            with suppress(ValueError, OverflowError):  # an event about a memory that was lost
                mind.apply(seq, event)
    return mind.memories(Filter())


def _key(chip: Chip, persona: Persona, rows: Verified | None) -> tuple[SpaceKey, Verified | None]:
    """The key of a persona's space, and the rows that have it: None for somebody severed since those were read."""
    with suppress(NotFoundError):
        return chip.key(persona, rows), rows
    return chip.key(persona), None


def _examine_space(space: Space, chip: Chip, rows: Verified | None) -> list[Finding]:
    try:
        findings = [_finding(item) for item in salvage(space) if isinstance(item, DamagedError)]
    except UNREADABLE as problem:
        return [_finding(problem)]
    if not findings:
        # Every record is as it was written; what is left are the snapshot, the anchor and the end of the log.
        findings = found_by(lambda: wake(space.again(), chip.anchor(space.key, rows)))
        if not findings and space.layers():  # else the whole log was what it woke from
            findings = found_by(lambda: confirm_layers(space))
    return findings


def _orphans(vault: Vault, chip: Chip, everyone: Callable[[], Sequence[Persona]], known: set[bytes]) -> int:
    """How many spaces were written to and have no key in the chip."""
    found = set()
    for space in set(vault.spaces()) - known:
        with suppress(NotFoundError):  # of two who sever the same at once, one drops its space
            # With nothing but its first record it is left by a severing that was killed before the chip knew of it.
            if vault.head(space).seq > 1:
                found.add(space)
    # Somebody may have been severed since the chip was read: the chip knows a space before it is written to.
    return len(found - {chip.key(persona).space for persona in everyone()}) if found else 0


def found_by(look: Callable[[], object]) -> list[Finding]:
    """What this says of what it reads: a finding where it cannot, none where it can."""
    try:
        look()
    except UNREADABLE as problem:
        return [_finding(problem)]
    return []


def _finding(problem: Exception) -> Finding:
    what = str(problem).split("; run `severance check`")[0]  # which is what is being done
    if isinstance(problem, DamagedError):
        return Finding(what, problem.space, problem.record)
    return Finding(what)


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Each finding once: what the vault says of a record is left out where the record's own reading says it, too."""
    named = [f"record {found.record} of space {found.space} " for found in findings if found.record is not None]
    return [
        found
        for found in dict.fromkeys(findings)
        if found.space is not None or not any(name in f"{found.what} " for name in named)
    ]
