"""A timeline that OpenTimelineIO reads back, with a marker for all that was found."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from framefleet.results.document import Document
from framefleet.results.export.formats import FORMATS
from framefleet.results.export.otio import COLORS, marks
from framefleet.results.export.text import clean
from framefleet.results.export.write import export
from tests.results.export.documents import documents, sees
from tests.results.export.test_datasets import CAT
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
        stage: COLORS[stage] for stage in ("scenes", "speech", "sounds", "tracks")
    }
    track = found["tracks"]
    assert (track.name, track.metadata["framefleet"]["id"]) == ("cat 1", 1)
    assert (track.marked_range.start_time.to_seconds(), track.marked_range.duration.to_seconds()) == (0.0, 2.0)


@given(documents())
def test_any_timeline_has_all_in_order_and_nothing_before_its_start(document: Document) -> None:
    clip = timeline_of(document).video_tracks()[0][0]
    assert [marker.name for marker in clip.markers] == [clean(mark.name) for mark in marks(document)]
    begun = [marker.marked_range.start_time.to_seconds() for marker in clip.markers]
    assert begun == sorted(begun) and all(time_s >= 0 for time_s in begun)
    assert all(marker.marked_range.duration.to_seconds() > 0 for marker in clip.markers)


def test_any_name_will_do(tmp_path: Path) -> None:
    export(make_document(), FORMATS["otio"], tmp_path / "mine.json", stem="clip")
    assert (tmp_path / "mine.json").read_text("utf-8").startswith("{")


def test_sound_alone_is_a_timeline_too() -> None:
    document = make_document()
    video = replace(document.video, width=0, height=0, codec="", fps=0.0)
    timeline = timeline_of(replace(document, video=video, detections=None, tracks=None))
    assert [track.kind for track in timeline.tracks] == ["Audio"]
    assert {m.metadata["framefleet"]["stage"] for m in timeline.audio_tracks()[0][0].markers} >= {"speech", "sounds"}
