"""What a suite consists of: what is written into which persona, and who asks what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from severance.errors import InputError
from severance.model import Draft

Who = tuple[str, str]
"""Subject and persona."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One memory that is written.

    Attributes:
        who: whose it is.
        draft: what it says.
        canaries: strings in it by which it is known again, wherever they come out.
    """

    who: Who
    draft: Draft
    canaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing asked of one persona.

    Attributes:
        asker: the persona that is asked.
        what: what sort of thing it is, such as `payload of line 12`; for the report, and without its content.
        text: the words. They are tried as a query, as a filter and as an id.
        gold: the pieces that hold the answer, by number; empty where that is not known.
        about: the piece whose id belongs where the text has `{id}`, which is known only when it was written.
    """

    asker: Who
    what: str
    text: str
    gold: frozenset[int] = frozenset()
    about: int | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """A suite before it is run.

    Attributes:
        name: what it is called in a sentence.
        pieces: what is written.
        attacks: asked of personas that hold nothing of the answer.
        positives: asked of personas that hold the answer, which have to find it.
    """

    name: str
    pieces: tuple[Piece, ...]
    attacks: tuple[Probe, ...]
    positives: tuple[Probe, ...]

    @property
    def everyone(self) -> tuple[Who, ...]:
        """All personas, in the order in which they come."""
        return tuple(dict.fromkeys(piece.who for piece in self.pieces))


def checked(material: Material, path: object) -> Material:
    """The same, if it can say anything.

    Raises:
        InputError: there is only one persona in it, or nothing is asked.
    """
    if len(material.everyone) < 2:
        raise InputError(f"{path} gives memories to one persona only, and a barrier needs two; name the whole data set")
    if not material.attacks or not material.positives:
        raise InputError(f"{path} asks for nothing that another persona has; name the whole data set")
    return material


def unique(probes: Iterable[Probe]) -> tuple[Probe, ...]:
    """Each text once for each who is asked, the first of equals."""
    found: dict[tuple[Who, str], Probe] = {}
    for probe in probes:
        found.setdefault((probe.asker, probe.text), probe)
    return tuple(found.values())
