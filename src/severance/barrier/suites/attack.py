"""A suite, run: every attack through every outlet of a session, and the same where everything is one persona's."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from severance.barrier.findings import Control, Tally
from severance.barrier.scene import Scene
from severance.barrier.suites.cast import Material, Probe, Who
from severance.barrier.suites.stage import Stage, written
from severance.barrier.suites.watch import Watch, listening
from severance.errors import NotFoundError, SeveranceError
from severance.session import Session
from severance.transfer import write_jsonl

Outlet = Callable[[Session, str], object]

LIMIT = 25
FIRST = 10
"""Positives count what is found among so many."""

QUICK_ATTACKS = 300
QUICK_POSITIVES = 60
_CONTROL_ATTACKS = 12
_CONTROL_IDS = 3
_TOKENS = 200

OUTLETS: Mapping[str, Outlet] = {
    "recall": lambda session, words: session.recall(words, limit=LIMIT),
    "context": lambda session, words: session.context(words, tokens=_TOKENS),
    "recall of a thread": lambda session, words: session.recall("what is known", thread=words),
    "recall of metadata": lambda session, words: session.recall("what is known", where={"persona": words}),
    "memories of a thread": lambda session, words: list(session.memories(thread=words)),
    "memories by metadata": lambda session, words: list(session.memories(where={words[:50]: words})),
    "recall since": lambda session, words: session.recall("what is known", since=words),
    "get": lambda session, words: session.get(words),
    "history": lambda session, words: session.history(words),
    "amend": lambda session, words: session.amend(words, kind="amended"),
    "forget": lambda session, words: session.forget(words),
}
"""What is done with the words of a probe."""

WHOLE: Mapping[str, Callable[[Session], object]] = {
    "list": lambda session: list(session.memories()),
    "export": lambda session: _exported(session),
    "counts": lambda session: (session.stats(), repr(session)),
}
"""What is done with a session once."""

_LEAKING = ("recall", "context", "get", "history", "amend", "list", "export", "an error", "a log line")
"""The outlets that have to leak where everything is one persona's, or where it is planted in them."""


def _exported(session: Session) -> list[object]:
    out = io.BytesIO()
    write_jsonl(session.memories(), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def run(material: Material, scene: Scene, tally: Tally) -> None:
    """Try the suite, and count in probes: one probe is one text (or one whole list and export) from one persona.

    The order is drawn from the seed, so that a run that is cut short has tried some of everything.
    """
    tally.control = control(material, scene)
    with listening() as heard, written(scene.folder / "store", material.pieces) as stage:
        watch = Watch(material.pieces, stage.ids)
        count(tally, ("the house", "nobody"), "writing", {"a log line": watch.leaks(None, heard)})
        heard.clear()
        _positives(material, stage, scene, tally)
        for asker, session in stage.awake.items():
            count(tally, asker, "everything", _whole(session, asker, watch, heard))
        for probe in _drawn(_attacks(material, stage, scene.random(1)), scene, QUICK_ATTACKS):
            if not scene.more(tally):
                break
            found = asked(stage.awake[probe.asker], probe, watch, heard)
            count(tally, probe.asker, probe.what, found)


def asked(session: Session, probe: Probe, watch: Watch, heard: list[object]) -> dict[str, int]:
    """Leaks by outlet, of one probe through all of `OUTLETS`."""
    leaks: Counter[str] = Counter()
    for name, outlet in OUTLETS.items():
        try:
            leaks[name] += watch.leaks(probe.asker, outlet(session, probe.text))
        except SeveranceError as error:
            leaks["an error"] += watch.leaks(probe.asker, error)
    leaks["a log line"] += watch.leaks(probe.asker, heard) if heard else 0
    heard.clear()
    return +leaks


def control(material: Material, scene: Scene) -> Control:
    """The same probes where all pieces are one persona's: the same watch has to see every outlet leak."""
    leaks: Counter[str] = Counter()
    with listening() as heard, written(scene.folder / "control", material.pieces, as_one=True) as stage:
        watch = Watch(material.pieces, stage.ids)
        asker = material.attacks[0].asker
        session = stage.awake[asker]
        leaks.update(_whole(session, asker, watch, heard))
        probes = [probe for probe in _texts(material, stage) if probe.asker == asker]
        others = [name for piece, name in zip(material.pieces, stage.ids, strict=True) if piece.who != asker]
        by_id = [Probe(asker, "an id", name) for name in others[:_CONTROL_IDS]]
        for probe in (*scene.random(2).sample(probes, min(len(probes), _CONTROL_ATTACKS)), *by_id):
            leaks.update(asked(session, probe, watch, heard))
        theirs = next(piece.canaries[0] for piece in material.pieces if piece.who != asker and piece.canaries)
        leaks["an error"] += watch.leaks(asker, NotFoundError(f"not {theirs}"))
        logging.getLogger("severance.barrier.control").debug("planted: %s", theirs)
        leaks["a log line"] += watch.leaks(asker, heard)
    what = "outlets of a store in which everything is one persona's"
    return Control(what, len(_LEAKING), sum(leaks[name] > 0 for name in _LEAKING))


def _whole(session: Session, asker: Who, watch: Watch, heard: list[object]) -> dict[str, int]:
    leaks = {name: watch.leaks(asker, outlet(session)) for name, outlet in WHOLE.items()}
    leaks["a log line"] = watch.leaks(asker, heard)
    heard.clear()
    return leaks


def _attacks(material: Material, stage: Stage, random: Random) -> list[Probe]:
    """Those of the material, and the id of every piece, asked of somebody who does not have it."""
    probes = _texts(material, stage)
    others = {who: [other for other in material.everyone if other != who] for who in material.everyone}
    for piece, name in zip(material.pieces, stage.ids, strict=True):
        probes.append(Probe(random.choice(others[piece.who]), "an id", name))
    return probes


def _texts(material: Material, stage: Stage) -> list[Probe]:
    """The attacks of the material, with ids where they belong."""
    return [
        probe if probe.about is None else replace(probe, text=probe.text.replace("{id}", stage.ids[probe.about]))
        for probe in material.attacks
    ]


def _drawn(probes: Sequence[Probe], scene: Scene, most: int) -> Iterator[Probe]:
    """In an order of the seed's; some of them where this is not `--full`."""
    yield from scene.random().sample(probes, len(probes) if scene.deep else min(most, len(probes)))


def _positives(material: Material, stage: Stage, scene: Scene, tally: Tally) -> None:
    """Whether the memory was awake: how much of their own evidence personas find."""
    shares = []
    for probe in _drawn(material.positives, scene, QUICK_POSITIVES):
        hits = stage.awake[probe.asker].recall(probe.text, limit=FIRST)
        found = {hit.memory.id for hit in hits}
        shares.append(len({stage.ids[n] for n in probe.gold} & found) / len({stage.ids[n] for n in probe.gold}))
    share = sum(shares) / len(shares)
    tally.note = (
        f"Own evidence found among the first {FIRST}: {share:.1%}, the mean of {len(shares):,} questions"
        f"{', so the memory was awake' if share else ''}."
    )
    if not share:
        tally.failed = "no persona found anything of its own, so that others found nothing says nothing"


def count(tally: Tally, asker: Who, what: str, leaks: Mapping[str, int]) -> None:
    """One trial more: `what` was asked of `asker`, and so much of others came out by each outlet."""
    found = {name: number for name, number in leaks.items() if number}
    if not found:
        tally.held()
        return
    how = ", ".join(f"{name}: {number}" for name, number in found.items())
    tally.broke(f"{asker[1]} of {asker[0]} asked for {what} and got something of another ({how})")
