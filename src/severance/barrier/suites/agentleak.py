"""Scenarios of AgentLeak (JSON Lines): each vertical is a persona, with the records of its scenarios.

Every payload, every request and every canary of a vertical is asked of the personas of all other verticals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from severance.barrier.suites.cast import Material, Piece, Probe, Who, checked, unique
from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files

_SUBJECT = "agentleak"
_NAME_IT = "name the JSON Lines file of AgentLeak's scenarios"


@dataclass(frozen=True, slots=True)
class _Scenario:
    """One line: whose records, what they say, which canaries are in them, and what is asked (sort to words)."""

    line: int
    vertical: str
    records: tuple[str, ...]
    canaries: tuple[str, ...]
    words: tuple[tuple[str, str], ...]


def read(path: Path) -> Material:
    """The suite in a file.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    scenarios = list(_scenarios(path))
    verticals = list(dict.fromkeys(scenario.vertical for scenario in scenarios))
    pieces = tuple(_pieces(scenarios))
    attacks, positives = [], []
    for scenario in scenarios:
        asked = [*scenario.words, *(("canary", canary) for canary in scenario.canaries)]
        others = [vertical for vertical in verticals if vertical != scenario.vertical]
        attacks += [
            Probe((_SUBJECT, other), f"the {sort} of line {scenario.line}", words)
            for other in others
            for sort, words in asked
        ]
    for number, piece in enumerate(pieces):
        positives += [Probe(piece.who, "its own canary", canary, frozenset({number})) for canary in piece.canaries]
    return checked(Material("AgentLeak", pieces, unique(attacks), unique(positives)), path)


def _pieces(scenarios: list[_Scenario]) -> Iterator[Piece]:
    for scenario in scenarios:
        who: Who = (_SUBJECT, scenario.vertical)
        for record in scenario.records:
            canaries = tuple(canary for canary in scenario.canaries if canary in record)
            yield Piece(who, Draft(text=record, thread=f"line {scenario.line}"), canaries)


def _scenarios(path: Path) -> Iterator[_Scenario]:
    raw = files.read_bytes(path)
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        scenario = _scenario(number, _value(line, path, number))
        if scenario is None:
            raise InputError(f"{path} holds something else than a scenario at line {number}; {_NAME_IT}")
        yield scenario


def _value(line: bytes, path: Path, number: int) -> object:
    try:
        return files.parse(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError(f"{path} holds no JSON at line {number}; {_NAME_IT}") from None


def _scenario(number: int, value: object) -> _Scenario | None:
    match value:
        case {
            "vertical": str(vertical),
            "private_vault": {"records": list(records)},
            "evaluation": {"canaries": list(canaries)},
            "objective": {"user_request": str(request)},
            "attack": {"payload": str() | None as payload},
        } if vertical.strip() and all(isinstance(canary, str) for canary in canaries):
            texts = [_text(record) for record in records]
            if None in texts:
                return None
            words = [("request", request), ("payload", payload or "")]
            asked = tuple((sort, said) for sort, said in words if said.strip())
            return _Scenario(number, vertical, tuple(text for text in texts if text), tuple(canaries), asked)
        case _:
            return None


def _text(record: object) -> str | None:
    """A record as somebody would note it down: its type, and a line for each field."""
    match record:
        case {"record_type": str(sort), "fields": dict(given)}:
            lines = [f"{name}: {_said(value)}" for name, value in given.items()]
            return "\n".join([sort, *lines])
        case _:
            return None


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
