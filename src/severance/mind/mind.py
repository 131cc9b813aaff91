"""The mind: what a persona's space becomes while awake. It is fed the log's events in order, and answers.

In memory only. It fetches nothing, opens nothing, writes nothing, and does not know the time.
"""

# ruff: noqa: A002 - `id` and `filter` are the words of this surface

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from severance.mind import layer, ranking, stack, views
from severance.mind.columns import Scratch
from severance.mind.echoes import Heard
from severance.mind.lexical import Lexical
from severance.mind.memories import GONE, REVECTORED, Memories, Repeatable
from severance.mind.sources import Sources
from severance.mind.threads import Threads
from severance.mind.vectors import Vectors
from severance.model import ID_BYTES, Filter, Mark, Memory, Recollection, id_bytes
from severance.records import EmbedderChosen, Forgotten, Remembered, Repeated, Revectored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from severance.records import Event

_EVERYTHING = Filter()
_RUN = 1_024


class Mind:
    """The plaintext of one space, indexed. Not safe for use from several threads at once: a session serialises."""

    def __init__(self) -> None:
        self._memories = Memories()
        self._lexical = Lexical()
        self._vectors = Vectors()
        self._threads = Threads()
        self._sources = Sources()
        self._embedder: EmbedderChosen | None = None
        self._chosen = 0
        self._waiting: stack.WaitingVectors = {}
        self._gone = 0
        self._echoes = False
        self._corpus: ranking.Corpus | None = None
        self._scratch = Scratch()

    # What happened

    def apply(self, seq: int, event: Event) -> None:
        """Take in the record with this sequence number.

        Raises:
            ValueError: the event contradicts what came before it.
        """
        self.apply_all(seq, [event])

    def apply_all(self, first_seq: int, events: Sequence[Event]) -> None:
        """Take in records with consecutive sequence numbers.

        Raises:
            ValueError: as `apply`; the mind is of no more use then.
        """
        self._corpus = None
        run: list[Remembered] = []
        for seq, event in enumerate(events, first_seq):
            if isinstance(event, Remembered) and len(run) < _RUN:
                run.append(event)
                continue
            self._remember(seq - len(run), run)
            run = [event] if isinstance(event, Remembered) else []
            if not run:
                self._take_in(seq, event)
        self._remember(first_seq + len(events) - len(run), run)

    def _take_in(self, seq: int, event: Event) -> None:
        match event:
            case Repeated():
                self._memories.repeat(seq, event.id)
            case Forgotten():
                self._memories.note_erased(seq, event.seqs)
                self._forget(event.ids)
            case EmbedderChosen():
                self._choose(seq, event)
            case Revectored():
                self._revector(seq, event)

    def _remember(self, first_seq: int, events: Sequence[Remembered]) -> None:
        if not events:
            return
        self._vectors.extend([event.vector for event in events], [event.scale for event in events])
        first = self._memories.extend(first_seq, events)
        self._lexical.add([event.text for event in events])
        self._threads.extend(self._memories, first)
        self._echoes = self._echoes or any(event.echo_of is not None for event in events)

    def _forget(self, ids: Iterable[bytes]) -> None:
        rows = [row for raw in ids if (row := self._memories.row(raw)) >= 0]
        for row in rows:
            raw = self._memories.id(row)
            for waiting in self._waiting.values():
                waiting.pop(raw, None)
            sources = self._memories.sources
            number = int(sources.rows.view[row])
            if number >= 0 and sources.uses[number] == 1:
                self._sources.drop(number, sources.values[number])
            self._memories.forget(row)
            self._vectors.blank(row)
        if rows:
            self._gone += len(rows)
            self._lexical.forget_words()
            self._threads.unsettle()

    def _revector(self, seq: int, event: Revectored) -> None:
        row = self._memories.row(event.id)
        if row >= 0:
            self._memories.tell(seq, row, REVECTORED)
            self._waiting.setdefault(event.identity, {})[event.id] = (event.vector, event.scale, seq)

    def _choose(self, seq: int, event: EmbedderChosen) -> None:
        if not 0 < event.dimensions <= layer.MOST_DIMENSIONS:
            raise ValueError("an embedder has a number of dimensions that none has")
        waiting = self._waiting.pop(event.identity, {})
        same = self._embedder is not None and self._embedder.identity == event.identity
        if self._vectors.dimensions != event.dimensions or not same:
            rows = [waiting.get(self._memories.id(row), (b"", 0.0, 0))[:2] for row in range(len(self._memories))]
            self._vectors = Vectors(event.dimensions)
            self._vectors.extend([vector for vector, _ in rows], [scale for _, scale in rows])
        else:
            for raw, (vector, scale, _) in waiting.items():
                if (row := self._memories.row(raw)) >= 0:
                    self._vectors.put(row, vector, scale)
        self._waiting.clear()
        self._embedder, self._chosen = event, seq

    # What is known

    @property
    def embedder(self) -> EmbedderChosen | None:
        """The embedder in force, or None before the first was chosen."""
        return self._embedder

    def __len__(self) -> int:
        """How many memories there are: current versions that were not forgotten."""
        return int(views.current(self._memories).sum())

    def get(self, id: str) -> Memory | None:
        """The memory with this id, in that version, superseded or not; None when there is none."""
        row = self._row(id)
        return self._memories.memory(row) if row >= 0 else None

    def history(self, id: str) -> list[Memory]:
        """Every version of the memory that this id is a version of, oldest first; empty when there is none."""
        return [self._memories.memory(row) for row in self._versions(id)]

    def chain(self, id: str) -> list[bytes]:
        """The raw ids of every version, oldest first."""
        return [self._memories.id(row) for row in self._versions(id)]

    def memories(self, filter: Filter = _EVERYTHING) -> Iterator[Memory]:
        """Every memory that the filter lets through, in order of `at`, then of the log.

        Which ones is settled now; what is forgotten while they are read is left out.
        """
        return self._read(self.ids(filter))

    def ids(self, filter: Filter = _EVERYTHING, behind: Mark | None = None) -> bytes:
        """The raw ids of those memories, or of those behind a mark, in that order, one after another."""
        rows = np.flatnonzero(views.filtered(self._memories, filter))
        if behind is not None:
            rows = rows[views.behind(self._memories, rows, behind, filter.thread)]
        rows = rows[np.argsort(self._memories.at.view[rows], kind="stable")]
        return self._memories.ids.view[rows].tobytes()

    def _read(self, ids: bytes) -> Iterator[Memory]:
        for start in range(0, len(ids), ID_BYTES):
            row = self._memories.row(ids[start : start + ID_BYTES])
            if row >= 0:
                yield self._memories.memory(row)

    def find_repeat(self, draft: Repeatable) -> Memory | None:
        """The current memory with exactly this text, thread, source, kind and metadata, or None."""
        row = self._memories.find_repeat(draft)
        return self._memories.memory(row) if row >= 0 else None

    def seqs(self, ids: Iterable[str | bytes]) -> list[int]:
        """The log's records that tell of these memories (ids written or raw), ascending: those to erase with them."""
        raws = (id_bytes(i) if isinstance(i, str) else i for i in ids)
        rows = {self._memories.row(raw) for raw in raws if raw is not None} - {-1}
        return self._memories.seqs_of(rows)

    def unembedded(self, identity: str) -> list[tuple[bytes, str]]:
        """The raw id and text of every version that has no vector by this embedder yet, in log order.

        None when it is the embedder in force.
        """
        if self._embedder is not None and self._embedder.identity == identity:
            return []
        waiting = self._waiting.get(identity, {})
        found = ((row, self._memories.id(row)) for row in self._standing().tolist())
        return [(raw, self._memories.text(row)) for row, raw in found if raw not in waiting]

    def stats(self) -> dict[str, int]:
        """Counts: memories, versions, threads, repeats, echoes, words, bytes (of text)."""
        memories, rows = self._memories, self._standing()
        current = views.current(memories)
        threads = memories.threads.rows.view[current]
        return {
            "memories": int(current.sum()),
            "versions": len(rows),
            "threads": len(np.unique(threads[threads >= 0])),
            "repeats": int((memories.repeats.view[rows] - 1).sum()),
            "echoes": int((memories.origin.view[current] >= 0).sum()),
            "words": self._lexical.count_terms((memories.flags.view & GONE) == 0),
            "bytes": memories.bytes_of(rows),
        }

    # What comes to mind

    def recall(
        self,
        text: str,
        vector: NDArray[np.float32] | None,
        *,
        limit: int,
        filter: Filter = _EVERYTHING,
        now: int,
        weights: ranking.Weights = ranking.WEIGHTS,
    ) -> list[Recollection]:
        """The memories that answer `text` best, best first, at most `limit`.

        Args:
            text: the question. It has no syntax.
            vector: its embedding, unit length, by the embedder in force; None to go by words alone.
            limit: how many at most.
            filter: what is let through.
            now: microseconds, for "last week" and the like.
            weights: how much each kind of evidence counts; others than the standing ones are for measuring.

        Raises:
            ValueError: the vector has another number of components than the embedder in force.
        """
        corpus = self._whole_corpus() if filter == _EVERYTHING else self._corpus_of(filter)
        hits = ranking.rank(corpus, text, vector, limit=limit, now=now, weights=weights)
        found = self._memories.memories([hit.row for hit in hits])
        return [Recollection(memory, hit.score, hit.reasons) for memory, hit in zip(found, hits, strict=True)]

    def to_embed(self, text: str) -> str:
        """What of a query its vector should be made of: all of it but the names of sources.

        A source is matched by itself, and its name in a text is mostly that of somebody spoken to: a query about Ann
        would be drawn to all that others said to her. (On LoCoMo the vectors alone find 0.36 of the evidence with the
        names of speakers in the question, and 0.58 without.)
        """
        return self._sources.without_names(text, self._memories.sources)

    def echo_of(self, text: str, heard: Heard) -> str | None:
        """The id, among what was just heard, of the memory that this text merely says again; None when it is news."""
        return heard.original(text, self._lexical.term, self._text)

    def _text(self, id: str) -> str | None:
        row = self._row(id)
        return self._memories.text(row) if row >= 0 else None

    # Asleep and awake again

    def layers(self, spans: Sequence[tuple[int, int]]) -> Iterator[list[bytes | memoryview]]:
        """The layers of these ranges of records (first, last), as buffers which, joined, `restore` reads.

        Ranges ascend and do not overlap. What was forgotten is first removed for good. Use each before the next
        `apply`.
        """
        self._tidy()
        parts = stack.Parts(
            self._memories, self._lexical, self._vectors, self._embedder, self._chosen, dict(self._waiting)
        )
        return map(layer.encode, stack.cut(parts, spans))

    @classmethod
    def restore(cls, layers: Sequence[layer.Layer]) -> Mind:
        """The mind that these layers were cut from, those of all ranges together.

        Raises:
            ValueError: they do not fit together.
        """
        parts = stack.join(layers)
        mind = cls()
        mind._memories, mind._lexical, mind._vectors = parts.memories, parts.lexical, parts.vectors
        mind._embedder, mind._chosen, mind._waiting = parts.embedder, parts.chosen, parts.waiting
        mind._threads.unsettle()
        mind._echoes = bool((mind._memories.origin.view >= 0).any())
        return mind

    def bears_out(self, layers: Sequence[layer.Layer]) -> bool:
        """Whether what was forgotten when these layers were made is what was forgotten by then in this one's log."""
        told = {(each.until, each.forgotten) for each in layers}
        return told == set(stack.forgotten(self._memories, [until for until, _ in told]))

    @property
    def chosen(self) -> int:
        """The number of the record that chose the embedder in force, 0 before there is one."""
        return self._chosen

    def _tidy(self) -> None:
        if not self._gone:
            return
        kept = self._standing()
        for part in (self._lexical, self._vectors, self._memories):
            part.keep(kept)
        self._sources.renumbered()
        self._threads = Threads()
        self._threads.unsettle()
        self._gone = 0
        self._corpus = None

    # Within

    def _row(self, id: str) -> int:
        raw = id_bytes(id)
        return self._memories.row(raw) if raw is not None else -1

    def _versions(self, id: str) -> list[int]:
        row = self._row(id)
        return self._memories.versions(row) if row >= 0 else []

    def _standing(self) -> NDArray[np.intp]:
        return np.flatnonzero((self._memories.flags.view & GONE) == 0)

    def _whole_corpus(self) -> ranking.Corpus:
        if self._corpus is None:
            self._corpus = self._corpus_of(_EVERYTHING)
        return self._corpus

    def _corpus_of(self, filter: Filter) -> ranking.Corpus:
        """What a recall through this filter ranks."""
        memories = self._memories
        self._lexical.flush()
        seen = views.filtered(memories, filter)
        threads = self._threads
        if not threads.settled(memories):
            threads.settle(memories, seen if filter == _EVERYTHING else views.current(memories))
        if filter.as_of is not None:
            # Then, others stood next to one another.
            threads = Threads()
            threads.unsettle()
            threads.settle(memories, seen)
        if self._echoes:
            seen = views.without_echoes(memories, seen)
        count = int(np.count_nonzero(seen))
        lengths = self._lexical.lengths.view
        return ranking.Corpus(
            memories=memories,
            lexical=self._lexical,
            vectors=self._vectors,
            threads=threads,
            sources=self._sources,
            seen=None if count == len(seen) else seen,
            count=count,
            thread_count=memories.threads.count(seen),
            mean_length=float((lengths * seen).sum()) / max(count, 1),
            scratch=self._scratch,
        )
