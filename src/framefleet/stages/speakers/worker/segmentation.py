"""Which of up to three voices speak at each moment of a window of 10 s: pyannote's segmentation 3.0 on ONNX Runtime."""

from pathlib import Path

import numpy as np

from framefleet.stages.speakers.worker.sessions import open_session
from framefleet.stages.speakers.worker.windows import FIRST, HOP, STEP, WINDOW, Window
from framefleet.worker.serving import look_up
from framefleet.worker.waveform import Waveform

_CLASSES = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], np.bool_
)  # which voices speak, for each class of the model


class Segmentation:
    """The model, loaded. Safe to call from many threads."""

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
