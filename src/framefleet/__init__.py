"""FrameFleet: one JSON of what is seen and said in a video.

The names below load on first use, so that a worker image that imports one stage does not load the client.
"""

import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Options", "__version__", "analyze"]

if TYPE_CHECKING:
    from framefleet.api import analyze
    from framefleet.config.options import Options

# ONNX Runtime (from 1.31 on) and Hugging Face's libraries tell their makers of their use unless these are set when they
# are imported. They are set here because nothing of ours is imported before this; what a person has set stays.
for _variable in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_variable, "1")

_LAZY = {"analyze": "framefleet.api", "Options": "framefleet.config.options"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'framefleet' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
