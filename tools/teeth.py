"""Run every seeded fault against what must notice it, each in a process of its own, and print the table (`make teeth`).

python tools/teeth.py [--jobs N] [--json FILE] [NAME ...]

First every check runs without a fault, where it has to pass. The exit code is 1 when a fault survived, or when a check
failed without one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from kit import checks
from kit.faults import FAULTS
from severance import SeveranceError
from severance.barrier.children import end_with_parent
from severance.barrier.traces.ports import MEMORY

LONGEST = 120.0
"""Seconds; what is not over by then is ended, and has noticed nothing."""


@dataclass(frozen=True)
class Tried:
    """One check, with a fault or (where `fault` is empty) without.

    Attributes:
        fault: its name.
        check: what had to notice it.
        noticed: whether it failed, which it must with a fault and must not without.
        seconds: how long it took in its process.
        said: the first line of how it failed, or what kept it from an answer.
    """

    fault: str
    check: str
    noticed: bool
    seconds: float
    said: str

    @property
    def right(self) -> bool:
        """Whether this is as it has to be."""
        return self.noticed == bool(self.fault)


def attempt(check: str, fault: str, answer: Connection) -> None:
    """Run one, in this process, and send what came of it."""
    end_with_parent()
    warnings.simplefilter("ignore")
    by_name = {one.__name__: one for one in checks.CHECKS}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, pytest.MonkeyPatch.context() as patch:
        if fault:
            FAULTS[fault].work(patch)
        noticed, said = False, ""
        try:
            by_name[check](Path(folder))
        except (AssertionError, SeveranceError) as error:
            noticed, said = True, f"{type(error).__name__}: {error}".splitlines()[0]
        seconds = time.perf_counter() - begun
    answer.send(Tried(fault, check, noticed, seconds, said))


def tried(check: str, fault: str = "") -> Tried:
    """Run one in a process of its own."""
    answers, answer = multiprocessing.Pipe(duplex=False)
    begun = time.perf_counter()
    child = multiprocessing.get_context("spawn").Process(target=attempt, args=(check, fault, answer))
    child.start()
    answer.close()
    try:
        if answers.poll(LONGEST):
            return answers.recv()
        said = f"did not end within {LONGEST:.0f} seconds"
    except EOFError:
        said = "its process ended without an answer"
    finally:
        child.kill()
        child.join()
    return Tried(fault, check, bool(not fault), time.perf_counter() - begun, said)


def told(results: Sequence[Tried]) -> str:
    """The table, and what it comes to."""
    faults = [one for one in results if one.fault]
    lines = [f"{'seeded fault':<72}  {'noticed by':<44}  seconds"]
    lines += [
        f"{one.fault:<72}  {one.check if one.noticed else 'NOBODY (' + one.check + ')':<44}  {one.seconds:7.2f}"
        for one in sorted(faults, key=lambda one: (one.check, one.fault))
    ]
    wrong = [one for one in results if not one.right]
    sound = [one for one in results if not one.fault]
    if sound:
        lines.append(f"\nWithout a fault {sum(one.right for one in sound)} of {len(sound)} checks pass.")
    seconds = [one.seconds for one in faults]
    lines.append(
        f"{sum(one.noticed for one in faults)} of {len(faults)} faults are noticed; "
        f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s."
    )
    lines += [f"WRONG: {one.fault or 'no fault'}, {one.check}: {one.said or 'passed'}" for one in wrong]
    return "\n".join(lines)


def main() -> int:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these faults only; without any, all of them")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes at once")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here as well")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in FAULTS]
    if unknown:
        parser.error(f"there is no fault {unknown[0]!r}")
    pairs = [] if given.names else [(check.__name__, "") for check in checks.CHECKS]
    pairs += [(FAULTS[name].check.__name__, name) for name in given.names or FAULTS]
    with ThreadPoolExecutor(max(1, given.jobs)) as pool:
        results = list(pool.map(lambda pair: tried(*pair), pairs))
    sys.stdout.write(told(results) + "\n")
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n", "utf-8")
    return 0 if all(one.right for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
