import base64
from pathlib import Path

import pytest
import simplejpeg

from framefleet.outputs.report import make as module
from framefleet.outputs.report.make import thumbnails
from framefleet.progress import (
    Event,
    ItemDone,
    StageDone,
    StageStarted,
)
from framefleet.results.assemble.fusion import fuse
from framefleet.schema.scenes import SceneEntry
from framefleet.stages.scene import scenes_between
from framefleet.timebase import Span
from tests.media.make import make_audio, make_video, number_of


def scenes(count: int, duration_s: float) -> list[SceneEntry]:
    cuts = [duration_s * i / count for i in range(1, count)]
    return fuse(scenes_between(cuts, [Span(0.0, duration_s)]), {})


def decoded(jpeg: str) -> int:
    return number_of(simplejpeg.decode_jpeg(base64.b64decode(jpeg)))


def test_each_scene_has_the_picture_of_its_middle(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", frames=50, size=(640, 360))
    made = thumbnails(video, scenes(4, 2.0))
    assert {index: decoded(jpeg) for index, jpeg in made.items()} == {0: 6, 1: 18, 2: 31, 3: 43}
    assert simplejpeg.decode_jpeg_header(base64.b64decode(made[0]))[:2] == (135, 240)


def test_of_many_scenes_as_many_as_a_page_holds_are_picked_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = make_video(tmp_path / "clip.mp4", frames=50)
    monkeypatch.setattr(module, "MOST", 5)
    assert list(thumbnails(video, scenes(20, 2.0))) == [0, 4, 8, 12, 16]
    monkeypatch.setattr(module, "MOST_BYTES", 4000)
    assert list(thumbnails(video, scenes(20, 2.0))) in ([0, 8, 16], [0, 16])


def test_no_scenes_or_no_pictures_no_thumbnails(tmp_path: Path) -> None:
    assert thumbnails(make_video(tmp_path / "clip.mp4", frames=5), []) == {}
    assert thumbnails(make_audio(tmp_path / "talk.m4a"), scenes(2, 2.0)) == {}


def test_who_waits_is_told(tmp_path: Path) -> None:
    heard: list[Event] = []
    thumbnails(make_video(tmp_path / "clip.mp4", frames=50), scenes(2, 2.0), heard.append)
    assert [type(event) for event in heard] == [StageStarted, ItemDone, ItemDone, StageDone]
