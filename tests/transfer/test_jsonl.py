"""JSON Lines: what round-trips, what may be made by hand, and what is wrong with lines."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.drafts import is_blank
from severance.errors import InputError, StoreError, StoreFullError
from severance.model import MAX_TEXT_BYTES, Memory, id_text
from severance.transfer import FORMATS, Item, read, write_jsonl
from severance.transfer.jsonl import KINDS
from severance.transfer.lines import MAX_LINE_BYTES
from transfer.samples import both, put

BIG = "123456789012345678901234567890"
NOON = datetime(2024, 5, 31, 12, 0, 0, 123456, tzinfo=UTC)


def made_id(number: int) -> str:
    return id_text(number.to_bytes(15, "big"))


def memory(number: int = 1, **changes: object) -> Memory:
    base: dict[str, object] = {"id": made_id(number), "text": "Water the beans", "at": NOON, "recorded": NOON}
    return Memory(**(base | changes))  # type: ignore[arg-type]


def written(memories: Iterable[Memory]) -> bytes:
    out = io.BytesIO()
    write_jsonl(memories, out)
    return out.getvalue()


def imported(items: Iterable[Item], first_id: int) -> list[Memory]:
    """What an importer makes of items in an empty persona, as the docstring of `jsonl` describes it."""
    items = list(items)
    ids = {item.id: made_id(first_id + n) for n, item in enumerate(items)}
    return [
        Memory(
            id=ids[item.id],
            text=item.draft.text,
            at=item.draft.at or NOON,
            recorded=NOON + timedelta(days=1),
            thread=item.draft.thread,
            source=item.draft.source,
            kind=item.draft.kind,
            metadata={**item.draft.metadata, "origin": item.origin},
            pinned=item.draft.pinned,
            repeats=item.repeats,
            echo_of=ids.get(item.echo_of),
            supersedes=ids.get(item.supersedes),
            superseded_by=ids.get(item.superseded_by),
        )
        for item in items
    ]


LABELS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30).filter(
    lambda text: not is_blank(text)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80).filter(
    lambda text: not is_blank(text)
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
)


@st.composite
def stores(draw: st.DrawFn) -> list[Memory]:
    count = draw(st.integers(1, 5))
    names = st.none() | st.sampled_from([made_id(n) for n in range(count)])
    made = []
    for number in range(count):
        metadata = draw(
            st.dictionaries(TEXTS.filter(lambda t: t not in ("origin", "their_origin")), SCALARS, max_size=4)
        )
        if draw(st.booleans()):
            metadata["origin"] = f"chatgpt:conv:{number}"
        made.append(
            memory(
                number,
                text=draw(TEXTS),
                at=draw(st.datetimes(timezones=st.just(UTC))),
                thread=draw(LABELS),
                source=draw(LABELS),
                kind=draw(LABELS) or "note",
                metadata=metadata,
                pinned=draw(st.booleans()),
                repeats=draw(st.integers(1, 1000)),
                echo_of=draw(names),
                supersedes=draw(names),
                superseded_by=draw(names),
            )
        )
    return made


def stripped(lines: bytes) -> list[dict[str, object]]:
    """The lines with ids replaced by their place in the file, and without `recorded`."""
    loaded = [json.loads(line) for line in lines.splitlines()]
    places = {line["id"]: place for place, line in enumerate(loaded)}
    for line in loaded:
        del line["recorded"]
        for name in ("id", "echo_of", "supersedes", "superseded_by"):
            line[name] = places.get(line[name])
    return loaded


@pytest.mark.parametrize("unseen", ["\u3164", "\u200b \u2800", "\x1b"])
def test_what_cannot_be_seen_is_no_text_and_no_label(tmp_path: Path, unseen: str) -> None:
    lines = [{"text": unseen}, {"text": "waffles", "thread": unseen, "source": unseen, "kind": unseen}]
    items, skipped = both(put(tmp_path / "a.jsonl", b"\n".join(json.dumps(line).encode() for line in lines)), "jsonl")
    assert [(found.where, found.why) for found in skipped] == [("line 1", "its text is empty")]
    [draft] = [item.draft for item in items]
    assert (draft.text, draft.thread, draft.source, draft.kind) == ("waffles", None, None, "note")


@given(stores())
@settings(max_examples=150, deadline=None)
def test_export_import_export_gives_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, store: list[Memory]
) -> None:
    path = tmp_path_factory.mktemp("trip") / "a.jsonl"
    first = written(store)
    items, skipped = both(put(path, first), "jsonl")
    assert not skipped
    assert stripped(written(imported(items, 1000))) == stripped(first)
    again, _ = both(put(path, written(imported(items, 1000))), "jsonl")
    assert [item.origin for item in again] == [item.origin for item in items]


def test_a_line_has_every_field_and_the_item_carries_them(tmp_path: Path) -> None:
    store = [memory(1, superseded_by=made_id(2)), memory(2, supersedes=made_id(1), echo_of=made_id(1), repeats=3)]
    lines = written(store)
    assert set(json.loads(lines.splitlines()[0])) == {field.name for field in fields(Memory)}
    items, _ = both(put(tmp_path / "a.jsonl", lines))
    assert items[0].superseded_by == made_id(2)
    assert (items[1].id, items[1].supersedes, items[1].echo_of) == (made_id(2), made_id(1), made_id(1))
    assert (items[1].repeats, items[1].recorded, items[1].draft.at) == (3, NOON, NOON)


def test_a_native_memory_is_known_by_its_id(tmp_path: Path) -> None:
    items, _ = both(put(tmp_path / "a.jsonl", written([memory(7)])))
    assert items[0].origin == f"severance:{made_id(7)}"
    assert not items[0].draft.metadata


def test_an_origin_is_kept_and_an_authors_own_word_is_no_origin(tmp_path: Path) -> None:
    known, own = memory(1, metadata={"origin": "locomo:conv-1:D1:3"}), memory(2, metadata={"origin": "Vienna"})
    items, _ = both(put(tmp_path / "a.jsonl", written([known, own])))
    assert items[0].origin == "locomo:conv-1:D1:3"
    assert items[1].origin == f"severance:{made_id(2)}"
    assert items[1].draft.metadata == {"their_origin": "Vienna"}


def test_every_format_may_make_origins() -> None:
    assert set(KINDS) == {*FORMATS, "severance"}


def test_by_hand(tmp_path: Path) -> None:
    lines = b'\xef\xbb\xbf{"text": "one", "mood": "calm", "id": "5"}\r\n\n"two"\n{"at": 1717156800, "text": "three"}'
    items, skipped = both(put(tmp_path / "notes", lines))
    assert not skipped
    assert [item.draft.text for item in items] == ["one", "two", "three"]
    assert items[0].draft.metadata == {"mood": "calm"}
    assert items[0].draft.at is None
    assert items[2].draft.at == datetime(2024, 5, 31, 12, tzinfo=UTC)
    assert all(item.origin.startswith("jsonl:") for item in items)


def test_origin_by_content_not_by_spelling(tmp_path: Path) -> None:
    one, _ = both(put(tmp_path / "a.jsonl", b'{"text": "x", "kind": "k"}'))
    two, _ = both(put(tmp_path / "b.jsonl", b'\n\n  {"kind":"k","text":"\\u0078"}'))
    assert one[0].origin == two[0].origin


def test_array(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "a.json", [{"text": "one"}, "two", 3, {"text": " "}]))
    assert [item.draft.text for item in items] == ["one", "two"]
    assert [s.where for s in skipped] == ["entry 3", "entry 4"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"text": ""}', "its text is empty"),
        (b'{"text": " \\n"}', "its text is empty"),
        (b'{"note": "x"}', "it has no text"),
        (b'{"text": 5}', "it has no text"),
        (b"[1]", "it is neither an object nor a string"),
        (b"7", "it is neither an object nor a string"),
        (b"{", "it is not valid JSON"),
        (b'{"text": "a\xff"}', "it is not UTF-8"),
        (b'{"text": "a\\u0000"}', "its text holds a NUL character"),
        (b'{"text": "\\ud800"}', "its text is not valid Unicode"),
        (b'{"text": "a", "metadata": {"k": "\\udfff"}}', "its metadata is not valid Unicode"),
        (b'{"text": "a", "metadata": [1]}', "its metadata is not an object"),
        (b'{"text": "a", "metadata": {"k": "\\u0000"}}', "its metadata holds a NUL character"),
        (b'{"text": "a", "metadata": {"' + b"k" * 513 + b'": 1}}', "its metadata has a name longer than 512 bytes"),
        (b'{"text": "a", "metadata": {"k": "' + b"v" * 17_000 + b'"}}', "its metadata is longer than 16,384 bytes"),
        (b'{"text": "' + b"a" * (MAX_TEXT_BYTES + 1) + b'"}', "its text is longer than 65,536 bytes"),
        (b'{"text": "a", "at": "yesterday"}', "its date cannot be read"),
        (b'{"text": "a", "at": 1e300}', "its date cannot be read"),
        (b'{"text": "a", "at": NaN}', "its date cannot be read"),
        (b'{"text": "a", "at": true}', "its date cannot be read"),
        (b'{"text": "a", "at": "0001-01-01T00:00+14:00"}', "its date cannot be read"),
        (b'{"text": "a", "recorded": "x"}', "its date cannot be read"),
        (b'{"text": "a", "thread": {}}', "its thread, source or kind is not text"),
        (b'{"text": "a", "pinned": "yes"}', "its pinned is neither true nor false"),
        (b'{"text": "a", "repeats": 0}', "its repeats is not a whole number from 1"),
        (b'{"text": "a", "m": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "it is nested too deeply"),
        (b'"' + b"a" * MAX_LINE_BYTES * 2 + b'"', "it is longer than 1,048,576 bytes"),
    ],
)
def test_a_bad_line_costs_only_itself(tmp_path: Path, line: bytes, why: str) -> None:
    items, skipped = both(put(tmp_path / "a.jsonl", b'"before"\n' + line + b'\n"after"\n'))
    assert [item.draft.text for item in items] == ["before", "after"]
    assert [(s.where, s.why) for s in skipped] == [("line 2", why)]


def test_values_that_do_not_fit_become_text(tmp_path: Path) -> None:
    odd = b'{"n":NaN,"big":123456789012345678901234567890,"in":{"a":[1,"\xc3\xa9"]},"n":7,"inf":1e999}'
    line = b'{"text":"a","thread":5,"metadata":' + odd + b"}"
    items, skipped = both(put(tmp_path / "a.jsonl", line))
    assert not skipped
    assert items[0].draft.thread == "5"
    assert items[0].draft.metadata == {"n": 7, "big": BIG, "in": '{"a":[1,"é"]}', "inf": "Infinity"}


def test_a_huge_number_is_no_error(tmp_path: Path) -> None:
    items, _ = both(put(tmp_path / "a.jsonl", b'{"text":"a","n":' + b"9" * 10_000 + b"}"))
    assert items[0].draft.metadata["n"] == "9" * 10_000


def test_long_labels_are_cut_and_stay_apart(tmp_path: Path) -> None:
    items, _ = both(
        put(tmp_path / "a.jsonl", b"\n".join(json.dumps({"text": "a", "thread": "é" * 400 + x}).encode() for x in "ab"))
    )
    one, two = (item.draft.thread or "" for item in items)
    assert one != two
    assert max(len(one.encode()), len(two.encode())) <= 512


def test_longest_text_goes_through(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "a.jsonl", {"text": "é" * (MAX_TEXT_BYTES // 2)}))
    assert len(items) == 1
    assert not skipped


def test_progress_and_closing(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", b'"one"\n"two"\n')
    with read(path) as reading:
        assert (reading.size, reading.done, reading.format) == (12, 0, "jsonl")
        next(reading)
        assert reading.done == 6
    assert list(reading) == []
    path.unlink()


def test_write_to_text_streams(tmp_path: Path) -> None:
    store = [memory(text="Süße\u2028Träume ☂")]
    for encoding in ("utf-8", "cp1252", "ascii"):
        path = tmp_path / encoding
        with path.open("w", encoding=encoding) as out:
            assert write_jsonl(store, out) == 1
        items, _ = both(path, "jsonl")
        assert items[0].draft.text == store[0].text
    text = io.StringIO()
    write_jsonl(store, text)
    assert "Süße" in text.getvalue()


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StoreFullError), (errno.EPIPE, StoreError)])
def test_write_errors(number: int, kind: type[StoreError]) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(number, "no")

    with pytest.raises(kind) as caught:
        write_jsonl([memory(text="secret")], Full())
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_utf16_is_named(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        path = put(tmp_path / "a.jsonl", '{"text": "a"}'.encode(encoding))
        with pytest.raises(InputError, match="UTF-16"):
            list(read(path, "jsonl"))
