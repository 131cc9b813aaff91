"""Names for files that are put aside and not thrown away."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from severance.errors import StoreError

_MOST = 10_000


def free_suffix(directory: Path, names: Iterable[str], first: str) -> str:
    """What can be added to all these names without meeting a file that is there: `first`, or it with a number.

    One for all of them, so that what belongs together can be told.

    Raises:
        StoreError: so many were put aside before that none is free.
    """
    names = list(names)
    for suffix in (first, *(f"{first}-{number}" for number in range(2, _MOST))):
        if not any((directory / f"{name}{suffix}").exists() for name in names):
            return suffix
    raise StoreError(f"there are {_MOST:,} files with {first} in their names in {directory}; remove some")
