"""The four acts of the story. Each shows one thing and returns whether it is as promised."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from severance.barrier.residue import ENCODINGS, Report, Sweep, write_control
from severance.embed import bundled
from severance.house import House
from severance.session import Session
from severance.tour.stage import Stage
from severance.tour.story import ABOUT_THE_WORD, LIVES, SAME_QUESTION, THE_WORD, WAY_OUT

_SHOWN = 2
_FIRST, _AMONG = 1, 5
_DEEP = 100
_ENOUGH = 0.9


def one_question(house: House, stage: Stage) -> bool:
    """The same question, asked in two personas of one subject."""
    stage.heading(
        "1  One question, two lives",
        "Why it matters: an assistant that serves you at work and at home should answer in each from that life alone.",
    )
    apart = True
    for asked in SAME_QUESTION:
        rows = []
        answers: list[set[str]] = []
        for place in asked.places:
            with house.cross(asked.subject, place) as session:
                hits = session.recall(asked.question, limit=_DEEP)
                name = f"{session.persona}, at {place}"
            answers.append({hit.memory.text for hit in hits})
            for rank, hit in enumerate(hits[:_SHOWN]):
                rows.append((name if rank == 0 else "", f"{hit.score:.2f}", _because(hit.memory.text, hit.reasons)))
        stage.say(f'{asked.subject} is asked: "{asked.question}"', "bold")
        stage.table(("who answers", "score", "what is recalled, and why"), rows, numbers=(1,))
        apart = apart and all(answers) and not answers[0] & answers[1]
    asked = SAME_QUESTION[0]
    with house.cross(asked.subject, asked.places[1]) as session:
        stage.panel("the same as a block for a prompt: context(...)", session.context(asked.question, tokens=90))
    return stage.verdict(apart, "Both were asked the same, and no memory was in both answers.")


def the_way_out(house: House, stage: Stage) -> bool:
    """Who is awake is a function of subject and place; checked on two people on their way out."""
    stage.heading(
        "2  The way out",
        "Why it matters: who is awake follows from where you are, never from an argument that a model could write.",
    )
    stage.say("Mark has come for Nora. In the first room, both are told a word. Then they run.")
    begin, first = WAY_OUT[0]
    for subject in first:
        with house.cross(subject, begin) as session:
            session.remember(THE_WORD)
    rows, good = [], True
    for place, wakes in WAY_OUT:
        for subject, expected in wakes.items():
            with house.cross(subject, place) as session:
                awake, knows = session.persona, _knows(session)
            # Who was told in the first room knows it, and no other self of the same person does.
            should = expected == first[subject]
            right = awake == expected and knows == should
            good = good and right
            rows.append(
                (place, subject, expected, awake, "known" if knows else "-", "as expected" if right else "WRONG")
            )
    stage.table(("place", "subject", "expected", "awake", "the word", "verdict"), rows)
    return stage.verdict(good, "Four places, two people, five selves: each woke where it should.")


def recall_by_persona(house: House, stage: Stage) -> bool:
    """Known answers, asked for in the own persona and in all others."""
    stage.heading(
        "3  Everyone is asked everything",
        "Why it matters: a wall is only worth having if what is on your side of it can still be found.",
    )
    rows, leaks, found = [], 0, 0
    for life in LIVES:
        with house.cross(life.subject, life.place) as session:
            ranks = [_rank(session, question, life.memories[answer]) for question, answer in life.questions]
            others = [(q, other.memories[a]) for other in LIVES if other is not life for q, a in other.questions]
            leaked = sum(_rank(session, question, answer) is not None for question, answer in others)
        leaks += leaked
        first, among = (sum(rank is not None and rank <= most for rank in ranks) for most in (_FIRST, _AMONG))
        asked, found = len(ranks), found + among
        counts = (f"{first} of {asked}", f"{among} of {asked}", f"{leaked} of {len(others)}")
        rows.append((life.subject, life.persona, str(len(life.memories)), *counts))
    columns = ("subject", "persona", "memories", "own: first", f"own: in {_AMONG}", "answers of others")
    stage.table(columns, rows, numbers=(2, 3, 4, 5))
    # A store that finds nothing gives nothing away either.
    if found < _ENOUGH * sum(len(life.questions) for life in LIVES):
        return stage.verdict(False, "Too few of the own answers were found for the rest to mean anything.")
    return stage.verdict(leaks == 0, f"Answers that another persona gave away: {leaks or 'none'}.")


def nothing_in_the_clear(sweep: Sweep, swept: Report, control: Path, stage: Stage) -> bool:
    """What was swept of the store beside the sweep of a control in which nothing is sealed."""
    stage.heading(
        "4  Whoever finds the disk",
        "Why it matters: disks are lost, copied and backed up; a filter in front of plain text does not go with them.",
    )
    sentences = planted()
    write_control(control, sentences, bundled())
    begun = perf_counter()
    plain = sweep.paths([control])
    seconds = perf_counter() - begun
    here, there = swept.found(), plain.found(whole=True)
    rows = [(name, f"{len(here[name])}", f"{len(there[name])} of {len(sentences)}") for name in ENCODINGS]
    every = f"all {len(sentences)} sentences of this story, in eight encodings, and for digests of them"
    stage.say(f"Every byte on disk is searched for {every}.")
    stage.table(("written as", "found in Severance", "found in an unsealed store"), rows, numbers=(1, 2))
    sizes = f"{swept.bytes / 1e6:.1f} MB in {swept.files} files here, {plain.bytes / 1e6:.1f} MB there"
    stage.say(f"Swept: {sizes} ({seconds:.1f} s).", "dim")
    teeth = all(len(found) == len(sentences) for found in there.values())
    if not teeth:
        return stage.verdict(False, "The sweep missed sentences in the unsealed store, so it proves nothing here.")
    found = len(set().union(*here.values()))
    return stage.verdict(swept.clean, f"Sentences that the disk gives away: {found or 'none'}.")


def planted() -> list[str]:
    """Every sentence that was remembered in the story."""
    return [text for life in LIVES for text in life.memories] + [THE_WORD]


def _because(text: str, reasons: tuple[str, ...]) -> str:
    return f"{text}\n  because of {'; '.join(reasons)}"


def _knows(session: Session) -> bool:
    return any(hit.memory.text == THE_WORD for hit in session.recall(ABOUT_THE_WORD, limit=_DEEP))


def _rank(session: Session, question: str, answer: str) -> int | None:
    """The place of the answer, from 1, as deep as recall goes; None when it is not found."""
    texts = [hit.memory.text for hit in session.recall(question, limit=_DEEP)]
    return texts.index(answer) + 1 if answer in texts else None
