"""ONNX Runtime's sessions, on the CPU or an NVIDIA GPU."""

import os
from pathlib import Path
from typing import Any, Literal

from framefleet.errors import SetupError
from framefleet.install_hints import with_extra

Device = Literal["cpu", "cuda"]


def open_session(path: Path, device: Device = "cpu") -> Any:
    """Load the model. A session uses one thread of the CPU at a time. Raises `SetupError`."""
    try:
        import onnxruntime
    except ImportError:
        raise SetupError(
            "onnxruntime is not installed", hint=f"{with_extra('local')}, or configure an endpoint"
        ) from None
    if not path.is_file():
        raise SetupError(f"{path}: no such model", hint="give the path of an .onnx file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors only: users cannot act on warnings about a model's graph
    providers: list[Any] = ["CPUExecutionProvider"]
    if device == "cuda":
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # those of NVIDIA's own packages
        # Exhaustive search, the default, is repeated for each new batch size.
        providers = [("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"}), *providers]
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many types
        raise SetupError(f"{path}: ONNX Runtime cannot load it: {error}") from None
    if device == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        raise SetupError(
            "ONNX Runtime cannot use this GPU", hint="install onnxruntime-gpu, CUDA 12 and cuDNN 9", code="no_cuda"
        )
    return session


def gpu_name() -> str | None:
    """Return what NVIDIA's driver calls the first GPU; None without one."""
    places = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = places[0].read_text(encoding="utf-8").splitlines() if places else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), None)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
