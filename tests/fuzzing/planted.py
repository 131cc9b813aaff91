"""A decoder with a fault of its own, which an engine that works must find: the positive control."""

from __future__ import annotations

from fuzzing.target import Target

MAGIC = b"PLNT"
FATAL = 0x80


def run(data: bytes) -> None:
    """Frames are `PLNT`, a byte of length and so many bytes. The decoder trusts one length that it should not."""
    if decoded(data) is not None:
        content = data[len(MAGIC) + 1 :]
        assert decoded(data) == content[: data[len(MAGIC)]], "a frame was misread"


def decoded(data: bytes) -> bytes | None:
    """The content of a frame, or None when it is none. Of the length 0x80 it misreads the sign, and loses a byte."""
    if data[: len(MAGIC)] != MAGIC or len(data) <= len(MAGIC):
        return None
    length, content = data[len(MAGIC)], data[len(MAGIC) + 1 :]
    if length == FATAL:
        return content[1:]
    return None if len(content) < length else content[:length]


PLANTED = Target(
    name="planted",
    decoder="none: the control",
    run=run,
    seeds=lambda: [MAGIC + b"\x03abc", b"PL"],
    longest=64,
    tokens=(MAGIC,),
    weight=20.0,
)
