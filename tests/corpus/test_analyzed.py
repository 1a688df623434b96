"""Figures of videos of which only parts were analyzed: as of these parts, and of nothing between them."""

from typing import Any

import pytest
from msgspec.structs import replace

from framefleet.corpus.analyzed import without_gaps
from framefleet.corpus.explain import hook_words
from framefleet.corpus.vector import vector
from framefleet.schema.document import Document
from framefleet.timebase import Span
from tests.corpus.make import KINDS, made

LATER_S = 3600.0


def apart(document: Document, seam_s: float) -> Document:
    """The document as of a video whose second part, from `seam_s` on, is an hour later, and little was analyzed."""

    def moved(thing: Any, start_s: float, end_s: float) -> Any:
        return replace(thing, start_s=start_s + LATER_S * (start_s >= seam_s), end_s=end_s + LATER_S * (end_s > seam_s))

    def all_moved(things: Any) -> Any:
        return [moved(one, one.start_s, one.end_s) for one in things]

    length_s, said = document.video.duration_s, document.transcription
    assert document.scenes is not None
    assert document.text is not None
    assert document.sounds is not None
    assert said is not None
    scenes = []
    for scene in document.scenes:  # where a part begins, a scene begins
        if scene.start_s < seam_s < scene.end_s:
            scenes += [replace(scene, end_s=seam_s), moved(scene, seam_s, scene.end_s)]
        else:
            scenes += all_moved([scene])
    segments = [replace(moved(one, one.start_s, one.end_s), words=all_moved(one.words)) for one in said.segments]
    return replace(
        document,
        video=replace(document.video, duration_s=2 * LATER_S),
        config=replace(document.config, parts=[Span(0.0, seam_s), Span(seam_s + LATER_S, length_s + LATER_S)]),
        scenes=scenes,
        text=replace(document.text, spans=all_moved(document.text.spans)),
        sounds=replace(document.sounds, events=all_moved(document.sounds.events)),
        transcription=replace(said, segments=segments),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_those_of_the_parts_alone(kind: str) -> None:
    whole = made(kind, 0)
    expected, found = vector(whole).values, vector(apart(whole, 7.3)).values
    assert found.pop("duration_s") == 2 * LATER_S
    expected.pop("duration_s")
    assert found == pytest.approx(expected, abs=1e-6)


def test_where_a_part_begins_there_is_no_cut() -> None:
    whole = made("montage", 0)
    again = without_gaps(apart(whole, 7.3))
    assert [scene.start_s for scene in again.scenes or ()] == pytest.approx(
        [scene.start_s for scene in whole.scenes or ()]
    )


def test_the_hook_is_at_the_start_of_what_was_analyzed() -> None:
    whole = made("list", 0)
    later = replace(whole, config=replace(whole.config, parts=[Span(5.0, whole.video.duration_s)]))
    assert hook_words(later) != hook_words(whole)
    assert hook_words(later)[0]


def test_a_video_that_was_analyzed_whole_is_as_it_is() -> None:
    whole = made("talk", 0)
    assert without_gaps(whole) is whole
