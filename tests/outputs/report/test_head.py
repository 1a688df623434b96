"""What of a document goes into the page."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framefleet.outputs.report.head import GRID, head_of
from framefleet.schema.document import Document
from tests.outputs.report.test_columns import unpack
from tests.results.make import make_document


def columns_of(document: Document) -> tuple[dict[str, Any], dict[str, list[int]], dict[str, Any]]:
    head, packed = head_of(document, "clip.mp4", {0: "QUJD"}, wanted=True)
    lengths: Any = head["lengths"]
    columns, rest = unpack(lengths, packed)
    assert isinstance(rest, dict)
    return head, columns, rest


def test_boxes_are_right_to_half_a_step_of_the_grid() -> None:
    head, columns, _ = columns_of(make_document())
    unit = head["unit"]
    assert unit == 160 / GRID
    left, top = columns["boxLeft"][0] * unit, columns["boxTop"][0] * unit
    right, bottom = left + columns["boxWide"][0] * unit, top + columns["boxHigh"][0] * unit
    assert (left, top, right, bottom) == pytest.approx((1.0, 2.0, 3.0, 4.5), abs=unit / 2)


def test_pictures_that_nobody_answered_are_told_from_empty_ones() -> None:
    document = make_document()
    assert document.detections is not None
    empty = msgspec.structs.replace(document.detections[1], index=2, time_s=2.0, pts_s=2.0, objects=[])
    _, columns, _ = columns_of(msgspec.structs.replace(document, detections=[*document.detections, empty]))
    assert columns["sampleBoxes"] == [1, -1, 0]
    assert columns["sampleShown"] == [0, 1000, 2000]  # where no frame was decoded, the time that was asked for


def test_labels_stand_the_commonest_first_and_boxes_track_by_track() -> None:
    document = make_document()
    assert document.detections is not None
    thing = (document.detections[0].objects or [])[0]
    dogs = [msgspec.structs.replace(thing, label="dog", class_id=16)] * 2
    second = msgspec.structs.replace(document.detections[1], objects=[*dogs, thing])
    third = msgspec.structs.replace(second, index=2, time_s=2.0)
    head, columns, _ = columns_of(msgspec.structs.replace(document, detections=[document.detections[0], second, third]))
    assert head["seen"]["labels"] == ["dog", "person"]
    assert columns["boxTrack"] == sorted(columns["boxTrack"])
    assert sorted(columns["boxSample"]) == [0, 1, 1, 1, 2, 2, 2]


def test_a_keyframe_that_served_several_samples_is_one_picture() -> None:
    document = make_document()
    first = msgspec.structs.replace((document.detections or [])[0], pts_s=0.0)
    detections = [msgspec.structs.replace(first, index=n, time_s=float(n)) for n in range(3)]
    config = msgspec.structs.replace(document.config, sampling="keyframes")
    _, columns, _ = columns_of(msgspec.structs.replace(document, detections=detections, config=config))
    assert (columns["sampleShown"], columns["sampleBoxes"]) == ([0], [len(first.objects or ())])
    assert columns["boxSample"] == [0] * len(first.objects or ())


def test_a_segment_without_words_is_one_long_word() -> None:
    document = make_document()
    assert document.transcription is not None
    segment = msgspec.structs.replace(document.transcription.segments[0], words=[], text="Good day")
    said = msgspec.structs.replace(document.transcription, segments=[segment])
    _, columns, rest = columns_of(msgspec.structs.replace(document, transcription=said))
    assert rest["words"] == [" Good day"]
    assert columns["wordLong"] == columns["segmentLong"] == [400]


def test_failed_pictures_are_told_as_runs() -> None:
    document = make_document()
    failure = msgspec.structs.replace(document.failures[0], items=[1, 2, 3, 7, 9, 10])
    video = msgspec.structs.replace(document.video, duration_s=11.0)
    head, _, _ = columns_of(msgspec.structs.replace(document, video=video, failures=[failure]))
    assert head["failures"][0]["runs"] == [(3, 1.0, 4.0), (1, 7.0, 8.0), (2, 9.0, 11.0)]


def test_confidence_beyond_one_does_not_upset_the_order_of_boxes() -> None:
    document = make_document()
    assert document.detections is not None
    thing = (document.detections[0].objects or [])[0]
    sure = msgspec.structs.replace(document.detections[0], objects=[msgspec.structs.replace(thing, confidence=7.0)])
    _, columns, _ = columns_of(msgspec.structs.replace(document, detections=[sure]))
    assert columns["boxSure"] == [200]


ROUND = st.integers(0, 10_000).map(lambda n: n / 10_000)  # as workers send them; ties and near ties among them


@given(st.lists(ROUND | st.floats(0, 1), min_size=1), st.integers(0, 100))
@example([0.125, 0.375, 0.575, 0.025, 0.28999], 29)
def test_a_confidence_is_shown_as_the_terminal_does_and_filtered_as_it_is(confidences: list[float], least: int) -> None:
    document = make_document()
    assert document.detections is not None
    thing = (document.detections[0].objects or [])[0]
    things = [msgspec.structs.replace(thing, confidence=one) for one in sorted(confidences)]
    picture = msgspec.structs.replace(document.detections[0], objects=things)
    _, columns, _ = columns_of(msgspec.structs.replace(document, detections=[picture], tracks=None))
    sure = sorted(columns["boxSure"])
    shown = [f"{math.ceil(one / 2) / 100:.2f}" for one in sure]  # `hundredths` of `page/format.js`
    assert shown == [f"{one.confidence:.2f}" for one in things]
    let = [one >= 2 * least for one in sure]  # `lets` of `page/filters.js`
    assert let == [one.confidence >= least / 100 - 1e-11 for one in things]


def test_a_document_in_which_nothing_was_looked_for() -> None:
    nothing: dict[str, Any] = dict.fromkeys(("detections", "transcription", "scenes", "tracks", "sounds", "text"))
    head, columns, rest = columns_of(msgspec.structs.replace(make_document(), **nothing))
    assert head["seen"] is head["said"] is head["heard"] is head["written"] is None
    assert columns == {}
    assert rest == {"words": [], "texts": [], "scenes": None, "further": []}
    assert np.isfinite(head["unit"])
