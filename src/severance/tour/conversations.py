"""The tour with somebody else's data: LoCoMo's conversations, each speaker a persona.

The two who talk become two personas of one subject. Then each is asked what the own words answer, and what only the
other's words answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from severance import transfer
from severance.house import House
from severance.session import Session
from severance.tour import rooms
from severance.tour.stage import Stage
from severance.transfer.questions import Conversation, Question, conversations

LIMIT = 10


@dataclass(frozen=True, slots=True)
class Score:
    """How one persona did.

    Attributes:
        memories: how many turns it remembers.
        own, foreign: how many questions were asked of each sort.
        recall: evidence found among the first ten / evidence, mean over the own questions.
        leaks: foreign questions for which any memory came back that is not the speaker's own.
    """

    sample: str
    speaker: str
    memories: int
    own: int
    recall: float
    foreign: int
    leaks: int


def show_conversations(data: Path, folder: Path, stage: Stage) -> int:
    """Remember every conversation and ask all of its questions; returns the exit code.

    Raises:
        InputError: the data cannot be used.
    """
    begun = perf_counter()
    found = conversations(data)
    with rooms.opened(folder / "store") as house, _progress(found) as step:
        scores = list(_scores(house, data, found, step))
    stage.heading(
        "Two speakers, two personas",
        "Why it matters: nobody wrote these conversations to make a wall look good, or to make finding things easy.",
    )
    columns = ("conversation", "persona", "memories", "own questions", f"R@{LIMIT}", "the other's", "leaks")
    stage.table(columns, [_row(score) for score in scores], numbers=(2, 3, 4, 5, 6))
    asked = sum(score.own for score in scores)
    mean = sum(score.recall * score.own for score in scores) / asked if asked else 0.0
    stage.say(
        f"Own questions (categories 1-4) are answered by the speaker's words alone; R@{LIMIT} is how much of their "
        f"evidence is among the first {LIMIT} memories, in the mean {mean:.3f} over {asked}. The other's are answered "
        "by the other speaker's words alone, trick questions (category 5) that name this speaker included."
    )
    stage.put()
    leaks = sum(score.leaks for score in scores)
    foreign = sum(score.foreign for score in scores)
    stage.verdict(not leaks, f"Of {foreign} questions about the other's words, {leaks or 'none'} found any of them.")
    stage.say(f"In {perf_counter() - begun:.1f} s. The store and its key are gone.", "dim")
    return 1 if leaks else 0


@contextmanager
def _progress(found: list[Conversation]) -> Iterator[Progress]:
    """A bar on standard error, so that standard output holds the result and nothing else."""
    total = sum(len(one.own(speaker)) + len(one.foreign(speaker)) for one in found for speaker in one.speakers)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), console=console
    )
    bar.disable = not console.is_terminal
    bar.add_task("asking", total=total)
    with bar:
        yield bar


def _scores(house: House, data: Path, found: list[Conversation], bar: Progress) -> Iterator[Score]:
    for conversation in found:
        sample = conversation.sample
        house.sever(sample, conversation.speakers)
        for speaker in conversation.speakers:
            house.place(f"{sample} {speaker}", {sample: speaker})
            _ingest(house, data, sample, speaker)
    for conversation in found:
        for speaker in conversation.speakers:
            with house.cross(conversation.sample, f"{conversation.sample} {speaker}") as session:
                yield _score(session, conversation, speaker, bar)


def _ingest(house: House, data: Path, sample: str, speaker: str) -> None:
    reading = transfer.read(data, "locomo", {"sample": sample, "speaker": speaker})
    with reading, house.cross(sample, f"{sample} {speaker}") as session:
        session.remember_many(found.draft for found in reading if isinstance(found, transfer.Item))


def _score(session: Session, conversation: Conversation, speaker: str, bar: Progress) -> Score:
    own, foreign = conversation.own(speaker), conversation.foreign(speaker)
    recalls, leaks = [], 0
    for question in own:
        turns = {turn for turn, _, _ in _recalled(session, question)}
        recalls.append(len(question.gold & turns) / len(question.gold))
        bar.advance(bar.task_ids[0])
    for question in foreign:
        # Anything that is not the speaker's own is a leak, and not only the evidence.
        mine = {(speaker, conversation.sample)}
        leaks += any({(source, sample)} != mine for _, source, sample in _recalled(session, question))
        bar.advance(bar.task_ids[0])
    mean = sum(recalls) / len(recalls) if recalls else 0.0
    memories = session.stats()["memories"]
    return Score(conversation.sample, speaker, memories, len(own), mean, len(foreign), leaks)


def _recalled(session: Session, question: Question) -> list[tuple[object, object, object]]:
    """Of what comes back first: the turn's id, who said it, and in which conversation."""
    found = [hit.memory for hit in session.recall(question.text, limit=LIMIT)]
    return [(memory.metadata.get("dia_id"), memory.source, memory.metadata.get("sample_id")) for memory in found]


def _row(score: Score) -> tuple[str, ...]:
    recall = f"{score.recall:.3f}" if score.own else "-"
    numbers = (str(score.memories), str(score.own), recall, str(score.foreign), str(score.leaks or "none"))
    return (score.sample, score.speaker, *numbers)
