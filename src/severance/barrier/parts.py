"""All the parts, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from severance.barrier.endurance import parts as endurance
from severance.barrier.peers.run import parts_against
from severance.barrier.peers.targets import KNOWN
from severance.barrier.residue import parts as residue
from severance.barrier.scene import Part
from severance.barrier.suites.parts import DOORS, PLANTED, part_of
from severance.barrier.traces import parts as traces
from severance.barrier.traces.ports import Commands
from severance.errors import InputError


def of_severance(commands: Commands | None = None) -> list[Part]:
    """What is tried of Severance whatever data and store the user has. What takes as long as it takes comes first, so
    that what can use any time gets what is left.

    Args:
        commands: runs commands of the command line, which is a higher layer; without it no trace types any.
    """
    return [DOORS, PLANTED, *residue.PARTS, *endurance.PARTS, *traces.parts(commands)]


def over(data: Mapping[str, Path]) -> list[Part]:
    """The parts over files of data sets; each file is read here.

    Args:
        data: kind to file.

    Raises:
        InputError: there is no such kind, or the file is not of it.
    """
    return [part_of(kind, file) for kind, file in data.items()]


def chosen(parts: Sequence[Part], only: Sequence[str]) -> list[Part]:
    """The parts of these names, or whose names begin so; all of them where nothing is named.

    Raises:
        InputError: one names no part.
    """
    for name in only:
        if not name or not any(part.name.startswith(name) for part in parts):
            raise InputError(
                "--only names no part that this run has; `severance barrier --list` shows them, "
                "and those for another memory with --against"
            )
    return [part for part in parts if not only or part.name.startswith(tuple(only))]


def against(memory: str) -> tuple[list[Part], dict[str, str]]:
    """The parts that try another memory, and the versions of what it is made of, as far as they are known.

    Args:
        memory: the name of an adapter, `FILE.py:CLASS` or `package.module:CLASS`.

    Raises:
        InputError: there is no such adapter, or it cannot be used.
    """
    known = KNOWN.get(memory)
    return parts_against(memory), known.versions if known is not None else {}
