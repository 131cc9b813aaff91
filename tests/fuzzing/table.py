"""All targets by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fuzzing import chips, envelopes, exports, importers, keys, logs, overrides, residents, stores, texts, thresholds
from fuzzing.planted import PLANTED
from fuzzing.target import Target

_MODULES = (envelopes, logs, chips, stores, importers, exports, keys, texts, thresholds, overrides, residents)

TARGETS: Mapping[str, Target] = MappingProxyType(
    {target.name: target for module in _MODULES for target in module.TARGETS}
)
"""What `--target all` runs."""

EVERY: Mapping[str, Target] = MappingProxyType({**TARGETS, PLANTED.name: PLANTED})
"""Those, and the control."""


def shares(names: list[str], executions: int) -> dict[str, int]:
    """How many executions each target gets, by weight; exactly so many in all, and at least one each."""
    total = sum(EVERY[name].weight for name in names)
    given = {name: max(1, int(executions * EVERY[name].weight / total)) for name in names}
    most = max(given, key=lambda name: given[name])
    given[most] = max(1, given[most] + executions - sum(given.values()))
    return given
