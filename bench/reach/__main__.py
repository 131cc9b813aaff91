"""`python -m bench.reach load|soak|storm`: prints what was measured as JSON. See `--help` of each."""

from __future__ import annotations

import argparse
import asyncio
import json
import os

from bench.reach.load import loaded
from bench.reach.soak import soaked
from bench.reach.stage import stage
from bench.reach.storm import stormed
from severance.system import allow_files


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.reach")
    options.add_argument("what", choices=("load", "soak", "storm"))
    options.add_argument("--personas", type=int, default=20)
    options.add_argument("--memories", type=int, default=10_000, help="of each persona, before it begins")
    options.add_argument("--rate", type=float, default=300.0, help="recalls in a second")
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--connections", type=int, default=4, help="of each persona")
    options.add_argument("--minutes", type=float, default=60.0, help="of the soak")
    options.add_argument("--programs", type=int, default=1, help="for each persona, in the soak")
    options.add_argument("--requests", type=int, default=10_000, help="of the storm")
    asked = options.parse_args()
    allow_files(asked.requests + 1_024)
    with stage(asked.personas, asked.memories) as made:
        print(json.dumps({"load average before": os.getloadavg()}), flush=True)
        if asked.what == "load":
            told = asyncio.run(loaded(made, asked.rate, asked.seconds, asked.connections))
        elif asked.what == "soak":
            told = asyncio.run(soaked(made, asked.minutes, asked.programs))
        else:
            told = asyncio.run(stormed(made, asked.requests))
        print(json.dumps({**told, "load average after": os.getloadavg()}, indent=1))


if __name__ == "__main__":
    main()
