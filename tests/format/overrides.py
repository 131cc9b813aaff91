"""Frozen vectors of overrides: keys, an escrow, a request and answers to it, and what they open."""

from __future__ import annotations

from typing import Any

import msgspec

from format.given import Counter, Vector, fixed, plain
from kit import flipped
from severance.chip.override.escrow import escrow_of, shares_without
from severance.chip.override.keys import PrivateKey, written
from severance.chip.override.texts import Answer, Answered, Asked, Request, _signed, answered, asked
from severance.chip.register import ApproverForm, EscrowRow
from severance.crypto.envelope import SpaceKey
from severance.model import Right

STORE, SPACE, SECRET = fixed("store", 16), fixed("innie", 16), fixed("innie key", 32)
MADE, HOUR = 1_700_000_000_000_000, 3_600_000_000
NAMES = ("irving", "burt", "dylan", "helly")


class Scene:
    """Four keys, the escrow for them, and a request by the first."""

    def __init__(self) -> None:
        self.entropy = Counter()
        self.keys = [PrivateKey(fixed(f"sign {name}", 32), fixed(f"open {name}", 32)) for name in NAMES]
        forms = [ApproverForm(name, key.public.raw, MADE) for name, key in zip(NAMES, self.keys, strict=True)]
        escrow = escrow_of(SpaceKey(SPACE, 1, SECRET), ("märk", "innie"), STORE, forms, self.entropy)
        assert escrow is not None
        self.escrow: EscrowRow = escrow
        self.request = asked(self.said(), self.keys[0])

    def said(self, **changed: Any) -> Request:
        """What the request says, with changes."""
        fields: dict[str, Any] = {
            "id": fixed("override", 16),
            "house": STORE,
            "space": SPACE,
            "epoch": 1,
            "subject": "märk",
            "persona": "innie",
            "requester": self.keys[0].public.raw,
            "name": "irving",
            "reason": "he does not answer",
            "rights": (Right.RECALL, Right.REMEMBER),
            "threads": ("monday",),
            "made": MADE,
            "approve_by": MADE + HOUR,
            "use_by": MADE + 2 * HOUR,
            "length": HOUR,
            "shares": shares_without(self.keys[0].public.id, self.escrow),
        }
        return Request(**{**fields, **changed})

    def answer(self, number: int, request: Asked | None = None, *, approves: bool = True) -> Answered:
        return answered(request or self.request, self.keys[number], approves=approves, entropy=self.entropy)

    def vector(self, name: str, what: str, answers: list[Answered | str], **more: Any) -> Vector:
        return plain(
            {
                "name": name,
                "what": what,
                "private": [written("sevs1", key._seed + key.opens) for key in self.keys],
                "public": [key.public.text() for key in self.keys],
                "ids": [key.public.id for key in self.keys],
                "pairs": [msgspec.structs.astuple(pair) for pair in self.escrow.pairs],
                "request": self.request.text(),
                "answers": [each if isinstance(each, str) else each.text() for each in answers],
                **more,
            }
        )


def overrides() -> list[Vector]:
    scene = Scene()
    two = [scene.answer(1), scene.answer(2)]
    shown = {"key": SECRET, "digest": scene.request.digest}
    bad: list[Vector] = [
        scene.vector("one approval", "of two", two[:1], refused="approvals"),
        scene.vector("one approval twice", "by one key", two[:1] * 2, refused="approvals"),
        scene.vector("a refusal", "by the second", [two[0], scene.answer(2, approves=False)], refused="denied"),
        scene.vector("no approval", "by anybody", [], refused="approvals"),
        *_altered(scene, two),
    ]
    others = [[scene.answer(a), scene.answer(b)] for a, b in ((1, 3), (3, 2))]
    good = [scene.vector(f"approvals {n}", "by two others", pair, **shown) for n, pair in enumerate([two, *others])]
    return [*good, *bad]


def _altered(scene: Scene, two: list[Answered]) -> list[Vector]:
    elsewhere = asked(scene.said(length=2 * HOUR), scene.keys[0])
    other = scene.answer(2, elsewhere)
    forged = Answer(**{**msgspec.structs.asdict(two[1].said), "request": elsewhere.digest})
    unsigned = written("seva1", flipped(two[1].raw, 3))
    own = Answered(_signed(_by(scene, two[1].said, 0), scene.keys[0]), two[1].said)
    swapped = Answered(_signed(_by(scene, two[1].said, 3), scene.keys[3]), two[1].said)
    found = [
        scene.vector("approval of another request", "a longer one", [two[0], other], refused="digest"),
        scene.vector("approval signed over", "by nobody", [two[0], unsigned], refused="signature"),
        scene.vector("approval by the requester", "with another's shares", [two[0], own], refused="requester"),
        scene.vector("shares of another approver", "under a name of one's own", [two[0], swapped], refused="shares"),
        scene.vector(
            "digest of another request",
            "the shares are of this one",
            [two[0], Answered(_signed(forged, scene.keys[2]), forged)],
            refused="digest",
        ),
    ]
    request = scene.request
    for name, raw in (("request signed over", flipped(request.raw, 3)), ("request altered", flipped(request.raw, 200))):
        scene.request = Asked(raw, request.said)
        found.append(scene.vector(name, "one bit", list(two), refused="request"))
    scene.request = request
    return found


def _by(scene: Scene, said: Answer, number: int) -> Answer:
    return Answer(**{**msgspec.structs.asdict(said), "key": scene.keys[number].public.id})
