"""What a run of the benchmark is given, and where its data are published."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class AbsentError(Exception):
    """Something is not here, and so something is not measured; the message is one sentence about it."""


@dataclass(frozen=True, slots=True)
class Data:
    """A data set that is not part of this project.

    Attributes:
        file: what the file is called where it is published.
        published: where that is.
        skipped: what is not measured without it.
    """

    file: str
    published: str
    skipped: str


DATA = {
    "locomo": Data(
        "locomo10.json, or a part of it",
        "github.com/snap-research/locomo (CC BY-NC 4.0)",
        "recall quality on LoCoMo",
    ),
    "cimemories": Data(
        "the profiles of CIMemories as JSON",
        "github.com/facebookresearch/CIMemories (CC BY-NC 4.0)",
        "the probes of CIMemories",
    ),
    "clinc": Data(
        "data_full.json of CLINC150, or a part of it",
        "github.com/clinc/oos-eval (CC BY 3.0)",
        "precision by intent on CLINC150",
    ),
}
"""Data sets by the name of their option."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for.

    Attributes:
        folder: made if it is not there; on the disk that is to be measured.
        sizes: how many memories a persona has, each in turn.
        seed: what texts and questions are drawn from.
        seconds: for each peer at each size, at most.
        peers_python: the interpreter that has the peers.
        peers: their names; empty for all.
        embedder: the spec of the encoder that quality is measured with; the peers keep the bundled one.
        locomo, cimemories, clinc: paths of data, where they were given.
    """

    folder: Path
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000)
    seed: int = 1
    seconds: float = 300.0
    peers_python: str = sys.executable
    peers: tuple[str, ...] = ()
    embedder: str = "bundled"
    locomo: Path | None = None
    cimemories: Path | None = None
    clinc: Path | None = None

    def need(self, name: str) -> Path:
        """The path of a data set in `DATA`.

        Raises:
            AbsentError: it was not given, or there is no file.
        """
        path: Path | None = getattr(self, name)
        data = DATA[name]
        if path is None:
            reason = f"--{name} was not given"
        elif not path.is_file():
            reason = f"there is no file at {path}"
        else:
            return path
        raise AbsentError(f"{reason}: {data.file}, published at {data.published}; skipped: {data.skipped}.")

    def data(self, name: str, read: Callable[[Path], Sequence[T]]) -> tuple[T, ...]:
        """What is in a data set, read in this way.

        Raises:
            AbsentError: it is not there, or its file is something else, or holds nothing.
        """
        path = self.need(name)
        try:
            found = tuple(read(path))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            found = ()
        if not found:
            raise AbsentError(f"{path} is not {DATA[name].file}; skipped: {DATA[name].skipped}.")
        return found
