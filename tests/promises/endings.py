"""The ways in which a session ends, each run in a process of its own: `python endings.py NAME FOLDER`.

Nothing secret is written here: what is remembered is made from numbers, and the files of this folder are not swept.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import logging
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import severance
from barrier.planted import planted
from severance import House, Session, SeveranceError
from severance.embed import Hashing
from severance.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEY = b"one-root-key-of-thirty-two-bytes"
SUBJECT = "quillanvar-ostrebund"
INNER, OUTER = "wintermost-archivist", "lanternside-botanist"
STAIRWELL, QUAY = "vermilion-stairwell-nine", "heron-weir-quay"
NAMES = (SUBJECT, INNER, OUTER, STAIRWELL, QUAY)
SENTENCES = planted(1_000)
FAILED = 7


class Faulty(Hashing):
    """Works, until it is told to fail."""

    failing = False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.failing:
            raise EmbedderError("the embedder ran out of memory")
        return super().embed(texts)


EMBEDDER = Faulty(64)


def enter(store: Path) -> House:
    return severance.open(store, key=KEY, embedder=EMBEDDER)


def live(session: Session, first: int = 0) -> list[str]:
    """An ordinary while awake: asks, remembers, amends."""
    again = SENTENCES[first : first + 60]
    assert session.recall(again[0], limit=3)
    assert session.context(again[1], tokens=64)
    kept = session.remember_many([{"text": text, "kind": f"again {first}", "thread": again[0]} for text in again])
    session.remember("\n".join(again) * 4, kind=f"long {first}")
    session.amend(kept[0].id, f"{again[1]} {again[2]}")
    return [memory.id for memory in kept[1:]]


def sleeps(house: House, session: Session) -> None:
    session.sleep()


def leaves_the_block(house: House, session: Session) -> None:
    with house, session:
        live(session, 60)


def raises_in_the_block(house: House, session: Session) -> None:
    try:
        with house, session:
            live(session, 60)
            raise RuntimeError
    except RuntimeError:
        logging.exception("caught")


def closes_without_sleep(house: House, session: Session) -> None:
    house.close()


def is_collected(house: House, session: Session) -> None:
    del house, session
    gc.collect()


def exits(house: House, session: Session) -> None:
    sys.exit(FAILED)


def exits_at_once(house: House, session: Session) -> None:
    os._exit(FAILED)


def waits(house: House, session: Session) -> None:
    """For the signal that ends it; the parent looks at the process meanwhile."""
    print("ready", flush=True)
    while True:
        signal.pause()


def is_interrupted(house: House, session: Session) -> None:
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    while True:
        session.remember_many([{"text": text, "kind": str(time.perf_counter())} for text in SENTENCES])


def raises(house: House, session: Session) -> None:
    hits = session.recall(SENTENCES[5])
    session.get(hits[0].memory.text)


def raises_in_a_thread(house: House, session: Session) -> None:
    thread = threading.Thread(target=raises, args=(house, session))
    thread.start()
    thread.join()


def loses_its_embedder(house: House, session: Session) -> None:
    EMBEDDER.failing = True
    session.remember_many(SENTENCES)


def fills_the_disk(house: House, session: Session) -> None:
    """Files may not grow any further: what a full disk is to SQLite."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
    try:
        for turn in range(100):
            session.remember_many([{"text": text, "kind": f"turn {turn}"} for text in SENTENCES])
    except severance.StoreError:
        logging.exception("full")
        sys.exit(FAILED)


def holds_two(house: House, session: Session) -> None:
    other = enter(Path("store"))
    twin = other.cross(SUBJECT, STAIRWELL)
    third = house.cross(SUBJECT, STAIRWELL)
    for turn, awake in enumerate((session, twin, third, session, twin)):
        live(awake, 100 * turn)
    twin.sleep()


def leaves_a_thread(house: House, session: Session) -> None:
    def work() -> None:
        while True:
            live(session, int(time.perf_counter() * 1e6) % 900)

    threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)
    sys.exit(FAILED)


def forks(house: House, session: Session) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # on 3.12: there are threads of numpy's
        child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    live(session, 60)


def aborts(house: House, session: Session) -> None:
    """A core dump is the process's memory, and the threat model says so: here none is written."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable(all_threads=True)
    os.abort()


def backs_up(house: House, session: Session) -> None:
    house.backup("backup.tar")
    house.backup("without-chip.tar", chip=False)
    house.close()
    severance.restore("backup.tar", "restored", key=KEY)


def forgets(house: House, session: Session) -> None:
    for memory in live(session, 200):
        session.forget(memory)
    house.close()


def writes_a_snapshot(house: House, session: Session) -> None:
    session.remember_many([{"text": text, "kind": "once more"} for text in SENTENCES])
    session.sleep()
    live(house.cross(SUBJECT, STAIRWELL), 300)
    os.kill(os.getpid(), signal.SIGKILL)


def reembeds(house: House, session: Session) -> None:
    house.close()
    with severance.open("store", key=KEY, embedder=Hashing(96)) as other:
        other.reembed()


def is_checked(house: House, session: Session) -> None:
    session.sleep()
    assert house.check() == []
    assert sum(1 for _, memories in house.salvage() for _ in memories) > 1_000


def is_asked_nonsense(house: House, session: Session) -> None:
    """What was given wrongly may be content; the error must not repeat it."""
    secret = SENTENCES[9]
    for ask in (
        lambda: session.get(secret),
        lambda: session.history(secret),
        lambda: session.forget(secret),
        lambda: session.amend(secret, secret),
        lambda: session.remember(secret + "\0"),
        lambda: session.remember(secret, at=secret),
        lambda: session.remember(secret, thread=secret * 20),
        lambda: session.remember_many([{"text": secret, secret: secret}]),
        lambda: session.remember(secret, metadata={secret: object()}),
        lambda: session.recall(secret, since=secret),
        lambda: session.recall(secret, where={secret: [secret]}),
        lambda: session.recall(secret * 20_000),
        lambda: house.cross(secret, secret),
        lambda: house.cross(SUBJECT, QUAY + "!"),
        lambda: house.sever(secret * 20, [secret]),
        lambda: house.place(secret[:50], {SUBJECT: secret[:50]}),
    ):
        try:
            ask()
        except SeveranceError:
            logging.exception("refused")
        else:
            os._exit(1)


def prints_itself(house: House, session: Session) -> None:
    """What ends up in logs without anybody's intention."""
    logging.debug("%r %r %s %s", house, session, session.stats(), vars(type(session)))


def ends_in_atexit(house: House, session: Session) -> None:
    atexit.register(lambda: live(session, 400))


ENDINGS: dict[str, Callable[[House, Session], None]] = {
    each.__name__: each
    for each in (
        sleeps,
        leaves_the_block,
        raises_in_the_block,
        closes_without_sleep,
        is_collected,
        exits,
        exits_at_once,
        waits,
        is_interrupted,
        raises,
        raises_in_a_thread,
        loses_its_embedder,
        fills_the_disk,
        holds_two,
        leaves_a_thread,
        forks,
        aborts,
        backs_up,
        forgets,
        writes_a_snapshot,
        reembeds,
        is_checked,
        is_asked_nonsense,
        prints_itself,
        ends_in_atexit,
    )
}


def main(name: str, folder: str) -> None:
    # A background job and `nohup` ignore some of these, and a child would go on ignoring them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(folder)
    assert tempfile.gettempdir() == str(Path("tmp").resolve())
    logging.basicConfig(filename="debug.log", level=logging.DEBUG)
    logging.captureWarnings(True)
    house = enter(Path("store"))
    session = house.cross(SUBJECT, STAIRWELL)
    live(session)
    arguments = [house, session]
    del house, session
    ENDINGS[name](arguments.pop(0), arguments.pop(0))


if __name__ == "__main__":
    main(*sys.argv[1:])
