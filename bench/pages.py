"""The figures in the documentation: tables between marks, made from one file of figures.

    python -m bench.pages

A block begins with `<!-- figures: NAME -->` and ends with `<!-- end of figures -->`. A test holds the pages up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bench import figures
from bench.figures import Figures, Measured
from bench.peers.adapters import KNOWN, OURS
from bench.table import HEADINGS, Row, markdown, number

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures" / "bench.json"
PAGES = (ROOT / "README.md", ROOT / "docs" / "benchmarks.md")

_BLOCK = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)
_TIMED = ("ms", "per second")
_COLUMNS = {
    "recall.p50": "recall p50, ms",
    "recall.p95": "p95, ms",
    "recall.bare": "p50 without embedding, ms",
    "write.bulk": "bulk writes a second",
    "write.single": "single writes a second",
    "disk": "disk, MB",
    "memory": "memory, MB",
}
_COMPARED = re.compile(r"peers\.(faster\.(?P<size>\d+)|better)")
_README = (
    "locomo.r10",
    "peers.better",
    "speed.recall.p50.100000",
    "peers.faster.100000",
    "speed.remember",
)
"""The keys of the README's figures, in order: five at most, what was missed among them; the others are a link away."""


def when(those: Sequence[Measured]) -> str:
    """When these were measured, and on what; once, where it is the same."""
    said = dict.fromkeys(_when(one) for one in those)
    return "; ".join(one for one in said if not any(other != one and other.startswith(one) for other in said))


def skipped(measured: Figures, section: str) -> list[str]:
    """What was not measured, and why, each once."""
    return list(dict.fromkeys(sentence for one in figures.part(measured, section) for sentence in one.skipped))


def quality(measured: Figures) -> str:
    """All rows of the section but those of the ablations."""
    return _table(measured, "quality", lambda row: not row.key.startswith("without."))


def ablations(measured: Figures) -> str:
    """What each ingredient is worth."""
    rows = [row for row in figures.rows(measured, "quality") if row.key.startswith("without.")]
    return _rows(rows) if rows else _nothing("ablations")


def speed(measured: Figures) -> str:
    """All rows of the section."""
    return _table(measured, "speed", lambda row: True)


def peers(measured: Figures) -> str:
    """How Severance compares, then a table for each size, then what was not measured."""
    found = {row.key: row for row in figures.rows(measured, "peers")}
    if not found:
        return _nothing("peers")
    sizes = sorted({int(key.rsplit(".", 1)[1]) for key in found if ".write.bulk." in key})
    parts = [f"Measured {when(figures.part(measured, 'peers'))}."]
    parts.append(_rows(row for key, row in found.items() if key.startswith(("peers.faster.", "peers.better"))))
    for size in sizes:
        parts.append(f"With {size:,} memories:")
        parts.append(markdown(("memory", *_COLUMNS.values()), _present(_peer(found, name, size) for name in KNOWN)))
        parts.append(left_out(measured, "speed", size))
    known = {key: value for one in figures.part(measured, "peers") for key, value in one.machine["versions"].items()}
    rows = _present(_found_by(found, name, known) for name in KNOWN)
    if rows:
        parts.append(markdown(("memory", "version", "R@10 on LoCoMo, %", "sentences unsealed on disk"), rows))
        parts.append(left_out(measured, "recall"))
    return "\n\n".join([*(part for part in parts if part), *_skipped(measured, "peers")])


def left_out(measured: Figures, measure: str, size: int = 0, *, reasons: str = "below") -> str:
    """Which peers have no figures in a table, and why, in a sentence or two; empty where all have.

    A peer that a run asks gives figures or a sentence about why not. One with neither was not asked.

    Args:
        measured: the figures.
        measure: of the peers: `speed` or `recall`.
        size: how many memories, for `speed`.
        reasons: where the sentences are.
    """
    rows = {row.key for row in measured[f"peers.{measure}"].rows} if f"peers.{measure}" in measured else set()
    wanted = "recall.p50.{size}" if size else "r10"
    absent = [name for name in KNOWN if f"peers.{name}.{wanted.format(size=size)}" not in rows]
    told = [name for name in absent if any(_is_about(said, name, size) for said in skipped(measured, "peers"))]
    groups = {
        "Not asked in this run, in which `--peers` chose others": [name for name in absent if name not in told],
        f"Asked, and not all measured, for the reason {reasons}": told,
    }
    said = [f"{why}: {'; '.join(KNOWN[name].title for name in names)}." for why, names in groups.items() if names]
    return " ".join(said)


def readme(measured: Figures) -> str:
    """The few figures that the README has."""
    shown = {name: rows for name, one in measured.items() if (rows := [row for row in one.rows if row.key in _README])}
    if not shown:
        return _nothing("README")
    rows = sorted((row for rows in shown.values() for row in rows), key=lambda row: _README.index(row.key))
    said = [f"Measured {when([measured[name] for name in shown])}."]
    for row in rows:
        place = _COMPARED.fullmatch(row.key)
        if place and (more := _left_out_of(measured, place)):
            said.append(more)
    return "\n\n".join([_rows(rows), *said])


def _left_out_of(measured: Figures, place: re.Match[str]) -> str:
    """The same for a row that compares with the best of the peers."""
    size = int(place["size"] or 0)
    what = f"Recall at {size:,} is compared" if size else "R@10 is compared"
    given = "that [Benchmarks](docs/benchmarks.md) gives"
    beside = left_out(measured, "speed" if size else "recall", size, reasons=given)
    return f"{what} with some of the other memories only. {beside}" if beside else ""


TABLES: dict[str, Callable[[Figures], str]] = {
    "quality": quality,
    "ablations": ablations,
    "speed": speed,
    "peers": peers,
    "readme": readme,
}
"""What a block may show, by name."""


def filled(page: str, measured: Figures) -> str:
    """The page with every block made anew."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block[2]](measured)}\n\n{block[3]}", page)


def main() -> int:
    """Fill the blocks of all pages."""
    measured = figures.read(FIGURES)
    for page in PAGES:
        page.write_text(filled(page.read_text("utf-8"), measured), encoding="utf-8")
    return 0


def _when(one: Measured) -> str:
    of = one.machine
    simd = f" ({of['simd'][-1]})" if of["simd"] else ""
    memory = f", {of['memory_gb']} GB" if of["memory_gb"] else ""
    timed = any(row.unit in _TIMED for row in one.rows)
    busy = "; provisional, since the machine was busy" if timed and of["provisional"] else ""
    kind = f"{of['cores']} cores of {of['processor']}{simd}{memory}, {of['system']}, Python {of['python']}"
    return f"{one.at}, {kind}{busy}"


def _table(measured: Figures, section: str, wanted: Callable[[Row], bool]) -> str:
    rows = [row for row in figures.rows(measured, section) if wanted(row)]
    if not rows:
        return _nothing(section)
    said = f"Measured {when(figures.part(measured, section))}."
    return "\n\n".join([said, _rows(rows), *_skipped(measured, section)])


def _skipped(measured: Figures, section: str) -> list[str]:
    sentences = skipped(measured, section)
    return ["\n".join(f"- {sentence}" for sentence in sentences)] if sentences else []


def _rows(rows: Iterable[Row]) -> str:
    cells = [row.cells for row in rows]
    return markdown(HEADINGS, cells) if cells else ""


def _nothing(name: str) -> str:
    return f"Nothing was measured for {name} yet."


def _present(lines: Iterable[list[str] | None]) -> list[list[str]]:
    return [line for line in lines if line]


def _peer(found: Mapping[str, Row], name: str, size: int) -> list[str] | None:
    keys = [f"peers.{name}.{column}.{size}" for column in _COLUMNS]
    if not any(key in found for key in keys):
        return None
    cells = []
    for key in keys:
        row = found.get(key)
        beside = f" ({number(row.ratio)} x)" if row and row.ratio else ""
        cells.append(f"{number(row.figure)}{beside}" if row else "")
    return [_title(name), *cells]


def _found_by(found: Mapping[str, Row], name: str, known: Mapping[str, str]) -> list[str] | None:
    recalled, unsealed = found.get(f"peers.{name}.r10"), found.get(f"peers.{name}.unsealed")
    if not recalled and not unsealed:
        return None
    versions = ", ".join(f"{package} {known[package]}" for package in KNOWN[name].packages if package in known)
    forms = re.search(r"\((.*)\)", unsealed.what) if unsealed else None
    opened = f"{unsealed.figure:.0f} {unsealed.unit}" if unsealed else ""
    cells = [recalled.cells[1] if recalled else "", f"{opened}: {forms[1]}" if forms else opened]
    return [_title(name), versions, *cells]


def _is_about(said: str, name: str, size: int) -> bool:
    """Whether this sentence, of those that the measures of peers give, says why a peer has no figures at a size."""
    place = f" at {size:,}, " if size else r", (recall|quality): "
    return re.match(f"{re.escape(KNOWN[name].title)}( is not installed|{place})", said) is not None


def _title(name: str) -> str:
    return f"**{KNOWN[name].title}**" if name == OURS else KNOWN[name].title


if __name__ == "__main__":
    sys.exit(main())
