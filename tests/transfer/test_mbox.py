"""Mail: splitting, threads, quotes, character sets."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from severance.errors import InputError
from severance.model import MAX_TEXT_BYTES
from severance.transfer import detect, mbox, read
from severance.transfer.mailtext import text_of_html, unquoted
from transfer.samples import MAIL, both, put


def test_three_mails(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "box", MAIL))
    assert not skipped
    first, second, third = (item.draft for item in items)
    assert first.text == "Shall we meet at the lake?\n\nFrom here it is a short walk."
    assert first.source == "Adéle <ada@example.org>"
    assert first.at == datetime(2024, 6, 3, 8, tzinfo=UTC)
    assert second.text == "Gladly!\n\nBring plums & bread."
    assert second.at == datetime(2024, 6, 3, 12, tzinfo=UTC)
    assert first.thread == second.thread == "one@example.org"
    assert first.metadata == {"subject": "Picnic", "message_id": "one@example.org"}
    assert third.text == "I come too."
    assert third.thread is None
    assert {draft.kind for draft in (first, second, third)} == {"mail"}
    assert len({item.origin for item in items}) == 3


def mail(body: bytes, *headers: bytes) -> bytes:
    lines = [b"From: a@example.org", b"Date: Mon, 03 Jun 2024 10:00:00 +0000", *headers]
    return b"From a Mon Jun  3 10:00:00 2024\n" + b"\n".join(lines) + b"\n\n" + body + b"\n\n"


def test_a_from_line_in_a_text_does_not_break_it(tmp_path: Path) -> None:
    items, _ = both(put(tmp_path / "box", mail(b"one\n\nFrom now on we sail.\n\nEnd") + mail(b"two")))
    assert [item.draft.text for item in items] == ["one\n\nFrom now on we sail.\n\nEnd", "two"]


def test_a_single_mail(tmp_path: Path) -> None:
    path = put(tmp_path / "one.eml", MAIL.split(b"\n", 1)[1].split(b"\nFrom bob")[0].replace(b"\n", b"\r\n"))
    assert detect(path) == "mbox"
    assert [item.draft.text for item in both(path)[0]] == [
        "Shall we meet at the lake?\n\nFrom here it is a short walk."
    ]


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        (b"x", [b"Content-Type: text/plain; charset=klingon"], "its character set is unknown"),
        (b"x", [b"Content-Type: text/plain; charset=unicode_escape"], "its character set is unknown"),
        (b"x", [b"Content-Type: text/plain; charset=hex"], "its character set is unknown"),
        (
            b"\xff\xfe\xfa",
            [b"Content-Type: text/plain; charset=utf-8"],
            "its text is not in the character set that it names",
        ),
        (b"> only\n> quotes", [], "nothing is left without quotes and signature"),
        (b"x", [b"Content-Type: image/png"], "it has no text"),
        (b"x", [b"Content-Type: text/plain;" + b";" * 20_000], "its headers are too long or its parts too many"),
        (b"x", [b"Content-Type: multipart/mixed"] * 101, "its headers are too long or its parts too many"),
    ],
)
def test_mails_that_are_skipped(tmp_path: Path, body: bytes, headers: list[bytes], why: str) -> None:
    items, skipped = both(put(tmp_path / "box", mail(b"before") + mail(body, *headers) + mail(b"after")))
    assert [item.draft.text for item in items] == ["before", "after"]
    assert [(s.where, s.why) for s in skipped] == [("mail 2", why)]


@pytest.mark.parametrize(
    "date", [b"yesterday", b"Mon, 99 Jun 2024 10:00:00 +0000", b"Mon, 01 Jan 99999 00:00:00 +0000"]
)
def test_a_bad_date_skips_and_a_missing_one_does_not(tmp_path: Path, date: bytes) -> None:
    bad = mail(b"x").replace(b"Mon, 03 Jun 2024 10:00:00 +0000", date)
    none = mail(b"y").replace(b"Date: Mon, 03 Jun 2024 10:00:00 +0000\n", b"")
    items, skipped = both(put(tmp_path / "box", bad + none))
    assert [(item.draft.text, item.draft.at) for item in items] == [("y", None)]
    assert [s.why for s in skipped] == ["its date cannot be read"]


def test_multipart_takes_the_plain_part_and_no_attachment(tmp_path: Path) -> None:
    body = b"""--b
Content-Type: text/plain; charset=utf-8
Content-Disposition: attachment; filename=x.txt

attached
--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/html

<p>html</p>
--c
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

cGxhaW4=
--c--
--b
Content-Type: message/rfc822

Subject: inner

inner text
--b--"""
    items, _ = both(put(tmp_path / "box", mail(body, b"Content-Type: multipart/mixed; boundary=b")))
    assert [item.draft.text for item in items] == ["plain"]


def test_a_long_mail_becomes_several(tmp_path: Path) -> None:
    words = b"a sentence of words. " * 10_000
    items, skipped = both(put(tmp_path / "box", mail(words)))
    assert not skipped
    assert len(items) > 3
    assert all(len(item.draft.text.encode()) <= MAX_TEXT_BYTES for item in items)
    assert " ".join(item.draft.text for item in items).split() == words.decode().split()
    assert len({item.origin for item in items}) == len(items)


def test_a_mail_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mbox, "MAX_MAIL_BYTES", 5_000)
    items, skipped = both(put(tmp_path / "box", mail(b"a") + mail(b"word " * 5_000) + mail(b"c")))
    assert [item.draft.text for item in items] == ["a", "c"]
    assert [s.where for s in skipped] == ["mail 2"]


def test_memory_does_not_grow_with_the_box(tmp_path: Path) -> None:
    path = tmp_path / "box"
    with path.open("wb") as out:
        for _ in range(400):
            out.write(mail(b"words and words " * 1_000))
    tracemalloc.start()
    assert sum(1 for _ in read(path, "mbox")) == 400
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_no_mail_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no mail"):
        list(read(put(tmp_path / "box", b"nothing like it\n"), "mbox"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Yes.\n\nAm Mo., 3. Juni 2024 um 10:00 schrieb Ada <a@b.c>:\n\n> Frage", "Yes."),
        ("Yes.\n\n-----Original Message-----\nFrom: x\n\nold", "Yes."),
        ("Yes.\n\n________________________________\nFrom: x\nSent: y\n\nold", "Yes."),
        ("> question one\nanswer one\n> question two\nanswer two", "answer one\nanswer two"),
        ("On the table: bread.\n\nAda wrote: hello", "On the table: bread.\n\nAda wrote: hello"),
        ("a\r\n\r\n\r\n\r\nb\r\n-- \r\nsig", "a\n\nb"),
    ],
)
def test_unquoted(text: str, left: str) -> None:
    assert unquoted(text) == left


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b<script>x</script> c", "a\nb c"),
        ('a<div class="gmail_quote">old <div>older</div></div>b', "ab"),
        ("<blockquote>x<blockquote>y</blockquote>z</blockquote>left", "left"),
        ("<p>one</p><p>two", "one\n\ntwo"),
        ("<![x", "<![x"),
        ("<title>t</title>1 &lt; 2 <!-- <p> --> & 3 > 2 < 4", "1 < 2 & 3 > 2 < 4"),
        ("a<!-- never closed", "a"),
    ],
)
def test_html(html: str, text: str) -> None:
    assert text_of_html(html) == text


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<a x='", "<", "</", "<?", "a", "<a", "<p class=", "\n>", "on x wrote:\n"]
)
def test_hostile_mail_takes_no_longer_than_any(piece: str) -> None:
    """No bound in seconds: with anything quadratic in it this test would not end."""
    hostile = piece * (2_000_000 // len(piece))
    text_of_html(hostile)
    unquoted(hostile)


@pytest.mark.parametrize("charset", [b"!punycode", b"(idna", b"unicode!escape", b"raw!!unicode!!escape"])
def test_a_decoder_that_is_no_character_set_is_not_reached_by_another_spelling(tmp_path: Path, charset: bytes) -> None:
    items, skipped = both(put(tmp_path / "box", mail(b"a-b", b"Content-Type: text/plain; charset=" + charset)))
    assert not items
    assert [each.why for each in skipped] == ["its character set is unknown"]
