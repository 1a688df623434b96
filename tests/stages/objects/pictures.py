"""A picture that the embedded model knows, drawn: a stop sign on its pole."""

import base64
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

STOP_SIGN = 11
SIGN_BOX = (100, 30, 220, 150)  # in the picture of 320 × 240, shifted by `left`


def stop_sign(width: int = 320, height: int = 240, left: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) RGB, the sign `left` pixels further right."""
    y, x = np.mgrid[0:height, 0:width]
    across, down = abs(x - 160 - left), abs(y - 90)
    picture = np.full((height, width, 3), (120, 170, 220), np.uint8)
    picture[160:] = 100
    picture[120:230, 157 + left : 163 + left] = 150
    for radius, colour in ((60, (255, 255, 255)), (54, (190, 20, 30))):
        picture[(np.maximum(across, down) <= radius) & (across + down <= radius * 1.414)] = colour
    picture[80:100, 120 + left : 200 + left : 12] = 255
    return picture


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    data: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=90, colorspace="RGB")
    return data


def huge_jpeg() -> bytes:
    """A small JPEG whose header says 50,000 × 50,000."""
    data = jpeg(stop_sign())
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + (50_000).to_bytes(2, "big") * 2 + data[at + 4 :]


def job(*jpegs: bytes, **settings: Any) -> dict[str, Any]:
    """A yolo request of those pictures, as it comes from the service."""
    frames = [
        {"index": number, "time_s": number / 2, "jpeg": base64.b64encode(data).decode()}
        for number, data in enumerate(jpegs)
    ]
    request = {"source": {"kind": "jpeg_frames", "frames": frames}, "source_width": 320, "source_height": 240}
    return {"input": request | {"imgsz": 416} | settings}
