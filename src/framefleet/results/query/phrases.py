"""Search for words and phrases in transcripts and recognised text, ignoring case and accents. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import NamedTuple

_ACCENTS = range(200, 241)  # Unicode's combining classes of marks above, below and through a letter
_APOSTROPHES = "'’ʼ`´"
_UNSPACED = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ")


def folded(text: str) -> str:
    """Return `text` without case and accents: `Café` is `cafe`. Marks that make another letter, as in Thai, stay."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize(
        "NFC", "".join(c for c in parts if unicodedata.combining(c) not in _ACCENTS)
    ).casefold()


def tokens(text: str) -> list[str]:
    """Return the folded words of `text` without punctuation: `Don't—it's twenty-five!` is dont, its, twenty, five.

    In scripts without spaces each letter is a token, since models cut them anywhere.
    """
    return [token.text for token in _tokens([text])]


def occurrences(words: Sequence[str], phrase: str) -> Iterator[tuple[int, int]]:
    """Yield the places `(first, last)` in `words` where the phrase occurs as whole words.

    A word without a space before it continues the one before. Matches go from left to right and do not overlap.
    """
    wanted, said = tokens(phrase), list(_tokens(words))
    texts = [token.text for token in said]
    at = 0
    while wanted and at + len(wanted) <= len(texts):
        if texts[at : at + len(wanted)] == wanted:
            yield said[at].first, said[at + len(wanted) - 1].last
            at += len(wanted)
        else:
            at += 1


def named(names: Iterable[str], wanted: str) -> list[str]:
    """Return the names equal to `wanted`, ignoring case and accents; if none is, those that contain it as words."""
    known = list(dict.fromkeys(names))
    same = [name for name in known if tokens(name) == tokens(wanted)]
    return same or [name for name in known if any(occurrences([name], wanted))]


def words_of(text: str) -> list[str]:
    """Split `text` before each space and each letter of scripts without spaces; joined, the parts are the text."""
    words: list[str] = []
    for before, letter in pairwise(["", *text]):
        begins = letter.isspace() and not before.isspace()
        if begins or not words or (_alone(letter) and words[-1].strip()):
            words.append("")
        words[-1] += letter
    return words


def alike(names: Iterable[str], wanted: str) -> str | None:
    """Return the name that `wanted` may be a typo of, ignoring case and accents; None if none is close."""
    known = {folded(name): name for name in names}
    near = get_close_matches(folded(wanted), known, n=1)
    return known[near[0]] if near else None


def inside(text: str, wanted: str) -> bool:
    """Return whether `text` contains `wanted`, also inside words and ignoring spaces, which text recognition loses."""
    part = "".join(tokens(wanted))
    return bool(part) and part in "".join(tokens(text))


def _alone(char: str) -> bool:
    """Return whether the character belongs to a script that is written without spaces."""
    return not char.isascii() and unicodedata.name(char, "").startswith(_UNSPACED)


class _Token(NamedTuple):
    """A folded word, and the indices of the first and the last text that it spans."""

    text: str
    first: int
    last: int


def _tokens(texts: Sequence[str]) -> Iterator[_Token]:
    """Yield the tokens of all texts as if they were one."""
    word, first, last = "", 0, 0
    for place, text in enumerate(texts):
        for char in folded(text):
            if char in _APOSTROPHES:
                continue
            letter = char.isalnum() or unicodedata.category(char)[0] == "M"
            alone = letter and _alone(char)
            if word and (alone or not letter):
                yield _Token(word, first, last)
                word = ""
            if alone:
                yield _Token(char, place, place)
            elif letter:
                word, first, last = word + char, first if word else place, place
    if word:
        yield _Token(word, first, last)
