"""Making events and minds by hand, and strategies that make them by the hundred."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from kit import record
from severance.embed import Hashing, quantize
from severance.mind import Mind
from severance.mind.layer import decode
from severance.model import Filter, Recollection, id_text
from severance.records import EmbedderChosen, Event, Forgotten, Remembered, Repeated, Revectored

DAY = 86_400_000_000
EMBEDDER = Hashing(16)
CHOSEN = EmbedderChosen(EMBEDDER.identity, EMBEDDER.dimensions)
WORDS = [
    *("anna", "bob", "deploy", "friday", "coffee", "percent", "file", "bridge", "the", "of", "not", "running"),
    *("café", "3.5", "1,000", "日本語", "ไทย"),
]


def raw(number: int) -> bytes:
    """The id that stands for this number."""
    return number.to_bytes(15, "big")


def name(number: int) -> str:
    """The same, written."""
    return id_text(raw(number))


def remembered(number: int, text: str, **changes: Any) -> Remembered:
    """A memory with this number, recorded on the day of that number."""
    vectors, scales = quantize(EMBEDDER.embed([text]))
    placed = {"id": raw(number), "text": text, "at": number * DAY, "recorded": number * DAY}
    vector = {"vector": vectors[0].tobytes(), "scale": float(scales[0])}
    return record(**{**placed, **vector, **changes})


def mind_of(*events: Event) -> Mind:
    """A mind that was told of the embedder and then of these."""
    mind = Mind()
    mind.apply_all(1, [CHOSEN, *events])
    return mind


def recall(mind: Mind, text: str, *, limit: int = 10, words_only: bool = False, **wanted: Any) -> list[Recollection]:
    """What comes to mind."""
    vector = None if words_only else EMBEDDER.embed([mind.to_embed(text)])[0]
    return mind.recall(text, vector, limit=limit, filter=Filter(**wanted), now=400 * DAY)


def numbers(found: list[Recollection]) -> list[int]:
    """Which memories were recalled, in order."""
    return [int(hit.memory.id, 16) for hit in found]


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
names = st.none() | st.sampled_from(["anna", "bob", "monday"])
fields = st.fixed_dictionaries(
    {
        "text": texts,
        "thread": names,
        "source": names,
        "at": st.integers(0, 5).map(lambda day: day * DAY),
        "pinned": st.booleans(),
        "metadata": st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, 1.0, True, "1", None]), max_size=2),
    }
)


@st.composite
def histories(draw: st.DrawFn, most: int = 12) -> list[Event]:
    """A log: memories, new versions, echoes, repeats, and things forgotten."""
    events: list[Event] = [CHOSEN]
    heads: list[int] = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        other = raw(draw(st.sampled_from(heads))) if heads else None
        match draw(st.sampled_from(["new", "new", "new", "version", "echo", "repeat", "forget", "vector"])):
            case "version" if other:
                heads.remove(int.from_bytes(other, "big"))
                events.append(_event(draw(fields), number, supersedes=other))
                heads.append(number)
            case "echo" if other:
                events.append(_event(draw(fields), number, echo_of=other))
                heads.append(number)
            case "repeat" if other:
                events.append(Repeated(other, 0, number))
            case "forget" if other:
                heads.remove(int.from_bytes(other, "big"))
                events.append(Forgotten([other], [], number))
            case "vector" if other:
                events.append(Revectored("another", other, bytes(range(8)), 0.5))
            case _:
                events.append(_event(draw(fields), number))
                heads.append(number)
    if draw(st.booleans()):
        events.append(EmbedderChosen("another", 8))
    return events


def _event(chosen: dict[str, Any], number: int, **links: Any) -> Remembered:
    chosen = dict(chosen)
    return remembered(number, chosen.pop("text"), **chosen, **links)


def everything(mind: Mind, queries: list[str]) -> list[Any]:
    """All that can be seen of a mind."""
    filters = [{}, {"as_of": 3 * DAY}, {"thread": "anna"}, {"since": DAY, "until": 3 * DAY}, {"where": {"a": 1}}]
    told: list[Any] = [len(mind), mind.stats(), mind.embedder]
    for wanted in filters:
        told.append(list(mind.memories(Filter(**wanted))))
        told += [recall(mind, query, words_only=True, **wanted) for query in queries]
    known = [memory.id for memory in mind.memories(Filter())]
    told += [(mind.history(written), mind.chain(written), mind.seqs([written])) for written in known]
    told += [mind.find_repeat(memory) for memory in mind.memories(Filter())]
    if mind.embedder == CHOSEN:
        told += [recall(mind, query) for query in queries]
    return told


def pictured(mind: Mind, *ends: int, last: int = 1_000) -> list[bytes]:
    """The layers of a mind, cut after these records."""
    spans = [(before + 1, end) for before, end in pairwise([0, *ends, last])]
    return [b"".join(buffers) for buffers in mind.layers(spans)]


def woken(mind: Mind, *ends: int) -> Mind:
    return Mind.restore([decode(data) for data in pictured(mind, *ends)])
