"""Models opened by ONNX Runtime."""

from pathlib import Path
from typing import Any

from framefleet.errors import SetupError
from framefleet.install_hints import with_extra


def open_session(model: Path | bytes, name: str, threads: int) -> Any:
    """Return a session for the model, a file or its content, on so many `threads`. Raises `SetupError` with `name`."""
    try:
        import onnxruntime
    except ImportError:
        raise SetupError(
            "onnxruntime is not installed", hint=f"{with_extra('local')}, or leave speakers out with --no-speakers"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises a different type for each way to be broken
        raise SetupError(f"{name}: ONNX Runtime cannot load it: {error}") from None
