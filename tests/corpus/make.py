"""Documents of made-up videos that follow one of a few templates, each a little differently."""

import random
from typing import Any

import msgspec
from msgspec.structs import replace

from framefleet.results.assemble.fusion import fuse
from framefleet.schema.document import Document
from framefleet.schema.looks import PALETTE, Look, Looks
from framefleet.schema.results import StageResult
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.text import TextResult, TextSpan
from framefleet.stages.scene import scenes_between
from framefleet.timebase import Span
from tests.browser.documents import bare, seen
from tests.results.make import make_document

TALK_TEXT = "so this is what I wanted to tell you about the thing that I found out last year when nobody looked"


def looks(rng: random.Random, length: float, **much: float) -> dict[str, StageResult]:
    def look(start: float) -> Look:
        values = {name: min(1.0, much.get(name, 0.1) * rng.uniform(0.9, 1.1)) for name in LOOKED}
        return Look(start_s=start, end_s=start + 1, palette=[1 / len(PALETTE)] * len(PALETTE), **values)

    data = Looks([look(float(second)) for second in range(int(length))])
    return {"looks": StageResult(label="looks", spans=[], data=msgspec.to_builtins(data))}


LOOKED = ("light", "contrast", "saturation", "detail", "plain", "motion", "pan", "zoom", "still")


def speech(rng: random.Random, start: float, end: float, first: str = "") -> Transcription:
    words, at = [], start
    texts = [*first.split(), *TALK_TEXT.split() * 20]
    for text in texts:
        if at > end:
            break
        words.append(Word(at, at + 0.25, f" {text}", 0.9))
        at += 0.3 + rng.uniform(0, 0.1)
    text = "".join(word.word for word in words).strip()
    return Transcription("en", text, [Segment(words[0].start_s, words[-1].end_s, text, -0.1, 0.0, words)])


def written(*spans: tuple[str, float, float], y: float = 90, high: float = 20) -> TextResult:
    return TextResult([TextSpan(text, a, b, (100, y, 220, y + high), 0.95, 3) for text, a, b in spans], 9, 0, 0)


def made(kind: str, nth: int, seed: int = 0) -> Document:
    """The `nth` video of a template."""
    rng = random.Random(f"{seed}/{kind}/{nth}")
    length = rng.uniform(14, 18)
    cuts: list[float] = []
    parts: dict[str, Any] = {}
    music = Sounds(0.3, [SoundEvent("Music", 1, 0.0, length, 0.9, 0.8)])
    quiet = Sounds(0.3, [SoundEvent("Speech", 0, 0.0, length, 0.9, 0.8)])
    person = [("person", 0.9, (100.0, 20.0, 220.0, 180.0))]
    if kind == "list":
        step = rng.uniform(2.2, 2.8)
        cuts = [step * n for n in range(1, int(length / step))]
        titles = [(f"{n}. thing", step * n, step * (n + 1) - 0.1) for n in range(len(cuts))]
        parts = {"text": written(*titles, ("Follow for more", length - 2, length), y=20)}
        parts |= {"transcription": speech(rng, 0.2, length * 0.6, "Number 4 things"), "sounds": music}
        parts |= {"detections": seen(*[[]] * 15), "results": looks(rng, length, motion=0.04)}
    elif kind == "talk":
        parts = {
            "text": written(
                *[("a whole line of words", s, s + 2.4) for s in (0.0, 2.5, 5.0, 7.5, 10.0)], y=150, high=10
            )
        }
        parts |= {"transcription": speech(rng, 0.2, length), "sounds": quiet, "detections": seen(*[person] * 15)}
        parts |= {"results": looks(rng, length, motion=0.01)}
    elif kind == "montage":
        cuts = [1.1 * n for n in range(1, int(length / 1.1))]
        parts = {"text": written(("Link in bio", length - 2, length)), "sounds": music}
        parts |= {
            "transcription": Transcription(None, "", []),
            "detections": seen(*[[("car", 0.8, (0.0, 0.0, 9.0, 9.0))]] * 15),
        }
        parts |= {"results": looks(rng, length, motion=0.07)}
    elif kind == "slides":
        parts = {"text": written(*[(f"Step {n} of it", 3.0 * n, length) for n in range(1, 4)], y=60, high=12)}
        parts |= {"transcription": speech(rng, 1.0, length * 0.7), "sounds": quiet, "detections": seen(*[[]] * 15)}
        parts |= {"results": looks(rng, length, plain=1.0, still=1.0, light=0.95, motion=0.0)}
    elif kind == "odd":
        cuts = sorted(rng.uniform(0, length) for _ in range(rng.randint(0, 14)))
        spans = [(rng.choice(["Hm", "a few more words", "7. NOW"]), s, s + rng.uniform(0.4, 6)) for s in
                 sorted(rng.uniform(0, length) for _ in range(rng.randint(0, 9)))]  # fmt: skip
        parts = {
            "text": written(*spans, y=rng.uniform(0, 160), high=rng.uniform(6, 40)),
            "sounds": rng.choice([music, quiet, Sounds(0.3, [])]),
        }
        parts |= {"transcription": speech(rng, rng.uniform(0, 6), rng.uniform(8, length))}
        parts |= {
            "detections": seen(*[rng.choice([[], person])] * 15),
            "results": looks(rng, length, motion=rng.uniform(0, 0.1)),
        }
    video = replace(
        make_document().video,
        path=f"{kind}{nth:02d}.mp4",
        sha256=f"{kind}{nth}",
        duration_s=length,
        width=320,
        height=180,
    )
    shots = scenes_between(cuts, [Span(0.0, length)])
    return replace(bare(**parts), video=video, scenes=fuse(shots, {}))


KINDS = ("list", "talk", "montage", "slides")


def corpus(each: int = 6, kinds: tuple[str, ...] = KINDS, seed: int = 0) -> dict[str, Document]:
    """By path, so many of each kind."""
    return {f"out/{kind}{n:02d}_results.json": made(kind, n, seed) for kind in kinds for n in range(each)}
