"""Which encoder and which re-ranker, chosen by a text: `KIND:MODEL`, `KIND:MODEL@URL`, each with `?NAME=VALUE&...`.

A spec is the same on the command line, in the environment and in `severance.open`. It never holds a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from severance.embed.encoder import identity_of
from severance.errors import InputError

BUNDLED = "bundled"
KIND = "openai"
"""What a spec of an encoder behind an endpoint begins with."""
_WORDS = {"query", "document"}
_TOLD = _WORDS | {"dimensions", "version"}  # the options that an identity has
_WAY = {"key", "seconds", "tries", "plain-http"}
EMBEDDERS = {
    KIND: _WORDS | _WAY | {"dimensions", "version", "batch"},
    "fastembed": _WORDS | {"path"},
    "model2vec": _WORDS,
    "sentence-transformers": _WORDS,
}
RERANKERS = {
    "endpoint": _WAY | {"candidates", "on-failure"},
    "fastembed": {"path", "candidates", "on-failure"},
    "sentence-transformers": {"candidates", "on-failure"},
}
_SPEC = re.compile(
    r"(?P<kind>[a-z0-9-]+):(?P<model>[^?]*?)(?:@(?P<url>https?://[^?]*))?(?:\?(?P<options>.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec, taken apart."""

    kind: str
    model: str
    url: str | None
    options: dict[str, str]

    def whole(self, name: str, least: int, most: int) -> int | None:
        """The option as a whole number, or None where it is not given."""
        said = self.options.get(name)
        if said is None:
            return None
        if not (said.isascii() and said.isdigit() and len(said) < 10 and least <= int(said) <= most):
            raise InputError(f"the option {name} is a whole number from {least:,} to {most:,}")
        return int(said)

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """The option as one of these words, or None where it is not given."""
        said = self.options.get(name)
        if said is not None and said not in allowed:
            raise InputError(f"the option {name} is {' or '.join(allowed)}")
        return said

    def given(self, *names: str) -> dict[str, Any]:
        """Those of these options that are given."""
        return {name: self.options[name] for name in names if name in self.options}


def spec_of(identity: str) -> str | None:
    """The spec by which an embedder of this identity is chosen, or None where none is known.

    Where an endpoint is, and in which folder a model lies, no identity says. Nor which key to send: an identity may be
    from a store that somebody else prepared, and one that says more than `identity_of` would gives no spec.
    """
    if identity.startswith("wordllama-"):
        return BUNDLED
    written, _, digest = identity.partition("#")
    match = _SPEC.fullmatch(written)
    if match is None or match["kind"] not in EMBEDDERS or match["url"] is not None:
        return None
    kind, model = match["kind"], unquote(match["model"]).strip()
    place, rest = "@URL" if kind == KIND else "", f"?{match['options']}" if match["options"] else ""
    try:
        options = dict(_pairs(match["options"] or "", "embedder"))
    except InputError:
        return None
    told = options.keys() <= _TOLD & EMBEDDERS[kind] and identity_of(kind, model, options, digest) == identity
    # It is shown between quotes, to be copied into a shell.
    plain = bool(model) and model.isprintable() and "'" not in model and "://" not in model
    return f"{kind}:{model}{place}{rest}" if told and plain else None


def parsed(text: str, what: str, kinds: dict[str, set[str]], such: str) -> Spec:
    match = _SPEC.fullmatch(text)
    if not text.isprintable():
        raise InputError(f"the {what}'s spec has a character that cannot be shown; write it as %0A in an option")
    if match is None or match["kind"] not in kinds or not match["model"].strip():
        raise InputError(f"that is no {what}; write it as {such}")
    kind, pairs = match["kind"], _pairs(match["options"] or "", what)
    options = dict(pairs)
    unknown = [name for name in options if name not in kinds[kind]]
    if unknown or len(options) != len(pairs):
        raise InputError(f"the options of a {kind} {what}, each once, are {', '.join(sorted(kinds[kind]))}")
    if match["url"] is not None and "key" not in kinds[kind]:
        raise InputError(f"a {kind} {what} runs in this process, and has no URL")
    if "://" in match["model"] or (match["url"] is None and "key" in kinds[kind] and "@" in match["model"]):
        # Else a place in another notation would be part of the model's name: kept in the store, and sent elsewhere.
        raise InputError(f"where the {what} is follows the model's name as @http://... or @https://...")
    return Spec(kind, match["model"], match["url"], options)


def _pairs(options: str, what: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(options, keep_blank_values=True, strict_parsing=bool(options), max_num_fields=32)
    except ValueError:
        raise InputError(f"the options of the {what} are written as ?NAME=VALUE&NAME=VALUE") from None
