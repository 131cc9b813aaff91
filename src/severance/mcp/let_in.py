"""Bearers that were let in: others wait apart from them, and all that weakening makes of one permit counts as one."""

from __future__ import annotations

from collections import OrderedDict

from severance.chip.bearers import root_of

MOST_ROOTS = 1_024
"""Permits, credentials and tokens that are known, the latest."""
MOST_EACH = 64
"""Texts of one of them, as weakening makes them, the latest."""


class LetIn:
    """Hashes of bearers that a house has let in, each with the root of its text. For one event loop."""

    def __init__(self) -> None:
        self._roots: dict[bytes, bytes] = {}
        self._texts: OrderedDict[bytes, OrderedDict[bytes, None]] = OrderedDict()

    def __contains__(self, hashed: bytes) -> bool:
        return hashed in self._roots

    def counted(self, hashed: bytes) -> bytes:
        """By what to count a bearer: by its root where it was let in, which whoever made it up does not share."""
        return self._roots.get(hashed, hashed)

    def add(self, bearer: str, hashed: bytes) -> bytes:
        """This bearer has been let in. Returns its root."""
        root = root_of(bearer)
        texts = self._texts.setdefault(root, OrderedDict())
        self._texts.move_to_end(root)
        self._roots[hashed] = root
        texts[hashed] = None
        texts.move_to_end(hashed)
        if len(texts) > MOST_EACH:
            del self._roots[texts.popitem(last=False)[0]]
        if len(self._texts) > MOST_ROOTS:
            for each in self._texts.popitem(last=False)[1]:
                del self._roots[each]
        return root
