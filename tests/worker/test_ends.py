"""How a worker ends: by sleep, with its parent, killed. Nothing acknowledged is lost, and no process stays."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread, Timer
from typing import Any

import pytest

import severance
from kit import KEY
from kit.processes import LONGEST, is_there, none_outlives, until
from severance import AsleepError, DamagedError, House, RolledBackError, SeveranceError, crossing
from severance.embed import Hashing
from severance.model import Head
from severance.worker import Confinement, child
from severance.worker.away import WorkerSession
from severance.worker.messages import MOST, Done, Ready, encode
from severance.worker.pipes import Pipe

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def _awake_again(home: House) -> list[str]:
    with home.cross("mark", "floor") as session:
        return [memory.text for memory in session.memories()]


def test_asleep_the_process_and_its_scratch_are_gone(home: House, away: WorkerSession) -> None:
    scratch = away._child.scratch
    assert is_there(away.process)
    assert scratch.is_dir()
    away.remember("kept")
    away.sleep()
    away.sleep()
    with pytest.raises(AsleepError, match="this session has ended; cross again"):
        away.recall("kept")
    until(lambda: not is_there(away.process) and not scratch.exists())
    assert _awake_again(home) == ["kept"]


def test_falling_asleep_moves_the_anchor_and_writes_layers(home: House, away: WorkerSession) -> None:
    away.remember_many(f"memory number {n}" for n in range(100))
    records = away.stats()["records"]
    key = home._chip.key(severance.Persona("mark", "innie"))
    away.sleep()
    anchor = home._chip.anchor(key)
    assert anchor is not None
    assert anchor.seq == records
    assert home._vault.layers(key.space)[-1][1] == records


def test_a_closed_house_leaves_no_process(folder: Path) -> None:
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        sessions: list[Any] = [house.cross("mark", "floor", isolation="process") for _ in range(3)]
        sessions[0].forget(sessions[0].remember("to be forgotten").id)
        spare = house._workers._spare
        assert spare is not None
        processes = [spare.process, *(session.process for session in sessions)]
        assert all(map(is_there, processes))
    assert not any(map(is_there, processes))


def test_a_session_that_nobody_has_any_more_ends(home: House) -> None:
    session: Any = home.cross("mark", "floor", isolation="process")
    process, scratch = session.process, session._child.scratch
    del session
    gc.collect()
    until(lambda: not is_there(process) and not scratch.exists())


@posix
def test_a_killed_worker_is_a_persona_asleep(home: House, away: WorkerSession) -> None:
    away.remember("acknowledged")
    scratch = away._child.scratch
    os.kill(away.process, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(AsleepError, match="the process of this session has ended; cross again"):
            away.recall("acknowledged")
    away.sleep()
    until(lambda: not scratch.exists())
    assert _awake_again(home) == ["acknowledged"]


@posix
@pytest.mark.parametrize("after", [0.0, 0.003, 0.01, 0.03, 0.1])
def test_killed_in_the_middle_of_writes_what_was_acknowledged_is_there(home: House, after: float) -> None:
    away: Any = home.cross("mark", "floor", isolation="process")
    acknowledged: list[str] = []

    def write() -> None:
        with suppress(AsleepError):
            for n in range(10_000):
                batch = [f"batch {n}, memory {m}" for m in range(20)]
                away.remember_many(batch)
                acknowledged.extend(batch)

    writer = Thread(target=write)
    writer.start()
    time.sleep(after)
    os.kill(away.process, signal.SIGKILL)
    writer.join(60)
    assert not writer.is_alive()
    found = _awake_again(home)
    assert found[: len(acknowledged)] == acknowledged
    assert len(found) - len(acknowledged) in (0, 20), "of what was not acknowledged, all or nothing"


_PARENT = """
    import os, sys, time
    from pathlib import Path
    import severance
    from severance.embed import Hashing

    if __name__ == "__main__":
        house = severance.open(sys.argv[1], key=bytes(range(32)), embedder=Hashing(16))
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        session = house.cross("mark", "floor", isolation="process")
        if sys.argv[2] == "forked" and os.fork() == 0:
            time.sleep(60)  # and holds a copy of the parent's end of the pipe
            os._exit(0)
        print(session.process, flush=True)
        if sys.argv[2] == "writing":
            while True:
                session.remember_many(f"memory number {n}" for n in range(2_000))
        time.sleep(60)
"""


@contextmanager
def _parent(folder: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    script = folder / "parent.py"
    script.write_text(textwrap.dedent(_PARENT))
    arguments = [sys.executable, "-W", "ignore", str(script), str(folder / "store"), how]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        try:
            yield parent
        finally:
            with suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)  # what it has forked, too


@posix
@pytest.mark.parametrize("how", ["idle", "writing", "forked"])
def test_a_worker_ends_with_a_parent_that_was_killed(folder: Path, how: str) -> None:
    with _parent(folder, how) as parent:
        assert parent.stdout is not None
        none_outlives(parent, [int(parent.stdout.readline())])


@posix
def test_a_worker_ends_with_a_program_that_ends_without_closing(folder: Path) -> None:
    with _parent(folder, "idle") as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        parent.send_signal(signal.SIGINT)
        parent.wait(60)
        until(lambda: not is_there(process))


def _remembers_for_ever(session: WorkerSession) -> None:
    while True:
        session.remember_many(f"at {time.monotonic()} {n}" for n in range(1_000))


@posix
def test_a_call_that_is_interrupted_leaves_a_session_that_goes_on(home: House, away: WorkerSession) -> None:
    away.remember("before")
    for after in (0.02, 0.1, 0.3):
        interrupt = Timer(after, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            _remembers_for_ever(away)
        interrupt.join()
        assert away.recall("before")[0].memory.text == "before"
        assert away.stats()["memories"] % 1_000 == 1, "each append whole or not at all"
    assert is_there(away.process)


@posix
def test_an_interrupt_interrupts_the_worker_and_not_the_call_after(home: House, away: WorkerSession) -> None:
    for _ in range(20):
        os.kill(away.process, signal.SIGINT)  # to a worker that does nothing
        away.remember("still here")
    assert away.stats()["repeats"] == 19


def test_a_session_stays_with_the_process_that_crossed(away: WorkerSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away._child, "_owner", os.getpid() + 1)  # as in a process that was forked
    with pytest.raises(AsleepError, match="belongs to the process that crossed"):
        away.stats()
    monkeypatch.undo()


def test_an_anchor_goes_no_further_than_the_vault(home: House, away: WorkerSession) -> None:
    """A worker that is not ours any more could otherwise have its persona's log taken for cut off."""
    away.remember("kept")
    key = home._chip.key(severance.Persona("mark", "innie"))
    with pytest.raises(RolledBackError):
        crossing._keep_confirmed(home._vault, home._chip, key, Head(10**6, bytes(32)))
    away.sleep()
    assert _awake_again(home) == ["kept"]


def test_a_pipe_takes_no_message_that_is_larger_than_any() -> None:
    reading, writing = os.pipe()
    pipe = Pipe(reading, writing)
    os.write(writing, (MOST + 1).to_bytes(4, "big"))
    with pytest.raises(Exception, match="a message of"):
        pipe.receive()
    pipe.close()


def _instead(patch: pytest.MonkeyPatch, script: str) -> None:
    patch.setattr(child, "command", lambda: [sys.executable, "-I", "-c", script])


def test_a_process_that_is_no_worker_is_told_at_the_crossing(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for script in ("", "print('Traceback')", "import os; os.write(1, b'\\xff' * 100)"):
        _instead(monkeypatch, script)
        with pytest.raises(SeveranceError, match="ended before it was ready"):
            home.cross("mark", "floor", isolation="process")
    monkeypatch.setattr(child, "command", lambda: ["/nowhere/python"])
    with pytest.raises(SeveranceError, match="cannot be started"):
        home.cross("mark", "floor", isolation="process")


_LIAR = """
import os
def said(raw): os.write(1, len(raw).to_bytes(4, "big") + raw)
said({ready!r})
said({done!r})
said({third!r})
os.read(0, 1)
while os.read(0, 10_000): pass
"""


@pytest.mark.parametrize("third", [b"\xc1", encode(Done()), b"\x92\xa4Page\xc0", b"\x93\xa4Page\x91\xa1x\xc0"])
def test_a_worker_that_says_what_none_would_say_is_one_that_has_ended(
    home: House, monkeypatch: pytest.MonkeyPatch, third: bytes
) -> None:
    ready, done = encode(Ready(Confinement())), encode(Done())
    _instead(monkeypatch, _LIAR.format(ready=ready, done=done, third=third))
    session: Any = home.cross("mark", "floor", isolation="process")
    with pytest.raises(AsleepError, match="has ended"):
        session.stats()
    until(lambda: not is_there(session.process))
    with pytest.raises(AsleepError, match="has ended"):
        session.stats()
    session.sleep()


_STUBBORN = """
import os, signal, time
from severance.worker import confine
confine.alone()
from severance.errors import DamagedError
from severance.worker import serve

def for_ever(*_):
    while True:
        time.sleep(3600)

def sorry(*_):
    raise DamagedError("it is not what was written")

signal.signal = lambda *_: None
os._exit = for_ever
serve.Serving.{method} = {answer}
serve.main()
"""


def _told(home: House) -> list[str]:
    return [event.what for event in home.events(limit=100) if event.what in ("crossed", "slept")]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(child.Child, "patience", 0.5)
    monkeypatch.setattr(child, "_LAST", 0.5)
    return monkeypatch


def _stubborn(home: House, patch: pytest.MonkeyPatch, method: str, answer: str) -> Any:
    """A worker whose code is not ours any more: it ends for nobody, and answers this in its own way."""
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    _instead(patch, script + _STUBBORN.format(method=method, answer=answer))
    return home.cross("mark", "floor", isolation="process")


@pytest.mark.parametrize(
    ("answer", "error"), [("for_ever", None), ("sorry", DamagedError), ("lambda *_: serve.Done()", None)]
)
def test_a_worker_that_will_not_sleep_has_its_key_no_longer(
    home: House, impatient: pytest.MonkeyPatch, answer: str, error: type[Exception] | None
) -> None:
    session = _stubborn(home, impatient, "_sleep", answer)
    session.remember("kept")
    with nullcontext() if error is None else pytest.raises(error):
        session.sleep()
    assert _told(home) == ["crossed", "slept"]
    until(lambda: not is_there(session.process) and not session._child.scratch.exists())
    with pytest.raises(AsleepError, match="this session has ended"):
        session.stats()
    session.sleep()
    assert _told(home) == ["crossed", "slept"]
    assert _awake_again(home) == ["kept"]


@pytest.mark.parametrize("answer", ["for_ever", "sorry"])
def test_a_session_ends_for_its_own_reason_whatever_its_worker_says(
    home: House, impatient: pytest.MonkeyPatch, answer: str
) -> None:
    session = _stubborn(home, impatient, "_sleep", answer)
    home.place("floor", {"mark": "outie"})
    with pytest.raises(AsleepError):
        session.stats()
    assert _told(home) == ["crossed", "slept"]
    until(lambda: not is_there(session.process))


def test_a_worker_of_a_permit_that_was_revoked_has_its_key_no_longer(
    home: House, impatient: pytest.MonkeyPatch
) -> None:
    _stubborn(home, impatient, "_sleep", "for_ever").sleep()
    text = home.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    session: Any = home.admit(text, isolation="process")
    home.revoke(home.permits()[0].id)
    with pytest.raises(AsleepError):
        session.recall("anything")
    until(lambda: not is_there(session.process))


def test_sleep_does_not_wait_for_an_answer_that_never_comes(home: House, impatient: pytest.MonkeyPatch) -> None:
    session = _stubborn(home, impatient, "_recall", "for_ever")
    ended: list[str] = []

    def recall() -> None:
        try:
            session.recall("anything")
        except AsleepError as end:
            ended.append(str(end))

    waiting = Thread(target=recall)
    waiting.start()
    until(lambda: session._child._current is not None)
    session.sleep()
    waiting.join(LONGEST)
    assert ended == ["the process of this session has ended; cross again to wake the persona"]
    assert _told(home) == ["crossed", "slept"]
    until(lambda: not is_there(session.process))


@posix
def test_an_interrupted_worker_that_goes_on_ends_when_nobody_has_its_session(
    home: House, impatient: pytest.MonkeyPatch
) -> None:
    session = _stubborn(home, impatient, "_recall", "for_ever")
    interrupt = Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        session.recall("anything")
    process, scratch = session.process, session._child.scratch
    del session
    gc.collect()
    until(lambda: not is_there(process) and not scratch.exists())


def test_a_house_that_is_closed_waits_for_no_worker_for_ever(folder: Path, impatient: pytest.MonkeyPatch) -> None:
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as house:
        house.sever("mark", ["innie"])
        house.place("floor", {"mark": "innie"})
        sessions = [_stubborn(house, impatient, "_sleep", "for_ever") for _ in range(3)]
        del sessions[1:2]
        gc.collect()
        processes = [session.process for session in sessions]
    assert not any(map(is_there, processes))


@posix
def test_a_stubborn_worker_ends_with_a_program_that_ends_without_closing(folder: Path) -> None:
    script = _STUBBORN.format(method="_sleep", answer="for_ever")
    parent = textwrap.dedent(f"""
        import sys
        import severance
        from severance.embed import Hashing
        from severance.worker import child

        child._AT_EXIT = 0.5
        child.command = lambda: [sys.executable, "-I", "-c", {script!r}]
        house = severance.open(sys.argv[1], key=bytes(range(32)), embedder=Hashing(16))
        house.sever("mark", ["innie"])
        house.place("floor", {{"mark": "innie"}})
        session = house.cross("mark", "floor", isolation="process")
        print(session.process, session._child.scratch, flush=True)
    """)
    arguments = [sys.executable, "-W", "ignore", "-c", parent, str(folder / "store")]
    said = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST).stdout.split()
    until(lambda: not is_there(int(said[0])))
    assert not Path(said[1]).exists()


@posix
def test_a_forked_program_ends_no_worker_of_the_one_that_crossed(
    away: WorkerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(away._child, "_owner", os.getpid() + 1)  # as in a process that was forked
    away._child.kill()
    monkeypatch.undo()
    assert away.stats()["records"] == 1
