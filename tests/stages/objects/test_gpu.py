"""The ONNX engine as on a GPU: with its groups of frames, and with what ONNX Runtime says where there is none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefleet.errors import SetupError
from framefleet.stages.objects.worker.engines import onnx as engine_module
from framefleet.stages.objects.worker.engines import open_engine, sessions
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.engines.onnx import FRAMES_A_RUN, OnnxEngine
from framefleet.stages.objects.worker.handler import make_handler

from .networks import dfine, ultralytics
from .pictures import job, jpeg, stop_sign


class Session:
    """A session on the CPU in the place of one on a GPU. `fits` is how many frames fit into its memory."""

    def __init__(self, session: Any) -> None:
        self.session, self.batches, self.fits = session, [], 99

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def run(self, outputs: list[str], feed: dict[str, Any]) -> Any:
        (frames,) = feed.values()
        self.batches.append(len(frames))
        if len(frames) > self.fits:
            raise RuntimeError(
                "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION :\nFailed to allocate memory for requested buffer"
            )
        return self.session.run(outputs, feed)


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], OnnxEngine]:
    """`on_gpu(path)` opens the engine as on an NVIDIA L4."""
    monkeypatch.setattr(engine_module, "open_session", lambda path, _: Session(sessions.open_session(path)))
    for module in (engine_module, sessions):
        monkeypatch.setattr(module, "gpu_name", lambda: "NVIDIA L4")

    def open_(path: Path) -> OnnxEngine:
        engine = open_engine(str(path), "dfine", threads=2)
        assert isinstance(engine, OnnxEngine)
        return engine

    return open_


@pytest.mark.full
def test_frames_of_one_size_go_together_and_each_has_its_own_boxes(
    on_gpu: Callable[[Path], OnnxEngine], tmp_path: Path
) -> None:
    path = dfine(tmp_path / "m.onnx", [(1, 0.9, (0.5, 0.5, 0.5, 0.5))])
    engine = on_gpu(path)
    assert (engine.device, engine.gpu) == ("cuda:0", "NVIDIA L4")
    frames = [np.zeros((40, 40 + number, 3), np.uint8) for number in range(FRAMES_A_RUN + 2)]
    settings = engine.settle(DetectionSettings(imgsz=1280))
    found = engine.detect(frames, settings)
    assert engine._session.batches == [FRAMES_A_RUN, 2]
    for one, other in zip(found, OnnxEngine(str(path)).detect(frames, settings), strict=True):
        assert one.tolist() == other.tolist()


def test_rectangles_of_different_sizes_go_apart(on_gpu: Callable[[Path], OnnxEngine], tmp_path: Path) -> None:
    engine = on_gpu(ultralytics(tmp_path / "m.onnx", [(1, 0.9, (32, 16, 16, 16))]))
    frames = [np.zeros((32, 64, 3), np.uint8), np.zeros((64, 32, 3), np.uint8), np.zeros((32, 64, 3), np.uint8)]
    found = engine.detect(frames, engine.settle(DetectionSettings(imgsz=64)))
    assert engine._session.batches == [2, 1]
    assert found[0].tolist() == found[2].tolist() != found[1].tolist()


def test_a_batch_that_does_not_fit_is_halved(on_gpu: Callable[[Path], OnnxEngine], tmp_path: Path) -> None:
    engine = on_gpu(dfine(tmp_path / "m.onnx", [(1, 0.9, (0.5, 0.5, 0.5, 0.5))]))
    engine._session.fits = 2
    reply = make_handler(engine)(job(*[jpeg(stop_sign())] * 3))
    assert [len(frame["objects"]) for frame in reply["frames"]] == [1, 1, 1]
    assert reply["max_batch"] == 2


def test_another_fault_of_the_gpu_is_told_as_it_is(
    on_gpu: Callable[[Path], OnnxEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = on_gpu(dfine(tmp_path / "m.onnx", []))

    def fail(*_: object) -> None:
        raise RuntimeError("illegal address")

    monkeypatch.setattr(engine._session, "run", fail)
    assert make_handler(engine)(job(jpeg(stop_sign()))) == {"error": "RuntimeError: illegal address"}


def test_without_a_gpu_it_runs_on_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "gpu_name", lambda: None)
    assert open_engine(str(dfine(tmp_path / "m.onnx", [])), "dfine").device == "cpu"


@pytest.mark.full
def test_a_gpu_that_onnx_runtime_cannot_use_is_no_reason_to_be_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("it can use one here")
    monkeypatch.setattr(sessions, "gpu_name", lambda: "NVIDIA L4")
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    with pytest.warns(UserWarning), pytest.raises(SetupError, match="cannot use this GPU") as refused:
        open_engine(str(dfine(tmp_path / "m.onnx", [])), "dfine")
    assert refused.value.code == "no_cuda"
