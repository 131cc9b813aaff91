"""What came in on standard input, in the place of a file: in memory, since nothing is written in the clear."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from severance.errors import InputError

MOST_BYTES = 256 * 2**20

if TYPE_CHECKING:
    _Concrete = Path
else:
    _Concrete = type(Path())  # before Python 3.12, only the system's own kind of path can be derived from


class Given(_Concrete):
    """Bytes that can be opened as a file can; told by `standard input`, where a file has its path."""

    content: bytes

    @classmethod
    def of(cls, content: bytes) -> Given:
        """These bytes.

        Raises:
            InputError: there are more than 256 MiB.
        """
        if len(content) > MOST_BYTES:
            raise InputError(f"standard input has more than {MOST_BYTES // 2**20} MiB; save it as a file and name that")
        made = cls("standard input")
        made.content = content
        return made

    def open(self, *asked: Any, **more: Any) -> Any:
        """The bytes, from their beginning."""
        return io.BytesIO(self.content)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """A file of this size, made at no time that counts."""
        return os.stat_result((stat.S_IFREG | 0o400, 0, 0, 1, 0, 0, len(self.content), 0, 0, 0))

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Never."""
        return False
