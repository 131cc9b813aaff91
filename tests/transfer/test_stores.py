"""Databases of others: LangGraph's store and mem0's history, and files that only look like them."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from severance.errors import InputError
from severance.transfer import database, detect, read
from transfer.samples import both, items, put

STORE = """CREATE TABLE store (prefix text NOT NULL, key text NOT NULL, value text NOT NULL,
 created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
 PRIMARY KEY (prefix, key))"""
HISTORY = """CREATE TABLE history (id TEXT PRIMARY KEY, memory_id TEXT, old_memory TEXT, new_memory TEXT, event TEXT,
 created_at DATETIME, updated_at DATETIME, is_deleted INTEGER, actor_id TEXT, role TEXT)"""
THEN = "2024-01-01T00:00:00+00:00"


def made(path: Path, *statements: str, rows: Iterable[tuple[object, ...]] = (), table: str = "") -> Path:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        for row in rows:
            db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        db.commit()
    return path


def store(path: Path, *values: object) -> Path:
    rows = [("users.mark", f"k{number}", value, THEN, THEN) for number, value in enumerate(values)]
    return made(path, STORE, "CREATE TABLE store_migrations (v INTEGER)", rows=rows, table="store")


def history(path: Path, *events: tuple[str, str | None, str]) -> Path:
    rows = [
        (str(number), memory, None, text, event, THEN, None, int(event == "DELETE"), "mark", "user")
        for number, (memory, text, event) in enumerate(events)
    ]
    return made(path, HISTORY, rows=rows, table="history")


def test_a_langgraph_database_is_told_and_read(tmp_path: Path) -> None:
    path = store(tmp_path / "store.db", '{"text": "Likes waffles.", "weight": 2}', '{"content": {"content": "Deep."}}')
    assert detect(path) == "langgraph"
    found, skipped = both(path)
    assert [item.draft.text for item in found] == ["Likes waffles.", "Deep."]
    first = found[0].draft
    assert (first.thread, first.source, first.kind) == ("users.mark", "users", "fact")
    assert first.at == datetime(2024, 1, 1, tzinfo=UTC)
    assert first.metadata == {"key": "k0", "updated_at": THEN, "weight": 2}
    assert skipped == []


def test_a_dump_and_the_database_have_the_same_origins(tmp_path: Path) -> None:
    dump = [{"namespace": ["users", "mark"], "key": "k0", "value": {"text": "x"}, "created_at": THEN}]
    one, _ = both(put(tmp_path / "dump.json", dump), "langgraph")
    two, _ = both(store(tmp_path / "store.db", '{"text": "x"}'))
    assert [item.origin for item in one] == [item.origin for item in two]


def test_a_value_without_a_text_is_kept_as_json(tmp_path: Path) -> None:
    found, _ = both(put(tmp_path / "dump.json", items()), "langgraph")
    assert [item.draft.text for item in found] == ["Likes waffles.", "Deep.", '{"limit": 5}']


def test_a_bad_row_costs_no_other(tmp_path: Path) -> None:
    deep = "[" * 100_000
    path = store(tmp_path / "store.db", "no json", deep, b"\xff\xfe", '{"text": "\\u0000"}', 5, '{"text": "good"}')
    found, skipped = both(path)
    assert [item.draft.text for item in found] == ["good"]
    assert [each.where for each in skipped] == [f"row {number}" for number in range(1, 6)]


def test_a_value_that_no_memory_can_have_is_not_parsed(tmp_path: Path) -> None:
    path = store(tmp_path / "store.db", json.dumps({"text": "a", "rest": "x" * 1_100_000}), '{"text": "b"}')
    found, skipped = both(path)
    assert [item.draft.text for item in found] == ["b"]
    assert [each.why for each in skipped] == ["its value is longer than 1,048,576 bytes"]


def test_nothing_is_made_or_changed_beside_a_database(tmp_path: Path) -> None:
    path = store(tmp_path / "store.db", '{"text": "x"}')
    before = path.read_bytes(), sorted(tmp_path.iterdir())
    path.chmod(0o400)
    both(path)
    detect(path)
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_a_database_that_is_written_to_is_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "store.db", '{"text": "x"}')
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("INSERT INTO store (prefix, key, value) VALUES ('a', 'b', '{}')")
        db.commit()
        with pytest.raises(InputError, match="in use"):
            both(path, "langgraph")


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    path = store(tmp_path / "store.db", *(json.dumps({"text": f"memory {n} " + "x" * 500}) for n in range(200)))
    whole = path.read_bytes()
    for cut in (20, 100, 5_000, len(whole) // 2):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"store\.db"):
            both(path, "langgraph")
    path.write_bytes(whole[:4_096] + b"\xa5" * (len(whole) - 4_096))
    with pytest.raises(InputError, match=r"store\.db"):
        both(path, "langgraph")


def test_a_name_in_a_damaged_schema_is_one_sentence(tmp_path: Path) -> None:
    path = store(tmp_path / "store.db", '{"text": "x"}')
    whole = path.read_bytes()
    for name in (b"CREATE TABLE store", b"prefix text", b"tablestore"):
        at = whole.index(name) + len(name) - 4
        path.write_bytes(whole[:at] + b"\xe8\xff" + whole[at + 2 :])
        for format_ in (None, "langgraph"):
            with pytest.raises(InputError):
                both(path, format_)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW store AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        " SELECT x AS prefix, x AS key, '{}' AS value, x AS created_at, x AS updated_at FROM n",
        STORE.replace("value text NOT NULL", "value text GENERATED ALWAYS AS (hex(zeroblob(100000000)))"),
        "CREATE TABLE store (prefix, key, value)",
    ],
    ids=["a view without end", "a computed column", "too few columns"],
)
def test_what_would_run_code_of_its_own_is_refused(tmp_path: Path, statement: str) -> None:
    path = made(tmp_path / "store.db", statement)
    if "GENERATED" in statement:
        with closing(sqlite3.connect(path)) as db:
            db.execute("INSERT INTO store (prefix, key) VALUES ('a', 'b')")
            db.commit()
    with pytest.raises(InputError):
        both(path, "langgraph")


def test_names_in_a_database_are_no_sql(tmp_path: Path) -> None:
    path = made(tmp_path / "odd.db", 'CREATE TABLE "a"" UNION SELECT 1; --" (x)', "CREATE TABLE b (y)")
    with database.opened(path) as db:
        assert sorted(db.tables().values(), key=sorted) == [frozenset({"x"}), frozenset({"y"})]


def test_the_history_of_mem0_ends_with_what_it_remembers(tmp_path: Path) -> None:
    path = history(
        tmp_path / "history.db",
        ("a", "Likes tea.", "ADD"),
        ("a", "Likes waffles.", "UPDATE"),
        ("b", "Gone.", "ADD"),
        ("b", None, "DELETE"),
        ("c", "Back again.", "ADD"),
        ("c", None, "NONE"),
    )
    assert detect(path) == detect(tmp_path) == "mem0"
    found, skipped = both(path)
    assert [item.draft.text for item in found] == ["Likes waffles.", "Back again."]
    assert found[0].draft.source == "mark"
    assert found[0].draft.at == datetime(2024, 1, 1, tzinfo=UTC)
    assert skipped == []
    assert both(tmp_path)[0] == found


def test_the_history_and_the_api_have_the_same_origins(tmp_path: Path) -> None:
    path = history(tmp_path / "history.db", ("a1", "Likes waffles", "ADD"))
    answer = put(tmp_path / "m.json", {"results": [{"id": "a1", "memory": "Likes waffles"}]})
    assert both(path)[0][0].origin == both(answer)[0][0].origin


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (f"{Path.home()}-unpickled",))


def test_pickled_vectors_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "qdrant" / "collection" / "mem0"
    folder.mkdir(parents=True)
    (tmp_path / "qdrant" / "meta.json").write_text("{}")
    points = made(
        folder / "storage.sqlite",
        "CREATE TABLE points (id TEXT PRIMARY KEY, point BLOB)",
        rows=[("a", pickle.dumps(Bomb()))],
        table="points",
    )
    for path in (points, tmp_path / "qdrant"):
        for format_ in (None, "mem0"):
            with (
                pytest.raises(InputError, match="pickled objects in it, which are never opened"),
                read(path, format_) as r,
            ):
                list(r)
    assert not (tmp_path / "home-unpickled").exists()


def test_a_history_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    history(tmp_path / "elsewhere.db", ("a", "x", "ADD"))
    folder = tmp_path / "mem0"
    folder.mkdir()
    (folder / "history.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(InputError, match=r"no history\.db"):
        both(folder, "mem0")


def test_another_database_is_no_format(tmp_path: Path) -> None:
    path = made(tmp_path / "app.db", "CREATE TABLE contacts (name TEXT)")
    with pytest.raises(InputError, match="no format"):
        detect(path)
    for format_ in ("mem0", "langgraph"):
        with pytest.raises(InputError):
            both(path, format_)


def test_notes_beside_a_file_of_that_name_are_still_notes(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Beds\n\nBeans.\n")
    (tmp_path / "history.db").write_bytes(b"nothing of the kind")
    assert detect(tmp_path) == "markdown"


def grown(path: Path, statement: str, rows: int, column: str, size: int) -> Path:
    """A small file whose rows give much: all of them have a column that was added with a default."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        table = statement.split()[2]
        content = [(str(row), "b", "ADD", THEN) for row in range(rows)]
        db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", content)
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT DEFAULT '{'x' * size}'")
        db.commit()
    return path


@pytest.mark.parametrize(
    ("statement", "column", "entries"),
    [
        ("CREATE TABLE history (memory_id TEXT, new_memory TEXT, event TEXT, created_at TEXT)", "updated_at", 200),
        ("CREATE TABLE history (updated_at TEXT, new_memory TEXT, event TEXT, created_at TEXT)", "memory_id", 1),
        ("CREATE TABLE store (prefix TEXT, key TEXT, created_at TEXT, updated_at TEXT)", "value", 200),
    ],
)
def test_a_small_file_that_gives_much_is_refused(tmp_path: Path, statement: str, column: str, entries: int) -> None:
    # Of those that are all one memory, one is left.
    few = grown(tmp_path / "few.db", statement, 200, column, 100)
    assert len([*both(few)[0], *both(few)[1]]) == entries
    many = grown(tmp_path / "many.db", statement, 200, column, 50_000)
    with pytest.raises(InputError, match="gives more than 8 times its size") as refused:
        both(many)
    assert str(many) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_rows_that_hold_nothing_cost_something_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "history.db", HISTORY, rows=[(None,) * 10] * 5000, table="history")
    assert len(both(path)[1]) == 5000
    monkeypatch.setattr(database, "_MOST_TIMES", 0.1)
    with pytest.raises(InputError, match="times its size"):
        both(path)


def test_a_table_that_was_made_with_very_much_is_refused(tmp_path: Path) -> None:
    fits = made(tmp_path / "fits.db", HISTORY, f"CREATE TABLE other (a /* {'x' * 60_000} */)")
    assert both(fits, "mem0") == ([], [])
    path = made(tmp_path / "history.db", HISTORY, f"CREATE TABLE other (a /* {'x' * 70_000} */)")
    with pytest.raises(InputError, match="damaged, or not the database"):
        both(path, "mem0")


def test_a_memory_with_a_very_long_id_is_skipped(tmp_path: Path) -> None:
    path = history(tmp_path / "history.db", ("a" * 1024, "Stays.", "ADD"), ("b" * 1025, "Goes.", "ADD"))
    found, skipped = both(path)
    assert [item.draft.text for item in found] == ["Stays."]
    assert [(each.where, each.why) for each in skipped] == [("row 2", "its id is longer than 1,024 bytes")]
