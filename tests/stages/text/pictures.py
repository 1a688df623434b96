"""Pictures with text in them, drawn with OpenCV's own strokes, and requests of them."""

import base64
from typing import Any

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

EXIT_BOX = (20, 20, 140, 45)  # of "EXIT 27" in `sign()`, as the strokes are drawn


def plate(width: int = 320, height: int = 120, shade: int = 40) -> Rgb:
    return np.full((height, width, 3), shade, np.uint8)


def write(picture: Rgb, text: str, at: tuple[int, int], scale: float = 1.0, shade: int = 250) -> Rgb:
    """The picture with `text` on it, its baseline beginning at `at`."""
    cv2 = pytest.importorskip("cv2")
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (shade,) * 3, 2, cv2.LINE_AA)
    return picture


def sign() -> Rgb:
    return write(write(plate(), "EXIT 27", (20, 45)), "Mind the gap", (20, 95), 0.8)


def jpeg(picture: Rgb, quality: int = 90) -> bytes:
    data: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=quality, colorspace="RGB")
    return data


def job(*jpegs: bytes, **settings: Any) -> dict[str, Any]:
    """An ocr request of those pictures, as it comes from the service."""
    frames = [
        {"index": number, "time_s": number / 2, "jpeg": base64.b64encode(data).decode()}
        for number, data in enumerate(jpegs)
    ]
    request = {"source": {"kind": "jpeg_frames", "frames": frames}, "source_width": 320, "source_height": 120}
    return {"input": request | settings}
