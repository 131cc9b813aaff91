"""What somebody wrote in a mail: HTML turned into text, quotes and signatures cut."""

from __future__ import annotations

import re
from html import unescape

# After one of these lines comes what somebody else wrote, as Outlook and others mark it.
_REST_IS_QUOTED = re.compile(
    r"^(?:-{2,} ?(?:original message|ursprüngliche nachricht|message d'origine|mensaje original) ?-{2,}"
    r"|_{20,}\s*\nfrom: )",
    re.IGNORECASE | re.MULTILINE,
)
# "On Mon, 3 Jun 2024 at 10:00, Somebody wrote:", in some languages, on one line or two, above a quote or the end.
_ANNOUNCES = re.compile(r"[ \t]*(?:on|am|le|el|il|op|em|den)[ \t]", re.IGNORECASE)
_WROTE = re.compile(r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev)\b", re.IGNORECASE)
_MAX_ANNOUNCEMENT_CHARS = 300
_MAX_BLANKS = 3
_SIGNATURE = re.compile(r"^--[ \t]?$", re.MULTILINE)
_MANY_BLANKS = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")

# Strangers write mail, and html.parser takes minutes for 100 KB of "<a <a <a": this reads each character once.
_MARKUP = re.compile(r"<!--.*?(?:-->|\Z)|<(/?)([a-z][a-z0-9]*+)([^<>]*+)>|<[!?][^<>]*+>", re.IGNORECASE | re.DOTALL)
_CLASS = re.compile(r"\bclass\s{0,5}=\s{0,5}(?:\"([^\"]{0,500})|'([^']{0,500})|([^\s\"'>]{1,500}))", re.IGNORECASE)
_HIDDEN_TAGS = frozenset({"script", "style", "head", "title", "blockquote", "noscript", "template"})
_VOID_TAGS = frozenset({"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "wbr"})
_LINE_TAGS = frozenset({"p", "div", "br", "li", "tr", "hr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
_QUOTE_CLASSES = frozenset({"gmail_quote", "yahoo_quoted", "moz-cite-prefix", "gmail_signature"})


def unquoted(text: str) -> str:
    """`text` without quoted lines, the lines that announce them, and the signature."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for rest in (_REST_IS_QUOTED, _SIGNATURE):
        found = rest.search(text)
        text = text[: found.start()] if found else text
    lines = [line.rstrip() for line in text.split("\n")]
    kept: list[str] = []
    for line in lines:
        if not line.lstrip().startswith(">"):
            kept.append(line)
        elif kept:
            _drop_announcement(kept)
    _drop_announcement(kept)
    return _MANY_BLANKS.sub("\n\n", "\n".join(kept)).strip()


def _drop_announcement(kept: list[str]) -> None:
    """Take the words that announce a quote, if they are what these lines end with."""
    last = len(kept) - 1
    # An announcement stands right above its quote; looking further up would take long where blank lines abound.
    while last >= len(kept) - _MAX_BLANKS and last >= 0 and not kept[last]:
        last -= 1
    for first in (last, last - 1):
        said = " ".join(kept[max(first, 0) : last + 1])
        if first >= 0 and len(said) <= _MAX_ANNOUNCEMENT_CHARS and _is_announcement(said):
            del kept[first:]
            return


def _is_announcement(said: str) -> bool:
    return said.endswith(":") and bool(_ANNOUNCES.match(said) and _WROTE.search(said))


def text_of_html(html: str) -> str:
    """The visible text of an HTML mail, without its quotes."""
    reader = _Text()
    end = 0
    for markup in _MARKUP.finditer(html):
        reader.words(html[end : markup.start()])
        end = markup.end()
        if markup[2]:
            reader.tag(markup[2].lower(), markup[3], closes=bool(markup[1]))
    reader.words(html[end:])
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return _MANY_BLANKS.sub("\n\n", "\n".join(lines)).strip()


class _Text:
    """Collects text. Inside a hidden element it counts only that element's own tag, which survives sloppy nesting."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._hidden = ""
        self._depth = 0

    def words(self, text: str) -> None:
        if not self._hidden:
            self.parts.append(unescape(text.replace("\n", " ")))

    def tag(self, name: str, attributes: str, *, closes: bool) -> None:
        if self._hidden:
            self._depth += (name == self._hidden) * (-1 if closes else 1)
            self._hidden = self._hidden if self._depth else ""
        elif not closes and (name in _HIDDEN_TAGS or (name not in _VOID_TAGS and _is_quote(attributes))):
            self._hidden, self._depth = name, 1
        elif name in _LINE_TAGS:
            self.parts.append("\n")


def _is_quote(attributes: str) -> bool:
    match = _CLASS.search(attributes)
    names = next((group for group in match.groups() if group), "") if match else ""
    return not _QUOTE_CLASSES.isdisjoint(names.split())
