"""The suite that needs no data: random words in several personas and subjects, and a hundred ways to ask for them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from severance.barrier.children import command, environment
from severance.barrier.findings import Tally
from severance.barrier.scene import Scene
from severance.barrier.suites import attack
from severance.barrier.suites.cast import Material, Piece, Probe, Who, unique
from severance.barrier.suites.phrasings import TEMPLATES, disguises, huge
from severance.barrier.suites.stage import Stage, place_of, written
from severance.barrier.suites.watch import Watch
from severance.errors import StoreError
from severance.model import Draft

CAST: tuple[Who, ...] = (
    ("ada", "work"),
    ("ada", "home"),
    ("ben", "work"),
    ("ben", "clinic"),
    ("agent", "mail"),
    ("agent", "keys"),
)

_SAID = (
    "the code of the cabinet is {}",
    "met the auditor in room {} about the second ledger",
    "the dose was changed to {} after the last visit",
    "the key is kept under the name {}",
    "told nobody but the lawyer about {}",
    "the train to the coast is {}, twelve minutes past",
)
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_CANARY = 12
_MOST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Target:
    """What the templates are filled with: a canary, whose it is, and in which piece."""

    canary: str
    who: Who
    piece: int


def run(scene: Scene, tally: Tally) -> None:
    """Try the suite: in this process, and then by commands in processes of their own."""
    made = material(scene.random(10), scene.deep)
    attack.run(made, scene, tally)
    if scene.more(tally):
        _commands(made, scene, tally)


def material(random: Random, deep: bool) -> Material:
    """The suite for these draws. The pieces of a persona carry a canary in the text and others in every label.

    Every template is tried: of one persona, and of all where this is `--full`.
    """
    pieces: list[Piece] = []
    positives: list[Probe] = []
    targets: list[_Target] = []
    for who in CAST:
        for said in _SAID:
            text, thread, source, kind, name, value = ("".join(random.choices(_LETTERS, k=_CANARY)) for _ in range(6))
            draft = Draft(text=said.format(text), thread=thread, source=source, kind=kind, metadata={name: value})
            positives.append(Probe(who, "its own canary", text, frozenset({len(pieces)})))
            targets += [_Target(canary, who, len(pieces)) for canary in (text, thread, value)]
            pieces.append(Piece(who, draft, (text, thread, source, kind, name, value)))
    attacks = list(_attacks(CAST if deep else None, pieces, targets, random))
    return Material("planted canaries", tuple(pieces), unique(attacks), unique(positives))


def _attacks(
    askers: Sequence[Who] | None, pieces: Sequence[Piece], targets: Sequence[_Target], random: Random
) -> Iterator[Probe]:
    """Every template for each of these (None: for one who is drawn), about something that the asker does not have."""

    def about() -> Iterator[tuple[Who, _Target]]:
        for asker in askers or random.sample(CAST, 1):
            yield asker, random.choice([target for target in targets if target.who != asker])

    for what, templates in TEMPLATES.items():
        for template in templates:
            for asker, target in about():
                yield Probe(asker, what, _filled(template, target), about=target.piece)
    for asker, target in about():
        yield from (Probe(asker, "each of its labels", canary) for canary in pieces[target.piece].canaries)
    for asker, target in about():
        yield from (Probe(asker, "its words in disguise", words) for words in disguises(target.canary))
    for asker, target in about():
        yield Probe(asker, "a huge query", random.choice(huge(target.canary)))


def _filled(template: str, target: _Target) -> str:
    subject, persona = target.who
    half, place = target.canary[: _CANARY // 2], place_of(CAST.index(target.who))
    return template.format(canary=target.canary, half=half, id="{id}", subject=subject, persona=persona, place=place)


def _commands(made: Material, scene: Scene, tally: Tally) -> None:
    """What commands print. One that finds nothing of its own persona's says nothing, and is a failure."""
    with written(scene.folder / "commands", made.pieces) as stage:
        watch = Watch(made.pieces, stage.ids)
        for asker in CAST if scene.deep else CAST[:1]:
            other = next(number for number, piece in enumerate(made.pieces) if piece.who != asker)
            canary = made.pieces[other].canaries[0]
            own = next(piece.canaries[0] for piece in made.pieces if piece.who == asker)
            commands = [["export"], ["recall", canary], ["context", canary], ["history", stage.ids[other]]]
            for words in commands if scene.deep else commands[:2]:
                said = _printed(stage, asker, words)
                attack.count(
                    tally, asker, f"`{words[0]}` at the command line", {"its output": watch.leaks(asker, said)}
                )
                if words == ["export"] and own not in said:
                    tally.failed = "`severance export` did not print what the persona has"


def _printed(stage: Stage, asker: Who, words: list[str]) -> str:
    """What a command, run beside the store, writes to standard output and standard error."""
    folder = stage.folder.parent
    options = ["--store", str(stage.folder), "--at", stage.places[asker]]
    said = command("severance.cli.main", words[0], *options, "--subject", asker[0], "--", *words[1:])
    around = environment(folder) | {"SEVERANCE_KEY": stage.key, "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(said, cwd=folder, capture_output=True, env=around, timeout=_MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise StoreError(f"`severance {words[0]}` did not end within {_MOST_SECONDS} seconds") from None
    return (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
