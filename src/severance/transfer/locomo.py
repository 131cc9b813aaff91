"""`locomo`: conversations of the LoCoMo benchmark (Maharana et al. 2024), one memory for each turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files, fit
from severance.transfer.fit import Unfit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped

_SESSION = re.compile(r"session_(\d{1,6})\Z")
# strptime would read month names in the language of the machine.
_TIME = re.compile(r"\s*(\d{1,2}):(\d{2})\s*([ap])m on (\d{1,2}) ([a-z]{3})[a-z]*,? (\d{4})\s*\Z", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NOON = 12


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each turn, in the order of sessions and turns; see `Reader`.

    Options: `speaker` keeps one speaker's turns, `sample` one conversation's. InputError when nobody is called that.
    """
    document = files.read_document(path)
    samples = document if isinstance(document, list) else [document]
    _refuse_unknown(path, samples, options)
    for index, sample in enumerate(samples):
        where = f"samples[{index}]"
        conversation = sample.get("conversation") if isinstance(sample, dict) else None
        if not isinstance(conversation, dict):
            yield Skipped(where, "it is not a LoCoMo conversation")
        elif options.get("sample") in (None, _sample_id(sample, index)):
            yield from _conversation(where, _sample_id(sample, index), conversation, options.get("speaker"))
        progress.share(index + 1, len(samples))


def _refuse_unknown(path: Path, samples: list[Any], options: Options) -> None:
    good = [(index, s) for index, s in enumerate(samples) if isinstance(s, dict) and _sessions(s.get("conversation"))]
    if not good:
        raise InputError(f"{path} holds no LoCoMo conversation; name the JSON file of the data set")
    wanted, speaker = options.get("sample"), options.get("speaker")
    chosen = [sample for index, sample in good if wanted in (None, _sample_id(sample, index))]
    if not chosen:
        raise InputError(f"{path} has no sample {wanted!r}; leave the option out to read them all")
    if speaker is not None and not any(speaker in _speakers(sample["conversation"]) for sample in chosen):
        raise InputError(f"{path} has no speaker {speaker!r} there; leave the option out to read them all")


def _speakers(conversation: dict[str, Any]) -> set[object]:
    turns = (turn for _, session in _sessions(conversation) for turn in session if isinstance(turn, dict))
    return {turn["speaker"] for turn in turns if isinstance(turn.get("speaker"), str)}


def _sample_id(sample: dict[str, Any], index: int) -> str:
    name = sample.get("sample_id")
    return str(name) if isinstance(name, (str, int)) and name != "" else f"sample-{index}"


def _sessions(conversation: object) -> list[tuple[int, list[Any]]]:
    """The sessions that have turns, by number."""
    if not isinstance(conversation, dict):
        return []
    numbered = ((_SESSION.match(name), turns) for name, turns in conversation.items())
    return sorted(
        ((int(match[1]), turns) for match, turns in numbered if match and isinstance(turns, list)),
        key=lambda session: session[0],
    )


def _conversation(where: str, sample: str, conversation: dict[str, Any], speaker: str | None) -> Iterator[Found]:
    for number, turns in _sessions(conversation):
        time = conversation.get(f"session_{number}_date_time")
        for index, turn in enumerate(turns):
            place = f"{where}.session_{number}[{index}]"
            if not isinstance(turn, dict):
                yield Skipped(place, "it is not a turn")
            elif speaker in (None, turn.get("speaker")):
                yield _turn(place, sample, number, index, turn, time)


def _turn(where: str, sample: str, number: int, index: int, turn: dict[str, Any], time: object) -> Found:
    def make() -> Item:
        name = turn.get("dia_id")
        name = name if isinstance(name, str) and name else f"D{number}:{index + 1}"
        draft = Draft(
            text=fit.text(_text(turn)),
            at=fit.later(_time(time), index),
            thread=fit.label(f"{sample} session {number}"),
            source=fit.label(turn.get("speaker")),
            kind="turn",
            metadata=fit.metadata({"dia_id": name, "sample_id": sample}),
        )
        return fit.item(draft, fit.origin("locomo", sample, name))

    return fit.attempt(where, make)


def _text(turn: dict[str, Any]) -> object:
    said, caption = turn.get("text"), turn.get("blip_caption")
    if not isinstance(caption, str) or not caption.strip() or not isinstance(said, str | None):
        return said
    return f"{said or ''} [shares a picture: {caption}]".lstrip()


def _time(value: object) -> datetime | None:
    """The time of a session, as in "1:56 pm on 8 May, 2023", taken as UTC."""
    match = _TIME.match(value) if isinstance(value, str) else None
    if match is None:
        return fit.when(value)
    hour, minute, half, day, month, year = match.groups()
    try:
        number = _MONTHS.index(month.lower()) + 1
        at = datetime(int(year), number, int(day), _hour(int(hour), half), int(minute), tzinfo=UTC)
    except ValueError:
        raise Unfit("its date cannot be read") from None
    return at


def _hour(hour: int, half: str) -> int:
    if not 1 <= hour <= _NOON:
        raise ValueError
    return hour % _NOON + (_NOON if half.lower() == "p" else 0)


FORMAT = Format("locomo", "conversations of the LoCoMo benchmark as JSON", read, options=("speaker", "sample"))
