"""Each stage has its own rate and its own part of the picture, on one decode."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import simplejpeg

from framefleet.analysis import execute, prepare
from framefleet.config.loading import make_options
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest
from framefleet.protocol.envelope import JpegFrame
from framefleet.schema.document import Document
from tests.media.make import make_video

WORKER = {"schema_version": "1", "model": "fake", "model_id": "f00d", "device": "cpu", "gpu": None}
LINE = {"text": "EXIT", "confidence": 0.9, "box": [1.0, 1.0, 9.0, 9.0]}


class Looker:
    """A worker that notes the time and the size of each picture, and finds the same in all."""

    def __init__(self, **found: Any) -> None:
        self.found = found
        self.seen: dict[float, tuple[int, int]] = {}

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        frames = msgspec.convert(job["input"]["source"]["frames"], list[JpegFrame])
        for frame in frames:
            height, width = simplejpeg.decode_jpeg_header(frame.jpeg)[:2]
            self.seen[frame.time_s] = width, height
        return WORKER | {"frames": [{"index": f.index, "time_s": f.time_s, **self.found} for f in frames]}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Three seconds in which every picture is another, as noise is."""
    noise = np.random.default_rng(3).integers(0, 255, (30, 24, 32, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    return make_video(tmp_path / "film.mp4", frames=30, fps=10, size=(128, 96), pictures=list(noise))


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The sampling of each decode, and for how many it was."""
    made: list[tuple[str, int]] = []

    def counted(media: Any, orders: Sequence[FrameRequest], *, sampling: Any, **options: Any) -> Any:
        made.append((sampling, len(orders)))
        return decode_orders(media, orders, sampling=sampling, **options)

    monkeypatch.setattr("framefleet.pipeline.executor.decode_orders", counted)
    return made


def test_rates_and_crops_of_their_own_share_one_decode(
    emulate: Any, film: Path, decodes: list[tuple[str, int]], tmp_path: Path
) -> None:
    objects, text = Looker(objects=[]), Looker(lines=[LINE])
    service = emulate(yolo=objects, ocr=text)
    given = {"stages": "objects,text", "fps": 1, "text_fps": 4, "text_crop": "8,8,64,48", "output_dir": tmp_path}
    document = _run(film, service, given)
    assert objects.seen == dict.fromkeys([0.0, 1.0, 2.0], (128, 96))
    assert text.seen == dict.fromkeys([n / 4 for n in range(12)], (64, 48))
    assert decodes == [("exact", 2)]
    assert len(document.detections or ()) == 3
    assert document.text is not None
    assert document.text.read + document.text.unchanged == 12
    assert document.text.spans[0].box == (9.0, 9.0, 17.0, 17.0), "in pixels of the whole picture"
    assert (document.config.fps, document.config.crop) == (1, None)
    assert document.config.stages == {"text": {"fps": 4, "crop": {"x": 8, "y": 8, "width": 64, "height": 48}}}


def test_what_is_set_of_one_stage_leaves_the_answers_of_others_as_they_are(
    emulate: Any, film: Path, tmp_path: Path
) -> None:
    objects, text = Looker(objects=[]), Looker(lines=[LINE])
    service = emulate(yolo=objects, ocr=text)
    given = {"stages": "objects,text", "output_dir": tmp_path}
    plain = _run(film, service, given)
    assert plain.config.stages is msgspec.UNSET
    before = sum(plain.cost.stages[name].requests for name in ("objects", "text"))
    assert before == 2
    again = _run(film, service, given | {"text_max_side": 64})
    assert [again.cost.stages[name].requests for name in ("objects", "text")] == [0, 1]


def test_keyframes_for_one_and_what_is_on_screen_for_another_take_a_decode_each(
    emulate: Any, film: Path, decodes: list[tuple[str, int]], tmp_path: Path
) -> None:
    service = emulate(yolo=Looker(objects=[]), ocr=Looker(lines=[LINE]))
    given = {"stages": "objects,text,scenes", "text_sampling": "keyframes", "output_dir": tmp_path}
    document = _run(film, service, given)
    assert sorted(decodes) == [("exact", 2), ("keyframes", 1)]
    assert document.config.sampling == "exact"
    assert document.failures == []


def _run(film: Path, service: Any, given: dict[str, Any]) -> Document:
    return execute(prepare(film, make_options(given), service.fleet))
