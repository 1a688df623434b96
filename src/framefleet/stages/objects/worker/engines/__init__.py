"""Detectors for a batch of frames: ONNX Runtime on this machine, Ultralytics on a GPU worker."""

from typing import Literal

from framefleet.stages.objects.worker.engines.base import Detector

EngineKind = Literal["onnx", "ultralytics"]


def open_engine(model: str | None = None, kind: EngineKind = "onnx", *, threads: int = 0) -> Detector:
    """Load the detector in the file `model` (None: the embedded one), and return it.

    `threads` is the number of CPU threads per batch; 0 leaves it to the library. Raises `SetupError`.
    """
    if kind == "ultralytics":
        from framefleet.stages.objects.worker.engines.ultralytics import UltralyticsEngine

        return UltralyticsEngine(model, threads=threads)
    from framefleet.stages.objects.worker.engines.onnx import OnnxEngine

    return OnnxEngine(model, threads=threads)
