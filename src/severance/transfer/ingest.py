"""A reading, remembered: what is new of it, once.

Each memory is marked in its metadata with the origin of its item, and an item whose origin is remembered already is
passed over: reading the same source again adds nothing. Where the metadata has an `origin` of its own, that one stays
and counts.

What an export says beyond a draft: `repeats` are remembered as repeats, at most 100 of them. An item that says which
memory superseded it is an earlier version; it is skipped, since remembering it would bring back what was amended. Ids,
the times of recording and echoes are the store's own and are not taken over.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

from severance.model import Draft
from severance.session import Session
from severance.transfer.fit import ORIGIN
from severance.transfer.items import Item, Reading, Skipped
from severance.transfer.jsonl import OWN
from severance.transfer.leftout import LeftOut

BATCH = 512
MOST_SKIPPED_KEPT = 20
MOST_REPEATS = 100


@dataclass(slots=True)
class Report:
    """How an import went, or is going.

    Attributes:
        format: the format it was read as.
        imported: items remembered now.
        already_there: items that were remembered before.
        skipped: how many entries could not be taken.
        first_skipped: the first twenty of them.
        left_out: what of a folder was not read, since it is of another kind, or hidden.
        secrets: how many of each kind were taken out of what was read; None where they were not looked for.
    """

    format: str
    imported: int = 0
    already_there: int = 0
    skipped: int = 0
    first_skipped: list[Skipped] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    secrets: Mapping[str, int] | None = None

    @property
    def nothing_read(self) -> bool:
        """Whether there were entries, and every one was skipped."""
        return self.skipped > 0 and self.imported == 0 and self.already_there == 0


def ingest(session: Session, reading: Reading, report: Report) -> Generator[None]:
    """Remember what the reading gives, in batches; yields now and then, so that the caller can look, or close it.

    Args:
        session: who is to remember it.
        reading: read to its end, unless the caller stops.
        report: counted up as it goes; when this raises, it says what had been imported until then.

    Raises:
        InputError: the source cannot be read, or not any further. What was read before is remembered.
        StoreError, DamagedError: as `Session.remember_many`.
    """
    session._importing(reading.format)
    report.left_out, report.secrets = reading.left_out, reading.secrets
    # A memory that was not imported is exported under its own id: see `jsonl`.
    known = {str(memory.metadata.get(ORIGIN, f"{OWN}:{memory.id}")) for memory in session.memories()}
    batch: list[Item] = []
    found = 0
    try:
        for entry in reading:
            found += 1
            _sort(entry, known, batch, report)
            if len(batch) == BATCH:
                _keep(session, batch, report)
            if found % BATCH == 0:
                yield
    finally:
        # Also when the source could be read only so far, or the caller stopped: what was taken in is kept.
        _keep(session, batch, report)
    yield


def _sort(entry: Item | Skipped, known: set[str], batch: list[Item], report: Report) -> None:
    if isinstance(entry, Item) and entry.superseded_by is not None:
        entry = Skipped(entry.origin, "it is an earlier version of another memory")
    if isinstance(entry, Skipped):
        report.skipped += 1
        if len(report.first_skipped) < MOST_SKIPPED_KEPT:
            report.first_skipped.append(entry)
        return
    origin = str(entry.draft.metadata.get(ORIGIN, entry.origin))
    if origin in known:
        report.already_there += 1
    else:
        known.add(origin)
        batch.append(entry)


def _keep(session: Session, batch: list[Item], report: Report) -> None:
    items, batch[:] = list(batch), []
    if items:
        # One call for each batch: a batch is kept whole or not at all.
        session.remember_many([_marked(item) for item in items])
        report.imported += len(items)
    repeats = [draft for item in items for draft in [_marked(item)] * (min(item.repeats, MOST_REPEATS) - 1)]
    for start in range(0, len(repeats), BATCH):
        session.remember_many(repeats[start : start + BATCH])


def _marked(item: Item) -> Draft:
    return replace(item.draft, metadata={ORIGIN: item.origin, **item.draft.metadata})
