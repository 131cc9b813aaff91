"""Residue after deletion: what was deleted or replaced is found by nobody, and is not left in the files either."""

from __future__ import annotations

from pathlib import Path

from severance.barrier.peers.ground import LIMIT, Ground, Planted, texts
from severance.barrier.peers.leak import Leak
from severance.barrier.peers.wire import Call
from severance.barrier.residue import ENCODINGS, Sweep
from severance.embed import bundled

_MANY = 1_000
_KEPT = 4
_GONE = 4
_ASKED = ("history", "What was it before?", "previous versions", "changes", "deleted memories", "undo")
"""Questions that a memory with a history may answer from it."""


def probe(ground: Ground) -> None:
    """Delete and replace, read as owner and as somebody else, restart, read again; close, and look into the files."""
    ann, ben, nobody = ground.tenants(3)
    hers = ground.plant(ann, _KEPT + 2 * _GONE)
    ground.plant(ben, 2)
    deleted = [one for one in hers[_KEPT : _KEPT + _GONE] if ground.ask("delete", ann, one.id).kind == "ok"]
    replaced = [
        one for one in hers[_KEPT + _GONE :] if ground.ask("update", ann, one.id, ground.sentence(ann)[0]).kind == "ok"
    ]
    for _ in range(2):
        for word, gone in (("deleted", deleted), ("replaced", replaced)):
            for one in gone:
                for reader in (ann, ben, nobody):
                    _read(ground, reader, one, word)
        for reader in (ben, nobody):
            for question in _ASKED:
                ground.reads_own_only(reader, "search", reader, question, _MANY)
        ground.reopen()
    ground.remote.close()
    _sweep(ground, "deleted", deleted)
    _sweep(ground, "replaced", replaced)


def _read(ground: Ground, reader: str, gone: Planted, word: str) -> None:
    for call in (
        Call("search", [reader, gone.text, LIMIT]),
        Call("list", [reader]),
        Call("get", [reader, gone.id]),
    ):
        answer = ground.call(call)
        if answer.kind == "missing":
            continue
        left = [text for text in texts(answer) if gone.mark in text]
        if left:
            ground.broke(
                (call.method, "gave what was gone"),
                f"still found: {ground.shown(call)} gave a memory that {gone.tenant!r} had {word}: {left[0]!r}",
            )
        else:
            ground.tally.held()


def _sweep(ground: Ground, word: str, gone: list[Planted]) -> None:
    """One trial for each sentence: neither all of it nor its own word is in the files, encoded or as a digest."""
    if not gone:
        return
    report = Sweep([one.text for one in gone] + [one.mark for one in gone], bundled()).paths([ground.store])
    for number, one in enumerate(gone):
        # Parts of a sentence are no evidence: other sentences, which are still there, begin in the same words.
        hits = {hit.encoding: hit.path for hit in report.hits if hit.whole and hit.sentence % len(gone) == number}
        if hits:
            encoding = min(hits, key=ENCODINGS.index)
            where = Path(hits[encoding]).relative_to(ground.store)
            ground.broke(
                ("files", "hold what was gone"),
                f"still on disk: {where} holds ({encoding}) a memory that was {word}: {one.text!r}",
            )
        else:
            ground.tally.held()


LEAK = Leak(
    slug="residue",
    title="What was deleted or replaced, found again",
    advice=(
        "Where it is still found, remove a memory from every index, cache and history in the same transaction. Where "
        "it is only still on disk, have the store overwrite what it frees (in SQLite secure_delete and VACUUM), or "
        "encrypt each tenant under a key that can be destroyed."
    ),
    probe=probe,
    toys=("KeepsInIndex", "KeepsById", "KeepsOnDisk", "HistoryForAll"),
    not_covered=("Backups, servers and memory outside the folder of the adapter.",),
)
