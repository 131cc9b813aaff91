"""How often recall finds the evidence, turn by turn, on LoCoMo (Maharana et al., ACL 2024).

    python -m bench.recall_quality --locomo path/to/locomo10.json

One mind for each conversation, both speakers in it; one memory for each turn: its text with the caption of the picture
shared with it, its speaker as source, its session as thread, the session's date as its time. R@10 is found gold / gold,
averaged over questions of categories 1-4. The data set is CC BY-NC 4.0 and not part of this project.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.table import Row
from severance.embed import bundled, quantize
from severance.mind import Mind
from severance.model import Filter, id_text, micros
from severance.records import EmbedderChosen, Remembered

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
LIMIT = 10
GOAL = 78
"""Per cent of the evidence that the first ten should hold."""


def turns(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """Every turn in order, with its session's name and time."""
    found = []
    sessions = [key for key in conversation if re.fullmatch(r"session_\d+", key)]
    for name in sorted(sessions, key=lambda key: int(key.split("_")[1])):
        at = datetime.strptime(conversation[f"{name}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
        for turn in conversation[name]:
            caption = f" [shares a picture: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            found.append({"thread": name, "at": micros(at), "text": turn["text"] + caption, **_who(turn)})
    return found


def _who(turn: dict[str, Any]) -> dict[str, Any]:
    return {"source": turn["speaker"], "turn": turn["dia_id"]}


def mind_of(conversation: dict[str, Any]) -> tuple[Mind, dict[str, str]]:
    """A mind with every turn, and from memory ids to turn ids."""
    said = turns(conversation)
    embedder = bundled()
    vectors, scales = quantize(embedder.embed([turn["text"] for turn in said]))
    mind, names = Mind(), {}
    events: list[Any] = [EmbedderChosen(embedder.identity, embedder.dimensions)]
    for number, turn in enumerate(said):
        raw = number.to_bytes(15, "big")
        names[id_text(raw)] = turn["turn"]
        events.append(
            Remembered(
                id=raw,
                text=turn["text"],
                at=turn["at"],
                recorded=turn["at"],
                thread=turn["thread"],
                source=turn["source"],
                kind="turn",
                metadata={},
                pinned=False,
                echo_of=None,
                supersedes=None,
                vector=vectors[number].tobytes(),
                scale=float(scales[number]),
            )
        )
    mind.apply_all(1, events)
    return mind, names


def gold(question: dict[str, Any], known: set[str]) -> set[str]:
    """The turns that hold the evidence; malformed references are read as far as they can be."""
    found = re.findall(r"D:?(\d+):(\d+)", " ".join(question["evidence"]))
    return {f"D{int(session)}:{int(turn)}" for session, turn in found} & known


def score(found: list[str], wanted: set[str]) -> tuple[float, float]:
    """R@10 and nDCG@10 of one question."""
    gain = sum(1 / math.log2(place + 2) for place, turn in enumerate(found) if turn in wanted)
    best = sum(1 / math.log2(place + 2) for place in range(min(len(wanted), LIMIT)))
    return len(wanted.intersection(found)) / len(wanted), gain / best


def run(path: Path) -> dict[int, list[tuple[float, float]]]:
    """The scores of every question that can be scored, by category."""
    scores: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for sample in json.loads(path.read_text("utf-8")):
        mind, names = mind_of(sample["conversation"])
        known = set(names.values())
        now = max(turn["at"] for turn in turns(sample["conversation"]))
        asked = [(q, gold(q, known)) for q in sample["qa"] if q["category"] in CATEGORIES]
        for question, wanted in asked:
            if wanted:
                text = question["question"]
                vector = bundled().embed([mind.to_embed(text)])[0]
                hits = mind.recall(text, vector, limit=LIMIT, filter=Filter(), now=now)
                scores[question["category"]].append(score([names[hit.memory.id] for hit in hits], wanted))
    return scores


def by_category(path: Path) -> list[tuple[str, list[tuple[float, float]]]]:
    """The scores under the name of their category, and all of them last."""
    scores = run(path)
    everything = [pair for pairs in scores.values() for pair in pairs]
    return [*((CATEGORIES[category], scores[category]) for category in sorted(scores)), ("all", everything)]


def measure(path: Path) -> list[Row]:
    """Rows for `python -m bench`: R@10 of each category, and of all questions with its goal."""
    return [
        Row(
            f"R@{LIMIT} on LoCoMo, {name} ({len(pairs):,} questions)",
            100 * sum(recall for recall, _ in pairs) / len(pairs),
            "%",
            GOAL if name == "all" else None,
            at_least=True,
        )
        for name, pairs in by_category(path)
    ]


def main() -> int:
    """Print the table; 2 when the data is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locomo", type=Path, required=True, help="locomo10.json, or a part of it")
    path = parser.parse_args().locomo
    if not path.is_file():
        print(f"There is no file at {path}: get locomo10.json from github.com/snap-research/locomo.", file=sys.stderr)
        return 2
    print(f"{'category':<16}{'questions':>10}{'R@10':>8}{'nDCG@10':>9}")
    for name, pairs in by_category(path):
        recall, ndcg = (sum(pair[i] for pair in pairs) / len(pairs) for i in (0, 1))
        print(f"{name:<16}{len(pairs):>10}{recall:>8.4f}{ndcg:>9.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
