"""Scenes cover a video, and each time and stretch finds its own."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.scene import (
    scene_at,
    scene_of,
    scenes_between,
    scenes_of,
)
from framefleet.timebase import Span

SCENES = scenes_between([2.0, 5.0], [Span(0.0, 10.0)])
APART = scenes_of([Span(1.0, 2.0), Span(4.0, 6.0)])
TICKS = st.integers(-10, 120).map(lambda tick: tick / 10)


@given(st.lists(TICKS), st.integers(1, 100).map(lambda tick: tick / 10))
def test_any_cuts_give_scenes_that_cover_the_video(cuts, duration):
    scenes = scenes_between(cuts, [Span(0.0, duration)])
    assert [scene.index for scene in scenes] == list(range(len(scenes)))
    assert (scenes[0].start_s, scenes[-1].end_s) == (0.0, duration)
    assert all(a.end_s == b.start_s for a, b in pairwise(scenes))
    assert all(scene.start_s < scene.thumbnail_s < scene.end_s for scene in scenes)
    assert {scene.start_s for scene in scenes} == {0.0} | {cut for cut in cuts if 0 < cut < duration}


@given(TICKS)
def test_scene_at(time):
    for scenes in (SCENES, APART, []):
        fitting = [scene for scene in scenes if scene.start_s <= time < scene.end_s]
        assert scene_at(scenes, time) == (fitting[0] if fitting else None)


@given(TICKS, TICKS)
def test_a_stretch_belongs_to_the_scene_it_shares_most_with(one, other):
    span = Span(min(one, other), max(one, other))
    for scenes in (SCENES, APART, []):
        found = scene_of(scenes, span)
        shared = [min(s.end_s, span.end_s) - max(s.start_s, span.start_s) for s in scenes]
        if span.length_s == 0:
            assert found == scene_at(scenes, span.start_s)
        elif not shared or max(shared) <= 0:
            assert found is None
        else:
            assert found == scenes[shared.index(max(shared))]


def test_nothing_lasts_no_time():
    assert scenes_between([0.0, 1.0], [Span(0.0, 0.0)]) == []
