"""The entry point."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from typer.main import get_command

from severance.cli.app import app


def main() -> None:
    """Run `severance` with the arguments of this process, and exit."""
    # Asked to end, it ends as after an error: half-written exports are removed, and sessions fall asleep.
    signal.signal(signal.SIGTERM, _end)
    get_command(app).main(prog_name="severance")


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
