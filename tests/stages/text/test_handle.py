"""The ocr handler on RapidOCR's own models."""

import json
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefleet.errors import SetupError, WorkerError
from framefleet.stages.text.worker.engines import open_engine
from framefleet.stages.text.worker.engines.base import Reading
from framefleet.stages.text.worker.handler import TextHandler, make_handler
from framefleet.worker import pictures as decoding

from .pictures import EXIT_BOX, job, jpeg, plate, sign, write

pytest.importorskip("rapidocr", reason="comes with framefleet[text]")


@pytest.fixture(scope="module")
def handler() -> TextHandler:
    return make_handler(open_engine())


def texts(reply: dict[str, Any]) -> list[Any]:
    return [frame["lines"] and [line["text"] for line in frame["lines"]] for frame in reply["frames"]]


@pytest.mark.full
def test_reads_what_is_written_from_top_to_bottom(handler: TextHandler) -> None:
    reply = handler(job(jpeg(sign())))
    assert texts(reply) == [["EXIT 27", "Mind the gap"]]
    first, second = reply["frames"][0]["lines"]
    assert first["box"] == pytest.approx(EXIT_BOX, abs=14)
    assert second["box"][1] > first["box"][3]
    assert first["confidence"] > 0.9 < second["confidence"]
    assert first["quad"] is None


@pytest.mark.full
def test_boxes_are_in_source_pixels(handler: TextHandler) -> None:
    small, large = (
        handler(job(jpeg(sign()), source_width=320 * x, source_height=120 * y)) for x, y in ((1, 1), (9, 3))
    )
    box, scaled = (reply["frames"][0]["lines"][0]["box"] for reply in (small, large))
    assert scaled == pytest.approx([box[0] * 9, box[1] * 3, box[2] * 9, box[3] * 3], abs=0.1)


@pytest.mark.full
def test_a_line_that_lies_aslant_says_how(handler: TextHandler) -> None:
    cv2 = pytest.importorskip("cv2")
    flat = write(plate(480, 360), "PLATFORM", (110, 190), 1.6)
    turned = cv2.warpAffine(flat, cv2.getRotationMatrix2D((240, 180), 20, 1), (480, 360), borderValue=(40,) * 3)
    (line,) = handler(job(jpeg(turned), source_width=480, source_height=360))["frames"][0]["lines"]
    assert line["text"] == "PLATFORM"
    (left, top), (right, higher), *_ = line["quad"]
    assert left < right and np.degrees(np.arctan2(top - higher, right - left)) == pytest.approx(20, abs=4)
    assert line["box"][:2] == (min(x for x, _ in line["quad"]), min(y for _, y in line["quad"]))


@pytest.mark.full
def test_a_picture_without_text_has_no_lines(handler: TextHandler) -> None:
    assert handler(job(jpeg(plate())))["frames"][0]["lines"] == []


@pytest.mark.full
def test_a_narrow_strip_is_read(handler: TextHandler) -> None:
    """A crop around subtitles: scaled down, it is too low for the detector by itself."""
    strip = write(plate(1280, 40), "A subtitle below the picture", (300, 28), 0.9)
    assert texts(handler(job(jpeg(strip), max_side=640))) == [["A subtitle below the picture"]]


@pytest.mark.full
def test_what_is_read_in_a_picture_depends_on_no_other(handler: TextHandler) -> None:
    pictures = [sign(), write(plate(400, 200), "Another 3.50", (30, 90), 1.3), plate(50, 30), sign()[:60]]
    alone = [handler(job(jpeg(picture)))["frames"][0]["lines"] for picture in pictures]
    together = handler(job(*(jpeg(picture) for picture in pictures)))
    assert [frame["lines"] for frame in together["frames"]] == alone


@pytest.mark.full
def test_how_far_it_is_scaled_is_the_requests_own(handler: TextHandler) -> None:
    data = jpeg(write(plate(640, 360), "small print", (300, 150), 0.6))
    near, far, again = (texts(handler(job(data, max_side=side))) for side in (640, 96, 640))
    assert near == again == [["small print"]]
    assert far != near


@pytest.mark.full
def test_lines_read_with_little_confidence_are_left_out(handler: TextHandler) -> None:
    assert texts(handler(job(jpeg(sign()), min_confidence=1))) == [[]]


@pytest.mark.full
def test_one_bad_picture_fails_alone(handler: TextHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 400 * 400)
    good = jpeg(sign())
    reply = handler(job(b"garbage", good, good[: len(good) // 2], jpeg(plate(401, 400)), good, b""))
    assert [frame["index"] for frame in reply["frames"]] == [0, 1, 2, 3, 4, 5]
    assert texts(reply) == [None, ["EXIT 27", "Mind the gap"], None, None, ["EXIT 27", "Mind the gap"], None]
    assert [frame["error"] is None for frame in reply["frames"]] == [False, True, False, False, True, False]
    assert "401 × 400" in reply["frames"][3]["error"]


@pytest.mark.full
def test_says_what_it_is_and_did(handler: TextHandler) -> None:
    reply = handler(job(jpeg(sign())))
    probe = handler({"input": {"probe": True}})
    assert (reply["model"], reply["device"], reply["gpu"]) == ("PP-OCRv6-small", "cpu", None)
    assert probe["model_id"] == reply["model_id"] and len(reply["model_id"]) == 64
    assert probe["source_kinds"] == ["jpeg_frames"]
    timing = reply["timing_ms"]
    assert 0 < timing["decode"] + timing["inference"] <= timing["total"]
    json.dumps(reply)


@pytest.mark.full
@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({}, "invalid_input: "),
        (job(), "invalid_input: "),
        (job(b"x", schema_version="2"), "invalid_input: "),
        (job(b"x", source={"kind": "url_range"}), "invalid_input: "),
        (job(b"x", max_side=8), "invalid_input: "),
        (job(b"x", min_confidence=2), "invalid_input: "),
        (
            job(b"x", model="PP-OCRv5"),
            "model_mismatch: the request is for PP-OCRv5, but this worker runs PP-OCRv6-small",
        ),
    ],
)
def test_requests_that_cannot_be_served(handler: TextHandler, broken: dict[str, Any], error: str) -> None:
    assert handler(broken)["error"].startswith(error)


class FakeEngine:
    model, model_id, device, gpu = "m", "id", "cpu", None

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def read(self, pictures: Any, max_side: int) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return [self.answer for _ in pictures]


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (RuntimeError("it\nbroke"), "RuntimeError: it broke"),
        (WorkerError("out_of_memory", "too much"), "out_of_memory: too much"),
        (MemoryError("no room"), "out_of_memory: no room; send fewer frames per request"),
    ],
)
def test_an_engine_that_fails_is_one_line(raised: Exception, error: str) -> None:
    assert make_handler(FakeEngine(raised))(job(jpeg(plate()))) == {"error": error}


def test_lines_are_cut_at_the_edges_and_blank_ones_left_out() -> None:
    corners = np.array([[-9, 10], [400, 10], [400, 30], [-9, 30]], np.float64)
    engine = FakeEngine([Reading(" a \n b ", 0.8, corners), Reading("  ", 0.9, corners)])
    (line,) = make_handler(engine)(job(jpeg(plate())))["frames"][0]["lines"]
    assert (line["text"], line["box"]) == ("a b", (0.0, 10.0, 320.0, 30.0))


@pytest.mark.full
def test_memory_that_is_too_small_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

    engine = open_engine(threads=1)

    def fail(*_: Any) -> None:
        raise ONNXRuntimeError(
            "Traceback …\n  line\nRuntimeException: Failed to allocate memory for requested buffer\n"
        )

    monkeypatch.setattr(engine._recognizer, "session", fail)  # type: ignore[attr-defined]
    error = make_handler(engine)(job(jpeg(sign())))["error"]
    assert error.startswith("out_of_memory: ") and "Failed to allocate" in error and "Traceback" not in error


@pytest.mark.parametrize("missing", ["rapidocr", "onnxruntime"])
def test_what_is_not_installed_is_named_with_the_remedy(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SetupError, match=rf"{missing} is not installed; .*install.*\[text\]"):
        open_engine()


@pytest.mark.full
def test_a_gpu_that_cannot_be_used_is_no_silent_cpu() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is one")
    with pytest.raises(SetupError, match="cannot use this GPU"):
        open_engine("cuda")


@pytest.mark.full
def test_models_are_never_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from framefleet.stages.text.worker.engines import rapid

    monkeypatch.setattr(rapid, "NETWORKS", ("PP-OCRv9_det.onnx", rapid.NETWORKS[1]))
    with pytest.raises(SetupError, match=r"PP-OCRv9_det\.onnx: the model file is missing; .* rapidocr=="):
        open_engine()


def test_opencv_is_the_one_that_needs_no_libgl() -> None:
    """Two OpenCVs overwrite each other's files, and which one is left nobody can tell."""
    installed = {str(found.metadata["Name"]).lower() for found in distributions()}
    assert {name for name in installed if name.startswith("opencv")} == {"opencv-python-headless"}
    loaded = Path("/proc/self/maps")  # Linux tells what a process has loaded
    assert not loaded.exists() or "libGL.so" not in loaded.read_text(encoding="utf-8", errors="replace")
