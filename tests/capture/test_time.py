"""That the time of looking for secrets grows with the length of a text, and not with its square."""

from __future__ import annotations

import time

import pytest

from severance.capture.secrets import clean

UNITS = {
    "a line end": "\n",
    "a quoting mark": "> ",
    "a header": "a: b\n",
    "a line of base64": "A" * 64 + "\n",
    "a short line of base64": "A" * 16 + "\n",
    "a key in a JSON text": "A" * 70 + "\\n",
    "a first line": "-----BEGIN PRIVATE KEY-----\n",
    "a last line": "-----END PRIVATE KEY-----\n",
    "a first line and the last of another": "-----BEGIN PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n",
    "a first line of PuTTY": "PuTTY-User-Key-File-2:",
    "a last line of PuTTY": "Private-MAC: a0\n",
    "a dash": "-",
    "a letter": "a",
    "a space": " ",
    "a slash": "/",
    "a quote": '"',
    "half a web token": "eyJabcdefg-",
    "a web token": "eyJabcdefgh.",
    "a prefix": "sk-",
    "a key in a long word": "AKIA0123456789ABCDEF",
    "a key that hides the next": "AKC0123456789 ",
    "a name and spaces": "key" + " " * 1990,
    "a name and fewer spaces": "key" + " " * 15,
    "half a login of npm": "/:_authToken",
    "an address": "http://a:b",
    "a parameter": "?key=",
    "a bearer": "bearer abcdefghi.",
    "a name": "password",
    "a name and a value": "password=a1 ",
    "a name and a quote": "password='aaa",
    "curl": "curl -u a",
    "mysql": "mysql -p ",
    "netrc": "machine h login ",
    "netrc's default": "default login ",
    "a tag": "<password ",
    "a tag and a value": "<password>a",
    "any tag": "<" + "a" * 31,
    "a cookie": "cookie: a=",
    "a private key": "private key ",
    "a webhook": "hooks.slack.com/services/",
    "a letter without a width": "\u200b",
    "a hidden key": "AKIA\u200b0123456789ABCDEF",
    "half of what stands for a secret": "[secret removed: ",
}
_WORDS = "PRIVATE KEY </ machine cookie curl -p = login key 1234567890a\n"
BEFORE = {"the words of all": _WORDS, "the first line of a key": _WORDS + "-----BEGIN PRIVATE KEY-----\n"}
"""What makes all that is looked for be looked for."""


MOST = 8.0
"""Seconds of a processor: what grows with the square takes forty and more for so long a text, all else under one."""


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_no_text_takes_long(unit: str, before: str) -> None:
    text = before + unit * (65_536 // len(unit) + 1)
    start = time.thread_time()
    clean(text[:65_536])
    assert time.thread_time() - start < MOST


PROSE = "We ship on Friday, the goats are fed at noon, and then we look at the plan of 2031 again.\n"


@pytest.mark.parametrize("unit", ["x://", "://", "https://a:", "x1://", "//a/", "sk-", "a@", "key=", "secret_"])
def test_a_run_of_signs_takes_not_much_longer_than_prose(unit: str) -> None:
    took, usual = (min(_seconds(text) for _ in range(3)) for text in (unit, PROSE))
    assert took < 4 * usual


def _seconds(unit: str) -> float:
    text = (unit * (65_536 // len(unit) + 1))[:65_536]
    start = time.thread_time()
    clean(text)
    return time.thread_time() - start
