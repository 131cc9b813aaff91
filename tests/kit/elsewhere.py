"""A second process that uses the store of a test's house."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from kit.processes import LONGEST

_TESTS = Path(__file__).parents[1]
_BEGINNING = """
from pathlib import Path
from kit import open_house
house = open_house(Path({store!r}), create=False)
session = house.cross("mark", "floor")
"""


def in_another_process(store: Path, code: str) -> str:
    """Run this with `session`, the innie of a store that `kit.make_house` made; returns what it printed."""
    program = _BEGINNING.format(store=str(store)) + textwrap.dedent(code) + "\nhouse.close()\n"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(_TESTS), str(_TESTS.parent)))},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
