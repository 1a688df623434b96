"""What a worker may say of a picture or a clip: brought back over a rounding, left out, or refused."""

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.options import Options
from framefleet.errors import BadReplyError
from framefleet.media.types import ClipTime, MediaInfo, PictureTime
from framefleet.protocol.ocr import OcrFrame, OcrReply, TextLine
from framefleet.protocol.whisper import WhisperReply, WhisperSegment, WhisperWord
from framefleet.protocol.yolo import FrameReply, YoloObject, YoloReply
from framefleet.schema.document import Crop
from framefleet.stages.base import Answer
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.speech.skipped import SentTime
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.text.stage import TextStage
from framefleet.timebase import Span

NAN, INF = math.nan, math.inf
MEDIA = MediaInfo(
    path=Path("v.mp4"), size_bytes=1, start=Fraction(0), duration_s=3.0, width=320, height=240, rotation=0, fps=25.0,
    codec="h264", frame_count=75, audio=None,
)  # fmt: skip
OPTIONS = Options(max_det=3)
FACTS = tuple(PictureTime(index, float(index), float(index)) for index in range(2))
WORKER = {"model": "m", "model_id": "id", "device": "cpu"}
GOOD: dict[str, Any] = {"class_id": 0, "label": "person", "confidence": 0.9, "box": [1.0, 2.0, 30.0, 40.0]}
LINE: dict[str, Any] = {"text": "EXIT", "confidence": 0.9, "box": [1.0, 2.0, 30.0, 40.0], "quad": None}


def seen(*pictures: list[dict[str, Any]], options: Options = OPTIONS) -> list[list[YoloObject] | None]:
    frames = [{"index": index, "time_s": 0.0, "objects": found} for index, found in enumerate(pictures)]
    stage = ObjectsStage().about(MEDIA, options)
    return [frame.objects for frame in stage.parse(FACTS[: len(frames)], {**WORKER, "frames": frames}).frames]


def read(*pictures: list[dict[str, Any]]) -> list[list[TextLine] | None]:
    frames = [{"index": index, "time_s": 0.0, "lines": found} for index, found in enumerate(pictures)]
    stage = TextStage().about(MEDIA, OPTIONS)
    return [frame.lines for frame in stage.parse(FACTS[: len(frames)], {**WORKER, "frames": frames}).frames]


BACK = [
    ({"box": [-0.4, -0.2, 320.3, 240.4]}, {"box": (0.0, 0.0, 320.0, 240.0)}),
    ({"box": [-30.0, 100.0, 50.0, 2600.0]}, {"box": (0.0, 100.0, 50.0, 240.0)}),
    ({"confidence": 1.0005}, {"confidence": 1.0}),
    ({"confidence": -1e-9}, {"confidence": 0.0}),
]
BOXES = [
    [-1e9, 1e308, 5e9, -5.0],
    [300.0, 200.0, 10.0, 5.0],
    [10.0, 200.0, 300.0, 5.0],
    [1.0, 2.0, 1e308, 40.0],
    [1.0, 2.0, 200_000.0, 480.0],
    [1.0, -70_000.0, 30.0, 40.0],
    [NAN, 2.0, 30.0, 40.0],
    [1.0, NAN, 30.0, NAN],
    [1.0, 2.0, INF, 40.0],
]
NUMBERS = [1e308, 1.1, -0.1, NAN, INF, -INF]


@pytest.mark.parametrize(("told", "meant"), BACK)
def test_what_is_beyond_by_a_rounding_or_over_the_edge_is_brought_back(
    told: dict[str, Any], meant: dict[str, Any]
) -> None:
    assert msgspec.structs.asdict(seen([{**GOOD, **told}])[0][0]) == {**GOOD, "box": (1.0, 2.0, 30.0, 40.0), **meant}  # type: ignore[index]
    assert msgspec.structs.asdict(read([{**LINE, **told}])[0][0]) == {**LINE, "box": (1.0, 2.0, 30.0, 40.0), **meant}  # type: ignore[index]


@pytest.mark.parametrize(
    "told",
    [
        *({"box": box} for box in BOXES),
        *({"confidence": number} for number in NUMBERS),
        {"class_id": -1},
        {"class_id": -(2**62)},
        {"class_id": 2**62},
        {"label": "x" * 3_000_000},
    ],
)
def test_an_object_that_cannot_be_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError, match="the worker "):
        seen([{**GOOD, **told}])
    assert len(seen([{**GOOD, **told}], [GOOD])) == 1, "the other picture of the request is answered"


@pytest.mark.parametrize(
    "told",
    [
        *({"box": box} for box in BOXES),
        *({"confidence": number} for number in NUMBERS),
        {"quad": [[1, 2], [NAN, 2], [30, 40], [1, 40]]},
        {"quad": [[1, 2], [30, 2], [30, 400_000], [1, 40]]},
        {"text": "x" * 3_000_000},
    ],
)
def test_a_line_of_text_that_cannot_be_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError, match="the worker "):
        read([{**LINE, **told}])
    assert len(read([{**LINE, **told}], [LINE])) == 1


def test_more_lines_than_anybody_writes_are_refused() -> None:
    with pytest.raises(BadReplyError, match="9000 lines"):
        read([LINE] * 9000)


def test_of_more_boxes_than_asked_for_the_surest_are_taken_in_their_order() -> None:
    found = [{**GOOD, "confidence": confidence} for confidence in (0.2, 0.9, 0.1, 0.8, 0.3)]
    assert [thing.confidence for thing in seen(found)[0] or ()] == [0.9, 0.8, 0.3]
    assert len(seen([GOOD] * 9000)[0] or ()) == 3
    with pytest.raises(BadReplyError):
        seen([*found, {**GOOD, "confidence": NAN}])


def test_classes_that_were_not_asked_for_are_left_out() -> None:
    found = [{**GOOD, "class_id": number} for number in (0, 7, 2)]
    assert [thing.class_id for thing in seen(found, options=Options(classes=(2, 0)))[0] or ()] == [0, 2]
    assert seen([{**GOOD, "class_id": 7}], options=Options(classes=(0,))) == [[]], "nothing is an answer"


def test_the_edges_are_those_of_the_crop() -> None:
    cropped = Options(crop=Crop(10, 10, 100, 50))
    assert seen([{**GOOD, "box": [1.0, 2.0, 150.0, 40.0]}], options=cropped)[0][0].box[2] == 100.0  # type: ignore[index]


@pytest.mark.parametrize("box", [[330.0, 2.0, 340.0, 40.0], [1.0, 250.0, 30.0, 260.0], [-30.0, 2.0, -1.0, 40.0]])
def test_what_is_beside_the_picture_is_left_out(box: list[float]) -> None:
    assert [thing.box for thing in seen([{**GOOD, "box": box}, GOOD])[0] or ()] == [(1.0, 2.0, 30.0, 40.0)]
    assert read([{**LINE, "box": box}]) == [[]], "nothing is an answer"


def test_a_picture_of_which_nothing_is_said_is_left_out() -> None:
    frames = [{"index": 0, "time_s": 0.0, "objects": None}, {"index": 1, "time_s": 0.0, "objects": []}]
    assert len(ObjectsStage().parse(FACTS, {**WORKER, "frames": frames}).frames) == 1


@pytest.mark.parametrize("stage", [ObjectsStage(), TextStage()])
def test_without_what_was_asked_at_hand_the_most_that_a_request_allows_holds(stage: Any) -> None:
    kind, thing = ("objects", GOOD) if isinstance(stage, ObjectsStage) else ("lines", LINE)
    for box in ([-1e9, 1e308, 5e9, -5.0], [300.0, 200.0, 10.0, 5.0], [1.0, 2.0, 1e6, 40.0]):
        frames = [{"index": 0, "time_s": 0.0, kind: [{**thing, "box": box}]}]
        with pytest.raises(BadReplyError):
            stage.parse(FACTS[:1], {**WORKER, "frames": frames})


@pytest.mark.parametrize("what", ["model", "model_id", "device", "gpu"])
def test_a_name_that_is_none_is_refused(what: str) -> None:
    with pytest.raises(BadReplyError, match="3000000 characters"):
        ObjectsStage().parse(
            FACTS[:1], {**WORKER, what: "x" * 3_000_000, "frames": [{"index": 0, "time_s": 0, "objects": []}]}
        )


numbers = st.one_of(
    st.floats(), st.floats(-50, 400), st.sampled_from([0.0, 320.0, 240.0, 1.0, 1e308, NAN, INF, -0.0, 5e-324])
)
objects = st.fixed_dictionaries(
    {
        "class_id": st.integers(-(2**63), 2**63 - 1) | st.integers(0, 90),
        "label": st.text(max_size=5),
        "confidence": numbers,
        "box": st.lists(numbers, min_size=4, max_size=4),
    }
)


@given(st.lists(objects, max_size=6))
def test_whatever_is_believed_can_be(found: list[dict[str, Any]]) -> None:
    try:
        believed = seen(found)[0] or []
    except BadReplyError:
        return
    assert len(believed) <= OPTIONS.max_det
    for thing in believed:
        x1, y1, x2, y2 = thing.box
        assert 0 <= x1 <= x2 <= 320 and 0 <= y1 <= y2 <= 240
        assert 0 <= thing.confidence <= 1 and thing.class_id >= 0


@given(st.lists(objects, max_size=6))
def test_whatever_an_older_version_has_kept_becomes_a_document(found: list[dict[str, Any]]) -> None:
    """It took such answers as they came: what cannot be is left out, what is good stays."""
    kept = [*found, {**GOOD, "label": "the good one", "confidence": 1.0}]
    things = msgspec.convert(kept, list[YoloObject])
    reply = YoloReply(**WORKER, frames=[FrameReply(0, 0.0, things), FrameReply(1, 1.0, None, "no JPEG")])
    options = Options(max_det=10, fps=1)
    detections = ObjectsStage().merge(MEDIA, options, [Answer(FACTS, reply)])
    assert detections[1].objects is None
    assert "the good one" in {thing.label for thing in detections[0].objects or ()}
    for thing in detections[0].objects or ():
        x1, y1, x2, y2 = thing.box
        assert 0 <= x1 <= x2 <= 320 and 0 <= y1 <= y2 <= 240 and 0 <= thing.confidence <= 1


@pytest.mark.parametrize("box", BOXES)
def test_text_that_an_older_version_has_kept_becomes_a_document(box: list[float]) -> None:
    lines = msgspec.convert([{**LINE, "text": "no", "box": box}, LINE], list[TextLine])
    unchanged = OcrFrame(1, 1.0, None, unchanged=True)
    reply = OcrReply(**WORKER, frames=[OcrFrame(0, 0.0, lines), unchanged])
    text = TextStage().merge(MEDIA, Options(fps=1), [Answer(FACTS, reply)])
    assert [span.text for span in text.spans] == ["EXIT"]


# Sound.


def said(**told: Any) -> WhisperReply:
    """A reply about five seconds, with something else in it: of its segment, its word, or itself."""
    word: dict[str, Any] = {"start_s": 0.0, "end_s": 1.0, "word": " hello", "probability": 0.9}
    segment: dict[str, Any] = {
        "start_s": 0.0,
        "end_s": 5.0,
        "text": " hello",
        "avg_logprob": -0.1,
        "no_speech_prob": 0.1,
    }
    reply: dict[str, Any] = {**WORKER, "language": "en", "language_probability": 0.9}
    for part in (word, segment, reply):
        part |= {name: told.pop(name) for name in list(told) if name in part}
    segment |= {"words": [word] * told.pop("words", 1)}
    return SpeechStage().parse(
        (SentTime(0, Span(0.0, 5.0)),), {**reply, "segments": [segment] * told.pop("segments", 1)}
    )


def test_probabilities_are_brought_back_over_a_rounding() -> None:
    reply = said(probability=1.001, no_speech_prob=-1e-9, language_probability=1.0001)
    assert (reply.segments[0].words[0].probability, reply.segments[0].no_speech_prob) == (1.0, 0.0)
    assert reply.language_probability == 1.0


@pytest.mark.parametrize(
    "told",
    [
        *({name: number} for name in ("probability", "no_speech_prob", "language_probability") for number in NUMBERS),
        *({"avg_logprob": number} for number in (NAN, INF, -INF)),
        *({name: "x" * 3_000_000} for name in ("text", "word", "language", "model")),
        {"segments": 9000},
        {"words": 9000},
    ],
)
def test_speech_that_cannot_be_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError, match="the worker "):
        said(**told)


def test_speech_that_an_older_version_has_kept_becomes_a_document() -> None:
    words = [WhisperWord(0.0, 1.0, " hello", 1e308)]
    segment = WhisperSegment(0.0, 5.0, " hello", -1e308, 1e308, words)
    reply = WhisperReply(**WORKER, language="en", language_probability=1e308, segments=[segment] * 2)
    transcription = SpeechStage().merge(MEDIA, Options(), [Answer((SentTime(0, Span(0.0, 5.0)),), reply)])
    assert transcription.language == "en"


def heard(**told: Any) -> list[list[tuple[str, float]]]:
    one: dict[str, Any] = {"class_id": 0, "label": "Dog", "score": 0.5}
    one |= {name: told.pop(name) for name in list(told) if name in one}
    piece = {"start_s": 0.0, "end_s": 5.0, "classes": [one] * told.pop("classes", 1)}
    output = {**WORKER, "slice_s": 5.0, "hop_s": 5.0, "slices": [piece] * told.pop("slices", 1)}
    reply = SoundsStage().parse((ClipTime(0, Span(0.0, 5.0)),), output)
    return [[(found.label, found.score) for found in piece.classes] for piece in reply.slices]


def test_of_a_slice_s_classes_as_many_are_taken_as_were_asked_for() -> None:
    assert heard(score=1.0004) == [[("Dog", 1.0)]]
    assert [len(piece) for piece in heard(classes=527, slices=2)] == [10, 10]


@pytest.mark.parametrize(
    "told",
    [
        *({"score": number} for number in NUMBERS),
        {"class_id": -1},
        {"class_id": 2**62},
        {"label": "x" * 3_000_000},
        {"slices": 9000},
    ],
)
def test_sounds_that_cannot_be_are_refused(told: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError, match="the worker "):
        heard(**told)


def test_a_file_of_sound_alone_has_no_edges() -> None:
    audio = replace(MEDIA, has_video=False, width=0, height=0)
    assert ObjectsStage().about(audio, OPTIONS).seen == ObjectsStage.seen
