"""A house that is up, for tests: `python house_up.py STORE HABITS`, the second as JSON. Says `up` when it listens."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import severance
from severance.embed import Hashing
from severance.resident.resident import Habits, Resident
from severance.system import no_core_dumps

KEY = bytes(range(32))


def main() -> None:
    no_core_dumps()
    directory, habits = Path(sys.argv[1]), json.loads(sys.argv[2])
    locked = habits.pop("locked", False)

    def opened(key: bytes | None) -> severance.House:
        return severance.open(directory, key=key or KEY, create=False, embedder=Hashing(16))

    resident = Resident(directory, opened, Habits(**habits))
    if not locked:
        resident.open()
    resident.start()
    sys.stdout.write("up\n")
    sys.stdout.flush()
    resident.wait(600)
    resident.stop()


if __name__ == "__main__":
    main()
