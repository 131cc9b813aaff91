"""Keys, tokens and passwords, taken out of a text before it is remembered.

Three things are looked for: the forms that the library detect-secrets knows, forms that it does not (`patterns`), and
names that sound like a secret with what they are set to. Of detect-secrets only the patterns and the measure of
entropy are used, since what is to be taken out has to be found in its place. So nothing here depends on its settings,
which are of the whole process, reads a file, or asks a service whether a key is good.

It finds what has a form. A password that stands in prose like any other word is not found, and no detector finds it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from severance.capture.blocks import private_keys
from severance.capture.patterns import ASSIGNED, NO_SECRET, STANDING, TOKENS
from severance.errors import InputError

_PLUGINS = (
    "artifactory.ArtifactoryDetector",
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "cloudant.CloudantDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "softlayer.SoftlayerDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)
"""Those whose patterns are used. Left out: public IP addresses, which are no secrets, and hexadecimal strings of high
entropy, which in notes are the names of commits, files and memories."""

_WINDOW, _STEP = 1_000, 500
"""A longer line is looked at in parts that overlap: some patterns take the square of a line's length."""
_PIECE = re.compile(r"\S+(?:[^\S\n]{1,15}\S+)*")
"""Parts of a line with wide gaps between them are apart: some patterns take the third power of a gap's length."""
_ROUNDS = 16
_TEMPLATE_CHARS = 512
_NAME_CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
"""Characters without a width, which may stand between the letters of a token."""
_GROUP_CHARS = 16
_LONG = re.compile(r"\S{16}|(?i:authorization)")
_LONG_DIGITS = re.compile(r"\d\S{10}|\S{10}\d|(?=\S{11})\S{0,9}\d")
"""What a line has to have before the patterns of tokens are worth their time."""
_IN_ADDRESS = "basic-auth-credentials"
_NEEDS = {_IN_ADDRESS: ("://", "@"), "npm-tokens": ("//", ":_authToken=")}
"""What a window has to have where it is not digits: for patterns that are slow, or whose secrets have none."""
_REMOVED = re.compile(r"\[secret removed: [a-z0-9-]+\]")
_WORD = re.compile(r"[\w+/=~-]*(?:\.[\w+/=~-]+)*")
_QUOTED = re.compile(r"([\"'`])([A-Za-z0-9+/=_-]{20,})\1")
_KEPT = re.compile(
    r"(?i:[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|sha(?:1|256|384|512)-.*)"  # commits, ids, hashes
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?")
_PATH = re.compile(r"(?:\.{0,2}/|~/|[a-z]+://|env:|file:|command:)")
_TEMPLATE = re.compile(r"[<$%{*].*|.*(?:\.\.\.|…|x{4,}|\*{3,}|\$\{|\{\{).*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without the secrets that were found in it.

    Attributes:
        text: the text, with `[secret removed: KIND]` in the place of each.
        found: how many of each kind; never what they were.
    """

    text: str
    found: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a secret stands in a text."""

    start: int
    end: int
    kind: str


def ready() -> None:
    """Return if secrets can be looked for.

    Raises:
        InputError: the library for it is not there; the message says how to get it. Nothing may be captured then.
    """
    _detectors()


def clean(text: str) -> Cleaned:
    """The text with every secret that was found replaced by a word for its kind.

    The same text always gives the same; cleaning what was cleaned changes nothing. Any number of threads may call it.
    A text has to come as a whole: of half a private key only the lines that look like one are found.

    Raises:
        InputError: as `ready`.
    """
    detectors = _detectors()
    found: Counter[str] = Counter()
    for _ in range(_ROUNDS):  # what was hidden by a secret beside it is found when that is gone
        spans = _found(text, detectors)
        if not spans:
            return Cleaned(text, dict(sorted(found.items())))
        parts, at = [], 0
        for span in spans:
            parts += [text[at : span.start], f"[secret removed: {span.kind}]"]
            found[span.kind] += 1
            at = span.end
        text = "".join([*parts, text[at:]])
    found["tangled"] += 1  # nobody writes so many secrets that each hide the next: nothing of it is kept
    return Cleaned("[secret removed: tangled]", dict(sorted(found.items())))


def _found(text: str, detectors: _Detectors) -> list[_Span]:
    spans = _seen(text, detectors)
    if _UNSEEN.search(text):
        at = [number for number, char in enumerate(text) if not _UNSEEN.match(char)]
        for span in _seen(_UNSEEN.sub("", text), detectors):
            spans.append(_Span(at[span.start], at[span.end - 1] + 1, span.kind))
        spans = [_with_unseen(text, span) for span in spans]
    return _apart(spans)


def _with_unseen(text: str, span: _Span) -> _Span:
    """The span with the characters without a width that stand beside it."""
    start, end = span.start, span.end
    while start and _UNSEEN.match(text[start - 1]):
        start -= 1
    while end < len(text) and _UNSEEN.match(text[end]):
        end += 1
    return _Span(start, end, span.kind)


def _seen(text: str, detectors: _Detectors) -> list[_Span]:
    bare = _REMOVED.sub(lambda match: "\n" * len(match[0]), text)  # the names of kinds are no names of secrets
    looking = (_blocks, _tokens, _known, _standing, _assigned, _entropy)
    return [span for look in looking for span in look(bare, detectors)]


@dataclass(frozen=True, slots=True)
class _Detectors:
    """Patterns by kind: those of detect-secrets, our own of tokens, of places, of names with a value; and the measure
    of entropy with its limit.
    """

    known: tuple[tuple[str, re.Pattern[str]], ...]
    tokens: tuple[tuple[str, str, re.Pattern[str]], ...]
    standing: tuple[tuple[str, str, re.Pattern[str]], ...]
    assigned: re.Pattern[str]
    entropy: Any


@lru_cache(maxsize=1)
def _detectors() -> _Detectors:
    try:
        modules = {name: import_module(f"detect_secrets.plugins.{name.split('.')[0]}") for name in _PLUGINS}
        entropy = import_module("detect_secrets.plugins.high_entropy_strings").Base64HighEntropyString()
    except ImportError:
        raise InputError(
            "secrets cannot be looked for, so nothing is captured; `pip install 'severance[watch]'` mends that"
        ) from None
    classes = [getattr(module, name.split(".")[1]) for name, module in modules.items()]
    return _Detectors(
        known=tuple((_slug(each.secret_type), pattern) for each in classes for pattern in each.denylist),
        tokens=tuple((kind, needs, re.compile(pattern)) for kind, needs, pattern in TOKENS),
        standing=tuple((kind, needs, re.compile(pattern)) for kind, needs, pattern in STANDING),
        assigned=re.compile(ASSIGNED),
        entropy=entropy,
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _blocks(text: str, detectors: _Detectors) -> Iterator[_Span]:
    return (_Span(start, end, "private-key") for start, end in private_keys(text))


def _tokens(text: str, detectors: _Detectors) -> Iterator[_Span]:
    words = _Words(text)
    for at, line in _lines(text):
        if not _LONG.search(line):
            continue
        lowered = line.lower()
        for kind, needs, pattern in detectors.tokens:
            for match in pattern.finditer(line) if needs in lowered else ():
                start, end = match.span(match.re.groups)  # the group, or where there is none the whole
                yield from _unless_template(text, _Span(at + start, words.end(at + end), kind))


def _known(text: str, detectors: _Detectors) -> Iterator[_Span]:
    """What the patterns of detect-secrets match, with the whole word that it stands in: some match its beginning."""
    words = _Words(text)
    for at, window in _windows(text):
        has_digits = _LONG_DIGITS.search(window) is not None
        for kind, pattern in detectors.known:
            needs = _NEEDS.get(kind)
            if not has_digits if needs is None else not all(part in window for part in needs):
                continue
            for match in pattern.finditer(window):
                start, end = _place(match, kind)
                if any(char.isdigit() for char in window[start:end]) or kind == _IN_ADDRESS:
                    start -= _name_before(window, start)
                    yield from _unless_template(text, _Span(at + start, words.end(at + end), kind))


def _standing(text: str, detectors: _Detectors) -> Iterator[_Span]:
    """What its place gives away: in a command, a file of logins, a tag, a header, or alone on its line."""
    lowered = text.lower()
    for kind, needs, pattern in detectors.standing:
        for match in pattern.finditer(text) if needs in lowered else ():
            value = match[1].strip("\"'")
            last = value.rpartition(":")[2]  # NAME:PASSWORD
            if last.lower() not in NO_SECRET and not _TEMPLATE.fullmatch(last):
                yield _Span(match.start(1), match.end(1), kind)


def _place(match: re.Match[str], kind: str) -> tuple[int, int]:
    """Where the secret is in a match: its longest group, unless that only tells one form from another."""
    groups = [match.span(number) for number in range(1, match.re.groups + 1) if match[number]]
    longest = max(groups, key=lambda span: span[1] - span[0], default=match.span())
    if longest[1] - longest[0] >= _GROUP_CHARS or kind == _IN_ADDRESS:
        return longest
    left = len(match[0]) - len(match[0].lstrip(" \t=\"':"))
    right = len(match[0]) - len(match[0].rstrip(' \t"'))
    return match.start() + left, match.end() - right


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Every line, and where it begins."""
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, line
        at += len(line)


def _windows(text: str) -> Iterator[tuple[int, str]]:
    for at, line in _lines(text):
        for piece in _PIECE.finditer(line):
            first, last = max(0, piece.start() - 1), min(len(line), piece.end() + 1)
            for start in range(first, max(first + 1, last - (_WINDOW - _STEP)), _STEP):
                yield at + start, line[start : min(last, start + _WINDOW)]


def _name_before(window: str, start: int) -> int:
    """How many letters of a name stand right before a place."""
    before = window[max(0, start - 256) : start]
    return len(before) - len(before.rstrip(_NAME_CHARS))


class _Words:
    """The words of one text. Where a word ends is found once, however many places in it are asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = self._end = -1

    def end(self, place: int) -> int:
        """Where the word ends that goes on at a place."""
        if not self._start <= place <= self._end:
            found = _WORD.match(self._text, place)
            self._start, self._end = place, found.end() if found else place
        return self._end


def _unless_template(text: str, span: _Span) -> Iterator[_Span]:
    if not _TEMPLATE.fullmatch(text, span.start, min(span.end, span.start + _TEMPLATE_CHARS)):
        yield span


def _assigned(text: str, detectors: _Detectors) -> Iterator[_Span]:
    for match in detectors.assigned.finditer(text):
        group = "quoted" if match["quoted"] else "bare"
        value = match[group].rstrip(".,:*_") if group == "bare" else match[group]
        is_password = match["password"] is not None
        called = group == "bare" and text[match.end() : match.end() + 1] in ("(", "[")
        if called or not _is_value(value):
            continue
        if group == "quoted":
            secret = (is_password and len(value) >= 6) or _is_mixed(value, 6)
        elif match["short"] is not None:
            secret = _is_mixed(value, 6)
        elif is_password:
            last = text[match.end() : match.end() + 1] in ("", "\n", "\r")
            word = value.isalpha() and len(value) >= 8 and last and match["by"] in ":=："
            secret = word or _is_mixed(value, 6)
        else:
            secret = _is_mixed(value, 12) and match["by"] != "is"
        if secret:
            kind = "password" if is_password or match["short"] else "secret"
            yield _Span(match.start(group), match.start(group) + len(value), kind)


def _is_value(value: str) -> bool:
    """Whether this could be a secret at all: no word for its absence, no template, path, date, call or reference."""
    plain = value.strip().lower()
    return not (plain in NO_SECRET or _TEMPLATE.fullmatch(value) or _PATH.match(value) or _DATE.fullmatch(value))


def _is_mixed(value: str, least: int) -> bool:
    """Whether it is long enough, and letters with digits or with signs that words do not have."""
    if len(value) < least or " " in value:
        return False
    letters = any(char.isalpha() for char in value)
    return letters and any(char.isdigit() or char in "!@#$%^&*+?~" for char in value)


def _entropy(text: str, detectors: _Detectors) -> Iterator[_Span]:
    """Quoted words that look drawn at random: capitals, small letters and digits, and much entropy for their length."""
    for match in _QUOTED.finditer(text):
        word = match[2]
        drawn = any(map(str.isdigit, word)) and any(map(str.isupper, word)) and any(map(str.islower, word))
        much = detectors.entropy.calculate_shannon_entropy(word) > detectors.entropy.entropy_limit
        if drawn and much and not _KEPT.fullmatch(word):
            yield _Span(match.start(2), match.end(2), "high-entropy-string")


def _apart(spans: Iterable[_Span]) -> list[_Span]:
    """The spans in their order, those that overlap as one under the kind of the first that was found."""
    apart: list[_Span] = []
    first = 0
    for number, span in sorted(enumerate(spans), key=lambda each: (each[1].start, each[0])):
        if apart and span.start < apart[-1].end:
            kind = apart[-1].kind if first <= number else span.kind
            first = min(first, number)
            apart[-1] = _Span(apart[-1].start, max(apart[-1].end, span.end), kind)
        else:
            apart.append(span)
            first = number
    return apart
