"""A job's pictures, decoded on a worker: sizes checked first, each picture on its own terms."""

from collections.abc import Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from framefleet.errors import WorkerError
from framefleet.protocol.envelope import Frame, JpegFrame, PixelFrame

Pixels = NDArray[np.uint8]
"""A picture: (height, width, 3), RGB."""

MAX_PIXELS = 64_000_000  # of one picture: above the largest of common cameras, and 0.2 GB decoded
MAX_PIXELS_A_JOB = 512_000_000  # 1.5 GB decoded; 500 pictures of 1280 × 720


def decode(frames: Sequence[Frame]) -> tuple[dict[int, Pixels], dict[int, str]]:
    """The pictures by their place in `frames`, and why the others cannot be read. Sizes are checked before decoding.
    What comes as pixels is as it is.

    Raises `WorkerError` ("out_of_memory") for more pixels than a worker should hold at once.
    """
    errors: dict[int, str] = {}
    total = 0
    for place, frame in enumerate(frames):
        try:
            total += _checked_pixels(frame.jpeg) if isinstance(frame, JpegFrame) else 0
        except ValueError as error:
            errors[place] = f"not a JPEG picture that can be read: {error}"
        if total > MAX_PIXELS_A_JOB:
            raise WorkerError("out_of_memory", f"over {MAX_PIXELS_A_JOB // 10**6} megapixels; send fewer pictures")
    pictures: dict[int, Pixels] = {}
    for place, frame in enumerate(frames):
        if isinstance(frame, PixelFrame):
            pictures[place] = frame.rgb
        elif isinstance(frame, JpegFrame) and place not in errors:
            try:
                pictures[place] = simplejpeg.decode_jpeg(frame.jpeg, colorspace="RGB")
            except ValueError as error:
                errors[place] = f"not a JPEG picture that can be read: {error}"
    return pictures, errors


def explain(error: Exception) -> WorkerError:
    """What an error over a job's pictures is told as."""
    if isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{error}; send fewer pictures in one request")
    return WorkerError(type(error).__name__, str(error) or "no reason given")


def _checked_pixels(jpeg: bytes) -> int:
    """How many pixels the picture has by its header. Raises `ValueError`."""
    height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    if height * width > MAX_PIXELS:
        raise ValueError(f"{width} × {height} pixels are more than {MAX_PIXELS // 10**6} million")
    return int(height * width)
