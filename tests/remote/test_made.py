"""The synchronous client is made from the asynchronous one, and has the methods of a session."""

from __future__ import annotations

import inspect
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from severance import Session
from severance.remote import AsyncClient, AsyncRemoteSession, Client, RemoteSession

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "synchronous.py"


def test_it_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_maker_takes_out_what_is_asynchronous_and_nothing_else() -> None:
    make = runpy.run_path(str(TOOL))["synchronous"]
    source = '"""Head."""\n\n\nasync def f(client: AsyncClient) -> str:\n    """Of AsyncClient."""\n'
    source += '    async with client as c:\n        return await c.get("await async")  # await\n'
    assert make(source).endswith(
        '\n\n\ndef f(client: Client) -> str:\n    """Of Client."""\n'
        '    with client as c:\n        return c.get("await async")  # await\n'
    )


@pytest.mark.parametrize("kind", [RemoteSession, AsyncRemoteSession])
def test_its_methods_are_those_of_a_session(kind: type) -> None:
    public = {name for name in vars(Session) if not name.startswith("_")} - {"confinement"}
    made = {name for name in vars(kind) if not name.startswith("_")} | {"subject", "persona", "place"}
    assert made == public
    for name in public & {*vars(kind)}:
        ours = inspect.signature(getattr(kind, name)).parameters
        theirs = inspect.signature(getattr(Session, name)).parameters
        assert list(ours.values()) == list(theirs.values()), name


def test_both_clients_take_the_same() -> None:
    assert inspect.signature(Client) == inspect.signature(AsyncClient)
