"""The words that cutting speech costs: an hour of known speech, transcribed uncut and cut as FrameFleet cuts it.

The hour is generated: espeak-ng (required) reads `speech_text.txt` in several voices, with pauses of varied length and
real clips of known text in between. Every pass takes the path of a run: decoded, cut, encoded, handled, merged.

    python benchmarks/speech_chunks.py --clip speech.flac "what is said in it" [--minutes 60] [--threads 1]

Also needs jiwer. Prints the word error rate of every pass against the known text, and the words within 10 s of a cut
that the cut pass lost or said twice where the uncut one did not; also words lost a minute near cuts and elsewhere, to
tell Whisper's own losses from those of cutting. Which words it loses hangs on rounding: set OMP_NUM_THREADS=1 to get
the same again. Writes results/speech_chunks.json.
"""

import argparse
import io
import random
import re
import subprocess
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path

import av
import jiwer
import numpy as np

from framefleet.media.audio.chunks import RATE, Samples, plan_chunks
from framefleet.media.audio.clips import decode_clips, sound_span
from framefleet.media.files.probe import probe
from framefleet.media.types import ClipTime
from framefleet.protocol.envelope import read_reply, to_input
from framefleet.protocol.whisper import WhisperReply, WhisperRequest
from framefleet.schema.speech import Transcription
from framefleet.stages.base import Answer
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.worker.handler import make_handler
from framefleet.stages.speech.worker.model import open_model
from framefleet.timebase import Seconds, Span
from record import record

HERE = Path(__file__).parent
VOICES = ("en-us", "en-us+m1", "en-us+f2", "en-gb", "en-gb+m3")  # the voices that tiny.en understands best
NEAR_S = 10.0
PASSES: dict[str, tuple[Seconds, bool]] = {
    "uncut": (7200, False),
    "15 min": (900, False),
    "5 min": (300, False),
    "5 min, batched": (300, True),
}


@dataclass(frozen=True)
class Spoken:
    span: Span
    words: list[str]


@dataclass(frozen=True)
class Heard:
    """The result of a pass: its words with their times, and its cuts."""

    words: list[tuple[str, Seconds]]
    cuts: list[Seconds]
    seconds: Seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", nargs=2, action="append", default=[], metavar=("FILE", "TEXT"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--passes", nargs="+", choices=PASSES, default=["uncut", "15 min", "5 min"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        hour = Path(folder) / "hour.wav"
        truth = make_speech(hour, arguments.minutes, arguments.clip, random.Random(arguments.seed))
        heard = {name: transcribe(hour, *PASSES[name], arguments.threads) for name in arguments.passes}
    rows = [score(name, one, truth, heard.get("uncut")) for name, one in heard.items()]
    figures = {
        "minutes": round(truth[-1].span.end_s / 60, 1),
        "words": sum(len(one.words) for one in truth),
        "threads": arguments.threads,
    }
    record(
        "speech_chunks", figures | {f"{row['pass']}: {key}": row[key] for row in rows for key in row if key != "pass"}
    )


def make_speech(path: Path, minutes: float, clips: list[list[str]], rng: random.Random) -> list[Spoken]:
    """Write a 16 kHz mono WAV of speech, and return its words with their times."""
    sentences = (HERE / "speech_text.txt").read_text(encoding="utf-8").splitlines()
    recorded = [(read_clip(Path(file)), text) for file, text in clips]
    truth: list[Spoken] = []
    at, limit = 0, round(minutes * 60 * RATE)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        while True:
            for number, sentence in enumerate(rng.sample(sentences, len(sentences))):
                a_recording = recorded and number % 35 == 0
                samples, text = rng.choice(recorded) if a_recording else (synthesise(sentence, rng), sentence)
                pause = np.zeros(round(0.15 * 20 ** rng.random() * RATE), dtype=np.int16)  # 0.15 to 3 s
                if at + len(samples) > limit:
                    return truth
                truth.append(Spoken(Span(at / RATE, (at + len(samples)) / RATE), normal(text)))
                written = np.concatenate([samples, pause])[: limit - at]
                file.writeframes(written.tobytes())
                at += len(written)


def synthesise(text: str, rng: random.Random) -> Samples:
    voice, speed, pitch = rng.choice(VOICES), rng.randint(130, 170), rng.randint(35, 65)
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), "-p", str(pitch), "-z", text]
    spoken = read_clip(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    return np.trim_zeros(spoken)


def read_clip(source: Path | io.BytesIO) -> Samples:
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(source) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


def transcribe(path: Path, max_chunk_s: Seconds, batched: bool, threads: int) -> Heard:
    media = probe(path)
    span = sound_span(media)
    handler = make_handler(open_model(threads=threads, batched=batched))
    began = time.perf_counter()
    answers = []
    for clip in decode_clips(media, plan_chunks(span.start_s, span.end_s, max_chunk_s)):
        request = WhisperRequest(audio=clip.audio, format="opus", duration_s=clip.span.length_s)
        answers.append(
            Answer((ClipTime(clip.number, clip.span),), read_reply(handler({"input": to_input(request)}), WhisperReply))
        )
    seconds = time.perf_counter() - began
    return Heard(timed_words(merge_speech(answers)), [answer.facts[0].span.start_s for answer in answers[1:]], seconds)


def timed_words(transcription: Transcription) -> list[tuple[str, Seconds]]:
    words = [word for segment in transcription.segments for word in segment.words]
    return [(plain, word.start_s) for word in words for plain in normal(word.word)]


def normal(text: str) -> list[str]:
    """Return the words in lower case without punctuation."""
    return re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("-", " ")).split()


def score(name: str, heard: Heard, truth: list[Spoken], uncut: Heard | None) -> dict[str, object]:
    lost, doubled, error_rate = faults(heard, truth)
    lost_uncut, doubled_uncut, _ = faults(uncut, truth) if uncut else (set(), set(), 0)
    cuts = heard.cuts
    near_lost, near_doubled = beside(lost, cuts), beside(doubled, cuts)
    near_minutes = 2 * NEAR_S * len(cuts) / 60
    return {
        "pass": name,
        "word error rate": round(error_rate, 4),
        "cuts": len(cuts),
        "cuts inside a sentence": sum(one.span.start_s < cut < one.span.end_s for cut in cuts for one in truth),
        "lost near cuts": labels(near_lost - lost_uncut),
        "doubled near cuts": labels(near_doubled - doubled_uncut),
        "lost near the same places uncut": len(beside(lost_uncut, cuts)),
        "lost a minute near cuts": round(len(near_lost) / near_minutes, 2) if cuts else None,
        "lost a minute elsewhere": round(len(lost - near_lost) / (truth[-1].span.end_s / 60 - near_minutes), 2),
        "seconds": round(heard.seconds, 1),
    }


Fault = tuple[str, Seconds]
"""A word and about when it is said."""


def faults(heard: Heard, truth: list[Spoken]) -> tuple[set[Fault], set[Fault], float]:
    """Return missing words, repeated words, and the word error rate.

    A missing word next to a misheard one is part of that ("two hunters" as "200"), not lost.
    """
    said = [(word, when(one, k)) for one in truth for k, word in enumerate(one.words)]
    aligned = jiwer.process_words(" ".join(w for w, _ in said), " ".join(w for w, _ in heard.words))
    lost: set[Fault] = set()
    doubled: set[Fault] = set()
    steps = aligned.alignments[0]
    for before, step, after in zip([None, *steps], steps, [*steps[1:], None], strict=False):
        misheard = any(step_beside and step_beside.type == "substitute" for step_beside in (before, after))
        if step.type == "delete" and not misheard:
            lost.update(said[step.ref_start_idx : step.ref_end_idx])
        for k in range(step.hyp_start_idx, step.hyp_end_idx) if step.type == "insert" else ():
            around = [w for w, _ in heard.words[max(0, k - 4) : k] + heard.words[k + 1 : k + 5]]
            if heard.words[k][0] in around:
                doubled.add((heard.words[k][0], round(heard.words[k][1])))  # to the second: two passes differ by less
    return lost, doubled, aligned.wer


def beside(found: set[Fault], cuts: list[Seconds]) -> set[Fault]:
    """Return the words within 10 s of a cut."""
    return {(word, time_s) for word, time_s in found if any(abs(time_s - cut) <= NEAR_S for cut in cuts)}


def labels(found: set[Fault]) -> list[str]:
    return [f"{word} @ {time_s:.0f}" for word, time_s in sorted(found, key=lambda fault: fault[1])]


def when(spoken: Spoken, number: int) -> Seconds:
    """Return the approximate time of a word in a sentence."""
    return spoken.span.start_s + spoken.span.length_s * (number + 0.5) / len(spoken.words)


if __name__ == "__main__":
    main()
