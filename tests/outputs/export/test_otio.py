"""A timeline that OpenTimelineIO reads back, with a marker for all that was found."""

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import pytest
from hypothesis import given
from msgspec.structs import replace

from framefleet.outputs.export.clock import STANDARD, counted_rate
from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.otio import marks
from framefleet.outputs.export.text import clean
from framefleet.schema.document import Document
from tests.media.make import make_video
from tests.outputs.export.documents import documents, sees
from tests.outputs.export.test_datasets import CAT
from tests.results.make import make_document

otio = pytest.importorskip("opentimelineio", reason="OpenTimelineIO is not made for this Python yet")


def timeline_of(document: Document, **more: Any) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.otio"
        export(document, FORMATS["otio"], path, stem="clip", **more)
        return otio.adapters.read_from_file(str(path))


def test_the_video_is_a_clip_with_pictures_and_sound(tmp_path: Path) -> None:
    timeline = timeline_of(make_document(), video=tmp_path / "my clip.mp4")
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    [clip] = timeline.video_tracks()[0]
    assert clip.source_range.duration.to_seconds() == 2.0
    assert clip.media_reference.target_url == (tmp_path / "my clip.mp4").as_uri()


def test_markers_say_what_when_and_by_their_colour_of_which_kind() -> None:
    clip = timeline_of(sees([CAT], [CAT], [CAT])).video_tracks()[0][0]
    found = {marker.metadata["framefleet"]["stage"]: marker for marker in clip.markers}
    assert {stage: marker.color for stage, marker in found.items()} == {
        "scenes": "GREEN",
        "speech": "CYAN",
        "sounds": "ORANGE",
        "tracks": "RED",
    }
    track = found["tracks"]
    assert (track.name, track.metadata["framefleet"]["id"]) == ("cat 1", 1)
    assert (track.marked_range.start_time.to_seconds(), track.marked_range.duration.to_seconds()) == (0.0, 2.0)


@given(documents())
def test_any_timeline_has_all_in_order_and_nothing_before_its_start(document: Document) -> None:
    clip = timeline_of(document).video_tracks()[0][0]
    assert [marker.name for marker in clip.markers] == [clean(one.mark.name) for one in marks(document)]
    begun = [marker.marked_range.start_time.to_seconds() for marker in clip.markers]
    assert begun == sorted(begun) and all(time_s >= 0 for time_s in begun)
    assert all(marker.marked_range.duration.to_seconds() > 0 for marker in clip.markers)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a/my clip #1 100%.mp4", "file:///a/my%20clip%20%231%20100%25.mp4"),
        ("C:\\my clips\\a#1.mp4", "file:///C:/my%20clips/a%231.mp4"),
        ("D:/ü.mp4", "file:///D:/%C3%BC.mp4"),
        ("\\\\server\\my share\\a.mp4", "file://server/my%20share/a.mp4"),
        ("clips/a b.mp4", None),
    ],
)
def test_where_the_video_was_is_a_whole_url(path: str, url: str | None) -> None:
    document = make_document()
    timeline = timeline_of(replace(document, video=replace(document.video, path=path)))
    expected = url or Path(path).absolute().as_uri()
    assert timeline.find_clips()[0].media_reference.target_url == expected


def test_a_timeline_begins_with_the_earliest_stream() -> None:
    document = make_document()
    assert document.video.audio is not None
    early = replace(document.video, audio=replace(document.video.audio, start_s=-1.5))
    clip = timeline_of(replace(document, video=early)).find_clips()[0]
    assert clip.source_range.duration.to_seconds() == pytest.approx(3.5, abs=0.021)
    [scene] = [marker for marker in clip.markers if marker.metadata["framefleet"]["stage"] == "scenes"]
    assert scene.marked_range.start_time.to_seconds() == pytest.approx(1.5, abs=0.021)
    assert scene.metadata["framefleet"]["start_s"] == 0.0


@pytest.mark.parametrize(
    ("usual", "average", "rate"),
    [
        *(
            (30, 28.4, 30),
            (1000, 29.2, STANDARD[2]),
            (90_000, 7.3, STANDARD[0]),
            (50, 25, 25),
            (30, 25, 30),
            (60, 59.9401, 60),
        ),
        *((10, 10, 10), (None, 12.5, 12.5), (None, 15, 15), (None, 29.97, STANDARD[2]), (None, 28.4, STANDARD[2])),
        *((None, None, 25), (None, 0, 25), (120, 120, 120), (None, 119.88, 119.88), (None, 1e308, 25)),
    ],
)
def test_a_rate_is_one_that_editing_programs_take_if_it_can_be(usual: int | None, average: float, rate: float) -> None:
    found = counted_rate(*(None if given is None else Fraction(given) for given in (usual, average)))
    assert float(found) == pytest.approx(float(rate))


def test_the_rate_is_the_files_own_and_not_an_average(tmp_path: Path) -> None:
    times = [Fraction(t, 30) for t in (0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 15)]
    video = make_video(tmp_path / "clip.mp4", times=times, fps=Fraction(30))
    document = make_document()
    document = replace(document, video=replace(document.video, fps=23.2))
    clip = timeline_of(document, video=video).find_clips()[0]
    assert clip.media_reference.available_range.duration.rate == 30
    assert otio.opentime.to_timecode(clip.source_range.duration) == "00:00:02:00"


@pytest.mark.parametrize(
    ("fps", "timecode", "first"),
    [
        (Fraction(25), "10:00:00:00", 900_000),
        (Fraction(30_000, 1001), "01:00:00;02", 107_894),
        (Fraction(60_000, 1001), "01:00:00;02", 215_786),
        (Fraction(24_000, 1001), "00:59:59:23", 86_399),
        (Fraction(10), "01:00:00:00", 0),
        (Fraction(25), None, 0),
    ],
)
def test_a_timeline_counts_from_what_the_camera_wrote(
    tmp_path: Path, fps: Fraction, timecode: str | None, first: int
) -> None:
    video = with_timecode(tmp_path / "clip.mov", fps, timecode)
    document = make_document()
    clip = timeline_of(replace(document, video=replace(document.video, fps=float(fps))), video=video).find_clips()[0]
    media = clip.media_reference.available_range
    assert (media.start_time.value, clip.source_range.start_time.value) == (first, first)
    track = next(marker for marker in clip.markers if marker.metadata["framefleet"]["stage"] == "tracks")
    assert track.marked_range.start_time.value == first
    if timecode and first:
        assert otio.opentime.to_timecode(media.start_time) == timecode


def with_timecode(path: Path, fps: Fraction, timecode: str | None) -> Path:
    """A file that begins with a camera's timecode, as FFmpeg's muxer of QuickTime writes it."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=fps)
        stream.width, stream.height = 64, 48
        if timecode:
            out.metadata["timecode"] = timecode
        for number in range(3):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, 1 / fps
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_any_name_will_do(tmp_path: Path) -> None:
    export(make_document(), FORMATS["otio"], tmp_path / "mine.json", stem="clip")
    assert (tmp_path / "mine.json").read_text("utf-8").startswith("{")


def test_sound_alone_is_a_timeline_too() -> None:
    document = make_document()
    video = replace(document.video, width=0, height=0, codec="", fps=0.0)
    timeline = timeline_of(replace(document, video=video, detections=None, tracks=None))
    assert [track.kind for track in timeline.tracks] == ["Audio"]
    assert {m.metadata["framefleet"]["stage"] for m in timeline.audio_tracks()[0][0].markers} >= {"speech", "sounds"}
