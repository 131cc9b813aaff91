"""The parts that look for residue (P3). Each has a control: the same look where every sentence is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

from severance.barrier.findings import Control, Tally
from severance.barrier.residue import commands, dumps, endings, processes, stores
from severance.barrier.residue.control import write_control
from severance.barrier.residue.needles import ENCODINGS
from severance.barrier.residue.places import LONGEST, Temporary, begun, ready
from severance.barrier.residue.planted import beside, planted
from severance.barrier.residue.sweep import Report, Sweep
from severance.barrier.scene import Part, Scene, Skipped
from severance.embed import bundled
from severance.ports import Embedder

_UNIT = "looks, each for everything that was planted"
_ENDINGS = "severance.barrier.residue.endings"
_SHORT_DIGEST = 8
_LEAST_WAYS = 6
_SECRET = 1_000_000
"""From here on are numbers of secrets: above those of all sentences."""

_FIRST = (
    *("is_killed", "remember", "is_killed_with_a_worker", "recall", "is_let_in", "permit", "rings", "amend"),
    *("is_overridden", "import", "is_killed_while_up", "raises", "credential", "starts_a_child", "leaves_a_thread"),
)
WAYS = tuple(dict.fromkeys((*_FIRST, *endings.ENDINGS, *commands.COMMANDS)))
"""In which what was planted may be left: endings of a session, and commands. Those come first that leave most."""

_HOLDS_ALL = (
    "import os, sys\n"
    "file = open(sys.argv[2], 'rb')\n"
    "os.unlink(sys.argv[2])\n"
    "print('ready', flush=True)\n"
    "sys.stdin.read()\n"
)
"""Shows one sentence in each of three ways: as an argument, in the environment, in a file that is open and deleted."""


class _Planted:
    """Sentences of one trial, and the sweep for them."""

    def __init__(self, scene: Scene, trial: int) -> None:
        self.seed = f"{scene.seed}/{trial}/{os.getpid()}"
        # With the process in it: two runs on one machine must not find each other's controls in a temporary folder.
        self.deep = scene.deep
        self.said = planted(300 if scene.deep else 40, self.seed)
        self.beside = beside(self.said)
        self.life = ("--seed", self.seed, "--count", str(len(self.said)))
        self._scene = scene
        self._folder = scene.folder / str(trial)
        self._folder.mkdir()

    def sweep(self, embedder: Embedder = stores.EMBEDDER) -> Sweep:
        """For the sentences and what is remembered beside them, and for the names of everyone."""
        every = [*self.said, *self.beside, *stores.NAMES, stores.KEY.decode()]
        return Sweep(every, embedder, digits=_SHORT_DIGEST)

    def folder(self, name: str) -> Path:
        """A new folder in which one thing is tried."""
        folder = self._folder / name
        folder.mkdir()
        return folder

    def prepared(self) -> Path:
        """A folder with a store in which one persona has all sentences."""
        folder = self.folder("prepared")
        stores.prepare(folder / "store", self.said, planted(len(self.said), f"{self.seed}/filling"))
        return folder

    def secrets(self, told: str) -> Sweep | None:
        """For what a process has said are secrets, one to a line, such as permits; None where it said nothing."""
        return Sweep(told.splitlines(), stores.EMBEDDER, digits=_SHORT_DIGEST) if told else None

    def look(self, tally: Tally, sweep: Sweep, secrets: Sweep | None, folder: Path, when: str) -> None:
        """Sweep a folder for what was planted, and for secrets; one look."""
        report = sweep.paths([folder])
        if secrets is not None:
            found = secrets.paths([folder]).hits
            report.hits += [replace(hit, sentence=hit.sentence + _SECRET) for hit in found]
        self.count(tally, report, when)

    def count(self, tally: Tally, report: Report, when: str) -> None:
        """One look is one trial: what of the sentences is left at one time hangs together."""
        hits = {hit.sentence: hit for hit in reversed(report.hits)}
        if not hits:
            tally.held()
            return
        number, hit = min(hits.items())
        others = f", and {len(hits) - 1} more" if len(hits) > 1 else ""
        place = f"as {hit.encoding} in {self._where(hit.path)} at byte {hit.offset}{others}"
        tally.broke(f"{self._what(number)} {place}, {when} (seed {self._scene.seed})")

    def _what(self, number: int) -> str:
        if number < len(self.said):
            return f"sentence {number}"
        if number >= _SECRET:
            return f"the text of secret {number - _SECRET}"
        labelled = number < len(self.said) + len(self.beside)
        return f"label or text {number - len(self.said)}" if labelled else "a name or the key"

    def _where(self, path: str) -> str:
        """A file as evidence names it: from the scratch on, or elsewhere without its folders, which name users."""
        if path.startswith("/proc"):
            return "/proc"
        within = path.removeprefix(f"{self._scene.folder}{os.sep}")
        return within if within != path else Path(path).name

    def remove(self) -> None:
        """Take all away again."""
        shutil.rmtree(self._folder)


def _trials(scene: Scene, tally: Tally) -> Iterator[_Planted]:
    """A first one always, and others with other sentences as long as there is time and it is deep."""
    for trial in count():
        if trial and not (scene.deep and scene.more(tally)):
            return
        drawn = _Planted(scene, trial)
        yield drawn
        drawn.remove()


def files(scene: Scene, tally: Tally) -> None:
    """What is on the disk after a session has ended in each of many ways, and what is new in temporary folders."""
    _needs_posix()
    for drawn in _trials(scene, tally):
        sweep, temporary, prepared = drawn.sweep(), Temporary(scene.folder), drawn.prepared()
        tally.control = _written_control(drawn, sweep)
        typed = _Typed(drawn)
        for number, name in enumerate(WAYS):
            if number and not scene.more(tally) and not scene.deep:
                break
            if name in commands.COMMANDS:
                typed.look(name, tally)
            elif not _ended(drawn, sweep, name, prepared, tally):
                return
            tally.note = (
                f"{number + 1} of {len(WAYS)} ways to end were tried, each with {len(drawn.said)} sentences and "
                f"{len(drawn.beside)} labels and other texts planted{_rest(number + 1)}."
            )
        new = temporary.sweep(sweep)
        # Names and the key are the same in every run, and another may be under way.
        new.hits = [hit for hit in new.hits if hit.sentence < len(drawn.said) + len(drawn.beside)]
        drawn.count(tally, new, "new in a temporary folder of the machine")


def _written_control(drawn: _Planted, sweep: Sweep) -> Control:
    """The sentences, and texts that look like a permit and a credential, in a store that seals nothing."""
    control, source = drawn.folder("control"), Random(drawn.seed)
    made = [".".join((kind, source.randbytes(32).hex(), source.randbytes(32).hex())) for kind in ("sev1", "sevc")]
    secrets = drawn.secrets("\n".join(made))
    assert secrets is not None  # noqa: S101 - for the type checker
    write_control(control / "store", drawn.said, stores.EMBEDDER)
    found = sweep.paths([control]).found(whole=True)
    write_control(control / "made", made, stores.EMBEDDER)
    told = secrets.paths([control / "made"]).found(whole=True)
    return Control(
        "each sentence, a permit and a credential in each of eight encodings and as a digest, in a store that seals "
        "nothing",
        (len(drawn.said) + len(made)) * len(ENCODINGS),
        sum(len(found[name] & set(range(len(drawn.said)))) + len(told[name]) for name in ENCODINGS),
    )


def _rest(tried: int) -> str:
    return "; --full tries them all" if tried < len(WAYS) else ""


class _Typed:
    """Commands of the command line, each on a copy of one store, which is made when the first is run."""

    def __init__(self, drawn: _Planted) -> None:
        self._drawn = drawn
        self._prepared: tuple[Path, str, Sweep] | None = None

    def look(self, name: str, tally: Tally) -> None:
        """Run it, and count what it left."""
        if self._prepared is None:
            prepared = self._drawn.folder("typed")
            self._prepared = prepared, commands.prepare(prepared, self._drawn.said), self._drawn.sweep(bundled())
        prepared, memory, sweep = self._prepared
        folder = self._drawn.folder(f"{name}-typed")
        shutil.copytree(prepared / "store", folder / "store")
        told = commands.run(name, folder, self._drawn.said, memory, prepared / "source.jsonl")
        self._drawn.look(tally, sweep, self._drawn.secrets(told), folder, f"after the command {name}")
        shutil.rmtree(folder)


def _ended(drawn: _Planted, sweep: Sweep, name: str, prepared: Path, tally: Tally) -> bool:
    folder = drawn.folder(name)
    shutil.copytree(prepared / "store", folder / "store")
    options = ["-X", "faulthandler", "-W", "always"]
    options += ["-X", "tracemalloc"] if drawn.deep else []  # what it traces is slow to start
    tells = name in endings.TELLING
    with begun(folder, [*options, "-m", _ENDINGS, name, str(folder), *drawn.life], kept=not tells) as child:
        try:
            status = child.wait(LONGEST)
            told = child.stdout.read() if tells and child.stdout is not None else ""
        except subprocess.TimeoutExpired:
            tally.failed = f"a session that {_told(name)} did not end"
            return False
    if status != endings.returns(name):
        tally.failed = f"a session that {_told(name)} ended with status {status} and not with {endings.returns(name)}"
        return False
    drawn.look(tally, sweep, drawn.secrets(told), folder, f"after a session that {_told(name)}")
    shutil.rmtree(folder)
    return True


def _told(name: str) -> str:
    return name.replace("_", " ")


def shows(scene: Scene, tally: Tally) -> None:
    """What the system shows of a process in which a persona is awake, and what it has on the disk meanwhile."""
    _needs_posix()
    if not Path("/proc/self/environ").exists():
        raise Skipped("this system has no /proc that shows the arguments and environment of a process")
    for drawn in _trials(scene, tally):
        sweep, prepared = drawn.sweep(), drawn.prepared()
        tally.control = _shown_control(drawn, sweep)
        with begun(prepared, ["-m", _ENDINGS, "waits_elsewhere", str(prepared), *drawn.life]) as child:
            workers = ready(child)
            drawn.count(tally, processes.shown(sweep, child.pid), "shown of a process with a persona awake")
            for worker in workers:
                drawn.count(tally, processes.shown(sweep, worker), "shown of a persona's worker")
            drawn.count(tally, sweep.paths([prepared]), "while personas are awake, here and in workers")
            child.send_signal(signal.SIGTERM)
            child.wait(LONGEST)
        drawn.count(tally, sweep.paths([prepared]), "after a session was terminated")


def _shown_control(drawn: _Planted, sweep: Sweep) -> Control:
    folder = drawn.folder("control")
    file = folder / "file"
    file.write_text(drawn.said[2])
    with begun(folder, ["-c", _HOLDS_ALL, drawn.said[0], str(file)], more={"QUERY": drawn.said[1]}) as child:
        ready(child)
        found = processes.shown(sweep, child.pid).sentences & {0, 1, 2}
    return Control("sentences as an argument, in the environment, and in a deleted file", 3, len(found))


def memory(scene: Scene, tally: Tally) -> None:
    """What of one persona is in the memory of processes in which it was never awake."""
    _needs_posix()
    if not processes.MEMORY_IS_SHOWN:
        raise Skipped("this system shows no process's memory; it is looked at on Linux only")
    for drawn in _trials(scene, tally):
        sweep = Sweep(drawn.said, stores.EMBEDDER)
        prepared = drawn.prepared()
        another = ("--seed", f"{drawn.seed}/another", "--count", str(len(drawn.said)))
        works = {
            "own": ("waits", *drawn.life),
            "awake": ("waits", *another, "--awake", "outer"),
            "open": ("waits", *another, "--awake", "nobody"),
            "workers": ("waits_elsewhere", *drawn.life),
        }
        if scene.deep:
            works["asleep"] = ("waits_asleep", *drawn.life)
        with _awake(drawn, prepared, works) as (children, workers):
            seen = {name: processes.memory(sweep, child.pid) for name, child in children.items() if name != "workers"}
            beside = processes.memories(sweep, workers["workers"])
        for name, whose in (("awake", "another persona awake"), ("open", "the house open and nobody awake")):
            drawn.count(tally, seen[name], f"in the memory of a process with {whose}")
        own, held = len(seen["own"].sentences), "the memory of the process in which the persona is awake"
        if beside is None:
            tally.note = "A worker's memory is closed to this user, as it should be, and so was not looked at."
            tally.control = Control(held, len(drawn.said), own)
        else:
            drawn.count(tally, beside[1], "in the memory of a worker of another persona of the same program")
            everything = own + len(beside[0].sentences)
            tally.control = Control(f"{held}, and that of its worker", 2 * len(drawn.said), everything)
        if "asleep" in seen:
            tally.note += " " * bool(tally.note) + (
                f"Where the persona had fallen asleep, {len(seen['asleep'].sentences)} of {len(drawn.said)} sentences "
                "were still in memory that was free and not used again; they go when the process ends."
            )


@contextmanager
def _awake(
    drawn: _Planted, prepared: Path, works: Mapping[str, Sequence[str]]
) -> Iterator[tuple[dict[str, subprocess.Popen[str]], dict[str, Sequence[int]]]]:
    """Processes on copies of one store, all of them ready, and their workers."""
    with ExitStack() as last:
        children = {}
        for name, (ending, *life) in works.items():
            folder = drawn.folder(name)
            shutil.copytree(prepared / "store", folder / "store")
            command = ["-m", _ENDINGS, ending, str(folder), *life]
            children[name] = last.enter_context(begun(folder, command))
        yield children, {name: ready(child) for name, child in children.items()}


def core_dumps(scene: Scene, tally: Tally) -> None:
    """What the kernel leaves of a command that it ends in the middle of recall."""
    if sys.platform != "linux":
        raise Skipped("core dumps are looked for on Linux only")
    for drawn in _trials(scene, tally):
        sweep = Sweep(drawn.said, bundled())
        prepared = drawn.folder("prepared")
        dumps.prepare(prepared, drawn.said)
        tally.control = _dumped_control(drawn, sweep, prepared)
        for number, name in enumerate(dumps.FATAL):
            if number and not scene.more(tally):
                break
            with dumps.recalling(prepared, drawn.said[0]) as child:
                drawn.count(tally, processes.shown(sweep, child.pid), "shown of a command that recalls")
                allowed = dumps.may_dump(child.pid)
                ended = dumps.death(child, name, prepared)
            if ended.signal != signal.Signals[name]:
                tally.failed = f"{name} did not end the command"
                return
            if allowed or ended.dumped:
                tally.broke(f"a command that {name} ended may leave a core dump (seed {scene.seed})")
            drawn.count(tally, sweep.paths([prepared]), f"after {name} ended a command")


def _dumped_control(drawn: _Planted, sweep: Sweep, prepared: Path) -> Control:
    folder = drawn.folder("control")
    shutil.copytree(prepared / "store", folder / "store")
    with dumps.recalling(folder, drawn.said[0], defended=False) as child:
        what = "a core dump of the same command, with core dumps on"
        if not dumps.kernel_dumps_here():
            what = "a copy of the memory of the same command, as a core dump would be"
            processes.dump(child.pid, folder / "core")
        shutil.rmtree(folder / "store")
        dumps.death(child, "SIGABRT" if dumps.kernel_dumps_here() else "SIGKILL", folder)
    found = sweep.paths([folder]).sentences
    return Control(what, len(drawn.said), len(found))


def _needs_posix() -> None:
    if sys.platform == "win32":
        raise Skipped("sessions are ended by signals, limits and forks, which Windows has not")


_ADVICE = "Report it, with this seed and version: Severance writes nothing in the clear. Delete what is named above."

PARTS = (
    Part(
        name="residue.files",
        title="Planted sentences in the store, journals, temporary files, logs and output, however a session ends",
        promise="P3",
        unit="ways in which a session or a command ends, and temporary folders, each with everything planted",
        least=_LEAST_WAYS,
        advice=_ADVICE,
        run=files,
        not_covered=("What is deleted is looked for in files, and not in the free blocks of a disk beneath them.",),
    ),
    Part(
        name="residue.processes",
        title="Planted sentences in arguments, environment, deleted but open files and journals of an awake persona, "
        "here and in a worker",
        promise="P3",
        unit=_UNIT,
        advice=_ADVICE,
        run=shows,
        share=0.5,
    ),
    Part(
        name="residue.memory",
        title="One persona's planted sentences in the memory of processes in which it was never awake",
        promise="P3",
        unit=_UNIT,
        advice=_ADVICE,
        run=memory,
        share=0.5,
        not_covered=(
            "A process in which a persona was awake keeps what it held until it ends or uses the memory again.",
            "Swap and hibernation are not looked at.",
        ),
    ),
    Part(
        name="residue.dumps",
        title="Planted sentences in what the kernel leaves of a command that is killed in the middle of recall",
        promise="P3",
        unit=_UNIT,
        advice="Switch core dumps off where it runs (`ulimit -c 0`), and report it with this seed and version.",
        run=core_dumps,
        share=0.5,
        not_covered=(
            "A program that uses the library has to switch core dumps off itself; the threat model says how.",
        ),
    ),
)
"""In the order in which they are tried."""
