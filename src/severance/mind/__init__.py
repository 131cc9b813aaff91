"""What a persona's space becomes while awake: plaintext and indexes, in memory only."""

from __future__ import annotations

from severance.mind.echoes import Heard
from severance.mind.mind import Mind

__all__ = ["Heard", "Mind"]
