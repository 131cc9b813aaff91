"""The SQLite vault keeps the contract."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from severance.vault.conformance import STORE, VaultConformance
from severance.vault.sqlite import SqliteVault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from severance.ports import Vault


class TestSqliteVault(VaultConformance):
    kills = 20

    def make(self, folder: Path) -> Vault:
        self.path = folder / "vault.db"
        return SqliteVault.new(self.path, STORE)

    def reopen(self, vault: Vault) -> Vault:
        return SqliteVault.open(self.path)

    def open_copy(self, path: Path) -> Vault:
        return SqliteVault.open(path)

    def opener(self, vault: Vault) -> Callable[[], Vault]:
        return partial(SqliteVault.open, self.path)
