"""The first handlers in a process of their own: a job in on each line, `[kind, job]`, its output on a line.

Their models are stand-ins that find one thing each; all else is what the first images run.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).with_name("handlers.zip") / "src"))

import numpy as np
from framefleet.stages.sounds.engines.base import Slicing
from framefleet.stages.text.engines.base import Reading

from framefleet.stages.objects import handle as objects
from framefleet.stages.sounds import handle as sounds
from framefleet.stages.speech import handle as speech
from framefleet.stages.text import handle as text

WORKER: dict[str, Any] = {"model": "first", "model_id": "f1257", "device": "cpu", "gpu": None}
CORNERS = np.array([[10, 10], [90, 10], [90, 30], [10, 30]], np.float64)


def transcribe(audio: Any, **_: Any) -> Any:
    end = len(audio) / 16_000
    word = SimpleNamespace(start=0.0, end=end, word=" Hello", probability=0.9)
    said = SimpleNamespace(start=0.0, end=end, text=" Hello", avg_logprob=-0.1, no_speech_prob=0.0, words=[word])
    return [said], SimpleNamespace(language="en", language_probability=1.0)


def detect(pictures: Any, _: Any) -> Any:
    return [np.array([[10, 10, 50, 60, 0.9, 15]], np.float32) for _ in pictures]


HANDLERS: dict[str, Any] = {
    "yolo": objects.make_handler(
        SimpleNamespace(**WORKER, labels={15: "cat"}, settle=lambda asked: asked, detect=detect)
    ),
    "whisper": speech.make_handler(
        speech.Engine(
            transcribe=transcribe,
            name="first",
            model_id="f1257",
            device="cpu",
            gpu=None,
            languages=frozenset({"en"}),
            translates=False,
        )
    ),
    "ast": sounds.make_handler(
        SimpleNamespace(
            **WORKER,
            labels=["Speech", "Cat"],
            settle=lambda slice_s, hop_s: Slicing(slice_s or 10.0, hop_s or 10.0),
            classify=lambda slices: np.tile(np.array([0.1, 0.9], np.float32), (len(slices), 1)),
        )
    ),
    "ocr": text.make_handler(
        SimpleNamespace(**WORKER, read=lambda pictures, _: [[Reading("EXIT", 0.9, CORNERS)] for _ in pictures])
    ),
}

for line in sys.stdin:
    kind, job = json.loads(line)
    print(json.dumps(HANDLERS[kind](job)), flush=True)
