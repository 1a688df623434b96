"""FrameFleet: video analysis into one JSON, on serverless GPUs or locally.

Public names load on first use, so that a worker image that imports one stage does not load the client.
"""

import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "CancelScope",
    "Document",
    "Options",
    "Session",
    "__version__",
    "analyze",
    "errors",
    "export",
    "library",
    "read_document",
    "render",
    "report",
]

if TYPE_CHECKING:
    from framefleet import errors, library
    from framefleet.cancel import CancelScope
    from framefleet.config.options import Options
    from framefleet.outputs.files import export, render, report
    from framefleet.schema.codec import read_document
    from framefleet.schema.document import Document
    from framefleet.session import Session, analyze

# ONNX Runtime (from 1.31 on) and Hugging Face's libraries send telemetry unless these are set when they are imported.
# This module is imported before any other of the package, so they are set here; a value set by the user stays.
for _variable in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_variable, "1")

_LAZY = {
    "CancelScope": "framefleet.cancel",
    "Document": "framefleet.schema.document",
    "Options": "framefleet.config.options",
    "Session": "framefleet.session",
    "analyze": "framefleet.session",
    "errors": "framefleet",
    "export": "framefleet.outputs.files",
    "library": "framefleet",
    "read_document": "framefleet.schema.codec",
    "render": "framefleet.outputs.files",
    "report": "framefleet.outputs.files",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'framefleet' has no attribute {name!r}")
    from importlib import import_module

    if _LAZY[name] == __name__:
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(_LAZY[name]), name)
