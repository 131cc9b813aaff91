"""What is known of every version of every memory, in columns; one row for each, in the order of the log."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from severance.mind.columns import Column, Runs, Values
from severance.mind.ids import Ids, table
from severance.model import ID_BYTES, NO_METADATA, Memory, id_text, moment
from severance.records import Name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from severance.model import Metadata, Scalar
    from severance.records import Remembered

PINNED = 1
GONE = 2

REPEATED = 1
REVECTORED = 2

_ENCODE = msgspec.msgpack.Encoder()
_DECODE: msgspec.msgpack.Decoder[dict[str, Scalar]] = msgspec.msgpack.Decoder(
    dict[Name, str | int | float | bool | None]
)


class Repeatable(Protocol):
    """The parts of a draft or a memory that say whether one is exactly the other."""

    @property
    def text(self) -> str: ...
    @property
    def thread(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def metadata(self) -> Metadata: ...


class Memories:
    """The rows, and the links between them: versions of one memory, echoes and their originals."""

    def __init__(self) -> None:
        self.ids = Column(np.uint8, (15,))
        self.seqs = Column(np.int64)
        self.at = Column(np.int64)
        self.recorded = Column(np.int64)
        self.flags = Column(np.uint8)
        self.repeats = Column(np.int32)
        self.older = Column(np.int32)
        self.newer = Column(np.int32)
        self.origin = Column(np.int32)
        self.signatures = Column(np.uint64)
        self.texts = Runs()
        self.threads, self.sources, self.kinds, self.metadata = Values(), Values(), Values(), Values()
        self.told_rows, self.told_seqs, self.told_kinds = Column(np.int32), Column(np.int64), Column(np.uint8)
        self.erased, self.erased_by = Column(np.int64), Column(np.int64)
        self._settled: Ids | None = Ids(self.ids.view)  # rows that were there when it was made
        self._added: dict[bytes, int] = {}  # rows after those
        self._signed: dict[int, int] | None = {}

    def __len__(self) -> int:
        return len(self.seqs)

    def row(self, raw: bytes) -> int:
        """The row of an id, or -1."""
        row = self._added.get(raw, -1)
        return row if row >= 0 else self.lookup().row(raw, self.ids.view)

    def lookup(self) -> Ids:
        """What finds the rows that were there when it was made, and are not gone.

        Raises:
            ValueError: an id is there twice.
        """
        if self._settled is None:
            gone = (self.flags.view & GONE) != 0
            self._settled = Ids(self.ids.view, np.flatnonzero(~gone) if gone.any() else None)
        return self._settled

    def id(self, row: int) -> bytes:
        """The raw id of a row."""
        return bytes(self.ids.view[row])

    def extend(self, first_seq: int, events: Sequence[Remembered]) -> int:
        """Add versions of memories, with consecutive sequence numbers; returns the first one's row.

        Raises:
            ValueError: an id is not 15 bytes or already here, or a version is superseded twice.
        """
        first = len(self)
        older, origin = self._links(first, events)
        self.ids.extend(np.frombuffer(b"".join([event.id for event in events]), np.uint8).reshape(-1, 15))
        self.seqs.extend(np.arange(first_seq, first_seq + len(events)))
        self.at.extend([event.at for event in events])
        self.recorded.extend([event.recorded for event in events])
        self.flags.extend([PINNED if event.pinned else 0 for event in events])
        self.repeats.extend(np.ones(len(events), np.int32))
        self.older.extend(older)
        self.newer.extend(np.full(len(events), -1))
        self.origin.extend(origin)
        texts = [event.text.encode() for event in events]
        self.texts.extend(texts)
        self.threads.extend([_bytes(event.thread) for event in events])
        self.sources.extend([_bytes(event.source) for event in events])
        self.kinds.extend([event.kind.encode() for event in events])
        packed = [metadata_bytes(event.metadata) if event.metadata else None for event in events]
        self.metadata.extend(packed)
        signatures = [_signature(text, e, meta) for text, e, meta in zip(texts, events, packed, strict=True)]
        self.signatures.extend(np.array(signatures, np.uint64))
        self._note(first, older, signatures)
        return first

    def _links(self, first: int, events: Sequence[Remembered]) -> tuple[list[int], list[int]]:
        """The rows that each event supersedes and echoes, -1 for none; ids are known from here on."""
        known = self.row
        if not all(len(event.id) == ID_BYTES for event in events) or self._any_known([event.id for event in events]):
            raise ValueError("a record remembers an id that is malformed or already taken")
        older, origin = [], []
        superseded: set[int] = set()
        for row, event in enumerate(events, first):
            before = known(event.supersedes) if event.supersedes is not None else -1
            origin.append(known(event.echo_of) if event.echo_of is not None else -1)
            older.append(before)
            if self._added.setdefault(event.id, row) != row:
                raise ValueError("a record remembers an id that is malformed or already taken")
            if before >= 0:
                if before in superseded or (before < first and self.newer.view[before] >= 0):
                    raise ValueError("a record supersedes a version that is already superseded")
                superseded.add(before)
        return older, origin

    def _any_known(self, ids: list[bytes]) -> bool:
        return bool((self.lookup().rows(table(ids), self.ids.view) >= 0).any())

    def _note(self, first: int, older: list[int], signatures: list[int]) -> None:
        """Link versions, and make repeats of the new rows known."""
        changed = False
        for row, before in enumerate(older, first):
            if before >= 0:
                self.newer.put(before, row)
                changed = True
        if changed:
            self._signed = None
        elif self._signed is not None:
            for row, signature in enumerate(signatures, first):
                self._signed.setdefault(signature, row)

    def repeat(self, seq: int, raw: bytes) -> None:
        """A memory was remembered once more; unknown ids are of memories forgotten since, and pass."""
        row = self.row(raw)
        if row < 0:
            return
        self.repeats.put(row, int(self.repeats.view[row]) + 1)
        self.tell(seq, row, REPEATED)

    def tell(self, seq: int, row: int, kind: int) -> None:
        """This record, too, holds something of that row: that it was repeated, or another vector."""
        self.told_rows.append(row)
        self.told_seqs.append(seq)
        self.told_kinds.append(kind)

    def note_erased(self, seq: int, seqs: Sequence[int]) -> None:
        """This record says that those are gone from the log."""
        self.erased.extend(seqs)
        self.erased_by.extend([seq] * len(seqs))

    def forget(self, row: int) -> None:
        """Nothing of this row can be had any more; its bytes are overwritten now, its row goes when rows are next kept.

        The versions before and after it stand as if it had never been, which is also what a replay of the log without
        the erased record makes.
        """
        older, newer = int(self.older.view[row]), int(self.newer.view[row])
        if older >= 0:
            self.newer.put(older, -1)
        if newer >= 0:
            self.older.put(newer, -1)
        for echo in np.flatnonzero(self.origin.view == row):
            self.origin.put(int(echo), -1)
        raw = self.id(row)
        if self._added.pop(raw, None) is None:
            self.lookup().drop(raw)
        self._signed = None
        self.texts.blank(row)
        for values in (self.threads, self.sources, self.kinds, self.metadata):
            values.drop(row)
        for column in (self.ids, self.seqs, self.at, self.recorded, self.repeats, self.signatures):
            column.put(row, 0)
        for column in (self.older, self.newer, self.origin):
            column.put(row, -1)
        self.flags.put(row, GONE)

    def versions(self, row: int) -> list[int]:
        """The rows of all versions of a memory, oldest first."""
        while self.older.view[row] >= 0:
            row = int(self.older.view[row])
        chain = [row]
        while self.newer.view[row] >= 0:
            row = int(self.newer.view[row])
            chain.append(row)
        return chain

    def find_repeat(self, draft: Repeatable) -> int:
        """The current row that says exactly this, or -1."""
        signature = signature_of(draft)
        if self._signed is None:
            current = np.flatnonzero((self.newer.view < 0) & ((self.flags.view & GONE) == 0))[::-1]
            self._signed = dict(zip(self.signatures.view[current].tolist(), current.tolist(), strict=True))
        row = self._signed.get(signature, -1)
        return row if row >= 0 and self._says(row, draft) else -1

    def _says(self, row: int, draft: Repeatable) -> bool:
        return (
            self.texts[row] == draft.text.encode()
            and self.threads[row] == _bytes(draft.thread)
            and self.sources[row] == _bytes(draft.source)
            and self.kinds[row] == draft.kind.encode()
            and (self.metadata[row] or _NOTHING) == metadata_bytes(draft.metadata)
        )

    def seqs_of(self, rows: Iterable[int]) -> list[int]:
        """The log's records that tell of these rows, in order."""
        wanted = np.array(sorted(rows), np.int64)
        own = self.seqs.view[wanted]
        later = self.told_seqs.view[np.isin(self.told_rows.view, wanted)]
        return sorted({*own.tolist(), *later.tolist()})

    def bytes_of(self, rows: NDArray[np.intp]) -> int:
        """How many bytes of text these rows hold."""
        lengths = np.diff(self.texts.ends.view, prepend=0)
        return int(lengths[rows].sum())

    def text(self, row: int) -> str:
        """The text of a row."""
        return self.texts[row].decode()

    def ask(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether the texts of these rows end in a question mark: `?`, or the Arabic or the wide one."""
        ends, data = self.texts.ends.view.take(rows), self.texts.data.view
        if not len(data):
            return np.zeros(len(rows), bool)
        last = data.take(ends - 1, mode="clip")
        asking: NDArray[np.bool_] = last == ord("?")
        others = (last == 0x9F).nonzero()[0]
        if len(others):
            asking[others] = np.isin(data.take(ends[others] - 2, mode="clip"), (0xD8, 0xBC))
        return asking

    def thread(self, row: int) -> str | None:
        """The thread of a row."""
        return _text(self.threads[row])

    def metadata_of(self, row: int) -> Metadata:
        """The metadata of a row."""
        return unpacked(self.metadata[row] or b"")

    def memory(self, row: int) -> Memory:
        """A row as a noun."""
        return self.memories([row])[0]

    def memories(self, rows: Sequence[int]) -> list[Memory]:
        """Rows as nouns. Each column is read once for all of them."""
        places = np.array(rows, np.intp)
        columns: dict[str, Iterable[Any]] = {
            "id": self._written(places),
            "text": map(bytes.decode, self.texts.of(places)),
            "at": map(moment, self.at.view[places].tolist()),
            "recorded": map(moment, self.recorded.view[places].tolist()),
            "thread": map(_text, self.threads.of(places)),
            "source": map(_text, self.sources.of(places)),
            "kind": (_text(kind) or "" for kind in self.kinds.of(places)),
            "metadata": (unpacked(packed or b"") for packed in self.metadata.of(places)),
            "pinned": ((self.flags.view[places] & PINNED) != 0).tolist(),
            "repeats": self.repeats.view[places].tolist(),
            "echo_of": self._written(self.origin.view[places]),
            "supersedes": self._written(self.older.view[places]),
            "superseded_by": self._written(self.newer.view[places]),
        }
        return [Memory(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]

    def _written(self, rows: NDArray[np.integer[Any]]) -> list[str | None]:
        """The written ids of rows, None for -1."""
        if not len(rows) or rows.max() < 0:
            return [None] * len(rows)
        packed = self.ids.view[rows].tobytes()
        found = (packed[i : i + ID_BYTES] for i in range(0, len(packed), ID_BYTES))
        return [id_text(raw) if row >= 0 else None for row, raw in zip(rows.tolist(), found, strict=True)]

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Leave only these rows, in this order."""
        renumber = np.full(len(self) + 1, -1, np.int32)
        renumber[kept] = np.arange(len(kept), dtype=np.int32)
        for column in (self.ids, self.seqs, self.at, self.recorded, self.flags, self.repeats, self.signatures):
            column.keep(kept)
        for name in ("older", "newer", "origin"):
            setattr(self, name, Column.over(renumber[getattr(self, name).view[kept]]))
        for runs_or_values in (self.texts, self.threads, self.sources, self.kinds, self.metadata):
            runs_or_values.keep(kept)
        rows = renumber[self.told_rows.view]
        self.told_seqs = Column.over(self.told_seqs.view[rows >= 0])
        self.told_kinds = Column.over(self.told_kinds.view[rows >= 0])
        self.told_rows = Column.over(rows[rows >= 0])
        self.forget_lookups()

    def forget_lookups(self) -> None:
        """Called when rows were moved or filled: lookups are made anew when they are first needed."""
        self._settled = self._signed = None
        self._added = {}


def metadata_bytes(metadata: Metadata) -> bytes:
    """Metadata as msgpack, names in order, so that equal metadata are equal bytes."""
    return _ENCODE.encode({name: metadata[name] for name in sorted(metadata)})


def unpacked(packed: bytes) -> Metadata:
    """What `metadata_bytes` packed; nothing for no bytes."""
    return _DECODE.decode(packed) if packed else NO_METADATA


def packed_item(name: str, value: Scalar) -> bytes:
    """How one name and its value stand in packed metadata."""
    return _ENCODE.encode(name) + _ENCODE.encode(value)


_NOTHING = metadata_bytes({})


def signature_of(draft: Repeatable) -> int:
    """64 bits that are equal for drafts that say exactly the same; others are told apart by looking."""
    return _signature(draft.text.encode(), draft, metadata_bytes(draft.metadata) if draft.metadata else None)


def _signature(text: bytes, draft: Repeatable, metadata: bytes | None) -> int:
    rest = f"{draft.kind}\0{draft.thread}\0{draft.source}".encode()
    return zlib.crc32(text) << 32 | zlib.crc32(metadata or b"", zlib.crc32(rest))


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def same(found: Any, wanted: Any) -> bool:
    """Whether a metadata value is the one asked for; true and 1 are different, 1 and 1.0 are not."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)
