"""No name, no door (P2): whatever id or name is tried, a refusal says nothing but that nothing is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import severance
from severance.barrier.findings import Control, Tally
from severance.barrier.scene import Scene
from severance.barrier.suites.stage import KEY_BYTES
from severance.embed import bundled
from severance.errors import NotFoundError, SeveranceError
from severance.house import House
from severance.session import Session
from severance.system import SystemEntropy

Refused = Callable[[Session, Any], object]
"""A method, called with an id."""

BY_ID: Mapping[str, Refused] = {
    "get": lambda session, given: session.get(given),
    "history": lambda session, given: session.history(given),
    "amend": lambda session, given: session.amend(given, "another text"),
    "forget": lambda session, given: session.forget(given),
}
"""Every method of a session that takes an id; `doors_left_out` tells of one that is not here."""

NEVER = "a" * 30
"""Of the shape of an id, and never given."""

MALFORMED = (
    "",
    " ",
    "a",
    "A" * 30,
    "a" * 29,
    "a" * 31,
    "a a" * 10,
    "ä" * 30,
    "a" * 30 + "\n",
    " " + "a" * 29,
    "0x" + "a" * 28,
    "\0" * 30,
    "%",
    "*",
    "_" * 30,
    ".*",
    "../" * 10,
    "' OR 1=1 --",
    "\ud800" * 30,
    "a" * 100_000,
)

_NAMES = ("persona", "subject", "place", "space", "owner", "scope", "session", "house", "user", "who", "key")
_WAKES = {"mark": "innie", "helly": "innie"}
_WRONG_PLACES = (
    ("mark", "nowhere"),
    ("mark", "Floor"),
    ("mark", "FLOOR"),
    ("mark", "flo"),
    ("mark", "floors"),
    ("mark", "floor-7"),
    ("mark", "flo*"),
    ("mark", "%"),
    ("mark", "*"),
    ("mark", "flооr"),
    ("mark", "ward"),
    ("mark", "innie"),
    ("Mark", "floor"),
    ("mar", "floor"),
    ("mark*", "floor"),
    ("nobody", "floor"),
    ("helly", "home"),
    ("helly", "closed"),
)
"""Subjects and places at which nobody wakes: not declared, not for this subject, spelled otherwise, emptied again."""


def run(scene: Scene, tally: Tally) -> None:
    """Try every method with every id, and crossings by every name; one trial is one call.

    The round is made again with new ids until the time is over.
    """
    tally.control = _control(scene.folder / "control")
    for name in doors_left_out():
        tally.broke(f"{name} is a door that nothing here tries: add it to severance.barrier.suites.doors")
    for number in range(1_000 if scene.deep else 20):
        if number and not scene.more(tally):
            break
        with _house(scene.folder / str(number)) as house:
            _try_ids(house, tally, number)
            _try_places(house, tally)


def doors_left_out() -> list[str]:
    """Public methods of a session that take an id and are not in `BY_ID`, and parameters that name a persona."""
    left = []
    for name, method in inspect.getmembers(Session, inspect.isfunction):
        parameters = () if name.startswith("_") else tuple(inspect.signature(method).parameters)[1:]
        if "id" in parameters and name not in BY_ID:
            left.append(f"Session.{name}")
        left += [f"Session.{name}({given})" for given in parameters if any(word in given for word in _NAMES)]
    return left


def refusal(call: Callable[[], object]) -> tuple[object, ...]:
    """All that a caller can see of a refusal; of a call that was not refused, that it was not."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever comes out is what is looked at
        notes = getattr(error, "__notes__", None)
        seen = (type(error), error.args, str(error), repr(vars(error)), repr(error.__cause__), notes)
        return (*seen, repr(error.__context__) if not error.__suppress_context__ else "")
    return ("not refused",)


def _house(folder: Path) -> House:
    house = severance.open(folder, key=SystemEntropy().draw(KEY_BYTES, b"barrier"), embedder=bundled())
    house.sever("mark", ["innie", "outie"])
    house.sever("helly", ["innie"])
    house.place("floor", _WAKES)
    house.place("home", {"mark": "outie"})
    house.place("floor-7", {"helly": "innie"})
    house.place("closed", {"helly": "innie"})
    house.place("closed", {"helly": None})
    return house


def _try_ids(house: House, tally: Tally, number: int) -> None:
    innie, outie, helly = house.cross("mark", "floor"), house.cross("mark", "home"), house.cross("helly", "floor")
    kept = innie.remember(f"kept {number}").id
    for sort, given in _ids(innie, outie, helly):
        for method, call in BY_ID.items():
            expected = refusal(lambda call=call: call(innie, NEVER))  # type: ignore[misc]
            found = refusal(lambda call=call, given=given: call(innie, given))  # type: ignore[misc]
            if expected[0] is NotFoundError and found == expected:
                tally.held()
            else:
                tally.broke(f"{method} answers to {sort} as it does not to an id that was never given")
    with suppress(NotFoundError):
        if innie.get(kept).text == f"kept {number}":
            return
    tally.failed = "a persona's own id was refused as well, so that refusals say nothing"


def _ids(innie: Session, outie: Session, helly: Session) -> Iterator[tuple[str, Any]]:
    """Sorts of ids that are not to be told apart, as the persona of `innie` tries them."""
    theirs = outie.remember("of another persona").id
    yield "another persona's id", theirs
    yield "another persona's id in capitals", theirs.upper()
    yield "another subject's id", helly.remember("of another subject").id
    gone = outie.remember("soon forgotten by another").id
    outie.forget(gone)
    yield "an id that another forgot", gone
    mine = innie.remember("soon forgotten").id
    innie.forget(mine)
    yield "an id that was forgotten", mine
    for number, given in enumerate(MALFORMED):
        yield f"malformed id {number}", given
    for other in (None, 7, 1.5, True, b"a" * 30, ["a" * 30], {"id": theirs}):
        yield f"a {type(other).__name__} for an id", other


def _try_places(house: House, tally: Tally) -> None:
    expected = refusal(lambda: house.cross("nobody of that name", "nowhere at all"))
    for subject, place in _WRONG_PLACES:
        found = refusal(lambda subject=subject, place=place: house.cross(subject, place))  # type: ignore[misc]
        if expected[0] is NotFoundError and found == expected:
            tally.held()
        else:
            tally.broke(f"{subject!r} at {place!r} is not refused as a subject and a place that nobody has named are")


class _TellsApart(Session):
    """The control: it refuses, and each of its methods tells in another way what it refused."""

    known: frozenset[str] = frozenset()

    def get(self, id: str) -> Any:  # noqa: A002 - as in Session
        """Says it in other words."""
        return self._told(id, lambda: super(_TellsApart, self).get(id), NotFoundError("that is another's"))

    def history(self, id: str) -> Any:  # noqa: A002
        """Says it by another class of error."""
        return self._told(id, lambda: super(_TellsApart, self).history(id), SeveranceError("no"))

    def amend(self, id: str, *given: Any, **named: Any) -> Any:  # noqa: A002
        """Says it by an attribute."""
        error = _words(lambda: super(_TellsApart, self).amend(NEVER, *given, **named))
        error.owner = "outie"  # type: ignore[attr-defined]
        return self._told(id, lambda: super(_TellsApart, self).amend(id, *given, **named), error)

    def forget(self, id: str) -> Any:  # noqa: A002
        """Says it by what the error was caused by."""
        error = _words(lambda: super(_TellsApart, self).forget(NEVER))
        error.__cause__ = KeyError("there")
        return self._told(id, lambda: super(_TellsApart, self).forget(id), error)

    def _told(self, given: Any, call: Callable[[], Any], error: SeveranceError) -> Any:
        if isinstance(given, str) and given in self.known:
            raise error
        return call()


def _words(call: Callable[[], object]) -> NotFoundError:
    """The error that the call raises, without where it came from."""
    try:
        call()
    except NotFoundError as error:
        return NotFoundError(*error.args)
    raise AssertionError("an id that was never given was found")


def _control(folder: Path) -> Control:
    """A session that tells ids apart by words, class, attribute and cause, and a place that answers: all are seen."""
    with _house(folder) as house:
        innie, theirs = house.cross("mark", "floor"), house.cross("mark", "home").remember("of another persona").id
        innie.__class__ = _TellsApart
        innie.known = frozenset({theirs})  # type: ignore[attr-defined]
        seen = sum(
            refusal(lambda call=call: call(innie, theirs)) != refusal(lambda call=call: call(innie, NEVER))  # type: ignore[misc]
            for call in BY_ID.values()
        )
        seen += refusal(lambda: house.cross("mark", "floor")) != refusal(lambda: house.cross("mark", "nowhere"))
    return Control("refusals that differ in words, class, attribute or cause, and a place that answers", 5, seen)
