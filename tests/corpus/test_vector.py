"""What the figures of a video are, from its document alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from framefleet.corpus.figures import FIGURES, GROUPS
from framefleet.corpus.vector import covered_s, scaled, vector
from framefleet.schema.speech import Segment, Transcription
from framefleet.schema.text import TextResult
from tests.corpus.make import KINDS, made, written


def test_there_are_45_figures_and_a_palette_of_12() -> None:
    groups = [figure.group for figure in FIGURES.values()]
    assert groups.count("palette") == 12
    assert len(groups) == 45 + 12
    assert set(groups) == set(GROUPS)


def test_the_figures_of_a_list_by_hand() -> None:
    document = made("list", 0)
    values = vector(document).values
    cuts, length = [scene.start_s for scene in (document.scenes or ())[1:]], document.video.duration_s
    assert values["cuts_per_min"] == pytest.approx(60 * len(cuts) / length)
    assert values["first_shot_s"] == pytest.approx(cuts[0])
    assert values["aspect"] == pytest.approx(16 / 9)
    assert values["text_numbered"] == pytest.approx(len(cuts) / (len(cuts) + 1))
    assert values["text_call"] == 1.0
    assert values["speech_number"] == 1.0
    assert values["music_share"] == pytest.approx(1.0)
    assert values["people_share"] == 0.0
    assert values["light"] == pytest.approx(0.1, rel=0.1)
    assert set(values) == set(FIGURES)


@pytest.mark.parametrize(
    ("part", "unknown"),
    [
        ("scenes", ["rhythm"]),
        ("text", ["text"]),
        ("transcription", ["speech"]),
        ("sounds", ["sound"]),
        ("detections", ["people"]),
        ("results", ["look", "palette", "motion"]),
    ],
)
def test_what_was_not_looked_at_is_left_out_and_listed(part: str, unknown: list[str]) -> None:
    known = vector(made("talk", 0))
    found = vector(replace(made("talk", 0), **{part: UNSET if part == "results" else None}))
    assert found.unknown == unknown
    lost = {name for name, figure in FIGURES.items() if figure.group in unknown}
    if part == "transcription":
        lost.add("text_spoken")  # needs both
    assert found.values == {name: value for name, value in known.values.items() if name not in lost}
    row = scaled([found])[0]
    assert np.isinf(row).sum() == len(lost)


def test_what_is_not_there_is_known_not_to_be() -> None:
    found = vector(replace(made("talk", 0), text=TextResult([], 9, 0, 0)))
    assert found.unknown == []
    assert found.values["text_share"] == 0.0
    assert found.values["text_y"] is None
    place = list(FIGURES).index("text_y")
    assert math.isnan(scaled([found])[0][place])


def test_words_without_times_are_spread_over_their_segment() -> None:
    text = "one two three four"
    said = Transcription("en", text, [Segment(0.0, 4.0, text, -0.1, 0.0)])
    values = vector(replace(made("talk", 0), transcription=said)).values
    assert values["speech_words_per_min"] == pytest.approx(60)
    assert values["speech_first_s"] == 0.0


def test_text_that_runs_down_the_frame_is_as_high_as_its_line() -> None:
    tall = written(("SALE NOW", 0.0, 5.0), y=0, high=180)
    narrow = replace(tall, spans=[replace(tall.spans[0], box=(10, 0, 28, 180))])
    assert vector(replace(made("talk", 0), text=narrow)).values["text_size"] == pytest.approx(0.1)


def test_a_text_that_is_hardly_read_does_not_count() -> None:
    text = written(("|||", 0.0, 5.0))
    doubtful = replace(text, spans=[replace(text.spans[0], confidence=0.5)])
    assert vector(replace(made("talk", 0), text=doubtful)).values["text_share"] == 0.0


@pytest.mark.parametrize("kind", [*KINDS, "odd"])
def test_every_figure_has_words(kind: str) -> None:
    for name, value in vector(made(kind, 1)).values.items():
        if value is not None:
            assert "{" not in FIGURES[name].phrase(value)


spans = st.lists(st.tuples(st.floats(-5, 20), st.floats(0, 9)).map(lambda one: (one[0], one[0] + one[1])), max_size=8)


@given(spans, st.randoms())
def test_what_spans_cover_is_no_more_than_there_is_in_whatever_order(
    those: list[tuple[float, float]], rng: object
) -> None:
    covered = covered_s(those, 10.0)
    assert 0 <= covered <= 10.0
    ticks = np.arange(0, 10, 0.01) + 0.005
    counted = sum(any(a <= tick < b for a, b in those) for tick in ticks) / 100
    assert covered == pytest.approx(counted, abs=0.02 * (len(those) + 1))
    assert covered_s(list(reversed(those)), 10.0) == pytest.approx(covered)
