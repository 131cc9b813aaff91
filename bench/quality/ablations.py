"""What each ingredient of the ranking is worth: its weight set to zero, all else as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from severance.mind.ranking import WEIGHTS, Weights

_INGREDIENTS: dict[str, dict[str, Any]] = {
    "meaning": {"meaning": 0.0},
    "sources": {"source": 0.0},
    "names at full weight": {"name": 1.0},
    "dates": {"date": 0.0},
    "neighbours": {"before": 0.0, "after": 0.0, "two_away": 0.0},
    "answers after questions": {"asks": 0.0},
    "the thread as a whole": {"best": 0.0, "topic": 0.0},
    "copies behind, newest first": {"arranged": 0},
}


def ablations(weights: Weights = WEIGHTS) -> dict[str, Weights]:
    """What is left out, and the weights without it."""
    return {name: replace(weights, **changes) for name, changes in _INGREDIENTS.items()}
