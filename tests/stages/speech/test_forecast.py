"""The range of bytes foreseen holds what silence and noise really take."""

import numpy as np
import pytest

from framefleet.media.audio.chunks import RATE
from framefleet.media.audio.encode import encode_clip
from framefleet.stages.speech.forecast import request_bytes
from tests.conftest import full


@pytest.mark.parametrize(("backend", "format"), [*full(("runpod", "opus")), ("local", "flac")])
@pytest.mark.parametrize("loudest", [0, 32_000])
def test_the_extremes_lie_within_the_forecast(backend, format, loudest):
    seconds = 60
    samples = np.random.default_rng(1).integers(-loudest, loudest + 1, seconds * RATE).astype(np.int16)
    low, high = request_bytes(seconds, backend)
    assert low <= len(encode_clip(samples, format)) * 4 / 3 <= high
