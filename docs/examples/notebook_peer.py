"""An adapter for `severance barrier --against`: a notebook in SQLite, one table for all tenants."""

import sqlite3
import uuid
from pathlib import Path

from severance.barrier.peers.port import Found


class Notebook:
    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "notes.db", isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA secure_delete = ON")
        self.db.execute("CREATE TABLE IF NOT EXISTS notes (id TEXT, tenant TEXT, text TEXT)")

    def add(self, tenant: str, text: str) -> str:
        key = uuid.uuid4().hex
        self.db.execute("INSERT INTO notes VALUES (?, ?, ?)", (key, tenant, text))
        return key

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        words = set(query.split())
        return sorted(self.list(tenant), key=lambda note: -len(words & set(note.text.split())))[:limit]

    def get(self, tenant: str, id: str) -> str | None:
        row = self.db.execute("SELECT text FROM notes WHERE id = ? AND tenant = ?", (id, tenant)).fetchone()
        return row[0] if row else None

    def update(self, tenant: str, id: str, text: str) -> None:
        self.db.execute("UPDATE notes SET text = ? WHERE id = ? AND tenant = ?", (text, id, tenant))

    def delete(self, tenant: str, id: str) -> None:
        self.db.execute("DELETE FROM notes WHERE id = ?", (id,))

    def list(self, tenant: str) -> list[Found]:
        rows = self.db.execute("SELECT id, text FROM notes WHERE tenant = ?", (tenant,))
        return [Found(*row) for row in rows]

    def close(self) -> None:
        self.db.close()
