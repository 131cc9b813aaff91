"""The way in for somebody with one big memory that was never divided: which persona does each memory belong to?

`propose` says so for everything in some files, or in one persona, by rules and a few examples of the owner's, and moves
nothing. The proposal is a plan (`plan.read`, `plan.write`): a file that the owner reads and changes. `carry_out` does
what a plan says. All of it is for the owner, who has the root key: no session reaches any of it.
"""

from __future__ import annotations

from severance.routing.applying import Carried, carry_out
from severance.routing.guide import Guide
from severance.routing.plan import Decision, Plan
from severance.routing.proposing import Proposal, propose
from severance.routing.sources import Files, Remembered

__all__ = ["Carried", "Decision", "Files", "Guide", "Plan", "Proposal", "Remembered", "carry_out", "propose"]
