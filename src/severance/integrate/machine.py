"""Where programs keep their settings on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """A user's folders.

    Attributes:
        home: the user's home.
        environ: the environment.
        platform: as `sys.platform`.
    """

    home: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    platform: str = sys.platform

    @classmethod
    def here(cls) -> Machine:
        """This one, for its user.

        Raises:
            RuntimeError: nobody knows where the home is.
        """
        return cls(Path.home())

    def named(self, variable: str, usual: Path) -> Path:
        """The folder that a variable names, or else this one. A relative path in it counts for nothing."""
        given = self.environ.get(variable, "")
        return Path(given) if given and Path(given).is_absolute() else usual

    def settings(self, *, mac: bool = True) -> Path:
        """Where applications keep what their user has set: XDG Base Directory, Application Support, or AppData.

        Args:
            mac: whether it is Application Support on macOS, and not what it is on Linux.
        """
        if self.platform == "win32":
            return self.named("APPDATA", self.home / "AppData" / "Roaming")
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support" if mac else self.home / ".config"
        return self.named("XDG_CONFIG_HOME", self.home / ".config")
