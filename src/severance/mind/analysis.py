"""From text to the words that are indexed.

English words are brought to their stems (Snowball's Porter2), common function words are kept as they are and set
apart, numbers keep their decimal point and lose their thousands commas and the ending of an ordinal (`2nd`), and
scripts that put no spaces between words are cut into pairs of characters. Letters are compared without case, width,
ligatures or accents (Unicode NFKD, TR 15), Arabic ones without vowel marks, stretching and the seats of hamza. An emoji
is a word, whatever its skin tone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import chain, groupby, pairwise

import Stemmer

VERSION = 2
"""Changes whenever the same text would give other terms: snapshots of another version are not restored."""

_STOP = """
a about after again all also am an and any are aren't as at be because been before being but by can can't
cannot could couldn't did didn't do does doesn't doing don't down during each few for from further had hadn't
has hasn't have haven't having he he'd he'll he's her here here's hers herself hey hi him himself his how
how's i i'd i'll i'm i've if in into is isn't it it's its itself just let's me more most my myself no nor not
of off oh on once only or other our ours ourselves out over own she she'd she'll she's should shouldn't so
some such than that that's the their theirs them themselves then there there's these they they'd they'll
they're they've this those through to too under until up us very was wasn't we we'd we'll we're we've were
weren't what what's when when's where where's which while who who's whom whose why why's will with won't would
wouldn't yeah yes you you'd you'll you're you've your yours yourself yourselves
"""
STOP_WORDS = tuple(_STOP.split())

_PLAIN = re.compile(r"\d+(?:[.,]\d+)+|[a-z0-9]+(?:'[a-z]+)*")
# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, kana, Han and its extensions.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED += "\U00020000-\U000323af"
# Vowel signs of Indic scripts are marks, which \w leaves out, and belong to the word.
_LETTER = rf"(?:[^\W_{_UNSPACED}]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff])"
_FLAG = "[\U0001f1e6-\U0001f1ff]"
_EMOJI = "[\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"  # the skin tones left out
_WIDE = re.compile(rf"\d+(?:[.,]\d+)+|[{_UNSPACED}]+|{_LETTER}+(?:'{_LETTER}+)*|{_FLAG}{{2}}|{_EMOJI}")
_MODEL = re.compile(r"([a-z]{3,})(\d+)")
_CODE = re.compile(r"([a-z]{1,2})(\d+)|(\d+)([a-z]{1,2})")
_AMOUNT = re.compile(r"(\d+)[.,](\d{1,2})")
_VERSION = re.compile(r"v\d+")
_DIGIT = re.compile(r"\d")
_NUMBERED = re.compile(r"[A-Za-z]{3}\d")
_UNSPACED_START = re.compile(f"[{_UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670]+")  # with Arabic's vowels, hamza and stretching
_ARABIC = str.maketrans({"\u0649": "\u064a", "\u0629": "\u0647", "\u0671": "\u0627"})  # final yeh, teh marbuta, wasla
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_MANY_MARKS = re.compile(r"[^\w\s]{31,}")
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_MAX_WORD = 64
_PART = re.compile(r"\S+")
_MOST_SPELLED = 16_384  # characters of a text in which spellings are looked for
_HALF_WIDTH_MARKS = "\uff9e\uff9f"


def words(text: str) -> list[str]:
    """The words of a text in order, folded, function words included."""
    return _words(text, singles=False)


def indexed(text: str) -> list[str]:
    """The words under which a text is found: its words, and the single characters of scripts without spaces."""
    return _words(text, singles=True)


def _words(text: str, *, singles: bool) -> list[str]:
    if text.isascii():
        return _with_parts(_PLAIN.findall(text.lower()), text)
    folded = _folded(text)
    found: list[str] = []
    for word in _WIDE.findall(folded):
        if _UNSPACED_START.match(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)]
            found += word if singles or len(word) == 1 else ""
        else:
            found.append(word)
    return _with_parts(found, folded)


def respelled(asked: list[str]) -> list[str]:
    """Other ways to write the codes and numbers among the words of a query, for texts that have them so.

    `lh1234` is also `lh`, `1234`, and the other way round; `412,50` is `412.50` and `412.5`; `v2.13.1` is `2.13.1`.
    """
    if not any(map(_DIGIT.search, asked)):
        return []
    found: list[str] = []
    for word in asked:
        if code := _CODE.fullmatch(word):
            found += (part for part in code.groups() if part and (part.isdigit() or len(part) > 1))
        elif amount := _AMOUNT.fullmatch(word):
            whole, part = amount.groups()
            found += (f"{whole}.{part}", f"{whole}.{part}0" if len(part) == 1 else f"{whole}.{part.removesuffix('0')}")
        elif word.count(".") > 1:
            head, rest = word.split(".", 1)
            found += (f"v{head}", rest)
    for one, other in pairwise(asked):
        if _VERSION.fullmatch(one) and other[0].isdigit():
            found.append(f"{one[1:]}.{other}")
        elif _CODE.fullmatch(one + other) and one.isdigit() != other.isdigit():
            found.append(one + other)
    return found


def spellings(text: str, sought: Collection[str]) -> dict[str, str]:
    """How a text spells these of its words (folded, also without their `'s`) where it first has them.

    A word of which no spelling is found is left out: beyond the first 16,384 characters none is looked for.
    """
    text = text[:_MOST_SPELLED]
    left, found = set(sought), dict[str, str]()
    for part in (text,) if text.isascii() else _PART.findall(text):
        if not left:
            break
        folded, origins = _with_origins(part)
        for start, end in _places(folded):
            if (word := folded[start:end]) in left:
                found[word] = part[start:end] if origins is None else "".join(dict(origins[start:end]).values())
                left.remove(word)
    return found


def _with_origins(part: str) -> tuple[str, list[tuple[int, str]] | None]:
    """The folded letters of a text without white space, and for each the character, with its place, that it is of; None
    where that is the one at the same place.
    """
    if part.isascii():
        return part.lower(), None
    folded = [(number, piece, _folded(piece)) for number, piece in enumerate(_characters(part))]
    origins = [(number, piece) for number, piece, letters in folded for _ in letters]
    return "".join(letters for _, _, letters in folded), origins


def _places(folded: str) -> Iterator[tuple[int, int]]:
    """Where the words of a folded text begin and end, also without their `'s`."""
    for match in (_PLAIN if folded.isascii() else _WIDE).finditer(folded):
        start, end = match.span()
        if folded[start] > "~" and _UNSPACED_START.match(match[0]):
            yield from ((i, min(i + 2, end)) for i in range(start, max(end - 1, start + 1)))
            continue
        yield start, end
        if match[0].endswith("'s"):
            yield start, end - 2
        if folded[end - 1].isdigit() and (parts := _MODEL.fullmatch(match[0])):
            yield from ((start + a, start + b) for a, b in map(parts.span, (1, 2)))


def _characters(text: str) -> list[str]:
    """The characters of a text as a reader counts them: each with the marks that stand on it."""
    text = unicodedata.normalize("NFC", _MANY_MARKS.sub(_in_order, text))
    marks = (unicodedata.category(char)[0] == "M" or char in _HALF_WIDTH_MARKS for char in text)
    starts = [place for place, mark in enumerate(marks) if not mark or not place]
    return [text[start:end] for start, end in pairwise(chain(starts, (len(text),)))]


def _folded(text: str) -> str:
    """The letters of a text as they are compared."""
    plain = _MANY_MARKS.sub(_in_order, text.translate(_QUOTES).casefold())
    folded = unicodedata.normalize("NFKD", plain)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", folded)).translate(_ARABIC)


def _with_parts(found: list[str], text: str) -> list[str]:
    """The words, and after one like `iphone15` its two parts: half of the world puts a space there."""
    if not _NUMBERED.search(text):
        return found
    together: list[str] = []
    for word in found:
        together.append(word)
        if match := _MODEL.fullmatch(word):
            together += match.groups()
    return together


def _in_order(run: re.Match[str]) -> str:
    """Combining marks in their canonical order (UAX 15), which `normalize` takes quadratic time to bring them into."""
    kinds = groupby(run[0], key=lambda char: unicodedata.combining(char) > 0)
    return "".join("".join(sorted(part, key=unicodedata.combining) if marks else part) for marks, part in kinds)


class Stems:
    """Brings a word to the term it is indexed under. Holds no memory of what it was asked."""

    def __init__(self) -> None:
        # Without a cache: what it was asked would outlive the words themselves.
        self._english = Stemmer.Stemmer("english", 0)

    def term(self, word: str) -> str:
        """The term of one folded word."""
        if word[0].isdigit():
            return (word[:-2] if _ORDINAL.fullmatch(word) else word.replace(",", ""))[:_MAX_WORD]
        bare = word.removesuffix("'s")
        if not bare.isascii():
            return bare[:_MAX_WORD]
        return str(self._english.stemWord(bare[:_MAX_WORD]))
