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
from itertools import groupby

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
_NUMBERED = re.compile(r"[A-Za-z]{3}\d")
_UNSPACED_START = re.compile(f"[{_UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670]+")  # with Arabic's vowels, hamza and stretching
_ARABIC = str.maketrans({"\u0649": "\u064a", "\u0629": "\u0647", "\u0671": "\u0627"})  # final yeh, teh marbuta, wasla
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
_MANY_MARKS = re.compile(r"[^\w\s]{31,}")
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_MAX_WORD = 64


def words(text: str) -> list[str]:
    """The words of a text in order, folded, function words included."""
    return _words(text, singles=False)


def indexed(text: str) -> list[str]:
    """The words under which a text is found: its words, and the single characters of scripts without spaces."""
    return _words(text, singles=True)


def _words(text: str, *, singles: bool) -> list[str]:
    if text.isascii():
        return _with_parts(_PLAIN.findall(text.lower()), text)
    plain = _MANY_MARKS.sub(_in_order, text.translate(_QUOTES).casefold())
    folded = unicodedata.normalize("NFKD", plain)
    folded = unicodedata.normalize("NFC", _ACCENTS.sub("", folded)).translate(_ARABIC)
    found: list[str] = []
    for word in _WIDE.findall(folded):
        if _UNSPACED_START.match(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)]
            found += word if singles or len(word) == 1 else ""
        else:
            found.append(word)
    return _with_parts(found, folded)


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
