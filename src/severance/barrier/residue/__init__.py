"""Residue (P3): planted sentences, looked for in every byte that a session leaves behind."""

from __future__ import annotations

from severance.barrier.residue.control import write_control
from severance.barrier.residue.needles import ENCODINGS, encodings
from severance.barrier.residue.processes import shown
from severance.barrier.residue.sweep import Hit, Report, Sweep, sweep

__all__ = ["ENCODINGS", "Hit", "Report", "Sweep", "encodings", "shown", "sweep", "write_control"]
