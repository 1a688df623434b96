"""Whisper base against tiny.en on this machine: words that are wrong, languages named right, words invented.

    python benchmarks/speech_models.py languages                    ten languages, spoken by espeak-ng
    python benchmarks/speech_models.py words [--minutes 4] [--clip speech.flac "what is said in it"]
    python benchmarks/speech_models.py invented [--seconds 60]      sound in which nobody speaks, with VAD and without

The first two also need espeak-ng. Each takes the path of a run: the stage's request, the handler, the merge. Writes
results/speech_models_PART.json, with CPU seconds of this process.
"""

import argparse
import re
import subprocess
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from framefleet.config.options import Options
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.audio.chunks import RATE
from framefleet.media.types import Clip, MediaInfo
from framefleet.schema.speech import Transcription
from framefleet.stages.base import Answer, Handler
from framefleet.stages.speech.stage import SpeechStage
from framefleet.timebase import Span
from framefleet.worker.serving import ask_here
from record import record

Samples = NDArray[np.int16]

SENTENCES = {
    "en": "Good morning. The train to the city leaves in five minutes from this platform, so please hurry up.",
    "de": "Guten Morgen. Der Zug in die Stadt fährt in fünf Minuten von diesem Bahnsteig ab, bitte beeilen Sie sich.",
    "es": "Buenos días. El tren a la ciudad sale en cinco minutos de este andén, así que dense prisa por favor.",
    "fr": "Bonjour. Le train pour la ville part dans cinq minutes de ce quai, alors dépêchez-vous s'il vous plaît.",
    "it": "Buongiorno. Il treno per la città parte tra cinque minuti da questo binario, quindi fate presto.",
    "pt": "Bom dia. O trem para a cidade parte em cinco minutos desta plataforma, por favor apressem-se.",
    "pl": "Dzień dobry. Pociąg do miasta odjeżdża za pięć minut z tego peronu, proszę się pospieszyć.",
    "ru": "Доброе утро. Поезд в город отправляется через пять минут с этой платформы, пожалуйста, поторопитесь.",
    "tr": "Günaydın. Şehre giden tren beş dakika içinde bu perondan kalkıyor, lütfen acele edin.",
    "sv": "God morgon. Tåget till staden går om fem minuter från den här plattformen, så skynda er är ni snälla.",
}


def spoken(text: str, voice: str) -> Samples:
    """Return the text, spoken by espeak-ng."""
    raw = subprocess.run(["espeak-ng", "-v", voice, "--stdout"], input=text.encode(), capture_output=True, check=True)
    samples = np.frombuffer(raw.stdout[44 : len(raw.stdout) // 2 * 2], np.int16)
    times = np.arange(int(len(samples) * RATE / 22_050)) * 22_050 / RATE
    return np.interp(times, np.arange(len(samples)), samples).astype(np.int16)


def hiss(seconds: float) -> Samples:
    return np.random.default_rng(1).normal(0, 650, int(seconds * RATE)).astype(np.int16)


def music(seconds: float) -> Samples:
    """Return single notes with overtones that fade, as of a piano."""
    draw, sound, at_s = np.random.default_rng(2), np.zeros(int((seconds + 3) * RATE)), 0.0
    times = np.arange(int(1.5 * RATE)) / RATE
    while at_s < seconds:
        pitch = 220 * 2 ** (draw.integers(0, 24) / 12)
        note = sum(np.sin(2 * np.pi * pitch * k * times) * np.exp(-times * (2 + k)) / k for k in range(1, 6))
        sound[int(at_s * RATE) :][: len(times)] += note
        at_s += draw.choice([0.25, 0.5, 0.5, 1.0])
    return (sound[: int(seconds * RATE)] * 4000).astype(np.int16)


def street(seconds: float) -> Samples:
    """Return a low rush with engines that pass by, and a horn now and then."""
    draw, count = np.random.default_rng(3), int(seconds * RATE)
    spectrum = np.fft.rfft(draw.normal(0, 1, count)) / np.maximum(np.fft.rfftfreq(count, 1 / RATE), 30) ** 0.8
    sound, times = np.fft.irfft(spectrum, count), np.arange(count) / RATE
    sound /= np.abs(sound).max()
    for middle_s in draw.uniform(0, seconds, int(seconds / 4)):
        near = np.exp(-(((times - middle_s) / 1.5) ** 2)) * draw.uniform(0.2, 1)
        sound += 0.5 * near * np.sin(2 * np.pi * 90 * times)
        horn = (times > middle_s) & (times < middle_s + 0.4) & (draw.random() < 0.2)
        sound += 0.2 * horn * np.sign(np.sin(2 * np.pi * 420 * times))
    return (sound / np.abs(sound).max() * 10_000).astype(np.int16)


VOICES = [f"{accent}+{kind}" for kind in ("m3", "f2", "m7", "f4", "m1", "f1") for accent in ("en-us", "en-gb")]

QUIET: dict[str, Callable[[float], Samples]] = {
    "silence": lambda seconds: np.zeros(int(seconds * RATE), np.int16),
    "hiss": hiss,
    "music": music,
    "street": street,
}


def heard(handler: Handler, sound: Samples, **options: Any) -> tuple[Transcription, float]:
    """Return the transcript of a clip, and the CPU seconds that it took."""
    stage, asked = SpeechStage(), Options(**options)
    media: MediaInfo = None  # type: ignore[assignment]  # a clip needs nothing of the video
    clip = Clip(0, Span(0.0, len(sound) / RATE), sound, "samples")
    began = time.process_time()
    worth = stage.filter(clip) if asked.vad else clip
    if isinstance(worth, Answer):
        answer = worth
    else:
        batch = stage.pack(worth, media, asked, IN_PROCESS)
        answer = Answer(batch.facts, stage.parse(batch.facts, ask_here(handler, batch.request)))
    return stage.merge(media, asked, [answer]), time.process_time() - began


def languages(handlers: dict[str, Handler], _: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for language, sentence in SENTENCES.items():
        transcript, cpu_s = heard(handlers["base"], spoken(sentence, language))
        found[language] = (transcript.language, transcript.language_probability, round(cpu_s, 1))
        named = f"{transcript.language} ({transcript.language_probability})"
        print(f"{language}: {named}, {cpu_s:.1f} CPU s: {transcript.text[:60]}")
    right = sum(language == named for language, (named, *_) in found.items())
    print(f"{right} of {len(found)} named right")
    return {"right": right, "of": len(found), "found": found}


def words(handlers: dict[str, Handler], asked: argparse.Namespace) -> dict[str, Any]:
    text = (Path(__file__).parent / "speech_text.txt").read_text(encoding="utf-8")
    clips = [(_sound(Path(path)), said) for path, said in asked.clip]
    sentences = text.splitlines()
    paragraphs = [" ".join(sentences[number : number + 5]) for number in range(0, len(sentences), 5)]
    spoken_s = 0.0
    for voice, paragraph in product(VOICES, paragraphs):  # the text once in each voice
        if spoken_s >= asked.minutes * 60:
            break
        clips.append((spoken(paragraph, voice), paragraph))
        spoken_s += len(clips[-1][0]) / RATE
    results = {}
    for model, handler in handlers.items():
        wrong, cpu_s = [], 0.0
        for sound, said in clips:
            transcript, took_s = heard(handler, sound)
            wrong.append((_edits(_plain(said), _plain(transcript.text)), len(_plain(said))))
            cpu_s += took_s
        seconds = sum(len(sound) for sound, _ in clips) / RATE
        given, synthetic = wrong[: len(asked.clip)], wrong[len(asked.clip) :]
        results[model] = {
            "wer of clips": _rate(given),
            "wer of espeak-ng": _rate(synthetic),
            "seconds": round(seconds, 1),
            "cpu s a second": round(cpu_s / seconds, 3),
        }
        print(model, results[model], flush=True)
    return results


def _rate(wrong: list[tuple[int, int]]) -> float | None:
    return round(sum(edits for edits, _ in wrong) / sum(count for _, count in wrong), 4) if wrong else None


def _edits(said: list[str], transcript: list[str]) -> int:
    """Return how many words are missing, added or replaced."""
    row = list(range(len(transcript) + 1))
    for place, word in enumerate(said, 1):
        before, row[0] = row[0], place
        for at, other in enumerate(transcript, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


def _sound(path: Path) -> Samples:
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(str(path)) as file:
        frames = [one for frame in file.decode(audio=0) for one in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in [*frames, *resampler.resample(None)]])


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def invented(handlers: dict[str, Handler], asked: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, make in QUIET.items():
        for vad in (True, False):
            transcript, cpu_s = heard(handlers["base"], make(asked.seconds), vad=vad)
            count = len(re.findall(r"\w+", transcript.text))
            found[f"{name}, {'with' if vad else 'without'} VAD"] = count * 600 / asked.seconds
            print(
                f"{name}, VAD {vad}: {count} words in {asked.seconds:.0f} s, {cpu_s:.0f} CPU s: {transcript.text[:60]}",
                flush=True,
            )
    print("for each 10 minutes:", found)
    return found


PARTS = {"languages": languages, "words": words, "invented": invented}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clip", nargs=2, action="append", default=[], metavar=("FILE", "TEXT"))
    asked = parser.parse_args()
    models = ("base", "tiny.en") if asked.part == "words" else ("base",)
    handlers = {model: SpeechStage().open_handler(Options(whisper_model=model)) for model in models}
    record(f"speech_models_{asked.part}", PARTS[asked.part](handlers, asked))


if __name__ == "__main__":
    main()
