"""What the adapters of frameworks share keeps to its session, takes nobody's name from a model, and loses nothing."""

from __future__ import annotations

import inspect
from pathlib import Path

from kit import make_house, texts
from kit.checks.base import MARKED, refuses
from severance import AsleepError, NotFoundError, PermitError, weaken
from severance.integrations import frame, saying
from severance.integrations.tools import Tools

RIGHTS = ["recall", "remember", "amend"]


def tools_keep_to_their_session(folder: Path) -> None:
    """Those of two personas are made side by side; one's are used, with what the other has and with its ids."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie, house.cross("mark", "home") as outie:
        mine, others = Tools(innie), Tools(outie)
        secret = others.remember(MARKED)
        mine.remember("Lunch is at noon.")
        assert [hit["text"] for hit in mine.recall(MARKED)] == ["Lunch is at noon."], "another's memory is recalled"
        refuses(NotFoundError, lambda: mine.amend(secret["id"], "mine now"))
        assert texts(outie.memories()) == [MARKED], "another's memory was written"
        assert texts(innie.memories()) == ["Lunch is at noon."]


def tools_keep_to_their_thread(folder: Path) -> None:
    """A permit that is for one thread has tools in that thread, and so may have a session of the whole persona."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        innie.remember(MARKED, thread="tuesday")
        permit = weaken(house.permit("mark", "floor", rights=RIGHTS, until="2100-01-01"), threads=["monday"])
        with house.admit(permit) as less:
            refuses(PermitError, lambda: Tools(less).recall(MARKED))
            for session in (less, innie):
                tools = Tools(session, thread="monday")
                tools.remember("Lunch is at noon.")
                assert {hit["text"] for hit in tools.recall(MARKED)} == {"Lunch is at noon."}, "another thread is read"
        assert texts(innie.memories(thread="tuesday")) == [MARKED]
        assert {memory.thread for memory in innie.memories()} == {"monday", "tuesday"}


def a_model_writes_no_name(folder: Path) -> None:
    """The arguments of the tools are texts and ids of memories, and nothing chooses a persona, a place or a thread."""
    found = {name: [*inspect.signature(tool).parameters][1:] for name, tool in vars(Tools).items() if name[0] != "_"}
    assert found == {"remember": ["text"], "recall": ["query"], "amend": ["id", "text"]}


def a_session_that_ended_is_no_answer(folder: Path) -> None:
    """That it has ended goes to the program, which crosses again, and not to the model, which would go on."""
    with make_house(folder) as house:
        tools = Tools(house.cross("mark", "floor"))
        house.close()
        for call in (lambda: tools.remember("x"), lambda: tools.recall("x"), lambda: tools.amend("0" * 30, "x")):
            ended = refuses(AsleepError, call)
            assert not isinstance(ended, frame.MENDABLE), "the end of a session is told to the model alone"


def what_was_said_is_kept_whole(folder: Path) -> None:
    """An answer that is longer than a memory is kept in several, and nothing of it is lost."""
    said = f"{MARKED}\n{' '.join(f'é{number}' for number in range(30_000))}"
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        for piece in saying.pieces(said):
            innie.remember(piece)
        assert "".join(texts(innie.memories())) == said
