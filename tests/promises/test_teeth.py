"""The test of the test: every seeded fault is noticed, and without a fault nothing is.

`make teeth` runs the same in processes of their own, and prints the table.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import checks
from kit.checks import Check
from kit.faults import FAULTS, Patch
from severance import SeveranceError


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_without_a_fault_the_check_passes(check: Check, folder: Path) -> None:
    check(folder)


# A vault that a fault has made fall over may leave a file open; that is not what is looked for here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_noticed(name: str, folder: Path, monkeypatch: Patch) -> None:
    fault = FAULTS[name]
    with monkeypatch.context() as patch:
        fault.work(patch)
        # A check may also stumble over what the fault did; a mistake in the fault itself is another kind of error.
        with pytest.raises((AssertionError, SeveranceError)):
            fault.check(folder)


def test_every_fault_is_noticed_by_a_check_that_passes_without_it() -> None:
    assert {fault.check for fault in FAULTS.values()} <= set(checks.CHECKS)
    assert len(FAULTS) >= 60
