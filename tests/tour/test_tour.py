"""The tour shows what holds, and says so when something does not: every act has a fault that breaks it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from severance import tour, transfer
from severance.chip.chip import Chip
from severance.errors import InputError
from severance.model import Persona
from severance.records import encode
from severance.session import Session
from severance.space import Space
from severance.tour import __main__ as program
from severance.tour import acts, conversations
from severance.tour.story import LIVES, WAY_OUT
from severance.transfer.questions import conversations as read_questions

if TYPE_CHECKING:
    from collections.abc import Callable

ACTS = 4


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def shown(data: Path | None = None, width: int = 80) -> tuple[int, str]:
    out = io.StringIO()
    code = tour.run(data, Console(file=out, width=width, markup=False, emoji=False, highlight=False))
    return code, out.getvalue()


def verdicts(text: str) -> list[bool]:
    return [mark == "holds" for mark in re.findall(r"^  (holds|BROKEN)  ", text, re.MULTILINE)]


def test_the_story_holds_fits_80_columns_and_leaves_nothing(temporary: Path) -> None:
    code, text = shown()
    assert code == 0, text
    assert verdicts(text) == [True] * ACTS
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text, "readable without colour"
    assert text.count("Why it matters:") == ACTS
    assert text.count("as expected") == sum(len(wakes) for _, wakes in WAY_OUT) == 8
    sentences = sum(len(life.memories) for life in LIVES) + 1
    assert re.findall(rf"^ \S+ +(\d+) +{sentences} of {sentences} $", text, re.MULTILINE) == ["0"] * 9
    assert list(temporary.iterdir()) == []


def test_the_story_is_one_that_can_be_told_apart() -> None:
    texts = [text for life in LIVES for text in life.memories]
    assert len(set(texts)) == len(texts)
    assert all(text.isascii() and len(text) >= 24 for text in texts)
    assert all(len(life.memories) >= 12 and len(life.questions) == 5 for life in LIVES)


def test_a_width_that_is_not_there_changes_nothing() -> None:
    """What the command line does when its output is a file."""
    assert max(map(len, shown(width=100_000)[1].splitlines())) <= 96


def wrong_persona(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lift wakes the outer self."""
    waking = Chip.waking

    def confused(chip: Chip, subject: str, place: str, at: Any = None) -> Persona:
        return Persona("mark", "outie") if (subject, place) == ("mark", "lift") else waking(chip, subject, place, at)

    monkeypatch.setattr(Chip, "waking", confused)


def one_key_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mark's two selves share a space."""
    key = Chip.key
    monkeypatch.setattr(
        Chip, "key", lambda chip, who: key(chip, Persona("mark", "innie") if who.subject == "mark" else who)
    )


def plain_text_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody left a debugging aid in."""
    append = Space.append

    def aided(space: Space, events: Any, erase: Any = ()) -> None:
        with (space._vault._path.parent / "debug.log").open("ab") as log:
            log.write(b"".join(map(encode, events)))
        append(space, events, erase)

    monkeypatch.setattr(Space, "append", aided)


def blind_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control is empty, so that finding nothing means nothing."""
    monkeypatch.setattr(acts, "write_control", lambda folder, sentences, embedder: None)


def empty_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody finds anything, which is no wall."""
    monkeypatch.setattr(Session, "recall", lambda *given, **options: [])


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        (wrong_persona, {2}),
        (one_key_for_two, {1, 2, 3}),
        (plain_text_on_disk, {4}),
        (blind_sweep, {4}),
        (empty_recall, {1, 2, 3}),
    ],
)
def test_a_fault_breaks_its_act_and_the_exit_code(
    fault: Callable[[pytest.MonkeyPatch], None], broken: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    code, text = shown()
    assert code == 1, text
    assert {number for number, good in enumerate(verdicts(text), 1) if not good} == broken
    assert f"{len(broken)} of 4 promises did not hold" in text


def test_an_interrupt_leaves_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(acts, "the_way_out", interrupted)
    monkeypatch.setattr(sys, "argv", ["severance.tour"])
    assert program.main() == 130
    assert list(temporary.iterdir()) == []


def conversation(**changes: object) -> dict[str, object]:
    """A LoCoMo sample in small: two who talk twice, and questions about it, some badly written."""

    def turn(name: str, speaker: str, text: str) -> dict[str, str]:
        return {"dia_id": name, "speaker": speaker, "text": text}

    base: dict[str, object] = {
        "sample_id": "conv-x",
        "conversation": {
            "speaker_a": "Ada",
            "speaker_b": "Ben",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                turn("D1:1", "Ada", "I planted forty tulips behind the shed."),
                turn("D1:2", "Ben", "My ferry to Gotland leaves on Saturday at dawn."),
                turn("D1:3", "Ada", "The shed door squeaks like a seagull."),
            ],
            "session_2_date_time": "9:10 am on 2 June, 2023",
            "session_2": [turn("D2:1", "Ben", "I was seasick the whole way and saw no seal.")],
        },
        "qa": [
            {
                "question": "What did Ada plant behind the shed?",
                "evidence": ["D1:1"],
                "category": 4,
                "answer": "tulips",
            },
            {"question": "When does the ferry leave, and who was seasick?", "evidence": ["D1:02; D2:1"], "category": 1},
            {"question": "What squeaks?", "evidence": ["D:1:3"], "category": 4},
            {"question": "Where does Ada's ferry go?", "evidence": ["D1:2"], "category": 5},
            {"question": "Where does the ferry go?", "evidence": ["D1:2"], "category": 5},
            {"question": "Who spoke of the shed and the ferry?", "evidence": ["D1:1", "D1:2"], "category": 1},
            {"question": "What is nowhere?", "evidence": ["D9:9"], "category": 4},
            {"question": "What is not even that?", "evidence": "D1:1", "category": 4},
        ],
    }
    return base | changes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([conversation(), conversation(sample_id="conv-y")]))
    return path


def test_questions_belong_to_whose_words_answer_them(data: Path) -> None:
    first = read_questions(data)[0]
    assert first.speakers == ["Ada", "Ben"]
    assert [q.text for q in first.own("Ada")] == ["What did Ada plant behind the shed?", "What squeaks?"]
    assert [set(q.gold) for q in first.own("Ben")] == [{"D1:2", "D2:1"}]
    assert [q.text for q in first.foreign("Ada")] == [
        "When does the ferry leave, and who was seasick?",
        "Where does Ada's ferry go?",
    ]
    assert [q.text for q in first.foreign("Ben")] == ["What did Ada plant behind the shed?", "What squeaks?"]


def test_each_speaker_of_a_conversation_is_a_persona(data: Path, temporary: Path) -> None:
    code, text = shown(data)
    assert code == 0, text
    rows = re.findall(r"^ (conv-\w) +(\w+) +(\d) +(\d) +(\d\.\d+) +(\d) +(\w+) $", text, re.MULTILINE)
    assert rows == [
        (sample, *row)
        for sample in ("conv-x", "conv-y")
        for row in (("Ada", "2", "2", "1.000", "2", "none"), ("Ben", "2", "1", "1.000", "2", "none"))
    ]
    assert "Of 8 questions about the other's words, none found any of them." in text
    assert list(temporary.iterdir()) == []


def test_a_leak_is_counted_and_breaks_the_exit_code(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = transfer.read

    def careless(path: Path, name: str, options: dict[str, str]) -> transfer.Reading:
        return read(path, name, {"sample": options["sample"]})

    monkeypatch.setattr(conversations.transfer, "read", careless)
    code, text = shown(data)
    assert code == 1
    assert verdicts(text) == [False]
    assert "8 found any of them" in text


@pytest.mark.parametrize(
    "content", [None, b"not json", b"[]", b'{"a": 1}', b'[{"conversation": {}, "qa": []}]', b"\xff"]
)
def test_data_that_cannot_be_used_are_refused_in_one_sentence(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="name a LoCoMo file"):
        shown(path)


def test_it_runs_as_a_program_and_speaks_on_standard_output_only(data: Path) -> None:
    command = [sys.executable, "-m", "severance.tour", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    assert "conv-x" in done.stdout
