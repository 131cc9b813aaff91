"""`python -m severance.tour [--data FILE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from severance.errors import InputError
from severance.tour import run

UNUSABLE = 2
INTERRUPTED = 130


def main() -> int:
    """Run the tour with the arguments of this process; returns the exit code."""
    parser = argparse.ArgumentParser("severance.tour", description="What Severance does, in a minute.")
    parser.add_argument("--data", metavar="FILE", type=Path, help="a LoCoMo file to show it with instead of the story")
    try:
        return run(parser.parse_args().data, Console(highlight=False))
    except InputError as problem:
        sys.stderr.write(f"severance.tour: {problem}\n")
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
