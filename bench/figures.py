"""The figures of a run as JSON: what was measured, when, and on what kind of machine. No path or name of a host."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numkong

from bench.table import Row

FORMAT = 1
_PACKAGES = ("severance", "numpy", "numkong", "tokenizers", "wordllama", "cryptography", "PyStemmer")
_BUSY = 0.35
"""Runnable processes for each core, before the run, above which figures of speed are provisional."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measure gave.

    Attributes:
        at: the day, as in 2026-01-31.
        machine: as from `machine()`.
        rows: the figures in order.
        skipped: what was not measured, and why, in one sentence each.
    """

    at: str
    machine: dict[str, Any]
    rows: tuple[Row, ...]
    skipped: tuple[str, ...] = field(default=())


Figures = Mapping[str, Measured]
"""What was measured, by the names of section and measure: `speed.personas`."""


def part(measured: Figures, section: str) -> list[Measured]:
    """What the measures of a section gave."""
    return [one for name, one in measured.items() if name.partition(".")[0] == section]


def rows(measured: Figures, section: str) -> list[Row]:
    """The rows of all measures of a section, in order."""
    return [row for one in part(measured, section) for row in one.rows]


def machine() -> dict[str, Any]:
    """What a figure depends on: processor, memory, system, versions, and how busy the machine is now."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cores": cores,
        "processor": platform.machine(),
        "simd": [name for name, usable in numkong.get_capabilities().items() if usable and name != "serial"],
        "memory_gb": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "versions": versions(_PACKAGES),
        "load_before": None if load is None else round(load, 2),
        "provisional": load is not None and load / cores > _BUSY,
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The versions of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def today() -> str:
    """The day in UTC."""
    return datetime.now(UTC).date().isoformat()


def write(path: Path, measured: Figures) -> None:
    """Write what was measured; what is in the file and was not measured this time stays."""
    before = read(path) if path.is_file() else {}
    whole = {name: asdict(one) for name, one in {**before, **measured}.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, "measures": whole}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Measured]:
    """What `write` has written.

    Raises:
        ValueError: the file is something else.
    """
    whole = json.loads(path.read_text("utf-8"))
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise ValueError(f"{path} is not a file of figures of format {FORMAT}; name another with --json")
    return {
        name: Measured(one["at"], one["machine"], tuple(Row(**row) for row in one["rows"]), tuple(one["skipped"]))
        for name, one in whole["measures"].items()
    }


def _memory() -> int | None:
    """Gigabytes that the machine has."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
