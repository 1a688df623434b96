"""Among keyframes alone cuts are told at the keyframe that shows them, and a pan between them is none."""

import sys
from bisect import bisect_left
from itertools import pairwise

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefleet.config.options import Options
from framefleet.errors import SetupError
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap, PictureTime, Sample
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import Pixels
from framefleet.stages.scenes.keyframes import KeyframeWatcher
from framefleet.stages.scenes.spec import RATE
from framefleet.stages.scenes.stage import ScenesStage
from tests.stages.scenes.shots import film, look, media_of, starts

OPTIONS = Options(sampling="keyframes")


def watched(keyframes, duration, lost=()):
    """The scenes of keyframes and their times: each sample has the nearest."""
    times = [time for time, _ in keyframes]
    watcher = KeyframeWatcher(media_of(duration), times)
    for sample in plan_samples(duration, RATE):
        place = bisect_left([(a + b) / 2 for a, b in pairwise(times)], sample.time_s)
        time, picture = keyframes[place]
        at = PictureTime(sample.index, sample.time_s, time)
        watcher.see(Gap(Sample(sample.index, sample.time), "lost") if place in lost else Pixels(at, picture))
    return watcher.finish()


def test_a_cut_with_a_keyframe_on_it_is_told_to_the_frame():
    cuts = [3.28, 5.76, 7.76]
    scenes = watched(film(cuts, [0.0, *cuts]), 11.88)
    assert starts(scenes) == cuts
    assert [scene.thumbnail_s for scene in scenes] == [0.0, *cuts]


@pytest.mark.parametrize("step", [0.2, 0.5, 2, 5, 10])
def test_a_cut_between_keyframes_is_told_at_the_next_one(step):
    times = [k * step for k in range(6)]
    scenes = watched(film([1.5 * step], times), 6 * step + 1)
    assert starts(scenes) == [2 * step]
    assert all(scene.thumbnail_s in times for scene in scenes)


@pytest.mark.parametrize(("step", "pan"), [(10, 0.5), (5, 2), (2, 5), (0.5, 20)])
def test_a_pan_is_no_cut(step, pan):
    assert starts(watched(film([], [k * step for k in range(10)], pan), 10.0 * step)) == []


def test_light_that_changes_is_no_cut():
    assert starts(watched([(5.0 * k, look(1, 0, 12.0 * (k % 2))) for k in range(6)], 30.0)) == []


def test_of_an_encoder_that_sees_cuts_a_keyframe_that_was_due_is_none():
    """All differ from the one before, by a fast pan for instance; at 13.4, 24 and 26 s the encoder saw a cut."""
    times = [0.0, 10.0, 13.4, 23.4, 24.4, 26.0]
    assert starts(watched([(time, look(k)) for k, time in enumerate(times)], 30.0)) == [13.4, 24.4, 26.0]


def test_a_flash_is_no_cut():
    for flash in ([10], [10, 11]):
        shot = [(k / 5, look(7) if k in flash else look(1)) for k in range(25)]
        assert starts(watched(shot, 5.0)) == []


def test_scenes_are_not_shorter_than_the_least():
    assert starts(watched(film([3.0, 3.4, 9.6], [k / 5 for k in range(50)]), 10.0)) == [3.0]


def test_what_could_not_be_decoded_pictures_no_scene():
    scenes = watched(film([4.0], [0.0, 2.0, 4.0, 6.0, 8.0]), 10.0, lost=[3, 4])
    assert [(scene.start_s, scene.thumbnail_s) for scene in scenes] == [(0.0, 2.0), (4.0, 4.0)]


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12), st.sampled_from([0.3, 1.0, 7.0]), st.sets(st.integers(0, 11))
)
def test_scenes_cover_the_whole_video_and_begin_at_keyframes(seeds, step, lost):
    keyframes = [(round(k * step, 6), look(seed)) for k, seed in enumerate(seeds)]
    duration = len(seeds) * step
    scenes = watched(keyframes, duration, lost)
    assert (scenes[0].start_s, scenes[-1].end_s) == (0.0, duration)
    assert all(a.end_s == b.start_s for a, b in pairwise(scenes))
    assert set(starts(scenes)) <= {time for place, (time, _) in enumerate(keyframes) if place not in lost}
    assert all(scene.start_s <= scene.thumbnail_s < scene.end_s for scene in scenes)


def test_the_stage_goes_by_the_sampling_asked_for(tmp_path):
    """A file whose only keyframes lie on its cuts: found by them, though pictures are far too few for motion."""
    path, cuts = tmp_path / "v.mp4", [3.2, 5.6]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"g": "250", "x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 96, 54, "yuv420p"
        for time, picture in film(cuts, [k / 10 for k in range(100)]):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pict_type = av.video.frame.PictureType.I if time in cuts else av.video.frame.PictureType.NONE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    stage, media, marks = ScenesStage(), probe(path), []
    watcher = stage.watch(media, OPTIONS, marks)
    for _, piece in decode_orders(media, [stage.order(media, OPTIONS)], sampling="keyframes", on_keyframe=marks.append):
        watcher.see(piece)
    assert starts(watcher.finish()) == cuts


def test_without_opencv_it_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "framefleet.stages.scenes.keyframes", raising=False)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(SetupError, match="install"):
        KeyframeWatcher(media_of(1.0), ())
