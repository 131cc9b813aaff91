from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from barrier.suites.small import CANARIES, HOME, WORK, material
from severance.barrier.suites.cast import Piece
from severance.barrier.suites.watch import Watch, listening, strings
from severance.errors import NotFoundError
from severance.model import Draft, Memory, Recollection

IDS = ("a1" * 15, "b2" * 15)
NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def watch() -> Watch:
    return Watch(material().pieces, IDS)


def memory(**fields: object) -> Memory:
    given = {"id": "c3" * 15, "text": "nothing", "at": NOW, "recorded": NOW, **fields}
    return Memory(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        CANARIES[0],
        f"before {CANARIES[0]} after",
        CANARIES[0].encode(),
        [{"deep": (CANARIES[0],)}],
        {CANARIES[0]: 1},
        [Recollection(memory(text=f"it says {CANARIES[0]}"), 1.0, ())],
        [Recollection(memory(metadata={"sign": CANARIES[0]}), 1.0, ())],
        memory(thread=CANARIES[0]),
        memory(echo_of=IDS[0]),
        iter([memory(id=IDS[0])]),
        NotFoundError(CANARIES[0]),
        f"- [2024-06-01] the sign says {CANARIES[0].replace(' ', chr(10) + '  ', 1)}",
    ],
)
def test_what_is_another_s_is_found_wherever_it_stands(watch: Watch, value: object) -> None:
    assert watch.leaks(HOME, [value] if not isinstance(value, (str, bytes)) else value) == 1


def test_what_is_one_s_own_is_no_leak(watch: Watch) -> None:
    assert watch.leaks(WORK, [memory(id=IDS[0], text=CANARIES[0])]) == 0
    assert watch.leaks(None, [memory(id=IDS[0], text=CANARIES[0])]) == 2, "to nobody, everything is another's"


def test_what_two_personas_both_have_is_no_leak_to_either() -> None:
    both = [Piece(who, Draft(text="the gate is shut at ten"), ("the gate is shut at ten",)) for who in (WORK, HOME)]
    watch = Watch(both, IDS)
    assert [watch.leaks(who, "the gate is shut at ten") for who in (WORK, HOME)] == [0, 0]
    assert watch.leaks(HOME, IDS[0]) == 1, "the id is another's all the same"


def test_a_canary_shorter_than_a_gram_is_found() -> None:
    watch = Watch([Piece(WORK, Draft(text="pin 4411"), ("4411",)), Piece(HOME, Draft(text="no pin"), ())], IDS)
    assert watch.leaks(HOME, "it was 4411, I think") == 1


def test_an_error_is_read_with_its_attributes_notes_and_cause() -> None:
    error = NotFoundError("words")
    error.owner = "an attribute"  # type: ignore[attr-defined]
    error.add_note("a note")
    error.__cause__ = KeyError("a cause")
    said = list(strings(error))
    assert {"words", "an attribute", "a note", "a cause"} <= set(said)


def test_the_context_of_an_error_is_read_where_a_traceback_would_show_it() -> None:
    error = NotFoundError("words")
    error.__context__ = KeyError("what came before")
    assert "what came before" in list(strings(error))
    error.__suppress_context__ = True
    assert "what came before" not in list(strings(error))


def test_a_value_that_holds_itself_comes_to_an_end() -> None:
    endless: list[object] = ["once"]
    endless.append(endless)
    assert "once" in list(strings(endless))


def test_listening_hears_every_logger_at_every_level_and_leaves_no_trace(watch: Watch) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    with listening() as heard:
        logging.getLogger("some.library").debug("kept %s", CANARIES[0])
        try:
            raise NotFoundError(IDS[0])
        except NotFoundError:
            logging.getLogger("another").exception("it failed")
    assert watch.leaks(HOME, heard) == 2
    assert (root.level, root.handlers) == before
