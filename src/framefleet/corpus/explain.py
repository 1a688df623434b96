"""Templates in words: what happens in the first seconds, in between and at the end, and what sets a template apart.
Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from framefleet.corpus.analyzed import without_gaps
from framefleet.corpus.figures import FIGURES, is_question
from framefleet.corpus.result import Difference
from framefleet.corpus.vector import Value, Vector, words_of
from framefleet.schema.document import Document

HOOK_S = 3.0
_EXAMPLE = 60  # characters of a hook's example
_MOST = 6  # differences
_SPREAD = 0.3  # noticeable differences, added to the spread inside: no figure is known better
_NOTICED = 0.5  # noticeable differences between medians; less is none


def template(vectors: Sequence[Vector], medoid: Document) -> str:
    """Return a template in words, from the vectors of its videos and the document of its medoid."""
    typical = typical_values(vectors)
    parts = [f"0–{HOOK_S:g} s hook: {_hook(typical, medoid)}"]
    for name in ("duration_s", "cuts_per_min", "shot_s"):
        parts += _phrases(typical, name)
    parts += _on_screen(typical)
    parts += _phrases(typical, "speech_share", 0.05) or (
        [] if typical.get("speech_share") is None else ["nobody speaks"]
    )
    for name in ("music_share", "people_share", "plain_share", "still_share"):
        parts += _phrases(typical, name, 0.2)
    if typical.get("zoom") is not None:
        parts += _phrases(typical, "zoom", 0.01)
    if (typical.get("text_call") or 0) >= 0.5:
        parts.append("a call to action at the end")
    return "; ".join(parts)


def typical_values(vectors: Sequence[Vector]) -> dict[str, Value]:
    """Return the median of each figure; None if most videos have no such thing, no entry if it was not looked for."""
    found: dict[str, Value] = {}
    for name in FIGURES:
        values = [vector.values[name] for vector in vectors if name in vector.values]
        known = [value for value in values if value is not None]
        if values:
            found[name] = median(known) if 2 * len(known) >= len(values) and known else None
    return found


def differences(
    rows: NDArray[np.float64], vectors: Sequence[Vector], inside: NDArray[np.bool_], outside: NDArray[np.bool_]
) -> list[Difference]:
    """Return the figures that set the videos `inside` apart from those `outside`, the clearest first.

    Clear is a gap between medians that is wide for how the figure varies inside. `rows` are as of `vector.scaled`.
    """
    found = []
    for place, (name, figure) in enumerate(FIGURES.items()):
        here, there = rows[inside, place], rows[outside, place]
        here, there = here[np.isfinite(here)], there[np.isfinite(there)]
        if figure.group == "palette" or 2 * len(here) < inside.sum() or not len(here) or not len(there):
            continue
        low, high = np.percentile(here, [25, 75])
        gap = abs(float(np.median(here) - np.median(there)))
        if gap >= _NOTICED:
            found.append((gap * min(1.0, gap) / (high - low + _SPREAD), name))
    return [_difference(name, vectors, inside, outside) for _, name in sorted(found, reverse=True)[:_MOST]]


def _difference(
    name: str, vectors: Sequence[Vector], inside: NDArray[np.bool_], outside: NDArray[np.bool_]
) -> Difference:
    def middle(those: NDArray[np.bool_]) -> float:
        values = (vector.values.get(name) for vector, there in zip(vectors, those, strict=True) if there)
        return round(median(value for value in values if value is not None), 4)

    here, elsewhere = middle(inside), middle(outside)
    text = f"{FIGURES[name].phrase(here)} (elsewhere {FIGURES[name].number(elsewhere)})"
    return Difference(figure=name, here=here, elsewhere=elsewhere, text=text)


def _hook(typical: Mapping[str, Value], medoid: Document) -> str:
    written, spoken = hook_words(medoid)
    parts = []
    if (typical.get("text_words_3s") or 0) >= 1:
        parts.append("text overlay")
    if (typical.get("speech_question") or 0) >= 0.5 or is_question(written):
        parts.append("question")
    if (typical.get("speech_number") or 0) >= 0.5 or any(sign.isdigit() for sign in written):
        parts.append("number")
    first = typical.get("speech_first_s")
    if first is not None and first < HOOK_S:
        parts.append("voice")
    elif (typical.get("music_share") or 0) >= 0.5:
        parts.append("music")
    first_shot = typical.get("first_shot_s")
    if first_shot is not None and first_shot < HOOK_S:
        parts.append(f"first cut after {first_shot:.1f} s")
    example = written or spoken  # words on screen are read right more often than words are heard right
    if len(example) > _EXAMPLE:
        example = f"{example[: _EXAMPLE - 1].rstrip()}…"
    return (" + ".join(parts) or "footage alone") + (f" “{example}”" if example else "")


def hook_words(document: Document) -> tuple[str, str]:
    """Return what is written and what is said in the first seconds that were analyzed."""
    document = without_gaps(document)
    spans = [] if document.text is None else document.text.spans
    said = [] if document.transcription is None else words_of(document.transcription)
    written = " ".join(dict.fromkeys(span.text for span in spans if span.start_s < HOOK_S))
    return written, "".join(word.word for word in said if word.start_s < HOOK_S).strip()


def _on_screen(typical: Mapping[str, Value]) -> list[str]:
    if "text_share" not in typical:
        return ["text on screen: not looked for"]
    if (typical["text_share"] or 0) < 0.05:
        return ["no text on screen"]
    parts = _phrases(typical, "text_share")
    where = typical.get("text_y")
    if where is not None:
        parts.append(
            "text at the top" if where < 0.33 else "text at the bottom" if where > 0.67 else "text in the middle"
        )
    for name in ("text_wordwise", "text_capitals", "text_numbered", "text_spoken"):
        parts += _phrases(typical, name, 0.4)
    return parts


def _phrases(typical: Mapping[str, Value], name: str, least: float = 0.0) -> list[str]:
    value = typical.get(name)
    return [FIGURES[name].phrase(value)] if value is not None and value >= least else []
