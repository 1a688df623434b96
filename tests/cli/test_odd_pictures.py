"""Pictures unlike most, each through the real command line: what is seen in them."""

import base64
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import simplejpeg

from framefleet.config.options import Options
from framefleet.outputs.report.make import thumbnails
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.stages.registry import remote
from tests.cli.conftest import Told
from tests.conftest import ROOT
from tests.media.make import Picture, make_video, number_of, picture_of
from tests.media.odd import HLG, PQ, add_cover, attach, make_wide, make_woven

pytestmark = pytest.mark.full

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
    return remote()["objects"].stage.open_handler(Options())


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
    assert "cat" in scene.objects


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


@pytest.mark.full
def test_odd_pictures_here(analysed: Callable[..., Document], cat: Picture, tmp_path: Path) -> None:
    for name in ("one.mp4", "pq.mp4"):
        document = analysed(KINDS[name](tmp_path / name, cat), "--stages", "all" if name == "one.mp4" else "objects")
        assert "cat" in {thing.label for thing in document.detections[0].objects}


@pytest.fixture
def two_cameras(tmp_path: Path) -> Path:
    """Two tracks of pictures: numbered from 0 on, and from 100 on."""
    path = tmp_path / "dash.mkv"
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("libx264", rate=5, options={"preset": "ultrafast"}) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(10):
            for camera, stream in enumerate(streams):
                frame = av.VideoFrame.from_ndarray(picture_of(number + 100 * camera), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 5)
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    return path


def test_of_two_video_tracks_one_is_chosen(
    cli: Callable[..., Told], analysed: Callable[..., Document], seen: list[Picture], two_cameras: Path, tmp_path: Path
) -> None:
    told = cli("run", two_cameras, "--stages", "objects", "--output-dir", "out")
    assert "using video track 1 of 2; --video-track chooses another" in told.err
    assert "using video track 1 of 2" in cli("plan", two_cameras, "--stages", "objects").out
    assert [number_of(picture) for picture in seen] == [0, 5]
    for wanted, sent in ((2, [100, 105]), (1, [])):  # what the first track showed is known
        seen.clear()
        document = analysed(two_cameras, "--stages", "objects", "--video-track", wanted)
        assert [number_of(picture) for picture in seen] == sent
        assert (document.video.track, document.video.tracks, document.config.video_track) == (wanted, 2, wanted)
    assert "--video-track" not in cli("run", two_cameras, "--stages", "objects", "--video-track", 2).err
    told = cli("run", two_cameras, "--video-track", 3)
    assert told.code == 2
    assert "--video-track 3: " in told.line and "has 2 video tracks: 1: h264 160×120; 2: h264 160×120" in told.line


def test_what_is_made_of_a_result_is_of_its_track(
    cli: Callable[..., Told], seen: list[Picture], two_cameras: Path, tmp_path: Path
) -> None:
    assert cli("run", two_cameras, "--stages", "objects,scenes", "--video-track", 2).code == 0
    result = tmp_path / "output" / "dash_results.json"
    assert cli("render", result, "--no-legend").code == 0
    with av.open(str(tmp_path / "output" / "dash_annotated.mp4")) as made:
        assert number_of(next(made.decode(video=0)).to_ndarray(format="rgb24")) == 100
    assert cli("export", result, "--to", "coco", "--pictures").code == 0
    pictures = sorted((tmp_path / "output" / "dash_coco").rglob("*.jpg"))
    assert [number_of(simplejpeg.decode_jpeg(path.read_bytes())) for path in pictures] == [100, 105]
    document = read_document(result)
    made_of_scenes = thumbnails(two_cameras, document.scenes or (), track=document.video.track)
    assert made_of_scenes and all(
        number_of(simplejpeg.decode_jpeg(base64.b64decode(jpeg))) >= 100 for jpeg in made_of_scenes.values()
    )


@pytest.mark.parametrize("kind", ["flv", "mpeg", "gif", "h264"])
def test_files_of_other_kinds_go_all_the_way(
    cli: Callable[..., Told], seen: list[Picture], tmp_path: Path, kind: str
) -> None:
    """From the file, whose name says nothing, to its pictures, its page and its annotated video."""
    codec, pix_fmt = {"flv": ("flv", None), "mpeg": ("mpeg2video", None), "gif": ("gif", "rgb8")}.get(
        kind, ("libx264", None)
    )
    path = make_video(
        tmp_path / "holiday.bin", frames=50, fps=25, codec=codec, pix_fmt=pix_fmt or "yuv420p", format=kind
    )  # fmt: skip
    told = cli("run", path, "--stages", "objects,scenes", "--report")
    assert told.code == 0
    assert ("no timestamps in the file; assuming 25 frames per second" in told.err) == (kind == "h264")
    assert [number_of(picture) for picture in seen] == [0, 25]
    assert cli("render", tmp_path / "output" / "holiday_results.json").code == 0
    with av.open(str(tmp_path / "output" / "holiday_annotated.mp4")) as made:
        numbers = [number_of(frame.to_ndarray(format="rgb24")) for frame in made.decode(video=0)]
    assert numbers == list(range(50))
