"""The stage orders what cuts right to 0.2 s need, and nothing that is known already."""

import sys
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import msgspec
import pytest

from framefleet.config.options import Options
from framefleet.errors import InputError
from framefleet.media.video.request import PixelView
from framefleet.stages.client import WatchingStage
from framefleet.stages.scene import Scene
from framefleet.stages.scenes.stage import ScenesStage
from tests.stages.scenes.shots import film, media_of, pieces

STAGE: WatchingStage[list[Scene]] = ScenesStage()


def test_it_orders_five_small_pictures_a_second():
    order = STAGE.order(media_of(10.0), Options())
    assert [sample.time for sample in order.samples] == [Fraction(k, 5) for k in range(50)]
    assert order.view == PixelView(96)


def test_what_it_finds_in_its_order():
    watcher = STAGE.watch(media_of(10.0), Options(), ())
    for piece in pieces(film([4.04], [k / 25 for k in range(250)]), 10.0):
        watcher.see(piece)
    first, second = watcher.finish()
    assert (first.start_s, first.end_s, second.end_s) == (0.0, second.start_s, 10.0)
    assert abs(second.start_s - 4.04) < 0.2
    assert msgspec.json.decode(msgspec.json.encode([first, second]), type=list[Scene]) == [first, second]


def test_scenes_that_are_given_are_not_looked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scenedetect.detectors", None)
    path = tmp_path / "scenes.json"
    path.write_text("[[0, 4], [4, 10]]")
    options = SimpleNamespace(scenes=path)
    assert not STAGE.order(media_of(10.0), options).samples
    assert [scene.end_s for scene in STAGE.watch(media_of(10.0), options, ()).finish()] == [4.0, 10.0]
    with pytest.raises(InputError, match="ends after the video's end"):
        STAGE.watch(media_of(5.0), options, ())


def test_sound_alone_has_no_scenes():
    media = replace(media_of(10.0), has_video=False)
    assert not STAGE.order(media, Options()).samples
    assert STAGE.watch(media, Options(), ()).finish() == []
