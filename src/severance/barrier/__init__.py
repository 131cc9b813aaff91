"""The barrier, and the tests of it that ship: so far, the sweep for anything left in the clear."""

from __future__ import annotations

from severance.barrier.control import write_control
from severance.barrier.needles import ENCODINGS, encodings
from severance.barrier.residue import Hit, Report, Sweep, sweep

__all__ = ["ENCODINGS", "Hit", "Report", "Sweep", "encodings", "sweep", "write_control"]
