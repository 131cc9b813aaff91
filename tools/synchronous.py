"""Makes `severance.remote.synchronous` from `severance.remote.asynchronous`, so that there is one client and not two.

python tools/synchronous.py          write it
python tools/synchronous.py --check  only say whether it is current; exit 1 if not
"""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from pathlib import Path

REMOTE = Path(__file__).resolve().parent.parent / "src" / "severance" / "remote"
SOURCE, MADE = REMOTE / "asynchronous.py", REMOTE / "synchronous.py"
HEAD = '"""A house over HTTP. Made from `asynchronous.py` by `tools/synchronous.py`: change that one."""'
NAMES = {
    "AsyncClient": "Client",
    "AsyncRemoteSession": "RemoteSession",
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "asyncio": "time",
}
WITHOUT = frozenset({"async", "await"})


def synchronous(source: str) -> str:
    """The same program without `async` and `await`, and with the names that go with that."""
    lines = source.splitlines(keepends=True)
    for token in reversed([*tokenize.generate_tokens(io.StringIO(source).readline)]):
        row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
        if token.type == tokenize.NAME and token.string in WITHOUT:
            lines[row] = lines[row][:start] + lines[row][end:].removeprefix(" ")
        elif token.type == tokenize.NAME and token.string in NAMES:
            lines[row] = lines[row][:start] + NAMES[token.string] + lines[row][end:]
        elif "Async" in token.string and token.start[0] == token.end[0] and token.type != tokenize.NAME:
            lines[row] = lines[row][:start] + _text(token.string) + lines[row][end:]
    whole = "".join(lines)
    return _formatted(HEAD + whole[whole.index('"""', 3) + 3 :])


def _text(literal: str) -> str:
    for name, other in NAMES.items():
        literal = literal.replace(name, other)
    return literal


def _formatted(source: str) -> str:
    for command in (["check", "--fix-only", "--unsafe-fixes", "--select", "I,UP028", "-q"], ["format", "-q"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(MADE), "-"]
        source = subprocess.run(arguments, input=source, text=True, capture_output=True, check=True).stdout
    return source


def main() -> int:
    """Write it, or check it."""
    made = synchronous(SOURCE.read_text("utf-8"))
    if "--check" in sys.argv[1:]:
        current = MADE.exists() and MADE.read_text("utf-8") == made
        sys.stdout.write("" if current else f"{MADE.name} is not current; run python tools/synchronous.py\n")
        return 0 if current else 1
    MADE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
