"""A persona awake in a process of its own: freshly executed, with one key, shut off from everything else.

The parent's side is `away`, `child` and `pipes`; the worker's side is `serve`, `confine` and `syscalls`. Between them
go the messages of `messages`. See docs/design/worker.md.
"""

from __future__ import annotations

from severance.worker.confine import Confinement, confined

__all__ = ["Confinement", "confined"]
