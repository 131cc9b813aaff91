"""The section `quality`: figures as rows, each beside what plain BM25 has of it in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from bench.quality import cimemories, clinc, locomo
from bench.quality.ablations import ablations
from bench.quality.engines import Engine, plain_bm25, severance
from bench.quality.run import ask
from bench.quality.scores import PRECISION, RECALL, Figure, Outcome, figures, recall_at
from bench.table import Row, Versions
from severance.embed.made import embedder_of
from severance.mind.ranking import WEIGHTS, Weights

if TYPE_CHECKING:
    from bench.quality.corpora import Corpus
    from bench.settings import Settings
    from severance.ports import Embedder

GOAL = 78
"""Per cent of the evidence that the first ten places should hold."""

PLAIN = "BM25"
_GROUPS = {"R@10", "nDCG@10"}
_TEN = {"R@10": recall_at(10)}

Measures = dict[str, Callable[[Outcome], float]]
"""What is measured of an outcome, by name."""


def on_locomo(settings: Settings) -> Iterator[Row | Versions]:
    """LoCoMo turn by turn, both speakers in one persona: all questions, then each category."""
    rows = _against_plain(settings, _conversations(settings), RECALL, "LoCoMo", "locomo")
    for row in rows:
        if isinstance(row, Row) and row.key == "locomo.r10":
            yield _with_goal(row, GOAL)
        else:
            yield row


def by_speaker(settings: Settings) -> Iterator[Row]:
    """LoCoMo with a persona for each speaker: one's own evidence is found, and none of the other's."""
    outcomes = ask(_ours(settings), settings.data("locomo", locomo.read_by_speaker))
    own = [outcome for outcome in outcomes if not outcome.question.unwanted]
    foreign = [outcome for outcome in outcomes if outcome.question.unwanted]
    [figure] = (each for each in figures(own, _TEN) if not each.group)
    yield _row(figure, "LoCoMo, each speaker a persona", "speakers")
    crossed = sum(bool(outcome.question.wanted.intersection(outcome.found)) for outcome in foreign)
    yield Row(
        f"LoCoMo, each speaker a persona: of {len(foreign)} questions about what the other said, that found it",
        crossed,
        "questions",
        0,
        key="speakers.crossed",
    )


def without(settings: Settings) -> Iterator[Row]:
    """LoCoMo with one ingredient of the ranking left out at a time, beside the whole."""
    corpora = _conversations(settings)
    whole = _ten(ask(_ours(settings), corpora))
    for name, weights in ablations().items():
        figure = _ten(ask(_ours(settings, weights), corpora))
        yield _row(figure, f"LoCoMo without {name}", f"without.{name.replace(' ', '-')}", whole, "the whole")


def on_cimemories(settings: Settings) -> Iterator[Row | Versions]:
    """CIMemories: a fact's event and name are asked of the persona that has the fact."""
    corpora = settings.data("cimemories", cimemories.read)
    for row in _against_plain(settings, corpora, RECALL, "CIMemories", "cimemories"):
        yield _with_goal(row, 1, of_ratio=True) if isinstance(row, Row) and row.key == "cimemories.r10" else row


def on_clinc(settings: Settings) -> Iterator[Row | Versions]:
    """CLINC150: how many of the first ten have the intent of the question."""
    corpora = settings.data("clinc", clinc.read)
    for row in _against_plain(settings, corpora, PRECISION, "CLINC150", "clinc"):
        yield _with_goal(row, 1, of_ratio=True) if isinstance(row, Row) and row.key == "clinc.p10" else row


@cache
def _conversations(settings: Settings) -> tuple[Corpus, ...]:
    return settings.data("locomo", locomo.read)


@cache
def _embedder(spec: str) -> Embedder:
    return embedder_of(spec)()


def _ours(settings: Settings, weights: Weights = WEIGHTS) -> Engine:
    """Severance with the encoder that was asked for."""
    return severance(weights, _embedder(settings.embedder))


def _against_plain(
    settings: Settings, corpora: Sequence[Corpus], measures: Measures, title: str, key: str
) -> Iterator[Row | Versions]:
    """Every measure for all questions; for each group of questions those that tell most."""
    if settings.embedder != "bundled":
        yield Versions({"embedder": settings.embedder.partition("@")[0]})
    plain = {(each.group, each.measure): each for each in figures(ask(plain_bm25, corpora), measures)}
    for figure in figures(ask(_ours(settings), corpora), measures):
        if not figure.group or figure.measure in _GROUPS:
            yield _row(figure, title, key, plain[figure.group, figure.measure], PLAIN)


def _ten(outcomes: Sequence[Outcome]) -> Figure:
    return figures(outcomes, _TEN)[0]


def _row(figure: Figure, title: str, key: str, base: Figure | None = None, against: str = "") -> Row:
    group = f", {figure.group}" if figure.group else ""
    parts = (key, figure.group.replace(" ", "-"), figure.measure.replace("@", "").lower())
    return Row(
        f"{title}{group}: {figure.measure} ({figure.questions:,} questions)",
        100 * figure.mean,
        "%",
        key=".".join(part for part in parts if part),
        low=100 * figure.low,
        high=100 * figure.high,
        base=None if base is None else 100 * base.mean,
        against=against,
    )


def _with_goal(row: Row, goal: float, *, of_ratio: bool = False) -> Row:
    return replace(row, goal=goal, at_least=True, goal_of_ratio=of_ratio)
