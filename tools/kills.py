"""Kill writers at random instants and look what is left (`make kills`): see severance.barrier.endurance.kills.

python tools/kills.py [--kills 1000] [--seed N] [--where FOLDER]
"""

from __future__ import annotations

import sys

from severance.barrier.endurance.kills import main

if __name__ == "__main__":
    sys.exit(main())
