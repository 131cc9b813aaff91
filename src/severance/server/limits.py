"""How much one server takes on, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All limits of a server. Times are seconds, sizes are bytes.

    Attributes:
        connections: at once; who comes then has the place of the oldest that never sent a whole request, or else of the
            one that has asked nothing for the longest; where all ask, it is answered 429 and shown out.
        sessions: HTTP sessions at once.
        sessions_each: those of one permit, however it was weakened, or credential.
        idle: without a call, after which a session is put to sleep.
        threads: calls that are carried out at once.
        waiting: calls that may wait for a thread or for their session's turn, of all.
        waiting_each: those of one session.
        rate: requests of one permit or credential in a second, in the long run, and of all who show none; 0 for any.
        burst: how many of them may come at once.
        body: of a request that writes memories, or speaks MCP.
        stranger_body: of one whose bearer has no session there.
        small_body: of any other.
        bodies: of all requests together whose bodies are read or dealt with; those of bearers that were never let in
            have an eighth as much of their own.
        head_within: in which a request's head is whole, from its first byte; of a connection, from when it was made.
        body_within: in which its body is.
        answered_within: in which a call has its answer; the call itself goes on.
        taken_within: in which who reads an answer slowly takes some more of it.
        keep_alive: that a connection without a request stays.
        streams: of events, at once.
        keys: idempotency keys that are kept for each session.
        keys_bytes: what is kept with them.
        grace: that running requests have when the server ends.
    """

    connections: int = 1_024
    sessions: int = 200
    sessions_each: int = 16
    idle: float = 1_800.0
    threads: int = 32
    waiting: int = 512
    waiting_each: int = 64
    rate: float = 100.0
    burst: int = 200
    body: int = 2**22
    stranger_body: int = 2**16
    small_body: int = 300 * 2**10
    bodies: int = 2**26
    head_within: float = 10.0
    body_within: float = 30.0
    answered_within: float = 60.0
    taken_within: float = 30.0
    keep_alive: float = 15.0
    streams: int = 8
    keys: int = 1_000
    keys_bytes: int = 2**20
    grace: float = 30.0
