"""What the tests of P5 share: the logs of the sound store, and what answers about a damaged one must name and save."""

from __future__ import annotations

from severance import DamagedError, SeveranceError
from severance.barrier.endurance.alterations import Rows
from severance.barrier.endurance.damage import WAKES, Answers, Bench, open_store
from severance.records import Remembered, Repeated
from severance.space import Space

PLACES = tuple(WAKES)
OTHER = dict(zip(PLACES, reversed(PLACES), strict=True))


class Log(Rows):
    """One persona's log as it is in the sound store.

    Attributes:
        about: the id of each current memory to the numbers of all records that it is made of.
    """

    def __init__(self, bench: Bench, place: str) -> None:
        super().__init__(bench, place)
        with open_store(bench.store) as house, house.cross("mark", place) as session:
            space = session._space
            assert isinstance(space, Space)
            events = space.again().read_on()
            current = {memory.id for memory in session.memories()}
        seqs: dict[bytes, set[int]] = {}
        for seq, event in events:
            if isinstance(event, Remembered):
                seqs[event.id] = {seq} | seqs.get(event.supersedes or b"", set())
            elif isinstance(event, Repeated):
                seqs[event.id].add(seq)
        self.about = {raw.hex(): found for raw, found in seqs.items() if raw.hex() in current}

    def intact(self, lost: set[int]) -> set[str]:
        """The ids of the memories that need none of the lost records."""
        return {memory for memory, seqs in self.about.items() if not seqs & lost}


def refusal(answers: Answers, question: str) -> DamagedError:
    """The error in an answer, which names what it must."""
    error = answers[question]
    assert isinstance(error, DamagedError), error
    return error


def raised(answers: Answers) -> dict[str, SeveranceError]:
    return {question: answer for question, answer in answers.items() if isinstance(answer, SeveranceError)}


def assert_named(answers: Answers, place: str, log: Log, first: int, last: int) -> None:
    """Crossing names the space and a record in the range, unless a snapshot stood in for it; `check` always does."""
    named = range(first, last + 1)
    findings = answers["check"]
    assert any(found.space == log.space.hex() and found.record in named for found in findings), findings
    if first > log.pictured:
        error = refusal(answers, f"cross {place}")
        assert (error.space, error.record in named) == (log.space.hex(), True), error
        assert log.space.hex() in str(error)
        assert str(error.record) in str(error)


def assert_saved(answers: Answers, logs: dict[str, Log], place: str, lost: set[int]) -> None:
    """`salvage` returns everything that needs none of the lost records."""
    saved = {memory.id for memory in answers["salvage"]}
    assert saved >= logs[place].intact(lost) | logs[OTHER[place]].intact(set())
