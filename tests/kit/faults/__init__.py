"""Seeded faults: each breaks a promise on purpose, and a part of the barrier, or a check, must then fail.

A fault is a function that patches, decorated with what must notice it: `@fault(checks.DOORS)`. To add one, write it in
the module of its promise. `promises/test_teeth.py` runs them all, and so does `make teeth`, which prints the table.
"""

from __future__ import annotations

from kit.faults import (  # noqa: F401 - they fill it
    adapters,
    alarms,
    answered,
    asked,
    captured,
    chosen,
    clear,
    cut,
    door,
    doors,
    ended,
    frames,
    log,
    logged,
    override,
    owner,
    resident,
    routed,
    sealed,
    shared,
    spoken,
    thresholds,
    traced,
    worker,
)
from kit.faults.table import FAULTS, Fault, Patch

__all__ = ["FAULTS", "Fault", "Patch"]
