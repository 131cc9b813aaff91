"""Adapters that leak nothing, and answer an odd question otherwise than the strict toy does."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote

from severance.barrier.peers.leaky import Strict


class RefusesOddLimits(Strict):
    def search(self, tenant, query, limit):
        if not 1 <= limit <= 1_000:
            raise ValueError("a limit is between 1 and 1000")
        return super().search(tenant, query, limit)


class FiltersItsOwn(Strict):
    """An operator in a query narrows what the tenant has, and opens nothing else."""

    def search(self, tenant, query, limit):
        named = re.search(r"\bfrom:(\S+)", query)
        return [each for each in super().search(tenant, query, limit) if not named or named[1] in each.text]


class EncodesNames(Strict):
    """Makes a name of letters, digits and signs that each stand for one other sign."""

    def _own(self, tenant):
        return super()._own(quote(tenant, safe="").replace("_", "%5F").replace("%", "_"))


class HasRoomForAHundred(Strict):
    """Takes a hundred memories of each tenant, and no more."""

    def add(self, tenant, text):
        if len(self._own(tenant)) >= 100:
            raise OverflowError("there is no room")
        return super().add(tenant, text)


class HashesNamesWell(Strict):
    def _own(self, tenant):
        return super()._own(hashlib.sha256(tenant.encode()).hexdigest())
