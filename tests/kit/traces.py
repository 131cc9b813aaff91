"""Traces: what personas and the owner do in a house, step by step, and what each persona observes of it.

A step names who does it (a persona, or the owner), what (a name in `STEPS`) and with which arguments. Arguments hold
no content and no ids: they are numbers, which `Content` turns into words and `World` into ids that the persona saw.
So the same trace can be run with one persona taken out of it, or with other content in that persona's hands.

To extend it: write a function, decorate it with `@owner_step` or `@session_step` naming the public methods it calls,
and say in `kit.drawing` with which arguments it is called. `test_noninterference.py` fails for a public method that no
step calls.
"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import severance
from kit import FEW, MEMORY, NOON, PLACES, SECOND, WORLD, ScopedEntropy, StillClock, open_house, small_snapshots
from severance import EmbedderError, House, Session, SeveranceError
from severance.embed import Hashing
from severance.model import id_text

Who = tuple[str, str]
"""Subject and persona."""

EVERYONE: tuple[Who, ...] = tuple((subject, name) for subject, names in WORLD.items() for name in names)
PLACE_NAMES = (*PLACES, "stairwell", "nowhere")
OTHER = FEW + 8
"""Dimensions of the embedder that `reembed` changes to and from."""


@dataclass(frozen=True)
class Step:
    """One thing done. `who` is None where the owner does it, and where who wakes decides it (`cross`)."""

    what: str
    who: Who | None = None
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Numbered:
    """A step with its place in the trace it came from, which is also its time."""

    at: int
    step: Step
    by: Who | None


Observation = tuple[int, str, Any]
"""When, what, and what came back."""


class Content:
    """Words for numbers. Every persona has the same words, so that one's would be found by another if they could be."""

    FIRST = ("file", "waffle", "Helly", "garden", "elevator", "paint", "music", "melon", "card", "goat", "Irving", "no")
    SECOND = (
        "Umbrella",
        "x",
        "tramontane",
        "seven",
        "Ω",
        "blue-green",
        "Milchick",
        "not",
        "a",
        "ledger",
        "zz",
        "Ricken",
    )

    def __init__(self, words: Sequence[str] = FIRST) -> None:
        self._words = words

    def text(self, numbers: Sequence[int]) -> str:
        """A text of these words."""
        return " ".join(self._words[n % len(self._words)] for n in numbers)

    def label(self, number: int | None) -> str | None:
        """A thread, a source or a kind."""
        return None if number is None else f"about {self._words[number % len(self._words)]}"

    def metadata(self, pairs: Sequence[tuple[int, Any]] | None) -> dict[str, Any] | None:
        """Metadata with these values."""
        if pairs is None:
            return None
        return {self._words[name % 3]: self._words[v] if type(v) is int and v < 3 else v for name, v in pairs}


class Fussy(Hashing):
    """Fails for a text with the word `melon` (or its counterpart) three times in it."""

    def embed(self, texts: Sequence[str]) -> Any:
        """As `Hashing.embed`, but for those."""
        if any(text.count(word) >= 3 for text in texts for word in ("melon", "not")):
            raise EmbedderError("the embedder did not like that")
        return super().embed(texts)


OwnerStep = Callable[["World", Mapping[str, Any]], Mapping[Any, Any]]
SessionStep = Callable[["World", "Awake", Mapping[str, Any]], Any]
OWNER: dict[str, OwnerStep] = {}
SESSION: dict[str, SessionStep] = {}
CALLED: dict[str, str] = {}
"""Public methods, as `Session.recall`, to a step that calls each."""


def owner_step(*calls: str) -> Callable[[OwnerStep], OwnerStep]:
    """Register what the owner can do. It returns what each persona (or None: everyone) can see of it."""
    return lambda work: _register(OWNER, work, calls)


def session_step(*calls: str) -> Callable[[SessionStep], SessionStep]:
    """Register what can be done with a session. It returns what came back."""
    return lambda work: _register(SESSION, work, calls)


def _register(where: dict[str, Any], work: Any, calls: Sequence[str]) -> Any:
    where[work.__name__] = work
    CALLED.update(dict.fromkeys(calls, work.__name__))
    return work


@dataclass(eq=False)
class Awake:
    """A session, and what its persona has in hand."""

    who: Who
    session: Session
    content: Content
    ids: list[str]


class World:
    """A house while a trace runs through it."""

    def __init__(self, folder: Path, contents: Mapping[Who, Content], absent: Who | None) -> None:
        self.folder = folder
        self.clock = StillClock()
        self.entropy = ScopedEntropy()
        self.contents = contents
        self.absent = absent
        self.dimensions = FEW
        self.houses: list[House | None] = [None, None]
        self.awake: dict[Who, list[Awake]] = defaultdict(list)
        self.ids: dict[Who, list[str]] = defaultdict(list)
        self.seen: dict[Who | None, list[Observation]] = defaultdict(list)
        self.backups = 0

    def house(self, desk: int = 0) -> House:
        """The house, or a second handle on the same store, as another process would have it."""
        found = self.houses[desk]
        assert found is not None
        return found

    def furnish(self) -> None:
        """Open both handles. Never put off until somebody needs one: who that is must make no difference."""
        self.houses = [house or self.open(self.dimensions) for house in self.houses]

    def open(self, dimensions: int) -> House:
        """One more handle."""
        embedder = Fussy(dimensions)
        return open_house(self.folder / "store", clock=self.clock, entropy=self.entropy, embedder=embedder)

    def wakes(self, given: Mapping[str, str | None]) -> dict[str, str | None]:
        """Who wakes, without the one who is absent."""
        return {s: None if p is None or (s, p) == self.absent else p for s, p in given.items()}

    def sever(self, subject: str, names: Sequence[str]) -> Any:
        """`House.sever`, without the one who is absent."""
        there = [name for name in names if (subject, name) != self.absent]
        return self.house().sever(subject, there) if there else []

    def run(self, steps: Sequence[Numbered]) -> None:
        """Set the house up, and take the steps."""
        self.furnish()
        for subject, names in WORLD.items():
            self.sever(subject, names)
        for place, wakes in PLACES.items():
            self.house().place(place, self.wakes(wakes))
        for numbered in steps:
            self.clock.at = NOON + 60 * SECOND * numbered.at
            self._take(numbered)
        self.clock.at += SECOND
        self.close()

    def close(self) -> None:
        """Close both handles; every session sleeps."""
        self.awake.clear()
        for desk, house in enumerate(self.houses):
            if house is not None:
                house.close()
                self.houses[desk] = None

    def _take(self, numbered: Numbered) -> None:
        step, by = numbered.step, numbered.by
        if step.what in OWNER:
            views = observed(lambda: OWNER[step.what](self, step.args))
            views = views if isinstance(views, dict) else {by: views}
            assert step.what != "cross" or set(views) == {by}, "the thresholds are not where `attributed` has them"
            for who, view in views.items():
                self.seen[who].append((numbered.at, step.what, view))
            return
        assert by is not None
        sessions = self.awake[by]
        if not sessions:
            self.seen[by].append((numbered.at, "cross", observed(lambda: self._wake(by))))
        if not sessions:
            return
        awake = sessions[step.args["session"] % len(sessions)]
        self.seen[by].append((numbered.at, step.what, observed(lambda: SESSION[step.what](self, awake, step.args))))

    def _wake(self, who: Who) -> Any:
        """A persona that has something to do wakes at the first place where it can."""
        places = [each.places for each in self.house().status().personas if (each.subject, each.name) == who]
        return cross(self, {"subject": who[0], "place": (*places[0], "nowhere")[0], "desk": 0})[who]

    def id_of(self, awake: Awake, args: Mapping[str, Any]) -> str:
        """An id: one that the persona saw, one that another persona saw, one that nobody did, or none at all."""
        kind, number = args["id"]
        if kind == "own" and awake.ids:
            return awake.ids[number % len(awake.ids)]
        if kind == "other":
            others = [i for who in EVERYONE if who != awake.who for i in self.ids[who]]
            if others:
                return others[number % len(others)]
        if kind == "odd":
            return ("", "A" * 30, "a" * 29, "ä" * 30, "a" * 30 + "\n", " " + "a" * 29)[number % 6]
        return id_text(hashlib.sha256(b"nobody" + bytes([number % 256])).digest()[:15])


def observed(call: Callable[[], Any]) -> Any:
    """What comes back, errors with everything that is on them."""
    try:
        return plain(call())
    except (SeveranceError, ValueError, TypeError, LookupError) as error:
        return type(error).__name__, str(error), error.args, tuple(sorted(vars(error).items()))


def plain(value: Any) -> Any:
    """Results as nested tuples that compare by every field, dicts kept."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, Iterator)):
        return tuple(plain(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(plain(getattr(value, f.name)) for f in dataclasses.fields(value))
    return value.hex() if isinstance(value, float) else repr(value) if isinstance(value, bool) else value


# What the owner can do


@owner_step("House.cross", "Session.subject", "Session.persona", "Session.place")
def cross(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Whoever wakes there gets one more session."""
    session = world.house(args["desk"]).cross(args["subject"], args["place"])
    who = (session.subject, session.persona)
    content, ids = world.contents[who], world.ids[who]
    world.awake[who].append(Awake(who, session, content, ids))
    return {who: (*who, session.place, repr(session))}


@owner_step("House.sever")
def sever(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Say again who there is."""
    found = world.sever(args["subject"], args["names"])
    return {(persona.subject, persona.name): persona.name for persona in found}


@owner_step("House.place")
def place(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Move a threshold."""
    found = world.house().place(args["place"], world.wakes(args["wakes"]))
    return dict.fromkeys(found.wakes.items(), found.name)


@owner_step("House.status")
def status(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Each persona as it looks from outside."""
    return {(each.subject, each.name): plain(each) for each in world.house().status().personas}


@owner_step("House.check")
def check(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Nothing is ever wrong here."""
    return {None: plain(world.house().check())}


@owner_step("House.salvage")
def salvage(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """What could be saved of each persona."""
    return {(who.subject, who.name): plain(found) for who, found in world.house().salvage()}


@owner_step("House.backup")
def backup(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """A copy of everything sealed, of which no persona sees anything."""
    world.backups += 1
    return {None: world.house().backup(world.folder / f"{world.backups}.tar", chip=args["chip"]).chip}


@owner_step("House.reembed", "House.embedder")
def reembed(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Another process embeds everything anew; whoever is awake here finds out."""
    world.dimensions = args["dimensions"]
    world.house(1).close()
    elsewhere = world.houses[1] = world.open(world.dimensions)
    elsewhere.reembed()
    return {None: elsewhere.embedder.identity}


@owner_step("House.close")
def restart(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Close the house, and open it again. Everyone sleeps."""
    world.close()
    world.furnish()
    return {}


@owner_step()
def crash(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """The files are let go and nobody sleeps: no snapshot, no anchor."""
    for desk, house in enumerate(world.houses):
        if house is not None:
            house._chip.close()
            house._vault.close()
            world.houses[desk] = None
    for sessions in world.awake.values():
        sessions.clear()
    world.furnish()
    return {}


# What can be done with a session


def _fields(awake: Awake, args: Mapping[str, Any]) -> dict[str, Any]:
    content = awake.content
    fields = {
        "at": args.get("at"),
        "thread": content.label(args.get("thread")),
        "source": content.label(args.get("source")),
        "kind": content.label(args.get("kind")),
        "metadata": content.metadata(args.get("metadata")),
        "pinned": args.get("pinned"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _filters(awake: Awake, args: Mapping[str, Any]) -> dict[str, Any]:
    content = awake.content
    fields = {name: args.get(name) for name in ("since", "until", "as_of")}
    fields |= {"thread": content.label(args.get("thread")), "where": content.metadata(args.get("metadata"))}
    return {name: value for name, value in fields.items() if value is not None}


@session_step("Session.remember")
def remember(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """One memory, or an error about it."""
    memory = awake.session.remember(awake.content.text(args["words"]), **_fields(awake, args))
    awake.ids.append(memory.id)
    return memory


@session_step("Session.remember_many")
def remember_many(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Several, with an impossible one among them now and then."""
    items = [{"text": awake.content.text(words), **_fields(awake, args)} for words in args["many"]]
    kept = awake.session.remember_many(items)
    awake.ids.extend(memory.id for memory in kept)
    return kept


@session_step("Session.recall")
def recall(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Recollections with scores and reasons."""
    return awake.session.recall(awake.content.text(args["words"]), limit=args["limit"], **_filters(awake, args))


@session_step("Session.context")
def context(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """A block for a prompt."""
    return awake.session.context(awake.content.text(args["words"]), tokens=args["tokens"], **_filters(awake, args))


@session_step("Session.memories")
def memories(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """All of them."""
    return list(awake.session.memories(**_filters(awake, args)))


@session_step("Session.get")
def get(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """One by its id."""
    return awake.session.get(world.id_of(awake, args))


@session_step("Session.history")
def history(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """All versions of one."""
    return awake.session.history(world.id_of(awake, args))


@session_step("Session.amend")
def amend(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """A new version of one."""
    text = awake.content.text(args["words"]) or None
    memory = awake.session.amend(world.id_of(awake, args), text, **_fields(awake, args))
    awake.ids.append(memory.id)
    return memory


@session_step("Session.forget")
def forget(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """One is gone."""
    return awake.session.forget(world.id_of(awake, args))


@session_step("Session.stats")
def stats(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Counts, of every kind."""
    return awake.session.stats()


@session_step("Session.sleep")
def sleep(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Asleep; the session may stay in hand, and refuses."""
    awake.session.sleep()
    if not args["held"]:
        world.awake[awake.who].remove(awake)
    return repr(awake.session)


@session_step()
def leave(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """The end of a `with` block."""
    with awake.session as session:
        found = session.stats()["records"]
    world.awake[awake.who].remove(awake)
    return found


@session_step()
def abandon(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """The session is dropped without sleeping."""
    world.awake[awake.who].remove(awake)


# Whose step it is, and running


def attributed(trace: Sequence[Step]) -> list[Numbered]:
    """Every step with who does it: for a crossing, whoever wakes there at that time; None for the owner."""
    wakes = {(place, subject): persona for place, given in PLACES.items() for subject, persona in given.items()}
    numbered = []
    for at, step in enumerate(trace):
        by = step.who
        if step.what == "place":
            wakes |= {(step.args["place"], s): p for s, p in step.args["wakes"].items()}
        if step.what == "cross":
            subject = step.args["subject"]
            persona = wakes.get((step.args["place"], subject))
            by = None if persona is None else (subject, persona)
        numbered.append(Numbered(at, step, by))
    return numbered


@dataclass(frozen=True)
class Run:
    """What everyone observed, and what is in the store at the end."""

    seen: Mapping[Who | None, Sequence[Observation]]
    world: World

    def of(self, who: Who | None) -> Sequence[Observation]:
        """What one persona observed (None: what everyone did)."""
        return self.seen.get(who, ())


def run(
    trace: Sequence[Step],
    folder: Path | None = None,
    *,
    without: Who | None = None,
    unborn: bool = False,
    replaced: Who | None = None,
) -> Run:
    """Run a trace in a new store.

    Args:
        trace: the steps.
        folder: where the store goes; a temporary folder when it is None.
        without: the persona whose steps are all left out.
        unborn: that persona is not even severed, and wakes nowhere.
        replaced: the persona whose words are other words.
    """
    steps = [n for n in attributed(trace) if n.by is None or n.by != without]
    contents = {who: Content(Content.SECOND if who == replaced else Content.FIRST) for who in EVERYONE}
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch, small_snapshots():
        world = World(folder or Path(scratch), contents, without if unborn else None)
        try:
            world.run(steps)
        finally:
            with suppress(severance.StoreError):
                world.close()
    return Run(dict(world.seen), world)


def differences(trace: Sequence[Step], victim: Who) -> list[str]:
    """Where others observe something else when the victim does nothing, never was, or says other words."""
    whole = run(trace)
    found = []
    for name, other in (
        ("does nothing", run(trace, without=victim)),
        ("never was", run(trace, without=victim, unborn=True)),
        ("says other words", run(trace, replaced=victim)),
    ):
        for who in (None, *EVERYONE):
            if who != victim and plain(list(whole.of(who))) != plain(list(other.of(who))):
                pairs = zip(whole.of(who), other.of(who), strict=False)
                first = next((pair for pair in pairs if pair[0] != pair[1]), "one saw more than the other")
                found.append(f"{who} sees something else when {victim} {name}: {first}")
    return found
