"""What a video says of itself in words: title, description, and cards of what is said and written in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from framefleet.library.cards import MOST_S, cards_of
from framefleet.library.words import is_latin
from framefleet.results.video_source import places
from framefleet.schema.document import Document
from framefleet.timebase import Seconds

_TITLE, _DESCRIPTION = 2.0, 1.0  # weights; all cards together have `_CARDS`
_CARDS = 2.0
_MOST_SIDECAR_BYTES = 16 * 2**20  # comments may be in it
_MOST_WORDS = 150  # of a description, which may go on with links
_LINK = re.compile(r"https?://\S+|\bwww\.\S+|#(?=\w)")
_ID = re.compile(r"\[[\w-]{6,}\]$")  # of a video, as yt-dlp adds it to a name
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = {
    "en": "the and you your with for this that how what are from our when why",
    "de": "der die das und ist nicht mit ein eine für wie auf dem den wir ich",
    "fr": "le la les des est une pour dans avec vous comment sur pas nous et",
    "es": "el los las una para con que como por del más este en mi y",
    "it": "il gli una per con che come della sono del più di non e le",
    "pt": "os uma para com que como por não do da em você mais é as",
    "nl": "de het een van voor met niet dat hoe op zijn wij ik je en",
}
_COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a video and how much it counts. `start_s` is None for one about the whole video."""

    text: str
    weight: float
    start_s: Seconds | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """All texts of a video. `language` is theirs if it is known not to be English, else None."""

    texts: list[Text]
    language: str | None


def words_of(document: Document, path: Path) -> Words:
    """Return the texts of the document at `path`, with those of a sidecar next to it or to the video."""
    title, description = sidecar(document, path)
    found = [Text(title or _named(document), _TITLE)] if title or _named(document) else []
    if description:
        found.append(Text(description, _DESCRIPTION))
    cards = list(_cards(document))
    total = sum(len(text) for text, _ in cards)
    found += [Text(text, _CARDS * len(text) / total, start_s) for text, start_s in cards]
    return Words(found, _not_english(document, found))


def sidecar(document: Document, path: Path) -> tuple[str, str]:
    """Return title and description as yt-dlp keeps them in `clip.info.json`, or `clip.json`; "" if there are none."""
    for place in (path.absolute().parent / Path(document.video.path).name, *places(document, path)):
        for near in (place.with_suffix(".info.json"), Path(f"{place}.info.json"), place.with_suffix(".json")):
            title, description = _title_and_description(near)
            if title or description:
                return title, description
    return "", ""


def _title_and_description(path: Path) -> tuple[str, str]:
    try:
        if path.stat().st_size > _MOST_SIDECAR_BYTES:
            return "", ""
        content = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return "", ""
    if not isinstance(content, dict) or "schema_version" in content:
        return "", ""
    return _plain(content.get("title")), _plain(content.get("description"))


def _plain(text: Any) -> str:
    return " ".join(_LINK.sub(" ", text).split()[:_MOST_WORDS]) if isinstance(text, str) else ""


def _named(document: Document) -> str:
    """Return the file's name as a title, if it has at least two words: a camera's names have none."""
    name = _ID.sub("", Path(document.video.path).stem).replace("_", " ").replace("-", " ").strip()
    return name if len(_WORD.findall(name)) >= 2 else ""


def _cards(document: Document) -> Iterator[tuple[str, Seconds]]:
    """Yield what is said, and what is written at any time but not said, with when."""
    said = [card for card in cards_of(document) if card.said.strip()]
    spoken = {word for card in said for word in _words(card.said)}
    yield from ((card.said.strip(), card.start_s) for card in said)
    written: dict[str, Seconds] = {}
    for span in document.text.spans if document.text is not None else ():
        if sum(map(str.isalnum, span.text)) > 2 and not (_words(span.text) and _words(span.text) <= spoken):
            written.setdefault(span.text.strip(), span.start_s)
    for _, those in groupby(written.items(), lambda one: one[1] // MOST_S):
        together = list(those)
        yield ". ".join(text for text, _ in together), together[0][1]


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _not_english(document: Document, texts: list[Text]) -> str | None:
    """Return the language of the texts unless they may be English: as spoken, or else by their commonest words."""
    said, together = document.transcription, " ".join(text.text for text in texts)
    if document.config.task != "translate" and said is not None and said.segments and said.language:
        sure = said.language_probability is None or said.language_probability >= 0.5
        if sure:
            return None if said.language == "en" else said.language
    if not is_latin(together):
        return "in another script"
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", together)]
    counts = {language: sum(word in common for word in words) for language, common in _COMMON_WORDS.items()}
    best = max(counts, key=lambda language: (counts[language], language == "en"))
    return None if best == "en" or counts[best] < 2 or counts[best] < 2 * counts["en"] else best
