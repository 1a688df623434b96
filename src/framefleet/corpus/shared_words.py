"""Labels by the words that they share with a video, where the language model does not know the language. Pure."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from framefleet.corpus.labels import Label
from framefleet.corpus.result import Because, Niche
from framefleet.corpus.texts import Words
from framefleet.library.words import is_latin

_BEGINNING = 5  # letters by which words of one stem are mostly alike, in languages with endings
_COMMON = 3  # letters of a word that is likely to be in every sentence
_SURE_WORDS = 3.0  # shared words of one label alone that make it sure
_SENTENCES = 3


def by_words(words: Words, labels: Sequence[Label], video: str, document: str) -> Niche:
    """Return the label that shares most with the video's texts: words that few other labels have count more.

    None shares nothing. How sure that is, is the label's share of all that is shared, and grows with the number.
    """
    note = f"by words only: the language model knows English, and this is {words.language}"
    if not words.texts:
        note = "no words to go by: no title, speech or text"
    terms = [Counter(term for text in label.texts for term in terms_of(text)) for label in labels]
    having = Counter(term for of in terms for term in of)
    worth = {term: math.log(1 + len(labels) / count) for term, count in having.items()}
    found = [set(terms_of(text.text)) for text in words.texts]
    shared = [
        sum(
            text.weight * sum(worth[term] for term in there & set(of))
            for text, there in zip(words.texts, found, strict=True)
        )
        for of in terms
    ]
    total = sum(shared)
    order = sorted(range(len(labels)), key=lambda place: -shared[place])
    best = order[0]
    if total <= 0:
        return Niche(
            video=video, document=document, label=None, score=0.0, second=None, unsure=True, because=[], note=note
        )
    distinct = len(set().union(*found) & set(terms[best]))
    score = shared[best] / total * min(1.0, distinct / _SURE_WORDS)
    decided = sorted(
        (place for place, there in enumerate(found) if there & set(terms[best])),
        key=lambda place: -words.texts[place].weight * sum(worth[term] for term in found[place] & set(terms[best])),
    )
    return Niche(
        video=video,
        document=document,
        label=labels[best].name,
        score=round(score, 4),
        second=labels[order[1]].name if len(order) > 1 and shared[order[1]] > 0 else None,
        unsure=score < 0.5,
        because=[Because(words.texts[place].text, words.texts[place].start_s) for place in decided[:_SENTENCES]],
        note=note,
    )


def terms_of(text: str) -> list[str]:
    """Return the beginnings of words, in lower case; groups of three letters in scripts without spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    found: list[str] = []
    for word in re.findall(r"\w+", plain):
        if not is_latin(word) and len(word) > _COMMON:
            found += [word[at : at + 3] for at in range(len(word) - 2)]
        elif len(word) > _COMMON or not is_latin(word):
            found.append(word[:_BEGINNING])
    return found
