"""The ways in which a session ends, each run in a process of its own.

    python -m severance.barrier.residue.endings NAME FOLDER [--seed S] [--count N] [--awake WHO]

The folder holds `store`, made by `stores.prepare`, and `tmp`, which `TMPDIR` must name. Nothing secret is in the
arguments or the environment: what is remembered follows from the seed. Needs POSIX: signals, limits, forks.
"""

from __future__ import annotations

import argparse
import atexit
import faulthandler
import gc
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from severance import system
from severance.barrier.residue.elsewhere import (
    is_killed_with_a_worker,
    is_let_in,
    loses_its_worker,
    waits_elsewhere,
    wakes_elsewhere,
)
from severance.barrier.residue.lives import live, refused, wait
from severance.barrier.residue.planted import planted
from severance.barrier.residue.stores import EMBEDDER, KEY, QUAY, STAIRWELL, SUBJECT, enter
from severance.barrier.residue.up import goes_down, is_killed_while_up
from severance.barrier.residue.warned import is_overridden, rings
from severance.embed import Hashing
from severance.errors import StoreError
from severance.upkeep.backup import restore

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from severance.house import House
    from severance.session import Session

PLACES = {"inner": STAIRWELL, "outer": QUAY}
FAILED = 7


def sleeps(house: House, session: Session, said: Sequence[str]) -> None:
    session.sleep()


def leaves_the_block(house: House, session: Session, said: Sequence[str]) -> None:
    with house, session:
        live(session, said, 60)


def raises_in_the_block(house: House, session: Session, said: Sequence[str]) -> None:
    try:
        with house, session:
            live(session, said, 60)
            raise RuntimeError
    except RuntimeError:
        logging.exception("caught")


def closes_without_sleep(house: House, session: Session, said: Sequence[str]) -> None:
    house.close()


def is_collected(house: House, session: Session, said: Sequence[str]) -> None:
    del house, session
    gc.collect()


def exits(house: House, session: Session, said: Sequence[str]) -> None:
    sys.exit(FAILED)


def exits_at_once(house: House, session: Session, said: Sequence[str]) -> None:
    os._exit(FAILED)


def waits(house: House, session: Session, said: Sequence[str]) -> None:
    """For the signal that ends it; the parent looks at the process meanwhile."""
    wait()


def waits_asleep(house: House, session: Session, said: Sequence[str]) -> None:
    """The same after the persona fell asleep, and the house was closed."""
    session.sleep()
    house.close()
    del house, session
    gc.collect()
    wait()


def is_interrupted(house: House, session: Session, said: Sequence[str]) -> None:
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    while True:
        session.remember_many([{"text": text, "kind": str(time.perf_counter())} for text in said])


def raises(house: House, session: Session, said: Sequence[str]) -> None:
    hits = session.recall(said[5])
    session.get(hits[0].memory.text)


def raises_in_a_thread(house: House, session: Session, said: Sequence[str]) -> None:
    thread = threading.Thread(target=raises, args=(house, session, said))
    thread.start()
    thread.join()


def loses_its_embedder(house: House, session: Session, said: Sequence[str]) -> None:
    EMBEDDER.failing = True
    session.remember_many([f"{text} once more" for text in said])


def fills_the_disk(house: House, session: Session, said: Sequence[str]) -> None:
    """Files may not grow any further: what a full disk is to SQLite."""
    largest = max(file.stat().st_size for file in Path("store").iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 2**19, resource.RLIM_INFINITY))
    try:
        for turn in range(1_000):
            session.remember_many([{"text": text, "kind": f"turn {turn}"} for text in said])
    except StoreError:
        logging.exception("full")
        sys.exit(FAILED)


def holds_two(house: House, session: Session, said: Sequence[str]) -> None:
    other = enter(Path("store"))
    twin = other.cross(SUBJECT, STAIRWELL)
    third = house.cross(SUBJECT, STAIRWELL)
    for turn, awake in enumerate((session, twin, third, session, twin)):
        live(awake, said, 100 * turn)
    twin.sleep()


def leaves_a_thread(house: House, session: Session, said: Sequence[str]) -> None:
    def work() -> None:
        while True:
            live(session, said, int(time.perf_counter() * 1e6) % 900)

    threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)
    sys.exit(FAILED)


def forks(house: House, session: Session, said: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # on 3.12: there are threads of numpy's
        child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    live(session, said, 60)


def aborts(house: House, session: Session, said: Sequence[str]) -> None:
    """With core dumps off, as a program does that wants none; the threat model says why."""
    system.no_core_dumps()
    faulthandler.enable(all_threads=True)
    os.abort()


def backs_up(house: House, session: Session, said: Sequence[str]) -> None:
    house.backup("backup.tar")
    house.backup("without-chip.tar", chip=False)
    house.close()
    restore("backup.tar", "restored", key=KEY)


def forgets(house: House, session: Session, said: Sequence[str]) -> None:
    for memory in live(session, said, 200):
        session.forget(memory)
    house.close()


def writes_a_snapshot(house: House, session: Session, said: Sequence[str]) -> None:
    session.remember_many([{"text": text, "kind": f"once more {turn}"} for turn in range(3) for text in said])
    session.sleep()
    live(house.cross(SUBJECT, STAIRWELL), said, 300)
    os.kill(os.getpid(), signal.SIGKILL)


def reembeds(house: House, session: Session, said: Sequence[str]) -> None:
    house.close()
    with enter(Path("store"), Hashing(96)) as other:
        other.reembed()


def is_checked(house: House, session: Session, said: Sequence[str]) -> None:
    session.sleep()
    if house.check() or sum(1 for _, memories in house.salvage() for _ in memories) < len(said):
        os._exit(1)


def is_asked_nonsense(house: House, session: Session, said: Sequence[str]) -> None:
    """What was given wrongly may be content; the error must not repeat it."""
    for ask in _nonsense(house, session, said[9]):
        refused(ask)


def _nonsense(house: House, session: Session, secret: str) -> tuple[Callable[[], object], ...]:
    return (
        lambda: session.get(secret),
        lambda: session.history(secret),
        lambda: session.forget(secret),
        lambda: session.amend(secret, secret),
        lambda: session.remember(secret + "\0"),
        lambda: session.remember(secret, at=secret),
        lambda: session.remember(secret, thread=secret * 20),
        lambda: session.remember_many([{"text": secret, secret: secret}]),
        lambda: session.remember(secret, metadata={secret: object()}),  # type: ignore[dict-item]
        lambda: session.recall(secret, since=secret),
        lambda: session.recall(secret, where={secret: [secret]}),  # type: ignore[dict-item]
        lambda: session.recall(secret * 20_000),
        lambda: house.cross(secret, secret),
        lambda: house.cross(SUBJECT, QUAY + "!"),
        lambda: house.sever(secret * 20, [secret]),
        lambda: house.place(secret[:50], {SUBJECT: secret[:50]}),
    )


def prints_itself(house: House, session: Session, said: Sequence[str]) -> None:
    """What ends up in logs without anybody's intention."""
    logging.debug("%r %r %s %s", house, session, session.stats(), vars(type(session)))


def ends_in_atexit(house: House, session: Session, said: Sequence[str]) -> None:
    atexit.register(lambda: live(session, said, 400))


def starts_a_child(house: House, session: Session, said: Sequence[str]) -> None:
    """Which is given the environment as it is by now; the system shows that of the beginning only."""
    with Path("environment").open("wb") as out:
        subprocess.run(["env", "-0"], stdout=out, check=True)


def is_killed(house: House, session: Session, said: Sequence[str]) -> None:
    """With the write-ahead log as it is."""
    os.kill(os.getpid(), signal.SIGKILL)


Ending = Callable[["House", "Session", Sequence[str]], None]
ENDINGS: dict[str, Ending] = {
    each.__name__: each
    for each in (
        is_killed,
        raises,
        starts_a_child,
        leaves_a_thread,
        is_killed_with_a_worker,
        is_let_in,
        rings,
        is_overridden,
        is_killed_while_up,
        sleeps,
        leaves_the_block,
        raises_in_the_block,
        closes_without_sleep,
        is_collected,
        exits,
        exits_at_once,
        is_interrupted,
        raises_in_a_thread,
        loses_its_embedder,
        fills_the_disk,
        holds_two,
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
        wakes_elsewhere,
        loses_its_worker,
        goes_down,
    )
}
"""Those that end by themselves; the first nine are the ones that leave most lying about."""

TELLING = ("is_let_in", "rings", "is_overridden", "is_killed_while_up", "goes_down")
"""Those that say what else is to be looked for: secrets, one to a line."""

WAITING: dict[str, Ending] = {"waits": waits, "waits_asleep": waits_asleep, "waits_elsewhere": waits_elsewhere}
"""Those that say "ready", and end with the process that started them."""


def returns(name: str) -> int:
    """The return code with which a process ends in this way, as `subprocess` tells it."""
    if name in ("exits", "exits_at_once", "fills_the_disk", "leaves_a_thread"):
        return FAILED
    if name in ("raises", "loses_its_embedder"):
        return 1
    signals = {
        "is_interrupted": signal.SIGINT,
        "aborts": signal.SIGABRT,
        "writes_a_snapshot": signal.SIGKILL,
        "is_killed": signal.SIGKILL,
        "is_killed_with_a_worker": signal.SIGKILL,
        "rings": signal.SIGKILL,
        "is_killed_while_up": signal.SIGKILL,
    }
    return -signals.get(name, 0)


def main() -> None:
    """As the module says."""
    given = _arguments()
    os.chdir(given.folder)
    said = planted(given.count, given.seed)
    # A background job and `nohup` ignore some of these, and a child would go on ignoring them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if tempfile.gettempdir() != str(Path("tmp").resolve()):
        sys.exit("TMPDIR must be the folder's tmp")
    logging.basicConfig(filename="debug.log", level=logging.DEBUG)
    logging.captureWarnings(True)
    house = enter(Path("store"))
    if given.awake == "nobody":
        house.status()
        wait()
        return
    session = house.cross(SUBJECT, PLACES[given.awake])
    live(session, said)
    arguments = [house, session]
    del house, session
    (ENDINGS | WAITING)[given.name](arguments.pop(0), arguments.pop(0), said)  # type: ignore[arg-type]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=[*ENDINGS, *WAITING])
    parser.add_argument("folder")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--awake", choices=[*PLACES, "nobody"], default="inner")
    return parser.parse_args()


if __name__ == "__main__":
    main()
