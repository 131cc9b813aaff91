"""Who is in the scratch house of a trace, and where they wake."""

from __future__ import annotations

from collections.abc import Mapping

Who = tuple[str, str]
"""Subject and persona."""

WORLD: Mapping[str, tuple[str, ...]] = {"mark": ("innie", "outie"), "helly": ("innie",), "Mark": ("Innie",)}
"""Two have a persona of one name, and one differs from another in nothing but capital letters."""

PLACES: Mapping[str, Mapping[str, str]] = {
    "floor": {"mark": "innie", "helly": "innie", "Mark": "Innie"},
    "home": {"mark": "outie"},
}

EVERYONE: tuple[Who, ...] = tuple((subject, name) for subject, names in WORLD.items() for name in names)
PLACE_NAMES = (*PLACES, "stairwell", "nowhere")


def name_of(who: Who | None) -> str:
    """A persona in words; None is the owner."""
    return "the owner" if who is None else "/".join(who)
