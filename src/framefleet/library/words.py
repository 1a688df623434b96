"""Words of any language as SQLite's full-text search takes them, and which texts a vector stands for. Pure.

English words are stemmed. Scripts without spaces are indexed by overlapping pairs of letters, since their words are
mostly two letters long: three, which SQLite has itself, cannot find those. Of other languages, a word also finds those
that begin with it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TOKENIZER = "porter unicode61 remove_diacritics 2 categories ''L* N* Co Mn Mc''"
"""Quoted for SQL. Marks belong to words, or those of Thai and Hindi would be torn apart."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, and what Chinese and Japanese are written with, but not the dot between names."""

_RUN = re.compile(f"[{_UNSPACED}]+")
_LONG, _LONG_ELSEWHERE = 4, 2  # letters of a word that may be the beginning of others, in ASCII and not (고양이)
_WORD = 4  # letters of the longest run that is one word, of scripts without spaces
_STOP = re.compile(
    "a|an|the|is|are|was|were|be|been|do|does|did|has|have|had|of|in|on|at|to|from|for|by|with|and|or|who|what|when|where"
    "|which|why|how|many|much|long|it|its|they|their|there|this|that|as|can|could|should|any|anybody"
)


class Term(NamedTuple):
    """What finds a word: any of `queries`, or any of `otherwise` if no text has one of these."""

    queries: tuple[str, ...]
    otherwise: tuple[str, ...] = ()


def indexed(text: str) -> str:
    """Return the text as it is indexed."""
    if text.isascii():
        return text
    return _RUN.sub(lambda run: f" {' '.join([*_pairs(run[0]), run[0][-1]])} ", unicodedata.normalize("NFKC", text))


def terms(text: str, *, beginnings: bool) -> list[Term]:
    """Return a term for each of the text's words, which with `beginnings` finds longer ones too; none without words.

    Words that are in every English sentence don't count unless there are no others.
    """
    words = list(dict.fromkeys(_words(text)))
    telling = [word for word in words if not _STOP.fullmatch(word)] or words
    return [_of_run(word) if _RUN.fullmatch(word) else _of_word(word, beginnings) for word in telling]


def any_of(terms: Iterable[str]) -> str:
    """Return the query that finds any of these."""
    return " OR ".join(terms)


def has_meaning(text: str, language: str | None) -> bool:
    """Return whether a vector can stand for the text: MiniLM knows English, and None may be English."""
    return language in {None, "en"} and is_latin(text)


def is_latin(text: str) -> bool:
    """Return whether most letters of the text are Latin ones; True without any."""
    if text.isascii():
        return True
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(unicodedata.name(char, "").startswith("LATIN") for char in letters) >= len(letters)


def _of_word(word: str, beginnings: bool) -> Term:
    longer = beginnings and len(word) >= (_LONG if word.isascii() else _LONG_ELSEWHERE)
    return Term((f'"{word}"', f'"{word}" *') if longer else (f'"{word}"',))


def _of_run(run: str) -> Term:
    """Return what finds the run as it is; a longer one may be a sentence, of which otherwise each part is searched."""
    pairs = _pairs(run)
    if not pairs:
        return Term((f'"{run}" *',))
    parts = tuple(f'"{pair}"' for pair in dict.fromkeys(pairs))
    return Term((f'"{" ".join(pairs)}"',), parts if len(run) > _WORD else ())


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _words(text: str) -> Iterator[str]:
    """Yield the words in lower case, and runs of scripts without spaces by themselves."""
    word = ""
    for char in f"{unicodedata.normalize('NFKC', text).casefold()} ":
        letter = char.isalnum() or unicodedata.category(char)[0] == "M"
        if word and (not letter or bool(_RUN.match(char)) != bool(_RUN.match(word))):
            yield word
            word = ""
        if letter:
            word += char
