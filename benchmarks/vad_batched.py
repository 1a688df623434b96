#!/usr/bin/env python3
"""Voice activity detection (Silero, by faster-whisper): windows in batches against one by one; cost per hour.

    python benchmarks/vad_batched.py [SOUND]

SOUND is a file with speech, the sample by default, repeated to fill the time. Needs faster-whisper. Time is the CPU's,
of one thread, which a busy machine changes least. Both ways take turns, the first changing from turn to turn; the
median of 7 rounds. Then what the speech stage spends on clips of 15 minutes as Opus, decoding them and all: on one
that is spoken throughout, on one of noise, and on one that is spoken but for 5 minutes of noise in its middle, the rest
of which is encoded once more.
"""

import argparse
import resource
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from faster_whisper.vad import get_vad_model

from framefleet.config.options import Options
from framefleet.fleet.backends.base import JOB_QUEUE
from framefleet.media.audio.clips import decode_clips
from framefleet.media.files.probe import probe
from framefleet.media.types import Clip
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.speech.vad import silero, trim
from framefleet.timebase import Span
from framefleet.worker.waveform import RATE, Waveform, decode
from record import record

SAMPLE = Path(__file__).parents[1] / "samples" / "sample.mp4"
WINDOW, CONTEXT = 512, 64  # samples, as in the detector
SOUND_S = 60  # per call in the stage
CLIP_S = 900
TURNS = 7


def speech(path: Path, length_s: int) -> Waveform:
    """Return the first clip of the file in a loop."""
    media, stage, options = probe(path), SpeechStage(), Options()
    clip = next(iter(decode_clips(media, stage.plan(media, options, JOB_QUEUE), format="flac")))
    return np.resize(decode(clip.audio, "flac", clip.span.length_s), length_s * RATE)


def by_window(samples: Waveform, at_once: int) -> tuple[float, Waveform]:
    """Return CPU seconds and probabilities with this many windows per call, passing the state on."""
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    before = np.roll(windows[:, -CONTEXT:], 1, axis=0)
    before[0] = 0
    inputs = np.concatenate([before, windows], axis=1)
    session, found = get_vad_model().session, []
    h = c = np.zeros((1, 1, 128), dtype=np.float32)
    began = process_time()
    for at in range(0, len(inputs), at_once):
        out, h, c = session.run(None, {"input": inputs[at : at + at_once], "h": h, "c": c})
        found.append(out.reshape(-1))
    return process_time() - began, np.concatenate(found)


def batched(samples: Waveform) -> dict[str, Any]:
    many = len(samples) // WINDOW
    ratios, spent, apart = [], {1: [], many: []}, 0.0
    for turn in range(TURNS + 1):  # the first warms up
        said = {}
        for size in (1, many) if turn % 2 else (many, 1):
            cpu_s, said[size] = by_window(samples, size)
            spent[size].append(cpu_s)
        ratios.append(spent[1][-1] / spent[many][-1])
        apart = max(apart, float(np.abs(said[1] - said[many]).max()))
    return {
        f"ms for {SOUND_S} s, one by one": round(median(spent[1][1:]) * 1000, 1),
        f"ms for {SOUND_S} s, {many} windows at once": round(median(spent[many][1:]) * 1000, 1),
        "one by one ÷ batched": round(median(ratios[1:]), 2),
        "least and most": [round(min(ratios[1:]), 2), round(max(ratios[1:]), 2)],
        "greatest difference of a probability": apart,
    }


def an_hour(samples: Waveform) -> float:
    """Return the CPU seconds of everything that the stage does, for four such clips."""
    clip = Clip(0, Span(0.0, CLIP_S), (samples * 32767).astype(np.int16), "samples")
    detect = silero()
    assert detect is not None
    spent = []
    for _ in range(TURNS):
        began = process_time()
        trim(clip, detect)
        spent.append(process_time() - began)
    return round(median(spent) * 3600 / CLIP_S, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sound", nargs="?", type=Path, default=SAMPLE)
    args = parser.parse_args()
    figures = batched(speech(args.sound, SOUND_S))
    sounds = {
        "spoken throughout": speech(args.sound, CLIP_S),
        "noise": np.random.default_rng(1).normal(0, 0.02, CLIP_S * RATE).astype(np.float32),
    }
    third = CLIP_S * RATE // 3
    parts = [sounds[name][k * third : (k + 1) * third] for k, name in enumerate(("spoken throughout", "noise") * 2)]
    sounds["spoken, a third of noise in the middle"] = np.concatenate(parts[:3])
    for name, samples in sounds.items():
        figures[f"{name}: CPU s an hour"] = an_hour(samples)
    figures["peak memory, MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    record("vad_batched", figures)


if __name__ == "__main__":
    main()
