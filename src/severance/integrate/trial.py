"""A server tried as a client would: started, greeted, and asked for its tools.

The Model Context Protocol over standard input and output: a JSON object on each line, of JSON-RPC 2.0.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

from severance.errors import StoreError

SECONDS = 60.0
"""How long an answer may take; the first waits for the store to be opened."""
PROTOCOL = "2025-06-18"

_MOST_LINE = 2**20
_HELLO = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "severance", "version": "1"}}


def tried(argv: Sequence[str], seconds: float = SECONDS) -> list[str]:
    """The names of the tools of the server that this command starts. It is ended again.

    Raises:
        StoreError: it cannot be started, ends, or gives no answer; the message has the last line that it wrote to
            standard error.
    """
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no command"
        raise StoreError(f"the server cannot be started ({reason}): {argv[0] if argv else ''}") from None
    with process:
        said: list[str] = []
        threading.Thread(target=_hear, args=(process.stderr, said), daemon=True).start()
        try:
            return _asked(process, seconds)
        except (OSError, ValueError, queue.Empty):
            process.kill()
            process.wait()
            raise StoreError(f"the server gave no answer{': ' + said[-1] if said else ''}") from None
        finally:
            _end(process)


def _asked(process: subprocess.Popen[str], seconds: float) -> list[str]:
    answers: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, answers), daemon=True).start()
    _say(process, {"id": 1, "method": "initialize", "params": _HELLO})
    _answer(answers, 1, seconds)
    _say(process, {"method": "notifications/initialized"})
    _say(process, {"id": 2, "method": "tools/list"})
    return [str(tool["name"]) for tool in _answer(answers, 2, seconds)["tools"]]


def _say(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    if process.stdin is not None:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()


def _answer(answers: queue.Queue[dict[str, Any]], number: int, seconds: float) -> dict[str, Any]:
    while True:
        found = answers.get(timeout=seconds)
        if not found:  # the server has ended
            raise ValueError
        if found.get("id") == number:
            result = found.get("result")
            if not isinstance(result, dict):
                raise ValueError
            return result


def _read(stream: IO[str] | None, answers: queue.Queue[dict[str, Any]]) -> None:
    while stream is not None and (line := stream.readline(_MOST_LINE)):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and found:
                answers.put(found)
    answers.put({})


def _hear(stream: IO[str] | None, said: list[str]) -> None:
    for line in stream or ():
        if line.strip():
            said[:] = [line.strip()[:500]]


def _end(process: subprocess.Popen[str]) -> None:
    """Let the server end, as clients do: by closing its standard input."""
    with suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
