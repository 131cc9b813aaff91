"""One task with one peer: `python -m bench.peers.worker OUT`, the job as JSON on standard input.

What is found is appended to OUT, a line of JSON for each step, so that what was done counts when the time is up.
"""

from __future__ import annotations

import gc
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.corpus import questions, texts
from bench.peers.adapters import KNOWN
from bench.peers.port import Counted, labels
from bench.quality import locomo
from bench.quality.corpora import Corpus, Question, Said
from bench.quality.run import ask as ask_all
from bench.quality.scores import figures, recall_at
from severance.barrier.residue import sweep
from severance.embed import bundled

if TYPE_CHECKING:
    from bench.peers.port import Peer

PLACES = 10
SINGLES = 200
ASKED = 300
PLANTED = 20
_WARM = 20
_FEWEST_ASKED = 20
_AROUND = 200


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do.

    Attributes:
        task: one of `TASKS`.
        peer: one of `KNOWN`.
        folder: where the peer keeps its store.
        size: how many memories are written, or asked.
        seed: what they are drawn from.
        seconds: no step is begun after so many.
        locomo: the data for the task `quality`, or an empty text.
        labelled: whether speaker and day are put before each text.
    """

    task: str
    peer: str
    folder: str
    size: int = 0
    seed: int = 1
    seconds: float = 300.0
    locomo: str = ""
    labelled: bool = False


Say = Callable[..., None]
"""Writes a step down."""


def main() -> int:
    """Do the job."""
    job = Job(**json.load(sys.stdin))
    with Path(sys.argv[1]).open("a", encoding="utf-8") as out:

        def say(step: str, **found: Any) -> None:
            out.write(json.dumps({"step": step, **found}) + "\n")
            out.flush()

        make = KNOWN[job.peer].load()
        TASKS[job.task](job, make, say)
    return 0


def write(job: Job, make: type[Peer], say: Say) -> None:
    """Write many memories, then some one by one."""
    embedder = _embedder()
    peer = make(_made(job.folder), embedder)
    done, seconds = fill(job, peer)
    say("bulk", count=done, seconds=seconds)
    if done == job.size:
        took = [_timed(partial(peer.add, one)) for one in _memories("single", SINGLES, job.seed + 1)]
        say("single", seconds=took)
        peer.ready()
        closing = _timed(peer.close)
        say("closed", seconds=closing, bytes=_size(Path(job.folder)))


def ask(job: Job, make: type[Peer], say: Say) -> None:
    """Open what was written, and recall; where nothing is kept, write it again first."""
    embedder = _embedder()
    embedder.embed(list(texts(100, job.seed)))
    before = resident()
    start = time.perf_counter()
    peer = make(_made(job.folder), embedder)
    if not KNOWN[job.peer].kept:
        fill(job, peer)
    for question in questions(_WARM, job.seed + 2):
        peer.search(question, PLACES)
    say("opened", seconds=time.perf_counter() - start)
    took, embedding = [], []
    for number, question in enumerate(questions(ASKED, job.seed + 3)):
        if number >= _FEWEST_ASKED and time.perf_counter() - start > job.seconds:
            break
        spent = peer.embedder.spent
        took.append(_timed(partial(peer.search, question, PLACES)))
        embedding.append(peer.embedder.spent - spent)
    say("asked", seconds=took, embedding=embedding)
    after = resident()
    # Less than before is no figure: what was free in the process has been given back in between.
    say("memory", bytes=None if before is None or after is None or after < before else after - before)
    peer.close()


def quality(job: Job, make: type[Peer], say: Say) -> None:
    """R@10 on LoCoMo: a store for each conversation, every question of categories 1-4."""
    embedder = _embedder()
    folders = (Path(job.folder) / str(number) for number in itertools.count())

    def engine(corpus: Corpus) -> Callable[[Question, int], list[str]]:
        peer = make(_made(next(folders)), embedder)
        said = [_labelled(one) for one in corpus.said] if job.labelled else list(corpus.said)
        for chunk in _chunks(said, peer.batch):
            peer.add_many(chunk)
        peer.ready()
        return lambda question, limit: peer.search(question.text, limit)

    outcomes = ask_all(engine, locomo.read(Path(job.locomo)), PLACES)
    say("recall", figures=[asdict(figure) for figure in figures(outcomes, {"R@10": recall_at(PLACES)})])


def residue(job: Job, make: type[Peer], say: Say) -> None:
    """Write sentences among others, ask for them, close, and look for them in every file."""
    peer = make(_made(job.folder), _embedder())
    planted = list(texts(PLANTED, job.seed + 4))
    peer.add_many([*_memories("around", _AROUND, job.seed), *_named("planted", planted)])
    peer.ready()
    for sentence in planted:
        peer.search(sentence, PLACES)
    embedder = peer.embedder
    peer.close()
    report = sweep([Path(job.folder).parent], planted, embedder)
    found = {name: len(sentences) for name, sentences in report.found().items() if sentences}
    say("residue", planted=PLANTED, found=found, sentences=len(report.sentences), files=report.files)


TASKS: dict[str, Callable[[Job, type[Peer], Say], None]] = {
    "write": write,
    "ask": ask,
    "quality": quality,
    "residue": residue,
}
"""What a worker can do, by name."""


def fill(job: Job, peer: Peer) -> tuple[int, float]:
    """Write the memories; returns how many, and in how many seconds, the embedding included."""
    done = 0
    memories = _memories("many", job.size, job.seed)
    start = time.perf_counter()
    for chunk in _chunks(memories, peer.batch):
        peer.add_many(chunk)
        done += len(chunk)
        if time.perf_counter() - start > job.seconds:
            return done, time.perf_counter() - start
    peer.ready()
    return done, time.perf_counter() - start


def resident() -> int | None:
    """Bytes of this process that are in memory, after what can be given back was; None where nobody says."""
    gc.collect()
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text("ascii").splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def _embedder() -> Counted:
    return Counted(bundled())


def _memories(name: str, count: int, seed: int) -> list[Said]:
    return _named(name, texts(count, seed))


def _named(name: str, those: Iterator[str] | Sequence[str]) -> list[Said]:
    return [Said(f"{name}-{number}", text) for number, text in enumerate(those)]


def _labelled(said: Said) -> Said:
    """With who said it and when before the text, as one would write it for a memory that knows texts alone."""
    known = labels(said)
    return replace(said, text=f"{known['speaker']} ({known['date']}): {said.text}")


def _chunks(memories: Sequence[Said], size: int) -> Iterator[Sequence[Said]]:
    return (memories[start : start + size] for start in range(0, len(memories), size))


def _made(folder: str | Path) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def _size(folder: Path) -> int:
    """Bytes of all files, as the disk has them where it says so."""
    stats = [file.stat() for file in folder.rglob("*") if file.is_file()]
    return sum(getattr(stat, "st_blocks", 0) * 512 or stat.st_size for stat in stats)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
