"""What a session lets go of: at sleep, and in a process that was forked from its own."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
import weakref
from collections.abc import Callable
from threading import Event, Thread

import pytest

from kit import texts
from severance import AsleepError, House, Session
from severance.crypto.envelope import SpaceKey


def test_an_unfinished_listing_keeps_no_mind_alive(innie: Session) -> None:
    innie.remember_many(["one", "two", "three"])
    every, mind = innie.memories(), weakref.ref(innie._mind)
    assert next(every).text == "one"
    assert mind() is not None
    innie.sleep()
    gc.collect()
    assert mind() is None
    with pytest.raises(AsleepError):
        next(every)


def test_a_listing_goes_on_through_what_is_written_and_forgotten_meanwhile(innie: Session) -> None:
    first, second, third = innie.remember_many(["one", "two", "three"])
    every = innie.memories()
    assert next(every) == first
    innie.forget(second.id)
    innie.remember("four")
    innie.remember("three")
    (last,) = every
    assert (last.id, last.repeats) == (third.id, 2)
    assert texts(innie.memories()) == ["one", "three", "four"]


def test_a_session_that_sleeps_holds_no_key(innie: Session) -> None:
    def held(thing: object, deep: int = 6) -> bool:
        """Whether a key can be reached from there, through nothing that is the house's."""
        if isinstance(thing, SpaceKey):
            return True
        return deep > 0 and any(
            held(each, deep - 1)
            for each in gc.get_referents(thing)
            if not isinstance(each, type) and type(each).__module__.split(".")[-1] not in ("chip", "register")
        )

    innie.remember("one")
    assert held(innie._keep_anchor)
    innie.sleep()
    assert not held(innie._keep_anchor)
    assert innie._space is None


def in_a_fork(work: Callable[[], str]) -> str:
    """What this comes to in a child process; one that hangs ends after a minute."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are other threads
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        try:
            said = work()
        except BaseException as problem:  # noqa: BLE001 - it is told, and nothing may go on below the fork
            said = f"{type(problem).__name__}: {problem}"
        os.write(writing, said.encode()[:4_096])
        os._exit(0)
    os.close(writing)
    said = b""
    while part := os.read(reading, 4_096):
        said += part
    os.close(reading)
    os.waitpid(child, 0)
    return said.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize(
    "call",
    [
        lambda session: texts(session.recall("one")),
        lambda session: session.remember("two").text,
        lambda session: texts(session.memories()),
        lambda session: session.stats(),
    ],
    ids=["recall", "remember", "memories", "stats"],
)
def test_a_forked_process_does_not_go_on_as_the_persona(innie: Session, call: Callable[[Session], object]) -> None:
    innie.remember("one")
    assert in_a_fork(lambda: str(call(innie))).startswith("AsleepError: this session is of the process that ")
    assert in_a_fork(lambda: f"{innie._space} {len(innie._mind)}") == "None 0"
    assert texts(innie.recall("one")) == ["one"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not_got(house: House, innie: Session) -> None:
    innie.remember("one")
    held, go = Event(), Event()

    def holds() -> None:
        with innie._lock:
            held.set()
            go.wait(600)

    thread = Thread(target=holds)
    thread.start()
    try:
        assert held.wait(600)
        assert in_a_fork(lambda: str(innie.stats())).startswith("AsleepError")
        assert in_a_fork(lambda: str(innie.sleep())) == "None"
    finally:
        go.set()
        thread.join()
    innie.remember("two")
    assert innie.stats()["memories"] == 2
    assert house.check() == []
