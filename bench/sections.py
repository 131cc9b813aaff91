"""What is measured: four sections, each a list of measures, each a function that gives rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench import costs, keeping, many, speed, speed_mind, worker
from bench.peers import run as peers
from bench.quality import measures as quality
from bench.quality import routing
from bench.settings import Settings
from bench.table import Found


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is measured by itself.

    Attributes:
        name: by which it is chosen, after its section and a point: `--only speed.persona`.
        run: measures it. It raises `AbsentError` where something is missing that it needs.
    """

    name: str
    run: Callable[[Settings], Iterable[Found]]


SECTIONS: dict[str, tuple[Measure, ...]] = {
    "quality": (
        Measure("locomo", quality.on_locomo),
        Measure("speakers", quality.by_speaker),
        Measure("ablations", quality.without),
        Measure("cimemories", quality.on_cimemories),
        Measure("clinc", quality.on_clinc),
        Measure("routing-clinc", routing.on_clinc),
        Measure("routing-cimemories", routing.on_cimemories),
    ),
    "speed": (
        Measure("personas", speed.personas),
        Measure("minds", speed_mind.minds),
        Measure("month", keeping.month),
        Measure("moments", keeping.moments),
        Measure("many", many.among_many),
        Measure("remember", costs.remember),
        Measure("memory", costs.memory),
        Measure("sealing", costs.sealing),
    ),
    "worker": (Measure("crossing", worker.crossing), Measure("calls", worker.calls)),
    "peers": (Measure("speed", peers.speed), Measure("recall", peers.recall), Measure("residue", peers.residue)),
}


def chosen(only: tuple[str, ...]) -> dict[str, tuple[Measure, ...]]:
    """The measures that these names mean: `section` or `section.measure`; all of them where there are no names.

    Raises:
        ValueError: a name means nothing; the message says which there are.
    """
    known = {name for section, measures in SECTIONS.items() for name in (section, *_names(section, measures))}
    if unknown := [name for name in only if name not in known]:
        raise ValueError(f"nothing is called {unknown[0]!r} here; there are {', '.join(sorted(known))}")
    found = {
        section: tuple(
            measure for measure in measures if not only or section in only or f"{section}.{measure.name}" in only
        )
        for section, measures in SECTIONS.items()
    }
    return {section: measures for section, measures in found.items() if measures}


def _names(section: str, measures: Iterable[Measure]) -> list[str]:
    return [f"{section}.{measure.name}" for measure in measures]
