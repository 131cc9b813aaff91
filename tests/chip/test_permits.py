"""Permits: what was signed is allowed, what was taken away is not, and nothing that anybody alters is a permit."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from biscuit_auth import (
    Algorithm,
    AuthorizationError,
    AuthorizerBuilder,
    Biscuit,
    BiscuitBuilder,
    BlockBuilder,
    KeyPair,
    PrivateKey,
)
from hypothesis import given
from hypothesis import strategies as st

from severance.chip import permits
from severance.chip.permits import MOST_TEXT, Act, Grant, Issuer, Left, described, weaken
from severance.errors import InputError
from severance.model import Right

HOUSE, OTHER = bytes(range(16)), bytes(16)
SEED = bytes(range(32))
ISSUER = Issuer(HOUSE, SEED)
NOW, END = 1_700_000_000_000_000, 1_700_000_600_000_000
BOTH = frozenset({Right.RECALL, Right.REMEMBER})
GRANT = Grant(b"p" * 16, b"s" * 16, BOTH, END)
TEXT = ISSUER.make(GRANT)


def allows(text: str, act: Act, issuer: Issuer = ISSUER) -> bool:
    permit = issuer.read(text)
    return permit is not None and permit.allows(act)


def signed(code: str, seed: bytes = SEED) -> str:
    """What whoever has the key could sign, in the form of a permit."""
    keys = KeyPair.from_private_key(PrivateKey.from_bytes(seed, Algorithm.Ed25519))
    return written(BiscuitBuilder(code).build(keys.private_key), keys)


def written(token: Biscuit, keys: KeyPair) -> str:
    parts = (bytes(keys.public_key.to_bytes()), bytes(token.to_bytes()))
    return ".".join(["sev1", *(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)])


def token_of(text: str) -> tuple[Biscuit, KeyPair]:
    keys = KeyPair.from_private_key(PrivateKey.from_bytes(SEED, Algorithm.Ed25519))
    raw = text.split(".")[2]
    return Biscuit.from_base64(raw + "=" * (-len(raw) % 4), keys.public_key), keys


def test_it_names_what_was_signed() -> None:
    permit = ISSUER.read(TEXT)
    assert permit is not None
    assert (permit.id, permit.seat) == (GRANT.permit, GRANT.seat)


@pytest.mark.parametrize("right", Right)
def test_it_allows_its_rights_and_no_others(right: Right) -> None:
    assert allows(TEXT, Act(NOW, right)) == (right in BOTH)
    assert allows(TEXT, Act(NOW))


def test_it_ends() -> None:
    assert allows(TEXT, Act(END - 1, Right.RECALL))
    assert not allows(TEXT, Act(END, Right.RECALL))
    assert not allows(TEXT, Act(END))


def test_it_opens_no_other_house() -> None:
    assert not allows(TEXT, Act(NOW), Issuer(OTHER, bytes(32)))
    assert not allows(TEXT, Act(NOW), Issuer(OTHER, SEED)), "a copy of a house that has the key is another house"
    assert not allows(TEXT, Act(NOW), Issuer(HOUSE, bytes(32))), "from before the root key was changed"


def test_rights_are_taken_away() -> None:
    less = weaken(TEXT, rights=[Right.RECALL])
    assert allows(less, Act(NOW, Right.RECALL))
    assert not allows(less, Act(NOW, Right.REMEMBER))


def test_rights_that_it_does_not_have_are_not_given() -> None:
    assert not allows(weaken(TEXT, rights=list(Right)), Act(NOW, Right.FORGET))
    assert not allows(weaken(weaken(TEXT, rights=[Right.RECALL]), rights=list(BOTH)), Act(NOW, Right.REMEMBER))


def test_time_is_taken_away_and_not_given() -> None:
    assert not allows(weaken(TEXT, until=NOW), Act(NOW))
    assert allows(weaken(TEXT, until=NOW + 1), Act(NOW))
    assert not allows(weaken(TEXT, until=END + 100), Act(END))


def test_only_these_threads() -> None:
    less = weaken(TEXT, threads=["a", "b"])
    assert allows(less, Act(NOW, Right.RECALL, thread="a"))
    assert allows(less, Act(NOW)), "crossing reads no thread"
    assert not allows(less, Act(NOW, Right.RECALL, thread="c"))
    assert not allows(less, Act(NOW, Right.RECALL)), "all threads at once are more than these"
    assert not allows(weaken(less, threads=["b", "c"]), Act(NOW, Right.RECALL, thread="a"))
    assert allows(weaken(less, threads=["b", "c"]), Act(NOW, Right.RECALL, thread="b"))


def test_only_this_tool() -> None:
    less = weaken(TEXT, tool="mail")
    assert allows(less, Act(NOW, Right.RECALL, tool="mail"))
    assert not allows(less, Act(NOW, Right.RECALL, tool="shell"))
    assert not allows(less, Act(NOW))


def test_names_with_anything_in_them_are_names() -> None:
    odd = '"; right("forget"); allow if true; //'
    less = weaken(TEXT, threads=[odd], tool=odd)
    assert allows(less, Act(NOW, Right.RECALL, thread=odd, tool=odd))
    assert not allows(less, Act(NOW, Right.FORGET, thread=odd, tool=odd))
    assert not allows(less, Act(NOW, Right.RECALL, thread="a", tool=odd))


@pytest.mark.parametrize(
    "said",
    [
        'right("forget")',
        'house("00000000000000000000000000000000")',
        'operation("forget")',
        "time(0)",
        "right($x) <- operation($x)",
        'permit("00000000000000000000000000000000")',
        "check if true",
        "reject if time($now), $now > 5",
        'check if tool("a"), tool("b")',
        'check if thread($thread), {"a"}.contains($thread)',
    ],
)
def test_a_block_that_is_not_what_weakening_writes_makes_it_no_permit(said: str) -> None:
    token, keys = token_of(TEXT)
    text = written(token.append(BlockBuilder(f"{said};")), keys)
    assert ISSUER.read(text) is None
    with pytest.raises(InputError, match="no permit"):
        weaken(text, until=NOW)
    with pytest.raises(InputError, match="no permit"):
        described(text)
    assert ISSUER.read(written(token.append(BlockBuilder('check if tool("a");')), keys)), "the control"


def test_a_block_that_somebody_else_signed_makes_it_no_permit() -> None:
    token, keys = token_of(TEXT)
    other = KeyPair()
    block = token.third_party_request().create_block(other.private_key, BlockBuilder('check if tool("a");'))
    assert ISSUER.read(written(token.append_third_party(other.public_key, block), keys)) is None


def test_a_block_that_only_looks_like_a_weakening_makes_it_no_permit() -> None:
    """Biscuit prints names as they are: `p` with another name can look like a list of threads."""
    token, keys = token_of(TEXT)
    name = '{"a", "b"}.contains'
    said = "p" * len(name.encode())
    odd = token.append(BlockBuilder(f"check if thread($thread), {said}($thread) or any_thread(true);"))
    raw = bytes(odd.to_bytes()).replace(said.encode(), name.encode())
    part = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert ISSUER.read(f"sev1.{TEXT.split('.')[1]}.{part}") is None  # its signature, too, is another's
    with mock.patch.object(permits, "_parsed", return_value=(_Seeming(odd, said, name), keys.public_key)):
        assert ISSUER.read(TEXT) is None
    less = token.append(BlockBuilder('check if thread($thread), {"a", "b"}.contains($thread) or any_thread(true);'))
    with mock.patch.object(permits, "_parsed", return_value=(less, keys.public_key)):
        assert ISSUER.read(TEXT), "the control"


class _Seeming:
    """A token of which a name is printed as another."""

    def __init__(self, token: Biscuit, name: str, printed: str) -> None:
        self._token, self._name, self._printed = token, name, printed

    def __getattr__(self, wanted: str) -> Any:
        return getattr(self._token, wanted)

    def block_source(self, number: int) -> str:
        return self._token.block_source(number).replace(self._name, self._printed)


_RIGHTS = st.none() | st.lists(st.sampled_from(list(Right)), max_size=3)
_NAMES = st.text(max_size=12) | st.sampled_from(["a", "b", '"', "%22", '", "', "\\", "\n"])
_LESS = st.fixed_dictionaries(
    {
        "rights": _RIGHTS,
        "until": st.none() | st.integers(NOW - 2, END + 2),
        "threads": st.none() | st.lists(_NAMES, min_size=1, max_size=3),
        "tool": st.none() | _NAMES,
    }
)


@given(st.lists(_LESS, max_size=4), st.sampled_from([None, *Right]), st.integers(NOW - 2, END + 2), _NAMES, _NAMES)
def test_what_it_allows_is_what_biscuit_says(
    taken: list[dict[str, Any]], right: Right | None, at: int, thread: str, tool: str
) -> None:
    text = TEXT
    for less in taken:
        with suppress(InputError):
            text = weaken(text, **less)
    for act in (Act(at, right, thread, tool), Act(at, right, None, tool), Act(at, right, None, None, any_thread=True)):
        assert allows(text, act) == _biscuit_allows(text, act), act


def _biscuit_allows(text: str, act: Act) -> bool:
    """What Biscuit's own authorizer makes of it."""
    call = "cross" if act.right is None else act.right.value
    builder = AuthorizerBuilder("time({now}); operation({call});", {"now": act.at, "call": call})
    if act.thread is not None:
        builder.add_code("thread({thread});", {"thread": permits._quoted(act.thread)})
    if act.any_thread or act.right is None:
        builder.add_code("any_thread(true);")
    if act.tool is not None:
        builder.add_code("tool({tool});", {"tool": permits._quoted(act.tool)})
    wanted = "allow if true;" if act.right is None else "allow if right({call});"
    builder.add_code(wanted, {} if act.right is None else {"call": call})
    limits = builder.limits()
    limits.max_time = timedelta(seconds=60)
    builder.set_limits(limits)
    with suppress(AuthorizationError):
        builder.build(token_of(text)[0]).authorize()
        return True
    return False


def test_every_character_counts() -> None:
    for at in range(len(TEXT)):
        for other in "Aa.":
            altered = TEXT[:at] + other + TEXT[at + 1 :]
            assert altered == TEXT or ISSUER.read(altered) is None


def test_blocks_cannot_be_dropped_or_moved() -> None:
    twice = weaken(weaken(TEXT, rights=[Right.RECALL]), until=NOW + 1)
    other = weaken(ISSUER.make(Grant(b"q" * 16, b"s" * 16, BOTH, END)), rights=[Right.REMEMBER])
    prefix, key, token = twice.split(".")
    raw = base64.urlsafe_b64decode(token + "==")
    foreign = base64.urlsafe_b64decode(other.split(".")[2] + "==")
    for cut in range(1, len(raw), 7):
        for mixed in {raw[:cut], raw[cut:], raw[:cut] + foreign[cut:], raw + raw[:cut]} - {foreign}:
            text = ".".join((prefix, key, base64.urlsafe_b64encode(mixed).decode().rstrip("=")))
            assert ISSUER.read(text) is None


@pytest.mark.parametrize(
    "code",
    [
        "",
        'house("x"); permit("y"); seat("z");',
        f'house("{HOUSE.hex()}"); permit("00"); seat("{"00" * 16}"); right("recall");',
        f'house("{HOUSE.hex()}"); permit(5); seat("{"00" * 16}");',
        f'house("{HOUSE.hex()}"); house("{OTHER.hex()}"); permit("{"00" * 16}"); seat("{"00" * 16}");',
    ],
)
def test_what_the_key_signed_and_is_no_permit_is_none(code: str) -> None:
    assert ISSUER.read(signed(code)) is None
    good = f'house("{HOUSE.hex()}"); permit("{"00" * 16}"); seat("{"00" * 16}"); right("recall");'
    good += f"check if time($now), $now < {END};"
    assert allows(signed(good), Act(NOW, Right.RECALL)), "the control"
    assert ISSUER.read(signed(good, bytes(32))) is None


def test_a_million_facts_are_not_looked_at() -> None:
    token, keys = token_of(TEXT)
    many = BlockBuilder("".join(f"fact({n});" for n in range(20_000)))
    assert ISSUER.read(written(token.append(many), keys)) is None, "it is longer than a permit can be"


@pytest.mark.parametrize("kind", ["check if {};", "made(1) <- {};"])
def test_nothing_that_a_holder_adds_is_evaluated(kind: str) -> None:
    token, keys = token_of(TEXT)
    numbers = "".join(f"n({n});" for n in range(40))
    join = ", ".join(f"n($x{n})" for n in range(8))
    text = written(token.append(BlockBuilder(numbers + kind.format(join + ", $x0 + $x1 + $x2 < 0"))), keys)
    assert len(text) < MOST_TEXT
    assert ISSUER.read(text) is None, "six million million facts would be looked at"


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    for given_text in (text, f"sev1.{text}", f"sev1.{TEXT.split('.')[1]}.{text}"):
        assert ISSUER.read(given_text) is None


def test_weakening_has_an_end() -> None:
    text = TEXT
    with suppress(InputError):
        for _ in range(100):
            text = weaken(text, until=END)
    assert MOST_TEXT / 3 < len(text) <= MOST_TEXT
    assert allows(text, Act(NOW))
    with pytest.raises(InputError, match="too often"):
        weaken(text, until=END)


@pytest.mark.parametrize("text", ["", "sev1", "sev1..", TEXT[:-5], "x" * 10_000])
def test_what_is_no_permit_is_not_weakened(text: str) -> None:
    with pytest.raises(InputError, match="no permit"):
        weaken(text, until=END)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"tool": "mail"}, {"tool": "editor"}),
        ({"threads": ["a"]}, {"threads": ["b"]}),
        ({"rights": [Right.RECALL]}, {"rights": [Right.REMEMBER]}),
        ({"until": END}, {"rights": [Right.AMEND]}),
        ({"until": END}, {"rights": []}),
    ],
)
def test_weakening_to_nothing_is_refused(first: dict[str, Any], second: dict[str, Any]) -> None:
    less = weaken(TEXT, **first)
    with pytest.raises(InputError, match="nothing would be left"):
        weaken(less, **second)


def test_what_is_left_is_described() -> None:
    assert described(TEXT) == Left(GRANT.permit, BOTH, END, None, frozenset(), 0)
    less = weaken(
        weaken(TEXT, rights=[Right.RECALL, Right.AMEND], threads=["a", "b"]), until=NOW, threads=["b"], tool="t"
    )
    found = Left(GRANT.permit, frozenset({Right.RECALL}), NOW, frozenset({"b"}), frozenset({"t"}), 2)
    assert described(less) == found


def test_weakening_by_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="say what"):
        weaken(TEXT)
    with pytest.raises(InputError, match="say what"):
        weaken(TEXT, threads=[])


def test_no_name_is_in_it() -> None:
    token, _ = token_of(TEXT)
    assert set(token.block_source(0).split("(")) & {"mark", "innie", "floor"} == set()
    assert repr(ISSUER) == f"Issuer({HOUSE.hex()})"
