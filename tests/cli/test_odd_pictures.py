"""Pictures unlike most, each through the real command line: what is seen in them."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from framefleet.config import Options
from framefleet.results.document import Document
from framefleet.stages.registry import FLEET
from tests.conftest import ROOT
from tests.media.make import Picture, make_video
from tests.media.odd import HLG, PQ, add_cover, attach, make_wide, make_woven

Fleet = Callable[..., Any]
Make = Callable[[Path, Picture], Path]


@pytest.fixture(scope="module")
def cat() -> Picture:
    """A picture that has a cat in it: (234, 416, 3), RGB; both sides even, as 4:2:0 wants them."""
    with av.open(str(ROOT / "samples" / "sample.mp4")) as container:
        container.seek(12_000_000)
        frame = next(frame for frame in container.decode(video=0) if frame.time >= 12)
    return frame.reformat(416, 234, format="rgb24", dst_color_range=2).to_ndarray()


@pytest.fixture(scope="module")
def detector() -> Any:
    return FLEET["objects"].open_handler(Options())


@pytest.fixture
def seen(fleet: Fleet, detector: Any) -> list[Picture]:
    """The pictures that the worker, which has the embedded model, was sent."""
    pictures: list[Picture] = []

    def look(job: dict[str, Any]) -> dict[str, Any]:
        frames = job["input"]["source"]["frames"]
        pictures.extend(simplejpeg.decode_jpeg(base64.b64decode(frame["jpeg"])) for frame in frames)
        reply: dict[str, Any] = detector(job)
        return reply

    fleet(yolo=look)
    return pictures


def still(codec: str, pix_fmt: str, frames: int = 3, **more: Any) -> Make:
    """A video of one picture, in that form."""

    def make(path: Path, picture: Picture) -> Path:
        size = picture.shape[1], picture.shape[0]
        pictures = [picture] * frames
        return make_video(
            path, frames=frames, fps=5, codec=codec, pix_fmt=pix_fmt, size=size, pictures=pictures, **more
        )

    return make


def large(path: Path, picture: Picture) -> Path:
    times = np.arange(2160) * picture.shape[0] // 2160, np.arange(3840) * picture.shape[1] // 3840
    return still("libx264", "yuv420p", frames=2, options={"preset": "ultrafast"})(path, picture[np.ix_(*times)])


def with_cover(path: Path, picture: Picture) -> Path:
    plain = still("libx264", "yuv420p", options={"bf": "0"})(path.with_name(f"plain{path.suffix}"), picture)
    return add_cover(plain, path, np.full((64, 64, 3), 255, np.uint8))


def with_attachments(path: Path, picture: Picture) -> Path:
    plain = still("libx264", "yuv420p", options={"bf": "0"})(path.with_name("plain.mkv"), picture)
    drawn = attach(plain, path.with_name("drawn.mkv"), "font.ttf", "application/x-truetype-font", bytes(400))
    cover = simplejpeg.encode_jpeg(np.full((64, 64, 3), 255, np.uint8))
    return attach(drawn, path, "cover.jpg", "image/jpeg", cover)


BT601, BT709, LIMITED, FULL = 5, 1, 1, 2
TEN_BITS = "yuv420p10le"
KINDS: dict[str, Make] = {
    "one.mp4": still("libx264", "yuv420p", frames=1),
    "one.mkv": still("libx264", "yuv420p", frames=1),
    "one.ts": still("libx264", "yuv420p", frames=1),
    "large.mp4": large,
    "high10.mp4": still("libx264", TEN_BITS),
    "high422.mkv": still("libx264", "yuv422p10le"),
    "main10.mp4": still("libx265", TEN_BITS),
    "ten_bits_av1.mkv": still("libsvtav1", TEN_BITS, options={"preset": "12", "svtav1-params": "lp=1"}),
    "vp9_444.webm": still("libvpx-vp9", "yuv444p"),
    "prores.mov": still("prores_ks", "yuv422p10le"),
    "lossless16.mkv": still("ffv1", "yuv422p16le"),
    "full_range.mp4": still("libx264", "yuv420p", colour=(BT709, FULL)),
    "limited_range.mp4": still("libx264", "yuv420p", colour=(BT709, LIMITED)),
    "bt601.mp4": still("libx264", "yuv420p", colour=(BT601, LIMITED)),
    "pq.mp4": lambda path, picture: make_wide(path, picture, curve=PQ),
    "hlg.mkv": lambda path, picture: make_wide(path, picture, curve=HLG),
    "cover.mp4": with_cover,
    "attachments.mkv": with_attachments,
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture_is_seen_as_it_is(
    analysed: Callable[..., Document], seen: list[Picture], cat: Picture, tmp_path: Path, name: str
) -> None:
    path = KINDS[name](tmp_path / name, cat)
    document = analysed(path, "--fps", 5, "--stages", "objects,scenes", "--max-side", 416, "--imgsz", 416)
    frames = {"one": 1, "large": 2}.get(path.stem, 3)
    assert document.failures == []
    assert [d.index for d in document.detections] == list(range(frames))
    assert (document.video.width, document.video.height) == ((3840, 2160) if path.stem == "large" else (416, 234))
    assert document.video.audio is None
    scale = document.video.width / 416
    for picture, detection in zip(seen, document.detections, strict=True):
        assert np.abs(picture.astype(int) - cat).mean() < 5
        found = next(thing for thing in detection.objects if thing.label == "cat")
        assert found.confidence > 0.4
        assert all(0 <= place <= document.video.width for place in found.box)
        assert found.box[2] - found.box[0] > 50 * scale
    (scene,) = document.scenes
    assert (scene.start_s, scene.end_s) == (0, document.video.duration_s)
    assert "cat" in scene.seen


def test_fields_stay_woven(
    analysed: Callable[..., Document], seen: list[Picture], cat: Picture, tmp_path: Path
) -> None:
    cat = cat[:232]  # lines in fours, as interlaced 4:2:0 has them
    document = analysed(make_woven(tmp_path / "woven.mp4", cat), "--fps", 5, "--stages", "objects", "--imgsz", 416)
    assert len(seen) == len(document.detections) == 3
    for number, (picture, detection) in enumerate(zip(seen, document.detections, strict=True)):
        for field in (0, 1):
            moved = np.roll(cat, 4 * number + 2 * field, axis=1)[field::2]
            assert np.abs(picture[field::2].astype(int) - moved).mean() < 8
        assert "cat" in {thing.label for thing in detection.objects}


def test_odd_pictures_here(analysed: Callable[..., Document], cat: Picture, tmp_path: Path) -> None:
    for name in ("one.mp4", "pq.mp4"):
        document = analysed(KINDS[name](tmp_path / name, cat), "--stages", "all" if name == "one.mp4" else "objects")
        assert "cat" in {thing.label for thing in document.detections[0].objects}
