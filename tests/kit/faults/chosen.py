"""Faults against P8, and limits that do not hold."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np

from kit import checks
from kit.faults.table import Patch, fault
from severance import Session, drafts
from severance.crypto.envelope import Sealer
from severance.mind import Mind


@fault(checks.the_same_bytes)
def a_nonce_comes_from_the_system(patch: Patch) -> None:
    true = Sealer.__init__

    class System:
        def draw(self, size: int, scope: bytes) -> bytes:
            return os.urandom(size)

    patch.setattr(Sealer, "__init__", lambda self, key, entropy: true(self, key, System()))


@fault(checks.the_same_bytes)
def an_id_comes_from_the_system(patch: Patch) -> None:
    patch.setattr("severance.writing._raw", lambda memory: os.urandom(15))


@fault(checks.the_same_bytes)
def scores_have_noise(patch: Patch) -> None:
    true, noise = Mind.recall, np.random.default_rng()
    patch.setattr(
        Mind,
        "recall",
        lambda self, *given, **how: [
            replace(hit, score=hit.score + noise.random()) for hit in true(self, *given, **how)
        ],
    )


@fault(checks.the_same_bytes)
def the_day_of_a_record_is_the_machine_s(patch: Patch) -> None:
    patch.setattr("severance.barrier.traces.ports.StillClock.now", lambda self: time.time_ns() // 1000)


@fault(checks.limits_hold)
def a_text_may_be_of_any_length(patch: Patch) -> None:
    patch.setattr("severance.drafts.MAX_TEXT_BYTES", 2**30)


@fault(checks.limits_hold)
def a_batch_is_kept_until_the_first_bad_one(patch: Patch) -> None:
    def remember_many(self: Session, items: Any) -> Any:
        return [self._remember([drafts.draft_of(item)])[0] for item in items]

    patch.setattr(Session, "remember_many", remember_many)
