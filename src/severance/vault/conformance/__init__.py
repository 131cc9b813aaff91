"""What every vault must do, as tests that ship with the package: a new backend's test is a few lines.

    class TestMyVault(VaultConformance):
        def make(self, folder: Path) -> Vault:
            return MyVault.new(folder / "vault", STORE)

        def reopen(self, vault: Vault) -> Vault:
            return MyVault.open(...)

pytest collects such a class as it is. Nothing here imports pytest: each test is a method that takes an empty folder and
raises `AssertionError` when a sentence of `ports.Vault` does not hold.
"""

from severance.vault.conformance.kit import STORE
from severance.vault.conformance.logs import LogConformance
from severance.vault.conformance.sharing import SharingConformance
from severance.vault.conformance.snapshots import SnapshotConformance
from severance.vault.conformance.whole import WholeConformance

__all__ = ["STORE", "VaultConformance"]


class VaultConformance(LogConformance, SnapshotConformance, WholeConformance, SharingConformance):
    """All of it. Override `make` and `reopen`; where other processes can open the vault, also `opener`."""
