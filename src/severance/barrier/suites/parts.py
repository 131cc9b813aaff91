"""The parts of the barrier that attack by content, and those made of a user's file of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from severance.barrier.scene import Part
from severance.barrier.suites import agentleak, attack, cimemories, doors, locomo, planted
from severance.barrier.suites.cast import Material
from severance.errors import InputError
from severance.transfer import files

_ADVICE = (
    "Something of one persona came out at another: do not use this build for anything that must stay apart. The "
    "evidence names who asked for what and by which outlet; run again with the same seed, and report it."
)
_NOT_COVERED = "What a persona was told in plain words by a person, or a model that saw both, is its own from then on."
_LEAST = 100
"""Probes of a suite; a file of few pieces has fewer."""

PLANTED = Part(
    name="suite.planted",
    title="Random words in six personas, asked for in some hundred ways from the other five",
    promise="P1",
    unit="probes",
    advice=_ADVICE,
    run=planted.run,
    not_covered=(_NOT_COVERED,),
    least=_LEAST,
)

DOORS = Part(
    name="doors",
    title="Another's id, a forgotten one, a malformed one and one never given, and places where nobody wakes",
    promise="P2",
    unit="calls",
    advice=(
        "A refusal tells more than that nothing is there, or something was not refused. The evidence names the call: "
        "do not let a model make it until it is mended."
    ),
    run=doors.run,
    share=0.5,
    least=200,
)

KINDS: Mapping[str, tuple[str, Callable[[Path], Material]]] = {
    "agentleak": ("AgentLeak: the words of each vertical, asked for from the others", agentleak.read),
    "cimemories": ("CIMemories: the facts of each domain of life, asked for from the others", cimemories.read),
    "locomo": ("LoCoMo: what one speaker said, asked for from the other", locomo.read),
}
"""The data sets that can be tried: title and reader."""


def part_of(kind: str, file: Path) -> Part:
    """The part that tries a file of a data set (`--data KIND=FILE`). The file is read here.

    Raises:
        InputError: there is no such kind; the file cannot be read, or holds something else.
    """
    if kind not in KINDS:
        raise InputError(f"there is no kind of data {kind!r}; name one of {', '.join(KINDS)}")
    title, read = KINDS[kind]
    files.status(file)
    if file.is_dir():
        raise InputError(f"{file} is a folder; name the file in it")
    material = read(file)
    return Part(
        name=f"suite.{kind}",
        title=title,
        promise="P1",
        unit="probes",
        advice=_ADVICE,
        run=partial(attack.run, material),
        not_covered=(_NOT_COVERED,),
        least=max(1, min(_LEAST, len(material.attacks))),
    )
