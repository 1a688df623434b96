"""Who speaks when in one clip: voices found in windows, their pieces told apart by person, and each one's turns."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefleet.models import file_sha256
from framefleet.stages.speakers.worker.clusters import SMALL_S, centres, group
from framefleet.stages.speakers.worker.encoder import VoiceEncoder
from framefleet.stages.speakers.worker.sessions import open_session
from framefleet.stages.speakers.worker.turns import Turn, turns_of
from framefleet.stages.speakers.worker.windows import FIRST, HOP, STEP, WINDOW, Window, pieces_of, surely_two
from framefleet.worker.serving import look_up
from framefleet.worker.waveform import RATE, Waveform

SEGMENTATION, ENCODER = "segmentation.onnx", "pretrained.pt"
"""The files in the models' folder."""

MODEL = "segmentation-3.0+ge2e"

_SMALL_SHARE = 0.1  # of a short clip: a person in it may speak for less than SMALL_S

_CLASSES = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], np.bool_
)  # which voices speak, for each class of the model


class Segmentation:
    """Which of up to three voices speak at each moment of a window of 10 s: pyannote's segmentation 3.0.

    Safe to call from many threads.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the model file on `threads` of the CPU. Raises `SetupError`."""
        self._session = open_session(path, str(path), threads)

    def windows(self, audio: Waveform) -> list[Window]:
        """Return overlapping windows over all of `audio` (samples,); beyond its end nobody speaks."""
        found = []
        for start in range(0, max(1, len(audio) - WINDOW + STEP), STEP):
            look_up()
            part = audio[start : start + WINDOW]
            padded = np.pad(part, (0, WINDOW - len(part)))[None, None]
            (scores,) = self._session.run(None, {"input": padded})
            active = _CLASSES[scores[0].argmax(axis=1)]
            active[max(0, (len(part) - FIRST) // HOP + 1) :] = False
            found.append(Window(start, active))
        return found


@dataclass(frozen=True, slots=True)
class Voice:
    """One person's speech in the clip. `centre` (256,) is the mean vector of the voice, of length 1."""

    centre: NDArray[np.float32]
    turns: list[Turn]


class SpeakerEngine:
    """Both models, loaded. Runs on the CPU, about 0.03 s of one core per second of sound."""

    model = MODEL
    device = "cpu"
    gpu = None

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Load the files in `folder`. Raises `SetupError`."""
        self._segmentation = Segmentation(folder / SEGMENTATION, threads=threads)
        self._encoder = VoiceEncoder(folder / ENCODER, threads=threads)
        both = file_sha256(folder / SEGMENTATION) + file_sha256(folder / ENCODER)
        self.model_id = hashlib.sha256(both.encode()).hexdigest()

    def voices(self, audio: Waveform, *, number: int | None = None, most: int | None = None) -> list[Voice]:
        """Return the people who speak in `audio` (samples,), in the order in which they are first heard.

        `number` is how many they are, `most` how many at most; None: as many as can be told apart.
        """
        windows = self._segmentation.windows(audio)
        pieces = pieces_of(windows)
        if not pieces:
            return []
        sounds = [_within(windows[piece.window].samples(piece.clear), audio) for piece in pieces]
        vectors = self._encoder.vectors(sounds)
        weights = np.array([piece.length_s for piece in pieces])
        small_s = min(SMALL_S, _SMALL_SHARE * len(audio) / RATE)
        labels = group(vectors, weights, surely_two(pieces), number=number, most=most, small_s=small_s)
        means, spoken = centres(vectors, weights, labels), turns_of(len(audio), windows, pieces, labels)
        found = [Voice(centre, turns) for centre, turns in zip(means, spoken, strict=True) if turns]
        return sorted(found, key=lambda voice: voice.turns[0])


def _within(samples: NDArray[np.int64], audio: Waveform) -> Waveform:
    return audio[samples[samples < len(audio)]]
