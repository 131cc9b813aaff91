"""What may stand in the clear in a sealed store, and how names and a control are looked for beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from severance.barrier.residue.needles import encodings, token_ids
from severance.store import AUDIT_NAME, CHIP_NAME, VAULT_NAME

if TYPE_CHECKING:
    from severance.ports import Embedder

_MOST_CHANCE = 1e-4
"""A name counts as found only if so few of its length would stand in random bytes of the store's size."""

_FEWEST_KNOWN = 4


class Names:
    """Names that are looked for as raw bytes, where they are long enough to be told from chance.

    Attributes:
        covered: how many are looked for.
        note: one sentence about those that are not, or empty.
    """

    def __init__(self, names: Iterable[str], size: int) -> None:
        """Args: the names, and how many bytes will be looked through."""
        every = sorted(set(names))
        usable = [name for name in every if size * 256.0 ** -len(name.encode()) < _MOST_CHANCE]
        self.covered, missing = len(usable), len(every) - len(usable)
        self._forms = [form for name in usable for form in (name.encode(), name.encode("utf-16-le"))]
        self.note = f"{missing} of {len(every)} names are too short to be told from chance." if missing else ""

    def offsets(self, content: bytes) -> Iterator[int]:
        """Where each of them stands first."""
        yield from (at for form in self._forms if (at := content.find(form)) >= 0)


def known_bytes(store: Path) -> list[bytes]:
    """What the format writes in the clear in a store: the layout of its tables, and in the chip where the root key
    comes from (docs/design/format.md, sections 6, 7 and 10). The longest first.
    """
    found: set[bytes] = {b"SQLite format 3\0"}
    for name in (VAULT_NAME, CHIP_NAME, AUDIT_NAME):
        if not (store / name).exists():
            continue
        with closing(sqlite3.connect(f"{(store / name).as_uri()}?mode=ro", uri=True)) as db:
            db.text_factory = bytes
            for kind, own, table, statement in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"):
                found |= {kind + own + table, statement or b""}
            if name == CHIP_NAME:
                found |= {bytes(key) + bytes(value) for key, value in db.execute("SELECT name, value FROM meta")}
    return sorted((each for each in found if len(each) >= _FEWEST_KNOWN), key=len, reverse=True)


def masked(content: bytes, known: Sequence[bytes]) -> bytes:
    """`content` with zeros where what is known to be in the clear stands."""
    for each in known:
        content = content.replace(each, bytes(len(each)))
    return content


def in_the_clear(sentences: Sequence[str], embedder: Embedder) -> dict[str, dict[int, bytes]]:
    """The sentences in each encoding as somebody would write them who seals nothing: by encoding and number. What has
    no form in an encoding, such as the tokens of three words, is left out. In memory only.
    """
    vectors = embedder.embed(sentences)
    written: dict[str, dict[int, bytes]] = {}
    for number, sentence in enumerate(sentences):
        raw = sentence.encode()
        forms = {
            "utf-8": raw,
            "utf-16": sentence.encode("utf-16-le"),
            "hex": raw.hex().encode(),
            "base64": base64.b64encode(b"x" * (number % 3) + raw),
            "zlib": zlib.compress(raw),
            "json": json.dumps({"text": sentence}).encode(),
            "vector": vectors[number].astype("<f4").tobytes(),
            "tokens": np.array(token_ids(sentence), "<u4").tobytes(),
            "digest": hashlib.sha256(raw).digest(),
        }
        for encoding, usable in encodings(sentence, embedder).items():
            if usable:
                written.setdefault(encoding, {})[number] = forms[encoding]
    return written
