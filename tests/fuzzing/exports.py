"""What is exported: it is read back as it was."""

from __future__ import annotations

import io
from dataclasses import replace

from fuzzing.importers import whole
from fuzzing.target import Choices, Target
from severance.drafts import is_blank
from severance.model import Draft, Memory, id_text, moment
from severance.transfer import Skipped, fit, write_jsonl


def run_round_trip(data: bytes) -> None:
    """What was exported comes back as it was, but for what the format says is lost."""
    memory = _memory(Choices(data))
    out = io.BytesIO()
    assert write_jsonl([memory], out) == 1
    (found,) = list(whole(out.getvalue(), "jsonl")) or [None]
    metadata = {name: value for name, value in memory.metadata.items() if name != fit.ORIGIN}
    if found is None:
        fits = fit.attempt("", lambda: fit.item(replace(_draft(memory), metadata=metadata), "x" * 40))
        assert isinstance(fits, Skipped) or fit.ORIGIN in memory.metadata, "an export cannot be read back"
        return
    expected = replace(_draft(memory), metadata=dict(sorted(metadata.items())))
    kept = {name: value for name, value in found.draft.metadata.items() if name != fit.THEIR_ORIGIN}
    assert replace(found.draft, metadata=kept) == expected, "an export says something else when it is read back"
    assert (found.id, found.repeats, found.recorded) == (memory.id, memory.repeats, memory.recorded)
    assert (found.supersedes, found.superseded_by, found.echo_of) == (memory.supersedes, None, memory.echo_of)


def _memory(choices: Choices) -> Memory:
    def text(most: int) -> str:
        raw = choices.take(choices.below(most)).decode("utf-8", "replace").replace("\0", "\ufffd")
        return raw * (1 + choices.below(3))

    def label() -> str | None:
        return None if is_blank(made := text(40).strip()[:80]) else made

    said = text(60).strip()

    values = (None, True, 0, -(2**63), 2**63 - 1, 1.5, -0.0, 1e300, "x", text(30))
    metadata = {text(10): choices.pick(values) for _ in range(choices.below(4))}
    return Memory(
        id=id_text(choices.take(15).ljust(15, b"\0")),
        text="x" if is_blank(said) else said,
        at=moment(choices.number(7) % 253_402_300_800_000_000),
        recorded=moment(choices.number(6) + 2**47),
        thread=label(),
        source=label(),
        kind=label() or "note",
        metadata={name: value for name, value in metadata.items() if name != fit.THEIR_ORIGIN},
        pinned=choices.byte() % 2 == 1,
        repeats=1 + choices.below(100),
        supersedes=choices.pick((None, "a" * 30)),
        echo_of=choices.pick((None, "b" * 30)),
    )


def _draft(memory: Memory) -> Draft:
    return Draft(
        text=memory.text,
        at=memory.at,
        thread=memory.thread,
        source=memory.source,
        kind=memory.kind,
        metadata=memory.metadata,
        pinned=memory.pinned,
    )


TARGETS = (
    Target(
        name="jsonl-round-trip",
        decoder="jsonl",
        run=run_round_trip,
        seeds=lambda: [bytes([5, *b"hello", 1, 3, *b"abc", *range(60)]), bytes(range(200, 255)), b""],
        longest=300,
        weight=2,
        short=300,
    ),
)
