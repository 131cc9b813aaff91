"""A server, for tests: `python server_up.py STORE LIMITS`, the second as JSON. Says its address when it listens."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from severance.resident.client import ResidentHouse
from severance.server.limits import Limits
from severance.server.listening import Address, listener
from severance.server.parts import Outside
from severance.server.serving import serve
from severance.system import allow_files, no_core_dumps

TOKEN = "token-for-the-metrics"


def main() -> None:
    no_core_dumps()
    limits = Limits(**json.loads(sys.argv[2]))
    allow_files(2 * limits.connections + 512)
    outside = Outside(
        ResidentHouse(Path(sys.argv[1])),
        limits,
        names=frozenset({"memory.example"}),
        metrics_token=TOKEN,
        log=lambda line: print(line, file=sys.stderr, flush=True),
    )
    with listener(Address("127.0.0.1", 0)) as opened:
        serve(outside, opened, ready=lambda: print(opened.getsockname()[1], flush=True))


if __name__ == "__main__":
    main()
