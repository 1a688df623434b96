#!/usr/bin/env python3
"""YAMNet on batches of 32 slices, against one by one: time per slice, and whether scores agree.

    python benchmarks/sounds_batched.py [SOUND…] [--expect Speech]

Needs YAMNet (`python -m framefleet.models.fetch yamnet`). Time is CPU time of one thread, which a busy machine changes
least; the engine as the stage uses it (spectrogram and network), and the network alone on bytes made before. Both ways
take turns; the median of 7 rounds. For each SOUND (a file with sound; the sample by default) it prints the detected
sounds, and with --expect exits with 1 unless that class is among them.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from framefleet.config.options import Options
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.audio.clips import decode_clips
from framefleet.media.files.probe import probe
from framefleet.protocol.envelope import to_input
from framefleet.schema.sounds import SoundEvent
from framefleet.stages.base import Answer
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.sounds.worker.engines.yamnet import (
    HOP_S,
    INPUT_SCALE,
    INPUT_ZERO,
    RATE,
    SLICE_S,
    YamnetEngine,
    log_mel,
)
from framefleet.stages.sounds.worker.handler import BATCH, make_handler
from record import record

SAMPLE = Path(__file__).parents[1] / "samples" / "sample.mp4"
Side = tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]
"""What is done to a batch, and all that is to be done."""
SLICES = 320  # two and a half minutes of sound
TURNS = 7


def slices() -> np.ndarray:
    """Return chords with varying loudness in noise: (SLICES, samples)."""
    times = np.arange(round((SLICES * HOP_S + SLICE_S) * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * times) for hertz in (262, 330, 392))
    sound = chord * (np.sin(times) > 0) * 0.1 + np.random.default_rng(1).normal(0, 0.01, len(times))
    starts = (np.arange(SLICES) * HOP_S * RATE).astype(int)
    return np.stack([sound[start : start + round(SLICE_S * RATE)] for start in starts]).astype(np.float32)


def timed(action: Callable[[np.ndarray], np.ndarray], given: np.ndarray, size: int) -> tuple[float, np.ndarray]:
    began = process_time()
    found = [action(given[start : start + size]) for start in range(0, len(given), size)]
    return process_time() - began, np.concatenate(found)


def events(path: Path, engine: YamnetEngine) -> list[SoundEvent]:
    """Return the stage's result for a file, through its handler."""
    stage, options, media = SoundsStage(), Options(), probe(path)
    handler, answers = make_handler(engine), []
    for clip in decode_clips(media, stage.plan(media, options, IN_PROCESS), format="flac"):
        parcel = stage.pack(clip, media, options, IN_PROCESS)
        reply = stage.parse(parcel.facts, handler({"input": to_input(parcel.request)}))
        answers.append(Answer(parcel.facts, reply))
    return stage.merge(media, options, answers).events


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--expect", help="class that must be heard in every file, such as Speech")
    args = parser.parse_args()
    engine = YamnetEngine(threads=1)
    compare(engine)
    found = {path: events(path, engine) for path in args.sounds}
    for path, heard in found.items():
        print(path.name)
        for event in heard:
            print(f"  {event.start_s:8.2f} to {event.end_s:8.2f} s  {event.label} ({event.score:.2f})")
    return int(args.expect is not None and not all(heard_in(heard, args.expect) for heard in found.values()))


def compare(engine: YamnetEngine) -> None:
    sound = slices()
    patches = (np.round(log_mel(sound) / INPUT_SCALE) + INPUT_ZERO).clip(0, 255).astype(np.uint8)[:, None]
    network: Side = (lambda batch: engine._session.run(None, {"audio": batch})[0], patches)
    figures: dict[str, Any] = {"slices": len(sound), "batch": BATCH}
    for name, side in {"spectrogram and network": (engine.classify, sound), "network alone": network}.items():
        turns = [turn(side, number) for number in range(TURNS + 1)][1:]  # the first warms up
        for place, size in enumerate((1, BATCH)):
            figures[f"{name}: ms a slice, {size} at once"] = round(median(t[place] for t in turns) * 1000 / SLICES, 3)
        ratios = [one / many for one, many, _ in turns]
        figures[f"{name}: one by one ÷ batched"] = round(median(ratios), 2)
        figures[f"{name}: least and most"] = [round(min(ratios), 2), round(max(ratios), 2)]
        figures[f"{name}: greatest difference of an answer"] = max(difference for *_, difference in turns)
    record("sounds_batched", figures)


def turn(side: Side, number: int) -> tuple[float, float, float]:
    """Return CPU seconds one by one and batched, in alternating order, and the difference of the answers."""
    spent, answers = {}, {}
    for size in (1, BATCH) if number % 2 else (BATCH, 1):
        spent[size], answers[size] = timed(*side, size)
    return spent[1], spent[BATCH], float(np.abs(answers[1].astype(float) - answers[BATCH]).max())


def heard_in(heard: list[SoundEvent], label: str) -> bool:
    return any(event.label == label for event in heard)


if __name__ == "__main__":
    sys.exit(main())
