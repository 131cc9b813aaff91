"""What all formats share: detection, bad paths, limits, and that nothing but our own errors comes out."""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from severance.drafts import checked
from severance.errors import InputError, SeveranceError
from severance.model import MAX_LABEL_BYTES, MAX_METADATA_BYTES, MAX_TEXT_BYTES
from severance.transfer import FORMATS, Item, Skipped, detect, fit, read
from transfer.samples import VALID, both, put

LINES = ("jsonl", "mcp", "compartment")
FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(path: Path, name: str | None) -> list[Item | Skipped]:
    """Read everything; only items within limits, `Skipped`s, and our own errors may come out."""
    found: list[Item | Skipped] = []
    try:
        with read(path, name) as reading:
            found.extend(reading)
    except SeveranceError:
        return found
    for each in found:
        if isinstance(each, Item):
            check_item(each)
        else:
            each.where.encode()
            each.why.encode()
    return found


def check_item(item: Item) -> None:
    draft = item.draft
    assert 1 <= len(draft.text.encode()) <= MAX_TEXT_BYTES
    assert draft.text.strip()
    assert "\0" not in draft.text
    for label in (draft.thread, draft.source, draft.kind):
        assert label is None or 1 <= len(label.encode()) <= MAX_LABEL_BYTES
    assert all(value is None or isinstance(value, (str, int, float)) for value in draft.metadata.values())
    assert len(msgspec.json.encode({**draft.metadata, "origin": item.origin})) <= MAX_METADATA_BYTES
    # What passes here is remembered: one draft that a session refuses would cost an importer its whole batch.
    checked(replace(draft, metadata={"origin": item.origin, **draft.metadata}))
    assert "origin" not in draft.metadata
    assert draft.at is None or draft.at.utcoffset() is not None
    assert 1 <= len(item.origin.encode()) <= fit.MAX_ORIGIN_BYTES


@pytest.mark.parametrize("name", FORMATS)
def test_the_samples_are_detected_and_give_the_same_twice(tmp_path: Path, name: str) -> None:
    suffix = {"markdown": ".md", "mbox": ""}.get(name, ".json")
    path = put(tmp_path / f"sample{suffix}", VALID[name])
    assert detect(path) == name
    once, twice = check(path, None), check(path, name)
    assert once == twice
    items = [each for each in once if isinstance(each, Item)]
    assert items
    assert len({item.origin for item in items}) == len(items)
    assert all(item.origin.startswith(f"{name}:") for item in items)


@pytest.mark.parametrize("name", FORMATS)
@given(raw=st.binary(max_size=400))
@FUZZ
def test_random_bytes(tmp_path: Path, name: str, raw: bytes) -> None:
    check(put(tmp_path / "fuzz", raw), name)
    check(put(tmp_path / "fuzz", raw), None)


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 8))
@FUZZ
def test_mutated_documents(tmp_path: Path, name: str, seed: int, count: int) -> None:
    raw, chance = bytearray(VALID[name]), random.Random(seed)
    odd = [
        b"\0",
        b"\xff",
        b'"',
        b"{",
        b"]",
        b"\n",
        b"null",
        b"1e999",
        b"\\ud800",
        b"[[",
        b"-",
        b"\n\nFrom ",
        b"",
        b"=?x?q?=",
    ]
    for _ in range(count):
        start = chance.randrange(len(raw))
        raw[start : start + chance.choice([0, 1, 1, 5, 40])] = chance.choice(odd)
    check(put(tmp_path / "fuzz.md", bytes(raw)), name)
    check(put(tmp_path / "fuzz", bytes(raw)), None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "name", ["jsonl", "chatgpt", "claude", "mem0", "mcp", "langgraph", "letta", "compartment", "locomo"]
)
@given(seed=st.integers(0, 2**32), values=st.lists(JSON, min_size=1, max_size=4))
@FUZZ
def test_wrong_types_anywhere(tmp_path: Path, name: str, seed: int, values: list[object]) -> None:
    chance = random.Random(seed)
    document = (
        [msgspec.json.decode(line) for line in VALID[name].splitlines()]
        if name in LINES
        else msgspec.json.decode(VALID[name])
    )
    for value in values:
        replace_somewhere(document, value, chance)
    lines = b"\n".join(json.dumps(value).encode() for value in document)
    check(put(tmp_path / "fuzz.json", lines if name in LINES and name != "jsonl" else document), name)


def replace_somewhere(document: object, value: object, chance: random.Random) -> None:
    """Put `value` in the place of one value at random, the deeper the likelier."""
    while isinstance(document, (list, dict)) and document:
        key = chance.choice(list(document) if isinstance(document, dict) else range(len(document)))  # type: ignore[arg-type]
        inner = document[key]  # type: ignore[index]
        if not isinstance(inner, (list, dict)) or not inner or chance.random() < 0.15:
            document[key] = value  # type: ignore[index]
            return
        document = inner


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "none" / "deeper", Path("a\0b")):
        with pytest.raises(InputError):
            read(path)
        with pytest.raises(InputError):
            detect(path)
    for name in FORMATS:
        with pytest.raises(InputError, match="is empty"):
            read(put(tmp_path / "empty", b""), name)
    for name in ("jsonl", "mcp", "locomo", "mbox"):
        with pytest.raises(InputError, match="is a folder"):
            read(tmp_path, name)
    with pytest.raises(InputError, match="there is no format"):
        read(put(tmp_path / "x", b"x"), "xml")
    with pytest.raises(InputError, match="takes none"):
        read(put(tmp_path / "x", b"x"), "mbox", {"speaker": "me"})


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_permission_denied(tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", b'"x"')
    path.chmod(0)
    with pytest.raises(InputError, match="may not be read"):
        read(path)


def test_permission_denied_by_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.jsonl", b'"x"')

    def refuse(*_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="may not be read"):
        read(path)


def test_a_file_that_goes_away_while_it_is_read(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", ["x"])
    reading = read(path, "jsonl")
    path.unlink()
    with pytest.raises(InputError):
        list(reading)


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n\0\0", b"{}", b"[]", b'{"a": 1}', b"plain words", b"[1]"])
def test_undetectable(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(InputError, match=", ".join(FORMATS)):
        detect(put(tmp_path / "thing", raw))


def test_an_empty_folder_is_no_format(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no export"):
        detect(tmp_path)


def test_words_in_a_text_do_not_mislead_detection(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", [{"text": 'say "mapping": {} and "chat_messages": []'}])
    assert detect(path) == "jsonl"


def test_no_reason_holds_content(tmp_path: Path) -> None:
    for name, raw in VALID.items():
        broken = raw.replace(b'"text"', b'"txet"').replace(b"2024", b"20x4").replace(b"1700000002.0", b'"Plum"')
        _, skipped = both(put(tmp_path / "x", broken), name)
        for each in skipped:
            assert not any(word in each.where + each.why for word in ("Plum", "melon", "elevator", "20x4", "beans"))


@pytest.mark.parametrize("parts", [("a:b", "c"), ("a b", "c"), ("a\nb",), ("x" * 300,), ("\ud800",)])
def test_odd_origins_are_hashed(parts: tuple[str, ...]) -> None:
    made = fit.origin("mem0", *parts)
    assert made.startswith("mem0:")
    assert len(made) == len("mem0:") + 32
    assert fit.origin("mem0", "a:b", "c") != fit.origin("mem0", "a", "b:c")
