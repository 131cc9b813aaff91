"""A fixed run through most of what a house does, and everything that it leaves behind. Run as a program, it prints it.

`python -m kit.scenario FOLDER` prints one line for each thing that must be the same in every run.
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
from pathlib import Path

from kit import PLACES, dump, make_house
from severance.barrier.traces.observing import observed
from severance.barrier.traces.ports import StillClock, small_snapshots
from severance.transfer import write_jsonl


def play(folder: Path) -> dict[str, object]:
    """Run it in an empty folder, and return what must be the same: results, tables, backup, export, files."""
    with small_snapshots():
        return _play(folder)


def _play(folder: Path) -> dict[str, object]:
    clock = StillClock()
    house = make_house(folder, clock=clock)
    seen: list[object] = []

    def see(call: object) -> None:
        clock.tick()
        seen.append(observed(call))  # type: ignore[arg-type]

    innie, outie = house.cross("mark", "floor"), house.cross("mark", "home")
    helly, second = house.cross("helly", "floor"), house.cross("mark", "floor")
    for number in range(12):
        said = {"thread": "monday", "source": "Irving", "metadata": {"n": number % 3, "b": True, "a": None}}
        see(lambda n=number, s=said: innie.remember(f"file {n} is at {n * 8} percent", **s))
        see(lambda n=number: outie.remember_many([f"dinner {n}", {"text": f"the goat {n % 2}", "pinned": True}]))
        see(lambda n=number: second.remember(f"waffle party {n % 4} on the floor", at="2024-05-31"))
    see(lambda: innie.recall("waffle party, percent of the file", limit=5))
    see(lambda: innie.remember("the file 3 is at 24 percent"))
    see(lambda: innie.amend(next(innie.memories()).id, "something else"))
    see(lambda: second.forget(list(second.memories())[2].id))
    see(lambda: outie.context("goat dinner", tokens=60))
    see(lambda: helly.remember(""))
    see(lambda: helly.stats())
    house.backup(folder / "full.tar")
    house.close()
    # Fewer records than the first closing left, so that every persona wakes from a snapshot and a tail.
    with make_house(folder, clock=clock) as again:
        for subject, place in ((subject, place) for place, wakes in PLACES.items() for subject in wakes):
            session = again.cross(subject, place)
            see(lambda s=session: s.recall("percent goat waffle", limit=20))
            see(lambda s=session: s.remember("one more"))
            with (folder / f"{subject}-{place}.jsonl").open("w", encoding="utf-8") as out:
                write_jsonl(session.memories(), out)
        see(again.check)
    return {"results": seen, **leavings(folder)}


def leavings(folder: Path) -> dict[str, object]:
    """All that is in the folder: tables row by row, members of tars, and whole files."""
    left: dict[str, object] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(file.relative_to(folder))
        left[f"file {name}"] = hashlib.sha256(file.read_bytes()).hexdigest()
        if file.suffix == ".db":
            left |= {f"table {name} {table}": rows for table, rows in dump(file).items()}
        if file.suffix == ".tar":
            with tarfile.open(file) as tar:
                members = {m.name: hashlib.sha256(tar.extractfile(m).read()).hexdigest() for m in tar}  # type: ignore[union-attr]
            left |= {f"member {name} {member}": digest for member, digest in members.items()}
    return left


if __name__ == "__main__":
    for what, found in play(Path(sys.argv[1])).items():
        print(what, hashlib.sha256(repr(found).encode()).hexdigest())
