"""Delimiter collision: two names that become the same when they are joined, cut, folded, normalised or hashed.

Names that differ only by canonical equivalence (NFC and NFD) are one name here: no process should rely on telling them
apart (The Unicode Standard, chapter 3, conformance clause C6).
"""

from __future__ import annotations

from itertools import pairwise

from severance.barrier.peers.ground import Ground
from severance.barrier.peers.leak import Leak

_SIGNS = (":", "::", "/", ".", "|", "#", "-", "_", ",", ";", " ", "\\", "\0", "\x1f", "\n", "\t", "=", "&", "+", "@")
_LIKE = ("-", "_", ".", " ", "", ":", "/", "@", "+", "~", "--")
"""Signs that are one sign, or none, to somebody who makes the name of a table or of a collection."""
_HASHED_ALIKE = (
    ("plumless", "buckeroo"),  # CRC-32
    ("bdb", "cbc"),  # Adler-32
    ("costarring", "liquid"),  # FNV-1a, 32 bits
    ("ikAa", "ikBB"),  # hashCode of Java
)
"""Words of one checksum; so are names that begin with them and go on alike."""
_LONG = (32, 64, 100, 128, 255, 256, 1024)


def probe(ground: Ground) -> None:
    """Pairs of different names; each reads as itself what the other has added."""
    base, other = ground.tenants(2)
    for sign in _SIGNS:
        _joined(ground, base, sign)
    for one, two in _spellings(base) + _paths(base, other) + _lengths(base) + _hashed(base):
        _pair(ground, one, two)
    for names in _alike(base, other):
        _group(ground, names)


def _pair(ground: Ground, one: str, two: str) -> None:
    mine, yours = ground.add(one), ground.add(two)
    if mine:
        ground.reads(two, mine.text)
    if yours:
        ground.reads(one, yours.text)
    if mine and yours and ground.finds(mine):
        ground.leaves_alone(mine, "delete", two, yours.id)


def _group(ground: Ground, names: list[str]) -> None:
    """Names all of which might be one: everybody adds, and then reads as itself."""
    added = [one for one in map(ground.add, names) if one]
    for one, two in zip(added, added[1:] + added[:1], strict=True):
        ground.reads(one.tenant, two.text)
    for one, two in pairwise(added):
        if ground.finds(one):
            ground.leaves_alone(one, "delete", two.tenant, two.id)


def _joined(ground: Ground, base: str, sign: str) -> None:
    """A tenant whose name holds a sign, and the one whose name and id or query make the same once they are joined."""
    sub = "ops"
    wide = f"{base}{sign}{sub}"
    mine = ground.add(wide)
    ground.add(base)
    if not mine:
        ground.tally.held()
        return
    ground.reads(base, mine.text)
    ground.reads_own_only(base, "get", base, f"{sub}{sign}{mine.id}")
    ground.ask("search", wide, "the word", 10)  # what was found now must not be found again under another name
    ground.reads_own_only(base, "search", base, f"{sub}{sign}the word", 10)
    for name in (f"{base}{sign}", f"{sign}{base}", f"{base}{sign}{sign}{sub}", sub):
        ground.reads(name, mine.text)


def _spellings(base: str) -> list[tuple[str, str]]:
    """The same name to somebody who folds case, trims, or normalises for compatibility (NFKC)."""
    wide = "".join(chr(ord(char) + 0xFEE0) for char in base)  # full-width forms
    folded = [(base, again) for again in (base.upper(), base.capitalize(), wide, f"{base}\u200b", f"\ufeff{base}")]
    trimmed = [
        (base, again) for again in (f"{base} ", f" {base}", f"{base}\n", f"{base}\u00a0", f"{base}\0", f"'{base}'")
    ]
    letters = [(f"{base}ß", f"{base}ss"), (f"{base}ﬁ", f"{base}fi"), (f"{base}é", f"{base}e"), (f"{base}İ", f"{base}i")]
    numbers = [("17", "017"), ("17", "17.0"), ("17", "1_7"), ("1e2", "100"), ("0x11", "17"), ("True", "1")]
    return folded + trimmed + letters + numbers


def _alike(base: str, other: str) -> list[list[str]]:
    """Names with one sign in the place of another, in other letters, and at one domain or another."""
    stem, rival = base.replace("-", ""), other.replace("-", "")
    signs = [f"{stem}{sign}ops" for sign in _LIKE]
    letters = [f"{stem}-dev", f"{stem}-DEV", f"{stem.upper()}-dev", f"{stem.capitalize()}_Dev", f"{stem} Dev"]
    domain = f"{stem}.example"
    at = [f"{stem}@{domain}", f"{rival}@{domain}", f"{stem}+{rival}@{domain}", f"{stem}@mail.{domain}", domain]
    return [signs, letters, at, [f"{stem}@one.example", f"{stem}@two.example", stem]]


def _paths(base: str, other: str) -> list[tuple[str, str]]:
    """The same place to somebody who makes a path of a name."""
    names = (f"./{base}", f"{base}/.", f"{other}/../{base}", f"{base}//", f"{base}%00", f"{base}%20", f"..\\{base}")
    return [(base, name) for name in names]


def _lengths(base: str) -> list[tuple[str, str]]:
    """The same name to somebody who cuts it."""
    stems = [base + "x" * (length - len(base)) for length in _LONG]
    return [(f"{stem}1", f"{stem}2") for stem in stems]


def _hashed(base: str) -> list[tuple[str, str]]:
    """The same name to somebody who keeps a checksum of it."""
    return [(f"{one}-{base}", f"{two}-{base}") for one, two in _HASHED_ALIKE]


LEAK = Leak(
    slug="delimiter",
    title="Two names that become one when they are joined, cut, normalised or hashed",
    advice=(
        "Keep a tenant in a field of its own; where it must be joined to something, encode the parts with their "
        "lengths or hash them with SHA-256 (a checksum is no name). Refuse names with control characters, and names "
        "that change when they are trimmed, folded or normalised."
    ),
    probe=probe,
    toys=(
        "JoinedKey",
        "CachesJoinedQuery",
        "FoldsCase",
        "TrimsNames",
        "CutsNames",
        "FoldsSigns",
        "HashesNames",
        "DomainOnly",
    ),
    not_covered=(
        "Names that are canonically equivalent in Unicode (NFC and NFD) count as one name.",
        "Names that collide under a hash other than CRC-32, Adler-32, FNV-1a of 32 bits and Java's hashCode.",
    ),
)
