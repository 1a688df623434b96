"""Write each endpoint's test_input.json, and the same for RunPod's Hub, from the clip in samples/.

.venv-test/bin/python endpoints/make_test_inputs.py
"""

import base64
import io
import json
from pathlib import Path

import av
import cv2
import numpy as np
import simplejpeg

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "samples" / "sample.mp4"
SPEECH_S = (11.2, 14.7)  # of one sentence: "Here is a cat, and she wants her dinner."
RATE = 16_000
# CUDA 12.8, as in the images, and newer versions that drivers offer.
HUB_TESTS = {
    "gpuTypeId": "NVIDIA GeForce RTX 4090",
    "gpuCount": 1,
    "allowedCudaVersions": ["13.0", "12.9", "12.8"],
}


def picture() -> dict:
    """Return the clip's first frame as a yolo request: a person."""
    with av.open(str(SAMPLE)) as clip:
        frame = next(clip.decode(video=0))
    jpeg = simplejpeg.encode_jpeg(frame.to_ndarray(width=320, height=180, format="rgb24"), quality=70)
    return {
        "schema_version": "1",
        "source": {"kind": "jpeg_frames", "frames": [{"index": 0, "time_s": 0.0, "jpeg": _base64(jpeg)}]},
        "source_width": frame.width,
        "source_height": frame.height,
        "imgsz": 416,
    }


def speech() -> dict:
    """Return a sentence of the clip as a whisper request."""
    file, (start_s, end_s) = io.BytesIO(), SPEECH_S
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(SAMPLE)) as clip, av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=RATE, layout="mono", bit_rate=24_000)
        for frame in clip.decode(audio=0):
            for piece in resampler.resample(frame) if start_s <= frame.time < end_s else ():
                piece.pts = None  # times in a request start at 0
                out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    audio = _base64(file.getvalue())
    return {"schema_version": "1", "audio": audio, "format": "opus", "duration_s": end_s - start_s, "language": "en"}


def sounds() -> dict:
    """Return the same sentence as an ast request, in which speech is heard."""
    return {name: value for name, value in speech().items() if name != "language"}


def writing() -> dict:
    """Return a drawn sign as an ocr request: two lines on dark blue."""
    sign = np.full((120, 320, 3), (90, 30, 20), np.uint8)
    for line, (text, scale) in enumerate([("EXIT 27", 1.2), ("Mind the gap", 0.9)]):
        cv2.putText(sign, text, (20, 50 + 45 * line), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 2, cv2.LINE_AA)
    jpeg = simplejpeg.encode_jpeg(sign, quality=80, colorspace="BGR")
    return {
        "schema_version": "1",
        "source": {"kind": "jpeg_frames", "frames": [{"index": 0, "time_s": 0.0, "jpeg": _base64(jpeg)}]},
        "source_width": 320,
        "source_height": 120,
    }


def write(endpoint: str, name: str, request: dict, timeout_ms: int) -> None:
    tests = {"tests": [{"name": name, "input": request, "timeout": timeout_ms}], "config": HUB_TESTS}
    for path, content in {"test_input.json": {"input": request}, ".runpod/tests.json": tests}.items():
        (HERE / endpoint / path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


if __name__ == "__main__":
    write("yolo", "a_person", picture(), 30_000)
    write("whisper", "a_sentence", speech(), 60_000)
    write("ast", "speech_is_heard", sounds(), 60_000)
    write("ocr", "a_sign", writing(), 60_000)
