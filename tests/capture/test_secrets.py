"""What is taken out of a text, what stays, and that only kinds are told."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.drawn import HEX, IN_A_SENTENCE, PASSWORD, ROOT_KEY, TOKENS, drawn, pem
from severance.capture import secrets
from severance.capture.secrets import clean
from severance.errors import InputError

ONE_OF_EACH = [(kind, token) for kind, tokens in TOKENS.items() for token in tokens]
PLACEHOLDER = re.compile(r"\[secret removed: [a-z0-9-]+\]")


@pytest.mark.parametrize(("kind", "token"), ONE_OF_EACH, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("around", ["{}", "we use {} there.", "see `{}`,\nand go on", "<{}>", "key={}&x=1", "x: '{}'"])
def test_a_token_goes_whole_wherever_it_stands(kind: str, token: str, around: str) -> None:
    cleaned = clean(around.format(token))
    assert list(cleaned.found.values()) == [1]
    left = PLACEHOLDER.sub("", cleaned.text)
    assert not any(part in left for part in re.split(r"[-_.:]", token) if len(part) > 5)
    assert len(left) <= len(around)
    if around == "{}":
        assert cleaned.text == f"[secret removed: {kind}]"


@pytest.mark.parametrize(
    ("kind", "sentence"), [(kind, each) for kind, sentences in IN_A_SENTENCE.items() for each in sentences]
)
def test_what_a_name_gives_away_goes(kind: str, sentence: str) -> None:
    cleaned = clean(f"First line.\n{sentence}\nLast line.")
    assert cleaned.found == {kind: 1}
    assert cleaned.text.startswith("First line.\n")
    assert cleaned.text.endswith("\nLast line.")
    for secret in (PASSWORD, "correct horse", "Swordfish", ROOT_KEY, *map(drawn, (9, 24, 40, 43, 68))):
        assert secret not in cleaned.text
    assert not any(drawn(length, HEX) in cleaned.text for length in (32, 64))


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("how", ["plain", "quoted", "indented", "crlf", "json", "cut off", "its end"])
def test_a_private_key_goes_with_all_its_lines(kind: str, how: str) -> None:
    key = pem(kind)
    shown = {
        "plain": key,
        "quoted": "\n".join(f"> {line}" for line in key.splitlines()),
        "indented": "\n".join(f"    {line}" for line in key.splitlines()),
        "crlf": key.replace("\n", "\r\n"),
        "json": repr(key),
        "cut off": key[: key.index("-----END")].rstrip(),
        "its end": key[key.index("\n") + 1 :],
    }[how]
    cleaned = clean(f"Before it.\n{shown}\n\nAfter it, prose goes on.")
    assert cleaned.found == {"private-key": 1}
    assert not any(line[:16] in cleaned.text for line in key.splitlines()[1:-1])
    assert "Before it." in cleaned.text
    assert "After it, prose goes on." in cleaned.text


def test_a_word_with_a_token_in_it_goes_whole() -> None:
    token = TOKENS["aws-access-key"][0]
    assert clean(f"see MY-{token}-2 there").text == "see [secret removed: aws-access-key] there"


def test_two_keys_are_two_and_what_is_between_them_stays() -> None:
    cleaned = clean(f"{pem()}\nbetween\n{pem('EC PRIVATE KEY')}")
    assert cleaned.text == "[secret removed: private-key]\nbetween\n[secret removed: private-key]"
    assert cleaned.found == {"private-key": 2}


def test_a_putty_key_goes() -> None:
    body = "\n".join(drawn(64, seed=seed) for seed in range(4))
    text = (
        f"PuTTY-User-Key-File-3: ssh-ed25519\nComment: me\nPrivate-Lines: 4\n{body}\nPrivate-MAC: {drawn(64, '0a')}\nx"
    )
    assert clean(text).text == "[secret removed: private-key]\nx"


@pytest.mark.parametrize("end", ["", "Private-MAC: 0a0b0c\n"])
def test_of_half_a_putty_key_the_lines_go_that_look_like_one(end: str) -> None:
    body = "\n".join(drawn(64, seed=seed) for seed in range(4))
    begin = "" if end else "PuTTY-User-Key-File-3: ssh-ed25519\nComment: me\n"
    cleaned = clean(f"Before it.\n{begin}{body}\n{end}After it, prose goes on.")
    assert cleaned.found == {"private-key": 1}
    assert cleaned.text.startswith("Before it.\n[secret removed: private-key]")
    assert cleaned.text.endswith("After it, prose goes on.")
    assert not any(drawn(64, seed=seed)[:16] in cleaned.text for seed in range(4))


def test_a_key_in_a_json_text_that_was_cut_goes() -> None:
    for part in (repr(pem())[:400], repr(pem())[200:]):
        cleaned = clean(f"see {part}\nand go on")
        assert cleaned.found == {"private-key": 1}
        assert len(PLACEHOLDER.sub("", cleaned.text)) < 30


def test_the_beginning_of_one_key_does_not_take_what_stands_before_the_next() -> None:
    cut = pem().split("-----END")[0]
    cleaned = clean(f"{cut}\nbetween\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n{pem()}")
    assert cleaned.found == {"private-key": 2}
    assert "between\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n[" in cleaned.text


def test_the_last_line_of_a_certificate_is_no_key_of_32_bytes() -> None:
    text = f"-----BEGIN CERTIFICATE-----\n{drawn(64)}\n{ROOT_KEY}\n-----END CERTIFICATE-----"
    assert clean(text).found == {}
    assert clean(text.replace(drawn(64), "x")).found == {"key-of-32-bytes": 1}


@pytest.mark.parametrize("unseen", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f\u200c"])
@pytest.mark.parametrize(("kind", "token"), ONE_OF_EACH[:12], ids=lambda value: str(value)[:12])
def test_letters_without_a_width_hide_no_token(kind: str, token: str, unseen: str) -> None:
    for hidden in (token[:7] + unseen + token[7:], unseen.join(token), f"{unseen}{token}{unseen}"):
        cleaned = clean(f"the one {hidden}\nis it")
        assert cleaned.text == f"the one [secret removed: {kind}]\nis it"


def test_a_token_right_after_a_letter_without_a_width_is_found() -> None:
    for kind, token in ONE_OF_EACH:
        assert clean(f"word\u200b{token}").text in (f"word[secret removed: {kind}]", f"[secret removed: {kind}]")


def test_letters_without_a_width_stay_where_nothing_was_found() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 می\u200cخواهم"
    assert clean(family) == secrets.Cleaned(family, {})
    token = TOKENS["npm-token"][0]
    assert clean(f"{family} {token[:9]}\u200b{token[9:]}").text == f"{family} [secret removed: npm-token]"


def test_what_hides_secrets_behind_each_other_without_end_goes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"AKC{drawn(12, seed=seed)}" for seed in range(4)) + " "
    assert list(clean(text).found) == ["artifactory-credentials"]
    monkeypatch.setattr(secrets, "_ROUNDS", 1)
    cleaned = clean(text)
    assert cleaned.text == "[secret removed: tangled]"
    assert cleaned.found["tangled"] == 1


STAYS = [
    "PASS: test_login2 and 12 others",
    "bypass: route2 and compass = north2",
    "first_pass = optimize",
    "DB_PASS=$(cat /run/secrets/db2)",
    "curl -u admin https://example.org/",
    "curl -u admin:$PASSWORD_2 https://example.org/",
    "curl -u user:password https://example.org/",
    "mysql -u root -p shop",
    "docker run -p3306:3306 mysql -p3306",
    "mysql listens there; ssh -p2222 example.org",
    "The machine has a login and password fields.",
    "<password></password> and <password>${db.pass}</password>",
    "<token>identifier</token>",
    "Cookie: a small file that a site keeps",
    "Set-Cookie: name=value; Path=/",
    "cookies: 25 of them",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "https://discord.com/api/webhooks/ID/TOKEN",
    f"private key fingerprint sha256 {drawn(64, HEX)}",
    f"the digest {ROOT_KEY} of it",
    f"sha256={ROOT_KEY}",
    "=" * 44,
    "550e8400-e29b-41d4-a716-446655440000",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    'the memory "35062e2efb6bbf957dab11df388cf2"',
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    '"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="',
    "https://docs.example.org/document/d/1aB2cD3eF4gH5iJ6kL7mN8oP9qR0sT1uV2wX3yZ4/edit",
    "203.0.113.7 answered, 10.0.0.1 did not",
    "Password: required",
    "The password is stored in the vault of the team.",
    "Never write a password, token or secret into a note.",
    "token: see the README",
    "max_tokens: 100000, top_p=0.95",
    "secret = os.environ['SECRET_2']",
    'token = get_token("a1b2c3")',
    "auth_token = base64.b64decode(raw2)",
    "password: ${DB_PASSWORD_1}",
    "password = <your password 1>",
    'api_key = "********"',
    "SEVERANCE_KEY=file:./severance.key",
    "password_file: /run/secrets/db2_password",
    "The secret: practice every day at 7",
    "valid_token: 2024-05-31",
    "Bearer of good news, he came at 8",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8mVZ3 me@laptop",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----",
    "the APERIODICITY of AP CALCULUS and task-list-for-monday",
    "sk-learn, sk-image and desk-lamp-with-a-very-long-name",
    "call me at 0123456789 about order 4711-0815",
]


@pytest.mark.parametrize("text", STAYS)
def test_what_is_no_secret_stays(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.text == text
    assert cleaned.found == {}


def docstrings() -> Iterator[str]:
    """Prose about programs, which every Python brings: the docstrings of some of its modules."""
    for name in ("argparse", "datetime", "json", "logging", "pathlib", "random", "ssl", "smtplib", "uuid", "secrets"):
        found = sys.modules.get(name) or __import__(name)
        assert isinstance(found, ModuleType)
        tree = ast.parse(Path(str(found.__file__)).read_text(encoding="utf-8"))
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
        yield "\n\n".join(filter(None, map(ast.get_docstring, nodes)))


def test_prose_about_programs_stays() -> None:
    texts = list(docstrings())
    assert sum(map(len, texts)) > 50_000
    assert sum(sum(clean(text).found.values()) for text in texts) == 0


def test_only_kinds_and_numbers_are_told() -> None:
    token = TOKENS["npm-token"][0]
    cleaned = clean(f"{token} and {token} and {TOKENS['groq-key'][0]}")
    assert cleaned.found == {"groq-key": 1, "npm-token": 2}
    assert list(cleaned.found) == sorted(cleaned.found)
    assert token not in repr(cleaned)


ANY = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from([token for _, token in ONE_OF_EACH]),
        st.sampled_from([each for sentences in IN_A_SENTENCE.values() for each in sentences]),
        st.sampled_from(["\n", " ", "-----BEGIN PRIVATE KEY-----", "[secret removed: x]", pem()]),
    ),
    max_size=6,
).map("".join)


@given(ANY)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once.text) == secrets.Cleaned(once.text, {})


@given(st.text(alphabet="abcdefghij \n.,", max_size=300))
def test_a_text_without_anything_is_the_same_text(text: str) -> None:
    assert clean(text) == secrets.Cleaned(text, {})


def test_many_threads_find_the_same() -> None:
    text = "\n".join([*(token for _, token in ONE_OF_EACH), pem(), *STAYS])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(clean, [text] * 32))
    assert all(each == found[0] for each in found)
    assert sum(found[0].found.values()) > 40


def test_a_secret_in_a_very_long_line_is_found_wherever_it_is() -> None:
    token = TOKENS["aws-access-key"][0]
    for before in (0, 1_490, 1_995, 2_005, 30_000):
        cleaned = clean("word " * (before // 5) + token + " word" * 1_000)
        assert cleaned.found == {"aws-access-key": 1}
        assert token not in cleaned.text


def test_without_the_extra_nothing_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets._detectors.cache_clear()
    monkeypatch.setitem(sys.modules, "detect_secrets.plugins.aws", None)
    try:
        for call in (secrets.ready, lambda: clean("nothing in it")):
            with pytest.raises(InputError, match=r"pip install 'severance\[watch\]'"):
                call()
    finally:
        monkeypatch.undo()
        secrets._detectors.cache_clear()
    assert clean("nothing in it").text == "nothing in it"


def test_no_service_is_asked_and_no_setting_of_the_library_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = pytest.importorskip("detect_secrets.settings")
    requests = pytest.importorskip("requests")

    def asked(*args: object, **named: object) -> None:
        raise AssertionError("a service was asked")

    for name in ("get", "post", "request"):
        monkeypatch.setattr(requests, name, asked)
    monkeypatch.setattr(requests.Session, "request", asked)
    text = "\n".join(token for _, token in ONE_OF_EACH)
    before = clean(text)
    with settings.transient_settings({"plugins_used": [], "filters_used": []}):
        assert clean(text) == before
