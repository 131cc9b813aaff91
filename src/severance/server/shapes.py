"""Memories and recollections as they are written and given."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, Discriminator, Field, Tag

from severance.model import MAX_LABEL_BYTES, MAX_TEXT_BYTES
from severance.server.said import Given, Plain, Said, Scalar

MOST_AT_ONCE = 2_048
"""Memories of one request: as many as are kept whole or not at all."""

_Id = Annotated[str, Field(pattern="^[0-9a-f]{30}$")]
_When = Annotated[
    str, Field(description="ISO 8601, such as 2024-05-31T18:00+02:00; without a zone it is UTC.", max_length=64)
]
_Label = Annotated[str, Field(max_length=MAX_LABEL_BYTES)]
_Where = Annotated[Plain, Field(description="Metadata names to the value each must have.")]


class MemorySaid(Said):
    """What is to be remembered."""

    text: str = Field(min_length=1, max_length=MAX_TEXT_BYTES, description="At most 65,536 bytes of UTF-8.")
    at: _When | None = Field(None, description="When it happened; without it, now.")
    thread: _Label | None = Field(None, description="The conversation it belongs to.")
    source: _Label | None = Field(None, description="Who said it, or where it was read.")
    kind: _Label | None = Field(None, description="What sort of memory it is; `note` without it.")
    metadata: Plain | None = Field(None, description="At most 16,384 bytes as JSON.")
    pinned: bool = False

    def item(self) -> dict[str, Any]:
        """As `Session.remember_many` takes it."""
        return {name: value for name, value in self if value is not None}


class MemoriesSaid(Said):
    """Several: all are kept, or none."""

    memories: list[MemorySaid] = Field(min_length=1, max_length=MOST_AT_ONCE)


def _one_or_many(said: Any) -> str:
    return "many" if isinstance(said, dict) and "memories" in said else "one"


OneOrMany = Annotated[
    Annotated[MemorySaid, Tag("one")] | Annotated[MemoriesSaid, Tag("many")], Discriminator(_one_or_many)
]


class ChangeSaid(Said):
    """What is to be otherwise. What is not given stays as it was."""

    text: str | None = Field(None, min_length=1, max_length=MAX_TEXT_BYTES)
    at: _When | None = None
    thread: _Label | None = Field(None, description="null takes it away.")
    source: _Label | None = Field(None, description="null takes it away.")
    kind: _Label | None = None
    metadata: Plain | None = Field(None, description="All of it; null takes it away.")
    pinned: bool | None = None

    def changes(self) -> dict[str, Any]:
        """As `Session.amend` takes them."""
        taken: dict[str, Any] = {"thread": "", "source": "", "metadata": {}}
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: taken.get(name) if value is None else value for name, value in given.items()}


class AskedSaid(Said):
    """Which memories."""

    query: str = Field(min_length=1, max_length=2**20, description="In any words; there is no query syntax.")
    since: _When | None = Field(None, description="Happened no earlier.")
    until: _When | None = Field(None, description="Happened no later.")
    as_of: _When | None = Field(None, description="Only what was known then, in the version of then.")
    thread: _Label | None = Field(None, description="Only this conversation.")
    where: _Where | None = None


class RecallSaid(AskedSaid):
    """What is looked for."""

    limit: int = Field(10, ge=1, le=1_000, description="At most so many.")


class ContextSaid(AskedSaid):
    """What a block of text is to be about."""

    tokens: int = Field(1_000, ge=16, le=1_000_000, description="About how many tokens it may have.")


class MemoryGiven(Given):
    """A memory, in one version."""

    id: _Id
    text: str
    at: AwareDatetime = Field(description="When it happened.")
    recorded: AwareDatetime = Field(description="When it was remembered.")
    thread: str | None
    source: str | None
    kind: str
    metadata: dict[str, Scalar]
    pinned: bool
    repeats: int = Field(description="How often exactly this was remembered.")
    echo_of: _Id | None = Field(description="The memory that recall had just returned, where this merely repeats it.")
    supersedes: _Id | None = Field(description="The version before this one.")
    superseded_by: _Id | None = Field(description="The version after this one.")


class MemoriesGiven(Given):
    """Several memories."""

    memories: list[MemoryGiven]


class PageGiven(MemoriesGiven):
    """A page of them."""

    cursor: str | None = Field(description="For the next page; null where there is none.")


class RecollectionGiven(Given):
    """A memory that recall found."""

    memory: MemoryGiven
    score: float = Field(description="Higher is better; comparable within one answer only.")
    reasons: list[str]


class RecollectionsGiven(Given):
    """What recall found, the best first."""

    recollections: list[RecollectionGiven]


class ContextGiven(Given):
    """A block of text for a prompt, or an empty one."""

    context: str


class ForgottenGiven(Given):
    """That a memory is forgotten."""

    versions: int = Field(description="How many versions it had.")


class CountsGiven(Given):
    """Counts of what the persona remembers."""

    memories: int
    versions: int
    threads: int
    repeats: int
    echoes: int
    words: int
    bytes: int
    records: int


class NoticeGiven(Given):
    """That an override woke the persona outside its place."""

    at: AwareDatetime
    what: str
    reason: str
    requester: str
    until: AwareDatetime
    ended: AwareDatetime | None


class NoticesGiven(Given):
    """What this session was told, the oldest first."""

    notices: list[NoticeGiven]


class EventGiven(Given):
    """What the house's log has of this persona."""

    at: AwareDatetime
    what: str
    place: str | None


class EventsGiven(Given):
    """Some of it, the oldest first."""

    events: list[EventGiven]
