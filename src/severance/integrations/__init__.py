"""Adapters: the memory of other people's frameworks, kept by one awake persona.

One file for each framework, and each is given a `severance.Session`; nothing here takes the name of a persona. The
framework is imported in its adapter's file and nowhere else, so `import severance` needs none of them. `frame` has what
they share: how a missing framework is told, and which errors a model can mend.
"""

from __future__ import annotations
