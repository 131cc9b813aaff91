"""A report of the barrier, for people, programs, CI and the files: the same content in four forms."""

from __future__ import annotations

from severance.barrier.reports.html import page
from severance.barrier.reports.json import document
from severance.barrier.reports.junit import suite
from severance.barrier.reports.text import show

__all__ = ["document", "is_report", "page", "show", "suite"]

_MARKS = (b"<title>Barrier: ", b'<testsuites name="severance barrier"', b'"severance_barrier":')


def is_report(first: bytes) -> bool:
    """Whether a file that begins with these bytes is a report of the barrier, in one of the forms that are written."""
    return any(mark in first for mark in _MARKS)
