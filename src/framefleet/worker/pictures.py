"""The decoding of a job's frames on a worker: sizes are checked first, and each frame may fail alone."""

from collections.abc import Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from framefleet.errors import WorkerError
from framefleet.protocol.envelope import Frame, JpegFrame, PixelFrame

Pixels = NDArray[np.uint8]
"""A frame: (height, width, 3), RGB."""

MAX_PIXELS = 64_000_000  # of one frame: more than common cameras have, and 0.2 GB decoded
MAX_PIXELS_A_JOB = 512_000_000  # 1.5 GB decoded; 500 frames of 1280 × 720


def decode(frames: Sequence[Frame]) -> tuple[dict[int, Pixels], dict[int, str]]:
    """Return the decoded frames by their index in `frames`, and the errors of the others. Sizes are checked before
    decoding. Frames that come as pixels are returned as they are.

    Raises `WorkerError` ("out_of_memory") for more pixels than a worker should hold at once.
    """
    errors: dict[int, str] = {}
    total = 0
    for place, frame in enumerate(frames):
        try:
            total += _checked_pixels(frame.jpeg) if isinstance(frame, JpegFrame) else 0
        except ValueError as error:
            errors[place] = f"cannot decode the JPEG image: {error}"
        if total > MAX_PIXELS_A_JOB:
            raise WorkerError("out_of_memory", f"over {MAX_PIXELS_A_JOB // 10**6} megapixels; send fewer frames")
    pictures: dict[int, Pixels] = {}
    for place, frame in enumerate(frames):
        if isinstance(frame, PixelFrame):
            pictures[place] = frame.rgb
        elif isinstance(frame, JpegFrame) and place not in errors:
            try:
                pictures[place] = simplejpeg.decode_jpeg(frame.jpeg, colorspace="RGB")
            except ValueError as error:
                errors[place] = f"cannot decode the JPEG image: {error}"
    return pictures, errors


def explain(error: Exception) -> WorkerError:
    """Return the worker's error for an exception raised by a job's frames."""
    if isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{error}; send fewer frames per request")
    return WorkerError(type(error).__name__, str(error) or "no reason given")


def _checked_pixels(jpeg: bytes) -> int:
    """Return how many pixels the image has according to its header. Raises `ValueError` if it has too many."""
    height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width} × {height} pixels are more than {MAX_PIXELS // 10**6} million")
    return int(height * width)
