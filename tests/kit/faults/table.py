"""The table of seeded faults: a name, the patch, and what must notice it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kit.checks import Check

Patch = pytest.MonkeyPatch
Work = Callable[[Patch], None]


@dataclass(frozen=True)
class Fault:
    """One fault: the function that patches it in, and the check, or part of the barrier, that must notice it."""

    name: str
    work: Work
    check: Check


FAULTS: dict[str, Fault] = {}


def fault(check: Check) -> Callable[[Work], Work]:
    """Put a fault in the table, under the name of the function, with what must notice it."""

    def register(work: Work) -> Work:
        assert work.__name__ not in FAULTS, "two faults of one name"
        FAULTS[work.__name__] = Fault(work.__name__, work, check)
        return work

    return register
