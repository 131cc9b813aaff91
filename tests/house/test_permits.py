"""Permits and place credentials at the door of a house, and what the sessions that they open may do."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chip.thresholds.worlds import Told
from kit import PLACES, UNKNOWN_ID, make_house, open_house, recalled, texts
from kit.sameness import mark_of
from severance import AsleepError, House, InputError, NotFoundError, PermitError, Right, Session, weaken
from severance.admitted import FREE, NEEDS, READS, TELLS, let_in
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock
from severance.chip.register import ClockRow, PermitRow
from severance.model import moment
from severance.weakening import show
from severance.worker.away import WorkerSession

HOUR = timedelta(hours=1)
SECOND = 1_000_000
REFUSED = ("nobody of that name wakes at a place of that name here",)
ENDED = "what this session was let in with has ended or was revoked; ask for another"


def permit(house: House, *rights: str, subject: str = "mark", place: str = "floor", until: Any = HOUR) -> str:
    return house.permit(subject, place, rights=rights or tuple(Right), until=until)


def id_of(text: str) -> str:
    return text.split(".")[1] if text.startswith("sevc") else show(text).id


def refused(house: House, text: str, **how: Any) -> bool:
    """Whether it opens nothing; if so, in the words of all such refusals."""
    try:
        house.admit(text, **how).sleep()
    except NotFoundError as error:
        if (error.args, error.__cause__, vars(error)) != (REFUSED, None, {}):
            raise
        return True
    return False


# --- The door ---------------------------------------------------------------------------------------------------------


def test_a_permit_wakes_whom_it_was_made_for(house: House) -> None:
    with house.admit(permit(house)) as session:
        assert (session.subject, session.persona, session.place) == ("mark", "innie", "floor")
        session.remember("the file is at 96 percent")
        assert recalled(session, "file") == ["the file is at 96 percent"]
    with house.cross("mark", "home") as outie:
        assert recalled(outie, "file") == []


def test_a_credential_wakes_whoever_wakes_at_its_place(house: House) -> None:
    text = house.register("mark", "floor", "editor")
    with house.admit(text) as session:
        assert session.persona == "innie"
    house.place("floor", {"mark": "outie"})
    with house.admit(text) as session:
        assert session.persona == "outie"
    house.place("floor", {"mark": None})
    assert refused(house, text)


def test_it_ends(house: House, clock: StillClock) -> None:
    text = permit(house)
    clock.tick(3_599)
    assert not refused(house, text)
    clock.tick(1)
    assert refused(house, text)


def test_a_revoked_permit_or_credential_opens_nothing(house: House) -> None:
    text, secret, other = permit(house), house.register("mark", "floor", "editor"), permit(house)
    for named in (id_of(text), id_of(secret)):
        house.revoke(named)
        house.revoke(named)
    assert [refused(house, each) for each in (text, secret, other)] == [True, True, False]


@pytest.mark.parametrize("named", ["", "0" * 32, "a" * 32, "A" * 32, "a", 5, None])
def test_what_has_no_permit_s_id_is_not_revoked(house: House, named: Any) -> None:
    text = permit(house)
    with pytest.raises(NotFoundError, match="nothing here has that id"):
        house.revoke(named)
    assert not refused(house, text)


def test_the_permit_of_another_house_opens_nothing(house: House, folder: Path) -> None:
    with make_house(folder / "other") as other:
        theirs, secret = permit(other), other.register("mark", "floor", "editor")
        assert not refused(other, theirs)
        assert refused(house, theirs)
        assert refused(house, secret)


def test_a_permit_whose_row_is_gone_opens_nothing(house: House) -> None:
    text = permit(house)
    row = house._chip.of_kind(PermitRow(b"", "", "", "", (), 0, 0), house._chip.verify())[0]
    house._chip.change(lambda change: change.remove(row))
    assert refused(house, text)


def test_a_permit_is_for_the_persona_that_woke_when_it_was_made(house: House) -> None:
    text = permit(house)
    house.place("floor", {"mark": "outie"})
    assert refused(house, text)
    house.place("floor", {"mark": None})
    assert refused(house, text)
    house.place("floor", {"mark": "innie"})
    assert not refused(house, text)


def test_a_permit_opens_at_its_place_only(house: House) -> None:
    for text in (permit(house), house.register("mark", "floor", "editor")):
        assert not refused(house, text, place="floor")
        assert refused(house, text, place="home")
        assert refused(house, text, place="nowhere")


def test_a_permit_for_one_tool_opens_for_that_tool(house: House) -> None:
    text = weaken(permit(house), tool="mail")
    assert not refused(house, text, tool="mail")
    assert refused(house, text, tool="shell")
    assert refused(house, text)


def test_a_credential_is_all_of_its_secret(house: House) -> None:
    text, other = house.register("mark", "floor", "editor"), house.register("mark", "floor", "shell")
    prefix, name, secret = text.split(".")
    for altered in (
        f"{prefix}.{name}.{other.split('.')[2]}",
        f"{prefix}.{name}.{secret[:20]}",
        f"{prefix}.{name}.",
        f"{prefix}.{name}.{secret}A",
        f"{prefix}.{name.upper()}.{secret}",
        f"{prefix}.{name}.{'A' * 43}",
        f"{prefix}.{'0' * 32}.{secret}",
        f"{prefix}.{'0' * 32}.{'A' * 43}",
        f"{prefix}.{name}.{secret[:-1]}ä",
        f"{prefix}.{secret}",
        f"sev1.{name}.{secret}",
        f" {text}",
    ):
        assert refused(house, altered)
    assert not refused(house, text)


def test_every_character_of_a_secret_counts(house: House) -> None:
    text = house.register("mark", "floor", "editor")
    start = text.rindex(".") + 1
    for at in range(start, len(text)):
        assert refused(house, text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])


@pytest.mark.parametrize("text", ["", "x", "sev1..", "sevc..", "sev1." * 1_000, "\ud800", "\0", "☃"])
def test_any_text_is_refused_alike(house: House, text: str) -> None:
    with suppress(InputError):  # no text at all: half of a surrogate pair, NUL
        assert refused(house, text)


@pytest.mark.parametrize("given", [None, 5, b"sev1", ["sev1"]])
def test_what_is_no_text_is_an_input_error(house: House, given: Any) -> None:
    with pytest.raises(InputError):
        house.admit(given)


@pytest.mark.parametrize(
    ("rights", "until"),
    [
        ((), HOUR),
        ("recall", HOUR),
        (("everything",), HOUR),
        (None, HOUR),
        (("recall",), timedelta(0)),
        (("recall",), -HOUR),
        (("recall",), "2024-06-01"),
        (("recall",), "yesterday"),
        (("recall",), timedelta.max),
        (("recall",), None),
    ],
)
def test_a_permit_that_cannot_be_meant_is_not_made(house: House, rights: Any, until: Any) -> None:
    with pytest.raises(InputError):
        house.permit("mark", "floor", rights=rights, until=until)
    assert house.permits() == []


def test_a_permit_is_made_where_somebody_wakes(house: House) -> None:
    for subject, place in (("mark", "nowhere"), ("nobody", "floor"), ("helly", "home")):
        with pytest.raises(NotFoundError):
            permit(house, subject=subject, place=place)
    for subject, place in (("mark", "nowhere"), ("nobody", "floor")):
        with pytest.raises(NotFoundError):
            house.register(subject, place, "editor")
    assert house.credentials() == []
    assert refused(house, house.register("helly", "home", "editor")), "who may wake there some day"


class Work:
    """What a door does, counted: statements on the chip, and frames opened."""

    def __init__(self, house: House, patch: pytest.MonkeyPatch) -> None:
        self.statements, self.frames = list[str](), 0
        house._chip._rows._connection.live().set_trace_callback(self.statements.append)
        opener = house._chip._opener
        true = opener.open

        def opened(*where: Any) -> Any:
            self.frames += 1
            return true(*where)

        patch.setattr(opener, "open", opened)

    def of(self, call: Callable[[], object]) -> tuple[list[str], int]:
        self.statements.clear()
        self.frames = 0
        call()
        return [each.split("x'")[0].split("X'")[0] for each in self.statements], self.frames


def test_all_refusals_are_about_the_same_work(
    house: House, folder: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that an outsider cannot tell apart by looking at the text."""
    ended = permit(house, until=timedelta(seconds=1))
    revoked, moved, gone, tool = (
        permit(house),
        permit(house, place="home"),
        permit(house),
        weaken(permit(house), tool="t"),
    )
    house.revoke(id_of(revoked))
    house.place("home", {"mark": "innie"})
    row = next(row for row in house._gate._permits() if row.id.hex() == id_of(gone))
    house._chip.change(lambda change: change.remove(row))
    with make_house(folder / "other", clock=clock) as other:
        another = permit(other)
    clock.tick(2)
    assert refused(house, ended), "the first time that its end is met is kept"
    work = Work(house, monkeypatch)
    shown = {"ended": ended, "revoked": revoked, "moved": moved, "gone": gone, "tool": tool, "garbage": "sev1.x.y"}
    shown |= {"another house's": another, "longer than a permit": "sev1." * 20_000}
    done = {name: work.of(lambda text=text: refused(house, text)) for name, text in shown.items()}
    for name, (statements, frames) in done.items():
        assert len(statements) == len(done["revoked"][0]), name
        assert abs(frames - done["revoked"][1]) <= 2, name  # of some ten, and a sync to disk
    secret = house.register("mark", "floor", "editor")
    unknown = f"sevc.{'ab' * 16}.{secret.split('.')[2]}"
    known = f"{secret[:-43]}{'B' * 42}A"
    (one, first), (other, second) = (work.of(lambda text=text: refused(house, text)) for text in (unknown, known))
    assert len(one) == len(other)
    assert abs(first - second) <= 1


def test_a_chip_that_is_put_back_alone_opens_no_permit_again(folder: Path) -> None:
    store = folder / "store"
    with make_house(folder) as house:
        text, secret = permit(house), house.register("mark", "floor", "editor")
    before = (store / "chip.db").read_bytes()
    with open_house(store) as house:
        assert not refused(house, text), "the control"
        house.revoke(id_of(text))
        house.revoke(id_of(secret))
    (store / "chip.db").write_bytes(before)
    with open_house(store) as house:
        assert refused(house, text)
        assert refused(house, secret)


def test_what_opens_nothing_runs_no_command_of_the_owner_s(house: House, folder: Path) -> None:
    world = Told(ends={"/bin/at-work": True})
    house._surroundings = world
    house.apply_thresholds("""
        rule = [{ subject = "mark", place = "floor", persona = "innie", command = ["/bin/at-work"] }]
    """)
    good, revoked = permit(house), permit(house)
    house.revoke(id_of(revoked))
    world.ran.clear()
    for text in (revoked, "sev1.x.y", weaken(good, tool="mail"), f"sevc.{'ab' * 16}.{'A' * 43}"):
        assert refused(house, text)
    assert world.ran == []
    house.admit(good).sleep()
    assert world.ran, "the control"


def test_a_text_of_any_length_is_refused_as_any_other(house: House) -> None:
    for text in ("sev1." * 2_000, "x" * 200_000, "\u2603\0" * 200_000, f"{permit(house)}{'A' * 70_000}"):
        assert refused(house, text)


def test_a_memory_that_is_moved_while_it_is_amended_is_not_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    own = house.cross("mark", "floor")
    known = own.remember("harmless", thread="mine").id
    guest = house.admit(weaken(permit(house, "recall", "amend"), threads=["mine"]))
    kind: Any = type(guest)
    true = kind.history.__wrapped__

    def moved(session: Session, id: str) -> Any:  # noqa: A002
        versions = true(session, id)
        own.amend(id, "for others", thread="other")
        return versions

    monkeypatch.setattr(kind.history, "__wrapped__", moved)
    with pytest.raises(NotFoundError, match="no memory with that id"):
        guest.amend(known, pinned=True)


# --- Rights -----------------------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Session, str], Any]] = {
    "recall": lambda session, _: session.recall("file"),
    "context": lambda session, _: session.context("file"),
    "memories": lambda session, _: list(session.memories()),
    "stats": lambda session, _: session.stats(),
    "events": lambda session, _: session.events(),
    "notices": lambda session, _: session.notices(),
    "get": lambda session, known: session.get(known),
    "history": lambda session, known: session.history(known),
    "remember": lambda session, _: session.remember("the file"),
    "remember_many": lambda session, _: session.remember_many(["the file"]),
    "amend": lambda session, known: session.amend(known, "another file"),
    "forget": lambda session, known: session.forget(known),
}


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [Session, WorkerSession])
def test_every_public_method_is_in_the_table(kind: type) -> None:
    assert public(kind) <= NEEDS.keys() | FREE | {"sleep"}
    assert NEEDS.keys() == CALLS.keys()
    methods = {name for name in public(Session) if inspect.isfunction(inspect.getattr_static(Session, name))}
    assert methods == NEEDS.keys() | {"sleep"}


@pytest.mark.parametrize("right", Right)
def test_what_the_log_is_told_needs_its_right(house: House, right: Right) -> None:
    tells: dict[str, Callable[[Any], None]] = {
        "_exporting": lambda session: session._exporting(3),
        "_importing": lambda session: session._importing("jsonl"),
    }
    assert tells.keys() == TELLS.keys()
    for name, tell in tells.items():
        with house.admit(permit(house, right)) as session:
            if TELLS[name].right is right:
                tell(session)
            else:
                with pytest.raises(PermitError, match="does not allow it to"):
                    tell(session)
    with house.admit(permit(house, Right.RECALL)) as session:
        for count in (-1, 2**63, "x", True):
            with pytest.raises(InputError):
                session._exporting(count)  # type: ignore[arg-type]


def test_a_permit_for_some_threads_tells_no_id_of_another(house: House, innie: Session) -> None:
    text = "the merger with the other company is on Friday at noon"
    theirs, other = innie.remember(text, thread="b"), innie.remember("the melon bar is open", thread="a")
    innie.recall(text)
    mine, moved = innie.remember(f"{text}.", thread="a"), innie.amend(other.id, "it is closed", thread="b")
    assert (mine.echo_of, moved.supersedes) == (theirs.id, other.id), "the control"
    with house.admit(weaken(permit(house), threads=["a"])) as session:
        found = [hit.memory for hit in session.recall(text, thread="a")]
        echo = session.remember(f"{text}!", thread="a")
        listed = [*session.memories(thread="a"), *session._behind(mark_of(other), thread="a")]
        versions = session.history(other.id)
        for memory in [*found, *listed, *versions, session.get(mine.id), session.get(other.id)]:
            assert not {memory.echo_of, memory.supersedes, memory.superseded_by} & {theirs.id, moved.id}
        assert [version.id for version in versions] == [other.id]
        assert echo.echo_of == mine.id, "ids of its own threads are told"
    assert innie.get(mine.id).echo_of == theirs.id, "nothing was changed"


def test_a_list_in_pages_needs_the_right_to_recall_and_ends_with_it(house: House, innie: Session) -> None:
    first, second = [innie.remember(text, thread="a") for text in ("one", "two")]
    mark = mark_of(first)
    for right in Right:
        with house.admit(permit(house, right)) as session:
            if right is READS["_behind"].right is Right.RECALL:
                assert [memory.id for memory in session._behind(mark, thread="a")] == [second.id]
            else:
                with pytest.raises(PermitError, match="does not allow it to"):
                    session._behind(mark, thread="a")
    text = permit(house)
    reading = house.admit(text)._behind(mark)
    house.revoke(id_of(text))
    with pytest.raises(AsleepError):
        next(reading)


def test_a_session_with_a_method_that_is_not_in_the_table_is_not_let_in(innie: Session) -> None:
    class More(Session):
        def steal(self) -> None: ...

    innie.__class__ = More
    with pytest.raises(TypeError, match="steal"):
        let_in(innie, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("how", ["permit", "weakened", "credential"])
def test_a_call_needs_its_right(house: House, innie: Session, name: str, right: Right, how: str) -> None:
    known = innie.remember("the file").id
    if how == "credential":
        text = house.register("mark", "floor", "editor", rights=[right])
    else:
        text = permit(house, right) if how == "permit" else weaken(permit(house), rights=[right])
    with house.admit(text) as session:
        if NEEDS[name].right is right:
            assert CALLS[name](session, known) is not None
        else:
            with pytest.raises(PermitError) as caught:
                CALLS[name](session, known)
            assert "\n" not in str(caught.value)
            assert "file" not in str(caught.value)
    assert innie.stats()["memories"] == (0 if (name, right) == ("forget", Right.FORGET) else 1)


def test_whoever_crosses_as_the_owner_asks_nobody(innie: Session) -> None:
    assert "_admission" not in vars(innie)


# --- Threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def limited(house: House, innie: Session) -> Iterator[Session]:
    """Of the innie, who reaches the threads `a` and `b` only."""
    for thread in ("a", "c", None):
        innie.remember(f"file {thread}", thread=thread)
    with house.admit(weaken(permit(house), threads=["a", "b"])) as session:
        yield session


def ids(session: Session) -> dict[str | None, str]:
    return {memory.thread: memory.id for memory in session.memories()}


def test_what_reads_many_must_name_a_thread_that_it_reaches(limited: Session) -> None:
    assert recalled(limited, "file", thread="a") == ["file a"]
    assert "file a" in limited.context("file", thread="a")
    assert texts(limited.memories(thread="a")) == ["file a"]
    assert recalled(limited, "file", thread="b") == []
    for thread in ("c", None, "", "A", "a "):
        for call in (limited.recall, limited.context):
            with pytest.raises(PermitError, match="some threads only"):
                call("file", thread=thread)
        with pytest.raises(PermitError, match="some threads only"):
            limited.memories(thread=thread)
    with pytest.raises(PermitError):
        limited.stats()


def test_a_thread_that_is_no_text_is_an_input_error(limited: Session) -> None:
    for thread in (5, ["a"], b"a"):
        for call in (limited.recall, limited.remember):
            with pytest.raises(InputError):
                call("file", thread=thread)  # type: ignore[arg-type]


def test_what_is_remembered_goes_into_a_thread_that_it_reaches(limited: Session, innie: Session) -> None:
    assert limited.remember("more", thread="b").thread == "b"
    for thread in ("c", None, ""):
        with pytest.raises(PermitError):
            limited.remember("more", thread=thread)
    with pytest.raises(PermitError):
        limited.remember_many([{"text": "one", "thread": "a"}, {"text": "two", "thread": "c"}])
    with pytest.raises(PermitError):
        limited.remember_many(iter(["one"]))
    assert len(limited.remember_many(iter([{"text": "one", "thread": "a"}]))) == 1
    assert limited.remember_many([]) == []
    assert sorted(texts(innie.memories())) == sorted(["file a", "file c", "file None", "more", "one"])


@pytest.mark.parametrize("method", ["get", "history", "amend", "forget"])
def test_a_memory_in_another_thread_is_not_known(limited: Session, innie: Session, method: str) -> None:
    def refusal(memory: str) -> tuple[object, ...]:
        with pytest.raises(NotFoundError) as caught:
            getattr(limited, method)(memory, *(["other"] if method == "amend" else []))
        return type(caught.value), caught.value.args, caught.value.__cause__, vars(caught.value)

    known = ids(innie)
    never = refusal(UNKNOWN_ID)
    assert refusal(known["c"]) == refusal(known[None]) == never
    assert getattr(limited, method)(known["a"], *(["other"] if method == "amend" else []))
    assert sorted(texts(innie.memories()))[-1] == ("other" if method == "amend" else "file c")


def test_a_memory_stays_in_the_threads_that_are_reached(limited: Session, innie: Session) -> None:
    known = ids(innie)["a"]
    for thread in ("c", ""):
        with pytest.raises(PermitError):
            limited.amend(known, thread=thread)
    assert limited.amend(known, thread="b").thread == "b"


def test_a_memory_that_was_in_another_thread_is_seen_in_part_and_not_changed(limited: Session, innie: Session) -> None:
    first = ids(innie)["c"]
    moved = innie.amend(first, "file moved", thread="a")
    assert limited.get(moved.id).text == "file moved"
    assert texts(limited.history(moved.id)) == ["file moved"]
    for call in (limited.forget, limited.get):
        with pytest.raises(NotFoundError):
            call(first)
    with pytest.raises(NotFoundError):
        limited.amend(moved.id, "mine")
    with pytest.raises(NotFoundError):
        limited.forget(moved.id)
    assert texts(innie.history(moved.id)) == ["file c", "file moved"]


def test_arguments_by_name_are_the_same(limited: Session, innie: Session) -> None:
    known = ids(innie)
    assert limited.get(id=known["a"]).text == "file a"
    for method in ("get", "forget", "amend", "history"):
        with pytest.raises(NotFoundError):
            getattr(limited, method)(id=known["c"])
    with pytest.raises(PermitError):
        limited.remember_many(items=["one"])


# --- Ends -------------------------------------------------------------------------------------------------------------


def ended(session: Session, told: str = ENDED) -> bool:
    """Whether every call says so, with nothing left of what it held; False when it is awake."""
    with suppress(NotFoundError, AsleepError):
        session.get(UNKNOWN_ID)
    if session._space is not None:
        return False
    for call in (CALLS["get"], *CALLS.values()):
        with pytest.raises(AsleepError, match=told):
            call(session, UNKNOWN_ID)
    return True


def test_an_open_session_ends_with_its_permit(house: House, clock: StillClock) -> None:
    long, short = house.admit(permit(house)), house.admit(permit(house, until=timedelta(seconds=5)))
    weakened = house.admit(weaken(permit(house), until=moment(clock.now() + 3 * SECOND)))
    clock.at += 3 * SECOND - 1
    assert [ended(session) for session in (weakened, short, long)] == [False] * 3
    clock.at += 1
    assert [ended(session) for session in (weakened, short, long)] == [True, False, False]
    clock.tick(2)
    assert [ended(session) for session in (weakened, short, long)] == [True, True, False]


def test_a_session_that_was_put_to_sleep_says_what_an_owner_s_session_says(house: House) -> None:
    session = house.admit(permit(house))
    session.sleep()
    house.revoke(house.permits()[0].id)
    with pytest.raises(AsleepError, match="this session has ended; cross again to wake the persona"):
        session.recall("file")


def test_an_open_session_ends_when_it_is_revoked(house: House) -> None:
    text = permit(house)
    by_permit, by_credential = house.admit(text), house.admit(house.register("mark", "floor", "editor"))
    other = house.admit(permit(house))
    reading = by_permit.memories() if by_permit.remember_many(["one", "two"]) else iter(())
    next(reading)
    house.revoke(id_of(text))
    with pytest.raises(AsleepError, match=ENDED):
        next(reading)
    assert [ended(session) for session in (by_permit, by_credential, other)] == [True, False, False]
    house.revoke(house.credentials()[0].id)
    assert [ended(session) for session in (by_permit, by_credential, other)] == [True, True, False]


def test_weakened_permits_end_with_the_one_that_they_come_from(house: House) -> None:
    text = permit(house)
    sessions = [house.admit(weaken(text, rights=[right])) for right in Right]
    house.revoke(id_of(text))
    assert all(ended(session) for session in sessions)
    assert refused(house, weaken(text, threads=["a"]))


def test_revoking_in_another_process_ends_it_here(house: House, folder: Path) -> None:
    text = permit(house)
    session, other = house.admit(text), house.admit(permit(house))
    assert not ended(session)
    code = (
        "import sys, severance\n"
        "with severance.open(sys.argv[1], key=bytes.fromhex(sys.argv[2])) as house: house.revoke(sys.argv[3])"
    )
    words = [sys.executable, "-c", code, str(folder / "store"), KEY.hex(), id_of(text)]
    subprocess.run(words, check=True, timeout=120)
    assert (ended(session), ended(other)) == (True, False)


def test_a_session_that_was_put_to_sleep_is_asleep_and_so_when_the_house_is_closed(house: House) -> None:
    one, other = house.admit(permit(house)), house.admit(permit(house))
    one.sleep()
    one.sleep()
    assert ended(one, "this session has ended; cross again")
    house.close()
    assert ended(other, "this session has ended; cross again")


def test_a_change_of_something_else_ends_nothing(house: House) -> None:
    session = house.admit(permit(house))
    house.place("somewhere", {})
    permit(house)
    with house.cross("mark", "home") as outie:
        outie.remember("something else")
    assert not ended(session)


# --- The clock --------------------------------------------------------------------------------------------------------


def back(clock: StillClock, seconds: int) -> None:
    clock.tick(-seconds)


def test_a_clock_that_is_set_back_opens_nothing_again(house: House, clock: StillClock, folder: Path) -> None:
    text, longer = permit(house, until=timedelta(seconds=10)), permit(house)
    session = house.admit(text)
    clock.tick(10)
    assert ended(session)
    back(clock, 3_000)
    assert refused(house, text)
    assert ended(session)
    assert not refused(house, longer)
    with open_house(folder / "store", clock=clock) as again:
        assert refused(again, text)


def test_the_chip_knows_the_latest_time_that_was_seen(house: House, clock: StillClock) -> None:
    short, longer = permit(house, until=timedelta(seconds=10)), permit(house)
    clock.tick(10)
    assert not refused(house, longer), "this is when it is seen"
    back(clock, 10)
    assert refused(house, short)
    seen = house._chip.find(ClockRow(0))
    assert seen is not None
    assert seen.at == clock.now() + 10 * SECOND


def test_an_open_session_does_not_live_longer_by_a_clock_that_is_set_back(house: House, clock: StillClock) -> None:
    session = house.admit(permit(house, until=timedelta(seconds=10)))
    clock.tick(9)
    assert not ended(session)
    back(clock, 9)
    assert not ended(session)
    clock.tick(10)
    assert ended(session)


def test_a_later_time_that_another_session_saw_counts(house: House, clock: StillClock) -> None:
    session = house.admit(permit(house, until=timedelta(seconds=10)))
    clock.tick(20)
    assert not refused(house, permit(house))
    back(clock, 20)
    assert ended(session)


def test_the_owner_sets_the_clock_right_again(house: House, clock: StillClock) -> None:
    text, seen, untouched = permit(house), permit(house), permit(house)
    clock.tick(365 * 24 * 3_600)
    far = clock.now()
    assert refused(house, seen)
    back(clock, 365 * 24 * 3_600)
    assert refused(house, text), "by the latest time that was seen, it is over"
    assert house.accept_clock() == moment(far)
    assert refused(house, seen), "it was seen after its end"
    assert refused(house, text)
    assert not refused(house, untouched)
    assert not refused(house, permit(house))


# --- The lists --------------------------------------------------------------------------------------------------------


def test_the_lists_say_what_was_made_and_what_became_of_it(house: House, clock: StillClock) -> None:
    begun = clock.now()
    permit(house, "recall")
    clock.tick(1)
    permit(house, "recall", "remember", place="home", until="2024-06-02")
    house.register("helly", "floor", "editor", rights=["send"])
    one, other = house.permits()
    assert (one.subject, one.persona, one.place, one.rights) == ("mark", "innie", "floor", {Right.RECALL})
    assert (one.made, one.until, one.ended) == (moment(begun), moment(begun + 3_600 * SECOND), None)
    assert (other.persona, other.until.isoformat()) == ("outie", "2024-06-02T00:00:00+00:00")
    (credential,) = house.credentials()
    assert (credential.subject, credential.place, credential.program) == ("helly", "floor", "editor")
    assert (credential.rights, credential.made, credential.revoked) == ({Right.SEND}, moment(clock.now()), None)
    house.revoke(credential.id)
    house.revoke(other.id)
    clock.tick(3_600)
    assert [info.ended for info in house.permits()] == [one.until, moment(begun + SECOND)]
    assert house.credentials()[0].revoked == moment(begun + SECOND)


def test_permits_that_ended_long_ago_leave_the_list(house: House, clock: StillClock) -> None:
    text = permit(house)
    permit(house, until=timedelta(days=90))
    clock.tick(29 * 24 * 3_600)
    permit(house)
    assert len(house.permits()) == 3
    clock.tick(2 * 24 * 3_600)
    permit(house)
    assert len(house.permits()) == 3
    assert refused(house, text)


def test_everything_is_there_after_the_house_is_opened_again(house: House, folder: Path, clock: StillClock) -> None:
    text, gone, secret = permit(house), permit(house), house.register("mark", "home", "editor")
    house.revoke(id_of(gone))
    before = house.permits(), house.credentials()
    house.close()
    with open_house(folder / "store", clock=clock) as again:
        assert (again.permits(), again.credentials()) == before
        assert [refused(again, each) for each in (text, gone, secret)] == [False, True, False]
        assert again.check() == []


def test_nothing_of_a_permit_or_a_secret_is_on_disk(house: House, folder: Path) -> None:
    text, secret = permit(house), house.register("mark", "floor", "editor program")
    weakened = weaken(text, threads=["a"])
    house.admit(weakened).sleep()
    house.admit(secret).sleep()
    house.close()
    needles = [part.encode() for each in (text, weakened, secret) for part in each.split(".") if len(part) > 5]
    needles += [bytes.fromhex(secret.split(".")[1]), b"editor program", b"recall"]
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [needle for needle in needles if needle in content], file.name


def test_permits_do_not_repeat(folder: Path) -> None:
    with make_house(folder, entropy=ScopedEntropy()) as house:
        assert len({permit(house) for _ in range(20)}) == 20
        assert len({house.register("mark", "floor", "editor") for _ in range(20)}) == 20
    assert PLACES["floor"]["mark"] == "innie"
