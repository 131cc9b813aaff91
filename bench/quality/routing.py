"""How well `severance route` tells personas apart from a few examples, beside plain nearest centroids in the same run.

CLINC150: its five domains are five personas, and what is in none of them should be left open. CIMemories: the personas
of each profile. Of everything, some are drawn as examples, and the rest is asked; several drawings, the same for both.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.table import Row
from severance.barrier.suites.cimemories import PERSONAS
from severance.embed import bundled
from severance.model import Draft
from severance.routing import Guide, propose
from severance.routing.sources import Piece
from severance.transfer import Item, Skipped

if TYPE_CHECKING:
    from bench.settings import Settings

EXAMPLES = (5, 20)
_DRAWN = 2_000
_DRAWINGS = 4


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts, each with its persona, or None for what belongs to nobody."""

    texts: tuple[str, ...]
    personas: tuple[str | None, ...]


@dataclass(slots=True)
class _Texts:
    """A pile of texts."""

    texts: list[str]
    skipped: int = 0
    first_skipped: list[Skipped] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece]:
        """Each text, under its number."""
        for number, text in enumerate(self.texts):
            yield Piece(Item(draft=Draft(text=text), origin=f"bench:{number}"), str(number), 1, number)


def read_clinc(path: Path) -> list[Labelled]:
    """The training part by domain, with what is in none."""
    data = json.loads(path.read_text("utf-8"))
    domains = {intent: domain for domain, intents in data["domains"].items() for intent in intents}
    rows = [(text, domains[intent]) for text, intent in data["train"]]
    beside = [(text, None) for name, part in data.items() if "oos" in name for text, _ in part]
    return [Labelled(*zip(*(rows + beside), strict=True))] if rows else []


def read_cimemories(path: Path) -> list[Labelled]:
    """The statements of each profile."""
    found = []
    for profile in json.loads(path.read_text("utf-8")):
        facts = profile["information_attributes"].values()
        domains = [fact["information_domain"] for fact in facts]
        texts = tuple(fact["memory_statement"] for fact in facts)
        found.append(Labelled(texts, tuple(PERSONAS.get(domain, domain) for domain in domains)))
    return found


def on_clinc(settings: Settings) -> Iterator[Row]:
    """CLINC150, with 5 and 20 examples of each persona."""
    piles = settings.data("clinc", read_clinc)
    for count in EXAMPLES:
        yield from _rows(f"routing, CLINC150, {count} examples each", f"routing.clinc.{count}", piles, count, settings)


def on_cimemories(settings: Settings) -> Iterator[Row]:
    """CIMemories, with 5 and 20 examples of each persona."""
    piles = settings.data("cimemories", read_cimemories)
    for count in EXAMPLES:
        title, key = f"routing, CIMemories, {count} examples each", f"routing.cimemories.{count}"
        yield from _rows(title, key, piles, count, settings)


def _rows(title: str, key: str, piles: tuple[Labelled, ...], count: int, settings: Settings) -> Iterator[Row]:
    told: dict[str, list[float]] = defaultdict(list)
    for pile in piles:
        for drawing in range(_DRAWINGS):
            for name, figure in _drawn(pile, count, np.random.default_rng([settings.seed, drawing])).items():
                told[name].append(100 * figure)
    means = {name: float(np.nanmean(figures)) for name, figures in told.items()}
    against = "nearest centroid"
    yield Row(
        f"{title}: right, of those decided",
        means["right"],
        "%",
        key=f"{key}.right",
        base=means["plain"],
        against=against,
    )
    yield Row(f"{title}: left open", means["open"], "%", key=f"{key}.open")
    if "none" in means:
        yield Row(
            f"{title}: decided, of what belongs to nobody",
            means["none"],
            "%",
            key=f"{key}.none",
            base=means["plain none"],
            against=against,
        )


def _drawn(pile: Labelled, count: int, chance: np.random.Generator) -> dict[str, float]:
    """One drawing: examples, and the rest asked, by both. The plain one decides as many, by the widest margins."""
    some = chance.permutation(len(pile.texts))[:_DRAWN]
    whose = np.array([pile.personas[index] or "" for index in some])
    names = sorted({*whose} - {""})
    shown = [some[whose == name][: min(count, (whose == name).sum() // 2)] for name in names]
    examples = [(name, pile.texts[index]) for name, indexes in zip(names, shown, strict=True) for index in indexes]
    asked = sorted({*some.tolist()} - {int(index) for indexes in shown for index in indexes})
    texts, wanted = [pile.texts[index] for index in asked], np.array([pile.personas[index] or "" for index in asked])
    found = propose(_Texts(texts), Guide((), tuple(examples)), bundled()).decisions
    ours = np.array([each.persona or "" for each in found])
    best, margins = _centroids(texts, examples, names)
    decided, known = ours != "", wanted != ""
    widest = np.zeros(len(texts), np.bool_)
    widest[np.argsort(-margins, kind="stable")[: int(decided.sum())]] = True
    told = {
        "right": _share(ours == wanted, decided & known),
        "plain": _share(best == wanted, widest & known),
        "open": 1 - _share(decided, known),
    }
    return told if known.all() else {**told, "none": _share(decided, ~known), "plain none": _share(widest, ~known)}


def _centroids(
    texts: list[str], examples: list[tuple[str, str]], names: list[str]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The persona whose examples' mean is nearest, and how much nearer than the next."""
    vectors = np.asarray(bundled().embed([text for _, text in examples]), np.float64)
    owners = np.array([name for name, _ in examples])
    means = np.array([vectors[owners == name].mean(0) for name in names])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    like = np.asarray(bundled().embed(texts), np.float64) @ means.T
    ordered = np.sort(like, axis=1)
    return np.array(names)[like.argmax(1)], ordered[:, -1] - ordered[:, -2]


def _share(good: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(good[of].mean()) if of.any() else float("nan")
