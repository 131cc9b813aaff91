"""Alarms on standard error: for the owner's commands only, since a persona's reader could be anybody."""

from __future__ import annotations

import logging
import sys

from severance.cli import screen

_LOGGER = logging.getLogger("severance.alarms")


class _Aloud(logging.Handler):
    """One line for each, after `severance: `."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, where there is anything to write to."""
        if sys.stderr is not None:
            sys.stderr.write(f"severance: {screen.on_one_line(record.getMessage())}\n")


_ALOUD = _Aloud()


def aloud() -> None:
    """Show alarms from now on."""
    _LOGGER.addHandler(_ALOUD)


def quiet() -> None:
    """Show them no more."""
    _LOGGER.removeHandler(_ALOUD)
