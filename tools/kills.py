"""Kill writers at random instants and look what is left (`make kills`): see tests/promises/kills.py.

PYTHONPATH=tests python tools/kills.py [--kills 1000] [--seed N] [--where FOLDER]
"""

from __future__ import annotations

import sys

from promises.kills import main

if __name__ == "__main__":
    sys.exit(main())
