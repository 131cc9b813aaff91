"""The entry point. It imports next to nothing itself, so that Ctrl-C is heard from the first moment."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run `severance` with the arguments of this process, and exit."""
    try:
        import_module("severance.system").no_core_dumps()  # before any key or memory is read
        # Asked to end, it ends as after an error: half-written exports are removed, and sessions fall asleep.
        signal.signal(signal.SIGTERM, _end)
        import_module("severance.cli.app").run()
    except KeyboardInterrupt:
        sys.stderr.write("severance: interrupted\n")
        sys.exit(_INTERRUPTED)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
