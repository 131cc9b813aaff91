"""Fail every operation on files, one at a time, and look what is left (`make iofaults`): see tests/crash/faults.py.

PYTHONPATH=tests python tools/iofaults.py [--stories 50] [--jobs 1] [--seed 1] [--report FILE]
"""

from __future__ import annotations

import sys

from crash.inquiry import main

if __name__ == "__main__":
    sys.exit(main())
