"""A house that is up: a process that keeps a store open, and lets others in through a socket.

The house's side is `resident`, `relay` and `watch`; a program's is `client`. Both speak the messages of `messages`
through a `line`, at the `address` of the store. `units` has the system start a house. See docs/design/resident.md.
"""

from __future__ import annotations
