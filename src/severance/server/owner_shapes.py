"""What an owner may write, and what an owner is answered, for the description of the interface."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime, Field

from severance.model import OverrideInfo
from severance.server.said import Given, Said

MOST_TEXT = 262_144


class EntryGiven(Given):
    """An entry of the audit log."""

    number: int = Field(description="Its number in the log, counted from 0.")
    at: AwareDatetime
    what: str = Field(description="What happened, such as `crossed` or `refused`.")
    subject: str | None
    persona: str | None
    place: str | None
    id: str | None = Field(description="Of a permit, a credential, an owner token or a request.")
    detail: dict[str, str | int | bool] = Field(description="Numbers and fixed words, by name.")


class EntriesGiven(Given):
    """Some entries of the audit log, the oldest first."""

    events: list[EntryGiven]
    after: int | None = Field(description="What to ask for next, to go on behind the last of these.")


class CheckpointGiven(Given):
    """The last checkpoint of the audit log."""

    size: int
    root: str
    at: AwareDatetime
    verifier: str
    note: str = Field(description="The signed note that it is in, as witnesses keep it.")


class CheckGiven(Given):
    """An audit log that was computed anew, and is what its checkpoint says."""

    size: int
    root: str
    at: AwareDatetime
    verifier: str
    witnesses: list[str]
    new: list[str]


class AlarmGiven(Given):
    """Something that rang, once or several times."""

    kind: str
    count: int
    first: AwareDatetime
    last: AwareDatetime
    subject: str | None
    persona: str | None
    place: str | None


class SinkGiven(Given):
    """What waits for one sink."""

    sink: str
    waiting: list[AlarmGiven]
    why: str
    tries: int
    due: AwareDatetime | None


class ToldGiven(Given):
    """An alarm that a sink has taken."""

    at: AwareDatetime
    sink: str
    alarm: AlarmGiven


class AlarmsGiven(Given):
    """What waits for the sinks of alarms, and the last 200 that they were told, the oldest first."""

    sinks: list[SinkGiven]
    told: list[ToldGiven]


class RulesGiven(Given):
    """What rings where, in words, without addresses."""

    sinks: dict[str, str]
    rules: list[str]


class OverrideGiven(Given):
    """An override."""

    id: str
    state: str
    subject: str
    persona: str
    requester: str
    reason: str
    rights: list[str]
    threads: list[str] | None
    made: AwareDatetime
    approve_by: AwareDatetime
    use_by: AwareDatetime
    seconds: float
    approved: list[str]
    denied: str | None
    used: AwareDatetime | None
    until: AwareDatetime | None
    ended: AwareDatetime | None
    why: str


class OverridesGiven(Given):
    """All overrides, in the order in which they were asked for; those that are over stay for 30 days."""

    overrides: list[OverrideGiven]


class RequestGiven(Given):
    """The text of a request for an override, for whoever is to approve it."""

    request: str


class WishSaid(Said):
    """What somebody asks for, signed with a key that this server never has."""

    wish: str = Field(min_length=1, max_length=MOST_TEXT, description="What `severance.wish_override` returned.")


class DraftGiven(Given):
    """The draft of a request, for the key that wished it."""

    draft: str


class RequestSaid(Said):
    """A request, signed with a key that this server never has."""

    request: str = Field(min_length=1, max_length=MOST_TEXT, description="What `severance.sign_draft` returned.")


class AnswerSaid(Said):
    """An approver's answer, signed with a key that this server never has."""

    answer: str = Field(min_length=1, max_length=MOST_TEXT, description="What `severance.approve` or `deny` returned.")


class EntriesSaid(Said):
    """Which entries."""

    limit: int = Field(100, ge=1, le=500, strict=False, description="At most so many.")
    after: int | None = Field(
        None,
        ge=-1,
        lt=2**63,
        strict=False,
        description="Behind the entry of this number, -1 for the beginning; without it, the last ones.",
    )
    what: str | None = Field(None, max_length=100, description="Only of this kind.")
    since: str | None = Field(None, max_length=64, description="Happened no earlier; ISO 8601.")
    until: str | None = Field(None, max_length=64, description="Happened no later.")


class FollowSaid(Said):
    """From where on."""

    after: int | None = Field(
        None,
        ge=-1,
        lt=2**63,
        strict=False,
        description="Behind the entry of this number; without it, and without Last-Event-ID, only what is new.",
    )


def of_override(info: OverrideInfo) -> Mapping[str, object]:
    """An override as it is answered: as `severance override list --json` prints it."""
    shown = {name: getattr(info, name) for name in OverrideGiven.model_fields if name != "seconds"}
    return {**shown, "rights": sorted(info.rights), "seconds": info.length.total_seconds()}
