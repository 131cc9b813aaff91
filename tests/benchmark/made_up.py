"""Figures and data that nobody measured: small, and the same every time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.figures import Measured
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

MACHINE: dict[str, Any] = {
    "cores": 2,
    "processor": "x86_64",
    "simd": ["haswell", "skylake"],
    "memory_gb": 8,
    "system": "Linux",
    "python": "3.13.1",
    "sqlite": "3.50.0",
    "versions": {"severance": "0.1.0", "chromadb": "1.5.9"},
    "load_before": 0.1,
    "provisional": False,
}


def one(*rows: Row, skipped: tuple[str, ...] = (), **machine: Any) -> Measured:
    return Measured("2026-02-03", {**MACHINE, **machine}, rows, skipped)


def measured() -> dict[str, Measured]:
    """Something for every table and every plot."""
    quality = one(
        Row("LoCoMo: R@10", 80.0, "%", 78, True, "locomo.r10", 77.0, 83.0, 60.0, "BM25"),
        Row("LoCoMo, temporal: R@10", 70.0, "%", key="locomo.temporal.r10", low=66.0, high=74.0, base=50.0),
        Row("LoCoMo without dates: R@10", 75.0, "%", key="without.dates.r10", base=80.0, against="the whole"),
    )
    speed = one(Row("recall p50 at 10,000", 0.9, "ms", 1.0, key="speed.recall.p50.10000"), provisional=True)
    peers = one(
        *peer_rows("severance", 0.5, 80.0, 0),
        *peer_rows("chroma", 4.0, 60.0, 20),
        skipped=("LanceDB is not installed; run `pip install -r bench/peers.txt`.",),
    )
    return {"quality.locomo": quality, "speed.personas": speed, "peers.speed": peers}


def peer_rows(name: str, took: float, found: float, unsealed: int) -> list[Row]:
    timed = [
        Row(f"{name}: p50", took * factor, "ms", key=f"peers.{name}.recall.p50.{size}", base=0.5)
        for size, factor in ((1_000, 0.5), (10_000, 1.0))
    ]
    written = [
        Row(f"{name}: bulk", 9_000, "per second", key=f"peers.{name}.write.bulk.{size}") for size in (1_000, 10_000)
    ]
    return [
        *timed,
        *written,
        Row(f"{name}: R@10", found, "%", key=f"peers.{name}.r10", low=found - 3, high=found + 3),
        Row(f"{name}: unsealed (utf-8, vector)", unsealed, "of 20", key=f"peers.{name}.unsealed"),
    ]


def conversations(path: Path) -> Path:
    """A file as LoCoMo has them: one conversation of two sessions, and a question of each category."""
    spoken = {
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ines", "dia_id": "D1:1", "text": "I adopted a grey parrot called Biscuit."},
            {"speaker": "Tomas", "dia_id": "D1:2", "text": "I am learning to build violins in my garage."},
        ],
        "session_2_date_time": "9:05 am on 30 June, 2023",
        "session_2": [
            {"speaker": "Ines", "dia_id": "D2:1", "text": "We moved to the coast last week."},
            {"speaker": "Tomas", "dia_id": "D2:2", "text": "My first violin sounds like a door."},
        ],
    }
    asked = [
        {"question": "What pet did Ines adopt?", "evidence": ["D1:1"], "category": 4},
        {"question": "What is Tomas building?", "evidence": ["D1:2", "D2:2"], "category": 1},
        {"question": "When did Ines move to the coast?", "evidence": ["D2:1"], "category": 2},
        {"question": "Would Tomas enjoy a workshop?", "evidence": ["D1:2"], "category": 3},
        {"question": "What did Tomas adopt?", "evidence": ["D1:1"], "category": 5},
    ]
    path.write_text(json.dumps([{"sample_id": "one", "conversation": spoken, "qa": asked}]), encoding="utf-8")
    return path
