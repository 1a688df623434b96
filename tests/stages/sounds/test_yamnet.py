"""YAMNet's input by its recipe, its bytes as scores, and the real one on sounds that anybody would name."""

import numpy as np
import pytest

from framefleet.errors import SetupError, WorkerError
from framefleet.models import file_sha256
from framefleet.stages.sounds.worker.engines import open_engine
from framefleet.stages.sounds.worker.engines.yamnet import (
    BANDS,
    FRAMES,
    GRAPH,
    RATE,
    SAMPLES,
    WEIGHTS,
    log_mel,
)

from .yamnet import LOUD, REAL, real, stand_in

TIMES = np.arange(SAMPLES) / RATE


def tone(hertz, loudness=0.3):
    return (loudness * np.sin(2 * np.pi * hertz * TIMES)).astype(np.float32)


def noise(loudness=0.3, seed=4):
    return np.random.default_rng(seed).normal(0, loudness, SAMPLES).astype(np.float32)


def test_silence_is_the_least_there_is():
    made = log_mel(np.zeros((2, SAMPLES), np.float32))
    assert made.shape == (2, FRAMES, BANDS)
    assert made.dtype == np.float32
    assert np.allclose(made, np.log(0.001))


@pytest.mark.parametrize("hertz", [200, 440, 1000, 3000, 7000])
def test_a_tone_is_loudest_in_its_band(hertz):
    edges = np.linspace(mel(125), mel(7500), BANDS + 2)
    nearest = np.abs(edges[1:-1] - mel(hertz)).argmin()
    loudest = log_mel(tone(hertz)[None])[0].argmax(axis=1)
    assert np.abs(loudest - nearest).max() <= 1


def mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


def test_a_frame_is_what_the_formula_says():
    """One frame of noise by the recipe written out: a discrete Fourier transform and triangles, term by term."""
    sound = noise()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    piece = np.append(sound[160:560] * window, np.zeros(112))
    spectrum = [abs(np.sum(piece * np.exp(-2j * np.pi * k * np.arange(512) / 512))) for k in range(257)]
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), BANDS + 2)
    energies = np.zeros(BANDS)
    for k in range(1, 257):
        at = 1127 * np.log1p(k * RATE / 512 / 700)
        for band in range(BANDS):
            low, centre, high = edges[band : band + 3]
            energies[band] += spectrum[k] * max(0, min((at - low) / (centre - low), (high - at) / (high - centre)))
    assert np.abs(log_mel(sound[None])[0, 1] - np.log(energies + 0.001)).max() < 1e-3


def test_batched_is_one_by_one(tmp_path):
    engine = open_engine(str(stand_in(tmp_path)))
    slices = np.stack([noise(loudness, seed) for seed, loudness in enumerate([0, 0.001, 0.01, 0.1, 0.3])])
    singly = np.concatenate([engine.classify(one[None]) for one in slices])
    together = engine.classify(slices)
    assert np.array_equal(together, singly)
    assert together.shape == (5, 521)
    assert together[0, 0] < 0.01 < 0.99 < together[-1, 0]
    assert together[:, 1:].max() < 0.01


def test_what_it_tells_of_itself(tmp_path):
    engine = open_engine(str(stand_in(tmp_path)))
    assert (engine.model, engine.device, engine.gpu) == ("yamnet", "cpu", None)
    assert engine.model_id == file_sha256(tmp_path / WEIGHTS)
    assert engine.labels[0] == LOUD
    assert len(engine.labels) == 521


def test_it_hears_slices_of_its_own_length_alone(tmp_path):
    engine = open_engine(str(stand_in(tmp_path)))
    assert engine.settle(None, None).slice_s * RATE == SAMPLES
    assert engine.settle(0.975, 2.0).hop_s == 2.0
    with pytest.raises(WorkerError, match=r"slice_s 5: YAMNet takes slices of 0\.975 s") as caught:
        engine.settle(5.0, None)
    assert caught.value.type == "unsupported"


def test_without_the_model_it_says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path))
    with pytest.raises(SetupError, match=r"yamnet\.onnx: .*not fetched; run: .* -m framefleet\.models\.fetch"):
        open_engine()


def test_a_broken_graph(tmp_path):
    (stand_in(tmp_path) / GRAPH).write_bytes(b"rubbish")
    with pytest.raises(SetupError, match="ONNX Runtime cannot load it"):
        open_engine(str(tmp_path))


@pytest.mark.full
@real
@pytest.mark.parametrize(
    ("sound", "label"),
    [(np.zeros(SAMPLES, np.float32), "Silence"), (tone(440), "Dial tone"), (noise(0.1), "White noise")],
)
def test_the_real_one_names_it(sound, label):
    engine = open_engine(str(REAL))
    scores = engine.classify(np.stack([sound] * 2))
    assert label in [engine.labels[number] for number in np.argsort(-scores[0])[:3]]
    assert np.array_equal(scores[0], scores[1])
