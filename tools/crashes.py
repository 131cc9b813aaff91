"""Simulate power cuts and look what is left (`make crashes`): see tests/crash/simulate.py.

PYTHONPATH=tests python tools/crashes.py [--states 1000000] [--jobs 1] [--seed 1] [--report FILE]
"""

from __future__ import annotations

import sys

from crash.simulate import main

if __name__ == "__main__":
    sys.exit(main())
