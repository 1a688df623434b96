"""AST for real, through transformers: a small network of random numbers, saved and opened without a hub."""

import importlib.util
import json

import numpy as np
import pytest

from framefleet.errors import SetupError, WorkerError
from framefleet.media.audio.encode import encode_clip
from framefleet.stages.sounds.worker.engines import open_engine
from framefleet.stages.sounds.worker.handler import make_handler

from .small_ast import small_ast

pytestmark = [
    pytest.mark.gpu_engines,
    pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="scripts/test --gpu-engines has it"),
]

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_ast(tmp_path_factory.mktemp("models") / "tiny-ast")


@pytest.fixture(scope="module")
def engine(folder):
    return open_engine(str(folder), "ast", threads=2)


def sounds(count, seconds=1.28):
    return np.random.default_rng(2).normal(0, 0.1, (count, round(seconds * RATE))).astype(np.float32)


def test_batched_is_one_by_one(engine):
    slices = sounds(5) * np.float32([[0.01], [0.1], [1], [3], [0]])
    singly = np.concatenate([engine.classify(one[None]) for one in slices])
    together = engine.classify(slices)
    assert np.abs(together - singly).max() < 1e-4
    assert together.shape == (5, 3)
    assert np.abs(together[0] - together[3]).max() > 0.01


def test_a_score_is_a_classs_own(engine):
    """Scores by a sigmoid need not add up to one."""
    import torch

    slices = sounds(2)
    inputs = engine._features(list(slices), sampling_rate=RATE, return_tensors="pt")["input_values"]
    with torch.inference_mode():
        logits = engine._network(inputs.to(engine.device, engine._network.dtype)).logits.float().cpu().numpy()
    assert np.abs(engine.classify(slices) - 1 / (1 + np.exp(-logits))).max() < 1e-3


def test_the_batch_goes_through_in_one_pass(engine, monkeypatch):
    passes = []
    forward = engine._network.forward
    monkeypatch.setattr(
        engine._network, "forward", lambda inputs: (passes.append(tuple(inputs.shape)), forward(inputs))[1]
    )
    engine.classify(sounds(7))
    assert passes == [(7, 128, 128)]


def test_the_handler_answers_on_it(engine):
    sound = encode_clip((sounds(1, 4.0)[0] * 32768).astype(np.int16), "flac")
    reply = make_handler(engine)(
        {"input": {"schema_version": "1", "audio": sound, "format": "flac", "duration_s": 4.0, "threshold": 0}}
    )
    assert (reply["model"], reply["slice_s"], reply["hop_s"]) == ("tiny-ast", 1.28, 0.32)
    assert [piece["start_s"] for piece in reply["slices"][:3]] == [0.0, 0.32, 0.64]
    assert reply["slices"][-1]["end_s"] == 4.0
    assert {found["label"] for found in reply["slices"][0]["classes"]} == set(engine.labels)
    assert len(reply["model_id"]) == 64


def test_shorter_slices_are_fine_and_longer_ones_are_not(engine):
    assert engine.classify(sounds(2, 0.5)).shape == (2, 3)
    assert engine.settle(0.5, None).hop_s == 0.125
    with pytest.raises(WorkerError, match=r"slice_s 5: tiny-ast takes at most 1\.28 s"):
        engine.settle(5.0, None)


def test_too_little_memory_is_told_as_such(engine, monkeypatch):
    import torch

    def fail(_slices):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr(engine, "_scores", fail)
    with pytest.raises(WorkerError, match="4 slices: CUDA out of memory") as caught:
        engine.classify(sounds(4))
    assert caught.value.type == "out_of_memory"


def test_a_folder_with_something_else(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"rubbish")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no such"}))
    with pytest.raises(SetupError, match="transformers cannot load the model"):
        open_engine(str(tmp_path), "ast")
