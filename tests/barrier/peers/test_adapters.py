"""The adapters for other memories do what they are asked, where these memories are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from severance.barrier.peers.remote import Limits, NotMadeError, Remote
from severance.barrier.peers.targets import KNOWN, Target
from severance.barrier.peers.wire import METHODS, Answer, Call


@pytest.fixture(params=sorted(KNOWN))
def target(request: pytest.FixtureRequest) -> Target:
    target = KNOWN[request.param]
    if not all(find_spec(module.partition(".")[0]) for module in target.needs):
        pytest.skip(f"{request.param} is not installed here")
    return target


def texts(answer: Answer) -> list[str]:
    assert answer.kind == "ok", answer.note
    return [row.text for row in answer.rows]


def test_what_a_tenant_has_added_is_found_changed_and_removed(target: Target, tmp_path: Path) -> None:
    with Remote(target.where, target.name, tmp_path, Limits()) as peer:
        try:
            peer.open(tmp_path / "store")
        except NotMadeError as problem:
            if "enable_load_extension" in str(problem):
                pytest.skip("this Python's SQLite loads no extensions")
            raise
        keys = [peer.call(Call("add", ["ann", text])).text for text in ("the key is behind the clock", "waffles")]
        peer.call(Call("add", ["ben", "a parcel at the mill"]))
        assert None not in keys
        first, second = map(str, keys)
        assert texts(peer.call(Call("search", ["ann", "the key is behind the clock", 1])))[0].startswith("the key")
        peer.call(Call("update", ["ann", first, "the key is in the oven"]))
        assert peer.call(Call("get", ["ann", first])).text == "the key is in the oven"
        assert set(texts(peer.call(Call("list", ["ann"])))) == {"the key is in the oven", "waffles"}
        peer.call(Call("delete", ["ann", second]))
        assert texts(peer.call(Call("list", ["ann"]))) == ["the key is in the oven"]
        peer.close()
        peer.open(tmp_path / "store")
        assert texts(peer.call(Call("list", ["ben"]))) in (["a parcel at the mill"], [])
        assert set(peer.calls) in ({*METHODS}, {*METHODS} - {"add_with"})
