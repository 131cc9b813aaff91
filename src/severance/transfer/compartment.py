"""`compartment`: what `compartment export --plaintext` wrote: one JSON object a line, with `namespace`, `text`,
`created`, `provenance` and more. The vault itself is sealed, and only that program opens it.

Left out is what that program would not have recalled either: what was superseded, what it put into quarantine, and the
reference facts of installed packs, which nobody said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from severance.model import Draft
from severance.transfer import fit
from severance.transfer.fit import Unfit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped
from severance.transfer.lines import objects

SIGNS = frozenset({"namespace", "provenance", "text"})
_KEPT = ("namespace", "tags", "importance", "expires", "affirmed", "provenance")


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each line; lines are streamed. See `Reader`."""
    for where, entry in objects(path, progress):
        yield entry if isinstance(entry, Skipped) else fit.attempt(where, lambda entry=entry: _item(entry))  # type: ignore[misc]


def _item(entry: object) -> Item:
    if not isinstance(entry, dict):
        raise Unfit("it is not a memory")
    if entry.get("superseded_by"):
        raise Unfit("it is an earlier version of another memory")
    if entry.get("quarantined"):
        raise Unfit("it was in quarantine")
    if entry.get("pack"):
        raise Unfit("it belongs to a pack that was installed")
    text = fit.text(entry.get("text"))
    kept = {name: entry[name] for name in _KEPT if entry.get(name) not in (None, "", [], {})}
    draft = Draft(
        text=text,
        at=fit.when(entry.get("discovered")) or fit.when(entry.get("created")),
        thread=fit.label(entry.get("namespace")),
        source=fit.label(entry.get("source")),
        kind=fit.label(entry.get("kind")) or "fact",
        metadata=fit.metadata(kept),
    )
    name = entry.get("id")
    return fit.item(draft, fit.origin("compartment", name if isinstance(name, str) else "", fit.digest(text, 16)))


FORMAT = Format("compartment", "what `compartment export --plaintext` wrote", read)
