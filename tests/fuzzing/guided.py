"""One target under atheris, which is libFuzzer for Python, in a process of its own: see `fuzzing.worker`.

`python -m fuzzing.guided NAME FOLDER [LIBFUZZER-ARGUMENTS]`. A fault that is an exception is written down and the run
goes on; only what libFuzzer alone can see (a hang, too much memory, a crash of the interpreter) ends it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["severance", "fuzzing.planted"], enable_loader_override=False):
    from fuzzing.worker import STDIN, judge_of
    from severance.barrier.children import end_with


def main(name: str, folder: str, *arguments: str) -> None:
    """Run it. Ends the process."""
    end_with(STDIN)
    judge = judge_of(name, Path(folder))

    def run(data: bytes) -> None:
        judge(data)

    atheris.Setup([sys.argv[0], *arguments], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
