"""Detectors for a batch of frames: ONNX Runtime on this machine; Ultralytics, D-FINE or RF-DETR on a GPU worker."""

from typing import Literal, get_args

from framefleet.errors import SetupError
from framefleet.stages.objects.worker.engines.base import Detector

EngineKind = Literal["onnx", "ultralytics", "dfine", "rfdetr"]
"""What runs a detector: ONNX Runtime on the CPU; Ultralytics; ONNX Runtime on the GPU, if there is one; `rfdetr`."""


def open_engine(model: str | None = None, kind: EngineKind = "onnx", *, threads: int = 0) -> Detector:
    """Load the detector in the file `model` (None: the embedded one), and return it.

    `threads` is the number of CPU threads per batch; 0 leaves it to the library. Raises `SetupError`.
    """
    if kind not in get_args(EngineKind):
        raise SetupError(f"{kind}: no such detector", hint=f"use one of {', '.join(get_args(EngineKind))}")
    if kind == "ultralytics":
        from framefleet.stages.objects.worker.engines.ultralytics import UltralyticsEngine

        return UltralyticsEngine(model, threads=threads)
    if model is None and kind != "onnx":
        raise SetupError(f"{kind} has no embedded model", hint="name a file")
    if kind == "rfdetr" and model is not None:
        from framefleet.stages.objects.worker.engines.rfdetr import RfDetrEngine

        return RfDetrEngine(model, threads=threads)
    from framefleet.stages.objects.worker.engines.onnx import OnnxEngine
    from framefleet.stages.objects.worker.engines.sessions import gpu_name

    return OnnxEngine(model, threads=threads, device="cuda" if kind == "dfine" and gpu_name() else "cpu")
