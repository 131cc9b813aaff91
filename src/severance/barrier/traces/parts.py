"""Noninterference as parts of the barrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import count, takewhile

from severance.barrier.findings import Control, Tally
from severance.barrier.scene import Part, Scene
from severance.barrier.traces import flaws
from severance.barrier.traces.compare import Pair, Variant
from severance.barrier.traces.drawing import CROWD
from severance.barrier.traces.edges import EDGES, edge_of
from severance.barrier.traces.people import EVERYONE
from severance.barrier.traces.ports import Commands, Ports
from severance.barrier.traces.timing import Listening, Watch, told
from severance.barrier.traces.trials import LENGTH, Apart, Crowded, Look, Reached, Series, Trials

_ControlOf = Callable[[Commands | None], tuple[str, Ports]]
"""What is planted, and the ports that leak."""

_CONTROLS = 12
"""Traces in which a control may be found; most need one."""

_MOST_SHORT = 1
"""Differences that are made short: each takes a hundred runs, and they mostly have one cause."""

_LEAST = 20
"""Pairs: five traces with each of the four personas for a victim."""

_LEAST_APART = 4
"""Pairs: one trace with two personas for victims."""

_LEAST_TIMED = 1_000
_ROUNDS = 200
_PLANTED_ROUNDS = (50, 50, 100, 200)
"""So often the planted delay is timed, until it is seen: the machine may be busy with something else."""

_ADVICE = (
    "Something of one persona reaches another. Take the steps in the evidence, run them with and without what the one "
    "persona does, and follow what the other sees back to what they share: a cache, a counter, a connection, a file."
)
_NOT_COVERED = (
    f"Traces are drawn at random, {LENGTH} steps each, by four personas of three subjects in one process: what takes "
    "more steps, more personas, or threads at the same instant, was not tried."
)
_MOST_HELD = (
    f"What begins only when a persona holds more than {CROWD:,} memories: one of a part's traces has one that holds so "
    "many; in the others a persona holds tens, and seldom some hundreds."
)


def parts(commands: Commands | None = None) -> tuple[Part, ...]:
    """The parts. `commands` runs commands of the command line; without it no trace types any."""
    ports = Ports(commands=commands)
    return (
        Part(
            name="noninterference.purge",
            title="With everything that one persona did taken away, every other persona sees exactly the same",
            promise="P1",
            unit="trace pairs",
            advice=_ADVICE,
            run=partial(_pairs, ports, (Variant.IDLE,), _crossed, _purge_control),
            share=3.0,
            not_covered=(_NOT_COVERED, _MOST_HELD),
            least=_LEAST,
        ),
        Part(
            name="noninterference.substitution",
            title="With one persona's words replaced by others, every other persona sees exactly the same",
            promise="P1",
            unit="trace pairs",
            advice=_ADVICE,
            run=partial(_pairs, ports, (Variant.REPLACED,), _crossed, _substitution_control),
            share=2.0,
            not_covered=(_NOT_COVERED, _MOST_HELD),
            least=_LEAST,
        ),
        Part(
            name="noninterference.shape",
            title="Whoever reads the disk without a key learns sizes and counts, as declared, and nothing else",
            promise="P1",
            unit="trace pairs",
            advice="What is written depends on more than the padded sizes of one persona's own records. Look at the "
            "file or the table that the evidence names, and at who writes it when.",
            run=partial(_pairs, ports, (Variant.IDLE, Variant.REPLACED), _on_disk, _shape_control),
            share=2.0,
            not_covered=(
                "What the disk shows by design: how many personas there are, how many records each has, in which of "
                "two sizes to an octave, which share a session, and (to somebody who keeps watching) when they are "
                "written.",
                _MOST_HELD,
            ),
            least=_LEAST,
        ),
        Part(
            name="noninterference.workers",
            title="With every persona awake in a process of its own, and killed now and then, the others see and the "
            "disk shows the same whatever one of them does",
            promise="P1",
            unit="trace pairs",
            advice=_ADVICE,
            run=partial(_apart, replace(ports, workers=True)),
            share=1.0,
            not_covered=(
                "Short traces, since each waking starts a process. What code that has taken over a worker can reach is "
                "not tried here; see tests/worker/test_hijacked.py.",
            ),
            least=_LEAST_APART,
        ),
        *(
            Part(
                name=f"noninterference.{edge}",
                title=f"Over {edge.upper()}, every other persona is answered the same to the last byte whatever one of "
                "them does",
                promise="P1",
                unit="trace pairs",
                advice=_ADVICE,
                run=partial(_reached, replace(ports, edge=edge)),
                share=1.0,
                not_covered=("The bytes of the transport itself, and how long it takes; several requests at once.",),
                least=_LEAST_APART,
            )
            for edge in EDGES
        ),
        Part(
            name="noninterference.timing",
            title="Waking, recall, remember, forget, memories, stats and refusals, timed with many memories in another "
            "persona and with none",
            promise="P1",
            unit="timed calls",
            advice="Look at what the call does for each memory of the other persona. Until that is mended, and where "
            "smaller differences matter, which are noted only, let personas live in stores of their own.",
            run=partial(_timing, Watch()),
            share=1.0,
            not_covered=(
                "The clock of one machine on one day, without a network in between, and differences of less than a "
                "millisecond, which are noted.",
            ),
            least=_LEAST_TIMED,
            bounded=False,
        ),
    )


def _crossed(pair: Pair) -> Sequence[str]:
    return pair.crossed


def _on_disk(pair: Pair) -> Sequence[str]:
    return pair.seen_on_disk


def _purge_control(commands: Commands | None) -> tuple[str, Ports]:
    return "one stream of random bytes for everybody", Ports(entropy=flaws.OneStream, commands=commands)


def _substitution_control(commands: Commands | None) -> tuple[str, Ports]:
    return "an embedder that learns from everybody's words", Ports(embedder=flaws.learning, commands=commands)


def _shape_control(commands: Commands | None) -> tuple[str, Ports]:
    return "an embedder that keeps compressed texts beside the store", Ports(embedder=flaws.caching, commands=commands)


def _pairs(
    ports: Ports, variants: tuple[Variant, ...], look: Look, control: _ControlOf, scene: Scene, tally: Tally
) -> None:
    what, leaking = control(ports.commands)
    planted = Trials(Series(scene.seed, scene.folder / "control", leaking), variants)
    with closing(planted.made(range(_CONTROLS), scene.jobs)) as results:
        found = any(look(pair) for trial in results for pair in trial.pairs)
    tally.control = Control(what, 1, int(found))
    trials = Trials(Series(scene.seed, scene.folder, ports), variants)
    numbers = takewhile(lambda number: number == 0 or scene.more(tally), count())
    with closing(trials.made(numbers, scene.jobs)) as results:
        for trial in results:
            for pair in trial.pairs:
                if look(pair):
                    tally.broke(trials.told(trial, pair, look, short=tally.found < _MOST_SHORT))
                else:
                    tally.held()
    _beside_many(Crowded(scene.seed, scene.folder / "crowded", ports), variants, look, scene, tally)


def _beside_many(whole: Crowded, variants: tuple[Variant, ...], look: Look, scene: Scene, tally: Tally) -> None:
    """One trace more, in which the persona that is otherwise holds many memories. It is not made short if it breaks:
    each run takes a second.
    """
    trials = Trials(whole, variants, (whole.who(0),))
    with closing(trials.made(range(1), scene.jobs)) as results:
        for trial in results:
            for pair in trial.pairs:
                if look(pair):
                    tally.broke(
                        f"with {CROWD:,} memories in one persona: {trials.told(trial, pair, look, short=False)}"
                    )
                else:
                    tally.held()


def _apart(ports: Ports, scene: Scene, tally: Tally) -> None:
    leaking = replace(ports, embedder=flaws.learning)
    what = "an embedder that learns from everybody's words, in the process that starts the workers"
    _short(Apart, ports, (what, leaking), scene, tally)


def _reached(ports: Ports, scene: Scene, tally: Tally) -> None:
    edge_of(ports.edge)  # or there is nothing here to try
    _short(Reached, ports, ("a cache of answers that is everybody's", replace(ports, cached=True)), scene, tally)


def _short(series: type[Series], ports: Ports, planted: tuple[str, Ports], scene: Scene, tally: Tally) -> None:
    """Two personas in turn, each without what it does and with other words."""
    what, leaking = planted
    trials = Trials(series(scene.seed, scene.folder / "control", leaking), (Variant.IDLE,), EVERYONE[:1])
    with closing(trials.made(range(1), scene.jobs)) as results:
        found = any(pair.crossed for trial in results for pair in trial.pairs)
    tally.control = Control(what, 1, int(found))
    for number in takewhile(lambda number: number == 0 or scene.more(tally), count()):
        victims = (EVERYONE[number % 4], EVERYONE[(number + 1) % 4])
        whole = series(scene.seed, scene.folder / str(number), ports)
        trials = Trials(whole, (Variant.IDLE, Variant.REPLACED), victims)
        with closing(trials.made([number], scene.jobs)) as results:
            for trial in results:
                for pair in trial.pairs:
                    if _anything(pair):
                        tally.broke(trials.told(trial, pair, _anything, short=False))
                    else:
                        tally.held()


def _anything(pair: Pair) -> Sequence[str]:
    return (*pair.crossed, *pair.seen_on_disk)


def _timing(watch: Watch, scene: Scene, tally: Tally) -> None:
    random = scene.random()
    with Listening(scene.folder, 5_000 if scene.deep else 500, watch) as listening:
        planted = listening.control(scene.folder)
        for often in _PLANTED_ROUNDS:
            planted.measure(random, often)
            if planted.leaks:
                break
        tally.control = Control("three milliseconds more in one of two recalls", 1, int(planted.leaks))
        comparisons = listening.comparisons()
        while True:
            for comparison in comparisons:
                tally.held(comparison.measure(random, _ROUNDS))
            tally.measured = any(comparison.effect().seen for comparison in comparisons)
            tally.note = told(comparisons)
            if not scene.more(tally):
                break
    for comparison in comparisons:
        if comparison.leaks:
            tally.tried -= 1
            tally.broke(f"{comparison}: longer than chance, and than a millisecond")
