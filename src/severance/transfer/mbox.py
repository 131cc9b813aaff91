"""`mbox`: a mailbox file, or one mail (.eml). Streamed: one mail is in memory at a time.

A mail is what its sender wrote: the plain text, or else the HTML as text, without quoted replies and signature. A mail
beyond the size of a memory becomes several. Its thread is the first mail of the conversation, by the `References` or
`In-Reply-To` that answers carry; the first one is in it by its own `Message-ID`. Without any it is the subject.
"""

from __future__ import annotations

import codecs
import contextlib
import email.errors
import email.header
import email.message
import email.policy
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesParser
from pathlib import Path
from typing import BinaryIO

from severance.errors import InputError
from severance.model import MAX_TEXT_BYTES, Draft
from severance.transfer import files, fit
from severance.transfer.fit import Unfit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped
from severance.transfer.mailtext import text_of_html, unquoted
from severance.transfer.split import pieces

MAX_MAIL_BYTES = 64 << 20
_LINE_BYTES = 65_536
# The longest text of which every character may take four bytes.
_PIECE_CHARS = MAX_TEXT_BYTES // 4
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)
_REPLY = re.compile(r"(?:(?:re|aw|fwd?|wg|sv|tr)(?:\[\d+\])?:\s*)+", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,400})>")
# Decoders that are no character sets: bytes of a mail must not reach them.
_NOT_CHARSETS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"})
# The standard library takes quadratic time for long parameters and for deep nesting; no honest mail comes near these.
_CONTENT_HEADER = re.compile(rb"^content-[a-z-]{1,30}:[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+", re.MULTILINE | re.IGNORECASE)
_MAX_CONTENT_HEADER_BYTES = 16_384
_MAX_MULTIPARTS = 100
_MAX_HEADER_CHARS = 8_192
# What the standard library's parser is known to raise on malformed mail, beside its own errors.
_PARSER_ERRORS = (
    email.errors.MessageError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
)


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each mail; see `Reader`."""
    files.refuse_utf16(files.head(path, 4), str(path))
    count = 0
    with files.opened(path) as file:
        for count, raw in enumerate(_mails(file, progress), 1):
            where = f"mail {count}"
            if raw is None:
                yield Skipped(where, f"it is larger than {MAX_MAIL_BYTES >> 20} MiB")
            else:
                yield from _mail(where, raw)
    if not count:
        raise InputError(f"{path} holds no mail; name an mbox file or a mail saved as .eml")


def _mails(file: BinaryIO, progress: Progress) -> Iterator[bytes | None]:
    """The mails of the file, without the lines between them; None for one that is too large.

    A line that begins with "From " is between two mails when it is the first, or after a blank line, and a header
    follows: programs that do not mark such lines in a text would break off mails otherwise.
    """
    mail = _Growing()
    held, is_open, blank = b"", False, True
    while raw := file.readline(_LINE_BYTES):
        progress.done += len(raw)
        is_header = _HEADER.match(raw) is not None
        if held:
            if is_header:
                if is_open:
                    yield mail.take()
                is_open = True
            else:
                mail.add(held)
            held = b""
        elif blank and raw.startswith(b"From "):
            held, blank = raw, False
            continue
        elif not is_open and progress.done == len(raw):
            is_open = is_header
        if is_open:
            mail.add(raw)
        blank = raw in (b"\n", b"\r\n")
    if is_open:
        mail.add(held)
        yield mail.take()


class _Growing:
    """The lines of one mail, until they are too many."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MAX_MAIL_BYTES:
            self._lines.clear()
        else:
            self._lines.append(line)

    def take(self) -> bytes | None:
        raw = b"".join(self._lines) if self._size <= MAX_MAIL_BYTES else None
        self._lines, self._size = [], 0
        return raw


@dataclass(frozen=True, slots=True)
class _Mail:
    """What is wanted of a mail."""

    name: str
    thread: str
    subject: str
    sender: str
    at: datetime | None
    body: str


def _mail(where: str, raw: bytes) -> Iterator[Found]:
    try:
        mail = _parse(raw)
    except Unfit as reason:
        yield Skipped(where, str(reason))
        return
    except RecursionError:
        yield Skipped(where, "it is nested too deeply")
        return
    except _PARSER_ERRORS:
        yield Skipped(where, "it is not a mail that can be read")
        return
    is_long = len(mail.body.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES
    parts = list(pieces(mail.body, _PIECE_CHARS)) if is_long else [mail.body]
    for number, part in enumerate(parts, 1):
        yield fit.attempt(where, lambda text=part, number=number: _item(mail, text, number))  # type: ignore[misc]


def _item(mail: _Mail, text: str, number: int) -> Item:
    metadata = {"subject": mail.subject, "message_id": mail.name, "part": number if number > 1 else None}
    draft = Draft(
        text=fit.text(text),
        at=mail.at,
        thread=fit.label(mail.thread),
        source=fit.label(mail.sender),
        kind="mail",
        metadata=fit.metadata({name: value for name, value in metadata.items() if value}),
    )
    # Two mails with one Message-ID are most often one mail in two folders, but only with the same text.
    name = mail.name or fit.digest(f"{mail.sender}/{mail.at}/{mail.subject}", 16)
    return fit.item(draft, fit.origin("mbox", name, fit.digest(f"{number}/{text}", 16)))


def _refuse_hostile(raw: bytes) -> None:
    multiparts = 0
    for header in _CONTENT_HEADER.finditer(raw):
        multiparts += b"multipart" in header[0].lower()
        if header.end() - header.start() > _MAX_CONTENT_HEADER_BYTES or multiparts > _MAX_MULTIPARTS:
            raise Unfit("its headers are too long or its parts too many")


def _parse(raw: bytes) -> _Mail:
    _refuse_hostile(raw)
    message = BytesParser(policy=email.policy.compat32).parsebytes(_STUFFED.sub(rb"\1", raw))
    subject = _header(message, "Subject")
    name = _first_id(message, "Message-ID")
    body = unquoted(_body(message))
    if not body:
        raise Unfit("nothing is left without quotes and signature")
    return _Mail(
        name=name,
        thread=_first_id(message, "References") or _first_id(message, "In-Reply-To") or name or _REPLY.sub("", subject),
        subject=subject,
        sender=_sender(message),
        at=_date(message),
        body=body,
    )


def _raw_header(message: email.message.Message, name: str) -> str:
    return str(message.get(name) or "")[:_MAX_HEADER_CHARS]


def _header(message: email.message.Message, name: str) -> str:
    return _words(_raw_header(message, name))


def _words(value: str) -> str:
    """One line of text from a header's value, decoded as far as it can be."""
    with contextlib.suppress(*_PARSER_ERRORS):
        value = str(email.header.make_header(email.header.decode_header(value)))
    return " ".join(fit.printable(value).split())


def _first_id(message: email.message.Message, name: str) -> str:
    match = _MESSAGE_ID.search(fit.printable(_raw_header(message, name)))
    return match[1] if match else ""


def _sender(message: email.message.Message) -> str:
    # Decoded after it is taken apart: an encoded name may hold a comma or a bracket.
    name, address = email.utils.parseaddr(_raw_header(message, "From"))
    name = _words(name)
    return f"{name} <{address}>" if name and address else name or address


def _date(message: email.message.Message) -> datetime | None:
    value = _raw_header(message, "Date").strip()
    if not value:
        return None
    try:
        at = email.utils.parsedate_to_datetime(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        raise Unfit("its date cannot be read") from None


def _body(message: email.message.Message) -> str:
    """The text that its sender wrote, still with quotes.

    Raises:
        Unfit: there is none, or it cannot be decoded.
    """
    parts = list(_leaves(message))
    for part in parts:
        if part.get_content_type() == "text/plain":
            text = _decoded(part)
            if text.strip():
                return text
    for part in parts:
        if part.get_content_type() == "text/html":
            return text_of_html(_decoded(part))
    raise Unfit("it has no text")


def _leaves(message: email.message.Message) -> Iterator[email.message.Message]:
    """The parts of a mail that are shown, in order: no attachments, and nothing of a mail that is attached."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            if isinstance(inner, list):
                waiting.extend(each for each in reversed(inner) if isinstance(each, email.message.Message))
        elif part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            yield part


def _decoded(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        raise Unfit("it has no text")
    charset = str(part.get_content_charset() or "utf-8")
    # Plain ASCII is what programs declare without looking; its superset costs nothing.
    charset = "utf-8" if charset in ("us-ascii", "ascii") else charset
    try:
        # Python passes over punctuation in names, so that what counts is the name that it understood.
        if codecs.lookup(charset).name in _NOT_CHARSETS:
            raise LookupError
        return payload.decode(charset)
    except LookupError:
        raise Unfit("its character set is unknown") from None
    except ValueError:
        raise Unfit("its text is not in the character set that it names") from None


FORMAT = Format("mbox", "mail: an mbox file, or one mail saved as .eml", read)
