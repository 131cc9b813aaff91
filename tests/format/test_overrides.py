"""The frozen vectors of overrides hold in the library and in the second decoder."""

from __future__ import annotations

import ast
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from format import make_vectors, override_decoder
from format.decoder import Refused
from format.overrides import MADE
from severance import House
from severance.approving import new_override_key, sign_draft, wish_override
from severance.barrier.traces.ports import StillClock
from severance.chip.override.desk import Desk
from severance.chip.override.escrow import key_from
from severance.chip.override.keys import PrivateKey, public_of, read
from severance.chip.override.state import NEEDED, Override
from severance.chip.override.texts import answer_of, request_of
from severance.chip.override.wishes import drafted, signed_draft, wish_of, wished
from severance.chip.register import ApproverForm, EscrowRow, OverrideRow, PairForm
from severance.errors import OverrideError, SeveranceError

VECTORS = json.loads(make_vectors.FILE.read_text("utf-8"))["overrides"]


def private(text: str) -> PrivateKey:
    raw = read("sevs1", text, 64)
    assert raw is not None
    return PrivateKey(raw[:32], raw[32:])


class Known(Desk):
    """Judges with these keys registered, and no chip."""

    def __init__(self, forms: tuple[ApproverForm, ...]) -> None:
        self._forms = forms

    def approvers(self, rows: Any = None) -> tuple[ApproverForm, ...]:
        return self._forms


def opened(vector: dict[str, Any]) -> tuple[bytes, bytes]:
    """What the library gets from it."""
    keys = [private(text) for text in vector["private"]]
    desk = Known(tuple(ApproverForm(f"{n}", key.public.raw, MADE) for n, key in enumerate(keys)))
    request = request_of(vector["request"])
    found = Override(OverrideRow(request.said.id, request.raw), request)
    for text in vector["answers"]:
        form = desk.judge(answer_of(text), found, MADE)
        row = OverrideRow(request.said.id, request.raw, (*found.row.answers, form))
        found = Override(row, request)
    if len(found.approved) < NEEDED or found.denied:
        raise OverrideError("too few")
    pairs = EscrowRow(tuple(PairForm(*map(bytes.fromhex, pair)) for pair in vector["pairs"]))
    return key_from(pairs, request, found.row.answers, keys[0]).secret, request.digest


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vectors_of_overrides(vector: dict[str, Any]) -> None:
    if "refused" in vector:
        with pytest.raises(Refused) as caught:
            override_decoder.opened(vector)
        assert caught.value.reason == vector["refused"]
        with pytest.raises(SeveranceError):
            opened(vector)
        return
    wanted = bytes.fromhex(vector["key"]), bytes.fromhex(vector["digest"])
    assert override_decoder.opened(vector) == opened(vector) == wanted


def test_keys_of_vectors() -> None:
    vector = VECTORS[0]
    for text, public, given in zip(vector["private"], vector["public"], vector["ids"], strict=True):
        assert private(text).public == public_of(public)
        assert override_decoder.publics(text) == public_of(public).raw
        assert override_decoder.key_id(public_of(public).raw).hex() == public_of(public).id.hex() == given


def test_a_wish_and_its_draft_are_what_is_written_down() -> None:
    vector = VECTORS[0]
    key, said = private(vector["private"][0]), request_of(vector["request"]).said
    wish = wished(said, key)
    draft = drafted(wish, said).text()
    request = signed_draft(draft, key)
    assert request.text() == vector["request"]
    added = override_decoder.drafted(wish.text(), draft, request.text())
    assert set(added) == {"id", "house", "space", "epoch", "name", "shares"}
    assert wish_of(wish.text()) == wish
    for other in (wish.text()[:-8] + "AAAAAAAA", wish.text().replace("sevw1", "sevr1")):
        with pytest.raises((Refused, ValueError)):
            override_decoder.drafted(other, draft, request.text())


def test_the_id_of_a_draft_is_what_is_written_down(house: House, folder: Path, clock: StillClock) -> None:
    keys = [folder / f"{name}.key" for name in ("irving", "burt", "dylan")]
    for file in keys:
        house.register_override_key(file.stem, new_override_key(file))
    given = {"key": keys[0], "reason": "ill", "length": timedelta(minutes=1), "clock": clock}
    wish = wish_override("mark", "innie", **given)  # type: ignore[arg-type]
    draft = house.draft_override(wish)
    request = sign_draft(draft, keys[0])
    added, name_key = override_decoder.drafted(wish, draft, request), house._chip.keys.name
    assert override_decoder.draft_id(name_key, draft) == added["id"]
    other = drafted(wish_of(wish), replace(request_of(request).said, made=1)).text()
    assert override_decoder.draft_id(name_key, other) != added["id"], "the control"


def test_the_second_decoder_imports_nothing_of_severance() -> None:
    tree = ast.parse(Path(override_decoder.__file__).read_text("utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not [module for module in modules if module and module.startswith("severance")]
