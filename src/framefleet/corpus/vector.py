"""A video's template as named figures, from its document alone. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median, pstdev
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from framefleet.corpus.analyzed import without_gaps
from framefleet.corpus.figures import FIGURES, GROUPS, has_number, is_call, is_music, is_numbered, is_question, is_talk
from framefleet.results.query.kinds import found_of
from framefleet.schema.document import Document
from framefleet.schema.looks import PALETTE, Looks
from framefleet.schema.objects import Box, DetectedObject
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import Sounds
from framefleet.schema.speech import Transcription, Word
from framefleet.schema.text import TextResult
from framefleet.timebase import Seconds

_SURE = 0.3  # the confidence from which on an object counts
_READ = 0.75  # the confidence from which on a text counts: what is read into patterns has less
_PAUSE_S = 0.25  # shorter gaps between words are breath
_HOOK_S = 10.0
_CALL_FROM = 0.7  # of the length: the end, where calls to act stand

Value = float | None
"""A figure; None: there is no such thing in the video, such as a place of text without any text."""


class Vector(msgspec.Struct, frozen=True):
    """The figures of a video by name. `unknown` are the groups that were not looked at, whose figures are left out."""

    values: dict[str, Value]
    unknown: list[str]


def vector(document: Document) -> Vector:
    """Return the figures of a document, by what was analyzed of its video. It depends on no other document."""
    whole_s, document = max(0.1, document.video.duration_s), without_gaps(document)
    length_s = max(0.1, document.video.duration_s)
    width, height = document.video.width, document.video.height
    said = None if document.transcription is None else words_of(document.transcription)
    values: dict[str, Value] = {"duration_s": whole_s, "aspect": width / height if width and height else None}
    unknown: list[str] = []

    def add(groups: Sequence[str], found: Any, figures: Callable[[Any], Mapping[str, Value]]) -> None:
        if found is None:
            unknown.extend(groups)
        else:
            values.update(figures(found))

    add(["rhythm"], document.scenes, lambda scenes: _rhythm(scenes, length_s))
    add(["text"], document.text, lambda text: _text(text, said, length_s, width or 1, height or 1))
    add(["speech"], document.transcription, lambda speech: _speech(speech, words_of(speech), length_s))
    add(["sound"], document.sounds, lambda sounds: _sound(sounds, length_s))
    add(["people"], _seen(document), lambda seen: _people(seen, (width or 1) * (height or 1)))
    looks = found_of(document, "looks")
    add(["look", "palette", "motion"], looks if isinstance(looks, Looks) and looks.over_time else None, _looks)
    return Vector({name: values[name] for name in FIGURES if name in values}, [g for g in GROUPS if g in unknown])


def scaled(vectors: Sequence[Vector]) -> NDArray[np.float64]:
    """Return the figures in noticeable differences, (n, figures): NaN for no such thing, infinite for unknown."""
    rows = np.full((len(vectors), len(FIGURES)), np.inf)
    for row, one in zip(rows, vectors, strict=True):
        for place, (name, figure) in enumerate(FIGURES.items()):
            if name in one.values:
                value = one.values[name]
                row[place] = np.nan if value is None else figure.scaled(value)
    return rows


def words_of(transcription: Transcription) -> list[Word]:
    """Return all words with times; those of a segment without any are spread evenly over it."""
    found: list[Word] = []
    for segment in transcription.segments:
        if segment.doubtful is True:
            continue
        texts = segment.text.split()
        step_s = (segment.end_s - segment.start_s) / max(1, len(texts))
        found += segment.words or [
            Word(segment.start_s + place * step_s, segment.start_s + (place + 1) * step_s, f" {text}", 1.0)
            for place, text in enumerate(texts)
        ]
    return found


def covered_s(spans: Iterable[tuple[Seconds, Seconds]], until_s: Seconds) -> Seconds:
    """Return how much of 0 to `until_s` the spans cover together."""
    total = at = 0.0
    for start_s, end_s in sorted((max(0.0, start_s), min(end_s, until_s)) for start_s, end_s in spans):
        total += max(0.0, end_s - max(start_s, at))
        at = max(at, end_s)
    return total


def _rhythm(scenes: Sequence[SceneEntry], length_s: Seconds) -> dict[str, Value]:
    shots = [max(0.01, scene.end_s - scene.start_s) for scene in scenes] or [length_s]
    cuts = [scene.start_s for scene in scenes[1:]]
    third_min = length_s / 180
    return {
        "cuts_per_min": 60 * len(cuts) / length_s,
        "cuts_per_min_start": sum(cut < length_s / 3 for cut in cuts) / third_min,
        "cuts_per_min_end": sum(cut > 2 * length_s / 3 for cut in cuts) / third_min,
        "shot_s": median(shots),
        "shot_variation": pstdev(shots) / fmean(shots),
        "first_shot_s": shots[0],
    }


def _text(
    text: TextResult, said: Sequence[Word] | None, length_s: Seconds, width: int, height: int
) -> dict[str, Value]:
    spans = [span for span in text.spans if span.confidence >= _READ]
    counts = [len(span.text.split()) for span in spans]
    lasted = [span.end_s - span.start_s for span in spans]
    at_end = [span for span in spans if span.end_s > _CALL_FROM * length_s]
    found: dict[str, Value] = {
        "text_share": covered_s(((span.start_s, span.end_s) for span in spans), length_s) / length_s,
        "texts_per_min": 60 * len(spans) / length_s,
        "text_s": median(lasted) if spans else None,
        "text_words": fmean(counts) if spans else None,
        "text_words_3s": float(sum(n for n, span in zip(counts, spans, strict=True) if span.start_s < 3.0)),
        "text_x": fmean((span.box[0] + span.box[2]) / 2 for span in spans) / width if spans else None,
        "text_y": fmean((span.box[1] + span.box[3]) / 2 for span in spans) / height if spans else None,
        "text_size": median(min(_sides(span.box)) for span in spans) / height if spans else None,
        "text_capitals": _share(span.text.isupper() for span in spans) if spans else None,
        "text_call": float(any(is_call(span.text) for span in at_end)),
        "text_numbered": _share(is_numbered(span.text) for span in spans),
        "text_wordwise": _share(n <= 2 and s < 1.5 for n, s in zip(counts, lasted, strict=True)),
    }
    if said is not None:
        spoken = {_plain(word.word) for word in said}
        written = [_plain(word) for span in spans for word in span.text.split()]
        found["text_spoken"] = min(1.0, sum(word in spoken for word in written) / len(said)) if said else 0.0
    return found


def _sides(box: Box) -> tuple[float, float]:
    """Return width and height; the shorter one is the height of a line, which may run from top to bottom."""
    return box[2] - box[0], box[3] - box[1]


def _speech(speech: Transcription, words: Sequence[Word], length_s: Seconds) -> dict[str, Value]:
    speaking_s = covered_s(((word.start_s, word.end_s) for word in words), length_s)
    pauses = [gap for a, b in pairwise(words) if (gap := b.start_s - a.end_s) > _PAUSE_S]
    early = "".join(word.word for word in words if word.start_s < _HOOK_S)
    begun = [segment.text for segment in speech.segments if segment.start_s < _HOOK_S]
    return {
        "speech_share": speaking_s / length_s,
        "speech_words_per_min": 60 * len(words) / speaking_s if speaking_s > 1 else None,
        "speech_pause_s": median(pauses) if pauses else None,
        "speech_first_s": words[0].start_s if words else None,
        "speech_question": float(any(is_question(text.strip()) for text in begun)),
        "speech_number": float(has_number(early)),
    }


def _sound(sounds: Sounds, length_s: Seconds) -> dict[str, Value]:
    def spans(right: Callable[[str], bool]) -> list[tuple[Seconds, Seconds]]:
        return [(event.start_s, event.end_s) for event in sounds.events if right(event.label)]

    music, talk = spans(is_music), spans(is_talk)
    each = [covered_s(those, length_s) / length_s for those in (music, talk, music + talk)]
    return {
        "music_share": each[0],
        "talk_share": each[1],
        "silence_share": covered_s(spans(lambda label: label == "Silence"), length_s) / length_s,
        "music_under_share": max(0.0, each[0] + each[1] - each[2]),
    }


def _seen(document: Document) -> list[list[DetectedObject]] | None:
    """Return the sure objects of each frame with an answer; None if there is none."""
    frames = [one.objects for one in document.detections or () if one.objects is not None]
    return [[thing for thing in frame if thing.confidence > _SURE] for frame in frames] or None


def _people(seen: Sequence[Sequence[DetectedObject]], area: float) -> dict[str, Value]:
    people = [[thing.box for thing in frame if thing.label == "person"] for frame in seen]
    largest = (max(((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in boxes), default=0.0) / area for boxes in people)
    return {
        "people_share": _share(bool(boxes) for boxes in people),
        "people_area": fmean(largest),
        "people_count": fmean(len(boxes) for boxes in people),
        "things_share": _share(any(thing.label != "person" for thing in frame) for frame in seen),
    }


def _looks(looks: Looks) -> dict[str, Value]:
    def known(name: str) -> list[float]:
        return [value for look in looks.over_time if (value := getattr(look, name)) is not None]

    motion, still, pan, zoom = (known(name) for name in ("motion", "still", "pan", "zoom"))
    light = known("light")
    return {
        "light": fmean(light),
        "contrast": fmean(known("contrast")),
        "saturation": fmean(known("saturation")),
        "detail": fmean(known("detail")),
        "light_variation": pstdev(light),
        "plain_share": fmean(known("plain")),
        "motion": fmean(motion) if motion else None,
        "still_share": fmean(still) if still else None,
        "pan": median(pan) if pan else None,
        "zoom": median(map(abs, zoom)) if zoom else None,
        **{
            f"color_{name.replace(' ', '_')}": fmean(look.palette[place] for look in looks.over_time)
            for place, name in enumerate(PALETTE)
        },
    }


def _share(those: Iterable[bool]) -> float:
    found = list(those)
    return sum(found) / len(found) if found else 0.0


def _plain(word: str) -> str:
    return re.sub(r"\W", "", word).lower()
