"""The looks stage measures the frames of scenes: light, colours and motion, over time and by scene."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from framefleet.config.options import Options
from framefleet.media.files.probe import probe
from framefleet.media.types import Gap, PictureTime, Sample
from framefleet.media.video import view
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import Pixels
from framefleet.schema.looks import PALETTE, Look, Looks
from framefleet.stages.client import Kept, WatchingStage
from framefleet.stages.looks.spec import LOOKS, spans, tables, with_scenes
from framefleet.stages.looks.stage import LooksStage
from framefleet.stages.registry import default, everything
from framefleet.stages.scene import scenes_between
from framefleet.stages.scenes.stage import ScenesStage
from framefleet.timebase import Span
from tests.media.make import make_video
from tests.stages.scenes.shots import cloud, media_of

Image = NDArray[np.uint8]
STAGE: WatchingStage[Looks] = LooksStage()


def plain(*rgb: int) -> Image:
    return np.full((54, 96, 3), rgb, np.uint8)


def ground() -> Image:
    """A large textured image, (162, 192, 3), such as gravel from above."""
    rough = cv2.GaussianBlur(np.random.default_rng(1).uniform(0, 255, (162, 192)).astype(np.float32), (0, 0), 2)
    return np.repeat(cv2.normalize(rough, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)[..., None], 3, 2)  # type: ignore[call-overload,no-any-return]


def watched(frames: Sequence[Image | None], cuts: Sequence[float] = ()) -> Looks:
    """The looks of frames at five a second, None for one that is lost."""
    duration_s = len(frames) / 5
    watcher = STAGE.watch(media_of(duration_s), Options(), ())
    for index, frame in enumerate(frames):
        sample = Sample(index, Fraction(index, 5))
        lost = Gap(sample, "lost")
        watcher.see(lost if frame is None else Pixels(PictureTime(index, sample.time_s, sample.time_s), frame))
    return with_scenes(watcher.finish(), scenes_between(cuts, [Span(0.0, duration_s)]))


def share(look: Look | None, color: str) -> float:
    assert look is not None
    return look.palette[PALETTE.index(color)]


def test_it_is_off_by_default_and_part_of_all() -> None:
    assert "looks" not in default()
    assert "looks" in everything()


def test_it_orders_the_very_frames_of_scenes() -> None:
    media, options = media_of(10.0), Options()
    assert STAGE.order(media, LOOKS.options_for(options)) == ScenesStage().order(media, options)
    assert not STAGE.order(replace(media, has_video=False), options).samples


def test_frames_of_scenes_and_looks_are_decoded_and_converted_once(tmp_path: Any, monkeypatch: Any) -> None:
    media, made = probe(make_video(tmp_path / "v.mp4")), []
    encoder = view._encoder

    def counting(*arguments: Any) -> Any:
        one = encoder(*arguments)
        return SimpleNamespace(encode=lambda frame: made.append(frame) or one.encode(frame))

    monkeypatch.setattr(view, "_encoder", counting)
    alone = [ScenesStage().order(media, Options())]
    list(decode_orders(media, alone))
    once, made[:] = len(made), []
    pieces = list(decode_orders(media, [*alone, STAGE.order(media, Options())]))
    assert len(made) == once > 0
    assert len(pieces) == 2 * len(alone[0].samples)


def test_light_and_colours_of_each_scene_and_second() -> None:
    looks = watched([plain(200, 0, 0)] * 10 + [plain(30, 30, 30)] * 5, cuts=[2.0])
    red, dark = looks.scenes
    assert share(red, "red") == 1.0
    assert share(dark, "black") == 1.0
    assert dark is not None
    assert dark.light == pytest.approx(30 / 255, abs=1e-3)
    assert (dark.contrast, dark.saturation, dark.plain) == (0, 0, 1)
    assert [(look.start_s, look.end_s) for look in looks.over_time] == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]
    assert [one.label for one in spans(looks)] == ["colourful", "plain background", "still", "dark", "grey"]


def test_a_still_is_still_and_a_cut_is_no_motion() -> None:
    still = np.ascontiguousarray(cloud(1)[:, :96]).astype(np.uint8)
    other = 255 - still
    looks = watched([still] * 5 + [other] * 5, cuts=[1.0])
    assert [look.motion for look in looks.over_time] == [0.0, 0.0]
    assert looks.over_time[0].still == 1.0
    assert looks.over_time[1].still == pytest.approx(0.8)


def test_a_pan_is_measured_in_widths_a_second() -> None:
    look = watched([np.ascontiguousarray(ground()[54:108, 2 * n : 2 * n + 96]) for n in range(10)]).scenes[0]
    assert look is not None
    assert look.pan == pytest.approx(2 / 96 * 5, rel=0.1)
    assert look.still == 0.0
    assert look.zoom == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("growth", [1.02, 1 / 1.02])
def test_a_zoom_is_how_much_the_content_grows_a_second(growth: float) -> None:
    frames = []
    for n in range(8):
        by = growth**n
        way = np.array([[by, 0, 96 * (1 - by)], [0, by, 81 * (1 - by)]], np.float32)
        frames.append(np.ascontiguousarray(cv2.warpAffine(ground(), way, (192, 162))[54:108, 48:144]))
    looks = watched(frames)  # type: ignore[arg-type]
    look = looks.scenes[0]
    assert look is not None
    assert look.zoom == pytest.approx((growth - 1) * 5, rel=0.2)
    assert ("zoom in" if growth > 1 else "zoom out") in {one.label for one in spans(looks)}


def test_what_was_not_seen_is_null_and_no_motion_spans_it() -> None:
    still = cloud(1)[:, :96].astype(np.uint8)
    looks = watched([still] * 5 + [None] * 5 + [still], cuts=[1.0, 2.0])
    assert [look is None for look in looks.scenes] == [False, True, False]
    assert [look.start_s for look in looks.over_time] == [0.0, 2.0]
    assert looks.over_time[-1].still is None  # nothing came just before it


def test_a_frame_that_is_shown_for_several_samples_is_not_still() -> None:
    watcher = STAGE.watch(media_of(1.0), Options(), ())
    for index in range(5):
        watcher.see(Pixels(PictureTime(index, index / 5, 0.0), plain(9, 9, 9)))
    assert [look.still for look in watcher.finish().over_time] == [None] * 5


def test_without_scenes_it_is_over_time_alone_and_survives_being_written() -> None:
    watcher = STAGE.watch(media_of(1.0), Options(), ())
    watcher.see(Pixels(PictureTime(0, 0.0, 0.0), plain(9, 9, 9)))
    looks = with_scenes(watcher.finish(), [])
    assert looks.scenes == []
    assert msgspec.convert(msgspec.to_builtins(looks), Looks) == looks


def test_the_next_run_need_not_decode_for_it() -> None:
    stage = LooksStage()
    assert isinstance(stage, Kept)
    watcher = STAGE.watch(media_of(1.0), Options(), ())
    watcher.see(Pixels(PictureTime(0, 0.0, 0.0), plain(9, 9, 9)))
    found = watcher.finish()
    assert msgspec.json.decode(msgspec.json.encode(found), type=stage.kept_as) == found


def test_its_tables_have_a_column_for_each_colour() -> None:
    made = tables(watched([plain(200, 0, 0)] * 5), None)  # type: ignore[arg-type]
    assert set(PALETTE) < set(made["looks"].columns)
    assert len(made["looks"].rows) == len(made["scenes"].rows) == 1
