"""What the probes of every class are made of: tenants, sentences that can be told apart, and calls that are judged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from string import ascii_lowercase

from severance.barrier.causes import CHANGED, CHANGED_BY_ID, GIVEN, GIVEN_AGAIN
from severance.barrier.findings import Tally, Way
from severance.barrier.peers.remote import NoAnswerError, Remote
from severance.barrier.peers.wire import Answer, Argument, Call

LIMIT = 10
_MARK = re.compile(r"zq[a-z]{12}")

_WHO = ("The gardener", "My sister", "Our landlord", "The pianist", "A neighbour", "The night nurse", "The baker")
_WHAT = ("keeps the bronze key", "hides a letter", "stores the red notebook", "left a parcel", "buried the old radio")
_WHERE = ("behind the clock", "under the third stair", "beside the apple tree", "in the blue cupboard", "at the mill")
_WHEN = ("since Tuesday", "until the harvest", "every winter", "for the committee", "after the concert")
_NAMES = ("ann", "ben", "cleo", "dora", "emil", "freya", "gus", "hana", "ivo", "june")


class UnfitError(Exception):
    """The adapter does not do what it is asked at all, so that nothing can be concluded from it."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A memory that a tenant has added: its id, its text, and the made-up word by which the text is recognised."""

    tenant: str
    id: str
    text: str
    mark: str


@dataclass
class Ground:
    """A store with tenants in it, for one round of probes. Every judged call is one trial in the tally.

    Attributes:
        remote: the adapter, open in a folder of this round.
        folder: where the stores of this round are; everything here is removed after the round.
        tally: where trials are counted.
        random: what the round is drawn from.
        again: how to see this round again, for the evidence.
        owners: whose each mark is; kept from round to round.
    """

    remote: Remote
    folder: Path
    tally: Tally
    random: Random
    again: str
    owners: dict[str, str] = field(default_factory=dict)
    _stores: int = 0
    _asked: set[str] = field(default_factory=set)
    _harmed: bool = False

    @property
    def store(self) -> Path:
        """The folder of the store that is open, or was last."""
        return self.folder / f"store-{self._stores}"

    def fresh(self) -> None:
        """Close the store, and make another in a new folder."""
        self._stores += 1
        self._asked.clear()
        self._harmed = False
        self.reopen()

    def reopen(self) -> None:
        """Close the store, and open the same folder again."""
        self.remote.close()
        self.remote.open(self.store)

    def tenants(self, count: int) -> list[str]:
        """Ordinary names that nobody has used yet: letters, a hyphen and digits."""
        return [f"{name}-{self.random.randrange(10_000, 100_000)}" for name in self.random.sample(_NAMES, count)]

    def sentence(self, tenant: str) -> tuple[str, str]:
        """A sentence of this tenant's that nobody else would write, and the word in it by which it is recognised."""
        mark = "zq" + "".join(self.random.choices(ascii_lowercase, k=12))
        self.owners[mark] = tenant
        parts = (self.random.choice(words) for words in (_WHO, _WHAT, _WHERE, _WHEN))
        return f"{' '.join(parts)}, and the word for it is {mark}.", mark

    def ask(self, method: str, *args: Argument) -> Answer:
        """Make a call and do not judge it.

        Raises:
            NoAnswerError: it hung, crashed, or returned something else.
        """
        return self.call(Call(method, list(args)))

    def call(self, call: Call) -> Answer:
        """The same, for a call; which questions were asked is kept in mind."""
        answer = self.remote.call(call)
        if call.method == "search":
            self._asked.add(str(call.args[1]))
        return answer

    def add(self, tenant: str, text: str = "", mark: str = "") -> Planted | None:
        """Add a sentence, or the one that is given, for a tenant; None where the memory refuses it."""
        return self._added(tenant, text, mark)[0]

    def plant(self, tenant: str, count: int = 1) -> list[Planted]:
        """Add sentences for an ordinary tenant, and see that they are found.

        Raises:
            UnfitError: the memory refuses them, or does not find what it was given.
        """
        planted = []
        for _ in range(count):
            one, raised = self._added(tenant)
            if one is None:
                raise UnfitError(f"the adapter refuses to remember for the tenant {tenant!r}: it raised {raised}")
            planted.append(one)
        for one in planted:
            if not self.finds(one):
                raise UnfitError(
                    f"the adapter does not find what it was given: {self._seen(one)} came without a memory that "
                    f"{tenant!r} had just added"
                )
        return planted

    def finds(self, planted: Planted) -> bool:
        """Whether every reading call that the memory has still gives the owner this memory as it was added."""
        answered = 0
        for call in self._readings(planted):
            answer = self.call(call)
            if answer.kind != "missing":
                answered += 1
                if planted.text not in texts(answer):
                    return False
        if not answered:
            raise UnfitError("the adapter has neither search nor list nor get")
        return True

    def reads_own_only(self, reader: str, method: str, *args: Argument) -> Answer:
        """One trial: a call by a reader, which must give nothing of anybody else."""
        call = Call(method, list(args))
        how = GIVEN_AGAIN if method == "search" and str(args[1]) in self._asked else GIVEN
        return self.judge(reader, (method, how), self.shown(call), self.call(call))

    def judge(self, reader: str, way: Way, what: str, answer: Answer) -> Answer:
        """One trial: what a reader was answered is of nobody else. A refusal holds; a missing method is no trial."""
        if answer.kind == "missing":
            return answer
        foreign = self.foreign(reader, answer)
        if foreign:
            text, owner = foreign[0]
            self.broke(way, f"{what} gave {reader!r} a memory of {owner!r}: {text!r}")
        else:
            self.tally.held()
        return answer

    def reads(self, reader: str, query: str) -> None:
        """Search and list as this tenant, whatever it is called; nothing of anybody else may come."""
        self.reads_own_only(reader, "search", reader, query, LIMIT)
        self.reads_own_only(reader, "list", reader)

    def leaves_alone(self, planted: Planted, method: str, *args: Argument) -> None:
        """One trial: a writing call by somebody else, after which the owner must still find the memory as it was."""
        if self._harmed and not self.finds(planted):
            return  # an earlier call has taken it, and this one is not to blame
        call = Call(method, list(args))
        if self.call(call).kind == "missing":
            return
        if self.finds(planted):
            self.tally.held()
        else:
            self._harmed = True
            self.broke(
                (method, CHANGED_BY_ID if planted.id in args else CHANGED),
                f"after {self.shown(call)}, {planted.tenant!r} no longer has what it had added: {planted.text!r}",
            )

    def foreign(self, reader: str, answer: Answer) -> list[tuple[str, str]]:
        """The texts in an answer that are somebody else's, with whose they are."""
        return [
            (text, self.owners[mark])
            for text in texts(answer)
            for mark in _MARK.findall(text)
            if self.owners.get(mark, reader) != reader
        ]

    def shown(self, call: Call) -> str:
        """A call as evidence tells it: what was called of the adapter, and what that calls of the memory."""
        by = self.remote.calls.get(call.method)
        return f"{call} [{by}]" if by else str(call)

    def broke(self, way: Way, evidence: str) -> None:
        """One trial in which something crossed."""
        self.tally.ways.add(way)
        self.tally.broke(f"{evidence} ({self.again})")

    def _added(self, tenant: str, text: str = "", mark: str = "") -> tuple[Planted | None, str]:
        """As `add`, and what was raised."""
        if not text:
            text, mark = self.sentence(tenant)
        answer = self.ask("add", tenant, text)
        if answer.kind == "missing":
            raise UnfitError("the adapter has no add")
        return (Planted(tenant, answer.text, text, mark) if answer.text is not None else None), answer.note

    def _readings(self, planted: Planted) -> list[Call]:
        return [
            Call("search", [planted.tenant, planted.text, LIMIT]),
            Call("list", [planted.tenant]),
            Call("get", [planted.tenant, planted.id]),
        ]

    def _seen(self, planted: Planted) -> str:
        """The first reading call without the memory."""
        for call in self._readings(planted):
            answer = self.call(call)
            if answer.kind != "missing" and planted.text not in texts(answer):
                return f"{call} {f'raised {answer.note} and ' if answer.note else ''}"[:300].rstrip()
        raise NoAnswerError("it gives other answers to the same question")


def texts(answer: Answer) -> list[str]:
    found = [row.text for row in answer.rows]
    return found if answer.text is None else [*found, answer.text]
