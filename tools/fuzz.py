"""Fuzz the decoders, guided by coverage (`make fuzz`); docs/design/fuzzing.md says what is fuzzed and what must hold.

    PYTHONPATH=tests python tools/fuzz.py [--target NAME,...] [--executions N] [--jobs 1] [--seed 1] [--report FILE]

Each target runs in a process of its own, with a share of the executions by its weight. First comes the control: a
decoder with a planted fault, which has to be found. Ctrl-C ends early, with a report of what was done until then. Exit
status 1 when something was found, or the control was not; `--engine plain` needs nothing installed and is not guided.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event

from fuzzing.engine import Finding, minimised
from fuzzing.planted import PLANTED
from fuzzing.table import EVERY, TARGETS, shares
from fuzzing.target import Target
from fuzzing.worker import State, finding, written

MEMORY = Path("/dev/shm")  # noqa: S108 - where inputs leave no trace on a disk
HANG_SECONDS = 10
MEMORY_MB = 2_048
RESTARTS = 5
CONTROL_EXECUTIONS = {"atheris": 100_000, "plain": 20_000}
_COVERAGE = re.compile(rb"cov: (\d+) ft: (\d+) corp: (\d+)")
_ARTIFACTS = {"timeout": "hang", "oom": "memory", "crash": "crash", "leak": "memory"}


@dataclass(slots=True)
class Result:
    """How one target went.

    Attributes:
        asked, executions: how many inputs it was to run, and has run.
        seconds: how long that took, starting included.
        edges, features, corpus: what libFuzzer said last: places reached, ways of reaching them, inputs kept.
        slowest: the most processor seconds that one input took.
        restarts: how often the process ended before its time.
        ended: why it ended early; empty when it did not.
    """

    target: str
    decoder: str
    asked: int
    executions: int = 0
    seconds: float = 0.0
    edges: int = 0
    features: int = 0
    corpus: int = 0
    slowest: float = 0.0
    restarts: int = 0
    ended: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def line(self) -> str:
        """One line of a table."""
        rate = self.executions / max(self.seconds, 1e-9)
        figures = f"{self.executions:>11,} {self.seconds:>7,.0f} {rate:>8,.0f} {self.edges:>6,} {self.features:>7,}"
        return f"{self.target:<18}{figures} {self.corpus:>6,} {self.slowest:>8.3f} {len(self.findings):>6}"


HEADING = (
    f"{'target':<18}{'executions':>11} {'seconds':>7} {'a second':>8} {'edges':>6} {'features':>7} {'corpus':>6} "
    f"{'slowest':>8} {'faults':>6}"
)


def main() -> int:
    """Run it; 1 when there was a fault or the control was not found, 130 when it was interrupted."""
    given = arguments()
    names = [PLANTED.name] if given.control else list(TARGETS) if given.target == "all" else given.target.split(",")
    unknown = sorted(set(names) - set(EVERY))
    if unknown:
        sys.exit(f"there is no target {unknown[0]!r}; there are {', '.join(EVERY)}")
    started, stop = time.monotonic(), Event()
    # Not by KeyboardInterrupt: one that comes just before the wait for a lock is not raised until the lock is free.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        run = Run(given, Path(scratch), stop)
        control = run.target(PLANTED, CONTROL_EXECUTIONS[given.engine])
        found = bool(control.findings)
        say(f"the control was {'found' if found else 'NOT found'} in {control.executions:,} executions")
        asked = {} if given.control else shares(names, given.executions)
        results = run.every(asked)
    faults = [each for result in results for each in result.findings]
    total = sum(result.executions for result in results)
    say(f"{total:,} executions of {len(results)} targets in {time.monotonic() - started:,.0f} s; {len(faults)} faults")
    if given.report:
        about = {"engine": given.engine, "seed": given.seed, "asked": given.executions, "executions": total}
        ending = {"seconds": round(time.monotonic() - started, 1), "interrupted": stop.is_set(), "control_found": found}
        report = {**about, **ending, "targets": [shape(result) for result in results]}
        Path(given.report).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if stop.is_set():
        return 130
    return 1 if faults or not found else 0


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", default="all", metavar="NAME,...", help="which targets (default: all)")
    parser.add_argument("--executions", type=int, default=100_000, metavar="N", help="of all targets together")
    parser.add_argument("--jobs", type=int, default=1, help="how many targets at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("atheris", "plain"), default="atheris")
    parser.add_argument("--report", metavar="FILE", help="write what was done and found as JSON")
    parser.add_argument(
        "--corpus", metavar="FOLDER", help="where inputs that reach something new are kept and come from"
    )
    parser.add_argument("--control", action="store_true", help="run nothing but the control")
    return parser.parse_args()


def shape(result: Result) -> dict[str, object]:
    """A result as JSON."""
    fields = asdict(result)
    return {**fields, "findings": [json.loads(written(found)) for found in result.findings]}


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what was asked for, where it works, and whether to stop."""

    given: argparse.Namespace
    scratch: Path
    stop: Event

    def every(self, asked: dict[str, int]) -> list[Result]:
        """The results of all targets that were begun before somebody interrupted."""
        results: list[Result] = []
        with ThreadPoolExecutor(self.given.jobs) as pool:
            begun = [pool.submit(self.target, EVERY[name], executions) for name, executions in asked.items()]
            say(HEADING)
            for each in begun:
                while not each.done() and not each.cancelled():
                    wait([each], timeout=0.2)
                    if self.stop.is_set():
                        each.cancel()
                if not each.cancelled():
                    results.append(each.result())
                    say(results[-1].line)
        return results

    def target(self, target: Target, asked: int) -> Result:
        """Run one target to its end, starting it again where something ends it before."""
        folder, started = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=self.scratch)), time.monotonic()
        result, state = Result(target.name, target.decoder, asked), State(folder)
        while result.executions < asked and result.restarts <= RESTARTS and not self.stop.is_set():
            before = result.executions
            status = self._process(target, folder, asked - before, result)
            result.executions, result.slowest = state.read()
            artifacts = list(_artifacts(target, folder))
            result.findings += artifacts
            if result.executions >= asked or self.stop.is_set():
                break
            if result.executions == before and not artifacts:
                result.ended = f"the process ended with status {status}: {last_words(folder)}"
                result.findings.append(Finding(target.name, "crash", "", result.ended, b""))
                break
            result.restarts += 1
        result.seconds = round(time.monotonic() - started, 1)
        result.findings += [minimised(target, found) if found.kind != "hang" else found for found in _written(folder)]
        self._keep_corpus(target, folder)
        return result

    def _process(self, target: Target, folder: Path, left: int, result: Result) -> int:
        seed = str(self.given.seed + result.restarts)
        if self.given.engine == "plain":
            command = ["fuzzing.worker", target.name, str(left), seed, str(folder)]
        else:
            command = ["fuzzing.guided", target.name, str(folder), *self._flags(target, folder, left, seed)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.PIPE,  # it ends with this, so when this process does
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "FUZZ_FOLDER": str(folder)},
            )
            with process:
                self._watch(process, target, State(folder))
        for found in _COVERAGE.findall((folder / "log").read_bytes())[-1:]:
            result.edges, result.features, result.corpus = map(int, found)
        return process.returncode

    def _watch(self, child: subprocess.Popen[bytes], target: Target, state: State) -> None:
        told, heard, executions = time.monotonic(), time.monotonic(), 0
        while child.poll() is None:
            time.sleep(0.1)
            now = time.monotonic()
            if state.read()[0] != executions:
                executions, heard = state.read()[0], now
            if now - told > 30:
                told = now
                say(f"  {target.name}: {executions:,}")
            # libFuzzer's own alarm comes first where it can; it cannot while one call of C goes on.
            if self.stop.is_set() or now - heard > 6 * HANG_SECONDS:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def _flags(self, target: Target, folder: Path, left: int, seed: str) -> list[str]:
        corpus, words = folder / "corpus", folder / "words"
        if not corpus.exists():
            corpus.mkdir()
            kept = self._kept(target)
            for number, data in enumerate([*target.seeds(), *kept]):
                (corpus / f"seed-{number}").write_bytes(data[: target.longest])
        # libFuzzer refuses a dictionary without words.
        words.write_text("".join(f'"{_escaped(token)}"\n' for token in target.tokens or (b"\0",)))
        flags = {
            "runs": left,
            "max_len": target.longest,
            "seed": seed,
            "timeout": HANG_SECONDS,
            "rss_limit_mb": MEMORY_MB,
            "artifact_prefix": f"{folder}/",
            "dict": words,
            "print_final_stats": 1,
        }
        return [*(f"-{name}={value}" for name, value in flags.items()), str(corpus)]

    def _kept(self, target: Target) -> list[bytes]:
        folder = Path(self.given.corpus or os.devnull, target.name)
        return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []

    def _keep_corpus(self, target: Target, folder: Path) -> None:
        if self.given.corpus and (folder / "corpus").is_dir():
            kept = Path(self.given.corpus, target.name)
            kept.mkdir(parents=True, exist_ok=True)
            for path in (folder / "corpus").iterdir():
                if not path.name.startswith("seed-"):
                    (kept / path.name).write_bytes(path.read_bytes())


def _written(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob("found-*.json")):
        yield finding(path.read_text())


def _artifacts(target: Target, folder: Path) -> Iterator[Finding]:
    """What libFuzzer left; taken away, so that it is told once."""
    for path in sorted(folder.iterdir()):
        kind = _ARTIFACTS.get(path.name.partition("-")[0])
        if kind is not None:
            data = path.read_bytes()
            yield Finding(target.name, kind, "", f"{len(data):,} bytes", data)
            path.unlink()


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def last_words(folder: Path) -> str:
    """The last line that a process wrote."""
    lines = (folder / "log").read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "nothing"


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
