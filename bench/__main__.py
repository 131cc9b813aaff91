"""Measure quality, speed and peers, in one run and side by side.

    python -m bench --locomo FILE --json FILE --plots FOLDER
    python -m bench --only quality --only speed.personas --sizes 1000,10000

What has no data here is skipped, with a sentence that says where they are published.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from bench import figures, pages, sections
from bench.peers.adapters import KNOWN
from bench.settings import DATA, AbsentError, Settings
from bench.table import Found, Row, Skipped, Versions, number, show
from severance.embed.made import embedder_of

_WIDE = 180  # columns of a table that goes to a file
_MOST = 10_000_000
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print it, and write it where that was asked for; 2 when it cannot be."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        measures = sections.chosen(tuple(chosen.only))
        settings = _settings(chosen)
        before = figures.read(chosen.json) if chosen.json and chosen.json.is_file() else {}
        if chosen.plots and find_spec("matplotlib") is None:
            raise ValueError("--plots needs matplotlib; run `pip install --group bench`")
    except ValueError as problem:
        parser.error(str(problem))
    console, told = Console(width=None if sys.stdout.isatty() else _WIDE), Console(stderr=True, highlight=False)
    done: dict[str, figures.Measured] = {}
    for section, those in measures.items():
        try:
            for measure in those:
                done[f"{section}.{measure.name}"] = one = _measured(section, measure, settings, told)
                if chosen.json:
                    figures.write(chosen.json, {f"{section}.{measure.name}": one})
        except KeyboardInterrupt:
            _tell(done, section, console)
            told.print("Interrupted: what was being measured is not in the table.")
            return _INTERRUPTED
        _tell(done, section, console)
    if chosen.plots:
        # Imported here, since only plots need matplotlib, which is not installed for anything else.
        from bench import plots  # noqa: PLC0415

        plots.draw({**before, **done}, chosen.plots)
    return 0


def _tell(done: dict[str, figures.Measured], section: str, console: Console) -> None:
    """Print what there is of a section."""
    if not figures.part(done, section):
        return
    show(f"{section}: {pages.when(figures.part(done, section))}", figures.rows(done, section), console)
    for sentence in pages.skipped(done, section):
        console.print(f"Skipped: {sentence}", highlight=False)


def _measured(section: str, measure: sections.Measure, settings: Settings, told: Console) -> figures.Measured:
    """The rows of a measure, and what it skipped; each is told when it comes."""
    around = figures.machine()
    found: list[Found] = []
    told.print(f"{section}.{measure.name} ...")
    try:
        for one in measure.run(settings):
            found.append(one)
            if isinstance(one, Row):
                told.print(f"  {one.key} {number(one.figure)} {one.unit}", style="dim")
    except AbsentError as absent:
        found.append(Skipped(str(absent)))
    for one in found:
        if isinstance(one, Versions):
            around["versions"] |= one.of
    rows = tuple(one for one in found if isinstance(one, Row))
    skipped = tuple(one.sentence for one in found if isinstance(one, Skipped))
    return figures.Measured(figures.today(), around, rows, skipped)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, data in DATA.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"{data.file}, from {data.published}")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a section, or section.measure")
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories of a persona, separated by commas")
    parser.add_argument("--seed", type=int, default=1, help="what texts and questions are drawn from")
    parser.add_argument("--peers", default="", help=f"some of {', '.join(KNOWN)}; by default all")
    parser.add_argument(
        "--peers-python", default=sys.executable, metavar="PYTHON", help="the interpreter that has them"
    )
    parser.add_argument("--embedder", default="bundled", metavar="SPEC", help="for quality, as `severance --embedder`")
    parser.add_argument("--seconds", type=float, default=300.0, help="for each peer at each size, at most")
    parser.add_argument("--folder", type=Path, default=Path("bench/results"), help="on the disk that is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures; sections not measured stay")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw them as SVG; needs the group `bench`")
    return parser


def _settings(chosen: argparse.Namespace) -> Settings:
    """Raises ValueError: a size, a time or a peer's name is none."""
    try:
        sizes = tuple(int(size) for size in chosen.sizes.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1 or max(sizes) > _MOST:
        raise ValueError(f"--sizes takes whole numbers of memories up to {_MOST:,}, such as 1000,10000")
    for name in DATA:
        if (path := getattr(chosen, name)) is not None and not path.is_file():
            raise ValueError(f"--{name}: there is no file at {path}")
    if not chosen.seconds > 0:
        raise ValueError("--seconds takes a time above 0")
    embedder_of(chosen.embedder)
    peers = tuple(name for name in chosen.peers.split(",") if name)
    if unknown := [name for name in peers if name not in KNOWN]:
        raise ValueError(f"no peer is called {unknown[0]!r} here; there are {', '.join(KNOWN)}")
    return Settings(
        folder=chosen.folder.resolve(),
        sizes=sizes,
        seed=chosen.seed,
        seconds=chosen.seconds,
        peers_python=chosen.peers_python,
        peers=peers,
        embedder=chosen.embedder,
        **{name: getattr(chosen, name) for name in DATA},
    )


if __name__ == "__main__":
    sys.exit(main())
