"""A scene is pictured where there was a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.scenes.seen import SeenSpans
from framefleet.timebase import Span


def seen_of(told):
    """Pictures at 0, 1, 2, … s; "." for a gap."""
    seen = SeenSpans()
    for time, piece in enumerate(told):
        seen.gap() if piece == "." else seen.picture(float(time))
    return seen


@pytest.mark.parametrize(
    ("told", "span", "time"),
    [
        ("ppppp", (0, 9), 4.5),  # and so on to the end
        ("ppp......", (0, 9), 2.0),
        ("ppp......", (2, 9), 2.0),
        ("......ppp", (0, 9), 6.0),
        ("pp.....pp", (0, 9), 7.0),
        ("pp.....pp", (0, 7), 1.0),
        ("ppp......", (4, 9), 6.5),  # none in it
        (".........", (0, 9), 4.5),
    ],
)
def test_as_near_to_the_middle_as_there_was_one(told, span, time):
    assert seen_of(told).nearest(Span(*span)) == time


@given(st.text("p.", max_size=20), st.integers(0, 20), st.integers(1, 20))
def test_it_lies_within_the_span_and_at_no_gap_if_it_can(told, start, length):
    span = Span(float(start), float(start + length))
    time = seen_of(told).nearest(span)
    assert span.start_s <= time < span.end_s
    there = [k for k, piece in enumerate(told) if piece == "p" and span.start_s <= k < span.end_s]
    if there:
        assert not told[int(time) :].startswith(".")
