"""The benchmark of routing, on data invented here: what is plain to tell is told, and the rest is left open."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.quality import routing
from bench.settings import AbsentError, Settings

_WORDS = {
    "garden": ["tomatoes", "beans", "water", "soil", "seeds", "lawn", "roses", "compost", "spade", "weeds"],
    "office": ["printer", "manager", "report", "meeting", "budget", "client", "contract", "toner", "invoice", "desk"],
}


def _clinc(path: Path, beside: int = 20) -> Path:
    chance = np.random.default_rng(3)
    rows = [
        [f"{' '.join(chance.choice(words, 5))}", f"{domain}-intent"]
        for _ in range(60)
        for domain, words in _WORDS.items()
    ]
    odd = [[f"quasar sonnet glacier violin {number}", "oos"] for number in range(beside)]
    domains = {domain: [f"{domain}-intent"] for domain in _WORDS}
    path.write_text(json.dumps({"domains": domains, "train": rows, "oos": odd}), encoding="utf-8")
    return path


def test_what_is_plain_is_told_and_what_is_of_nobody_left_open(tmp_path: Path) -> None:
    settings = Settings(tmp_path, clinc=_clinc(tmp_path / "clinc.json"))
    rows = {row.key: row for row in routing.on_clinc(settings)}
    assert rows["routing.clinc.20.right"].figure > 95
    assert rows["routing.clinc.20.right"].against == "nearest centroid"
    assert rows["routing.clinc.20.open"].figure < 30
    assert rows["routing.clinc.20.none"].figure < 20
    assert rows == {row.key: row for row in routing.on_clinc(settings)}


def test_labels_that_say_nothing_are_not_told(tmp_path: Path) -> None:
    path = _clinc(tmp_path / "clinc.json", beside=0)
    data = json.loads(path.read_text(encoding="utf-8"))
    labels = [intent for _, intent in data["train"]]
    np.random.default_rng(5).shuffle(labels)
    data["train"] = [[text, label] for (text, _), label in zip(data["train"], labels, strict=True)]
    path.write_text(json.dumps(data), encoding="utf-8")
    rows = {row.key: row for row in routing.on_clinc(Settings(tmp_path, clinc=path))}
    assert rows["routing.clinc.20.open"].figure > 60


def test_without_data_it_is_skipped(tmp_path: Path) -> None:
    for measure in (routing.on_clinc, routing.on_cimemories):
        with pytest.raises(AbsentError):
            list(measure(Settings(tmp_path)))
