"""The ten classes of leaks over several memories in one run, as a table.

    pip install -r bench/peers.txt
    python -m bench.peers.barrier --json FILE

Peers are installed for this benchmark only; those that are not are passed over, and said to be. Everything is offline.
Weaknesses of other people's software are for their maintainers first: no result of this run belongs in this project.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from severance.barrier import reports
from severance.barrier.findings import Outcome, Report
from severance.barrier.parts import against
from severance.barrier.peers.classes import LEAKS
from severance.barrier.peers.targets import KNOWN
from severance.barrier.run import Plan, perform
from severance.barrier.scratch import scratch
from severance.errors import InputError

_SECONDS = 300.0


def main() -> int:
    """Try each memory, print the table as Markdown, and write all evidence as JSON where that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.barrier", description=__doc__)
    parser.add_argument("memories", nargs="*", default=list(KNOWN), help=f"by default {', '.join(KNOWN)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for each memory, at most")
    parser.add_argument("--json", type=Path, help="where to write the reports")
    chosen = parser.parse_args()
    done: dict[str, Report] = {}
    missing: dict[str, str] = {}
    for memory in chosen.memories:
        try:
            done[memory] = tried(memory, chosen.seed, chosen.seconds)
        except InputError as error:
            missing[memory] = str(error)
    print(table(done, missing))
    if chosen.json:
        whole = {"reports": {name: reports.document(report) for name, report in done.items()}, "not tried": missing}
        chosen.json.write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    return 0


def tried(memory: str, seed: int, seconds: float) -> Report:
    """One memory in all classes. Raises `InputError` for one that is not installed."""
    parts, versions = against(memory)
    with scratch() as folder:
        plan = Plan(parts=parts, seconds=seconds, target=memory, mode="against", seed=seed, versions=versions)
        return perform(plan, folder)


def table(done: dict[str, Report], missing: dict[str, str]) -> str:
    """Markdown: a row for each class, a column for each memory, `found / tried` in the cells."""
    lines = [_row("class", *done), _row(*["---"] * (len(done) + 1))]
    for number, leak in enumerate(LEAKS):
        lines.append(_row(f"{leak.slug}: {leak.title}", *(_cell(report.outcomes[number]) for report in done.values())))
    versions = {
        name: ", ".join(f"{package} {number}" for package, number in done[name].versions.items()) for name in done
    }
    lines += ["", *(f"- {name}: {said}" for name, said in versions.items())]
    lines += [f"- {name}: not tried: {reason}" for name, reason in missing.items()]
    return "\n".join(lines)


def _cell(outcome: Outcome) -> str:
    return f"{outcome.verdict} {outcome.found} / {outcome.tried:,}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
