"""The encoder of voices: its graph computes what torch's layers do, and nothing in its file is ever run."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.stages.speakers.worker.encoder import VoiceEncoder, mel_power, read_checkpoint
from framefleet.stages.speakers.worker.graph import INPUT, OUTPUT, encoder_graph

UNITS, BANDS, LAYERS = 8, 5, 2


def some_weights() -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (UNITS, UNITS), "linear.bias": (UNITS,)}
    for layer in range(LAYERS):
        shapes[f"lstm.weight_ih_l{layer}"] = (4 * UNITS, UNITS if layer else BANDS)
        shapes[f"lstm.weight_hh_l{layer}"] = (4 * UNITS, UNITS)
        shapes[f"lstm.bias_ih_l{layer}"] = shapes[f"lstm.bias_hh_l{layer}"] = (4 * UNITS,)
    return {name: chance.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def plainly(weights: dict[str, NDArray[np.float32]], looks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The layers as torch documents them, step by step; gates are in, forget, cell, out."""

    def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(1 / (1 + np.exp(-x)), np.float32)

    x = looks
    for layer in range(LAYERS):
        h = c = np.zeros((x.shape[1], UNITS), np.float32)
        out = []
        for step in x:
            into, again = weights[f"lstm.weight_ih_l{layer}"], weights[f"lstm.weight_hh_l{layer}"]
            gates = step @ into.T + h @ again.T + weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
            i, f, g, o = np.split(gates, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            out.append(h)
        x = np.stack(out)
    return np.maximum(0, h @ weights["linear.weight"].T + weights["linear.bias"])


@pytest.mark.full
def test_the_graph_computes_what_the_layers_do() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    weights = some_weights()
    session = onnxruntime.InferenceSession(encoder_graph(weights, layers=LAYERS), providers=["CPUExecutionProvider"])
    looks = np.random.default_rng(2).normal(size=(12, 3, BANDS)).astype(np.float32)
    (vectors,) = session.run([OUTPUT], {INPUT: looks})
    assert vectors.shape == (3, UNITS)
    assert np.abs(vectors - plainly(weights, looks)).max() < 1e-5


class Runs:
    """What would make a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_file_with_more_in_it_than_arrays_is_refused_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    path, made = tmp_path / "pretrained.pt", tmp_path / "made"
    for parts in ([1, 2, 3, Runs(made)], [Runs(made)]):
        path.write_bytes(b"".join(pickle.dumps(one, protocol=2) for one in parts))
        with pytest.raises(pickle.UnpicklingError):
            read_checkpoint(path)
    cut_short = b"".join(pickle.dumps(one, protocol=2) for one in (1, 2, 3, {}, ["storage"]))
    for content in (b"", b"not a pickle", pickle.dumps({}), cut_short):
        path.write_bytes(content)
        with pytest.raises(SetupError, match="not the encoder of voices"):
            VoiceEncoder(path)
    assert not made.exists()


def test_mel_power_has_a_frame_every_hundredth_of_a_second_and_raises_what_is_quiet() -> None:
    sound = np.random.default_rng(3).normal(0, 0.2, 16_000).astype(np.float32)
    assert mel_power(sound).shape == (101, 40)
    quiet, quieter = mel_power(sound / 100), mel_power(sound / 1000)
    assert np.allclose(quiet, quieter, rtol=1e-3)
    assert mel_power(sound).sum() > 10 * quiet.sum()
