"""The user's own store, looked at from a sealed copy: what they have stored is read and never changed.

The content of memories stays in memory: nothing of it is written anywhere unsealed, and no line of a report holds a
sentence, a name or a path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from severance.barrier.findings import Control, Tally
from severance.barrier.residue import Sweep
from severance.barrier.scene import Part, Scene, Skipped
from severance.barrier.sealed import Names, in_the_clear, known_bytes, masked
from severance.barrier.steady import SEALED, copy_store, pieces, sealed_files, size_of
from severance.chip.rows import RowFile
from severance.crypto.rootkey import KEY_VARIABLE, Key, parse_spec
from severance.errors import (
    DamagedError,
    EmbedderError,
    InputError,
    KeyMissingError,
    NotFoundError,
    SeveranceError,
    StoreError,
    WrongKeyError,
)
from severance.house import House, chosen_embedder
from severance.model import ID_BYTES, Persona, id_text
from severance.ports import Embedder
from severance.session import Session
from severance.store import CHIP_NAME, open_store
from severance.system import SystemClock, SystemEntropy

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_QUICK = 256 * 2**20
"""Bytes; a larger store takes longer than a quick run has."""

MOST_FULL = 4 * 2**30
"""Bytes; a larger store is not copied at all."""

_SENTENCES = 200
_PERSONAS_QUICK = 40
_CONTROL = 50
_FEWEST_CHARS = 24
_FEWEST_DIFFERENT = 8  # a row of dashes is nobody's
_LIMIT = 10
_RECALLED = 10
_FEWEST_RECALLED = 0.5  # of what is asked for by its text: some memories hardly have words to be found by
_PLACE = "severance-barrier"

NAME = "store.own"


def is_there(store: Path) -> bool:
    """Whether there is something of a store in this directory.

    Raises:
        StoreError: nobody may look.
    """
    for name in SEALED:
        try:
            (store / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StoreError(f"your store may not be read ({error.strerror}); ask for access to it") from None
        return True
    return False


def key_is_set() -> bool:
    """Whether the environment names a root key, which then applies as one that `--key` names does."""
    return KEY_VARIABLE in os.environ


def part(store: Path, key: Key, *, embedder: str | None = None, named: bool = False) -> Part:
    """The part `store.own` for the store in this directory.

    Args:
        store: its directory; it may not exist.
        key: where its root key comes from, as in `severance.open`.
        embedder: the spec of what it was written with, as in `severance.open`.
        named: whether somebody named the one or the other. Then a store that cannot be had is no reason to leave the
            part out, and the outcome is inconclusive.

    Raises:
        InputError: a spec is none, or there is a file in the store's place.
    """
    if store.is_file():
        raise InputError(f"{store} is a file; a store is a directory, name another")
    if isinstance(key, str):
        parse_spec(key)
    return Part(
        name=NAME,
        title="Your own store: no memory or name in its files in the clear, no persona gets another's memory, and "
        "every record, snapshot and row of the chip as it was written",
        promise="P3",
        unit="looks",
        advice="Keep every copy of the store to yourself, and report it with this evidence.",
        run=partial(_run, store, key, chosen_embedder(embedder, key), named),
        not_covered=(
            "Backups, exports and copies of your own store, and memories of it shorter than "
            f"{_FEWEST_CHARS} characters.",
            f"More than {_SENTENCES} memories of one persona of your own store, and in a quick run more than "
            f"{_PERSONAS_QUICK} of its personas.",
        ),
        bounded=False,
    )


@dataclass(slots=True)
class _Persona:
    """What is known of one persona of the copy.

    Attributes:
        who: its names, which are never shown.
        ids: of all its memories.
        sentences: id and text of some of them.
    """

    who: Persona
    ids: set[str] = field(default_factory=set)
    sentences: dict[str, str] = field(default_factory=dict)


class _Apart:
    """The embedder, asked for the texts of one persona at a time, as sessions do: it may be behind an endpoint."""

    def __init__(self, embedder: Embedder, owners: Mapping[str, Persona]) -> None:
        self._embedder = embedder
        self._owners = owners
        self.identity = embedder.identity
        self.dimensions = embedder.dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.zeros((len(texts), self.dimensions), np.float32)
        for owner in dict.fromkeys(self._owners[text] for text in texts):
            rows = [row for row, text in enumerate(texts) if self._owners[text] == owner]
            found[rows] = self._embedder.embed([texts[row] for row in rows])
        return found


class _NotHadError(SeveranceError):
    """The store cannot be had, or not here; the message says why, in one sentence for a person."""


def _run(store: Path, key: Key, embedder: Callable[[], Embedder], named: bool, scene: Scene, tally: Tally) -> None:
    try:
        _look(store, key, embedder, scene, tally)
    except _NotHadError as reason:
        if named:
            raise
        raise Skipped(str(reason)) from None
    except EmbedderError:  # which says where an endpoint is
        raise EmbedderError(
            "the embedder that applies here failed, and your store was not looked at to the end; `severance recall` "
            "says why"
        ) from None
    except DamagedError as damage:
        what = str(damage).split("; ")[0]  # the rest says what to do, and the place may be that of the copy
        raise DamagedError(
            f"your store is damaged, which is no crossing: {what}; `severance check` says what can be saved"
        ) from None


def _look(store: Path, key: Key, embedder: Callable[[], Embedder], scene: Scene, tally: Tally) -> None:
    if not is_there(store):
        raise _NotHadError("There is no store of your own to look at; name one with --store.")
    files = list(sealed_files(store))
    size = sum(size_of(file) for file in files)
    if size > MOST_FULL:
        raise _NotHadError(f"Your store has more than {MOST_FULL >> 20:,} MiB, which is not copied.")
    if size > MOST_QUICK and not scene.deep:
        raise _NotHadError(f"Your store has more than {MOST_QUICK >> 20} MiB; try it with --full.")
    copy = scene.folder / "store"
    copy_store(store, copy)
    random = scene.random()
    with _opened(copy, store, key, embedder) as house:
        _check(house)
        status = house.status()
        chosen = list(status.personas)
        if not scene.deep and len(chosen) > _PERSONAS_QUICK:
            chosen = random.sample(chosen, _PERSONAS_QUICK)
        met = [_met(house, _Persona(Persona(each.subject, each.name)), random) for each in chosen]
        if not any(persona.sentences for persona in met):
            raise Skipped(f"No memory in your store has {_FEWEST_CHARS} characters, the least that can be looked for.")
        names = {name for each in status.personas for name in (each.subject, each.name)}
        names |= {place.name for place in status.places}
        tally.held()  # the check
        _sweep(store, files, house, met, Names(names, size), known_bytes(copy), tally)
        _ask(house, met, scene, tally, random)
    if len(chosen) < len(status.personas):
        tally.note += f" {len(chosen)} of {len(status.personas):,} personas were drawn."


def _check(house: House) -> None:
    findings = house.check()
    if findings:
        more = f", and {len(findings) - 1:,} more" if len(findings) > 1 else ""
        raise DamagedError(f"{findings[0].what.split('; ')[0]}{more}")


@contextmanager
def _opened(copy: Path, store: Path, key: Key, embedder: Callable[[], Embedder]) -> Iterator[House]:
    """The copy as a house. The key is looked for from where the store stands, and nobody is asked for it."""
    loaded = embedder()
    try:
        if _asks(copy, key):
            raise _NotHadError(
                "The root key of your store comes from a passphrase, for which the barrier does not ask."
            )
        vault, chip = open_store(copy, key=key, create=False, entropy=SystemEntropy(), home=store.absolute())
    except _NotHadError:
        raise
    except KeyMissingError as error:
        raise _NotHadError(_key_missing(error, key)) from None
    except WrongKeyError:
        raise WrongKeyError("the root key that applies here is not the one of your store; name it with --key") from None
    except SeveranceError as error:
        kind = DamagedError if isinstance(error, DamagedError) else StoreError
        raise kind(str(error).replace(str(copy), "the copy of your store").replace(str(store), "your store")) from None
    with House(copy, vault, chip, None, embedder=lambda: loaded, clock=SystemClock(), entropy=SystemEntropy()) as house:
        yield house


def _key_missing(error: KeyMissingError, key: Key) -> str:
    """Why it cannot be had, without the path or the command that it comes from."""
    said = re.split(r"[.:;] | \(", str(error))[0]
    if isinstance(key, str) and key.startswith("file:"):
        said = said.replace(key[5:], Path(key[5:]).name)
    return f"The root key of your store cannot be had here: {said}; name its source with --key."


def _asks(copy: Path, key: Key) -> bool:
    if key is None and not key_is_set():
        with closing(RowFile.open(copy / CHIP_NAME)) as rows:
            try:
                recorded = msgspec.json.decode(rows.key_source, type=dict[str, object])
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return False  # opening will say what is wrong with it
        return recorded.get("source") == "passphrase"
    return key == "passphrase"


@contextmanager
def _awake(house: House, persona: Persona) -> Iterator[Session]:
    """The persona, at a place that only the copy has."""
    house.place(_PLACE, {persona.subject: persona.name})
    try:
        try:
            session = house.cross(persona.subject, _PLACE)
        except EmbedderError:
            raise _NotHadError(
                "Your store was written with another embedder than the one that applies here; choose it with "
                "--embedder."
            ) from None
        with session:
            yield session
    finally:
        house.place(_PLACE, {persona.subject: None})


def _met(house: House, persona: _Persona, random: Random) -> _Persona:
    """The persona with its ids, and some of its sentences."""
    with _awake(house, persona.who) as session:
        usable = {}
        for memory in session.memories():
            persona.ids.add(memory.id)
            if len(memory.text) >= _FEWEST_CHARS and len(set(memory.text)) >= _FEWEST_DIFFERENT:
                usable[memory.id] = memory.text
    persona.sentences = dict(random.sample(sorted(usable.items()), min(_SENTENCES, len(usable))))
    return persona


def _sweep(
    store: Path,
    files: Sequence[Path],
    house: House,
    met: Sequence[_Persona],
    names: Names,
    known: Sequence[bytes],
    tally: Tally,
) -> None:
    """Every byte of the sealed files, for sentences in eight encodings and their digests, and for names."""
    sentences = sorted({text for persona in met for text in persona.sentences.values()})
    embedder = _Apart(house.embedder, {text: persona.who for persona in met for text in persona.sentences.values()})
    sweep = Sweep(sentences, embedder)
    found: set[int] = set()
    for file in files:
        try:
            content = masked(b"".join(pieces(file)), known)
        except FileNotFoundError:
            continue
        label = _label(file, store)
        for hit in sweep.content(label, content).hits:
            if hit.sentence not in found:
                found.add(hit.sentence)
                tally.broke(f"{label} at byte {hit.offset:,}: a sentence of a memory, as {hit.encoding}")
        for offset in names.offsets(content):
            tally.broke(f"{label} at byte {offset:,}: the name of a subject, persona or place")
    tally.held(len(sentences) - len(found) + names.covered)
    tally.note = names.note
    tally.control = _control(sweep, sentences[:_CONTROL], embedder)


def _control(sweep: Sweep, sentences: Sequence[str], embedder: Embedder) -> Control:
    """The same sweep over some of the same sentences in the clear, in memory only."""
    wanted = found = 0
    for forms in in_the_clear(sentences, embedder).values():
        for content in forms.values():
            wanted += 1
            # Of near-copies one may be found in the name of another: no other sentence is in there.
            found += bool(sweep.content("control", content).hits)
    return Control("sentences of the store, in the clear in memory, in eight encodings and as digests", wanted, found)


def _ask(house: House, met: Sequence[_Persona], scene: Scene, tally: Tally, random: Random) -> None:
    """Every persona is asked with what the others said, and for what they have."""
    _recall_own(house, met, tally)
    for asked in met:
        others = [pair for other in met if other is not asked for pair in other.sentences.items()]
        with _awake(house, asked.who) as session:
            refused = _refusal(session, id_text(random.randbytes(ID_BYTES)))
            _ask_own(session, asked, tally)
            for id, text in random.sample(others, min(_SENTENCES, len(others))):  # noqa: A001
                if not scene.more(tally):
                    return
                _ask_once(session, asked, id, text, refused, tally)


def _recall_own(house: House, met: Sequence[_Persona], tally: Tally) -> None:
    """The control of recall, one for the store: a recall that finds nothing says nothing of what is not found."""
    wanted = found = 0
    for asked in met:
        if wanted >= _CONTROL:
            break
        with _awake(house, asked.who) as session:
            for id, text in list(asked.sentences.items())[:_RECALLED]:  # noqa: A001
                wanted += 1
                hits = session.recall(text, limit=_LIMIT)
                found += any(hit.memory.id == id or _alike(hit.memory.text, text) for hit in hits)
    _add_control(tally, "recall of own memories", 1, int(found >= _FEWEST_RECALLED * wanted))


def _ask_own(session: Session, asked: _Persona, tally: Tally) -> None:
    own = list(asked.sentences)[:_CONTROL]
    _add_control(tally, "own memories, asked for", len(own), sum(session.get(each).id == each for each in own))


def _add_control(tally: Tally, what: str, tried: int, found: int) -> None:
    assert tally.control is not None  # noqa: S101 - the sweep ran its own
    whats = dict.fromkeys([*tally.control.what.split("; "), what])
    tally.control = Control("; ".join(whats), tally.control.tried + tried, tally.control.found + found)


def _alike(one: str, other: str) -> bool:
    """Whether they share most of their words: recall need not tell near-copies apart."""
    first, second = (set(re.findall(r"\w+", text.casefold())) for text in (one, other))
    return 2 * len(first & second) > len(first | second)


def _ask_once(session: Session, asked: _Persona, id: str, text: str, refused: str, tally: Tally) -> None:  # noqa: A002
    hits = session.recall(text, limit=_LIMIT)
    if any(hit.memory.id not in asked.ids for hit in hits):
        tally.broke("recall: a persona got a memory that is not its own")
    elif _refusal(session, id) != refused:
        tally.broke("get: the id of another persona's memory is not answered like one that nobody has")
    else:
        tally.held()


def _refusal(session: Session, id: str) -> str:  # noqa: A002
    """In what words the id is refused by every method that only reads; empty where it is not."""
    said = []
    for call in (session.get, session.history):
        try:
            call(id)
        except NotFoundError as error:
            said.append(str(error))
        else:
            return ""
    return " ".join(said)


def _label(file: Path, store: Path) -> str:
    return file.relative_to(store if file.is_relative_to(store) else store.parent).as_posix()
