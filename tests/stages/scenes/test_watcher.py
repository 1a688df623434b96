"""Cuts are found where they are, and not where there are none."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefleet.errors import SetupError
from framefleet.stages.scenes.watcher import MIN_SCENE_S, SceneWatcher
from tests.stages.scenes.shots import film, look, media_of, pieces, starts, watched

CONSTANT = [k / 25 for k in range(250)]  # 10 s


def assert_right(scenes, cuts, within=0.2):
    assert len(starts(scenes)) == len(cuts), starts(scenes)
    assert all(abs(found - cut) < within for found, cut in zip(starts(scenes), cuts, strict=True))


@pytest.mark.parametrize("cuts", [[4.04], [1.0, 2.32, 6.2], [0.64, 1.4, 9.2], [2.0, 2.8, 3.6, 4.4]])
@pytest.mark.parametrize("pan", [0.0, 12.0])
def test_cuts_at_a_constant_rate(cuts, pan):
    scenes = watched(film(cuts, CONSTANT, pan), 10.0)
    assert_right(scenes, cuts, within=0.101)
    assert all(abs(scene.thumbnail_s - cut) > 0.2 for scene in scenes for cut in cuts)


@pytest.mark.full
@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.lists(st.sampled_from([0.011, 0.04, 0.1, 0.33]), min_size=80, max_size=80))
def test_cuts_at_a_variable_rate(random, steps):
    times = [0.0, *itertools.accumulate(steps)]
    duration = times[-1] + 0.04
    inner = [time for time in times if 0.7 < time < duration - 1.0]
    cuts: list[float] = []
    for time in inner:
        if (not cuts or time - cuts[-1] > 1.2) and random.random() < 0.5:
            cuts.append(time)
    assert_right(watched(film(cuts, times), duration, fps=len(times) / duration), cuts)


def test_a_slow_show_of_slides():
    """A frame that stays on for a second is one picture, not five without motion, and its time is exact."""
    slides = [(float(second), look(second // 3)) for second in range(12)]
    assert starts(watched(slides, 12.0, fps=1.0)) == [3.0, 6.0, 9.0]
    moving = [(float(second), look(1, second * 7)) for second in range(12)]
    assert starts(watched(moving, 12.0, fps=1.0)) == []


@pytest.mark.parametrize("pan", [5.0, 20.0, 60.0])
def test_a_pan_is_no_cut(pan):
    assert starts(watched(film([], CONSTANT, pan), 10.0)) == []


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_a_flash_is_no_cut(frames):
    shot = [(t, look(1, t * 3, 90.0 if 100 <= k < 100 + frames else 0.0)) for k, t in enumerate(CONSTANT)]
    assert starts(watched(shot, 10.0)) == []


def mixed(one, other, begin, length):
    """One picture that turns into the other."""
    shares = [min(1.0, max(0.0, time - begin) / length) for time in CONSTANT]
    return [
        (time, ((1 - share) * one + share * other).astype(np.uint8))
        for time, share in zip(CONSTANT, shares, strict=True)
    ]


BLACK, WHITE = np.zeros_like(look(0)), np.full_like(look(0), 255)


def begins(scenes):
    return [(scene.start_s, scene.transition) for scene in scenes]


@pytest.mark.parametrize("length", [0.6, 1.0, 2.0])
def test_a_dissolve_is_a_cut_in_its_middle(length):
    first, second = begins(watched(mixed(look(0), look(1), 4.0, length), 10.0))
    assert first == (0.0, None)
    assert second == (pytest.approx(4.0 + length / 2, abs=0.21), "dissolve")


@pytest.mark.parametrize("through", [BLACK, WHITE], ids=["black", "white"])
@pytest.mark.parametrize("length", [0.4, 1.0, 2.0])
def test_a_fade_is_a_cut_where_nothing_is_seen(through, length):
    out = [frame for frame in mixed(look(0), through, 4.0 - length, length) if frame[0] < 4.0]
    into = [frame for frame in mixed(through, look(1), 4.0, length) if frame[0] >= 4.0]
    first, second = begins(watched(out + into, 10.0))
    assert first == (0.0, None)
    assert second == (pytest.approx(4.0, abs=0.21), "fade")


def test_a_fade_that_comes_out_where_it_went_in_is_no_cut():
    out = [frame for frame in mixed(look(0), BLACK, 3.0, 1.0) if frame[0] < 4.0]
    into = [frame for frame in mixed(BLACK, look(0), 4.0, 1.0) if frame[0] >= 4.0]
    assert starts(watched(out + into, 10.0)) == []


def test_fading_in_at_the_beginning_and_out_at_the_end_is_no_cut():
    assert starts(watched(mixed(BLACK, look(0), 0.0, 2.0), 10.0)) == []
    assert starts(watched(mixed(look(0), BLACK, 8.0, 2.0), 10.0)) == []


@pytest.mark.parametrize("period", [0.08, 0.12, 0.2, 0.36, 0.52, 1.0])
@pytest.mark.parametrize("light", [WHITE, BLACK], ids=["strobe", "blinks"])
def test_a_strobe_is_no_scene(period, light):
    lit = [(t, light if 3.0 <= t < 6.0 and t % period < 0.4 * period else look(1, t * 2)) for t in CONSTANT]
    assert starts(watched(lit, 10.0)) == []


def test_light_that_changes_is_no_cut():
    assert starts(watched([(t, look(1, 0, min(60.0, max(0.0, t - 4.0) * 40))) for t in CONSTANT], 10.0)) == []


@pytest.mark.parametrize("step", [60.0, -45.0], ids=["brighter", "darker"])
@pytest.mark.parametrize("pan", [0.0, 4.0])
def test_a_light_that_goes_on_or_off_is_no_cut(step, pan):
    assert starts(watched([(t, look(1, t * pan, step if t >= 4.0 else 0.0)) for t in CONSTANT], 10.0)) == []


@pytest.mark.parametrize("period", [0.5, 0.7, 1.1, 1.7])
def test_a_light_that_pulses_is_no_scene(period):
    lit = [(t, look(1, t * 2, 60.0 * np.sin(2 * np.pi * t / period))) for t in CONSTANT]
    assert starts(watched(lit, 10.0)) == []


def test_another_scene_in_other_light_is_a_cut():
    shown = [(t, look(0, 0, 0.0) if t < 4.0 else look(1, 0, 60.0)) for t in CONSTANT]
    assert starts(watched(shown, 10.0)) == [pytest.approx(4.0, abs=0.21)]


def page(*lines):
    """White, with words in their rows: bits of their letters, as strokes."""
    picture = np.full((54, 96, 3), 255, np.uint8)
    for row, word in enumerate(lines):
        for place, letter in enumerate(word):
            bits = np.array([(ord(letter) >> bit) & 1 for bit in range(6)], bool)
            picture[8 + 9 * row : 13 + 9 * row, 6 + 4 * place : 9 + 4 * place][bits.reshape(2, 3).repeat(3, 0)[:5]] = 40
    return picture


PAGES = page("Quarterly results", "Revenue grew"), page("Road map", "Version two in May"), page("Questions?", "Ask!")


def test_another_slide_is_a_scene_of_its_own_kind():
    shown = [(t, PAGES[min(2, int(t / 3.0))]) for t in CONSTANT]
    assert begins(watched(shown, 10.0)) == [
        (0.0, None), (pytest.approx(3.0, abs=0.11), "slide"), (pytest.approx(6.0, abs=0.11), "slide")
    ]  # fmt: skip


def test_a_line_more_on_a_slide_and_typing_are_the_same_scene():
    lines = "Quarterly results", "Revenue grew by 12 %", "Costs fell by 3 %", "Outlook"
    assert starts(watched([(t, page(*lines[: 2 + int(t / 4.0)])) for t in CONSTANT], 10.0)) == []
    typed = "all that is typed letter by letter into one line of a document"
    assert starts(watched([(t, page("Title", typed[: int(t * 4)][-20:])) for t in CONSTANT], 10.0)) == []


@pytest.mark.parametrize("lost", [[20], [20, 21], range(5), range(20, 30), range(40, 50), range(1, 50), range(50)])
def test_a_gap_is_no_cut(lost):
    assert starts(watched(film([], CONSTANT, 30.0), 10.0, lost=lost)) == []


def test_cuts_around_a_long_gap_are_found():
    cuts = [2.0, 7.0]
    assert_right(watched(film(cuts, CONSTANT, 4.0), 10.0, lost=range(15, 30)), cuts)


def test_a_cut_behind_one_lost_picture_is_found():
    assert_right(watched(film([4.04], CONSTANT), 10.0, lost=[21]), [4.04], within=0.4)


def test_scenes_are_not_shorter_than_the_least():
    cuts = [3.0, 3.4, 9.7]
    scenes = watched(film(cuts, CONSTANT), 10.0)
    assert starts(scenes) == pytest.approx([3.0], abs=0.1)
    assert all(scene.end_s - scene.start_s >= MIN_SCENE_S for scene in scenes)


def test_one_frame_is_one_scene():
    (scene,) = watched([(0.0, look(1))], 0.04)
    assert (scene.index, scene.start_s, scene.end_s) == (0, 0.0, 0.04)
    assert 0 <= scene.thumbnail_s < 0.04


def test_keyframes_that_came_early_make_cuts_exact():
    keyframes = [0.0, 3.0, 4.04, 6.28, 9.28]
    assert starts(watched(film([4.04, 6.28], CONSTANT), 10.0, keyframes=keyframes)) == [4.04, 6.28]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.sets(st.integers(0, 60)))
@settings(max_examples=30)
def test_scenes_cover_the_whole_video(seeds, lost):
    duration = len(seeds) / 5
    scenes = watched([(k / 5, look(seed)) for k, seed in enumerate(seeds)], duration, lost=lost)
    assert [scene.index for scene in scenes] == list(range(len(scenes)))
    assert (scenes[0].start_s, scenes[-1].end_s) == (0.0, duration)
    assert all(a.end_s == b.start_s for a, b in itertools.pairwise(scenes))
    assert all(scene.start_s <= scene.thumbnail_s < scene.end_s for scene in scenes)


def test_a_scene_is_pictured_where_a_picture_was_seen():
    """Of 10 s the last five did not come, as where a file is cut off."""
    first, second = watched(film([3.0], CONSTANT), 10.0, lost=range(26, 50))
    assert (first.thumbnail_s, second.end_s, second.thumbnail_s) == (first.end_s / 2, 10.0, 5.0)
    assert watched(film([], CONSTANT), 10.0, lost=range(30))[0].thumbnail_s == 6.0


@pytest.mark.full
def test_memory_is_flat():
    """What a watcher holds after a thousand pictures is what it held after ten."""
    watcher = SceneWatcher(media_of(200.0), ())
    sizes = []
    for piece in pieces(film([], [k / 5 for k in range(1000)], 5.0), 200.0):
        watcher.see(piece)
        sizes.append(held(watcher))
    assert max(sizes) - sizes[10] < 100


def held(thing, seen=None) -> int:
    """Arrays and containers' entries within reach."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, type | str | bytes | int | float):
        return 0
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        return thing.size
    inner = [*getattr(thing, "__dict__", {}).values()]
    if isinstance(thing, dict):
        inner += thing.values()
    elif hasattr(thing, "__iter__") and hasattr(thing, "__len__"):
        inner += list(thing)
    return len(inner) + sum(held(one, seen) for one in inner)


def test_without_pyscenedetect_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scenedetect.detectors", None)
    with pytest.raises(SetupError, match="pip install scenedetect-headless"):
        SceneWatcher(media_of(1.0), ())
